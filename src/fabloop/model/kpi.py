"""Key performance indicators of work units: a value is nothing without age, bound and source."""

import msgspec

from fabloop.base.instant import Instant
from fabloop.base.quantity import Dimension
from fabloop.model.disclosure import Disclosure
from fabloop.model.ids import KpiId, WorkUnitId

TOTAL_POSITION_ERROR = KpiId("total-position-error")


class KpiTerm(msgspec.Struct, frozen=True, kw_only=True):
    """One summand or factor of a KPI, shown so that a person can follow the value (SI)."""

    name: str
    value: float
    dimension: Dimension
    axis: str = ""


class KpiValue(msgspec.Struct, frozen=True, kw_only=True):
    """What a KPI of a work unit is, as far as is known.

    Attributes
    ----------
    value : best estimate, SI unit of `dimension`
    upper : upper end of the 95 % interval; matching compares this
    at : when the underlying measurement ended
    valid_for_ns : age beyond which the value may not be used
    source : what produced it, with its version (``tpe/1, daily test program 3``)
    doubt : why the last attempt to measure it anew failed; the bound is then wider than was
        measured. Empty: it is as it was measured
    disclosure : what a planner of another tenant may see of it
    """

    work_unit: WorkUnitId
    kpi: KpiId
    value: float
    upper: float
    dimension: Dimension
    at: Instant
    valid_for_ns: int
    source: str
    terms: tuple[KpiTerm, ...] = ()
    disclosure: Disclosure = Disclosure.FULL
    doubt: str = ""

    def is_valid(self, now: Instant) -> bool:
        """Tell whether the value may be used at `now`; a value from the future may not."""
        return 0 <= now - self.at <= self.valid_for_ns


class KpiTrend(msgspec.Struct, frozen=True, kw_only=True):
    """Where a KPI of a work unit is going, as a straight line from an instant on.

    Attributes
    ----------
    value : level at `at`, SI unit of `dimension`
    margin : how much worse than the level matching has to reckon with, not negative
    slope_per_day : best estimate; `slope_low` and `slope_high` are its 95 % interval
    source : what estimated it
    """

    work_unit: WorkUnitId
    kpi: KpiId
    dimension: Dimension
    at: Instant
    value: float
    slope_per_day: float
    slope_low: float
    slope_high: float
    margin: float = 0.0
    source: str = ""
