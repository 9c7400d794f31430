"""What the bakery does when muffins burn or the oven stands: find, tell, plan, change."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import cast

import msgspec
from msgspec.structs import replace

from fabloop.adapt.ladder import Ask, CaseState, Deviation, Do, Offer, TryRung
from fabloop.adapt.policy import Instead, Policy, Rung, Severity
from fabloop.adapt.repair.domain import action_name
from fabloop.adapt.repair.proposal import RepairOption, Situation
from fabloop.app.muffin import pace
from fabloop.app.muffin.chains import Chains
from fabloop.app.muffin.damage import OF_THE_PROCESS, Damage, situation_of
from fabloop.app.muffin.data import COURIER, BakeryData
from fabloop.app.muffin.goals import Goals
from fabloop.app.muffin.kpis import FULFILLED_NS
from fabloop.app.muffin.looks import (
    AFTER_BAKING_NS,
    Ways,
    Yard,
    of_burnt,
    of_waiting,
    ready_at,
)
from fabloop.app.muffin.lots import Lots
from fabloop.app.muffin.machines import Machines
from fabloop.app.muffin.ovens import BAKE, Ovens
from fabloop.app.muffin.partners import Partners
from fabloop.app.muffin.policy import answer_of, offers_of
from fabloop.app.processes.host import Host
from fabloop.app.processes.questions import AskInstance, AskInstances
from fabloop.app.service_runtime.errands import Complete, Errand, Hold, Verdict
from fabloop.app.service_runtime.facts import Deviated, LookedUp, StoryTold
from fabloop.app.service_runtime.ladder import Ladder, Matter
from fabloop.app.service_runtime.log import FactLog
from fabloop.app.service_runtime.mending import Approve, Found, Mended, Mender, NotMended
from fabloop.app.service_runtime.reality import said
from fabloop.app.service_runtime.runtime import Runtime
from fabloop.base.instant import HOUR, SECOND, Instant
from fabloop.model.explanation import Evidence, Explanation
from fabloop.model.ids import OperationName, ServiceId
from fabloop.model.service import Literal
from fabloop.process.bpmn.model import BpmnProcess
from fabloop.process.commands import CancelInstance
from fabloop.process.operations import Selection
from fabloop.sim.bakery.customers import MuffinOrder

REFUSED = "order refused"
OVERCOOKED = "overcooked"
CELSIUS = 180.0


class Aids(msgspec.Struct, frozen=True, kw_only=True):
    """What a recovery goes by: loads, machines, data, partners, chains of services."""

    lots: Lots
    machines: Machines
    data: BakeryData
    partners: Partners
    chains: Chains
    goals: Goals
    policy: Policy
    approve: Approve | None = None


class _Damaged(msgspec.Struct, frozen=True, kw_only=True):
    """A load that cannot go on as it is, and what is to be decided about it."""

    errand: Errand
    name: str
    orders: Sequence[MuffinOrder]
    codes: Sequence[str] = ()
    again: bool = False
    ways: Ways | None = None
    policy: Policy
    defaults: Callable[[Instead, str], None]


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
        self._partners = aids.partners
        self._chains = aids.chains
        self._goals = aids.goals
        self._policy = aids.policy
        self._approve = aids.approve
        self._ladder = Ladder(self._log, runtime.rungs)
        self.ovens = Ovens(runtime, aids.machines, aids.lots, self._baked_by)
        self._yard = Yard(runtime=runtime, machines=aids.machines, ovens=self.ovens)
        self._runtime.reality.see(_couriers(self._log))
        self._held: dict[str, Errand] = {}
        self._given_up: set[str] = set()
        self._tolerated: dict[int, Instant] = {}

    # -- burnt muffins ------------------------------------------------------------------------

    def judged(self, errand: Errand, now: Instant) -> Verdict:
        """Let a batch go on, after its process was changed where muffins are overcooked."""
        burnt = cast("list[dict[str, object]]", errand.result["overcooked"])
        name = f"r{errand.task.key}"
        if burnt and not self._mender.was_enacted(name):
            orders = self._lots.orders_with([str(each["QRCode"]) for each in burnt])
            if self._make_again(errand, name, orders, now) is CaseState.ASKING:
                self._held[name] = errand
                return Hold()
        return Complete()

    def expire(self, now: Instant) -> bool:
        """Do what is safe where nobody has answered in time; tell whether there was such."""
        closed = self._ladder.expire(now)
        for name in closed:
            errand = self._held.pop(name, None)
            if errand is not None:
                self._runtime.finish(errand, errand.result)
        return bool(closed)

    def next_due(self) -> Instant | None:
        """Return when the time of a question is over next."""
        return self._ladder.next_due()

    def _make_again(
        self, errand: Errand, name: str, orders: Sequence[MuffinOrder], now: Instant
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
                differences=tuple(f"{said(each)}, but should not be" for each in overcooked),
                because=_overcooked(lot, orders, self._lots.size(lot), now),
                subjects=tuple(each.id for each in orders),
            ),
            now,
        )
        self._goals.overcooked([each.id for each in orders], now)
        self._chains.overcooked(batch, [str(each.value) for each in couriers], now)
        damaged = _Damaged(
            errand=errand,
            name=name,
            orders=orders,
            codes=codes,
            policy=self._policy,
            defaults=lambda instead, why: self._unmade(orders, f"{again}: {why}", instead),
        )
        return self._decided(damaged, now)

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
        if oven in self.ovens.names():
            self.ovens.baked(oven, str(errand.given.get("lot", "")), errand.result)
        if self._chains.is_news(errand):
            self._keep_pace(errand, now)

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
        matter = Matter(
            about=errand.task.about,
            deviation=Deviation(
                id=name, instance=errand.task.instance, severity=Severity.MINOR, at=now
            ),
            policy=replace(self._policy, safe_default=Instead.HOLD),
            looks=ways.looks,
            does=lambda move: ways.does[move.offer.rung]() if move.offer.rung in ways.does else "",
            answers=lambda _ask: None if self._approve is None else "",
            defaults=lambda _instead, _why: None,
        )
        self._ladder.decide(matter, now)

    # -- an oven that stands ------------------------------------------------------------------

    def waits(self, errand: Errand, now: Instant) -> None:
        """Look at a load that cannot go into the oven: is there time to wait for it?"""
        lot = str(errand.task.variables.get("lot", ""))
        name = f"r{errand.task.key}"
        back = self.ovens.all_back_at() or self.ovens.queued_until(errand, now)
        if not lot or back is None or not self.ovens.wants(errand):
            return
        if name in self._given_up or self._mender.was_enacted(name):
            return
        if self._tolerated.get(errand.task.key) == back:
            return
        self._tolerated[errand.task.key] = back
        orders = self._lots.orders_in(lot)
        deadline = self._deadline(orders)
        ready = ready_at(self.ovens.line(lot, now), lot)
        self._goals.expect([each.id for each in orders], ready, "the oven is back", now)
        if ready <= deadline:
            self._decided(self._waiting(errand, f"{name}/{back}", orders, deadline, now), now)
            return
        self._mender.noticed(name)
        self._mender.deviated(
            Deviated(
                about=errand.task.about,
                instance=errand.task.instance,
                node=errand.task.node,
                repair=name,
                differences=("not works(oven), but should",),
                because=_too_late(lot, ready, deadline, now),
                subjects=tuple(each.id for each in orders),
            ),
            now,
        )
        self._decided(self._waiting(errand, name, orders, deadline, now), now)

    def turn(self, errand: Errand, now: Instant) -> Instant:
        """Return when a load is sent to its oven."""
        return self.ovens.turn(errand, now)

    def _waiting(
        self, errand: Errand, name: str, orders: Sequence[MuffinOrder], deadline: Instant,
        now: Instant,
    ) -> _Damaged:  # fmt: skip
        """Return what is to be decided about a load that waits; that it waits on is safe."""
        lot = str(errand.task.variables["lot"])
        return _Damaged(
            errand=errand,
            name=name,
            orders=orders,
            again=True,
            ways=of_waiting(self._yard, errand, lot, deadline, name, now),
            policy=replace(self._policy, safe_default=Instead.HOLD),
            defaults=lambda _instead, _why: None,
        )

    # -- both ---------------------------------------------------------------------------------

    def _decided(self, damaged: _Damaged, now: Instant) -> CaseState:
        """Let the ladder decide about a load, rung by rung."""
        errand, found = damaged.errand, list[Found]()
        known: list[Situation] = []

        def situation() -> Situation:
            if not known:
                known.append(self._situation(damaged, now))
            return known[0]

        ways = damaged.ways or of_burnt(situation)

        def look(move: TryRung) -> tuple[Offer, ...] | str:
            answer = self._mender.look(
                errand.task.about,
                situation(),
                now,
                seconds=move.budget_ns / SECOND,
                own=OF_THE_PROCESS,
            )
            if isinstance(answer, NotMended):
                return answer.why
            found[:] = [answer]
            return offers_of(answer)

        def does(move: Do) -> str:
            if move.offer.rung is not Rung.REPAIR:
                do = ways.does.get(move.offer.rung)
                return do() if do is not None else ""
            by = move.by or "policy"
            outcome = self._mender.enact(situation(), found[0], move.offer.id, by, now)
            if isinstance(outcome, NotMended):
                return outcome.why
            self._goes_on(damaged, situation(), outcome, now)
            option = next(each for each in found[0].options if each.id == move.offer.id)
            self._take_turn(damaged, situation(), option, now)
            return ""

        def answers(ask: Ask) -> str | None:
            return answer_of(ask, found[0] if found else None, self._mender, self._approve, now)

        deviation = Deviation(
            id=damaged.name, instance=errand.task.instance, severity=Severity.MAJOR, at=now
        )
        matter = Matter(
            about=errand.task.about,
            deviation=deviation,
            policy=damaged.policy,
            looks={**ways.looks, Rung.REPAIR: look},
            does=does,
            answers=answers,
            defaults=damaged.defaults,
        )
        return self._ladder.decide(matter, now)

    def _situation(self, damaged: _Damaged, now: Instant) -> Situation:
        task = damaged.errand.task
        lots = self._lots.of_batch(task.about)
        deadline = Instant(self._deadline(damaged.orders) - AFTER_BAKING_NS)
        size = self._lots.size(lots[-1])
        damage = Damage(
            repair=damaged.name,
            instance=task.instance,
            process=self._process(task.instance),
            node=task.node,
            lots=lots,
            codes=tuple(damaged.codes),
            partners=self._partners.for_load(task.about, size, CELSIUS, deadline, now),
            back={"oven": self._oven_ns(lots[-1], now)},
            left_ns=max(0, deadline - now - (self._baking_ns() if damaged.again else 0)),
            again=damaged.again,
        )
        return situation_of(damage, self._runtime.directory, self._runtime.reality)

    def _goes_on(
        self, damaged: _Damaged, situation: Situation, outcome: Mended, now: Instant
    ) -> None:
        """Take in that an instance goes on by a changed process."""
        gone = [
            key
            for key, each in self._runtime.errands.items()
            if each.task.instance == situation.instance and key not in outcome.jobs
        ]
        self._runtime.drop(gone)
        self._goals.expect(
            [each.id for each in damaged.orders],
            Instant(now + outcome.delay_ns + AFTER_BAKING_NS),
            f"repair {damaged.name}",
            now,
        )
        for each in situation.physical:
            if each[0] == "overcooked":
                self._runtime.reality.accept(each[1])

    def _process(self, instance: int) -> BpmnProcess:
        key = self._host.query(AskInstance(key=instance)).definition
        return self._host.ask(lambda engine: engine.deployment(key.id, key.version).process)

    def _oven_ns(self, lot: str, now: Instant) -> int:
        """Return after how long the oven takes a load: back, and done with those before it."""
        return max(0, self.ovens.best(lot, now, now).slot(lot).begins_at - now)

    def _baking_ns(self) -> int:
        """Return how long the work takes that begins anew where a load waits: the baking."""
        return max(self.ovens.takes_ns(each) for each in self.ovens.names())

    def _take_turn(
        self, damaged: _Damaged, situation: Situation, option: RepairOption, now: Instant
    ) -> None:
        """Give a load that a repair bakes in an own oven its turn; others need theirs no more."""
        lots = self._lots.of_batch(damaged.errand.task.about)
        self.ovens.leave(lots)
        own = {action_name(ServiceId(each), OperationName(BAKE)) for each in self.ovens.names()}
        about = damaged.errand.task.about
        for step, starts_ns in zip(option.course.steps, option.course.starts_ns, strict=True):
            if step.action in own:
                lot = next(each for each in step.values.values() if each in lots)
                line = self.ovens.best(lot, Instant(now + starts_ns), now)
                self.ovens.keep(line, about, situation.repair, now)

    def _baked_by(self, lot: str) -> Instant:
        """Return by when a load has to be out of an oven."""
        return Instant(self._deadline(self._lots.orders_in(lot)) - AFTER_BAKING_NS)

    def _deadline(self, orders: Sequence[MuffinOrder]) -> Instant:
        """Return by when all of these orders have to be fulfilled, as the goals say."""
        told = (self._goals.deadline(each.id) for each in orders)
        known = [each for each in told if each is not None]
        return min(known, default=Instant(min(e.received_at for e in orders) + FULFILLED_NS))


def refuse(host: Host, log: FactLog, orders: Iterable[str], why: str, now: Instant) -> None:
    """Tell customers that their orders are not made: the safe default."""
    for order in orders:
        where = Selection(process="muffin-order", business_key=order)
        for each in host.query(AskInstances(where=where)):
            host.submit(CancelInstance(instance=each.key), request=f"refuse/{order}")
            log.tell(now, StoryTold(what=REFUSED, about=order, details={"why": why}))


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
        code="goal-in-danger",
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
