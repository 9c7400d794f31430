"""Site documents to sites."""

import re
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from fabloop.base.names import did_you_mean
from fabloop.base.quantity import Dimension
from fabloop.model.calendar import Shift, WorkCalendar
from fabloop.model.documents.calendars import calendar_of, iso_date, shifts_of
from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.equipment import live_kpis, merged, monitored, offers_of
from fabloop.model.documents.names import Names
from fabloop.model.documents.site_structs import (
    PersonEntry,
    SiteDocument,
    TransportEntry,
    WorkUnitEntry,
)
from fabloop.model.documents.supplies import setups_of, stock_of, tariff_of, tools_of
from fabloop.model.documents.upgrades import upgrades_of
from fabloop.model.documents.values import Purse, amount, duration_ns
from fabloop.model.duties import Qualification
from fabloop.model.ids import (
    AreaId,
    EquipmentTypeId,
    KpiId,
    PersonId,
    SiteId,
    WorkUnitId,
)
from fabloop.model.site import Person, Site, TransportLink, WorkUnit


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
    unique(
        (
            (sheet.at("tools", index, "id"), each.id)
            for sheet, document in found
            for index, each in enumerate(document.tools)
        ),
        "tool",
    )
    return [_site(sheet, document, names, purse) for sheet, document in found]


def _site(sheet: Sheet, document: SiteDocument, names: Names, purse: Purse) -> Site:
    areas = _areas(document, sheet)
    sheet.at("gate").known(document.gate, areas, "an area of the site")
    note_time_zone(document.time_zone, sheet.at("time_zone"))
    units = {each.id: None for each in document.work_units}
    shifts = shifts_of(document.shifts, sheet.at("shifts"))
    calendar = None
    if document.calendar is not None:
        calendar = calendar_of(document.calendar, shifts, sheet.at("calendar"))
    where = _Where(SiteId(document.id), areas, shifts, calendar)
    tariff = tariff_of(document, sheet.at("tariff"), purse)
    site = Site(
        id=SiteId(document.id),
        label=document.label,
        time_zone=document.time_zone,
        gate=AreaId(document.gate),
        areas=areas,
        work_units=tuple(
            _work_unit(each, where, sheet.at("work_units", index), names, purse)
            for index, each in enumerate(document.work_units)
        ),
        transport=tuple(
            _transport(each, areas, units, sheet.at("transport", index), purse)
            for index, each in enumerate(document.transport)
        ),
        shifts=shifts,
        persons=tuple(
            _person(each, where, sheet.at("persons", index), names)
            for index, each in enumerate(document.persons)
        ),
        tariff=tariff,
        calendar=calendar,
        tools=tools_of(document, units, sheet.at("tools")),
        stock=stock_of(document, sheet.at("stock")),
        upgrades=upgrades_of(document, units, sheet.at("upgrades"), purse),
        tenant=document.tenant or "",
        disclosure=document.disclosure,
    )
    _note_transport_twice(site, sheet.at("transport"))
    return site


class _Where(msgspec.Struct, frozen=True):
    """What the entries of a site refer to."""

    site: SiteId
    areas: Mapping[AreaId, str]
    shifts: tuple[Shift, ...]
    calendar: WorkCalendar | None


def _areas(document: SiteDocument, sheet: Sheet) -> dict[AreaId, str]:
    at = sheet.at("areas")
    unique(((at.at(i, "id"), each.id) for i, each in enumerate(document.areas)), "area")
    return {AreaId(each.id): each.label for each in document.areas}


_NO_PLACE = re.compile(r"(?:localtime|posixrules|Factory|posix/.*|right/.*)$", re.IGNORECASE)
"""What time zone databases hold beside time zones: the clock of whoever reads, or leap seconds."""


def note_time_zone(name: str, sheet: Sheet) -> None:
    """Note a fault where there is no such time zone."""
    expected = "an IANA time zone, such as 'Europe/Vienna'"
    if _NO_PLACE.match(name):
        sheet.fault(expected, repr(name), "Name the zone of the place: clocks elsewhere differ.")
        return
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # KeyError is the base of ZoneInfoNotFoundError
        sheet.fault(expected, repr(name), did_you_mean(name, available_timezones()))


def _work_unit(
    entry: WorkUnitEntry, where: _Where, sheet: Sheet, names: Names, purse: Purse
) -> WorkUnit:
    types = names.equipment_types
    known = sheet.at("equipment_type").known(entry.equipment_type, types, "an equipment type")
    of_type = types[EquipmentTypeId(entry.equipment_type)] if known and types else None
    sheet.at("area").known(entry.area, where.areas, "an area of the site")
    before = len(sheet.faults)
    own = offers_of(entry.offers, sheet.at("offers"), names)
    offers = merged(own, of_type.offers if of_type else ())
    if of_type is not None and names.offers_are_whole and len(sheet.faults) == before:
        _note_monitors(entry, live_kpis(offers), sheet.at("monitors"))
    return WorkUnit(
        id=WorkUnitId(entry.id),
        label=entry.label,
        equipment_type=EquipmentTypeId(entry.equipment_type),
        site=where.site,
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
        setups=setups_of(entry, sheet.at("setups")),
        batch_max=entry.batch_max,
        calendar=_calendar(entry, where, sheet.at("calendar")),
    )


def _calendar(entry: WorkUnitEntry, where: _Where, sheet: Sheet) -> WorkCalendar | None:
    """Return when the unit works: its own calendar with the site's exceptions, or the site's."""
    match entry.calendar:
        case None:
            return where.calendar
        case "always":
            return None
        case own:
            inherited = where.calendar.exceptions if where.calendar is not None else ()
            return calendar_of(own, where.shifts, sheet, inherited)


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


def _note_transport_twice(site: Site, sheet: Sheet) -> None:
    """Note links that say again what moving between two areas by one work unit takes.

    A ring of links is none: every link takes time, so no way goes round it.
    """
    places = (
        (sheet.at(index), f"link of {' and '.join(sorted({each.origin, each.destination}))}")
        for index, each in enumerate(site.transport)
    )
    by = (each.by for each in site.transport)
    unique(((at, f"{text} by {unit}") for (at, text), unit in zip(places, by, strict=True)), "link")


def _person(entry: PersonEntry, where: _Where, sheet: Sheet, names: Names) -> Person:
    skills = [
        names.skill(each, sheet.at("skills", index)) for index, each in enumerate(entry.skills)
    ]
    shifts = {each.id: None for each in where.shifts}
    sheet.at("shift").known(entry.shift, shifts, "a shift of the site")
    return Person(
        id=PersonId(entry.id),
        label=entry.label,
        site=where.site,
        skills=tuple(each for each in skills if each is not None),
        shift=entry.shift,
        qualifications=_qualifications(entry, sheet.at("qualifications")),
    )


def _qualifications(entry: PersonEntry, sheet: Sheet) -> tuple[Qualification, ...]:
    names = ((sheet.at(i, "name"), each.name) for i, each in enumerate(entry.qualifications))
    unique(names, "qualification")
    return tuple(
        Qualification(
            name=each.name,
            valid_until=None
            if each.valid_until is None
            else iso_date(each.valid_until, sheet.at(index, "valid_until")),
        )
        for index, each in enumerate(entry.qualifications)
    )
