"""The driver: what has to be done is read off the house; the outside world is not trusted."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stories import agree, documents, first_plan
from fabloop.app.demo import documents_of, order_of, schedules
from fabloop.app.drive import Driver, TestSchedule
from fabloop.app.edge.simulated import SimulatedEdge
from fabloop.app.house import House
from fabloop.app.scenario import read_scenario
from fabloop.app.snapshot import Stage
from fabloop.base.errors import NotPermitted
from fabloop.base.instant import DAY, HOUR, MINUTE, Instant, instant_of, iso_of
from fabloop.base.journal import MemoryJournal
from fabloop.base.zones import wall_clock
from fabloop.model.facts import (
    IncidentRaised,
    JobAnswered,
    JobBound,
    JobFailed,
    KnowledgeRead,
    LotMade,
    OrderFinished,
    TestMeasured,
)
from fabloop.model.ids import OrderId, WorkUnitId
from fabloop.run.actor import JobNotDone
from fabloop.sim.clock import VirtualClock
from fabloop.sim.plant import SimulatedPlant

UNIT = WorkUnitId("m")
TIMES = (6 * HOUR, 14 * HOUR, 22 * HOUR)


@pytest.fixture(scope="module")
def scenario():
    return read_scenario(documents_of("wavegear"))


@pytest.fixture(scope="module")
def order(scenario):
    return order_of(scenario, {})


@pytest.fixture(scope="module")
def measurements():
    """Tests measured once for all stories of this file: the same axis gives the same."""
    return {}


def driver(scenario, orders, *, actor=None, house=None, results=None, choose=first_plan):
    begun = scenario.simulation.begins_at
    edge = SimulatedEdge(monitored=scenario.monitored, simulation=scenario.simulation, seed=1)
    return Driver(
        house=house or House(scenario.knowledge, MemoryJournal()),
        clock=VirtualClock(begun),
        actor=actor or SimulatedPlant(scenario.simulation.plant, 1),
        orders=orders,
        schedules=schedules(scenario),
        measure=edge.measure,
        choose=choose,
        approve=agree,
        begun=begun,
        results={} if results is None else results,
    )


def facts(house, *kinds):
    return [fact for _, fact in house.history if isinstance(fact, kinds)]


def run(scenario, orders, results, **more):
    each = driver(scenario, orders, results=results, **more)
    knows(each.house, scenario)
    each.run()
    return each.house


def knows(house, scenario):
    house.hears(KnowledgeRead(digest="d", seed=1), scenario.simulation.begins_at)


# -- tests of machines ---------------------------------------------------------------------------


@given(st.integers(0, 400 * DAY // MINUTE))
def test_the_next_test_is_the_first_of_the_days_times_after_an_instant(minutes):
    schedule = TestSchedule(work_unit=UNIT, time_zone="Europe/Vienna", times_ns=TIMES)
    last = Instant(instant_of("2026-01-01T00:00:00Z") + minutes * MINUTE)
    following = schedule.next_after(last)
    assert last < following <= last + 9 * HOUR
    assert iso_of(following, "Europe/Vienna")[11:16] in ("06:00", "14:00", "22:00")
    days = [wall_clock(last, "Europe/Vienna", day, time) for day in (-1, 0, 1) for time in TIMES]
    assert not [each for each in days if last < each < following]


def test_a_machine_is_tested_at_every_time_of_its_schedule_while_an_order_runs(
    scenario, order, measurements
):
    house = run(scenario, [order], measurements)
    tested = [iso_of(each.at, "Europe/Vienna")[11:16] for each in facts(house, TestMeasured)]
    assert tested == ["06:01", "14:01", "22:01"]


# -- several orders ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rush(scenario, order, measurements):
    """Three orders at once for the same few machines, vehicles and persons."""
    orders = [
        msgspec.structs.replace(
            order, id=OrderId(f"wg-{number}"), due_at=Instant(order.due_at + DAY * 3)
        )
        for number in (1, 2, 3)
    ]
    return run(scenario, orders, measurements)


def test_all_orders_of_a_rush_are_finished(rush):
    assert {state.stage for state in rush.snapshot.orders.values()} == {Stage.FINISHED}
    made = [each.record.lot for each in facts(rush, LotMade)]
    assert len(made) == 3 * 27


@pytest.mark.parametrize("who", ["work_unit", "person"])
def test_in_a_rush_nobody_is_given_two_jobs_at_once(rush, who):
    spans = sorted(
        (getattr(job.bound, who), job.bound.begun_at, job.ended_at)
        for job in rush.snapshot.jobs.values()
        if job.bound is not None and getattr(job.bound, who) is not None
    )
    assert len({name for name, _, _ in spans}) > 5
    for (one, _, ended), (other, begun, _) in pairwise(spans):
        assert one != other or ended <= begun


# -- actors that are not like the plan -----------------------------------------------------------


class Stammering:
    """An actor that gives every answer twice, as a network that repeats messages does."""

    def __init__(self, plant):
        self.begin = plant.begin
        self.next_response_at = plant.next_response_at
        self._responses = plant.responses

    def responses(self, until):
        return tuple(each for response in self._responses(until) for each in (response,) * 2)


def test_an_answer_that_comes_twice_counts_once(scenario, order, measurements):
    plain = run(scenario, [order], measurements)
    plant = SimulatedPlant(scenario.simulation.plant, 1)
    house = run(scenario, [order], measurements, actor=Stammering(plant))
    assert house.history == plain.history


class Failing:
    """An actor whose drill breaks a number of times before the hole is there."""

    def __init__(self, behaviour, failures):
        self._behaviour = behaviour
        self._plant = SimulatedPlant(behaviour, 1)
        self._left = failures
        self._begun = set()
        self._due = []

    def begin(self, order):
        if order.operation == "drill-stabilizer" and order.main and self._left:
            if (order.job, order.begun_at) not in self._begun:
                self._begun.add((order.job, order.begun_at))
                at = Instant(order.begun_at + 3 * MINUTE)
                self._due.append(JobNotDone(job=order.job, at=at, reason="the drill broke"))
            return
        self._plant.begin(order)

    def next_response_at(self):
        times = [each.at for each in self._due]
        other = self._plant.next_response_at()
        return min([*times, *([] if other is None else [other])], default=None)

    def responses(self, until):
        failed = tuple(each for each in self._due if each.at <= until)
        self._due = [each for each in self._due if each.at > until]
        self._left -= len(failed)
        return failed + self._plant.responses(until)


@pytest.mark.parametrize("failures", [1, 2])
def test_work_that_failed_is_tried_again(scenario, order, measurements, failures):
    actor = Failing(scenario.simulation.plant, failures)
    house = run(scenario, [order], measurements, actor=actor)
    tries = [
        each
        for each in facts(house, JobBound)
        if each.operation == "drill-stabilizer" and each.main
    ]
    assert len(facts(house, JobFailed)) == failures
    assert len(tries) == failures + 1
    assert len({each.job for each in tries}) == 1
    assert house.snapshot.orders[order.id].stage is Stage.FINISHED
    assert len(facts(house, LotMade)) == 27


def test_work_that_fails_every_time_calls_a_person_and_is_left_alone(scenario, order, measurements):
    actor = Failing(scenario.simulation.plant, 99)
    house = run(scenario, [order], measurements, actor=actor)
    (incident,) = facts(house, IncidentRaised)
    assert incident.node == "op-drill-stabilizer"
    assert "the drill broke" in incident.message
    assert len(facts(house, JobFailed)) == 3
    assert house.snapshot.orders[order.id].stage is Stage.STUCK
    assert not facts(house, OrderFinished)


def test_a_stuck_order_does_not_hold_up_another_one(scenario, order, measurements):
    other = msgspec.structs.replace(
        order, id=OrderId("wg-2"), received_at=Instant(order.received_at + 8 * HOUR),
        due_at=Instant(order.due_at + DAY),
    )  # fmt: skip
    actor = Failing(scenario.simulation.plant, 3)
    house = run(scenario, [order, other], measurements, actor=actor)
    stages = {name: state.stage for name, state in house.snapshot.orders.items()}
    assert stages == {"wg-1": Stage.STUCK, "wg-2": Stage.FINISHED}
    answered = {each.job for each in facts(house, JobAnswered)}
    failed = {each.job for each in facts(house, JobFailed)}
    assert not answered & failed


# -- rejection -----------------------------------------------------------------------------------


def test_a_gear_that_an_inspector_rejects_leaves_no_lot_and_ends_the_order(tmp_path, measurements):
    def strict(document):
        document["results"]["inspect"]["passed"] = False

    scenario = read_scenario(documents(tmp_path / "papers", simulation=strict))
    order = order_of(scenario, {})
    house = run(scenario, [order], measurements)
    (finished,) = facts(house, OrderFinished)
    assert not finished.passed
    assert house.snapshot.orders[order.id].stage is Stage.REJECTED
    made = {each.record.operation for each in facts(house, LotMade)}
    assert made == {each.id for each in order.product.operations} - {order.product.final().id}


# -- persons -------------------------------------------------------------------------------------


def test_where_nobody_takes_a_plan_the_driver_comes_to_its_end(scenario, order, measurements):
    asked = []
    house = run(scenario, [order], measurements, choose=asked.append)
    assert len(asked) == 1
    assert house.snapshot.orders[order.id].stage is Stage.CHOOSING


def test_a_driver_that_takes_over_a_house_goes_on_where_it_stands(scenario, order, measurements):
    plain = run(scenario, [order], measurements)
    journal = MemoryJournal()
    half = driver(scenario, [order], house=House(scenario.knowledge, journal), results=measurements)
    knows(half.house, scenario)
    middle = plain.history[len(plain.history) // 2][0]
    half.clock = _Until(half.clock, middle)
    with pytest.raises(_Over):
        half.run()
    house = House(scenario.knowledge, journal)
    assert house.snapshot == half.house.snapshot
    driver(scenario, [order], house=house, results=measurements).run()
    assert house.history == plain.history


class _Over(Exception):
    """The time of a driver is over."""


class _Until:
    """A clock that ends the world at an instant."""

    def __init__(self, clock, end):
        self._clock = clock
        self._end = end
        self.now = clock.now

    def wait_until(self, instant):
        if instant > self._end:
            raise _Over
        self._clock.wait_until(instant)


def test_without_rules_nothing_is_begun_and_it_is_said_at_once(scenario, order):
    bare = msgspec.structs.replace(scenario.knowledge, safety=None)
    house = House(bare, MemoryJournal())
    with pytest.raises(NotPermitted, match="fabloop safety draft"):
        driver(scenario, (order,), house=house).run()
    assert house.history == []
