"""The total position error as the house's KPI."""

from fabloop.base.quantity import Dimension
from fabloop.model.ids import WorkUnitId
from fabloop.model.kpi import TOTAL_POSITION_ERROR, KpiTerm, KpiValue
from fabloop.sense.position_error import Basis, TotalPositionError


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
