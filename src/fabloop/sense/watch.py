"""When a KPI is worth telling: it moved, crossed a limit, or the last value is about to expire."""

from enum import StrEnum

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.kpi import KpiValue


class WatchRule(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as a change of a KPI, in its SI unit.

    Attributes
    ----------
    dead_band : a value or upper bound that moved by more than this is told
    limits : a bound that crosses one of these is told however little it moved
    hysteresis : a limit that was exceeded counts as met again only this far below it
    renew_before_ns : a value is told again this long before the last one expires
    """

    dead_band: float
    limits: tuple[float, ...]
    hysteresis: float
    renew_before_ns: int


class Cause(StrEnum):
    """Why a value was told."""

    FIRST = "first value"
    SOURCE = "another source"
    CROSSED = "crossed a limit"
    MOVED = "moved beyond the dead band"
    RENEWED = "last value about to expire"


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What was last told of one KPI, and which limits it exceeds."""

    told: KpiValue
    exceeded: tuple[bool, ...]


def observe(
    watch: Watch | None, rule: WatchRule, value: KpiValue, now: Instant
) -> tuple[Watch, Cause | None]:
    """Return the new state and why the value has to be told, or None if it need not be.

    A value that is older than the last one told is left out: the state stays as it is.
    """
    before = watch.exceeded if watch is not None else (False,) * len(rule.limits)
    exceeded = tuple(
        value.upper > (limit - rule.hysteresis if was else limit)
        for limit, was in zip(rule.limits, before, strict=True)
    )
    if watch is None:
        return Watch(told=value, exceeded=exceeded), Cause.FIRST
    if value.at < watch.told.at:
        return watch, None
    cause = _cause(watch, rule, value, now, exceeded)
    return Watch(told=value if cause else watch.told, exceeded=exceeded), cause


def _cause(
    watch: Watch, rule: WatchRule, value: KpiValue, now: Instant, exceeded: tuple[bool, ...]
) -> Cause | None:
    told = watch.told
    if exceeded != watch.exceeded:
        return Cause.CROSSED
    if value.source != told.source:
        return Cause.SOURCE
    moved = max(abs(value.upper - told.upper), abs(value.value - told.value))
    if moved > rule.dead_band:
        return Cause.MOVED
    if value.at > told.at and now >= told.at + told.valid_for_ns - rule.renew_before_ns:
        return Cause.RENEWED
    return None
