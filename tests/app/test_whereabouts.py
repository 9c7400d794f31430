"""Which legs of a plan have begun, as jobs tell it."""

from fabloop.app.whereabouts import Leg, begun_legs
from fabloop.base.instant import MINUTE, Instant
from fabloop.model.explanation import Explanation
from fabloop.model.facts import JobBound, JobOffered
from fabloop.model.ids import OperationId, OrderId
from fabloop.run.recipe import recipe_of
from run.wave_gear import BEGIN, network, plan_over_vienna, product

SHIP = "ship-drill-generator-ream-generator"
WAY = (OperationId("drill-generator"), OperationId("ream-generator"))
PLAN = plan_over_vienna()
RECIPE = recipe_of(PLAN, product(), network())


def at(minutes):
    return Instant(BEGIN + minutes * MINUTE)


def leg(service, begun=None, ended=None, *, step=SHIP, operation=WAY[1], minutes=5):
    offered = JobOffered(
        order=OrderId("order-1042"), job=service, step=step, service=service, skill="transport",
        operation=operation, work_unit=None, lane=None, person_skill=None, main=False,
        duration_ns=minutes * MINUTE,
    )  # fmt: skip
    bound = None
    if begun is not None:
        bound = JobBound(
            order=offered.order, job=service, step=step, skill="transport", operation=operation,
            work_unit=None, lane=None, person=None, main=False, begun_at=at(begun),
            duration_ns=offered.duration_ns, because=Explanation(code="carried", subject="x"),
        )  # fmt: skip
    return Leg(offered=offered, bound=bound, ended_at=None if ended is None else at(ended))


def told(*legs, begun=(), now=100):
    return begun_legs(PLAN, RECIPE, legs, begun, at(now))


def times(chain):
    return [((each.start - BEGIN) // MINUTE, (each.end - BEGIN) // MINUTE) for each in chain]


def test_nothing_that_was_not_asked_for_has_begun():
    assert told() == {}


def test_legs_that_are_over_keep_their_real_times_and_are_frozen():
    chain = told(leg(1, 52, 58), leg(2, 60, 230, minutes=180), now=240)[WAY]
    assert times(chain) == [(52, 58), (60, 230)]
    assert [each.lane for each in chain] == [None, "graz-vienna"]
    assert all(each.frozen for each in chain)


def test_a_leg_under_way_ends_when_it_is_planned_to_and_not_before_now():
    assert times(told(leg(1, 98), now=100)[WAY]) == [(98, 103)]
    assert times(told(leg(1, 52), now=100)[WAY]) == [(52, 100)]


def test_a_leg_that_waits_for_its_vehicle_counts_as_begun_now():
    assert times(told(leg(1), now=100)[WAY]) == [(100, 105)]


def test_legs_the_plan_expected_but_nobody_asked_for_have_not_begun():
    assert len(told(leg(1, 52, 58), now=1_000)[WAY]) == 1


def test_all_legs_of_an_operation_that_has_begun_count():
    ways = told(leg(1, 52, 58), begun=[WAY[1]])
    assert set(ways) == {WAY}
    assert [each.leg for each in ways[WAY]] == [0, 1, 2]
    starts = [each.start for each in ways[WAY]]
    ends = [each.end for each in ways[WAY]]
    assert all(start >= end for start, end in zip(starts[1:], ends[:-1], strict=True))


def test_jobs_of_steps_that_the_recipe_no_longer_has_are_passed_over():
    assert told(leg(1, 52, 58, step="ship-elsewhere")) == {}


def test_parts_that_are_brought_together_are_told_apart_by_their_maker():
    taker = OperationId("assemble")
    ways = told(leg(2, 80, 86, step="op-assemble", operation=taker))
    assert [(made, len(chain)) for (made, _), chain in ways.items()] == [("clean-generator", 1)]
