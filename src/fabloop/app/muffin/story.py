"""What the runtime has to be told about muffins: batches, recipes, burnt loads."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from fabloop.app.muffin.chains import Chains
from fabloop.app.muffin.data import BakeryData
from fabloop.app.muffin.documents import Bakery
from fabloop.app.muffin.lots import AGAIN, Lots, details_of
from fabloop.app.muffin.machines import Machines
from fabloop.app.muffin.recovery import Recovery
from fabloop.app.processes.service import Service
from fabloop.app.service_runtime.calls import Came, NotNow
from fabloop.app.service_runtime.directory import Candidate
from fabloop.app.service_runtime.errands import Complete, Errand, Task, Verdict
from fabloop.app.service_runtime.facts import ProcessBegan, StoryTold
from fabloop.app.service_runtime.log import FactLog
from fabloop.app.service_runtime.runtime import Runtime
from fabloop.base.codec import plain
from fabloop.base.instant import Instant
from fabloop.model.service import Literal
from fabloop.plan.batching import Batch, Request, batches, closing
from fabloop.process.commands import Deploy, InstanceCreated, ProcessDeployed, StartInstance
from fabloop.sim.bakery.customers import MuffinOrder

ORDER, BATCH = "muffin-order", "muffin-batch"
JOIN = "join-batch"
OVERCOOK, BAKE = "overcook", "bake"
CLOSED, RECEIVED = "batch closed", "order received"


class Muffins:
    """Orders to instances, waiting orders to batches, batches to instances."""

    handled = (JOIN,)

    def __init__(self, bakery: Bakery, kernel: Service, log: FactLog) -> None:
        self.bakery = bakery
        self._kernel = kernel
        self._log = log
        self._orders = {each.id: each for each in bakery.orders}
        self._received: set[str] = set()
        self._joined: dict[str, str] = {}
        self.waiting: dict[str, Errand] = {}
        self.lots = Lots(bakery.orders, log)
        self.runtime: Runtime | None = None
        self.machines: Machines | None = None
        self.data: BakeryData | None = None
        self.recovery: Recovery | None = None
        self.chains: Chains | None = None

    # -- opening ------------------------------------------------------------------------------

    def open(self, now: Instant) -> None:
        """Make the processes known, and what the log tells of an earlier run."""
        for name in (ORDER, BATCH):
            data = (self.bakery.folder / f"{name}.bpmn").read_bytes()
            reply = self._kernel.submit(Deploy(process=data))
            assert isinstance(reply, ProcessDeployed), "a deployment is answered with versions"
        for _, fact in tuple(self._log.history):
            if isinstance(fact, StoryTold) and fact.what == RECEIVED:
                self._begin_order(self._orders[fact.about], now, again=True)
            elif isinstance(fact, StoryTold) and fact.what == CLOSED:
                self._begin_batch(fact.about, cast("dict[str, Any]", fact.details), now, again=True)
            elif isinstance(fact, StoryTold) and fact.what == AGAIN:
                self.lots.recall(fact)

    # -- orders -------------------------------------------------------------------------------

    def receive(self, now: Instant) -> bool:
        """Take the orders that have come; tell whether there was one."""
        due = [e for e in self._to_come() if e.received_at <= now]
        for order in due:
            details = cast("dict[str, object]", plain(order))
            self._log.tell(now, StoryTold(what=RECEIVED, about=order.id, details=details))
            self._begin_order(order, now)
        return bool(due)

    def next_order_at(self) -> Instant | None:
        """Return when the next order comes."""
        return min((each.received_at for each in self._to_come()), default=None)

    def _to_come(self) -> Iterator[MuffinOrder]:
        return (each for each in self.bakery.orders if each.id not in self._received)

    def _begin_order(self, order: MuffinOrder, now: Instant, *, again: bool = False) -> None:
        self._received.add(order.id)
        if self.data is not None:
            self.data.received(order)
        variables: dict[str, object] = {
            "order": order.id,
            "qr": order.qr,
            "type": order.type,
            "pieces": order.pieces,
            "boxes": order.boxes,
            "topping": order.topping,
            "liner_colour": order.liner_colour,
            "box_colour": order.box_colour,
            "courier": order.courier,
        }
        self._begin(ORDER, order.id, variables, now, again=again)

    def _begin(
        self, process: str, about: str, variables: dict[str, object], now: Instant, *, again: bool
    ) -> None:
        """Start an instance, once: the same request is answered as before."""
        command = StartInstance(process=process, variables=variables, business_key=about)
        reply = self._kernel.submit(command, request=f"begin/{about}")
        assert isinstance(reply, InstanceCreated), "a start is answered with an instance"
        if again:
            return
        self._log.tell(
            now,
            ProcessBegan(
                about=about,
                process=process,
                version=reply.definition.version,
                instance=reply.instance,
            ),
        )

    # -- batches ------------------------------------------------------------------------------

    def handle(self, errand: Errand, now: Instant) -> None:
        """Let an order wait for its batch; one that has one already goes on."""
        order = errand.task.about
        if order in self._joined:
            self._finish(errand, self._joined[order])
            return
        errand.begun_at = now
        self.waiting[order] = errand

    def close_batches(self, now: Instant) -> bool:
        """Begin the batches whose time has come; tell whether there was one."""
        found = closing(self._batches(), now)
        for each in found:
            lot = f"batch-{len(set(self._joined.values())) + 1:03d}"
            details = details_of([self._orders[request.id] for request in each.requests])
            self._log.tell(now, StoryTold(what=CLOSED, about=lot, details=details))
            self._begin_batch(lot, details, now)
        return bool(found)

    def next_batch_at(self) -> Instant | None:
        """Return when the next batch is closed."""
        return min((each.due for each in self._batches()), default=None)

    def _batches(self) -> tuple[Batch, ...]:
        waiting = (
            Request(
                id=order,
                recipe=self._orders[order].type,
                size=self._orders[order].pieces,
                since=self._orders[order].received_at,
            )
            for order in self.waiting
        )
        return batches(waiting, self.bakery.policy)

    def _begin_batch(
        self, lot: str, details: Mapping[str, Any], now: Instant, *, again: bool = False
    ) -> None:
        self.lots.add(lot, lot, details)
        for order in details["orders"]:
            self._joined[order] = lot
        baking = self.bakery.baking
        variables: dict[str, object] = {
            "lot": lot,
            **{name: details[name] for name in ("type", "pieces", "contents", "labels")},
            "temperature_c": baking.temperature_c,
            "minutes": baking.minutes,
        }
        self._begin(BATCH, lot, variables, now, again=again)
        for order in details["orders"]:
            errand = self.waiting.pop(order, None)
            if errand is not None:
                self._finish(errand, lot)

    def _finish(self, errand: Errand, lot: str) -> None:
        assert self.runtime is not None, "the runtime was made before"
        self.runtime.finish(errand, {"batch": lot})

    # -- calls --------------------------------------------------------------------------------

    def given(self, task: Task, candidate: Candidate, now: Instant) -> dict[str, object]:
        """Return what a call needs that its process does not know."""
        lot = str(task.variables.get("lot", ""))
        details = dict(self.lots.details(lot))
        values: dict[str, object] = {
            "temperature_c": self.bakery.baking.temperature_c,
            "minutes": self.bakery.baking.minutes,
            **details,
        }
        if candidate.operation.name == "doseIngredients":
            assert self.data is not None, "the story was opened"
            kind, number = str(details["type"]), int(details["pieces"])
            drawn = self.chains.dosing(lot) if self.chains is not None else None
            names, masses = drawn or self.data.ingredients(lot, kind, number, now)
            values |= {"setOfIngredients": names, "setOfQuantities": masses}
        return values

    def seen(
        self,
        candidate: Candidate,
        given: dict[str, object],  # noqa: ARG002
        result: dict[str, object],
    ) -> tuple[Literal, ...]:
        """Return what an answer tells of how things are."""
        if candidate.operation.name != OVERCOOK:
            return ()
        burnt = cast("list[dict[str, object]]", result["overcooked"])
        return tuple(
            Literal(fluent="overcooked", arguments=(str(each["QRCode"]),)) for each in burnt
        )

    def answered(self, errand: Errand, now: Instant) -> Verdict:
        """Judge an answer: may the process go on?"""
        candidate = errand.candidate
        if candidate is None or self.recovery is None:
            return Complete()
        if candidate.operation.name == BAKE:
            self.recovery.baked(errand, now)
        if candidate.operation.name != OVERCOOK:
            return Complete()
        return self.recovery.judged(errand, now)

    def troubled(self, errand: Errand, came: Came, now: Instant) -> None:
        """Hear of a call that did not end well: a machine that cannot is looked after."""
        if isinstance(came, NotNow) and errand.candidate is not None:
            assert self.machines is not None, "the story was opened"
            self.machines.look_at(str(errand.candidate.service.id), now)
            self.waits(errand, now)

    def turn(self, errand: Errand, now: Instant) -> Instant:
        """Return when it is an errand's turn at whoever does it."""
        return now if self.recovery is None else self.recovery.turn(errand, now)

    def waits(self, errand: Errand, now: Instant) -> None:
        """Hear of a job that nobody can do now: a load whose oven stands may go elsewhere."""
        if self.recovery is not None and errand.task.headers.get("skill") == BAKE:
            self.recovery.waits(errand, now)
