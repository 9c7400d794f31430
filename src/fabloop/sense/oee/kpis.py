"""Key performance indicators of ISO 22400-2 from sums; unknown stays unknown.

Notes on the formulas: `docs/reference/oee.md`. A ratio whose denominator is 0 or not known is None.
"""

import msgspec

from fabloop.base.instant import HOUR
from fabloop.sense.oee.activity import Activity
from fabloop.sense.oee.totals import Totals


class Ratio(msgspec.Struct, frozen=True):
    """A ratio, and between what it lies where part of the time is unknown.

    Attributes
    ----------
    value : of what is known; None where nothing is
    low, high : if all of the unknown time were lost, and if it were won
    """

    value: float | None
    low: float | None
    high: float | None


class Indicators(msgspec.Struct, frozen=True, kw_only=True):
    """KPIs of a unit, a line or a site over a span of time.

    Attributes
    ----------
    availability : APT / PBT
    effectiveness : sum of PRI x PQ over APT (performance)
    quality : GQ / PQ
    oee : product of the three
    nee : net equipment effectiveness, (APT + AUST) / PBT x effectiveness x quality
    teep : OEE over all of the time instead of the planned one
    technical_availability : PBT less failures, over PBT
    utilisation : APT over the unit's busy time AUBT
    allocation : AUBT over order execution time AOET
    setup_rate : AUST / (APT + AUST)
    scrap, rework : shares of PQ
    first_pass_yield : parts that were good at once, over PQ
    mtbf_h, mttr_h : mean operating time between failures, mean time to restoration, hours
    unknown_share : part of PBT of which nobody told anything
    doubts : what is wrong with the inputs, such as a performance above 100 %
    """

    availability: Ratio
    effectiveness: float | None
    quality: float | None
    oee: Ratio
    nee: float | None
    teep: float | None
    technical_availability: float | None
    utilisation: float | None
    allocation: float | None
    setup_rate: float | None
    scrap: float | None
    rework: float | None
    first_pass_yield: float | None
    mtbf_h: float | None
    mttr_h: float | None
    unknown_share: float | None
    doubts: tuple[str, ...] = ()


RATE_TOO_SLOW = "performance above 100 %: the planned run time per item is too long"
RATE_MISSING = "parts without a planned run time per item"
PARTS_UNTIMED = "parts were counted while nothing was producing"


def indicators(totals: Totals) -> Indicators:
    """Return the KPIs of sums."""
    producing, busy = totals.of(Activity.PRODUCING), totals.busy_ns
    setup, failed = totals.of(Activity.SETUP), totals.of(Activity.FAILED)
    counted = totals.counted()
    unknown = totals.unknown_ns
    availability = Ratio(
        _over(producing, busy - unknown),
        _over(producing, busy),
        _over(producing + unknown, busy),
    )
    effectiveness = None if totals.rateless else _over(totals.ideal_ns, totals.producing_ns)
    quality = _over(counted.good, counted.produced)
    rest = _times(effectiveness, quality)
    waiting = totals.of(Activity.WAITING, Activity.STOPPED) - totals.no_order_ns
    in_order = producing + setup + failed + waiting
    value = _times(availability.value, rest)
    return Indicators(
        availability=availability,
        effectiveness=effectiveness,
        quality=quality,
        oee=Ratio(value, _times(availability.low, rest), _times(availability.high, rest)),
        nee=_times(_over(producing + setup, busy - unknown), rest),
        teep=_times(_over(totals.producing_ns, totals.lasted_ns), rest),
        technical_availability=_over(busy - unknown - failed, busy - unknown),
        utilisation=_over(producing, in_order),
        allocation=_over(in_order, in_order + totals.no_order_ns),
        setup_rate=_over(setup, producing + setup),
        scrap=_over(counted.scrap, counted.produced),
        rework=_over(counted.rework, counted.produced),
        first_pass_yield=_over(counted.good, counted.produced),
        mtbf_h=_over(producing, totals.failures * HOUR),
        mttr_h=_over(failed, totals.failures * HOUR),
        unknown_share=_over(unknown, busy),
        doubts=_doubts(totals, effectiveness),
    )


def _doubts(totals: Totals, effectiveness: float | None) -> tuple[str, ...]:
    found = []
    if effectiveness is not None and effectiveness > 1:
        found.append(RATE_TOO_SLOW)
    if totals.rateless:
        found.append(RATE_MISSING)
    if totals.counted().produced and not totals.producing_ns:
        found.append(PARTS_UNTIMED)
    return tuple(found)


def _over(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None


def _times(one: float | None, two: float | None) -> float | None:
    return None if one is None or two is None else one * two
