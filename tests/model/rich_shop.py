"""The small shop with everything that documents can say: calendars, tools, groups, routings."""

from model.small_shop import Documents, small_shop


def rich_shop() -> Documents:
    """Return the documents as JSON values by file name, free to be changed."""
    documents = small_shop()
    _vocabulary(documents["skills.json"], documents["equipment.json"])
    _site(documents["graz.json"])
    _product(documents["hinge.json"])
    documents["shipping.json"]["lanes"][0] |= {
        "departures": ["08:00", "16:30"], "cut_off": "45 min", "weekdays": ["monday", "friday"],
        "goods_max": 3,
    }  # fmt: skip
    documents["kpi.json"]["values"][0]["disclosure"] = "offers"
    documents["order.json"] |= {"quantity": 20}
    documents["order.json"]["choices"]["finish"] = ["oiled", "engraved"]
    return documents


def _vocabulary(vocabulary: Documents, equipment: Documents) -> None:
    vocabulary["skills"][3]["synonyms"] = ["carry"]
    vocabulary["skills"] += [
        {"id": "bath", "label": "Bath"},
        {"id": "ream-and-carry", "label": "Ream and carry", "parts": ["ream", "transport"]},
    ]
    equipment["equipment_types"].append(
        {"id": "fine-mill", "label": "Fine mill", "broader": "mill", "power": "11 kW",
         "offers": [{"skill": "carry", "disclosure": "none"}, {"skill": "bath"}]}
    )  # fmt: skip


def _site(site: Documents) -> None:
    site["shifts"][0]["weekdays"] = ["monday", "tuesday"]
    exceptions = [
        {"date": "2026-12-24", "open": [{"from": "06:00", "to": "11:00"}]},
        {"date": "2026-12-25", "reason": "Feast"},
    ]
    site["calendar"] = {"shifts": ["early", "night"], "exceptions": exceptions}
    site["tools"] = [
        {"id": "f7", "label": "F7", "kind": "fixture F7", "fits": ["mill-1"], "count": 2}
    ]
    site["stock"] = [
        {"material": "bar", "quantity": 9, "available_at": "2026-11-24T06:00:00+01:00"}
    ]
    site["upgrades"] = [
        {"change": "restore-kpi", "of": "tolerance", "work_unit": "mill-1", "cost": "450.00 EUR"},
        {"change": "open-longer", "cost_per_hour": "65.00 EUR/h"},
    ]
    site |= {"tenant": "mill-works", "disclosure": "offers"}
    site["tariff"]["bands"] = [
        {"from": "22:00", "to": "06:00", "weekdays": ["sunday"],
         "energy_price": "0.09 EUR/kWh", "co2_intensity": "60 g/kWh"}
    ]  # fmt: skip
    site["work_units"][0] |= {
        "setups": [{"before": "fine", "after": "coarse", "duration": "4 min"}],
        "batch_max": 6,
        "calendar": {"shifts": ["night"], "exceptions": [{"date": "2026-12-31"}]},
    }
    site["work_units"][1]["calendar"] = "always"


def _product(product: Documents) -> None:
    product["attributes"] = [
        {"name": "teeth", "label": "Teeth"},
        {"name": "bore", "label": "Bore", "unit": "mm", "formula": "8 + teeth / 6"},
    ]
    product["features"][0]["attributes"] = {"standard": {"teeth": 24}, "heavy": {"teeth": 36}}
    product["features"].append(
        {"id": "finish", "label": "Finish", "group": "or", "mandatory": False,
         "options": ["oiled", "engraved", "anodised"]}
    )  # fmt: skip
    product["rules"].append(
        {"kind": "requires", "when": {"feature": "finish", "option": "engraved"},
         "other": {"feature": "finish", "option": "oiled"}}
    )  # fmt: skip
    product["materials"][2]["supply"] = [
        {"supplier": "Pins Ltd", "lead": "3 d", "cost": "1.20 EUR", "co2": "0.4 kg"},
        {"supplier": "Bolts Ltd", "lead": "1 d", "cost": "1.90 EUR", "to": ["graz"]},
    ]
    product["materials"][3]["made_of"][0] = {"part": "leaf", "quantity": "= teeth / 12"}
    operations = product["operations"]
    operations[1] |= {
        "constraints": {"diameter": "= bore [mm]", "position-tolerance": "15 µm"},
        "duration": "= 2 + 0.5 * teeth [min/piece]", "cost": "= 0.25 * teeth [EUR]",
        "setup_family": "fine", "tools": ["fixture F7"], "batch_family": "bath",
    }  # fmt: skip
    other = {**operations[1], "id": "bore-leaf", "setup_family": "coarse", "duration": "9 min"}
    last = {**other, "id": "fine-leaf", "inputs": ["bore-leaf"],
            "when": 'list contains(finish, "oiled")'}  # fmt: skip
    operations[3]["inputs"] = ["ream-leaf", "fine-leaf", "supply-pin"]
    operations[3] |= {"per": "lot", "skill": "ream-and-carry"}
    operations[3]["constraints"] = {"ream.diameter": "8 mm"}
    operations += [other, last]
    product["alternatives"] = [
        {"id": "leaf", "label": "Leaf", "options": [
            {"id": "at-once", "label": "At once", "operations": ["ream-leaf"]},
            {"id": "in-two", "label": "In two", "operations": ["bore-leaf", "fine-leaf"]},
        ]}
    ]  # fmt: skip
