"""Metrics made of others: instances of templates and data sets, taken apart into plain metrics."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fabloop.adapters.mqtt.sparkplug.datatypes import DATE_TIME
from fabloop.sense.readings.payloads.decoded import MALFORMED, Refusal

DATA_SET: Final = 16
TEMPLATE: Final = 19
COMPOSITE: Final = frozenset((DATA_SET, TEMPLATE))
DEPTH_MAX = 8
"""Templates within each other."""
PARTS_MAX = 10_000
"""Plain metrics of one composite one."""
TYPES: Final = "_types_/"
"""Begins the names of definitions in a birth."""

Definitions = Mapping[str, Mapping[str, Any]]


class Unfit(Exception):
    """It cannot be taken apart; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal


def definition_in(metric: Any) -> dict[str, Any] | None:
    """Return the members that a metric defines a template by; None: it defines none."""
    template = metric.template_value
    if metric.WhichOneof("value") != "template_value" or not template.is_definition:
        return None
    return {each.name: each for each in template.metrics}


def is_clocked(metric: Any) -> bool:
    """Return whether a metric is a data set of which a column tells the time of each row."""
    return metric.WhichOneof("value") == "dataset_value" and DATE_TIME in metric.dataset_value.types


def parts_of(metric: Any, name: str, known: Definitions) -> list[Any]:
    """Return the plain metrics of a composite one, each named ``name/part``.

    What a member of an instance leaves out (type, properties) is that of its definition, and what
    the composite metric says of time and history holds for all its parts.

    Raises
    ------
    Unfit
        It is deeper or longer than the limits, or a table whose rows nobody can place in time.
    """
    found: list[Any] = []
    for part in _parts(metric, name, known, DEPTH_MAX):
        if len(found) >= PARTS_MAX:
            raise _malformed(name, f"at most {PARTS_MAX} parts", "more")
        found.append(part)
    return found


def _parts(metric: Any, name: str, known: Definitions, depth: int) -> Iterator[Any]:
    field = metric.WhichOneof("value")
    if field == "dataset_value":
        yield from _cells(metric, name)
        return
    if field != "template_value":
        raise Unfit(
            Refusal(
                "datatype",
                f"Expected a template or data set in metric '{name}', but found {field or 'none'}. "
                "Send what its type says.",
            )
        )
    if not depth:
        raise _malformed(name, f"at most {DEPTH_MAX} templates within each other", "more")
    template = metric.template_value
    members = known.get(template.template_ref, {})
    for each in template.metrics:
        part = _part(metric, f"{name}/{each.name}", each)
        defined = members.get(each.name)
        if defined is not None:
            part.datatype = part.datatype or defined.datatype
            if not part.HasField("properties") and defined.HasField("properties"):
                part.properties.CopyFrom(defined.properties)
        if part.WhichOneof("value") in ("template_value", "dataset_value"):
            yield from _parts(part, part.name, known, depth - 1)
        else:
            yield part


def _part(whole: Any, name: str, told: Any) -> Any:
    """Return a copy of a member with what holds for all of them."""
    part = type(whole)()
    part.CopyFrom(told)
    part.name = name
    part.ClearField("alias")  # members are known by their names
    part.timestamp = told.timestamp or whole.timestamp
    part.is_historical = told.is_historical or whole.is_historical
    part.is_transient = told.is_transient or whole.is_transient
    part.is_null = told.is_null or told.WhichOneof("value") is None
    return part


def _cells(metric: Any, name: str) -> Iterator[Any]:
    """Yield a metric for each cell: of one row, or of rows of which a column tells the time."""
    table = metric.dataset_value
    columns, types = list(table.columns), list(table.types)
    if len(columns) != len(types) or any(len(row.elements) != len(types) for row in table.rows):
        raise _malformed(name, f"{len(types)} columns in each row", "another number")
    clock = types.index(DATE_TIME) if DATE_TIME in types else None
    if len(table.rows) > 1 and clock is None:
        raise _malformed(
            name, "one row, or a column of type DateTime", f"{len(table.rows)} rows without a time"
        )
    for row in table.rows:
        for at, (column, kind) in enumerate(zip(columns, types, strict=True)):
            if at == clock:
                continue
            cell = row.elements[at]
            part = _part(metric, f"{name}/{column}", type(metric)(datatype=kind))
            field = cell.WhichOneof("value")
            part.is_null = field is None
            if field is not None:
                setattr(part, field, getattr(cell, field))
            if clock is not None:
                part.timestamp = row.elements[clock].long_value
            yield part


def _malformed(name: str, expected: str, found: str) -> Unfit:
    return Unfit(
        Refusal(
            MALFORMED,
            f"Expected {expected} in metric '{name}', but found {found}. Send it as metrics of "
            "their own.",
        )
    )
