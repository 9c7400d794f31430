"""When timers are due: once, or again and again by a rule.

A cycle is ``R5/PT10M`` (first after ten minutes), ``R/2026-01-01T08:00:00@Europe/Vienna/P1D``
(first at the start), or a cron line (`fabloop.base.cron`). The rule that a running timer keeps is
the cron line, or the period with its zone and the first date, from which all others are counted:
nothing drifts.
"""

import re
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from fabloop.base.cron import next_date, read_cron
from fabloop.base.instant import Instant, duration_of_iso
from fabloop.base.period import Period, added, moment_of, period_of_iso, zone_of
from fabloop.process.trigger import SpanKind

ENDLESS = -1
"""How many dates are left of a cycle without an end."""

_REPEATED = re.compile(
    r"R(?P<count>\d{1,9}|-1)?/(?:(?P<start>[^/]*(?:/[^/P]+)?)/)?(?P<period>P[^/]+)$"
)
_ANCHORED = re.compile(r"(?P<period>P[^@ ]+)(?:@(?P<zone>[^ ]+))? from (?P<first>-?\d+)$")


class Dates(msgspec.Struct, frozen=True):
    """When a timer is due first; by `rule` again, `left` times in all (ENDLESS: no end)."""

    due: Instant
    rule: str = ""
    left: int = 1


def read_dates(kind: SpanKind, text: str, at: Instant) -> Dates:
    """Return when a timer with this text is due; raises ValueError where it says no time."""
    match kind:
        case SpanKind.DURATION:
            return Dates(_after(text, at))
        case SpanKind.DATE:
            return Dates(_date(text))
        case SpanKind.CYCLE:
            return _cycle(text, at)


def _date(text: str) -> Instant:
    try:
        return moment_of(text)
    except ValueError as error:
        raise ValueError(
            "Expected a date and time with an offset, such as '2026-11-23T06:00:00+01:00', but "
            f"found {text!r}: {error}"
        ) from None


def _after(text: str, at: Instant) -> Instant:
    try:
        return Instant(at + duration_of_iso(text))
    except ValueError:
        return added(at, period_of_iso(text), _UTC)


def _cycle(text: str, at: Instant) -> Dates:
    if not text.startswith("R"):
        due = next_date(read_cron(text), at)
        if due is None:
            raise ValueError(f"Expected a cron line with a date to come, but {text!r} has none.")
        return Dates(due, text, ENDLESS)
    found = _REPEATED.match(text)
    if found is None or found["count"] == "0":
        raise ValueError(
            f"Expected a cycle such as 'R5/PT10M' or 'R/START/PT1H', or a cron line, but found "
            f"{text!r}."
        )
    period = period_of_iso(found["period"])
    left = int(found["count"] or ENDLESS)
    if not found["start"]:
        first = added(at, period, _UTC)
        return Dates(first, f"{found['period']} from {first}", left)
    first, zone = moment_of(found["start"]), found["start"].partition("@")[2]
    rule = f"{found['period']}{'@' + zone if zone else ''} from {first}"
    if first >= at:
        return Dates(first, rule, left)
    # dates before the timer was set are over: those of a counted cycle are not made up for
    due, passed = following(rule, first, Instant(at - 1))
    if left != ENDLESS and passed >= left:
        raise ValueError(f"Expected a cycle with a date to come, but all of {text!r} are over.")
    return Dates(due, rule, left if left == ENDLESS else left - passed)


def following(rule: str, due: Instant, after: Instant) -> tuple[Instant, int]:
    """Return the first date of a rule after `due` and `after`, and how many dates on it is.

    For a cron line the dates between are not counted: it is 1. Instant 0 means that there is none.
    """
    after = max(due, after)
    found = _ANCHORED.match(rule)
    if found is None:
        return next_date(read_cron(rule), after) or Instant(0), 1
    period, zone = _read_period(found["period"]), zone_of(found["zone"] or "UTC")
    if not period.months and not period.days:
        count = (after - due) // period.duration_ns + 1
        return Instant(due + count * period.duration_ns), count
    first = Instant(int(found["first"]))
    number = _number(first, period, zone, after)
    return added(first, period, zone, number), number - _number(first, period, zone, due) + 1


def _number(first: Instant, period: Period, zone: ZoneInfo, after: Instant) -> int:
    """Return the number of the first date after an instant, counted from the first, which is 0."""
    low, high = -1, 1
    while added(first, period, zone, high) <= after:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if added(first, period, zone, middle) <= after else (low, middle)
    return high


@lru_cache(maxsize=1_000)
def _read_period(text: str) -> Period:
    return period_of_iso(text)


_UTC = zone_of("UTC")
