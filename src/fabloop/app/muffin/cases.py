"""Deviations of loads that the ladder decides: several of one batch are one case."""

from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec.structs import replace

from fabloop.adapt.ladder import Ask, CaseState, Do, Offer, TryRung
from fabloop.adapt.policy import Instead, Policy, Rung
from fabloop.adapt.repair.domain import action_name
from fabloop.adapt.repair.proposal import RepairOption, Situation
from fabloop.adapt.repair.remaining import Place
from fabloop.app.muffin.chains import Chains
from fabloop.app.muffin.damage import OF_THE_PROCESS, Damage, situation_of
from fabloop.app.muffin.data import BakeryData
from fabloop.app.muffin.goals import Goals
from fabloop.app.muffin.kpis import FULFILLED_NS
from fabloop.app.muffin.looks import (
    AFTER_BAKING_NS,
    Ways,
    of_burnt,
    together,
)
from fabloop.app.muffin.lots import Lots
from fabloop.app.muffin.machines import Machines
from fabloop.app.muffin.ovens import BAKE, Ovens
from fabloop.app.muffin.partners import Partners
from fabloop.app.muffin.policy import answer_of, offers_of
from fabloop.app.muffin.stakes import deviated
from fabloop.app.processes.host import Host
from fabloop.app.processes.questions import AskInstance
from fabloop.app.service_runtime.errands import Errand
from fabloop.app.service_runtime.facts import AnswerRefused
from fabloop.app.service_runtime.ladder import Given, Ladder, Matter
from fabloop.app.service_runtime.mending import Approve, Found, Mended, Mender, NotMended
from fabloop.app.service_runtime.runtime import Runtime
from fabloop.base.errors import Refused
from fabloop.base.instant import SECOND, Instant
from fabloop.model.ids import OperationName, ServiceId
from fabloop.process.bpmn.model import BpmnProcess
from fabloop.sim.bakery.customers import MuffinOrder

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


class Damaged(msgspec.Struct, frozen=True, kw_only=True):
    """A load that cannot go on as it is, and what is to be decided about it.

    Attributes
    ----------
    held : its job is judged, and completed once the case is closed
    earlier : what else is open at the same batch; it is decided together with this
    """

    errand: Errand
    name: str
    orders: Sequence[MuffinOrder]
    codes: Sequence[str] = ()
    again: bool = False
    held: bool = False
    ways: Ways | None = None
    policy: Policy
    defaults: Callable[[Instead, str], None]
    earlier: "Damaged | None" = None

    def all(self) -> "tuple[Damaged, ...]":
        """Return it and what came before it at the same batch, the latest of each job alone."""
        before = () if self.earlier is None else self.earlier.all()
        own = self.errand.task.key
        return (*(each for each in before if each.errand.task.key != own), self)


class Cases:
    """Climbs the ladder for batches; what waits for a person stays open until it is answered."""

    def __init__(self, host: Host, runtime: Runtime, mender: Mender, aids: Aids) -> None:
        self._host = host
        self._runtime = runtime
        self._mender = mender
        self._lots = aids.lots
        self._partners = aids.partners
        self._chains = aids.chains
        self._goals = aids.goals
        self._approve = aids.approve
        self.ladder = Ladder(runtime.log, runtime.rungs)
        self.ovens = Ovens(runtime, aids.machines, aids.lots, self._baked_by)
        self._open: dict[int, Damaged] = {}

    def decide(self, damaged: Damaged, now: Instant) -> CaseState:
        """Let the ladder decide about a load, together with what is open at its batch already."""
        instance = damaged.errand.task.instance
        earlier = self._open.pop(instance, None)
        if earlier is not None:
            damaged = replace(damaged, earlier=earlier)
        state = self.ladder.decide(self._matter(damaged, now), now)
        if state is CaseState.ASKING:
            self._open[instance] = damaged
        else:
            self._close(damaged.all()[:-1])
        return state

    def expire(self, now: Instant) -> bool:
        """Do what is safe where nobody has answered in time; tell whether there was such."""
        return self._closed(self.ladder.expire(now))

    def answer(self, given: Given, now: Instant) -> None:
        """Do what a person wants; an answer that does not count is told, with the reason."""
        try:
            instance = self.ladder.answer(given, now)
        except Refused as error:
            refused = AnswerRefused(
                repair=given.repair, by=given.by, why=str(error), number=given.number
            )
            self._runtime.log.tell(now, refused)
            return
        self._closed((instance,))

    def _closed(self, instances: Iterable[int]) -> bool:
        closed = [each for each in instances if not self.ladder.is_open(each)]
        for each in closed:
            damaged = self._open.pop(each, None)
            if damaged is not None:
                self._close(damaged.all())
        return bool(closed)

    def _close(self, damaged: Iterable[Damaged]) -> None:
        """Let the jobs go on that waited for what was decided; unless the repair took them."""
        for each in damaged:
            errand = each.errand
            if each.held and self._runtime.errands.get(errand.task.key) is errand:
                self._runtime.finish(errand, errand.result)

    def _matter(self, damaged: Damaged, now: Instant) -> Matter:
        errand, found = damaged.errand, list[Found]()
        known: list[Situation] = []

        def situation() -> Situation:
            if not known:
                known.append(self._situation(damaged, now))
            return known[0]

        ways = together([each.ways or of_burnt(situation) for each in damaged.all()])

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
            return self._repaired(damaged, situation(), found[0], move, now)

        def answers(ask: Ask) -> str | None:
            return answer_of(ask, found[0] if found else None, self._mender, self._approve, now)

        def declined() -> None:
            if found:
                self._mender.decline(found[0], now)

        def defaults(instead: Instead, why: str) -> None:
            for each in damaged.all():
                each.defaults(instead, why)

        burnt = damaged.codes
        deviation = deviated(self._goals, errand, damaged.name, damaged.orders, now, burnt)
        cancels = any(each.policy.safe_default is Instead.CANCEL for each in damaged.all())
        return Matter(
            about=errand.task.about,
            deviation=deviation,
            policy=replace(
                damaged.policy, safe_default=Instead.CANCEL if cancels else Instead.HOLD
            ),
            looks={**ways.looks, Rung.REPAIR: look},
            does=does,
            answers=answers,
            declined=declined,
            defaults=defaults,
        )

    def _repaired(
        self, damaged: Damaged, situation: Situation, found: Found, move: Do, now: Instant
    ) -> str:
        """Enact a repair; return why it cannot be, empty where it was."""
        outcome = self._mender.enact(situation, found, move.offer.id, move.by or "policy", now)
        if isinstance(outcome, NotMended):
            return outcome.why
        self._goes_on(damaged, situation, outcome, now)
        option = next(each for each in found.options if each.id == move.offer.id)
        self._take_turn(damaged, situation, option, now)
        return ""

    def _situation(self, damaged: Damaged, now: Instant) -> Situation:
        task = damaged.errand.task
        lots = self._lots.of_batch(task.about)
        deadline = Instant(self.deadline(_orders(damaged)) - AFTER_BAKING_NS)
        size = self._lots.size(lots[-1])
        damage = Damage(
            repair=damaged.name,
            instance=task.instance,
            process=self._process(task.instance),
            node=task.node,
            lots=lots,
            codes=tuple(code for each in damaged.all() for code in each.codes),
            beside=tuple(
                Place(node=each.errand.task.node, again=each.again)
                for each in damaged.all()[:-1]
                if each.errand.task.node != task.node
            ),
            partners=self._partners.for_load(task.about, size, CELSIUS, deadline, now),
            back={"oven": self._oven_ns(lots[-1], now)},
            drawn=self._chains.drawn_for(lots),
            left_ns=max(0, deadline - now - (self._baking_ns() if damaged.again else 0)),
            again=damaged.again,
        )
        return situation_of(damage, self._runtime.directory, self._runtime.reality)

    def _goes_on(
        self, damaged: Damaged, situation: Situation, outcome: Mended, now: Instant
    ) -> None:
        """Take in that an instance goes on by a changed process."""
        gone = [
            key
            for key, each in self._runtime.errands.items()
            if each.task.instance == situation.instance and key not in outcome.jobs
        ]
        self._runtime.drop(gone)
        self._goals.expect(
            [each.id for each in _orders(damaged)],
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
        self, damaged: Damaged, situation: Situation, option: RepairOption, now: Instant
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
        return Instant(self.deadline(self._lots.orders_in(lot)) - AFTER_BAKING_NS)

    def deadline(self, orders: Sequence[MuffinOrder]) -> Instant:
        """Return by when all of these orders have to be fulfilled, as the goals say."""
        told = (self._goals.deadline(each.id) for each in orders)
        known = [each for each in told if each is not None]
        return min(known, default=Instant(min(e.received_at for e in orders) + FULFILLED_NS))


def _orders(damaged: Damaged) -> list[MuffinOrder]:
    """Return the orders that a case is about, each once."""
    found = {order.id: order for each in damaged.all() for order in each.orders}
    return list(found.values())
