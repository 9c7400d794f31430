"""Plans for recovery: valid, cheap, distinct, within what they may spend."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapt.repair.bakery import action, burnt, domain, so
from fabloop.adapt.repair.domain import Domain, Thing, checked
from fabloop.adapt.repair.estimate import FAR, Estimator
from fabloop.adapt.repair.ground import CHEAP, FAST, ground
from fabloop.adapt.repair.planner import plan
from fabloop.adapt.repair.search import Exhausted, Found, plans
from fabloop.adapt.repair.simulate import breaches
from fabloop.adapt.repair.task import counted, part
from fabloop.base.errors import Invalid
from fabloop.model.service import Relation

GOAL = (so("baked", "b1"), so("burnt", "b1", value=False), so("at", "b1", value="home"))


def names(course):
    return [step.action for step in course.steps]


def test_a_burnt_batch_is_baked_nearby_where_that_is_cheaper_than_a_repair():
    found = plan(domain(), burnt(), GOAL, counted(20_000))
    best = found.courses[0]
    assert found.proven
    assert {"bakery.select", "bakery.cook"} <= set(names(best))
    assert best.cost_minor == 1 + 5 + 1 + 2 + 3 + 9 + 3
    assert any("oven.repair" in names(each) for each in found.courses[1:])


def test_what_need_not_wait_does_not():
    best = plan(domain(), burnt(), GOAL, counted(20_000)).courses[0]
    paper = names(best).index("printer.paper")
    assert best.waits_for[paper] == ()
    assert best.duration_ns < sum(domain().action(each.action).duration_ns for each in best.steps)


def test_every_plan_that_is_offered_holds_when_it_is_tried_out():
    for each in plan(domain(), burnt(), GOAL, counted(20_000)).courses:
        assert breaches(domain(), each, burnt(), GOAL) == ()


def test_a_plan_out_of_order_is_found_out():
    best = plan(domain(), burnt(), GOAL, counted(20_000)).courses[0]
    hasty = replace(best, waits_for=((),) * len(best.steps))
    assert breaches(domain(), hasty, burnt(), GOAL)


def test_nothing_to_do_is_a_plan_without_steps():
    found = plan(domain(), burnt(), (so("open", "nearby"),), counted(1_000))
    assert [each.steps for each in found.courses] == [()]


def test_what_nothing_brings_about_is_said():
    found = plan(domain(), burnt(), (so("iced", "b1"),), counted(1_000))
    assert not found.courses
    assert found.reason == "nothing brings about 'iced(b1) = true'"


def test_that_there_is_no_way_is_proven():
    closed = burnt() | {("open", "nearby"): False}
    stuck = replace(domain(), actions=tuple(e for e in domain().actions if e.name != "oven.repair"))
    found = plan(stuck, closed, GOAL, counted(20_000))
    assert (found.courses, found.proven) == ((), True)


def test_without_budget_there_is_no_plan_and_no_end_without_answer():
    found = plan(domain(), burnt(), GOAL, lambda: 0.0)
    assert not found.courses
    assert not found.proven
    assert found.reason == "no plan was found within the budget"


def test_what_must_never_come_true_is_kept_out():
    never = (so("at", "b1", value=False), so("chosen", "nearby"))
    kept = plan(domain(never=never[1:]), burnt(), GOAL, counted(20_000))
    assert all("bakery.select" not in names(each) for each in kept.courses)
    assert kept.courses


def test_numbers_are_counted_up_to_what_is_needed():
    knead = action("dosing.dose", {}, [], [so("flour", value=4, relation=Relation.MORE)], cost=2)
    mix = action(
        "mixer.mix",
        {},
        [so("flour", value=10, relation=Relation.AT_LEAST)],
        [so("mixed"), so("flour", value=10, relation=Relation.LESS)],
    )
    kitchen = Domain(things=(), actions=(knead, mix))
    found = plan(kitchen, {("flour",): 1}, (so("mixed"),), counted(5_000))
    assert names(found.courses[0]) == ["dosing.dose"] * 3 + ["mixer.mix"]


def test_an_unknown_number_is_not_counted_on():
    dose = action("dosing.dose", {}, [], [so("flour", value=4, relation=Relation.MORE)])
    kitchen = Domain(things=(), actions=(dose,))
    goal = (so("flour", value=3, relation=Relation.AT_LEAST),)
    assert not plan(kitchen, {}, goal, counted(200)).courses


def test_every_fault_of_a_domain_is_told():
    odd = action("x.y", {}, [so("a", "?z")], [so("n", value="much", relation=Relation.MORE)])
    twice = (Thing(name="o", kind="oven"), Thing(name="o", kind="oven"))
    with pytest.raises(Invalid) as caught:
        checked(Domain(things=twice, actions=(odd,)))
    assert len(caught.value.faults) == 3


def test_equal_budgets_give_equal_plans():
    once, again = (plan(domain(), burnt(), GOAL, counted(400)) for _ in range(2))
    assert once == again


def test_a_part_of_a_budget_ends_before_the_whole():
    whole = counted(100)
    half = part(whole, 0.5)
    while half() > 0:
        pass
    assert 0.4 < whole() < 0.55


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 9)), min_size=4, max_size=16
    )
)
def test_what_is_proven_to_be_cheapest_is_the_shortest_way(roads):
    moves = tuple(
        action(
            f"road.{n}",
            {},
            [so("at", value=f"p{a}")],
            [so("at", value=f"p{b}"), so("gone", f"{n}")],
            cost=cost,
            minutes=0,
        )
        for n, (a, b, cost) in enumerate(roads)
    )
    task = ground(
        Domain(things=(), actions=moves),
        {("at",): "p0"},
        (so("at", value="p6"),),
        CHEAP,
        counted(50_000),
    )
    found = list(plans(task, counted(50_000)))
    shortest = _shortest(roads, 0, 6)
    assert found[-1] == Exhausted(whole=True)
    if shortest is None:
        assert len(found) == 1
    else:
        last = found[-2]
        assert isinstance(last, Found)
        assert last.price // 1000 == shortest


def _shortest(roads, start, end):
    cost = {start: 0}
    for _ in range(8):
        for a, b, price in roads:
            if a in cost and cost[a] + price < cost.get(b, 10**9):
                cost[b] = cost[a] + price
    return cost.get(end)


def test_the_fastest_plan_is_no_slower_than_the_cheapest():
    goal = GOAL
    cheap = plan(domain(), burnt(broken=False), goal, counted(20_000), wish=CHEAP).courses[0]
    fast = plan(domain(), burnt(broken=False), goal, counted(20_000), wish=FAST).courses[0]
    assert fast.duration_ns <= cheap.duration_ns


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(1, 9)),
        min_size=3,
        max_size=12,
    )
)
def test_no_plan_is_cheaper_than_the_bound(rules):
    made = tuple(
        action(f"rule.{n}", {}, [so(f"p{a}"), so(f"p{b}")], [so(f"p{c}")], cost=cost, minutes=0)
        for n, (a, b, c, cost) in enumerate(rules)
    )
    goal = (so("p4"), so("p5"))
    task = ground(Domain(things=(), actions=made), {("p0",): True}, goal, CHEAP, counted(10_000))
    if task.hopeless:
        return
    estimator = Estimator(task)
    found = [e for e in plans(task, counted(10_000)) if isinstance(e, Found)]
    if found:
        assert estimator.bound(task.initial) <= found[-1].price
        assert estimator.relaxed(task.initial).price < FAR
    else:
        assert estimator.bound(task.initial) == FAR
