"""The wave gear's documents: they fit together and tell the story they were written for."""

from collections.abc import Mapping
from functools import cache
from itertools import product
from pathlib import Path

import msgspec
import pytest

import fabloop
from fabloop.adapters.documents import read_knowledge, read_order
from fabloop.base.instant import HOUR, MINUTE, Instant, instant_of
from fabloop.base.quantity import Dimension
from fabloop.model.ids import KpiId, WorkUnitId
from fabloop.model.knowledge import Knowledge
from fabloop.model.kpi import TOTAL_POSITION_ERROR, KpiValue
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Plan, PlannedStep, Producible
from fabloop.model.product import Configured, NotConfigurable
from fabloop.model.site import Network
from fabloop.model.skill import LiveRating
from fabloop.plan.configure import configure
from fabloop.plan.producible import Objective, check, replan
from fabloop.services.assignment import on_shift
from fabloop.services.matching import match_person

FOLDER = Path(fabloop.__file__).parent / "app" / "demos" / "wavegear"
START = instant_of("2026-11-23T12:30:00+01:00")
U630 = WorkUnitId("graz-u630")
Kpis = Mapping[tuple[WorkUnitId, KpiId], KpiValue]


@cache
def knowledge() -> Knowledge:
    return read_knowledge(FOLDER)


@cache
def order() -> ProductionOrder:
    request = read_order(FOLDER / "order.json", knowledge().families)
    answer = configure(knowledge().families[request.product], request.choices)
    assert isinstance(answer, Configured)
    return ProductionOrder(
        id=request.id,
        product=answer.product,
        received_at=request.received_at,
        due_at=request.due_at,
    )


def kpis(error_m: float, at: Instant = START) -> Kpis:
    """Return the documents' values and a total position error of the U630."""
    measured = KpiValue(
        work_unit=U630,
        kpi=TOTAL_POSITION_ERROR,
        value=error_m,
        upper=error_m,
        dimension=Dimension.LENGTH,
        at=at,
        valid_for_ns=36 * HOUR,
        source="test",
    )
    return {(each.work_unit, each.kpi): each for each in (*knowledge().kpis, measured)}


@cache
def healthy_plan() -> Plan:
    return first_of(check(order(), knowledge().network, knowledge().vocabulary, kpis(14e-6), START))


def first_of(answer: object) -> Plan:
    assert isinstance(answer, Producible), answer
    return answer.plans[0]


def repaired(network: Network) -> Plan:
    """Return the plan after the U630 was measured at 16 µm just before reaming."""
    plan = healthy_plan()
    now = Instant(plan.step("ream-stabilizer").start - 5 * MINUTE)
    done: dict[str, PlannedStep] = {each.operation: each for each in plan.steps if each.end <= now}
    running = {each.operation: each for each in plan.steps if each.start <= now < each.end}
    return first_of(
        replan(
            order(),
            plan,
            done,
            running,
            network,
            knowledge().vocabulary,
            kpis(16e-6, now),
            now,
            objective=Objective.COST,
        )
    )


def without(unit_id: str, skill: str) -> Network:
    """Return the network in which the work unit does not offer the skill."""
    network = knowledge().network
    sites = {
        name: msgspec.structs.replace(
            site,
            work_units=tuple(
                msgspec.structs.replace(
                    unit, offers=tuple(each for each in unit.offers if each.skill != skill)
                )
                if unit.id == unit_id
                else unit
                for unit in site.work_units
            ),
        )
        for name, site in network.sites.items()
    }
    return msgspec.structs.replace(network, sites=sites)


def elsewhere(plan: Plan) -> dict[str, str]:
    return {each.operation: each.work_unit for each in plan.steps if each.site != "graz"}


def test_the_order_asks_for_about_thirty_operations_in_one_tree():
    made = order().product
    assert 20 <= len(made.operations) <= 30
    assert made.final().output == "finished-wave-gear"
    assert order().due_at - order().received_at == 36 * HOUR


def test_every_variant_can_be_configured_or_is_refused_by_a_rule():
    family = knowledge().families[order().product.product]
    mandatory = [each for each in family.features if each.mandatory]
    refused = 0
    for options in product(*(each.options for each in mandatory)):
        choices = {each.id: option for each, option in zip(mandatory, options, strict=True)}
        answer = configure(family, choices)
        refused += isinstance(answer, NotConfigurable)
        if isinstance(answer, Configured):
            assert answer.product.final().id == "inspect-wave-gear"
    # Of 36, the motor refuses flanges B and none (12), heavy load ratio 50 (6), two both.
    assert refused == 12 + 6 - 2


def test_the_stabilizer_is_reamed_to_fifteen_micrometres():
    ream = order().product.operation("ream-stabilizer")
    assert ream.requirement.constraints["position-tolerance"] == 15e-6
    assert ream.inputs == ("drill-stabilizer",)


def test_the_machines_that_ream_are_monitored_and_the_u630_waits_for_its_first_test():
    rating = {
        unit.id: offer.values["position-tolerance"]
        for unit in knowledge().network.work_units().values()
        for offer in unit.offers
        if offer.skill == "ream"
    }
    assert rating[U630] == LiveRating(kpi=TOTAL_POSITION_ERROR, vendor=8e-6, monitored=True)
    assert all(isinstance(each, LiveRating) and each.monitored for each in rating.values())
    measured = {each.work_unit: each.upper for each in knowledge().kpis}
    assert measured.keys() == rating.keys() - {U630}
    assert all(upper < 15e-6 for upper in measured.values())
    assert all(each.is_valid(START) for each in knowledge().kpis)


@pytest.mark.parametrize("site", ["graz", "vienna"])
def test_at_every_hour_somebody_with_each_skill_is_at_work(site):
    place = knowledge().network.sites[site]
    for hour, skill in product(range(48), ("assembly-work", "inspect")):
        now = Instant(START + hour * HOUR)
        at_work = tuple(
            each
            for each in place.persons
            if on_shift(place.working_time(each), place.time_zone, now)
        )
        present = msgspec.structs.replace(place, persons=at_work)
        assert isinstance(match_person(present, skill, knowledge().vocabulary), str), (hour, skill)


def test_lanes_lead_from_every_site_to_every_other():
    network = knowledge().network
    ways = {(each.origin, each.destination) for each in network.lanes}
    assert ways == {(a, b) for a, b in product(network.sites, repeat=2) if a != b}


def test_while_the_u630_is_precise_the_cheapest_plan_stays_in_graz():
    plan = healthy_plan()
    assert elsewhere(plan) == {}
    assert plan.totals.shipments == 0
    assert plan.step("ream-stabilizer").work_unit == U630
    assert 8 * HOUR <= plan.totals.makespan_ns <= 10 * HOUR
    assert 2.5 * HOUR <= plan.step("ream-stabilizer").start - START <= 4 * HOUR


def test_when_the_u630_wears_out_reaming_and_cleaning_move_to_vienna():
    plan = repaired(knowledge().network)
    assert elsewhere(plan) == {
        "ream-stabilizer": "vienna-emco",
        "clean-stabilizer": "vienna-emco",
    }
    assert plan.totals.shipments == 2
    assert max(each.end for each in plan.steps) <= order().due_at


@pytest.mark.parametrize("skill", ["clean", "ream"])
def test_any_other_repair_is_clearly_dearer(skill):
    best = repaired(knowledge().network)
    other = repaired(without("vienna-emco", skill))
    common = {
        each.operation: each.cost_minor
        for each in best.steps
        if other.step(each.operation).work_unit == each.work_unit
    }
    changed = best.totals.cost_minor - sum(common.values())
    assert other.totals.cost_minor - best.totals.cost_minor >= 0.10 * changed


def test_planned_anew_with_a_worn_u630_the_same_two_steps_go_to_vienna():
    answer = check(order(), knowledge().network, knowledge().vocabulary, kpis(16e-6), START)
    assert elsewhere(first_of(answer)).keys() == {"ream-stabilizer", "clean-stabilizer"}
