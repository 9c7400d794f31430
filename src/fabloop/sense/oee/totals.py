"""Sums of times and counts; they add up over shifts, units and sites, which ratios do not."""

from collections.abc import Iterable, Mapping
from typing import Self

import msgspec

from fabloop.sense.oee.activity import ACTIVITIES, Activity


class Quantities(msgspec.Struct, frozen=True):
    """Parts of one product."""

    good: int = 0
    scrap: int = 0
    rework: int = 0

    @property
    def produced(self) -> int:
        """PQ: all that were made."""
        return self.good + self.scrap + self.rework


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit, or several, did in a span of time; integer nanoseconds, so order never counts.

    Attributes
    ----------
    lasted_ns : all of the span, planned or not
    planned : time within planned operation time, by activity; they add up to POT
    beyond : time outside of it, by activity
    no_order_ns : part of `planned` that was waited or stopped without an order (ADOT)
    failures : how often the unit failed
    parts : by product
    ideal_ns : planned run time of all parts made, sum of PRI x PQ; of those that have one
    ideal_good_ns : the same of the good parts only
    rateless : parts made without a known planned run time
    """

    lasted_ns: int = 0
    planned: Mapping[Activity, int] = {}
    beyond: Mapping[Activity, int] = {}
    no_order_ns: int = 0
    failures: int = 0
    parts: Mapping[str, Quantities] = {}
    ideal_ns: int = 0
    ideal_good_ns: int = 0
    rateless: int = 0

    def of(self, *activities: Activity) -> int:
        """Return planned time spent on activities."""
        return sum(self.planned.get(each, 0) for each in activities)

    @property
    def planned_ns(self) -> int:
        """POT: planned operation time."""
        return sum(self.planned.values())

    @property
    def busy_ns(self) -> int:
        """PBT: planned busy time, POT less planned downtime."""
        return self.planned_ns - self.of(Activity.PLANNED)

    @property
    def unknown_ns(self) -> int:
        """Planned busy time of which nobody told anything."""
        return self.of(Activity.UNKNOWN)

    @property
    def producing_ns(self) -> int:
        """APT, that outside of planned time included: parts are made in it, too."""
        return self.of(Activity.PRODUCING) + self.beyond.get(Activity.PRODUCING, 0)

    def counted(self) -> Quantities:
        """Return the parts of all products together."""
        return _together(self.parts.values())

    def __add__(self, other: Self) -> "Totals":
        return Totals(
            lasted_ns=self.lasted_ns + other.lasted_ns,
            planned=_added(self.planned, other.planned),
            beyond=_added(self.beyond, other.beyond),
            no_order_ns=self.no_order_ns + other.no_order_ns,
            failures=self.failures + other.failures,
            parts={
                name: _together(each.parts[name] for each in (self, other) if name in each.parts)
                for name in sorted({*self.parts, *other.parts})
            },
            ideal_ns=self.ideal_ns + other.ideal_ns,
            ideal_good_ns=self.ideal_good_ns + other.ideal_good_ns,
            rateless=self.rateless + other.rateless,
        )


def together(parts: Iterable[Totals]) -> Totals:
    """Return the sum over shifts or units: ratios are made of it, never averaged."""
    whole = Totals()
    for each in parts:
        whole = whole + each
    return whole


def _added(one: Mapping[Activity, int], two: Mapping[Activity, int]) -> dict[Activity, int]:
    found = ((each, one.get(each, 0) + two.get(each, 0)) for each in ACTIVITIES)
    return {activity: lasted for activity, lasted in found if lasted}


def _together(parts: Iterable[Quantities]) -> Quantities:
    good = scrap = rework = 0
    for each in parts:
        good, scrap, rework = good + each.good, scrap + each.scrap, rework + each.rework
    return Quantities(good, scrap, rework)
