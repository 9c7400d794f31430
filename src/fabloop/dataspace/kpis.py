"""KPI values as rows of a stream, so that targets can ask for them by name."""

from fabloop.base.instant import iso_of
from fabloop.dataspace.ngsi import UNIT
from fabloop.dataspace.schema import Record
from fabloop.model.kpi import KpiValue


def kpi_row(told: KpiValue) -> Record:
    """Return a KPI value as a row: the KPI is a column, its SI unit stands beside it.

    A stream of these with ``latest_by`` work unit and KPI holds the present state.
    """
    return {
        "work_unit": told.work_unit,
        "kpi": told.kpi,
        told.kpi: told.value,
        f"{told.kpi}{UNIT}": told.dimension.unit,
        "upper": told.upper,
        "at": iso_of(told.at),
        "source": told.source,
    }
