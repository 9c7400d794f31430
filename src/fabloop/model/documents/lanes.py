"""Shipping documents to the lanes between sites."""

from collections.abc import Sequence

from fabloop.base.instant import DAY
from fabloop.base.quantity import Dimension
from fabloop.model.calendar import EVERY_DAY
from fabloop.model.documents.calendars import weekdays_of
from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.names import Names
from fabloop.model.documents.site_structs import LaneEntry, ShippingDocument
from fabloop.model.documents.values import Purse, amount, duration_ns, time_of_day_ns
from fabloop.model.ids import LaneId, SiteId
from fabloop.model.site import ShippingLane

CUT_OFF_DAYS_MAX = 7


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
        departures=_departures(entry, sheet.at("departures")),
        cut_off_ns=_cut_off_ns(entry, sheet.at("cut_off")),
        weekdays=EVERY_DAY if entry.weekdays is None else weekdays_of(entry.weekdays),
        goods_max=entry.goods_max,
    )


def _departures(entry: LaneEntry, sheet: Sheet) -> tuple[int, ...]:
    """Return the times of day, ascending; note what only departures can have."""
    unique(((sheet.at(i), each) for i, each in enumerate(entry.departures)), "departure")
    if not entry.departures:
        for name, value in (("cut_off", entry.cut_off), ("weekdays", entry.weekdays)):
            if value is not None:
                sheet.fault(
                    f"departures that {name!r} can speak of",
                    "none",
                    "A lane without departures leaves at any time.",
                )
    times = [time_of_day_ns(each, sheet.at(i)) for i, each in enumerate(entry.departures)]
    for index, time_ns in enumerate(times):
        if time_ns >= DAY:
            at = sheet.at(index)
            at.fault("a departure before 24:00", repr(entry.departures[index]), "Write '00:00'.")
    return tuple(sorted(times))


def _cut_off_ns(entry: LaneEntry, sheet: Sheet) -> int:
    if entry.cut_off is None:
        return 0
    cut_off_ns = duration_ns(entry.cut_off, sheet, zero_allowed=True)
    if cut_off_ns > CUT_OFF_DAYS_MAX * DAY:
        sheet.fault(f"a cut-off at most {CUT_OFF_DAYS_MAX} days before", repr(entry.cut_off))
        return 0
    return cut_off_ns
