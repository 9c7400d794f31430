"""What plans leave out is said by name, and so is a plan that comes too late."""

import msgspec

from fabloop.app.asked import asked_in
from fabloop.app.caveats import lateness, left_out
from fabloop.app.demo import documents_of
from fabloop.base.instant import DAY, HOUR, Instant
from fabloop.model.site import EnergyBand, Stock
from fabloop.plan.producible import check


def told():
    return asked_in(documents_of("wavegear"))


def notes(asked, network):
    return left_out(network, (asked.order.product,), asked.order.received_at)


def with_site(network, site):
    return msgspec.structs.replace(network, sites={**network.sites, site.id: site})


def test_nothing_is_said_where_plans_heed_all_that_is_told():
    asked = told()
    assert notes(asked, asked.knowledge.network) == ()


def test_hours_without_staff_are_named_and_stock_and_bands_that_plans_heed_are_not():
    asked = told()
    site = asked.knowledge.network.sites["graz"]
    later = Instant(asked.order.received_at + DAY)
    band = EnergyBand(end_ns=6 * HOUR, energy_minor_per_j=0.0, co2_kg_per_j=0.0)
    site = msgspec.structs.replace(
        site,
        stock=(Stock(material="base-bar", quantity=1, available_at=later),),
        tariff=msgspec.structs.replace(site.tariff, bands=(band,)),
        persons=tuple(each for each in site.persons if each.shift == "early"),
    )
    said = " ".join(notes(asked, with_site(asked.knowledge.network, site)))
    assert "assembly-work at graz" in said
    assert "stock" not in said
    assert "energy" not in said


def test_a_late_plan_is_told_with_what_is_in_time():
    asked = told()
    order, knowledge = asked.order, asked.knowledge
    answer = check(order, knowledge.network, knowledge.vocabulary, asked.kpis, order.received_at)
    assert lateness(order, answer.plans) == ()
    ends = sorted(max(step.end for step in each.steps) for each in answer.plans)
    hasty = msgspec.structs.replace(order, due_at=ends[0])
    (note,) = lateness(hasty, answer.plans)
    assert note.startswith(f"Late: {answer.plans[0].id} is ready at")
    assert "In time: " in note
    (note,) = lateness(msgspec.structs.replace(order, due_at=order.received_at), answer.plans)
    assert "None of these plans is in time" in note
