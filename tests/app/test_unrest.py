"""Machines whose condition changes again and again, at random: what holds in every such story."""

import random
from itertools import pairwise

import msgspec
import pytest

from app.stories import agree, first_plan
from fabloop.app.demo import documents_of, order_of
from fabloop.app.drive import Driver, TestSchedule
from fabloop.app.house import House
from fabloop.app.scenario import read_scenario
from fabloop.app.snapshot import Stage
from fabloop.base.instant import DAY, HOUR, MINUTE, Instant
from fabloop.base.journal import MemoryJournal
from fabloop.base.quantity import Dimension
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationImpossible,
    JobAnswered,
    JobBound,
    KnowledgeRead,
    LotMade,
    ProcessMigrated,
    TestMeasured,
)
from fabloop.model.ids import OrderId, WorkUnitId
from fabloop.model.kpi import TOTAL_POSITION_ERROR, KpiValue
from fabloop.sim.clock import VirtualClock
from fabloop.sim.plant import SimulatedPlant

REAMERS = ("graz-u630", "vienna-emco", "linz-mill")
LIMIT = 15e-6
SEEDS = (0, 1, 3, 9, 18, 38)


@pytest.fixture(scope="module")
def scenario():
    return read_scenario(documents_of("wavegear"))


class Moody:
    """Tests whose results are fit or unfit by chance, the same for the same machine and instant."""

    def __init__(self, seed, unfit):
        self._seed = seed
        self._unfit = unfit

    def __call__(self, work_unit, start):
        chance = random.Random(f"{self._seed}/{work_unit}/{start}")
        upper = 18e-6 if chance.random() < self._unfit else 12e-6
        at = Instant(start + MINUTE)
        if chance.random() < 0.1:
            return TestMeasured(work_unit=work_unit, at=at, value=None, rejected="spoiled")
        value = KpiValue(
            work_unit=work_unit,
            kpi=TOTAL_POSITION_ERROR,
            value=upper - 1e-6,
            upper=upper + chance.random() * 1e-6,
            dimension=Dimension.LENGTH,
            at=at,
            valid_for_ns=36 * HOUR,
            source="by chance",
        )
        return TestMeasured(work_unit=work_unit, at=at, value=value)


def told(scenario, seed, *, orders=1, unfit=0.4):
    chance = random.Random(seed)
    order = order_of(scenario, {})
    begun = scenario.simulation.begins_at
    house = House(scenario.knowledge, MemoryJournal())
    house.hears(KnowledgeRead(digest="d", seed=seed), begun)
    Driver(
        house=house,
        clock=VirtualClock(begun),
        actor=SimulatedPlant(scenario.simulation.plant, seed),
        orders=[
            msgspec.structs.replace(
                order,
                id=OrderId(f"wg-{number}"),
                received_at=Instant(order.received_at + number * HOUR),
                due_at=Instant(order.due_at + 5 * DAY),
            )
            for number in range(orders)
        ],
        schedules=[
            TestSchedule(
                work_unit=WorkUnitId(unit),
                time_zone="Europe/Vienna",
                times_ns=tuple(sorted(chance.randrange(24 * 60) * MINUTE for _ in range(6))),
            )
            for unit in REAMERS
        ],
        measure=Moody(seed, unfit),
        choose=first_plan,
        approve=agree,
        begun=begun,
    ).run()
    return house


@pytest.fixture(scope="module", params=SEEDS)
def house(request, scenario):
    seed = request.param
    return told(scenario, seed, orders=1 + seed % 3, unfit=(0.3, 0.5, 0.7)[seed % 3])


def facts(house, *kinds):
    return [fact for _, fact in house.history if isinstance(fact, kinds)]


def test_every_order_comes_to_an_end_that_has_a_reason(house):
    stuck = {each.order for each in facts(house, AdaptationImpossible)}
    for name, state in house.snapshot.orders.items():
        assert state.stage in (Stage.FINISHED, Stage.STUCK, Stage.REFUSED)
        assert state.stage is not Stage.STUCK or name in stuck


def test_nothing_is_done_twice_and_finished_orders_are_complete(house):
    made = [(each.record.order, each.record.operation) for each in facts(house, LotMade)]
    assert len(made) == len(set(made))
    mains = [(each.order, each.operation) for each in facts(house, JobBound) if each.main]
    assert len(mains) == len(set(mains))
    for name, state in house.snapshot.orders.items():
        if state.stage is Stage.FINISHED:
            assert sum(order == name for order, _ in made) == len(state.order.product.operations)


def test_nothing_is_reamed_on_a_machine_that_was_not_fit_when_it_began(house):
    for record in house.snapshot.records:
        if record.operation == "ream-stabilizer":
            assert record.work_unit in REAMERS
            assert record.kpis
            assert all(each.upper <= LIMIT for each in record.kpis)
            assert all(each.is_valid(record.started_at) for each in record.kpis)


def test_nobody_does_two_jobs_at_once(house):
    for who in ("work_unit", "person"):
        spans = sorted(
            (getattr(job.bound, who), job.bound.begun_at, job.ended_at or job.bound.begun_at)
            for job in house.snapshot.jobs.values()
            if job.bound is not None and getattr(job.bound, who) is not None
        )
        for (one, _, ended), (other, begun, _) in pairwise(spans):
            assert one != other or ended <= begun


def test_a_piece_is_where_it_is_worked_on(house):
    """Every lot was moved by lanes from the site that made it to the one that takes it."""
    lanes = {each.id: each for each in house.snapshot.knowledge.network.lanes}
    for order, state in house.snapshot.orders.items():
        at = {}
        trips = [job.bound for job in house.snapshot.jobs.values() if job.ended_at and job.bound]
        for record in (each for each in house.snapshot.records if each.order == order):
            at[record.operation] = record.site
        for operation in state.order.product.operations:
            if operation.id not in at:
                continue
            for source in operation.inputs:
                ways = [
                    lanes[each.lane]
                    for each in trips
                    if each.order == order
                    and each.lane is not None
                    and each.step == f"ship-{source}-{operation.id}"
                ]
                place = at[source]
                for lane in ways:
                    assert lane.origin == place
                    place = lane.destination
                assert place == at[operation.id]


def test_each_approval_migrates_the_process_without_losing_a_token(house):
    assert len(facts(house, ProcessMigrated)) == len(facts(house, AdaptationApproved))
    jobs = [each.job for each in facts(house, JobAnswered)]
    assert len(jobs) == len(set(jobs))


def test_a_piece_in_the_van_is_driven_to_its_end_and_then_back(scenario):
    house = told(scenario, 9, unfit=0.3)
    (approved,) = [at for at, fact in house.history if isinstance(fact, AdaptationApproved)]
    trips = [job for job in house.snapshot.jobs.values() if job.bound and job.bound.lane]
    assert [each.bound.lane for each in trips] == ["graz-vienna", "vienna-graz"]
    assert trips[0].bound.begun_at < approved < trips[0].ended_at <= trips[1].bound.begun_at


def test_a_story_may_be_adapted_several_times(scenario):
    assert len(facts(told(scenario, 38, orders=3, unfit=0.7), AdaptationApproved)) > 1
