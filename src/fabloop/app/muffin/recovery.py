"""What the bakery does when muffins burn or the oven stands: find, tell, plan, change."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from msgspec.structs import replace

from fabloop.adapt.ladder import CaseState
from fabloop.adapt.policy import Instead
from fabloop.app.muffin import pace
from fabloop.app.muffin.cases import Aids, Cases, Damaged
from fabloop.app.muffin.data import COURIER
from fabloop.app.muffin.looks import (
    Yard,
    of_waiting,
    ready_at,
)
from fabloop.app.muffin.ovens import BAKE
from fabloop.app.muffin.stakes import deviated
from fabloop.app.processes.host import Host
from fabloop.app.processes.questions import AskInstances
from fabloop.app.service_runtime.errands import Complete, Errand, Hold, Phase, Verdict
from fabloop.app.service_runtime.facts import CallAnswered, Deviated, LookedUp, StoryTold
from fabloop.app.service_runtime.ladder import Matter
from fabloop.app.service_runtime.log import FactLog
from fabloop.app.service_runtime.mending import Mender
from fabloop.app.service_runtime.runtime import Runtime
from fabloop.base.instant import HOUR, Instant
from fabloop.model.explanation import Evidence, Explanation
from fabloop.model.service import Literal
from fabloop.process.commands import CancelInstance
from fabloop.process.operations import Selection
from fabloop.sim.bakery.customers import MuffinOrder

REFUSED = "order refused"
OVERCOOKED = "overcooked"
LATE = "goal-in-danger"


class Recovery:
    """Judges answers and delays, and has running batches repaired."""

    def __init__(self, host: Host, runtime: Runtime, mender: Mender, aids: Aids) -> None:
        self._host = host
        self._log = runtime.log
        self._runtime = runtime
        self._mender = mender
        self._lots = aids.lots
        self._machines = aids.machines
        self._data = aids.data
        self._chains = aids.chains
        self._goals = aids.goals
        self._policy = aids.policy
        self.cases = Cases(host, runtime, mender, aids)
        self.ovens = self.cases.ovens
        self._yard = Yard(runtime=runtime, machines=aids.machines, ovens=self.ovens)
        self._runtime.reality.see(_couriers(self._log))
        self._baked: set[int] = set()
        for at, fact in self._log.history:  # a stream keeps nothing over a crash
            if (
                isinstance(fact, CallAnswered)
                and fact.operation == BAKE
                and fact.service in self.ovens.names()
            ):
                self._baked.add(fact.job)
                self._stream(fact.service, fact.given, fact.result, at)
        self._looked_at: dict[int, Instant] = {}
        self._back: Instant | None = None
        self._asked = _questions(self._log)

    # -- burnt muffins ------------------------------------------------------------------------

    def judged(self, errand: Errand, now: Instant) -> Verdict:
        """Let a batch go on, after its process was changed where muffins are overcooked."""
        burnt = cast("list[dict[str, object]]", errand.result["overcooked"])
        name = f"r{errand.task.key}"
        if burnt and not self._mender.was_enacted(name):
            orders = self._lots.orders_with([str(each["QRCode"]) for each in burnt])
            if self._make_again(errand, name, orders, burnt, now) is CaseState.ASKING:
                return Hold()
        return Complete()

    def _make_again(
        self,
        errand: Errand,
        name: str,
        orders: Sequence[MuffinOrder],
        burnt: Sequence[Mapping[str, object]],
        now: Instant,
    ) -> CaseState:
        self._mender.noticed(name)
        batch = errand.task.about
        lot = str(errand.task.variables["lot"])
        self._machines.look_at("oven", now)
        again = self._lots.again(batch, f"{lot}.{name}", orders, now)
        codes = [each.qr for each in orders]
        overcooked = tuple(Literal(fluent="overcooked", arguments=(each,)) for each in codes)
        couriers = tuple(self._courier(batch, each.qr, now) for each in orders)
        self._runtime.reality.see((*overcooked, *couriers))
        self._mender.deviated(
            Deviated(
                about=batch,
                instance=errand.task.instance,
                node=errand.task.node,
                repair=name,
                differences=tuple(f"{each} is overcooked, but should not be" for each in codes),
                because=_overcooked(lot, orders, self._lots.size(lot), now),
                subjects=tuple(each.id for each in orders),
            ),
            now,
        )
        self._goals.overcooked([each.id for each in orders], now)
        by_courier: dict[str, list[Mapping[str, object]]] = {}
        for order, courier in zip(orders, couriers, strict=True):
            own = [each for each in burnt if each["QRCode"] == order.qr]
            by_courier.setdefault(str(courier.value), []).extend(own)
        self._chains.overcooked(batch, again, by_courier, self._data.filler(again, now), now)
        damaged = Damaged(
            errand=errand,
            name=name,
            orders=orders,
            codes=codes,
            held=True,
            policy=self._policy,
            defaults=lambda instead, why: self._unmade(orders, f"{again}: {why}", instead),
        )
        return self.cases.decide(damaged, now)

    def _unmade(self, orders: Sequence[MuffinOrder], why: str, instead: Instead) -> None:
        """Refuse orders that are not made again; where the policy holds them, they only wait."""
        if instead is Instead.CANCEL:
            names = [each.id for each in orders]
            refuse(self._host, self._log, names, why, self._host.now())

    def _courier(self, batch: str, code: str, now: Instant) -> Literal:
        """Return who carries an order, by where its courier is called."""
        url = self._data.courier_url(batch, code, now)
        services = self._runtime.directory.services.values()
        found = next(each for each in services if url.startswith(each.base_url))
        self._data.told_courier(batch, code, str(found.id), now)
        return Literal(fluent="courier", arguments=(code,), value=str(found.id))

    # -- a slow oven --------------------------------------------------------------------------

    def baked(self, errand: Errand, now: Instant) -> None:
        """Look at how long a load took in an own oven: the line keeps pace with it."""
        assert errand.candidate is not None, "it was called"
        oven = str(errand.candidate.service.id)
        known = errand.task.key in self._baked  # a crash came before the process went on
        if oven in self.ovens.names() and not known:
            self._baked.add(errand.task.key)
            lot = str(errand.given.get("lot", ""))
            self.ovens.baked(oven, lot, errand.result)
            self._stream(oven, errand.given, errand.result, now)
        if self._chains.is_news(errand):
            self._keep_pace(errand, now)

    def _stream(
        self, oven: str, given: Mapping[str, object], result: Mapping[str, object], at: Instant
    ) -> None:
        """Tell the data space of a load that came out of an oven."""
        contents = cast("list[dict[str, object]]", given["contents"])
        kind = str(contents[0]["type"])
        self._data.baked(str(given["lot"]), kind, int(str(result["baked"])), oven, at)

    def _keep_pace(self, errand: Errand, now: Instant) -> None:
        """Let the ladder decide about a line that does not keep pace with its oven."""
        name = f"s{errand.task.key}"
        what = "slower than described" if not self._chains.slowed else "as fast as described again"
        self._mender.deviated(
            Deviated(
                about=errand.task.about,
                instance=errand.task.instance,
                node=errand.task.node,
                repair=name,
                differences=(f"the oven is {what}, and what feeds it does not keep pace",),
                because=pace.because(errand, now),
            ),
            now,
        )
        ways = pace.of_pace(self._chains, self.ovens, errand, now)
        lot = str(errand.given.get("lot", ""))
        matter = Matter(
            about=errand.task.about,
            deviation=deviated(self._goals, errand, name, self._lots.orders_in(lot), now),
            policy=replace(self._policy, safe_default=Instead.HOLD),
            looks=ways.looks,
            does=lambda move: ways.does[move.offer.rung]() if move.offer.rung in ways.does else "",
            answers=lambda _ask: None,
            defaults=lambda _instead, _why: None,
        )
        self.cases.ladder.decide(matter, now)

    # -- an oven that stands ------------------------------------------------------------------

    def waits(self, errand: Errand, now: Instant) -> None:
        """Look at a load that cannot go into the oven: is there time to wait for it?"""
        lot = str(errand.task.variables.get("lot", ""))
        key = errand.task.key
        back = self.ovens.all_back_at() or self.ovens.queued_until(errand, now)
        if not lot or back is None or not self.ovens.wants(errand):
            return
        name = _name(key, self._asked.get(key, 0))
        if self._looked_at.get(key) == back or self._mender.was_enacted(name):
            return
        self._looked_at[key] = back
        orders = self._lots.orders_in(lot)
        deadline = self.cases.deadline(orders)
        ready = ready_at(self.ovens.line(lot, now), lot)
        self._goals.expect([each.id for each in orders], ready, "the oven is back", now)
        if ready <= deadline:
            self.cases.decide(self._waiting(errand, f"{name}/{back}", orders, deadline, now), now)
            return
        self._asked[key] = self._asked.get(key, 0) + 1
        self._mender.noticed(name)
        self._mender.deviated(
            Deviated(
                about=errand.task.about,
                instance=errand.task.instance,
                node=errand.task.node,
                repair=name,
                differences=("the oven does not work, but should",),
                because=_too_late(lot, ready, deadline, now),
                subjects=tuple(each.id for each in orders),
            ),
            now,
        )
        self.cases.decide(self._waiting(errand, name, orders, deadline, now), now)

    def expire(self, now: Instant) -> bool:
        """Do what is safe where nobody has answered in time; tell whether there was such."""
        return self.cases.expire(now)

    def next_due(self) -> Instant | None:
        """Return when the time of a question is over next."""
        return self.cases.ladder.next_due()

    def look_again(self, now: Instant) -> bool:
        """Look at loads again that wait for an oven of which something else is known by now.

        A question that is open about one of them is put anew. Tell whether there was such.
        """
        back = self.ovens.all_back_at()
        if back is None or back == self._back:
            self._back = back
            return False
        self._back = back
        before = dict(self._looked_at)
        for errand in tuple(self._runtime.errands.values()):
            if errand.task.key in before and errand.phase is Phase.NEW:
                self.waits(errand, now)
        return before != self._looked_at

    def turn(self, errand: Errand, now: Instant) -> Instant:
        """Return when a load is sent to its oven."""
        return self.ovens.turn(errand, now)

    def _waiting(
        self, errand: Errand, name: str, orders: Sequence[MuffinOrder], deadline: Instant,
        now: Instant,
    ) -> Damaged:  # fmt: skip
        """Return what is to be decided about a load that waits; that it waits on is safe."""
        lot = str(errand.task.variables["lot"])
        return Damaged(
            errand=errand,
            name=name,
            orders=orders,
            again=True,
            ways=of_waiting(self._yard, errand, lot, deadline, name, now),
            policy=replace(self._policy, safe_default=Instead.HOLD),
            defaults=lambda _instead, _why: None,
        )


def refuse(host: Host, log: FactLog, orders: Iterable[str], why: str, now: Instant) -> None:
    """Tell customers that their orders are not made: the safe default."""
    for order in orders:
        where = Selection(process="muffin-order", business_key=order)
        for each in host.query(AskInstances(where=where)):
            host.submit(CancelInstance(instance=each.key), request=f"refuse/{order}")
            log.tell(now, StoryTold(what=REFUSED, about=order, details={"why": why}))


def _questions(log: FactLog) -> dict[int, int]:
    """Return which deviation of each load that waits is the latest one, by job; 0 is the first."""
    found: dict[int, int] = {}
    for fact in log.facts():
        if isinstance(fact, Deviated) and fact.because.code == LATE:
            job = int(fact.repair.removeprefix("r").partition("n")[0])
            found[job] = found.get(job, -1) + 1
    return found


def _name(job: int, earlier: int) -> str:
    """Return what a deviation of a load that waits is called; several have numbers."""
    return f"r{job}" if earlier == 0 else f"r{job}n{earlier + 1}"


def _couriers(log: FactLog) -> Iterator[Literal]:
    """Yield who carries which order, as it was looked up before a crash."""
    for fact in log.facts():
        if isinstance(fact, LookedUp) and fact.target == COURIER:
            for code, service in fact.values.items():
                yield Literal(fluent="courier", arguments=(code,), value=str(service))


def _overcooked(lot: str, orders: Sequence[MuffinOrder], size: int, now: Instant) -> Explanation:
    lost = sum(each.pieces for each in orders)
    return Explanation(
        code=OVERCOOKED,
        subject=lot,
        details={"orders": ", ".join(each.id for each in orders)},
        evidence=(
            Evidence(
                subject=lot,
                parameter="overcooked muffins",
                relation="at most",
                value=float(lost),
                limit=0.0,
                at=now,
                source="oven.overcook",
            ),
            Evidence(subject=lot, parameter="muffins in the load", value=float(size), at=now),
        ),
    )


def _too_late(lot: str, ready: Instant, deadline: Instant, now: Instant) -> Explanation:
    late_h = round((ready - deadline) / HOUR, 2)
    return Explanation(
        code=LATE,
        subject=lot,
        details={"goal": "G1"},
        evidence=(
            Evidence(
                subject=lot,
                parameter="hours after the deadline of G1",
                relation="at most",
                value=late_h,
                limit=0.0,
                at=now,
                source="oven.status",
            ),
        ),
    )
