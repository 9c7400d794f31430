"""What a choreographer keeps beside its journal: plans, executors and sessions, in one file."""

import os
from pathlib import Path

import msgspec
from msgspec.structs import replace

from fabloop.adapters.arrowhead.four import steps
from fabloop.base.errors import Broken, Conflict, NotFound
from fabloop.base.instant import Instant
from fabloop.model.recipe import ProductionRecipe
from fabloop.services.cloud.choreography import Executor

LEDGER_FILE = "choreographer.json"
SESSIONS_MAX = 1_000
"""Sessions that are remembered; the oldest that have ended are forgotten first."""
PLANS_MAX = 1_000
EXECUTORS_MAX = 1_000


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan: a recipe, and the request it came with where it came over the wire."""

    number: int
    name: str
    recipe: ProductionRecipe
    created_at: Instant
    request: steps.PlanRequest | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that is or was carried out; `instance` is the process that does it."""

    number: int
    plan: int
    name: str
    status: steps.SessionStatus
    started_at: Instant
    order: str = ""
    notify_url: str = ""

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.status in (steps.SessionStatus.INITIATED, steps.SessionStatus.RUNNING)


class _Page(msgspec.Struct, kw_only=True):
    next_number: int = 1
    plans: dict[int, Plan] = {}
    executors: dict[str, Executor] = {}
    sessions: dict[int, Session] = {}


class Ledger:
    """The file, read once and replaced as a whole with each change; its owner takes care of locks.

    Raises
    ------
    Broken
        The file holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LEDGER_FILE
        self._page = _Page()
        if self._path.is_file():
            try:
                self._page = msgspec.json.decode(self._path.read_bytes(), type=_Page)
            except msgspec.DecodeError as error:
                raise Broken(f"Expected plans and executors in '{self._path}', but {error}.") from (
                    error
                )

    @property
    def plans(self) -> list[Plan]:
        """All plans, oldest first."""
        return list(self._page.plans.values())

    @property
    def executors(self) -> list[Executor]:
        """All executors, oldest first."""
        return list(self._page.executors.values())

    @property
    def sessions(self) -> list[Session]:
        """The sessions that are known, oldest first."""
        return list(self._page.sessions.values())

    def plan(self, number: int) -> Plan:
        """Return a plan; raises NotFound."""
        found = self._page.plans.get(number)
        if found is None:
            raise NotFound(f"Expected a plan with id {number}, but there is none. Add it first.")
        return found

    def session(self, number: int) -> Session | None:
        """Return a session; None: it is unknown."""
        return self._page.sessions.get(number)

    def add_plan(
        self, recipe: ProductionRecipe, name: str, at: Instant, request: steps.PlanRequest | None
    ) -> Plan:
        """Keep a plan; raises Conflict for a name that is taken, or too many plans."""
        if any(each.name == name for each in self._page.plans.values()):
            raise Conflict(
                f"Expected a plan with a name of its own, but '{name}' is there. Choose another."
            )
        if len(self._page.plans) >= PLANS_MAX:
            raise Conflict(f"Expected at most {PLANS_MAX} plans. Remove one that is not needed.")
        plan = Plan(number=self._number(), name=name, recipe=recipe, created_at=at, request=request)
        self._page.plans[plan.number] = plan
        self._write()
        return plan

    def drop_plan(self, number: int) -> None:
        """Forget a plan; raises NotFound."""
        del self._page.plans[self.plan(number).number]
        self._write()

    def put_executor(self, wish: Executor) -> Executor:
        """Keep an executor; one with the same key is replaced and keeps its number."""
        old = self._page.executors.get(wish.key)
        if old is None and len(self._page.executors) >= EXECUTORS_MAX:
            raise Conflict(f"Expected at most {EXECUTORS_MAX} executors. Unregister one.")
        number = old.number if old is not None else self._number()
        created_at = old.created_at if old is not None else wish.created_at
        kept = replace(wish, number=number, created_at=created_at)
        self._page.executors[kept.key] = kept
        self._write()
        return kept

    def drop_executors(self, address: str, port: int, base_uri: str) -> None:
        """Forget the executors at a place."""
        place = (address, port, base_uri)
        gone = [
            key
            for key, each in self._page.executors.items()
            if (each.address, each.port, each.base_uri) == place
        ]
        for key in gone:
            del self._page.executors[key]
        if gone:
            self._write()

    def put_session(self, session: Session) -> None:
        """Keep how far a session is."""
        known = self._page.sessions
        known[session.number] = session
        ended = [number for number, each in known.items() if not each.runs]
        for number in ended[: max(0, len(known) - SESSIONS_MAX)]:
            del known[number]
        self._write()

    def _number(self) -> int:
        self._page.next_number += 1
        return self._page.next_number - 1

    def _write(self) -> None:
        """Replace the file at once, so that it is whole whenever we end."""
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(self._page))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
