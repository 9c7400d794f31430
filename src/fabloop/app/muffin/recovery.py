"""What the bakery does when muffins burn or the oven stands: find, tell, plan, change."""

from collections.abc import Callable, Iterable, Sequence
from typing import cast

import msgspec
from msgspec.structs import replace

from fabloop.adapt.ladder import Ask, CaseState, Deviation, Do, Offer, TryRung
from fabloop.adapt.policy import Instead, Policy, Rung, Severity
from fabloop.adapt.repair.proposal import Situation
from fabloop.app.muffin.chains import Chains
from fabloop.app.muffin.damage import OF_THE_PROCESS, Damage, situation_of
from fabloop.app.muffin.data import BakeryData
from fabloop.app.muffin.goals import Goals
from fabloop.app.muffin.kpis import FULFILLED_NS
from fabloop.app.muffin.lots import Lots
from fabloop.app.muffin.machines import Machines
from fabloop.app.muffin.partners import Partners
from fabloop.app.muffin.policy import answer_of, offers_of
from fabloop.app.processes.host import Host
from fabloop.app.processes.questions import AskInstance, AskInstances
from fabloop.app.service_runtime.errands import Complete, Errand, Hold, Verdict
from fabloop.app.service_runtime.facts import Deviated, StoryTold
from fabloop.app.service_runtime.ladder import Ladder, Look, Matter
from fabloop.app.service_runtime.log import FactLog
from fabloop.app.service_runtime.mending import Approve, Found, Mended, Mender, NotMended
from fabloop.app.service_runtime.reality import said
from fabloop.app.service_runtime.runtime import Runtime
from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant, span_text
from fabloop.model.explanation import Evidence, Explanation
from fabloop.model.service import Literal
from fabloop.process.bpmn.model import BpmnProcess
from fabloop.process.commands import CancelInstance
from fabloop.process.operations import Selection
from fabloop.sim.bakery.customers import MuffinOrder

REFUSED = "order refused"
OVERCOOKED = "overcooked"
AFTER_BAKING_NS = HOUR
"""What toppings, boxes and waiting for one's turn take after a load has left the oven."""

BAKING_NS = 35 * MINUTE
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
    tolerable: Look
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
        self._ladder = Ladder(self._log)
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
            tolerable=lambda _move: "what is overcooked cannot be sold",
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

    # -- an oven that stands ------------------------------------------------------------------

    def waits(self, errand: Errand, now: Instant) -> None:
        """Look at a load that cannot go into the oven: is there time to wait for it?"""
        lot = str(errand.task.variables.get("lot", ""))
        name = f"r{errand.task.key}"
        back = self._machines.back_at("oven")
        if not lot or name in self._given_up or back is None or self._mender.was_enacted(name):
            return
        orders = self._lots.orders_in(lot)
        deadline = self._deadline(orders)
        turn = self._ahead_of(errand) + 1
        ready = Instant(back + turn * BAKING_NS + AFTER_BAKING_NS)
        names = [each.id for each in orders]
        if ready <= deadline:
            self._goals.expect(names, ready, "the oven is back", now)
            if self._tolerated.get(errand.task.key) == back:
                return
            self._tolerated[errand.task.key] = back
            spare = f"{span_text(deadline - ready)} to spare for G1"
            why = f"the oven is back in {span_text(back - now)}, {spare}"
            self._decided(self._waiting(errand, f"{name}/{back}", orders, _helps(why)), now)
            return
        self._mender.noticed(name)
        self._given_up.add(name)
        self._goals.expect(names, ready, "the oven is back", now)
        late = f"G1 would be missed by {span_text(ready - deadline)}"
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
        self._decided(self._waiting(errand, name, orders, lambda _move: late), now)

    def _waiting(
        self, errand: Errand, name: str, orders: Sequence[MuffinOrder], tolerable: Look
    ) -> _Damaged:
        """Return what is to be decided about a load that waits; that it waits on is safe."""
        return _Damaged(
            errand=errand,
            name=name,
            orders=orders,
            again=True,
            tolerable=tolerable,
            policy=replace(self._policy, safe_default=Instead.HOLD),
            defaults=lambda _instead, _why: None,
        )

    def _ahead_of(self, errand: Errand) -> int:
        """Return how many loads will go into the oven before this one."""
        return sum(
            each.task.key < errand.task.key and each.task.node == errand.task.node
            for each in self._runtime.errands.values()
        )

    # -- both ---------------------------------------------------------------------------------

    def _decided(self, damaged: _Damaged, now: Instant) -> CaseState:
        """Let the ladder decide about a load, rung by rung."""
        errand, found = damaged.errand, list[tuple[Situation, Found]]()

        def look(move: TryRung) -> tuple[Offer, ...] | str:
            situation = self._situation(damaged, now)
            answer = self._mender.look(
                errand.task.about,
                situation,
                now,
                seconds=move.budget_ns / SECOND,
                own=OF_THE_PROCESS,
            )
            if isinstance(answer, NotMended):
                return answer.why
            found[:] = [(situation, answer)]
            return offers_of(answer)

        def does(move: Do) -> str:
            if move.offer.rung is Rung.TOLERATE:
                return ""
            situation, ways = found[0]
            by = move.by or "policy"
            outcome = self._mender.enact(situation, ways, move.offer.id, by, now)
            if isinstance(outcome, NotMended):
                return outcome.why
            self._goes_on(damaged, situation, outcome, now)
            return ""

        def answers(ask: Ask) -> str | None:
            known = found[0][1] if found else None
            return answer_of(ask, known, self._mender, self._approve, now)

        deviation = Deviation(
            id=damaged.name, instance=errand.task.instance, severity=Severity.MAJOR, at=now
        )
        matter = Matter(
            about=errand.task.about,
            deviation=deviation,
            policy=damaged.policy,
            looks={Rung.TOLERATE: damaged.tolerable, Rung.REPAIR: look},
            does=does,
            answers=answers,
            defaults=damaged.defaults,
        )
        return self._ladder.decide(matter, now)

    def _situation(self, damaged: _Damaged, now: Instant) -> Situation:
        task = damaged.errand.task
        back = self._machines.back_at("oven")
        lots = self._lots.of_batch(task.about)
        queue = self._ahead_of(damaged.errand) * BAKING_NS if damaged.again else 0
        deadline = Instant(self._deadline(damaged.orders) - AFTER_BAKING_NS - queue)
        size = self._lots.size(lots[-1])
        damage = Damage(
            repair=damaged.name,
            instance=task.instance,
            process=self._process(task.instance),
            node=task.node,
            lots=lots,
            codes=tuple(damaged.codes),
            partners=self._partners.for_load(task.about, size, CELSIUS, deadline, now),
            back={"oven": 0 if back is None else max(0, back - now)},
            left_ns=max(0, deadline - now),
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


def _helps(why: str) -> Look:
    """Return a look at the rung of tolerating that finds it to be a way out."""
    reason = Explanation(code="time-to-spare", subject="G1", details={"why": why})
    offer = Offer(id="tolerate", rung=Rung.TOLERATE, reasons=(reason,))
    return lambda _move: (offer,)


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
