"""A small plant behind the choreographer's ports: offers, systems and an executor in memory."""

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from fabloop.adapters.arrowhead.four import steps, wire
from fabloop.app.choreography.desk import Desk
from fabloop.app.choreography.ports import Bound
from fabloop.base.errors import Unavailable

RECIPE = (Path(__file__).parents[3] / "examples/cloud/car-assembly.json").read_bytes()
"""The final assembly of a car in three steps, with the services of each."""
WORK = [
    ("1", "transport"), ("1", "Welding"), ("1", "Assembling"),
    ("2", "transport"), ("2", "Welding"), ("2", "Welding"), ("2", "Assembling"),
    ("3", "transport"), ("3", "Welding"), ("3", "Assembling"), ("3", "Trimming"),
]  # fmt: skip
"""Step and service of every job of the recipe, in the order in which they are done."""


class SmallPlant:
    """Offers by service, each of one system; a step is done as soon as it is begun.

    Attributes
    ----------
    silent : systems that take a task and are never heard of again
    dying : executors that take one step, and are never heard of again
    deaf : systems that cannot be told that they are bound
    slow_s : how long the next offer takes to be given
    status : what becomes of a task, by system
    done : step and service of what was done, in order, with the system
    """

    def __init__(self, offers: dict[str, list[str]]) -> None:
        self.offers_of = offers
        self.locked: dict[str, str] = {}
        self.silent: set[str] = set()
        self.deaf: set[str] = set()
        self.dying: set[str] = set()
        self.dead: set[str] = set()
        self.status: dict[str, str] = {}
        self.done: list[tuple[str, str, str]] = []
        self.begun: Counter[str] = Counter()
        self.aborted: list[int] = []
        self.late: list[steps.ExecuteRequest] = []
        self.desk: Desk | None = None
        self.slow_s = 0.0
        self.lock = threading.Lock()
        self.before_start: Callable[[steps.ExecuteRequest], None] = lambda _: None

    # bindings

    def providers(self, definition):
        return frozenset(self.offers_of.get(definition, ()))

    def hold(self, definition, avoided, for_s):
        slow_s, self.slow_s = self.slow_s, 0.0
        threading.Event().wait(slow_s)
        with self.lock:
            for system in self.offers_of.get(definition, ()):
                offer = f"{system}|{definition}|1.0.0"
                if system not in avoided and offer not in self.locked:
                    self.locked[offer] = definition
                    return Bound(provider=system, offer=offer, result=_result(system, definition))
        return None

    def keep(self, offer, for_s):
        assert offer in self.locked

    def release(self, offer):
        with self.lock:
            del self.locked[offer]

    def held(self):
        return frozenset(self.locked)

    def push(self, bound, executor):
        if bound.provider in self.deaf:
            raise Unavailable(f"Expected {bound.provider} to answer, but nobody does.")
        self.desk.heard(
            wire.EventMessage(
                event_type="applicationsystemready",
                meta_data={"systemName": bound.provider},
                payload="",
                time_stamp="2026-11-22T10:00:00Z",
            )
        )
        return True

    # hands

    def start(self, executor, wish):
        self.before_start(wish)
        if executor.system in self.dead:
            raise Unavailable(f"Expected {executor.system} to answer, but nobody does.")
        if executor.system in self.dying:
            self.dead.add(executor.system)
            return
        system = wish.main_orchestration_result.provider.system_name
        told = wish.static_parameters
        self.begun[system] += 1
        if system in self.silent:
            self.late.append(wish)
            return
        status = self.status.get(system, "SUCCESS")
        if status == "SUCCESS":
            self.done.append((told["step"], told["skill"], system))
        threading.Thread(target=self.tell, args=(wish, status)).start()

    def abort(self, executor, wish):
        self.aborted.append(wish.session_step_id)

    def tell(self, wish, status="SUCCESS"):
        self.desk.step_done(
            steps.StepResult(
                session_id=wish.session_id,
                session_step_id=wish.session_step_id,
                status=status,
                message=status.lower(),
            )
        )


def _result(system, definition):
    return wire.OrchestrationResult(
        provider=wire.SystemResponse(system_name=system, address="127.0.0.1", port=1),
        service=wire.DefinitionResponse(service_definition=definition),
        interfaces=[wire.InterfaceResponse(interface_name="HTTP-SECURE-JSON")],
    )


def offers(**more):
    return {
        "transport": ["Crane"],
        "welding": ["RobotA", "RobotB"],
        "assembling": ["Assembler"],
        "trimming": ["Trimmer"],
        **more,
    }
