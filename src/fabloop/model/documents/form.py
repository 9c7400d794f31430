"""What JSON Schema finds in a document, told as the house's faults."""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from fabloop.base.errors import Fault
from fabloop.base.names import did_you_mean
from fabloop.model.documents.collect import Sheet, short, shown
from fabloop.model.documents.schema import schema_of

Schema = dict[str, Any]
"""A JSON Schema, or a part of one."""

WORDS_SHOWN_MAX = 8
_ARTICLES = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}


def note_form(content: Any, kind: str, sheet: Sheet) -> None:
    """Note everything the JSON Schema of the kind finds, each once."""
    note_schema(content, schema_of(kind), sheet)


def note_schema(content: Any, schema: Schema, sheet: Sheet) -> None:
    """Note everything a JSON Schema finds in a part of a document, each once."""
    noted: list[Fault] = []
    for error in Draft202012Validator(schema).iter_errors(content):
        for cause in _causes(error):
            _note(cause, Sheet(sheet.source, noted, sheet.path), schema.get("$defs", {}))
    sheet.faults.extend(dict.fromkeys(noted))


def _causes(error: ValidationError) -> Iterator[ValidationError]:
    """Yield the errors a person can act upon: inside a choice, those of the form that was meant."""
    branches: dict[int, list[ValidationError]] = {}
    for each in error.context or ():
        branches.setdefault(int(each.schema_path[0]), []).append(each)
    meant = [found for found in branches.values() if not any(_is_other_form(e) for e in found)]
    if error.validator in ("anyOf", "oneOf") and len(meant) == 1:
        for each in meant[0]:
            yield from _causes(each)
    else:
        yield error


def _is_other_form(error: ValidationError) -> bool:
    """Tell whether an error says that another branch was meant: its type or its tag differs."""
    at_top = len(error.relative_path) == 0
    if error.validator in ("anyOf", "oneOf"):
        return at_top and not isinstance(error.instance, dict)
    at_tag = list(error.relative_path) == ["kind"]
    return (error.validator == "type" and at_top) or (error.validator == "enum" and at_tag)


def _note(error: ValidationError, sheet: Sheet, definitions: Schema) -> None:
    place = sheet.at(*error.absolute_path)
    limit: Any = error.validator_value
    instance: Any = error.instance
    schema: Schema = error.schema if isinstance(error.schema, dict) else {}
    match error.validator:
        case "required":
            for name in [each for each in limit if each not in instance]:
                _note_missing(name, instance, schema, place, definitions)
        case "additionalProperties":
            known = schema.get("properties", {})
            for name in [each for each in instance if each not in known]:
                hint = did_you_mean(name, known)
                place.at(name).fault("a known property", short(repr(name)), hint)
        case "maxItems" | "minItems" | "maxProperties" | "minProperties":
            bound = "at most" if str(error.validator).startswith("max") else "at least"
            entries = "entry" if limit == 1 else "entries"
            named = schema.get("x-limit", "")
            hint = f"The limit is {named}." if named and bound == "at most" else ""
            place.fault(f"{bound} {limit} {entries}", f"{len(instance)}", hint)
        case "maxLength":
            place.fault(f"at most {limit} characters", f"{len(instance)}")
        case "minLength":
            place.fault(wanted(schema, definitions), "an empty text")
        case "enum":
            place.fault(_one_of(limit), shown(instance), _near(instance, limit))
        case "exclusiveMinimum" | "minimum" | "maximum" | "exclusiveMaximum":
            place.fault(_bound(str(error.validator), limit), shown(instance))
        case "anyOf" if "discriminator" in schema and isinstance(instance, dict):
            _note_tag(instance, schema["discriminator"], place)
        case "type" if limit == "integer":
            place.fault("a whole number", shown(instance))
        case _:
            place.fault(wanted(schema, definitions), shown(instance))


def _note_missing(
    name: str, instance: Schema, schema: Schema, place: Sheet, definitions: Schema
) -> None:
    known = schema.get("properties", {})
    near = [key for key in instance if key not in known]
    meant = did_you_mean(name, near) if near else ""
    form = wanted(known.get(name, {}), definitions)
    expected = f"the property {name!r}" + (f" ({form})" if form else "")
    place.fault(expected, "nothing", meant if meant.startswith("Did") else "")


def _note_tag(instance: Schema, discriminator: Schema, place: Sheet) -> None:
    """Note an object whose tag names none of the forms it could have."""
    tag, forms = discriminator["propertyName"], list(discriminator["mapping"])
    if tag in instance:
        place.at(tag).fault(_one_of(forms), shown(instance[tag]), _near(instance[tag], forms))
    else:
        place.fault(f"the property {tag!r} ({_one_of(forms)})", "nothing")


def wanted(schema: Schema, definitions: Schema) -> str:
    """Return what a schema wants: its title with an example, or its types; empty if anything."""
    if "title" in schema and schema.get("type") not in ("object", "array"):
        shown = schema.get("examples", [])
        return str(schema["title"]) + (f", such as {shown[0]!r}" if shown else "")
    if "$ref" in schema:
        form = definitions.get(schema["$ref"].rpartition("/")[2], {})
        return _object_with(form.get("required", []))
    if "discriminator" in schema:
        forms = ", ".join(repr(each) for each in schema["discriminator"]["mapping"])
        return f"an object of {schema['discriminator']['propertyName']} {forms}"
    if "anyOf" in schema:
        return "; or ".join(dict.fromkeys(wanted(each, definitions) for each in schema["anyOf"]))
    return _ARTICLES.get(str(schema.get("type")), "")


def _object_with(required: list[str]) -> str:
    names = " and ".join(repr(each) for each in required)
    return f"an object with {names}" if names else "an object"


def _one_of(allowed: list[Any]) -> str:
    if len(allowed) > WORDS_SHOWN_MAX:
        return "one of the known words"
    shown = ", ".join(repr(each) for each in allowed)
    return shown if len(allowed) == 1 else f"one of {shown}"


def _near(found: Any, allowed: list[Any]) -> str:
    hint = did_you_mean(found, allowed) if isinstance(found, str) else ""
    return hint if hint.startswith("Did") or len(allowed) > WORDS_SHOWN_MAX else ""


def _bound(validator: str, limit: Any) -> str:
    words = {
        "exclusiveMinimum": "a number above",
        "exclusiveMaximum": "a number below",
        "minimum": "a number of at least",
        "maximum": "a number of at most",
    }
    return f"{words[validator]} {limit:g}"
