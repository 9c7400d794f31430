"""Keeps the loop going: gives out work, waits for what happens next, asks people, measures.

Everything that has to be done is read off the house's state, so the driver itself remembers
nothing: after a crash it goes on from what the journal says.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from fabloop.app.house import House
from fabloop.app.permissions import changes
from fabloop.app.snapshot import OrderState, Stage
from fabloop.base.errors import NotPermitted
from fabloop.base.instant import Clock, Instant
from fabloop.base.zones import wall_clock
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationDeclined,
    AdaptationProposed,
    AdaptationWithheld,
    Fact,
    JobAnswered,
    JobBound,
    JobFailed,
    MaintenanceDeclined,
    MaintenancePlanned,
    OrderReceived,
    PlanAccepted,
    TestMeasured,
)
from fabloop.model.ids import OrderId, WorkUnitId
from fabloop.model.maintenance import MaintenanceProposed
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Plan
from fabloop.model.safety import SafetyView
from fabloop.run.actor import Actor, JobDone, JobNotDone, JobOrder, JobResponse
from fabloop.run.gate import Gate, GatedActor, gate_of

NO_RULES = (
    "Expected a document of kind 'safety' that says what commands to each work unit require, but "
    "found none. Begin one with `fabloop safety draft`; without it no command leaves."
)
SETTLED = frozenset({Stage.FINISHED, Stage.REJECTED, Stage.REFUSED, Stage.STUCK})


class PacedClock(Clock, Protocol):
    """A clock that can wait; a virtual one jumps."""

    def wait_until(self, instant: Instant) -> None:
        """Return when the clock shows at least `instant`."""
        ...


class TestSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """When a work unit runs its test program, as times of each local day."""

    __test__ = False

    work_unit: WorkUnitId
    time_zone: str
    times_ns: tuple[int, ...]

    def next_after(self, last: Instant) -> Instant:
        """Return the first time of a test after an instant."""
        candidates = (
            wall_clock(last, self.time_zone, day, time) for day in (0, 1) for time in self.times_ns
        )
        return min(each for each in candidates if each > last)


class SafetySource(Protocol):
    """What the safety controllers say, now and from when on otherwise."""

    def view(self, at: Instant) -> SafetyView:
        """Return what is known of all controllers."""
        ...

    def next_change(self, after: Instant) -> Instant | None:
        """Return when they say something else, where that is known."""
        ...


Choose = Callable[[OrderState], Plan | None]
"""Shows the plans of an order to a person; None takes none of them."""
Approve = Callable[[AdaptationProposed], bool]
"""Shows a proposed adaptation to a person."""
Maintain = Callable[[MaintenanceProposed], bool]
"""Shows an advised stop to a person."""
Measure = Callable[[WorkUnitId, Instant], TestMeasured]
"""Lets a work unit run its test program and evaluates it."""
Awaited = Callable[[Instant | None], Instant | None]
"""Returns when an actor's next answer was given, having waited for those that may precede an
instant at which something else happens; where nothing else does, for any."""


class Driver(msgspec.Struct, kw_only=True):
    """The outside world of a house: orders to come, actors, tests, persons who answer.

    `begun` is when this world began: no test is due before it; it rests at `until`, if that is
    given. Jobs reach the actor through the gate of the `safety` source, where rules are declared.
    `awaited` is there where the end of a job is known only from its answer.
    Without `maintain` nobody is asked about stops. Where no rules are declared nothing is begun,
    unless `unguarded` judges instead.
    """

    house: House
    clock: PacedClock
    actor: Actor
    orders: Sequence[ProductionOrder]
    schedules: Sequence[TestSchedule]
    measure: Measure
    choose: Choose
    approve: Approve
    begun: Instant
    until: Instant | None = None
    awaited: Awaited | None = None
    maintain: Maintain | None = None
    safety: SafetySource | None = None
    unguarded: Gate | None = None
    person: str = "planner"
    results: dict[tuple[WorkUnitId, Instant], TestMeasured] = {}

    def run(self) -> None:
        """Go on until every order is finished, refused, stuck or left to wait by the person asked.

        Nothing that could still happen is another end.

        Raises
        ------
        NotPermitted
            No safety document says what commands require.
        """
        hands = GatedActor(self.actor, self._gate())
        self._look_at_guards(self.clock.now())
        while True:
            self._ask()
            if self._settled():
                return
            for bound in self.house.snapshot.running():
                hands.begin(job_order(bound))
            at = self._next()
            if at is None or (self.until is not None and at > self.until):
                return
            self.clock.wait_until(at)
            self._happen(at, hands)

    def _gate(self) -> Gate:
        rules, safety = self.house.snapshot.knowledge.safety, self.safety
        if rules is None:
            if self.unguarded is None:
                raise NotPermitted(NO_RULES)
            return self.unguarded

        def seen() -> SafetyView:
            return SafetyView() if safety is None else safety.view(self.clock.now())

        return gate_of(rules, seen, self.clock.now)

    def _look_at_guards(self, at: Instant) -> None:
        """Tell the house of permissives that have changed."""
        rules = self.house.snapshot.knowledge.safety
        if rules is None or self.safety is None:
            return
        told = self.house.snapshot.permissives
        for fact in changes(rules, self.safety.view(at), told, at):
            self.house.hears(fact, at, "safety")

    def _settled(self) -> bool:
        """Tell whether no order goes on; who was asked for a plan just now has taken none.

        One whose change is withheld goes on as soon as its permissives hold.
        """
        states = self.house.snapshot.orders
        ends = SETTLED | {Stage.CHOOSING}
        return all(
            each.id in states
            and states[each.id].stage in ends
            and not isinstance(states[each.id].waits, AdaptationWithheld)
            for each in self.orders
        )

    def _ask(self) -> None:
        """Put every open question to a person; the answer is a fact like any other."""
        for state in tuple(self.house.snapshot.orders.values()):
            if state.stage is Stage.CHOOSING:
                plan = self.choose(state)
                if plan is not None:
                    fact = PlanAccepted(order=state.order.id, plan=plan, by=self.person)
                    self.house.hears(fact, self.clock.now(), self.person)
            while state.stage is Stage.CHANGING and state.proposal is not None:
                self._ask_about(state.order.id, state.proposal)
        for stop in self.house.snapshot.upkeep.waiting() if self.maintain else ():
            self._ask_to_stop(stop)

    def _ask_about(self, order: OrderId, proposal: AdaptationProposed) -> None:
        kind = AdaptationApproved if self.approve(proposal) else AdaptationDeclined
        fact = kind(order=order, plan=proposal.plan.id, by=self.person)
        self.house.hears(fact, self.clock.now(), self.person)

    def _ask_to_stop(self, stop: MaintenanceProposed) -> None:
        assert self.maintain is not None, "asked only where somebody answers"
        job, unit, now = stop.job, stop.work_unit, self.clock.now()
        if self.maintain(stop):
            fact: Fact = MaintenancePlanned(job=job, work_unit=unit, by=self.person)
        else:
            fact = MaintenanceDeclined(job=job, work_unit=unit, at=now, by=self.person)
        self.house.hears(fact, now, self.person)
        self._ask()

    def _next(self) -> Instant | None:
        """Return when something happens next."""
        times = [each.received_at for each in self._orders_to_come()]
        times += self._tests_due().values()
        if self.safety is not None:
            change = self.safety.next_change(self.clock.now())
            times += [] if change is None else [change]
        due = self.house.next_due()
        horizon = min(times if due is None else [*times, due], default=None)
        answer = self.awaited(horizon) if self.awaited else self.actor.next_response_at()
        return min((each for each in (answer, horizon) if each is not None), default=None)

    def _happen(self, at: Instant, hands: GatedActor) -> None:
        """Let everything happen that is due, always in the same order."""
        self._look_at_guards(at)
        for schedule in self.schedules:
            start = self._next_test(schedule)
            if start <= at:
                result = self._result(schedule.work_unit, start)
                if result.at <= at:
                    self.house.hears(result, result.at, schedule.work_unit)
        for order in self._orders_to_come():
            if order.received_at <= at:
                self.house.hears(OrderReceived(order=order), order.received_at, "customer")
        for response in hands.responses(at):
            if self._is_awaited(response.job):
                self.house.hears(_answer(response), response.at, "plant")
        self.house.advance(at)

    def _is_awaited(self, job: int) -> bool:
        """Tell whether an answer still counts: not the second one, nor one for withdrawn work."""
        known = self.house.snapshot.jobs.get(job)
        return known is not None and known.is_running

    def _orders_to_come(self) -> list[ProductionOrder]:
        return [each for each in self.orders if each.id not in self.house.snapshot.orders]

    def _tests_due(self) -> Mapping[WorkUnitId, Instant]:
        """Return when the next test of each work unit begins, or ends if it has begun."""
        due = {}
        for each in self.schedules:
            start = self._next_test(each)
            begun = start <= self.clock.now()
            due[each.work_unit] = self._result(each.work_unit, start).at if begun else start
        return due

    def _next_test(self, schedule: TestSchedule) -> Instant:
        before = self.house.snapshot.tests.get(schedule.work_unit, ())
        return schedule.next_after(max(before, default=Instant(self.begun - 1)))

    def _result(self, work_unit: WorkUnitId, start: Instant) -> TestMeasured:
        """Measure once; a result that was lost with a crash is measured again, and is the same."""
        key = (work_unit, start)
        if key not in self.results:
            self.results[key] = self.measure(work_unit, start)
        return self.results[key]


def _answer(response: JobResponse) -> JobAnswered | JobFailed:
    match response:
        case JobDone():
            return JobAnswered(job=response.job, at=response.at, results=dict(response.results))
        case JobNotDone():
            return JobFailed(job=response.job, at=response.at, reason=response.reason)


def job_order(bound: JobBound) -> JobOrder:
    """Return what the actor of a bound job is told."""
    return JobOrder(
        job=bound.job,
        step=bound.step,
        skill=bound.skill,
        operation=bound.operation,
        work_unit=bound.work_unit,
        person=bound.person,
        main=bound.main,
        begun_at=bound.begun_at,
        duration_ns=bound.duration_ns,
    )
