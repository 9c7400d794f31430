"""A calendar opened longer at a stretch, by as little as will do."""

import msgspec

from fabloop.base.instant import MINUTE, SECOND, Instant
from fabloop.model.calendar import SHIFT_END_MAX, WorkCalendar
from fabloop.model.ids import WorkUnitId
from fabloop.model.site import Network
from fabloop.plan.reasons.change import Change
from fabloop.plan.statement.opening import longest_open
from fabloop.plan.statement.problem import Setting


def opened_longer(change: Change, setting: Setting) -> Network:
    """Return the network in which a work unit is open long enough; `after` says for how long."""
    network = setting.network
    unit = network.work_units()[WorkUnitId(change.subject)]
    assert isinstance(change.after, float | int), "hours are numbers"
    assert unit.calendar is not None, "what is always open is open long enough"
    site = network.sites[unit.site]
    calendar = longer(unit.calendar, site.time_zone, setting.now, round(change.after * SECOND))
    units = tuple(
        msgspec.structs.replace(each, calendar=calendar) if each.id == unit.id else each
        for each in site.work_units
    )
    sites = {**network.sites, site.id: msgspec.structs.replace(site, work_units=units)}
    return msgspec.structs.replace(network, sites=sites)


def longer(
    calendar: WorkCalendar, time_zone: str, since: Instant, takes_ns: int
) -> WorkCalendar | None:
    """Return the calendar with one shift that ends later, so that something of that length fits.

    Of all shifts the one that has to be made longer by least, by whole minutes; None, which is
    always, where no shift can be made long enough.
    """
    lacking = takes_ns - longest_open(calendar, time_zone, since)
    best: tuple[int, WorkCalendar] | None = None
    for number, shift in enumerate(calendar.shifts):
        whole = takes_ns - (shift.end_ns - shift.start_ns)
        for first in (lacking, whole):
            added, more = 0, first
            while more > 0 and shift.end_ns + added < SHIFT_END_MAX:
                added += -(-more // MINUTE) * MINUTE
                end = min(shift.end_ns + added, SHIFT_END_MAX)
                later = msgspec.structs.replace(shift, end_ns=end)
                shifts = (*calendar.shifts[:number], later, *calendar.shifts[number + 1 :])
                tried = msgspec.structs.replace(calendar, shifts=shifts)
                before, more = more, takes_ns - longest_open(tried, time_zone, since)
                if more <= 0 and (best is None or added < best[0]):
                    best = added, tried
                if more >= before:
                    break
    return None if best is None else best[1]
