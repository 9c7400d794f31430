"""Parameters and schemas of an OpenAPI document to inputs and outputs with concept and unit."""

from typing import Any

import msgspec

from fabloop.base.quantity import Dimension, dimension_of
from fabloop.model.documents.collect import Sheet, shown
from fabloop.model.service import Constant, Parameter, ValueKind
from fabloop.services.descriptions.annotations import ParameterAnnotation, annotation
from fabloop.services.descriptions.references import Library, Object

PARAMETERS_MAX = 100
ALLOWED_MAX = 200
COUNTED = frozenset({"piece", "pieces", "pcs", "pc", "item", "items", "muffins", "boxes", "count"})
"""Units of counted things: they measure none of the dimensions, and are not converted."""
ALL_OF_DEPTH_MAX = 20


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader should know of a description that is no fault: where, and what."""

    path: str
    said: str


class Reading:
    """A document being read: its parts by reference, and what is remarked of it."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.remarks: list[Remark] = []

    def remark(self, sheet: Sheet, said: str) -> None:
        """Note something that is no fault."""
        self.remarks.append(Remark(path=sheet.path, said=said))

    def object(self, value: Any, sheet: Sheet) -> tuple[Object, Sheet]:
        """Return an object where its references lead; an empty one after a fault."""
        found, at = self.library.resolved(value, sheet)
        if isinstance(found, dict):
            return found, at
        if found is True:  # a schema that anything meets
            return {}, at
        if found is not None or value is None:
            at.fault("an object", shown(found))
        return {}, at


def parameters_of(entries: Any, sheet: Sheet, reading: Reading) -> list[Parameter] | None:
    """Return path, query and header parameters; None where one of them cannot be given."""
    if not isinstance(entries, list):
        sheet.fault("a list of parameters", shown(entries))
        return []
    found: list[Parameter] = []
    for index, entry in enumerate(entries[:PARAMETERS_MAX]):
        part, at = reading.object(entry, sheet.at(index))
        if not part:
            continue
        name, place = part.get("name"), part.get("in")
        if not isinstance(name, str) or not name:
            at.at("name").fault("the name of a parameter", shown(name))
            continue
        if place not in ("path", "query", "header", "cookie"):
            at.at("in").fault("'path', 'query', 'header' or 'cookie'", shown(place))
            continue
        required = place == "path" or part.get("required") is True
        if place == "path" and part.get("required") is not True:
            at.at("required").fault(
                "true, for a parameter in the path", shown(part.get("required"))
            )
        if place == "cookie" or "schema" not in part:
            what = "in a cookie" if place == "cookie" else "with 'content' instead of 'schema'"
            reading.remark(at, f"The parameter {name!r} {what} is not supported.")
            if required:
                return None
            continue
        found.append(_given(name, place, part, at, reading, required=required))
    if len(entries) > PARAMETERS_MAX:
        sheet.fault(
            f"at most {PARAMETERS_MAX} parameters",
            f"{len(entries)}",
            "The limit is PARAMETERS_MAX.",
        )
    return found


def _given(
    name: str, place: str, part: Object, at: Sheet, reading: Reading, *, required: bool
) -> Parameter:
    schema, where = reading.object(part["schema"], at.at("schema"))
    inner = parameter(name, schema, where, reading, required=required, place=place)
    outer = annotation(part, ParameterAnnotation, at)
    unit = inner.unit if outer is None or outer.unit is None else outer.unit
    return msgspec.structs.replace(
        inner,
        concept=inner.concept if outer is None or outer.concept is None else outer.concept,
        unit=unit,
        dimension=inner.dimension if unit == inner.unit else measured(unit, at),
        description=_text(part.get("description")) or inner.description,
    )


def parameter(
    name: str,
    schema: Object,
    sheet: Sheet,
    reading: Reading,
    *,
    required: bool,
    place: str,
    parts: bool = True,
) -> Parameter:
    """Return what a schema says of one value, and of the values in it unless `parts` is false."""
    said = annotation(schema, ParameterAnnotation, sheet)
    unit = said.unit if said is not None and said.unit is not None else ""
    return Parameter(
        name=name,
        place=place,
        kind=_kind(schema, sheet, reading),
        required=required,
        concept=(said.concept or "") if said is not None else "",
        unit=unit,
        dimension=measured(unit, sheet),
        description=_text(schema.get("description")) or _text(schema.get("title")),
        allowed=_allowed(schema, sheet),
        parts=_parts(schema, sheet, reading) if parts else (),
    )


def _parts(schema: Object, sheet: Sheet, reading: Reading) -> tuple[Parameter, ...]:
    """Return the values in an object, or in each item of a list of objects."""
    if "items" in schema:
        schema, sheet = reading.object(schema["items"], sheet.at("items"))
    if not ("properties" in schema or "allOf" in schema):
        return ()
    properties, required = merged(schema, sheet, reading)
    return tuple(
        parameter(key, each, place, reading, required=key in required, place="body", parts=False)
        for key, (each, place) in list(properties.items())[:PARAMETERS_MAX]
    )


def measured(unit: str, sheet: Sheet) -> Dimension | None:
    """Return what a unit measures; None for none and for counted things."""
    if not unit or unit in COUNTED:
        return None
    try:
        return dimension_of(unit)
    except ValueError as error:
        sheet.fault("a known unit, such as '°C', 'kg', '%' or 'pieces'", f"{unit!r} ({error})")
        return None


_KINDS = {each.value: each for each in ValueKind}


def _kind(schema: Object, sheet: Sheet, reading: Reading) -> ValueKind:
    said = schema.get("type")
    if isinstance(said, list):
        named = [each for each in said if each != "null"]
        if len(named) > 1:
            reading.remark(
                sheet, f"Of several types ({', '.join(map(str, named))}), the first is read."
            )
        said = named[0] if named else None
    if isinstance(said, str) and said in _KINDS:
        return _KINDS[said]
    if said is not None:
        sheet.at("type").fault(f"one of {', '.join(map(repr, _KINDS))}", shown(said))
        return ValueKind.TEXT
    return _implied(schema, sheet, reading)


def _implied(schema: Object, sheet: Sheet, reading: Reading) -> ValueKind:
    """Return what kind a schema without a type means."""
    if any(each in schema for each in ("properties", "additionalProperties", "allOf")):
        return ValueKind.CONTEXT
    if "items" in schema:
        return ValueKind.LIST
    match schema.get("enum", [schema.get("const")]):
        case [bool(), *_]:
            return ValueKind.BOOLEAN
        case [int(), *_]:
            return ValueKind.INTEGER
        case [float(), *_]:
            return ValueKind.NUMBER
        case [str(), *_]:
            return ValueKind.TEXT
        case _:
            pass
    for choice in ("oneOf", "anyOf"):
        options = schema.get(choice)
        if isinstance(options, list) and options:
            reading.remark(sheet, f"Of several forms ('{choice}'), the first is read.")
            first, _ = reading.object(options[0], sheet.at(choice, 0))
            return _KINDS.get(str(first.get("type")), ValueKind.CONTEXT)
    reading.remark(sheet, "Nothing says which type this is; it is read as text.")
    return ValueKind.TEXT


def _allowed(schema: Object, sheet: Sheet) -> tuple[Constant, ...]:
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    if not isinstance(values, list):
        sheet.at("enum").fault("a list of values", shown(values))
        return ()
    if len(values) > ALLOWED_MAX:
        return ()
    return tuple(each for each in values if isinstance(each, str | int | float))


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def content_of(
    media: Any, name: str, sheet: Sheet, reading: Reading
) -> tuple[Parameter, ...] | None:
    """Return the values in a body; None where it is no JSON.

    The properties of an object are values of their own, other bodies are one value.
    """
    if not isinstance(media, dict):
        sheet.fault("an object of media types", shown(media))
        return None
    if not media:
        return ()
    kind = next((each for each in media if is_json(each)), None)
    if kind is None:
        return None
    part, at = reading.object(media[kind], sheet.at(kind))
    if "schema" not in part:
        reading.remark(at, "Nothing says what is in the body.")
        return ()
    schema, where = reading.object(part["schema"], at.at("schema"))
    properties, required = merged(schema, where, reading)
    if not properties:
        whole = parameter(name, schema, where, reading, required=True, place="body")
        return () if whole.kind is ValueKind.CONTEXT else (whole,)
    if len(properties) > PARAMETERS_MAX:
        where.at("properties").fault(
            f"at most {PARAMETERS_MAX} properties",
            f"{len(properties)}",
            "The limit is PARAMETERS_MAX.",
        )
        return ()
    return tuple(
        parameter(key, each, place, reading, required=key in required, place="body")
        for key, (each, place) in properties.items()
    )


def is_json(media: str) -> bool:
    """Tell whether a media type is JSON."""
    plain = media.partition(";")[0].strip().lower()
    return plain == "application/json" or plain.endswith("+json") or plain == "*/*"


Properties = dict[str, tuple[Object, Sheet]]


def merged(
    schema: Object, sheet: Sheet, reading: Reading, depth: int = 0
) -> tuple[Properties, set[str]]:
    """Return the properties of a schema and of all that it consists of, and which must be there."""
    found: Properties = {}
    required: set[str] = set()
    if depth > ALL_OF_DEPTH_MAX:
        sheet.at("allOf").fault(
            "a schema that does not consist of itself",
            f"'allOf' within 'allOf' more than {ALL_OF_DEPTH_MAX} times",
        )
        return found, required
    parts = schema.get("allOf", [])
    if not isinstance(parts, list):
        sheet.at("allOf").fault("a list of schemas", shown(parts))
        parts = []
    before = len(sheet.faults)
    for index, part in enumerate(parts):
        inner, at = reading.object(part, sheet.at("allOf", index))
        more, needed = merged(inner, at, reading, depth + 1)
        found.update(more)
        required |= needed
        if len(sheet.faults) > before:
            break
    own = schema.get("properties", {})
    if not isinstance(own, dict):
        sheet.at("properties").fault("an object of schemas", shown(own))
        own = {}
    for key, each in own.items():
        found[key] = reading.object(each, sheet.at("properties", key))
    needed = schema.get("required", [])
    if isinstance(needed, list):
        required |= {each for each in needed if isinstance(each, str)}
    else:
        sheet.at("required").fault("a list of names", shown(needed))
    return found, required
