"""What came back, against what the description promises: type, presence, range, unit."""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from fabloop.adapters.openapi.request import described, fits
from fabloop.base.errors import Fault
from fabloop.base.quantity import dimension_of, quantity_of, si_scale
from fabloop.model.documents.collect import Sheet, short, shown
from fabloop.model.documents.form import note_schema
from fabloop.model.service import Parameter, ServiceOperation, ValueKind

WHOLE = "answer"
"""Name of the output where the body is one value and no object of values."""


def values_of(
    operation: ServiceOperation, body: bytes, source: str
) -> dict[str, Any] | tuple[Fault, ...]:
    """Return the values of the operation's outputs, or everything that is wrong with the body."""
    faults: list[Fault] = []
    sheet = Sheet(source, faults)
    if not operation.outputs:
        return {}
    content = _parsed(body, sheet)
    if faults:
        return tuple(faults)
    if operation.answer_schema:
        schema = _checked(operation.answer_schema)
        if schema is not None:
            note_schema(content, schema, sheet)
    whole = [each.name for each in operation.outputs] == [WHOLE]
    found = {WHOLE: content} if whole else content
    if not isinstance(found, dict):
        sheet.fault("an object", shown(found))
        return tuple(dict.fromkeys(faults))
    values: dict[str, Any] = {}
    noted = {each.path for each in faults}
    for each in operation.outputs:
        at = sheet if whole else sheet.at(each.name)
        if each.name in found:
            values[each.name] = _value(found[each.name], each, at, schema=operation.answer_schema)
        elif each.required and at.path not in noted:
            at.fault(described(each), "nothing")
    return tuple(dict.fromkeys(faults)) if faults else values


def _value(value: Any, output: Parameter, at: Sheet, *, schema: str) -> Any:
    """Return one value in the unit that the description promises."""
    if output.dimension is not None:
        told = _told(value)
        if told is not None:
            return _converted(told, output, at)
    if not schema and value is not None and not fits(value, output.kind):
        at.fault(described(output), shown(value))
    return value


def _told(value: Any) -> tuple[float | str, str] | None:
    """Return number and unit of a value that says its unit itself; None where it does not."""
    if isinstance(value, dict) and "unit" in value and "value" in value:
        return value["value"], str(value["unit"])
    if isinstance(value, str):
        return value, ""
    return None


def _converted(told: tuple[float | str, str], output: Parameter, at: Sheet) -> Any:
    """Return a told quantity in the promised unit."""
    number, unit = told
    assert output.dimension is not None
    text = f"{number} {unit}".strip()
    try:
        si = quantity_of(text, output.dimension)
        dimension_of(output.unit)
    except ValueError as error:
        at.fault(f"a quantity of {output.dimension} (in {output.unit})", f"{text!r} ({error})")
        return None
    factor, offset = si_scale(output.unit)
    converted = (si - offset) / factor
    return f"{converted:.12g} {output.unit}" if output.kind is ValueKind.TEXT else converted


def _parsed(body: bytes, sheet: Sheet) -> Any:
    repeated: list[str] = []

    def pairs(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        listed = list(items)
        keys = [key for key, _ in listed]
        repeated.extend(key for key in dict.fromkeys(keys) if keys.count(key) > 1)
        return dict(listed)

    def refuse(constant: str) -> Any:
        raise ValueError(f"the number {constant}")

    try:
        content = json.loads(body, object_pairs_hook=pairs, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        beginning = short(repr(body[:60].decode(errors="replace")))
        sheet.fault("JSON", f"{beginning} ({short(str(error))})" if body else "an empty body")
        return None
    for key in repeated:
        sheet.fault("each property of an object once", f"{key!r} again")
    return content


@lru_cache(maxsize=500)
def _checked(text: str) -> dict[str, Any] | None:
    """Return the schema; None where its author wrote what is no schema."""
    schema: dict[str, Any] = json.loads(text)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return None
    return schema
