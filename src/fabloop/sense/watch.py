"""When a KPI is worth telling: it moved, crossed a limit, or the last value is about to expire."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from fabloop.model.kpi import KpiValue


class WatchRule(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as a change of a KPI.

    Attributes
    ----------
    dead_band : a value or bound that moved by more than this ratio of the last bound is told
    hysteresis : a limit that was exceeded counts as met again only this ratio of it below
    renew_after : a value is told again when this ratio of the last one's validity is over. A daily
        measurement that holds for 36 h needs less than 2/3, or the KPI expires between two tests
    """

    dead_band: float
    hysteresis: float
    renew_after: float


RULE = WatchRule(dead_band=0.02, hysteresis=0.01, renew_after=0.5)
"""Fits a daily measurement whose uncertainty is below one per cent."""


class Cause(StrEnum):
    """Why a value is told."""

    FIRST = "first value"
    CROSSED = "crossed a limit"
    SOURCE = "comes from another source"
    DOUBT = "a doubt came, changed or went"
    MOVED = "moved beyond the dead band"
    RENEWED = "the last value is about to expire"


def worth_telling(
    value: KpiValue, known: KpiValue | None, limits: Sequence[float], rule: WatchRule = RULE
) -> bool:
    """Tell whether a new value has to be told to those who know the last one."""
    return cause_to_tell(value, known, limits, rule) is not None


def cause_to_tell(
    value: KpiValue, known: KpiValue | None, limits: Sequence[float], rule: WatchRule = RULE
) -> Cause | None:
    """Return why a new value has to be told, or None if it need not be.

    A value that is older than the known one is never told.

    Parameters
    ----------
    known : the value that was last told
    limits : what somebody compares the upper bound with, in the KPI's SI unit
    """
    if known is None:
        return Cause.FIRST
    if value.at < known.at:
        return None
    if any(_crossed(value.upper, known.upper, limit, rule) for limit in limits):
        return Cause.CROSSED
    if value.doubt != known.doubt:
        return Cause.DOUBT
    if value.source != known.source:
        return Cause.SOURCE
    moved = max(abs(value.upper - known.upper), abs(value.value - known.value))
    if moved > rule.dead_band * abs(known.upper):
        return Cause.MOVED
    if value.at - known.at >= rule.renew_after * known.valid_for_ns:
        return Cause.RENEWED
    return None


def _crossed(upper: float, known: float, limit: float, rule: WatchRule) -> bool:
    if known > limit:
        return upper <= limit - rule.hysteresis * abs(limit)
    return upper > limit
