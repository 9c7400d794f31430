"""KPI value documents to KPI values."""

from collections.abc import Mapping, Sequence

from fabloop.base.errors import Fault
from fabloop.model.documents.collect import Sheet, raise_if_any, unique
from fabloop.model.documents.equipment import live_kpis
from fabloop.model.documents.names import Names
from fabloop.model.documents.structs import KpiValueEntry, KpiValuesDocument
from fabloop.model.documents.structure import decode, kind_of
from fabloop.model.documents.values import duration_ns, instant, quantity
from fabloop.model.ids import KpiId, WorkUnitId
from fabloop.model.knowledge import KpiDefinition
from fabloop.model.kpi import KpiValue
from fabloop.model.site import WorkUnit


def resolve_kpi_values(
    source: str,
    data: bytes,
    work_units: Mapping[WorkUnitId, WorkUnit],
    kpis: Mapping[KpiId, KpiDefinition],
) -> tuple[KpiValue, ...]:
    """Return the values of one document, oldest first; a KPI may have several, at other instants.

    Raises
    ------
    Invalid
        Every fault of the document, among them work units and KPIs nobody knows.
    """
    faults: list[Fault] = []
    document = decode(source, data, faults)
    sheet = Sheet(source, faults)
    if document is not None and not isinstance(document, KpiValuesDocument):
        sheet.at("document").fault("'kpi-values'", repr(kind_of(document)))
    raise_if_any(faults)
    assert isinstance(document, KpiValuesDocument)
    names = Names(work_units=work_units, kpis=kpis, offers_are_whole=True)
    entries = [(sheet.at("values", at), entry) for at, entry in enumerate(document.values)]
    what = "KPI value of an instant"
    unique(((at, f"{it.kpi} of {it.work_unit}, {it.measured_at}") for at, it in entries), what)
    found = [_kpi_value(entry, at, names) for at, entry in entries]
    raise_if_any(faults)
    return tuple(sorted((each for each in found if each is not None), key=lambda it: it.at))


def kpi_values_of(
    found: Sequence[tuple[Sheet, KpiValuesDocument]], names: Names
) -> tuple[KpiValue, ...]:
    """Return the values of all documents. Whether one is too old is not judged here."""
    entries = [
        (sheet.at("values", index), entry)
        for sheet, document in found
        for index, entry in enumerate(document.values)
    ]
    unique(((sheet, f"{entry.kpi} of {entry.work_unit}") for sheet, entry in entries), "KPI value")
    values = (_kpi_value(entry, sheet, names) for sheet, entry in entries)
    return tuple(each for each in values if each is not None)


def _kpi_value(entry: KpiValueEntry, sheet: Sheet, names: Names) -> KpiValue | None:
    _note_use(entry, sheet, names)
    at = instant(entry.measured_at, sheet.at("measured_at"))
    valid_for_ns = duration_ns(entry.valid_for, sheet.at("valid_for"))
    if not sheet.at("kpi").known(entry.kpi, names.kpis, "a KPI of the vocabulary"):
        return None
    assert names.kpis is not None
    dimension = names.kpis[KpiId(entry.kpi)].dimension
    value = quantity(entry.value, dimension, sheet.at("value"))
    upper = value
    if entry.upper is not None:
        upper = quantity(entry.upper, dimension, sheet.at("upper"))
        if upper < value:
            sheet.at("upper").fault(
                f"an upper end that is not below the value {entry.value!r}", repr(entry.upper)
            )
    return KpiValue(
        work_unit=WorkUnitId(entry.work_unit),
        kpi=KpiId(entry.kpi),
        value=value,
        upper=upper,
        dimension=dimension,
        at=at,
        valid_for_ns=valid_for_ns,
        source=entry.source,
        disclosure=entry.disclosure,
    )


def _note_use(entry: KpiValueEntry, sheet: Sheet, names: Names) -> None:
    """Note a work unit that does not exist, or none of whose offers rests on the KPI."""
    units = names.work_units
    if not sheet.at("work_unit").known(entry.work_unit, units, "a work unit"):
        return
    assert units is not None
    live = live_kpis(units[WorkUnitId(entry.work_unit)].offers)
    if names.offers_are_whole and names.kpis is not None and entry.kpi in names.kpis:
        what = f"a KPI that an offer of work unit {entry.work_unit!r} rests on"
        sheet.at("kpi").known(entry.kpi, live, what)
