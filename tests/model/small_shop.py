"""A small, valid set of documents that tests change: one site, one product of four operations."""

import json
from copy import deepcopy
from typing import Any

Documents = dict[str, Any]

_HEAD = {
    kind: {"document": kind, "version": "1", "@context": f"urn:fabloop:context:1:{kind}"}
    for kind in (
        "skill-vocabulary",
        "equipment-types",
        "site",
        "shipping",
        "product",
        "kpi-values",
        "order",
    )
}

_SMALL: Documents = {
    "skills.json": {
        **_HEAD["skill-vocabulary"],
        "skills": [
            {
                "id": "supply",
                "label": "Supply",
                "parameters": [{"name": "item", "label": "Item", "rule": "among"}],
            },
            {
                "id": "bore",
                "label": "Bore",
                "parameters": [
                    {
                        "name": "diameter",
                        "label": "Diameter",
                        "rule": "within",
                        "dimension": "length",
                    }
                ],
            },
            {
                "id": "ream",
                "label": "Ream",
                "broader": "bore",
                "parameters": [
                    {
                        "name": "position-tolerance",
                        "label": "Position tolerance",
                        "rule": "at most",
                        "dimension": "length",
                    }
                ],
            },
            {"id": "transport", "label": "Transport"},
            {"id": "fit", "label": "Fit together"},
        ],
        "kpis": [
            {"id": "total-position-error", "label": "TPE", "dimension": "length"},
            {"id": "spindle-temperature", "label": "Heat", "dimension": "temperature"},
        ],
    },
    "equipment.json": {
        **_HEAD["equipment-types"],
        "equipment_types": [
            {
                "id": "mill",
                "label": "Mill",
                "power": "9 kW",
                "setup": "10 min",
                "offers": [
                    {
                        "skill": "ream",
                        "values": {
                            "diameter": {"kind": "span", "from": "3 mm", "to": "32 mm"},
                            "position-tolerance": {
                                "kind": "live",
                                "kpi": "total-position-error",
                                "vendor": "8 µm",
                            },
                        },
                    },
                    {"skill": "fit"},
                ],
            },
            {
                "id": "store",
                "label": "Store",
                "power": "0 W",
                "offers": [
                    {"skill": "supply", "values": {"item": ["bar", "pin"]}},
                    {"skill": "transport"},
                ],
            },
        ],
    },
    "graz.json": {
        **_HEAD["site"],
        "id": "graz",
        "label": "Graz",
        "time_zone": "Europe/Vienna",
        "gate": "hall",
        "areas": [{"id": "hall", "label": "Hall"}],
        "work_units": [
            {
                "id": "mill-1",
                "label": "Mill 1",
                "equipment_type": "mill",
                "area": "hall",
                "cost_per_hour": "58.00 EUR/h",
                "monitors": ["total-position-error"],
            },
            {
                "id": "store-1",
                "label": "Store 1",
                "equipment_type": "store",
                "area": "hall",
                "cost_per_hour": "12.00 EUR/h",
            },
        ],
        "transport": [
            {
                "origin": "hall",
                "destination": "hall",
                "by": "store-1",
                "duration": "3 min",
                "cost": "0.60 EUR",
                "energy": "0.03 kWh",
            }
        ],
        "shifts": [
            {"id": "early", "label": "Early", "from": "06:00", "to": "14:00"},
            {"id": "night", "label": "Night", "from": "22:00", "to": "06:00"},
        ],
        "persons": [{"id": "graz-1", "label": "Operator 1", "skills": ["fit"], "shift": "early"}],
        "tariff": {
            "energy_price": "0.18 EUR/kWh",
            "co2_intensity": "120 g/kWh",
            "labour": "42.00 EUR/h",
        },
    },
    "vienna.json": {
        **_HEAD["site"],
        "id": "vienna",
        "label": "Vienna",
        "time_zone": "Europe/Vienna",
        "gate": "yard",
        "areas": [{"id": "yard", "label": "Yard"}],
        "work_units": [],
        "tariff": {
            "energy_price": "0.20 EUR/kWh",
            "co2_intensity": "90 g/kWh",
            "labour": "45.00 EUR/h",
        },
    },
    "shipping.json": {
        **_HEAD["shipping"],
        "lanes": [
            {
                "id": "graz-vienna",
                "carrier": "Carrier 1",
                "origin": "graz",
                "destination": "vienna",
                "duration": "2.5 h",
                "cost": "45.00 EUR",
                "energy": "140 kWh",
                "co2": "37 kg",
            }
        ],
    },
    "hinge.json": {
        **_HEAD["product"],
        "id": "hinge",
        "label": "Hinge",
        "features": [
            {
                "id": "load",
                "label": "Load",
                "options": ["standard", "heavy"],
                "default": "standard",
            },
            {"id": "pin", "label": "Pin", "options": ["steel", "brass"], "mandatory": False},
        ],
        "rules": [
            {
                "kind": "excludes",
                "when": {"feature": "load", "option": "heavy"},
                "other": {"feature": "pin", "option": "brass"},
                "reason": "Brass is too soft.",
            }
        ],
        "materials": [
            {"id": "bar", "label": "Bar"},
            {"id": "leaf", "label": "Leaf", "made_of": ["bar"]},
            {"id": "pin", "label": "Pin", "third_party": True, "when": "pin != null"},
            {"id": "hinge", "label": "Hinge", "made_of": ["leaf", "pin"]},
        ],
        "operations": [
            {
                "id": "supply-bar",
                "label": "Supply bar",
                "skill": "supply",
                "constraints": {"item": "bar"},
                "output": "bar",
                "duration": "5 min",
                "energy": "0 J",
                "cost": "10.00 EUR",
            },
            {
                "id": "ream-leaf",
                "label": "Ream leaf",
                "skill": "ream",
                "constraints": {
                    "diameter": {"by": "load", "of": {"standard": "12 mm", "heavy": "16 mm"}},
                    "position-tolerance": "15 µm",
                },
                "inputs": ["supply-bar"],
                "output": "leaf",
                "duration": {"by": "load", "of": {"standard": "12 min", "heavy": "20 min"}},
                "energy": "0.8 kWh",
                "cost": "4.50 EUR",
            },
            {
                "id": "supply-pin",
                "label": "Supply pin",
                "skill": "supply",
                "constraints": {"item": "pin"},
                "output": "pin",
                "duration": "5 min",
                "energy": "0 J",
                "cost": "1.50 EUR",
            },
            {
                "id": "fit-hinge",
                "label": "Fit hinge",
                "skill": "fit",
                "inputs": ["ream-leaf", "supply-pin"],
                "output": "hinge",
                "duration": "8 min",
                "energy": "0.1 kWh",
                "cost": "0.50 EUR",
                "person_skill": "fit",
            },
        ],
    },
    "kpi.json": {
        **_HEAD["kpi-values"],
        "values": [
            {
                "work_unit": "mill-1",
                "kpi": "total-position-error",
                "value": "9.0 µm",
                "upper": "9.6 µm",
                "measured_at": "2026-11-23T06:00:00+01:00",
                "valid_for": "36 h",
                "source": "test program 3",
            }
        ],
    },
    "order.json": {
        **_HEAD["order"],
        "id": "o-1",
        "product": "hinge",
        "choices": {"load": "heavy"},
        "received_at": "2026-11-23T12:30:00+01:00",
        "due_at": "2026-11-25T00:30:00+01:00",
    },
}


def small_shop() -> Documents:
    """Return the documents as JSON values by file name, free to be changed."""
    return deepcopy(_SMALL)


def written(documents: Documents) -> dict[str, bytes]:
    """Return the documents as files."""
    return {name: json.dumps(each).encode() for name, each in documents.items()}


def put(documents: Documents, place: str, value: Any) -> Documents:
    """Change one place, written ``file/key/0/key``; a value of `REMOVE` takes it away."""
    file, *steps = place.split("/")
    target: Any = documents[file]
    for step in steps[:-1]:
        target = target[int(step)] if isinstance(target, list) else target[step]
    last = steps[-1]
    if value is REMOVE:
        del target[int(last) if isinstance(target, list) else last]
    elif value is TWICE:
        target.append(deepcopy(target[int(last)]))
    elif isinstance(target, list):
        target[int(last)] = value
    else:
        target[last] = value
    return documents


REMOVE = object()
TWICE = object()
"""Append a copy of the list entry at the place."""
