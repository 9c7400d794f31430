"""What a factory says of itself: working time, tools, stock, prices by hour, departures."""

import pytest

from fabloop.base.instant import DAY, HOUR, MINUTE, instant_of
from fabloop.model.calendar import open_spans
from fabloop.model.disclosure import Disclosure
from fabloop.model.documents import check, resolve
from fabloop.model.site import EnergyBand, SetupTime
from fabloop.model.skill import Rating
from fabloop.model.timetable import energy_rates
from model.small_shop import Documents, put, small_shop, written

MONDAY_TO_FRIDAY = ["monday", "tuesday", "wednesday", "thursday", "friday"]


def graz(documents: Documents):
    return resolve(written(documents)).network.sites["graz"]


def with_calendar(**calendar) -> Documents:
    return put(small_shop(), "graz.json/calendar", calendar)


def test_without_a_calendar_work_is_always_possible():
    site = graz(small_shop())
    assert site.calendar is None
    assert all(unit.calendar is None for unit in site.work_units)


def test_work_units_work_by_the_calendar_of_the_site():
    site = graz(with_calendar(shifts=["early"], exceptions=[{"date": "2026-12-24"}]))
    assert [each.id for each in site.calendar.shifts] == ["early"]
    assert all(unit.calendar == site.calendar for unit in site.work_units)


def test_a_calendar_without_shifts_named_has_all_shifts_of_the_site():
    assert [each.id for each in graz(with_calendar()).calendar.shifts] == ["early", "night"]


def test_a_work_unit_may_have_its_own_shifts_and_keeps_the_dates_of_the_site():
    documents = with_calendar(
        exceptions=[{"date": "2026-12-24", "reason": "Feast"}, {"date": "2026-12-31"}]
    )
    own = {
        "shifts": ["night"],
        "exceptions": [{"date": "2026-12-31", "open": [{"from": "06:00", "to": "12:00"}]}],
    }
    put(documents, "graz.json/work_units/0/calendar", own)
    put(documents, "graz.json/work_units/1/calendar", "always")
    mill, store = graz(documents).work_units
    assert [each.id for each in mill.calendar.shifts] == ["night"]
    spans = {each.date: each.spans for each in mill.calendar.exceptions}
    assert spans == {"2026-12-31": ((6 * HOUR, 12 * HOUR),), "2026-12-24": ()}
    assert store.calendar is None


def test_shifts_of_weekdays_give_open_spans_on_those_days():
    documents = put(with_calendar(shifts=["early"]), "graz.json/shifts/0/weekdays", ["monday"])
    site = graz(documents)
    start = instant_of("2026-11-23T00:00+01:00")
    assert open_spans(site.calendar, site.time_zone, start, start + 7 * DAY) == (
        (start + 6 * HOUR, start + 14 * HOUR),
    )


def test_tools_and_stock_are_read():
    documents = small_shop()
    tool = {"id": "f7-1", "label": "F7", "kind": "fixture F7", "fits": ["mill-1"], "count": 2}
    put(documents, "graz.json/tools", [tool])
    stock = [
        {"material": "bar", "quantity": 40},
        {"material": "pin", "quantity": 9, "available_at": "2026-11-24T06:00:00+01:00"},
    ]
    site = graz(put(documents, "graz.json/stock", stock))
    assert site.tools[0].fits_on("mill-1")
    assert not site.tools[0].fits_on("store-1")
    assert site.tools[0].count == 2
    assert [(each.material, each.quantity, each.available_at) for each in site.stock] == [
        ("bar", 40, 0),
        ("pin", 9, instant_of("2026-11-24T06:00:00+01:00")),
    ]


def test_what_changes_take_is_read():
    upgrades = [
        {"change": "add-tool", "cost": "1800.00 EUR"},
        {"change": "restore-kpi", "of": "runout", "work_unit": "mill-1", "cost": "450 EUR"},
        {"change": "open-longer", "cost_per_hour": "65.00 EUR/h"},
    ]
    site = graz(put(small_shop(), "graz.json/upgrades", upgrades))
    assert [(each.change, each.of, each.work_unit, each.cost_minor) for each in site.upgrades] == [
        ("add-tool", "", None, 180_000),
        ("restore-kpi", "runout", "mill-1", 45_000),
        ("open-longer", "", None, 6_500),
    ]


def test_set_ups_and_batches_are_read():
    documents = put(small_shop(), "hinge.json/operations/1/setup_family", "fine")
    put(documents, "hinge.json/operations/3/setup_family", "coarse")
    setups = [{"before": "fine", "after": "coarse", "duration": "4 min"}]
    put(documents, "graz.json/work_units/0/setups", setups)
    mill = graz(put(documents, "graz.json/work_units/0/batch_max", 6)).work_units[0]
    assert mill.setups == (SetupTime(before="fine", after="coarse", duration_ns=4 * MINUTE),)
    assert mill.batch_max == 6


def test_a_band_over_midnight_goes_on_the_next_day():
    band = {
        "from": "22:00", "to": "06:00", "weekdays": ["sunday"],
        "energy_price": "0.09 EUR/kWh", "co2_intensity": "60 g/kWh",
    }  # fmt: skip
    site = graz(put(small_shop(), "graz.json/tariff/bands", [band]))
    assert [(each.weekdays, each.start_ns, each.end_ns) for each in site.tariff.bands] == [
        ((6,), 22 * HOUR, 24 * HOUR),
        ((0,), 0, 6 * HOUR),
    ]
    assert isinstance(site.tariff.bands[0], EnergyBand)
    cheap, _ = energy_rates(site.tariff, site.time_zone, instant_of("2026-11-23T05:00+01:00"))
    plain, _ = energy_rates(site.tariff, site.time_zone, instant_of("2026-11-24T05:00+01:00"))
    assert (cheap, plain) == (pytest.approx(9 / 3.6e6), pytest.approx(18 / 3.6e6))


def test_a_lane_has_departures_of_the_weekdays_and_a_cut_off():
    documents = put(small_shop(), "shipping.json/lanes/0/departures", ["16:30", "08:00"])
    put(documents, "shipping.json/lanes/0/cut_off", "45 min")
    put(documents, "shipping.json/lanes/0/weekdays", MONDAY_TO_FRIDAY)
    lane = resolve(written(documents)).network.lanes[0]
    assert lane.departures == (8 * HOUR, 16 * HOUR + 30 * MINUTE)
    assert (lane.cut_off_ns, lane.weekdays) == (45 * MINUTE, (0, 1, 2, 3, 4))


def test_a_tenant_discloses_a_site_an_offer_and_a_value():
    documents = put(small_shop(), "graz.json/tenant", "mill-works")
    put(documents, "graz.json/disclosure", "offers")
    put(documents, "equipment.json/equipment_types/0/offers/0/disclosure", "none")
    put(documents, "kpi.json/values/0/disclosure", "offers")
    knowledge = resolve(written(documents))
    site = knowledge.network.sites["graz"]
    assert (site.tenant, site.disclosure) == ("mill-works", Disclosure.OFFERS)
    assert site.work_units[0].offers[0].disclosure is Disclosure.NONE
    assert knowledge.kpis[0].disclosure is Disclosure.OFFERS
    assert resolve(written(small_shop())).network.sites["graz"].tenant == ""


def test_skills_of_documents_may_be_called_by_their_synonyms():
    documents = put(small_shop(), "skills.json/skills/2/synonyms", ["reaming"])
    put(documents, "equipment.json/equipment_types/0/offers/0/skill", "reaming")
    put(documents, "hinge.json/operations/1/skill", "reaming")
    put(documents, "graz.json/persons/0/skills", ["reaming"])
    knowledge = resolve(written(documents))
    assert knowledge.network.work_units()["mill-1"].offers[0].skill == "ream"
    assert knowledge.families["hinge"].operations[1].skill == "ream"
    assert knowledge.network.sites["graz"].persons[0].skills == ("ream",)


def test_a_composed_skill_may_be_required_with_the_parameters_of_its_parts():
    documents = put(small_shop(), "skills.json/skills/4/parts", ["ream", "transport"])
    put(documents, "hinge.json/operations/3/constraints", {"ream.diameter": "8 mm"})
    put(documents, "equipment.json/equipment_types/0/offers/1", {"skill": "transport"})
    knowledge = resolve(written(documents))
    assert knowledge.vocabulary.composed == ("fit",)
    required = knowledge.families["hinge"].operations[3]
    assert required.constraints == {"ream.diameter": 0.008}


def test_a_ring_of_links_is_no_fault():
    documents = small_shop()
    for name in ("yard", "dock"):
        documents["graz.json"]["areas"].append({"id": name, "label": name})
    link = documents["graz.json"]["transport"][0]
    for origin, destination in (("hall", "yard"), ("yard", "dock"), ("dock", "hall")):
        documents["graz.json"]["transport"].append(
            {**link, "origin": origin, "destination": destination}
        )
    assert check(written(documents)) == ()


def fine_mill(**entry) -> Documents:
    documents = small_shop()
    values = {"position-tolerance": "3 µm"}
    fine = {"id": "fine-mill", "label": "Fine mill", "broader": "mill", "power": "11 kW"}
    offers = {"offers": [{"skill": "ream", "values": values}, {"skill": "transport"}]}
    documents["equipment.json"]["equipment_types"].insert(0, {**fine, **offers, **entry})
    return documents


def test_an_equipment_type_offers_what_its_broader_type_offers():
    types = resolve(written(fine_mill())).equipment_types
    ream, fit, transport = types["fine-mill"].offers
    assert [each.skill for each in (ream, fit, transport)] == ["ream", "fit", "transport"]
    assert ream.values["position-tolerance"] == Rating(value=3e-6)
    assert ream.values["diameter"] == types["mill"].offers[0].values["diameter"]
    assert types["fine-mill"].broader == "mill"
    assert len(types["mill"].offers) == 2


def test_equipment_types_are_no_kind_of_themselves_nor_of_what_nobody_knows():
    (fault,) = check(written(fine_mill(broader="mil")))
    assert fault.sentence().endswith("found 'mil'. Did you mean 'mill'?")
    documents = put(fine_mill(), "equipment.json/equipment_types/1/broader", "fine-mill")
    (fault,) = check(written(documents))
    assert fault.sentence() == (
        "equipment.json $.equipment_types[0].broader: Expected a hierarchy of equipment types "
        "without cycles, but found 'fine-mill' → 'mill' → 'fine-mill'. "
        "Let one of them have no broader type."
    )
