"""The simulated plant: seed and job decide everything, nothing is started twice."""

from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant
from fabloop.model.ids import OperationId, WorkUnitId
from fabloop.run.actor import JobOrder
from fabloop.sim.clock import VirtualClock
from fabloop.sim.plant import PlantBehaviour, SimulatedPlant

BEHAVIOUR = PlantBehaviour(
    duration_spread=0.1,
    supplier_lots={"supply-bar": "AL"},
    results={"inspect": {"passed": True}},
)


def order(job, *, minutes=30, begun=0, operation="mill", skill="mill", main=True):
    return JobOrder(
        job=job,
        step=f"op-{operation}",
        skill=skill,
        operation=OperationId(operation),
        work_unit=WorkUnitId("m"),
        person=None,
        main=main,
        begun_at=Instant(begun * MINUTE),
        duration_ns=minutes * MINUTE,
    )


def answers(orders, seed=1, behaviour=BEHAVIOUR):
    plant = SimulatedPlant(behaviour, seed)
    for each in orders:
        plant.begin(each)
    return plant.responses(Instant(1_000 * HOUR))


orders = st.lists(
    st.builds(order, st.integers(1, 50), minutes=st.integers(1, 300), begun=st.integers(0, 1_000)),
    max_size=12,
    unique_by=lambda each: each.job,
)


@given(orders, st.integers(0, 99), st.randoms())
def test_the_same_seed_and_jobs_give_the_same_answers_in_whatever_order_they_began(
    jobs, seed, roll
):
    shuffled = list(jobs)
    roll.shuffle(shuffled)
    assert answers(shuffled, seed) == answers(jobs, seed)


@given(orders)
def test_answers_come_in_order_of_time_once_each(jobs):
    found = answers(jobs)
    assert sorted(each.job for each in found) == sorted(each.job for each in jobs)
    assert [each.at for each in found] == sorted(each.at for each in found)


@given(orders, st.integers(0, 1_300))
def test_nothing_is_answered_before_it_is_due(jobs, minutes):
    plant = SimulatedPlant(BEHAVIOUR, 1)
    for each in jobs:
        plant.begin(each)
    until = Instant(minutes * MINUTE)
    early = plant.responses(until)
    assert all(each.at <= until for each in early)
    following = plant.next_response_at()
    assert following is None or following > until
    assert (*early, *plant.responses(Instant(1_000 * HOUR))) == answers(jobs)


def test_a_job_that_is_begun_twice_starts_once_and_answers_once():
    plant = SimulatedPlant(BEHAVIOUR, 1)
    plant.begin(order(1))
    plant.begin(order(1, begun=20))
    (only,) = plant.responses(Instant(10 * HOUR))
    assert (only,) == answers([order(1)])
    plant.begin(order(1))
    assert plant.next_response_at() is None


def test_other_seeds_and_other_jobs_take_other_times():
    ends = {answers([order(1)], seed)[0].at for seed in range(20)}
    ends |= {answers([order(job)])[0].at for job in range(2, 20)}
    assert len(ends) == 38


def test_without_spread_the_plan_is_met_exactly():
    exact = PlantBehaviour(duration_spread=0.0, supplier_lots={}, results={})
    assert answers([order(1, minutes=7, begun=3)], behaviour=exact)[0].at == 10 * MINUTE


def test_durations_scatter_around_the_plan():
    ends = sorted(answers([order(job, minutes=100)])[0].at / MINUTE for job in range(400))
    assert 97 < ends[200] < 103
    assert 85 < ends[63] < 95 < 105 < ends[337] < 118


def test_inspection_reports_and_supplies_carry_a_lot_number():
    (told,) = answers([order(1, operation="inspect-gear", skill="inspect")])
    assert told.results == {"passed": True}
    (supply,) = answers([order(2, operation="supply-bar", skill="supply")])
    assert str(supply.results["supplier_lot"]).startswith("AL-")
    (transport,) = answers([order(3, operation="supply-bar", skill="transport", main=False)])
    assert transport.results == {}


def test_the_virtual_clock_only_goes_forward():
    clock = VirtualClock(Instant(5 * SECOND))
    clock.wait_until(Instant(9 * SECOND))
    clock.wait_until(Instant(7 * SECOND))
    assert clock.now() == 9 * SECOND
