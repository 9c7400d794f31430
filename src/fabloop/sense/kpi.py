"""The total position error as the house's KPI, measured or in doubt."""

import msgspec

from fabloop.base.quantity import Dimension
from fabloop.model.ids import WorkUnitId
from fabloop.model.kpi import TOTAL_POSITION_ERROR, KpiTerm, KpiValue
from fabloop.sense.position_error import Basis, TotalPositionError

WIDENING = 1.25
"""Ratio by which a bound in doubt is widened where the vendor states none."""


def to_kpi(error: TotalPositionError, work_unit: WorkUnitId) -> KpiValue:
    """Return the error as a KPI value; its terms are the axes' own, before they are combined."""
    if error.basis is Basis.MEASURED:
        maker = f"test program {error.program_version}, calibration {error.calibration_reference}"
    else:
        maker = error.basis.value
    return KpiValue(
        work_unit=work_unit,
        kpi=TOTAL_POSITION_ERROR,
        value=error.value_m,
        upper=error.upper_m,
        dimension=Dimension.LENGTH,
        at=error.at,
        valid_for_ns=error.valid_for_ns,
        source=f"{error.version}, {error.requirement.zone}, {maker}",
        terms=tuple(
            KpiTerm(name=term.name, value=term.value_m, dimension=Dimension.LENGTH, axis=term.axis)
            for axis in error.axes
            for term in axis.terms
        ),
    )


def in_doubt(known: KpiValue, vendor: KpiValue | None, reason: str) -> KpiValue:
    """Return what a value is worth once a test that should have renewed it was rejected.

    Its age stays. Its bound is widened as the vendor's is, once however many tests are rejected,
    and is never below the vendor's widened one: a worn machine gets no better by a bad test.
    """
    ratio = vendor.upper / vendor.value if vendor is not None and vendor.value > 0.0 else WIDENING
    upper = known.upper if known.doubt else known.upper * ratio
    source = known.source if known.doubt else f"{known.source}; widened, as a test was rejected"
    return msgspec.structs.replace(
        known,
        upper=max(upper, 0.0 if vendor is None else vendor.upper),
        source=source,
        doubt=reason,
    )
