"""Entities of NGSI-LD, normalised or simplified, as rows by their type."""

from collections.abc import Iterable
from typing import Any

from fabloop.base.errors import Fault, Invalid

_UNITS = {
    "GRM": "g", "KGM": "kg", "MGM": "mg", "TNE": "t", "LTR": "l", "MLT": "ml", "MTQ": "m**3",
    "MTR": "m", "CMT": "cm", "MMT": "mm", "KMT": "km", "4H": "µm", "CEL": "degC", "KEL": "K",
    "FAH": "degF", "SEC": "s", "MIN": "min", "HUR": "h", "DAY": "d", "C26": "ms", "P1": "%",
    "WTT": "W", "KWT": "kW", "KWH": "kWh", "JOU": "J", "BAR": "bar", "PAL": "Pa", "AMP": "A",
    "VLT": "V", "HTZ": "Hz", "MTS": "m/s", "NEW": "N", "C62": "", "EA": "", "H87": "",
}  # fmt: skip
"""UN/CEFACT common codes, as `unitCode` has them, to units."""

UNIT = "_unit"
OBSERVED = "_observedAt"
_NO_ATTRIBUTES = {"id", "type", "@context", "scope", "createdAt", "modifiedAt"}


def unit_of_code(code: str) -> str:
    """Return the unit that a UN/CEFACT code means; what is no code is a unit already."""
    return _UNITS.get(code, code)


def rows_by_type(source: str, entities: Iterable[Any]) -> dict[str, list[dict[str, Any]]]:
    """Return entities as rows by their type.

    A property becomes a column, its unit and the time of its observation columns beside it
    (``x_unit``, ``x_observedAt``); a relationship is the id it refers to.

    Raises
    ------
    Invalid
        Something is no entity: it has no id or no type.
    """
    tables: dict[str, list[dict[str, Any]]] = {}
    faults = []
    for number, entity in enumerate(entities):
        if not isinstance(entity, dict) or not {"id", "type"} <= entity.keys():
            faults.append(
                Fault(source=source, path=f"$[{number}]", expected="an entity with 'id' and 'type'",
                      found="something else", hint="Ask the broker for NGSI-LD entities.")
            )  # fmt: skip
            continue
        kinds = entity["type"]
        kind = str(kinds[0] if isinstance(kinds, list) and kinds else kinds)
        tables.setdefault(_local(kind), []).append(_row(entity))
    if faults:
        raise Invalid(faults[:100])
    return tables


def _row(entity: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"id": entity["id"]}
    for key, told in entity.items():
        if key in _NO_ATTRIBUTES:
            continue
        name = _local(key)
        several = told if isinstance(told, list) and told and _is_attribute(told[0]) else [told]
        values = [_value(each) for each in several]
        row[name] = values[0] if len(values) == 1 else values
        first = several[0]
        if isinstance(first, dict) and _is_attribute(first):
            if "unitCode" in first:
                row[f"{name}{UNIT}"] = unit_of_code(str(first["unitCode"]))
            if "observedAt" in first:
                row[f"{name}{OBSERVED}"] = first["observedAt"]
    return row


def _is_attribute(told: Any) -> bool:
    return isinstance(told, dict) and told.get("type") in (
        "Property", "Relationship", "GeoProperty", "LanguageProperty", "VocabProperty",
        "ListProperty", "JsonProperty",
    )  # fmt: skip


def _value(told: Any) -> Any:
    if not _is_attribute(told):
        return told
    for key in ("object", "value", "vocab", "valueList", "json"):
        if key in told:
            return told[key]
    names = told.get("languageMap")
    return next(iter(names.values()), None) if isinstance(names, dict) else None


def _local(name: str) -> str:
    """Return the last part of an IRI."""
    return name.rstrip("/#").rpartition("#")[2].rpartition("/")[2] if "://" in name else name
