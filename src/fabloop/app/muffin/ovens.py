"""The own ovens: which loads wait for them, when each has its turn, and in what order at best."""

from collections.abc import Callable, Iterable, Mapping

from fabloop.adapt.resequence import Line, NoLine, Slot, Waiting, in_turn, resequenced
from fabloop.app.muffin.damage import HOME
from fabloop.app.muffin.lots import Lots
from fabloop.app.muffin.machines import Machines
from fabloop.app.service_runtime.errands import Errand, Phase
from fabloop.app.service_runtime.facts import CallAnswered, OvenScheduled, TurnTold
from fabloop.app.service_runtime.runtime import Runtime
from fabloop.base.instant import MINUTE, Instant, instant_of
from fabloop.model.service import ServiceOperation

BAKE = "bake"
BAKING_NS = 35 * MINUTE
"""What a load takes in an oven that does not say how long."""


class Ovens:
    """Keeps the turns of loads at the ovens that stand where loads are made.

    A load that waits has a turn; it is sent to its oven then and not before, so that it is the
    turns, and not who asks first, that decide. Turns are facts: they outlast a crash.
    """

    def __init__(
        self,
        runtime: Runtime,
        machines: Machines,
        lots: Lots,
        deadline: Callable[[str], Instant],
    ) -> None:
        self._runtime = runtime
        self._machines = machines
        self._lots = lots
        self._deadline = deadline
        self._names: tuple[str, ...] = ()
        self._takes: dict[str, int] = {}
        self._turns: dict[str, Slot] = {}
        for _, fact in runtime.log.history:
            if isinstance(fact, OvenScheduled):
                self._turns = {each.load: _slot(each) for each in fact.turns}
            elif isinstance(fact, CallAnswered) and fact.operation == BAKE:
                self.baked(fact.service, str(fact.given.get("lot", "")), fact.result)

    # -- what is known of ovens ---------------------------------------------------------------

    def names(self) -> tuple[str, ...]:
        """Return the ovens that bake what is at home."""
        if not self._names:
            self._names = self._found()
        return self._names

    def _found(self) -> tuple[str, ...]:
        return tuple(
            sorted(
                str(service.id)
                for service in self._runtime.directory.services.values()
                if any(_bakes_here(each) for each in service.operations)
            )
        )

    def baked(self, oven: str, lot: str, result: Mapping[str, object]) -> None:
        """Take note of a load that came out: its turn is over, and how long it took."""
        self._turns.pop(lot, None)
        begun, ended = result.get("begun_at"), result.get("ended_at")
        if isinstance(begun, str) and isinstance(ended, str):
            self._takes[oven] = instant_of(ended) - instant_of(begun)

    def takes_ns(self, oven: str) -> int:
        """Return how long an oven takes: as it is described, or longer if it took longer last."""
        found = self._runtime.directory.services[oven].operations
        said = next((each.duration_ns for each in found if _bakes_here(each)), None)
        return max(said or BAKING_NS, self._takes.get(oven, 0))

    def back_at(self, oven: str) -> Instant | None:
        """Return when an oven can be asked again; None where it can be now.

        One that gives no answer is left alone for a while: that is as if it did not work.
        """
        times = (self._machines.back_at(oven), self._runtime.leases.silent_until(oven))
        return max((each for each in times if each is not None), default=None)

    def all_back_at(self) -> Instant | None:
        """Return when the first oven can be asked again; None where one can be now."""
        times = [self.back_at(each) for each in self.names()]
        known = [each for each in times if each is not None]
        return min(known) if len(known) == len(times) and known else None

    # -- turns --------------------------------------------------------------------------------

    def turn(self, errand: Errand, now: Instant) -> Instant:
        """Return when a load is sent to its oven; one that has no turn goes behind those."""
        lot = str(errand.task.variables.get("lot", ""))
        if not self.wants(errand) or not self.names():
            return now
        if lot in self._turns:
            return self._turns[lot].begins_at
        return self.queued_until(errand, now) or now

    def queued_until(self, errand: Errand, now: Instant) -> Instant | None:
        """Return when a load comes behind those that have turns; None where it has no need to."""
        lot = str(errand.task.variables.get("lot", ""))
        if lot in self._turns or not any(e.begins_at > now for e in self._turns.values()):
            return None
        begins_at = self.line(lot, now).slot(lot).begins_at
        return begins_at if begins_at > now else None

    def line(self, lot: str, now: Instant) -> Line:
        """Return the turns as they are, with a load that has none behind them."""
        return in_turn(self._waiting(lot, now), self._free_at(now))

    def reordered(self, lot: str, now: Instant, seconds: float) -> Line | NoLine:
        """Return turns in another order, with which a load that is late in turn is in time."""
        return resequenced(self._waiting(lot, now), self._free_at(now), lot, seconds)

    def keep(
        self, line: Line, about: str, repair: str, now: Instant, *, anew: bool = False
    ) -> None:
        """Let loads have these turns from now on."""
        self._turns = {each.name: each for each in line.slots}
        for errand in self._runtime.errands.values():
            turn = self._turns.get(str(errand.task.variables.get("lot", "")))
            if turn is not None and errand.phase is Phase.NEW and self.wants(errand):
                errand.due = max(now, turn.begins_at)
        turns = tuple(
            TurnTold(
                load=each.name,
                oven=each.machine,
                begins_at=each.begins_at,
                ends_at=each.ends_at,
                spare_ns=self._deadline(each.name) - each.ends_at,
            )
            for each in line.slots
        )
        fact = OvenScheduled(about=about, repair=repair, turns=turns, anew=anew)
        self._runtime.log.tell(now, fact)

    def retime(self, about: str, repair: str, now: Instant) -> None:
        """Let loads keep their order, at the times that follow from how ovens are now."""
        waiting = self._waiting("", now)
        if waiting:
            self.keep(in_turn(waiting, self._free_at(now)), about, repair, now, anew=True)

    def leave(self, lots: Iterable[str]) -> None:
        """Take loads out of the queue that are not baked here."""
        for each in lots:
            self._turns.pop(each, None)

    def best(self, lot: str, ready_at: Instant, now: Instant) -> Line:
        """Return the turns with the first one for a load that makes none late; else the last."""
        others = [each for each in self._waiting("", now) if each.name != lot]
        own, free = self._of(lot, ready_at), self._free_at(now)
        usual = in_turn(others, free)
        for place in range(len(others)):
            line = in_turn([*others[:place], own, *others[place:]], free)
            if all(late <= usual.late_ns.get(each, -1) for each, late in line.late_ns.items()):
                return line
        return in_turn([*others, own], free)

    def _waiting(self, lot: str, now: Instant) -> list[Waiting]:
        """Return the loads that have a turn, in this order, and then this one if it has none."""
        gone = {
            str(each.task.variables.get("lot", ""))
            for each in self._runtime.errands.values()
            if each.phase is not Phase.NEW and _is_at_oven(each)
        }
        turns = sorted(self._turns.values(), key=lambda each: (each.begins_at, each.name))
        here = self._here()
        known = [
            self._of(each.name, now if each.name in here else max(now, each.begins_at))
            for each in turns
            if each.name not in gone
        ]
        if lot and lot not in self._turns:
            known.append(self._of(lot, now))
        return known

    def _here(self) -> set[str]:
        """Return the loads that stand before an oven now."""
        return {
            str(each.task.variables.get("lot", ""))
            for each in self._runtime.errands.values()
            if each.phase is Phase.NEW and self.wants(each)
        }

    def _of(self, lot: str, ready_at: Instant) -> Waiting:
        return Waiting(
            name=lot,
            ready_at=ready_at,
            deadline=self._deadline(lot),
            takes_ns={each: self.takes_ns(each) for each in self.names()},
        )

    def _free_at(self, now: Instant) -> dict[str, Instant]:
        """Return when each oven takes its next load: back, and done with what it has."""
        found = {each: max(now, self.back_at(each) or now) for each in self.names()}
        for each in self._runtime.errands.values():
            if each.phase is Phase.TAKEN_ON and each.candidate is not None and _is_at_oven(each):
                oven = str(each.candidate.service.id)
                found[oven] = max(found[oven], each.due)
        return found

    def wants(self, errand: Errand) -> bool:
        """Tell whether an errand is a load that is to be baked here, or by whoever bakes."""
        headers = errand.task.headers
        if "operation" in headers:
            return headers["operation"] == BAKE and headers.get("service") in self.names()
        return headers.get("skill") == BAKE


def turn_text(line: Line, usual: Line, lot: str) -> str:
    """Say ahead of whom a load goes."""
    before = [each.name for each in usual.slots]
    after = [each.name for each in line.slots]
    passed = [each for each in after[after.index(lot) + 1 :] if each in before[: before.index(lot)]]
    return f"ahead of {', '.join(passed)}" if passed else "in turn"


def _bakes_here(operation: ServiceOperation) -> bool:
    """Tell whether an operation bakes loads that stand where they are made."""
    return (
        operation.offer is not None
        and operation.offer.skill == BAKE
        and any(each.fluent == "place" and each.value == HOME for each in operation.requires)
    )


def _is_at_oven(errand: Errand) -> bool:
    return errand.candidate is not None and _bakes_here(errand.candidate.operation)


def _slot(told: TurnTold) -> Slot:
    return Slot(name=told.load, machine=told.oven, begins_at=told.begins_at, ends_at=told.ends_at)
