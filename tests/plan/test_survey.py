"""Who can make what: both directions agree, and the fewest sites are the fewest."""

from itertools import combinations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.errors import NotFound
from fabloop.model.ids import SiteId
from fabloop.plan.catalogue.hitting import smallest_hit
from fabloop.plan.catalogue.survey import Surveyor
from fabloop.plan.engine import is_possible_now
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import MEASURE, Objective, Setting, problem_of
from fabloop.plan.tree import marginals, tables_of
from plan.instances import NOW, gear, graz_and_vienna, random_instance, vocabulary
from plan.test_alternatives import with_alternatives

SEEDS = st.integers(0, 1_000_000)


def stated(product, network, kpis):
    return problem_of(product, Setting(network, vocabulary(), kpis, NOW, NOW))


def only(network, sites):
    kept = {each: site for each, site in network.sites.items() if each in sites}
    lanes = [each for each in network.lanes if {each.origin, each.destination} <= set(sites)]
    return msgspec.structs.replace(network, sites=kept, lanes=tuple(lanes))


def can(product, network, kpis, sites):
    return bool(sites) and is_possible_now(stated(product, only(network, sites), kpis))


def drawn(seed, sites=3):
    order, network, kpis = random_instance(seed, sites=sites, units=2)
    return with_alternatives(order, seed, count=seed % 3).product, network, kpis


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, others=st.lists(SEEDS, max_size=4))
def test_a_site_makes_a_product_exactly_if_the_product_can_be_made_at_the_site(seed, others):
    product, network, kpis = drawn(seed)
    products = {"first": product} | {f"p{each}": drawn(each)[0] for each in others}
    surveyor = Surveyor(Plant(network, vocabulary(), kpis), NOW)
    by_product = {name: set(surveyor.alone(each)) for name, each in products.items()}
    by_site = {site: set(surveyor.makes(site, products)) for site in network.sites}
    for name, each in products.items():
        for site in network.sites:
            alone = can(each, network, kpis, [site])
            assert (site in by_product[name]) == alone
            assert (name in by_site[site]) == alone


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_the_fewest_sites_can_make_it_fewer_cannot_and_the_proof_holds(seed):
    product, network, kpis = drawn(seed, sites=4)
    making = Surveyor(Plant(network, vocabulary(), kpis), NOW).where(product)
    names = list(network.sites)
    enough = [
        each
        for size in range(1, len(names) + 1)
        for each in combinations(names, size)
        if can(product, network, kpis, each)
    ]
    assert making.producible == bool(enough)
    if making.fewest is None:
        return
    fewest = making.fewest
    assert fewest.proven
    assert len(fewest.sites) == len(enough[0])
    assert can(product, network, kpis, fewest.sites)
    for group in fewest.proof:
        assert not can(product, network, kpis, [each for each in names if each not in group])
    sizes = [
        size
        for size in range(len(names) + 1)
        for each in combinations(names, size)
        if all(set(each) & set(group) for group in fewest.proof)
    ]
    assert sizes[0] == fewest.at_least


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_the_work_units_told_are_those_of_all_plans(seed):
    product, network, kpis = drawn(seed, sites=2)
    making = Surveyor(Plant(network, vocabulary(), kpis), NOW).where(product)
    problem = stated(product, network, kpis)
    rows = marginals(tables_of(problem, MEASURE[Objective.COST]))
    sites = set()
    for job, row in zip(problem.jobs, rows, strict=True):
        units = [
            each.unit for each, value in zip(job.candidates, row, strict=True) if value < 1e300
        ]
        assert list(making.steps[job.operation.id]) == [each.id for each in units]
        sites |= {each.site for each in units}
    assert set(making.taking_part) == sites


def test_two_sites_that_can_only_do_it_together_are_the_fewest():
    network, kpis = graz_and_vienna(graz_tpe=30e-6)
    surveyor = Surveyor(Plant(network, vocabulary(), kpis), NOW)
    making = surveyor.where(gear().product)
    assert making.alone == ()
    assert making.fewest.sites == ("graz", "vienna")
    assert making.fewest.proof == (("graz",), ("vienna",), ("graz", "vienna"))
    assert making.steps["ream-a"] == ("v-ream",)
    assert surveyor.can_make(gear().product)
    assert not surveyor.can_make(gear(1e-6).product)
    assert surveyor.fewest(gear(1e-6).product) is None
    with pytest.raises(NotFound, match="nowhere"):
        list(surveyor.makes(SiteId("nowhere"), {}))


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_where_proof_is_given_up_the_set_still_suffices_and_the_bound_holds(seed):
    product, network, kpis = drawn(seed, sites=4)
    surveyor = Surveyor(Plant(network, vocabulary(), kpis), NOW)
    best, hasty = surveyor.fewest(product), surveyor.fewest(product, cuts_max=0)
    assert (best is None) == (hasty is None)
    if best is not None:
        assert can(product, network, kpis, hasty.sites)
        assert hasty.at_least <= len(best.sites) <= len(hasty.sites)


@settings(max_examples=200, deadline=None)
@given(sets=st.lists(st.integers(1, 255), max_size=9))
def test_the_smallest_hit_meets_all_sets_and_none_is_smaller(sets):
    hit = smallest_hit(sets)
    assert all(hit.members & each for each in sets)
    best = min(mask.bit_count() for mask in range(256) if all(mask & each for each in sets))
    assert hit.members.bit_count() == hit.at_least == best
    assert smallest_hit([*sets, 0]) is None
