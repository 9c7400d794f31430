"""References of an OpenAPI document: followed, counted, and refused where they lead round."""

from typing import Any

from fabloop.base.names import did_you_mean
from fabloop.model.documents.collect import Sheet, shown

REFERENCES_MAX = 50
"""How many references may lead to one thing, one after the other."""

Object = dict[str, Any]


class Library:
    """A document whose parts refer to each other by ``$ref``."""

    def __init__(self, root: Object) -> None:
        self.root = root

    def resolved(self, value: Any, sheet: Sheet) -> tuple[Any, Sheet]:
        """Return what stands here or where its references lead, and the sheet of that place.

        What cannot be found is None, after a fault; in OpenAPI 3.1 siblings of ``$ref`` are kept
        over what it leads to.
        """
        passed: list[str] = []
        kept: Object = {}
        while isinstance(value, dict) and "$ref" in value:
            reference = value["$ref"]
            kept = {**{key: each for key, each in value.items() if key != "$ref"}, **kept}
            here = sheet.at("$ref")
            if not isinstance(reference, str):
                here.fault("a reference such as '#/components/schemas/Order'", shown(reference))
                return None, sheet
            if reference in passed:
                here.fault(
                    "a reference that leads to a definition",
                    " → ".join((*passed[passed.index(reference) :], reference)),
                    "Let one of them define something itself.",
                )
                return None, sheet
            passed.append(reference)
            if len(passed) > REFERENCES_MAX:
                here.fault(f"at most {REFERENCES_MAX} references in a row", "more")
                return None, sheet
            value, sheet = self._target(reference, here)
        return ({**value, **kept} if isinstance(value, dict) and kept else value), sheet

    def _target(self, reference: str, here: Sheet) -> tuple[Any, Sheet]:
        if not reference.startswith("#"):
            here.fault(
                "a reference within the document, such as '#/components/schemas/Order'",
                repr(reference),
                "Bundle the documents into one first.",
            )
            return None, here
        value: Any = self.root
        sheet = Sheet(here.source, here.faults)
        for step in reference.lstrip("#").split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}")
            if isinstance(value, dict) and key in value:
                value, sheet = value[key], sheet.at(key)
            elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
                value, sheet = value[int(key)], sheet.at(int(key))
            else:
                known = list(value) if isinstance(value, dict) else []
                here.fault("a reference to what exists", repr(reference), did_you_mean(key, known))
                return None, here
        return value, sheet

    def self_contained(self, schema: Any, sheet: Sheet) -> Any:
        """Return a JSON Schema (2020-12) with all that it refers to, recursive parts included."""
        definitions: Object = {}
        whole = self._localised(schema, definitions, sheet)
        if definitions and isinstance(whole, dict):
            whole = {**whole, "$defs": definitions}
        return whole

    def _localised(self, schema: Any, definitions: Object, sheet: Sheet) -> Any:
        match schema:
            case list():
                return [self._localised(each, definitions, sheet) for each in schema]
            case {"$ref": str(reference)}:
                name = reference.removeprefix("#/").replace("/", ".")
                if name not in definitions:
                    definitions[name] = {}
                    target, at = self.resolved({"$ref": reference}, sheet)
                    definitions[name] = self._localised(target, definitions, at)
                return {"$ref": f"#/$defs/{_pointer(name)}"}
            case dict():
                found = {
                    key: self._named(each, definitions, sheet)
                    if key in _MAPS
                    else self._localised(each, definitions, sheet)
                    for key, each in schema.items()
                    if key not in _NOT_SCHEMA
                }
                return _nullable(found, schema)
            case _:
                return schema

    def _named(self, schemas: Any, definitions: Object, sheet: Sheet) -> Any:
        """Return schemas by name; a property may have any name."""
        if not isinstance(schemas, dict):
            return schemas
        return {key: self._localised(each, definitions, sheet) for key, each in schemas.items()}


_MAPS = {"properties", "patternProperties", "$defs"}
_NOT_SCHEMA = {"x-fabloop", "example", "examples", "nullable", "discriminator", "xml", "$schema"}


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _nullable(found: Object, schema: Object) -> Object:
    """Return OpenAPI 3.0's ``nullable`` and exclusive bounds as JSON Schema has them."""
    if schema.get("nullable") is True and isinstance(found.get("type"), str):
        found = {**found, "type": [found["type"], "null"]}
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(found.get(exclusive), bool):
            strict = found.pop(exclusive)
            if strict and bound in found:
                found[exclusive] = found.pop(bound)
    return found
