"""Found rows to what was wanted: quantities in texts, units, arithmetic."""

from collections.abc import Mapping, Sequence

import msgspec

from fabloop.dataspace.mapping import Mapping as SourceMapping
from fabloop.dataspace.mapping import Output
from fabloop.dataspace.ngsi import unit_of_code
from fabloop.dataspace.profile import EXACT_MAX
from fabloop.dataspace.query import unit_name
from fabloop.dataspace.schema import ColumnKind, Record, Scalar
from fabloop.dataspace.target import Operation, Target, names, number_of, value_of
from fabloop.dataspace.units import converted, known_unit, split_quantity

FAULTY_MAX = 20
"""Values that cannot be used of which each is told."""


class FilledColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the answer: ``x`` for a variable, ``num*?y`` for what was calculated.

    `unit` is that of all rows; where they differ it is empty and each row has ``y unit``.
    """

    name: str
    unit: str = ""


class Faulty(msgspec.Struct, frozen=True, kw_only=True):
    """A value that was found but cannot be used, and why."""

    column: str
    found: str
    why: str


class Filled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A target filled: rows with a value for each column, and what could not be used."""

    target: str
    version: int
    columns: tuple[FilledColumn, ...]
    rows: tuple[Record, ...]
    faulty: tuple[Faulty, ...] = ()
    faulty_count: int = 0


class NothingFound(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A mapping that yields nothing: `at` is the first table in which nothing fits."""

    target: str
    version: int
    at: str
    why: str


class TooMuch(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A mapping that yields more than may be handed on."""

    target: str
    version: int
    limit: int
    what: str


class _Cell(msgspec.Struct, frozen=True, kw_only=True):
    value: Scalar
    unit: str = ""


def finish(
    target: Target,
    mapping: SourceMapping,
    rows: Sequence[Record],
    given: Mapping[str, Sequence[Scalar]],
    wanted: Mapping[str, str],
) -> Filled:
    """Return found rows as an answer: numbers in the units that are wanted, arithmetic done.

    A value that cannot be used is told, and its row left out: half of an answer is none.
    """
    single = {name: values[0] for name, values in given.items() if len(values) == 1}
    calculated = target.calculated()
    needed = {name for term in calculated.values() for name in names(term)}
    kept: list[dict[str, _Cell]] = []
    faulty: list[Faulty] = []
    for row in rows:
        cells, faults = _cells(row, mapping, wanted, needed)
        for text, term in calculated.items():
            if not faults:
                _calculate(text, term, cells, single, faults)
        faulty += faults
        if not faults:
            kept.append(cells)
    order = [*target.variables(), *calculated]
    columns = [_column(name, kept, wanted) for name in order]
    return Filled(
        target=target.text,
        version=mapping.version,
        columns=tuple(columns),
        rows=tuple(_record(cells, columns) for cells in kept),
        faulty=tuple(faulty[:FAULTY_MAX]),
        faulty_count=len(faulty),
    )


def _cells(
    row: Record, mapping: SourceMapping, wanted: Mapping[str, str], needed: set[str]
) -> tuple[dict[str, _Cell], list[Faulty]]:
    cells, faults = {}, []
    for output in mapping.expression.outputs:
        name = output.variable
        cell = _measured(row, output)
        if name in needed and number_of(cell.value) is None:
            found = "nothing" if row.get(name) is None else repr(row[name])
            faults.append(Faulty(column=name, found=found, why="a number is needed to calculate"))
            continue
        try:
            cells[name] = _in(cell, wanted.get(name, ""))
        except ValueError as error:
            faults.append(Faulty(column=name, found=f"{cell.value} {cell.unit}", why=str(error)))
    return cells, faults


def _measured(row: Record, output: Output) -> _Cell:
    """Return number and unit of what was found, or the value as it is."""
    value = row.get(output.variable)
    unit = output.unit
    beside = row.get(unit_name(output.variable))
    if isinstance(beside, str):
        unit = known_unit(unit_of_code(beside)) or ""
    may_have_unit = output.kind.is_numeric or output.kind is ColumnKind.QUANTITY
    if isinstance(value, str) and may_have_unit:
        split = split_quantity(value)
        if split is not None:
            return _Cell(value=_whole(split[0]), unit=split[1] or (unit if _bare(output) else ""))
    return _Cell(value=value, unit=unit)


def _bare(output: Output) -> bool:
    """Tell whether values without a unit of their own have that of the column."""
    return output.kind is not ColumnKind.QUANTITY


def _whole(value: float) -> int | float:
    return int(value) if value.is_integer() and abs(value) <= EXACT_MAX else value


def _in(cell: _Cell, unit: str) -> _Cell:
    """Return a cell in a unit; counts, which have none, stay as they are."""
    number = number_of(cell.value)
    if not unit or not cell.unit or number is None:
        return cell
    return _Cell(value=_whole(converted(float(number), cell.unit, unit)), unit=unit)


def _calculate(
    text: str,
    term: Operation,
    cells: dict[str, _Cell],
    given: Mapping[str, Scalar],
    faults: list[Faulty],
) -> None:
    known: dict[str, Scalar] = {f"?{name}": cell.value for name, cell in cells.items()}
    value = value_of(term, {**given, **known})
    if value is None:
        faults.append(Faulty(column=text, found=_shown(known, given), why="it gives no number"))
        return
    cells[text] = _Cell(value=value, unit=_unit(term, cells))


def _shown(known: Mapping[str, Scalar], given: Mapping[str, Scalar]) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in {**known, **given}.items())[:120]


def _unit(term: Operation, cells: Mapping[str, _Cell]) -> str:
    """Return the unit of what was calculated: that of the one measured value in it."""
    units = {cells[name].unit for name in names(term) if name in cells} - {""}
    return units.pop() if len(units) == 1 else ""


def _column(
    name: str, rows: Sequence[Mapping[str, _Cell]], wanted: Mapping[str, str]
) -> FilledColumn:
    units = {cells[name].unit for cells in rows if name in cells}
    if len(units) == 1:
        return FilledColumn(name=name, unit=units.pop())
    return FilledColumn(name=name, unit="" if units else wanted.get(name, ""))


def _record(cells: Mapping[str, _Cell], columns: Sequence[FilledColumn]) -> Record:
    """Return a row; where units differ between rows, each has its own beside the number."""
    record: Record = {}
    for column in columns:
        cell = cells.get(column.name)
        if cell is None:
            continue
        record[column.name] = cell.value
        if cell.unit and not column.unit:
            record[unit_name(column.name)] = cell.unit
    return record


def unit_of_row(row: Record, column: FilledColumn) -> str:
    """Return the unit of a value in a row."""
    return column.unit or str(row.get(unit_name(column.name)) or "")
