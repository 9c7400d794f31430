"""Site and shipping documents to the network of sites."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo, available_timezones

from fabloop.base.instant import DAY
from fabloop.base.names import did_you_mean
from fabloop.base.quantity import Dimension
from fabloop.model.calendar import Shift
from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.equipment import live_kpis, merged, monitored, offers_of
from fabloop.model.documents.names import Names
from fabloop.model.documents.structs import (
    LaneEntry,
    PersonEntry,
    ShiftEntry,
    ShippingDocument,
    SiteDocument,
    TransportEntry,
    WorkUnitEntry,
)
from fabloop.model.documents.values import Purse, amount, duration_ns, time_of_day_ns
from fabloop.model.ids import (
    AreaId,
    EquipmentTypeId,
    KpiId,
    LaneId,
    PersonId,
    SiteId,
    SkillId,
    WorkUnitId,
)
from fabloop.model.site import Person, ShippingLane, Site, Tariff, TransportLink, WorkUnit


def sites_of(found: Sequence[tuple[Sheet, SiteDocument]], names: Names, purse: Purse) -> list[Site]:
    """Return the sites of all documents; work units and persons are unique over all of them."""
    unique(((sheet.at("id"), each.id) for sheet, each in found), "site")
    unique(
        (
            (sheet.at("work_units", index, "id"), each.id)
            for sheet, document in found
            for index, each in enumerate(document.work_units)
        ),
        "work unit",
    )
    unique(
        (
            (sheet.at("persons", index, "id"), each.id)
            for sheet, document in found
            for index, each in enumerate(document.persons)
        ),
        "person",
    )
    return [_site(sheet, document, names, purse) for sheet, document in found]


def _site(sheet: Sheet, document: SiteDocument, names: Names, purse: Purse) -> Site:
    areas = _areas(document, sheet)
    sheet.at("gate").known(document.gate, areas, "an area of the site")
    _note_time_zone(document.time_zone, sheet.at("time_zone"))
    units = {each.id: None for each in document.work_units}
    shifts = {each.id: None for each in document.shifts}
    tariff = _tariff(document, sheet.at("tariff"), purse)
    return Site(
        id=SiteId(document.id),
        label=document.label,
        time_zone=document.time_zone,
        gate=AreaId(document.gate),
        areas=areas,
        work_units=tuple(
            _work_unit(
                each, SiteId(document.id), areas, sheet.at("work_units", index), names, purse
            )
            for index, each in enumerate(document.work_units)
        ),
        transport=tuple(
            _transport(each, areas, units, sheet.at("transport", index), purse)
            for index, each in enumerate(document.transport)
        ),
        shifts=_shifts(document.shifts, sheet.at("shifts")),
        persons=tuple(
            _person(each, SiteId(document.id), shifts, sheet.at("persons", index), names)
            for index, each in enumerate(document.persons)
        ),
        tariff=tariff,
    )


def _areas(document: SiteDocument, sheet: Sheet) -> dict[AreaId, str]:
    at = sheet.at("areas")
    unique(((at.at(i, "id"), each.id) for i, each in enumerate(document.areas)), "area")
    return {AreaId(each.id): each.label for each in document.areas}


def _note_time_zone(name: str, sheet: Sheet) -> None:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # KeyError is the base of ZoneInfoNotFoundError
        hint = did_you_mean(name, available_timezones())
        sheet.fault("an IANA time zone, such as 'Europe/Vienna'", repr(name), hint)


def _tariff(document: SiteDocument, sheet: Sheet, purse: Purse) -> Tariff:
    entry = document.tariff
    return Tariff(
        energy_minor_per_j=purse.per_joule(entry.energy_price, sheet.at("energy_price")),
        co2_kg_per_j=amount(
            entry.co2_intensity, Dimension.MASS_PER_ENERGY, sheet.at("co2_intensity")
        ),
        labour_cost_per_hour_minor=purse.hourly(entry.labour, sheet.at("labour")),
        currency=purse.currency,
    )


def _work_unit(
    entry: WorkUnitEntry,
    site: SiteId,
    areas: Mapping[AreaId, str],
    sheet: Sheet,
    names: Names,
    purse: Purse,
) -> WorkUnit:
    types = names.equipment_types
    known = sheet.at("equipment_type").known(entry.equipment_type, types, "an equipment type")
    of_type = types[EquipmentTypeId(entry.equipment_type)] if known and types else None
    sheet.at("area").known(entry.area, areas, "an area of the site")
    before = len(sheet.faults)
    own = offers_of(entry.offers, sheet.at("offers"), names)
    offers = merged(own, of_type.offers if of_type else ())
    if of_type is not None and names.offers_are_whole and len(sheet.faults) == before:
        _note_monitors(entry, live_kpis(offers), sheet.at("monitors"))
    return WorkUnit(
        id=WorkUnitId(entry.id),
        label=entry.label,
        equipment_type=EquipmentTypeId(entry.equipment_type),
        site=site,
        area=AreaId(entry.area),
        offers=monitored(offers, {KpiId(each) for each in entry.monitors}),
        cost_per_hour_minor=purse.hourly(entry.cost_per_hour, sheet.at("cost_per_hour")),
        power_w=amount(entry.power, Dimension.POWER, sheet.at("power"))
        if entry.power is not None
        else (of_type.power_w if of_type else 0.0),
        speed=entry.speed or (of_type.speed if of_type else 1.0),
        setup_ns=duration_ns(entry.setup, sheet.at("setup"), zero_allowed=True)
        if entry.setup is not None
        else (of_type.setup_ns if of_type else 0),
    )


def _note_monitors(entry: WorkUnitEntry, live: Mapping[KpiId, None], sheet: Sheet) -> None:
    unique(((sheet.at(i), each) for i, each in enumerate(entry.monitors)), "KPI")
    for index, kpi in enumerate(entry.monitors):
        sheet.at(index).known(kpi, live, "a KPI that an offer of this work unit rests on")


def _transport(
    entry: TransportEntry,
    areas: Mapping[AreaId, str],
    units: Mapping[str, None],
    sheet: Sheet,
    purse: Purse,
) -> TransportLink:
    sheet.at("origin").known(entry.origin, areas, "an area of the site")
    sheet.at("destination").known(entry.destination, areas, "an area of the site")
    sheet.at("by").known(entry.by, units, "a work unit of the site")
    return TransportLink(
        origin=AreaId(entry.origin),
        destination=AreaId(entry.destination),
        by=WorkUnitId(entry.by),
        duration_ns=duration_ns(entry.duration, sheet.at("duration")),
        cost_minor=purse.cost(entry.cost, sheet.at("cost")),
        energy_j=amount(entry.energy, Dimension.ENERGY, sheet.at("energy")),
    )


def _shifts(entries: Sequence[ShiftEntry], sheet: Sheet) -> tuple[Shift, ...]:
    unique(((sheet.at(i, "id"), each.id) for i, each in enumerate(entries)), "shift")
    return tuple(_shift(each, sheet.at(index)) for index, each in enumerate(entries))


def _shift(entry: ShiftEntry, sheet: Sheet) -> Shift:
    before = len(sheet.faults)
    start = time_of_day_ns(entry.start, sheet.at("from"))
    end = time_of_day_ns(entry.end, sheet.at("to"))
    if start == end and len(sheet.faults) == before:
        sheet.fault("a shift that ends at another time than it starts", f"{entry.start} for both")
    return Shift(
        id=entry.id,
        label=entry.label,
        start_ns=start,
        end_ns=end if end > start else end + DAY,
    )


def _person(
    entry: PersonEntry, site: SiteId, shifts: Mapping[str, None], sheet: Sheet, names: Names
) -> Person:
    skills = None if names.vocabulary is None else names.vocabulary.skills
    for index, skill in enumerate(entry.skills):
        sheet.at("skills", index).known(skill, skills, "a skill of the vocabulary")
    sheet.at("shift").known(entry.shift, shifts, "a shift of the site")
    return Person(
        id=PersonId(entry.id),
        label=entry.label,
        site=site,
        skills=tuple(SkillId(each) for each in entry.skills),
        shift=entry.shift,
    )


def lanes_of(
    found: Sequence[tuple[Sheet, ShippingDocument]], names: Names, purse: Purse
) -> tuple[ShippingLane, ...]:
    """Return the lanes of all documents."""
    entries = [
        (sheet.at("lanes", index), entry)
        for sheet, document in found
        for index, entry in enumerate(document.lanes)
    ]
    unique(((sheet.at("id"), entry.id) for sheet, entry in entries), "lane")
    return tuple(_lane(entry, sheet, names, purse) for sheet, entry in entries)


def _lane(entry: LaneEntry, sheet: Sheet, names: Names, purse: Purse) -> ShippingLane:
    sheet.at("origin").known(entry.origin, names.sites, "a site")
    sheet.at("destination").known(entry.destination, names.sites, "a site")
    if entry.origin == entry.destination:
        sheet.at("destination").fault("another site than the origin", repr(entry.destination))
    return ShippingLane(
        id=LaneId(entry.id),
        carrier=entry.carrier,
        origin=SiteId(entry.origin),
        destination=SiteId(entry.destination),
        duration_ns=duration_ns(entry.duration, sheet.at("duration")),
        cost_minor=purse.cost(entry.cost, sheet.at("cost")),
        energy_j=amount(entry.energy, Dimension.ENERGY, sheet.at("energy")),
        co2_kg=amount(entry.co2, Dimension.MASS, sheet.at("co2")),
    )
