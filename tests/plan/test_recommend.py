"""Recommendations help, need every part of them, and nothing less would help."""

from itertools import combinations

import msgspec
import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.app.sentences import sentence
from fabloop.model.explanation import OptionCode
from fabloop.model.plan import NotProducible, Producible
from fabloop.model.skill import Choices
from fabloop.plan.engine import cheapest, is_possible_now, least
from fabloop.plan.producible import check
from fabloop.plan.reasons.change import Change, World
from fabloop.plan.reasons.cover import cheapest_cover
from fabloop.plan.reasons.effects import Effects
from fabloop.plan.reasons.penalty import Penalties
from fabloop.plan.reasons.reach import Reach, units_of
from fabloop.plan.reasons.recommend import (
    ALTERNATIVES_MAX,
    effect_of,
    factory_changes,
    product_changes,
    recommend,
)
from fabloop.plan.reasons.seats import Seats, missing_ways
from fabloop.plan.reasons.shared import Shared
from fabloop.plan.reasons.whatif import after, changed
from fabloop.plan.statement.grid import grid_of_places
from fabloop.plan.statement.problem import MEASURE, Objective, Setting, problem_of
from fabloop.plan.statement.roads import Place, Weights, roads_again, roads_of
from fabloop.plan.tree import optimum, tables_of
from plan.instances import (
    NOW,
    kpis,
    link,
    network,
    offer,
    operation,
    order,
    random_instance,
    site,
    tpe,
    unit,
    vocabulary,
)

replace = msgspec.structs.replace
SEEDS = st.integers(0, 100_000)


def an_instance(seed, **sizes):
    """Return a world in which nothing can be made, and its problem; skip others."""
    request, plant, values = random_instance(seed, **sizes)
    world = World(request.product, Setting(plant, vocabulary(), values, NOW, NOW))
    problem = problem_of(world.product, world.setting)
    assume(not is_possible_now(problem))
    return request, world, problem


def is_possible_in(world, changes):
    """State and solve everything anew with the changes made."""
    new = changed(world, changes)
    return is_possible_now(problem_of(new.product, new.setting))


def all_seats(problem, world):
    units = units_of(problem)
    if world is not None:
        for each in world.setting.network.work_units().values():
            units.setdefault(each.id, Place(each.site, each.area, each.id))
    return Seats(problem, Reach(problem.roads, units), world)


def universe(problem, world):
    """Return every change that a seat or a way asks for, by key and amount."""
    seats = all_seats(problem, world)
    found = {
        (change.key, change.level): change
        for number in range(len(problem.jobs))
        for seat in seats.of(number)
        for change in seat.changes
    }
    if world is not None:
        areas = [(s, a) for s, names in problem.roads.areas.items() for a in names]
        for origin in areas:
            for end in areas:
                for change in missing_ways(problem.roads, origin, end):
                    found[change.key, change.level] = change
    return list(found.values())


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_recommendations_help_and_every_part_of_them_is_needed(seed):
    _, world, problem = an_instance(seed, operations=6, units=3)
    for each in (*product_changes(world, problem), *factory_changes(world, problem)):
        assert is_possible_in(world, each.changes)
        for count in range(len(each.changes)):
            for fewer in combinations(each.changes, count):
                assert not is_possible_in(world, fewer)


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, of_factory=st.booleans())
def test_nothing_easier_helps(seed, of_factory):
    _, world, problem = an_instance(seed, operations=3, units=2)
    found = (factory_changes if of_factory else product_changes)(world, problem)
    price = found[0].answer.price if found else float("inf")
    changes = universe(problem, world if of_factory else None)
    for count in (1, 2):
        for some in combinations(changes, count):
            apart = len({each.key for each in some}) == count
            if apart and sum(each.price for each in some) < price - 1e-6:
                assert not is_possible_in(world, some)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_changes_of_the_product_are_the_least_of_the_tree(seed):
    _, world, problem = an_instance(seed, operations=7, units=3)
    found = product_changes(world, problem)
    exact = next(Penalties(all_seats(problem, None)).answers(), None)
    assert bool(found) == (exact is not None)
    if found:
        assert abs(found[0].answer.price - sum(each.price for each in exact)) < 1e-6
        assert all(each.answer.proven for each in found)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_least_changes_of_the_tree_are_those_with_every_seat_known(seed):
    _, _, problem = an_instance(seed, operations=6, units=3)
    seats = all_seats(problem, None)
    grid = grid_of_places(problem.roads, seats.reach.places)
    nodes, spots = [], []
    for number, job in enumerate(problem.jobs):
        prices = {each.unit.id: 0.0 for each in job.candidates}
        for seat in seats.of(number):
            unit_id = seats.reach.units[seat.unit.bit_length() - 1]
            prices[unit_id] = min(prices.get(unit_id, seat.price), seat.price)
        places = [seats.reach.places[seats.reach.number[each]] for each in prices]
        nodes.append(np.array([*prices.values()]))
        spots.append(grid.spots(places))
    found = Penalties(seats).least({})
    tables = msgspec.structs.replace(
        tables_of(problem, Weights()),
        spots=tuple(spots),
        nodes=tuple(nodes),
        ready=tuple(np.zeros(len(each)) for each in nodes),
    )
    exact = optimum(tables) if all(len(each) for each in nodes) else None
    assert bool(found) == (exact is not None)
    if exact is not None:
        assert abs(sum(each.price for each in found) - exact.value) < 1e-6


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_what_is_found_by_sharing_helps_and_is_never_worth_less_than_the_least(seed):
    _, world, problem = an_instance(seed, operations=6, units=3)
    least = [each.answer for each in factory_changes(world, problem)]
    for changes in Shared(all_seats(problem, world)).answers():
        assert is_possible_in(world, changes)
        for fewer in combinations(changes, len(changes) - 1):
            assert not is_possible_in(world, fewer)
        if least[0].proven:
            assert sum(each.price for each in changes) >= least[0].price - 1e-6


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_alternatives_do_not_contain_each_other_and_come_in_order(seed):
    _, world, problem = an_instance(seed, operations=6, units=3)
    for kind in (product_changes, factory_changes):
        found = kind(world, problem)
        assert len(found) <= ALTERNATIVES_MAX
        prices = [each.answer.price for each in found]
        assert prices == sorted(prices)
        for one, other in combinations(found, 2):
            first = {change.key: change.level for change in one.changes}
            second = {change.key: change.level for change in other.changes}
            assert not all(second.get(key, -1e99) >= level for key, level in first.items())


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_roads_made_again_are_those_of_the_changed_network(seed):
    _, world, problem = an_instance(seed)
    for each in factory_changes(world, problem):
        plant = changed(world, each.changes).setting.network
        again, anew = roads_again(plant, world.setting.network, problem.roads), roads_of(plant)
        assert (again.links, again.lanes) == (anew.links, anew.lanes)
        assert (again.gates, again.areas) == (anew.gates, anew.areas)
        ours, theirs = again.moves(MEASURE[Objective.COST]), anew.moves(MEASURE[Objective.COST])
        assert np.array_equal(ours.link, theirs.link)
        assert np.array_equal(ours.lane, theirs.lane)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_what_is_judged_again_equals_what_is_stated_anew(seed):
    _, world, problem = an_instance(seed, operations=6, units=3)
    for each in (*product_changes(world, problem), *factory_changes(world, problem)):
        part, new = after(problem, world, each.changes)
        whole = problem_of(new.product, new.setting)
        for ours, theirs in zip(part.jobs, whole.jobs, strict=True):
            assert [c.unit.id for c in ours.candidates] == [c.unit.id for c in theirs.candidates]
            assert [c.takes for c in ours.candidates] == [c.takes for c in theirs.candidates]
        assert cheapest(part, Objective.COST) is not None
        assert each.effect.cost_minor == round(least(whole, Objective.COST))


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_effects_solved_again_are_those_solved_anew(seed):
    _, world, problem = an_instance(seed, operations=6, units=3)
    effects = Effects(problem, world)
    for each in (*product_changes(world, problem), *factory_changes(world, problem)):
        new = changed(world, each.changes)
        whole = problem_of(new.product, new.setting)
        effect = effects.of(each.changes)
        assert effect is not None
        assert effect.cost_minor == round(least(whole, Objective.COST))


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS)
def test_the_product_can_be_made_as_an_option_says_and_the_plan_passes_the_check(seed):
    request, world, problem = an_instance(seed, operations=6, units=3)
    for each in (*product_changes(world, problem), *factory_changes(world, problem)):
        new = changed(world, each.changes)
        setting = new.setting
        wanted = replace(request, product=new.product)
        answer = check(wanted, setting.network, setting.vocabulary, setting.kpis, NOW, plans_max=1)
        assert isinstance(answer, Producible)
        assert answer.plans[0].totals.cost_minor == each.effect.cost_minor


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS)
def test_a_better_machine_more_never_makes_the_least_change_harder(seed):
    request, world, problem = an_instance(seed, operations=5, units=2)
    plant = world.setting.network
    first = next(iter(plant.sites.values()))
    good = unit("extra", first.id, "hall", offer("mill", size=9.0), offer("ream", size=9.0))
    better = replace(first, work_units=(*first.work_units, good))
    grown = replace(plant, sites={**plant.sites, first.id: better})
    values = {**world.setting.kpis, **kpis(tpe("extra", 1e-6))}
    richer = World(request.product, Setting(grown, vocabulary(), values, NOW, NOW))
    stated = problem_of(richer.product, richer.setting)
    assume(not is_possible_now(stated))
    before, now = product_changes(world, problem), product_changes(richer, stated)
    if before:
        assert now
        assert now[0].answer.price <= before[0].answer.price + 1e-6


def test_one_upgrade_that_serves_two_operations_is_one_change():
    units = [
        unit("old", "graz", "hall", offer("mill", size=0.1), offer("drill", size=0.1)),
        unit("far", "graz", "yard", offer("mill", size=9.0)),
    ]
    plant = network(
        site("graz", units, [link("hall", "hall", "agv")], areas=("hall", "gate", "yard"))
    )
    values = kpis(tpe("old", 20e-6), tpe("far", 20e-6))
    request = order(
        operation("a", "mill", tpe=15e-6, size=0.05),
        operation("b", "drill", "a", tpe=12e-6, size=0.05),
    )
    world = World(request.product, Setting(plant, vocabulary(), values, NOW, NOW))
    first = factory_changes(world, problem_of(world.product, world.setting))[0]
    (change,) = first.changes
    assert (change.code, change.subject, change.after) == (OptionCode.RESTORE_KPI, "old", 12e-6)
    assert first.answer.proven


def test_maintenance_is_not_proposed_beyond_the_data_sheet():
    plant = network(site("graz", [unit("m", "graz", "hall", offer("mill", tpe=10e-6))], []))
    values = kpis(tpe("m", 20e-6))
    for limit, code in ((12e-6, OptionCode.RESTORE_KPI), (8e-6, OptionCode.UPGRADE_OFFER)):
        request = order(operation("a", "mill", tpe=limit))
        answer = check(request, plant, vocabulary(), values, NOW)
        assert isinstance(answer, NotProducible)
        codes = [each.code for each in answer.options]
        assert codes == [OptionCode.LOOSEN, code]
        assert all(each.least for each in answer.options)


def test_the_amount_of_a_change_counts():
    far = offer("mill", monitored=True)
    near = replace(far, values={**far.values, "material": Choices(values=("aluminium",))})
    units = [unit("far", "graz", "hall", far), unit("near", "graz", "hall", near)]
    plant = network(site("graz", units, []))
    values = kpis(tpe("far", 90e-6), tpe("near", 16e-6))
    request = order(operation("a", "mill", material="steel", tpe=15e-6))
    world = World(request.product, Setting(plant, vocabulary(), values, NOW, NOW))
    problem = problem_of(world.product, world.setting)
    first = product_changes(world, problem)[0]
    assert [each.code for each in first.changes] == [OptionCode.LOOSEN, OptionCode.CHOOSE_OTHER]


def test_figures_of_an_option_are_those_of_the_plan_it_leads_to():
    plant = network(site("graz", [unit("m", "graz", "hall", offer("mill"))], []))
    values = kpis(tpe("m", 16.2e-6))
    request = order(operation("a", "mill", tpe=15e-6))
    world = World(request.product, Setting(plant, vocabulary(), values, NOW, NOW))
    problem = problem_of(world.product, world.setting)
    option = recommend(world, problem)[0]
    change = product_changes(world, problem)[0].changes
    effect = effect_of(change, problem, world)
    assert effect is not None
    assert (option.cost_minor, option.makespan_ns) == (effect.cost_minor, effect.makespan_ns)
    assert (option.energy_j, option.co2_kg) == (effect.energy_j, effect.co2_kg)


PRICES = st.lists(st.integers(1, 9), min_size=6, max_size=6)


@settings(max_examples=60, deadline=None)
@given(prices=PRICES, ways=st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=1, max_size=4))
def test_a_cover_is_the_cheapest_of_all_subsets(prices, ways):
    changes = [_change(f"unit-{index}", float(price)) for index, price in enumerate(prices)]
    conflicts = [[(changes[index],) for index in sorted(each)] for each in ways]
    found = cheapest_cover(conflicts)
    assert found is not None
    subsets = [
        some
        for count in range(7)
        for some in combinations(range(6), count)
        if all(set(some) & each for each in ways)
    ]
    best = min(sum(prices[index] for index in some) for some in subsets)
    assert sum(each.price for each in found.chosen.values()) == best


def _change(subject, price):
    return Change(OptionCode.RELEASE_UNIT, subject, "availability", price=price)


def test_a_fixture_that_nobody_has_is_the_conflict_and_having_it_the_option():
    units = [unit("m", "graz", "hall", offer("mill", monitored=False))]
    plant = network(site("graz", units, []))
    request = order(replace(operation("a", "mill"), tools=("F7",)))
    answer = check(request, plant, vocabulary(), {}, NOW)
    assert isinstance(answer, NotProducible)
    ((reason,),) = answer.conflicts
    assert reason.details["parameter"] == "tool"
    (option,) = answer.options
    assert (option.code, option.subject, option.parameter) == (OptionCode.ADD_TOOL, "graz", "F7")
    assert option.least
    text = sentence(reason, NOW)
    assert "0 of 1 work units that offer mill have the tools for it" in text


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_new_ways_are_those_that_are_missing_and_no_others(seed):
    request, plant, values = random_instance(seed)
    world = World(request.product, Setting(plant, vocabulary(), values, NOW, NOW))
    roads = problem_of(world.product, world.setting).roads
    places = [Place(each.site, each.area, each.id) for each in plant.work_units().values()]
    for start, end in combinations(places, 2):
        ways = missing_ways(roads, (start.site, start.area), (end.site, end.area))
        assert (not ways) == (roads.route(start, end, Weights()) is not None)
        if ways:
            network_then = changed(world, ways).setting.network
            assert roads_of(network_then).route(start, end, Weights()) is not None
            for fewer in combinations(ways, len(ways) - 1):
                network_then = changed(world, fewer).setting.network
                assert roads_of(network_then).route(start, end, Weights()) is None
