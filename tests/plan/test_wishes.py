"""Aims and wishes: exact against trying everything; what is in the way is told with its price."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.instant import HOUR, SECOND, Instant
from fabloop.model.explanation import ReasonCode, ReliefCode
from fabloop.model.ids import OperationId, SiteId, WorkUnitId
from fabloop.model.plan import NotDecided, NotProducible, Producible
from fabloop.plan.producible import check
from fabloop.plan.statement.problem import Objective, Setting, problem_of
from fabloop.plan.statement.roads import Weights
from fabloop.plan.statement.ways import ways
from fabloop.plan.terms.blend import Blend, Cap, case_of, sums_of
from fabloop.plan.terms.objectives import Aim, Measure, lexicographic, weighted
from fabloop.plan.terms.wishes import Wishes
from fabloop.plan.timetable.schedule import Routing
from fabloop.plan.tradeoffs.constrained import holds, least_within
from fabloop.plan.tradeoffs.gates import GateNetwork, Standing
from fabloop.plan.tree import optimum, tables_of
from plan.instances import (
    NOW,
    gear,
    graz_and_vienna,
    operation,
    order,
    random_instance,
    vocabulary,
)

SEEDS = st.integers(0, 1_000_000)
TRIES_MAX = 3_000
MONEY = Blend(cost=1.0, opening=1.0)


def problem(seed, operations=4, sites=2):
    order, network, kpis = random_instance(seed, operations=operations, units=3, sites=sites)
    return problem_of(order.product, Setting(network, vocabulary(), kpis, NOW, NOW))


def every_plan(case):
    """Yield the figures of every choice with every combination of undominated ways."""
    it = case.problem
    rows = [range(len(job.candidates)) for job in it.jobs]
    assume(np.prod([len(row) for row in rows]) <= TRIES_MAX)
    for choice in product(*rows):
        edges = [
            ways(it.roads, it.jobs[child].candidates[choice[child]].place, job.candidates[p].place)
            for job, p in zip(it.jobs, choice, strict=True)
            for child in job.feeding()
        ]
        for legs in product(*edges):
            taken = iter(legs)
            nested = tuple(tuple(next(taken) for _ in job.sources) for job in it.jobs)
            yield sums_of(case, Routing(choice, Weights(), nested))


def best_of(plans, goal, caps=()):
    good = [each.of(goal, 0) for each in plans if all(holds(cap, each, 0) for cap in caps)]
    return min(good, default=None)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, tightness=st.floats(0.0, 1.0), measure=st.sampled_from(["energy", "co2"]))
def test_the_cheapest_plan_within_a_budget_equals_that_of_trying_everything(
    seed, tightness, measure
):
    case = case_of(problem(seed))
    plans = list(every_plan(case))
    assume(plans)
    uses = sorted(getattr(each, measure) for each in plans)
    limit = uses[0] + tightness * (uses[-1] - uses[0]) * 0.3
    caps = [Cap(measure, Blend(**{measure: 1.0}), limit)]
    found = least_within(case, Blend(cost=1.0), caps, 5.0)
    assert found.standing is Standing.OPTIMAL
    assert found.value == pytest.approx(best_of(plans, Blend(cost=1.0), caps))


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, fee=st.integers(0, 3_000), most=st.integers(1, 3))
def test_opening_factories_costs_and_is_limited_as_trying_everything_says(seed, fee, most):
    it = problem(seed, sites=3)
    case = case_of(it, fees=dict.fromkeys(it.roads.areas, float(fee)))
    plans = list(every_plan(case))
    assume(plans)
    caps = [Cap("sites", Blend(sites=1.0), most)]
    found = least_within(case, MONEY, caps, 5.0)
    tried = best_of(plans, MONEY, caps)
    if tried is None:
        assert found.standing is Standing.IMPOSSIBLE
    else:
        assert found.standing is Standing.OPTIMAL
        assert found.value == pytest.approx(tried)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, most=st.integers(1, 4))
def test_a_number_of_factories_is_decided_without_trying_all_sets_of_them(seed, most):
    case = case_of(problem(seed, operations=14, sites=7))
    assume(all(job.candidates for job in case.problem.jobs))
    caps = [Cap("sites", Blend(sites=1.0), most)]
    found = least_within(case, Blend(cost=1.0), caps, 1.0)
    tables = tables_of(case.problem, Weights(cost=1.0))
    tried = [
        within.value
        for sites in combinations(range(len(case.problem.roads.areas)), most)
        if (within := optimum(tables, _only(tables, sites))) is not None
    ]
    if not tried:
        assert found.standing is Standing.IMPOSSIBLE
    else:
        assert found.value == pytest.approx(min(tried))


def _only(tables, sites):
    """Return which choices of each job are at these sites."""
    return {job: np.isin(spots.site, sites) for job, spots in enumerate(tables.spots)}


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, share=st.floats(0.0, 0.5), most=st.integers(1, 2))
def test_the_gate_network_agrees_with_trying_everything_under_all_caps_at_once(seed, share, most):
    it = problem(seed, sites=2)
    case = case_of(it, fees=dict.fromkeys(it.roads.areas, 500.0))
    plans = list(every_plan(case))
    assume(plans)
    low, high = (pick(each.energy for each in plans) for pick in (min, max))
    caps = [
        Cap("energy", Blend(energy=1.0), low + share * (high - low)),
        Cap("sites", Blend(sites=1.0), most),
    ]
    found = GateNetwork(case).solve(MONEY, caps, 5.0)
    tried = best_of(plans, MONEY, caps)
    if tried is None:
        assert found.standing is Standing.IMPOSSIBLE
    else:
        assert found.bound == pytest.approx(tried, rel=1e-5)
        assert sums_of(case, found.routing).of(MONEY, 0) == pytest.approx(tried, rel=1e-5)


def asked(seed=None, *, operations=5, **wishes):
    if seed is None:
        order, (network, kpis) = gear(), graz_and_vienna()
    else:
        order, network, kpis = random_instance(seed, operations=operations, sites=2, units=3)
    known = {key: wishes.pop(key) for key in ("objective", "like") if key in wishes}
    return check(
        order,
        network,
        vocabulary(),
        kpis,
        NOW,
        plans_max=1,
        wishes=Wishes(**wishes),
        **known,
    )


def cost(answer):
    return answer.plans[0].totals.cost_minor if isinstance(answer, Producible) else np.inf


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, shares=st.lists(st.floats(1.0, 1.4), min_size=2, max_size=3, unique=True))
def test_tightening_a_wish_never_makes_a_plan_cheaper(seed, shares):
    least = asked(seed, objective=Objective.ENERGY)
    assume(isinstance(least, Producible))
    limit = least.plans[0].totals.energy_j
    costs = [
        cost(asked(seed, energy_max_j=limit * share)) for share in sorted(shares, reverse=True)
    ]
    assert costs == sorted(costs)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_lexicographic_equals_solving_one_after_the_other(seed):
    both = asked(seed, objective=lexicographic(Objective.ENERGY, Objective.COST))
    assume(isinstance(both, Producible))
    first = asked(seed, objective=Objective.ENERGY).plans[0].totals
    second = asked(seed, energy_max_j=first.energy_j)
    totals = both.plans[0].totals
    assert totals.energy_j == pytest.approx(first.energy_j)
    assert totals.cost_minor == cost(second)
    assert all(each.proven for each in both.plans[0].optimality[:2])


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, factor=st.floats(1.0, 1.5))
def test_a_deadline_is_kept_and_its_bound_is_no_promise_that_cannot_be_broken(seed, factor):
    fast = asked(seed, objective=Objective.MAKESPAN)
    assume(isinstance(fast, Producible))
    deadline = Instant(NOW + int(fast.plans[0].totals.makespan_ns * factor))
    answer = asked(seed, deadline=deadline)
    assert isinstance(answer, Producible)
    plan = answer.plans[0]
    assert max(step.end for step in plan.steps) <= deadline
    free = asked(seed, forbidden_units=frozenset())
    assert plan.totals.cost_minor >= cost(free)
    assert plan.optimality[0].bound <= plan.totals.cost_minor


def test_forbidden_factories_are_not_used_and_pinned_steps_stay():
    answer = asked(pinned={OperationId("ream-a"): WorkUnitId("v-ream")})
    assert answer.plans[0].step(OperationId("ream-a")).work_unit == "v-ream"
    away = asked(forbidden_sites=frozenset([SiteId("vienna")]))
    assert away.plans[0].totals.sites == ("graz",)
    refused = [each for each in away.exclusions if each.work_unit == "v-ream"]
    assert [reason.code for each in refused for reason in each.reasons] == [ReasonCode.NOT_WISHED]


def test_the_preferred_factory_only_breaks_ties_but_can_be_an_aim():
    free = asked()
    tie = asked(preferred_sites=frozenset([SiteId("vienna")]))
    assert cost(tie) == cost(free)
    aimed = asked(
        preferred_sites=frozenset([SiteId("vienna")]),
        objective=lexicographic(Measure.STRAYS, Objective.COST),
    )
    at_vienna = [step for step in aimed.plans[0].steps if step.site == "vienna"]
    assert len(at_vienna) == 3


def test_stability_keeps_another_plans_work_units_where_the_weight_pays_for_it():
    free = asked()
    old = asked(pinned={OperationId("mill-a"): WorkUnitId("g-mill-2")}).plans[0]
    light = asked(like=old, objective=weighted({Measure.COST: 1.0, Measure.CHANGES: 1.0}))
    heavy = asked(like=old, objective=weighted({Measure.COST: 1.0, Measure.CHANGES: 1e6}))
    assert cost(light) == cost(free)
    assert [step.work_unit for step in heavy.plans[0].steps] == [
        step.work_unit for step in old.steps
    ]


def test_a_budget_that_cannot_be_kept_is_named_with_what_would_do():
    least = cost(asked())
    answer = asked(cost_max_minor=least - 1)
    assert isinstance(answer, NotProducible)
    assert [[each.subject for each in conflict] for conflict in answer.conflicts] == [
        ["cost_max_minor"]
    ]
    assert answer.conflicts[0][0].code == ReasonCode.WISH_IN_THE_WAY
    option = answer.options[0]
    assert (option.code, option.after, option.cost_minor) == (ReliefCode.LIFT_WISH, least, least)
    assert isinstance(asked(cost_max_minor=option.cost_minor), Producible)


def test_a_budget_that_cannot_be_kept_is_told_with_what_makes_the_price():
    best = asked().plans[0]
    (ground,) = asked(cost_max_minor=best.totals.cost_minor - 1).grounds
    whole, *parts = ground.evidence
    assert (ground.code, whole.value) == (ReasonCode.WISH_BEST, best.totals.cost_minor)
    told = {(each.subject, each.source): each.value for each in parts}
    paid = {(each.operation, each.work_unit): each.cost_minor for each in best.steps}
    assert told.items() <= paid.items()
    assert min(told.values()) >= max([0, *(paid[key] for key in paid.keys() - told.keys())])


def test_a_deadline_that_cannot_be_kept_is_told_with_the_earliest_plan():
    earliest = asked(objective=Objective.MAKESPAN).plans[0]
    done = max(each.end for each in earliest.steps)
    answer = asked(deadline=Instant(done - SECOND))
    ground = next(each for each in answer.grounds if each.subject == "deadline")
    assert ground.evidence[0].value == done
    assert 1 <= len(ground.evidence) - 1 <= 3


def test_a_forbidden_site_is_told_with_what_nobody_else_can_do():
    answer = asked(forbidden_sites=frozenset([SiteId("graz"), SiteId("vienna")]))
    assert isinstance(answer, NotProducible)
    assert answer.grounds
    assert {each.code for each in answer.grounds} == {ReasonCode.WISH_LEAVES_NOBODY}


def test_wishes_that_exclude_each_other_are_told_together_and_each_has_its_price():
    seed = 3
    frugal = asked(seed, objective=lexicographic(Objective.ENERGY, Objective.COST)).plans[0].totals
    cheap = asked(seed).plans[0].totals
    assert frugal.cost_minor > cheap.cost_minor
    answer = asked(seed, cost_max_minor=cheap.cost_minor, energy_max_j=frugal.energy_j)
    assert isinstance(answer, NotProducible)
    assert {each.subject for each in answer.conflicts[0]} == {"cost_max_minor", "energy_max_j"}
    lifted = {each.parameter: each for each in answer.options}
    assert lifted["cost_max_minor"].after == frugal.cost_minor
    assert lifted["energy_max_j"].cost_minor == cheap.cost_minor


def test_a_wish_in_the_way_is_found_among_others_that_are_not():
    answer = asked(
        forbidden_units=frozenset([WorkUnitId("g-wash")]),
        forbidden_sites=frozenset([SiteId("vienna")]),
        sites_max=2,
    )
    assert isinstance(answer, NotProducible)
    assert [[each.subject for each in it] for it in answer.conflicts] == [
        ["forbidden_units.g-wash"]
    ]
    assert answer.options[0].verified


def test_no_effort_is_no_proof_that_there_is_no_plan():
    answer = check(
        gear(),
        graz_and_vienna()[0],
        vocabulary(),
        graz_and_vienna()[1],
        NOW,
        wishes=Wishes(deadline=Instant(NOW + HOUR), cost_max_minor=10**9),
        effort=0.001,
    )
    assert isinstance(answer, NotProducible | NotDecided | Producible)
    assert not isinstance(answer, NotProducible) or answer.options


def test_wishes_that_name_nothing_are_refused_all_at_once():
    with pytest.raises(Invalid) as error:
        asked(
            forbidden_sites=frozenset([SiteId("nowhere")]),
            pinned={OperationId("none"): WorkUnitId("no-unit")},
            energy_max_j=-1.0,
            sites_max=0,
        )
    assert len(error.value.faults) == 5


def test_weights_have_to_be_numbers_that_say_something():
    for weights in ({Measure.COST: -1.0}, {Measure.COST: 0.0}, {Measure.COST: float("inf")}, {}):
        with pytest.raises(Invalid):
            weighted(weights)
    with pytest.raises(Invalid):
        lexicographic()


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_tardiness_counts_from_the_due_instant_and_then_cost_decides(seed):
    answer = asked(seed, objective=lexicographic(Measure.TARDINESS, Objective.COST))
    assume(isinstance(answer, Producible))
    plan = answer.plans[0]
    due = NOW + 3 * 24 * HOUR
    late = max(0, max(step.end for step in plan.steps) - due)
    assert plan.optimality[0].objective == "tardiness"
    assert plan.optimality[0].value == late
    if late == 0:
        assert plan.totals.cost_minor == cost(asked(seed, objective=Objective.COST))


def test_a_weighted_sum_of_money_and_time_is_between_both():
    cheap, fast = asked().plans[0].totals, asked(objective=Objective.MAKESPAN).plans[0].totals
    price = 100.0 / (60 * SECOND)
    aim: Aim = weighted({Measure.COST: 1.0, Measure.MAKESPAN: price})
    plan = asked(objective=aim).plans[0]
    value = plan.totals.cost_minor + price * plan.totals.makespan_ns
    assert plan.optimality[0].value == pytest.approx(value)
    for each in (cheap, fast):
        assert plan.optimality[0].bound <= each.cost_minor + price * each.makespan_ns
        assert value <= each.cost_minor + price * each.makespan_ns + 1e-6


def contended_order():
    """Five parts of one work unit kind, put together: two mills contend for."""
    parts = [operation(f"part-{number}", "mill", minutes=20 + number) for number in range(5)]
    return order(*parts, operation("join", "clean", *(each.id for each in parts), minutes=5))


@pytest.mark.parametrize("within", [Wishes(), Wishes(deadline=Instant(NOW + 48 * HOUR))])
def test_plans_are_told_from_the_first_on_and_bounds_only_rise(within):
    network, kpis = graz_and_vienna()
    heard = []
    answer = check(
        contended_order(),
        network,
        vocabulary(),
        kpis,
        NOW,
        plans_max=1,
        objective=Objective.MAKESPAN,
        wishes=within,
        on_incumbent=heard.append,
    )
    assert isinstance(answer, Producible)
    spans = [each.totals.makespan_ns for each in heard]
    assert spans[-1] == answer.plans[0].totals.makespan_ns
    assert spans == sorted(spans, reverse=True)
    bounds = [each.optimality[0].bound for each in heard]
    assert bounds == sorted(bounds)
    assert all(bound <= span for bound, span in zip(bounds, spans, strict=True))


def test_the_caller_can_stop_after_the_first_plan():
    network, kpis = graz_and_vienna()
    heard = []
    answer = check(
        gear(),
        network,
        vocabulary(),
        kpis,
        NOW,
        on_incumbent=heard.append,
        stop=lambda: bool(heard),
    )
    assert len(heard) == 1
    assert [each.id for each in answer.plans] == ["order/plan-1"]
