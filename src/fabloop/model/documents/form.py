"""What JSON Schema finds in a document, told as the house's faults."""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from fabloop.base.errors import Fault
from fabloop.base.names import did_you_mean
from fabloop.model.documents.collect import Sheet, short, shown
from fabloop.model.documents.schema import schema_of

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
    validator = Draft202012Validator(schema_of(kind))
    noted: list[Fault] = []
    for error in validator.iter_errors(content):
        for cause in _causes(error):
            _note(cause, Sheet(sheet.source, noted))
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
    if error.validator in ("anyOf", "oneOf"):
        return all(_is_other_form(each) for each in error.context or ()) or (
            not isinstance(error.instance, dict)
        )
    at_top = len(error.relative_path) == 0
    at_tag = list(error.relative_path) == ["kind"]
    return (error.validator == "type" and at_top) or (error.validator == "enum" and at_tag)


def _note(error: ValidationError, sheet: Sheet) -> None:
    place = sheet.at(*error.absolute_path)
    limit: Any = error.validator_value
    instance: Any = error.instance
    schema = error.schema if isinstance(error.schema, dict) else {}
    match error.validator:
        case "required":
            for name in [each for each in limit if each not in instance]:
                _note_missing(name, schema, error, place)
        case "additionalProperties":
            known = schema.get("properties", {})
            for name in [each for each in instance if each not in known]:
                place.at(name).fault(
                    "a known property", f"{short(repr(name))}", did_you_mean(name, known)
                )
        case "maxItems" | "minItems":
            bound = "at most" if error.validator == "maxItems" else "at least"
            place.fault(f"{bound} {limit} entries", f"{len(instance)}")
        case "maxProperties" | "minProperties":
            bound = "at most" if error.validator == "maxProperties" else "at least"
            place.fault(f"{bound} {limit} entries", f"{len(instance)}")
        case "maxLength":
            place.fault(f"at most {limit} characters", f"{len(instance)}")
        case "minLength":
            place.fault(_wanted(schema), "an empty text")
        case "enum":
            place.fault(_one_of(limit), shown(instance), _near(instance, limit))
        case "exclusiveMinimum" | "minimum" | "maximum" | "exclusiveMaximum":
            place.fault(_bound(str(error.validator), limit), shown(instance))
        case _:
            place.fault(_wanted(schema), shown(instance))


def _note_missing(name: str, schema: dict[str, Any], error: ValidationError, place: Sheet) -> None:
    wanted = schema.get("properties", {}).get(name, {})
    title = wanted.get("title", "")
    expected = f"the property {name!r}" + (f", {_wanted(wanted)}" if title else "")
    instance: Any = error.instance
    near = [key for key in instance if key not in schema.get("properties", {})]
    meant = did_you_mean(name, near) if near else ""
    place.fault(expected, "nothing", meant if meant.startswith("Did") else "")


def _wanted(schema: dict[str, Any]) -> str:
    """Return what a schema wants: its title with an example, or its types."""
    if "title" in schema and schema.get("type") not in ("object", "array"):
        shown = schema.get("examples", [])
        return str(schema["title"]) + (f", such as {shown[0]!r}" if shown else "")
    if "$ref" in schema:
        return "an object"
    forms = schema.get("anyOf") or schema.get("oneOf")
    if forms:
        return " or ".join(dict.fromkeys(_wanted(each) for each in forms))
    return _ARTICLES.get(str(schema.get("type")), "another value")


def _one_of(allowed: list[Any]) -> str:
    shown = ", ".join(repr(each) for each in allowed)
    return shown if len(allowed) == 1 else f"one of {shown}"


def _near(found: Any, allowed: list[Any]) -> str:
    hint = did_you_mean(found, allowed) if isinstance(found, str) else ""
    return hint if hint.startswith("Did") else ""


def _bound(validator: str, limit: Any) -> str:
    words = {
        "exclusiveMinimum": "a number above",
        "exclusiveMaximum": "a number below",
        "minimum": "a number of at least",
        "maximum": "a number of at most",
    }
    return f"{words[validator]} {limit:g}"
