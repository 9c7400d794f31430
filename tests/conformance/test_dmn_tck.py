"""The DMN Technology Compatibility Kit, levels 2 and 3, scored folder by folder."""

import os
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from fabloop.base.errors import FabloopError
from fabloop.base.instant import Instant
from fabloop.feel.dmn import Model, Outcome, read_dmn_in_part
from fabloop.feel.temporal import date_of_text, date_time_of_text, duration_of_text, time_of_text

FLOORS = {"compliance-level-2": (1.0, 1.0), "compliance-level-3": (0.82, 1.0)}
"""Of all results, and of those of models without a fault. The kit has models with functions in
Java, which are refused; what else such a model holds is evaluated all the same."""

TOLERANCE = Decimal("1e-8")
NOON = Instant(1_800_000_000_000_000_000)
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
READERS = {
    "date": date_of_text,
    "time": time_of_text,
    "dateTime": date_time_of_text,
    "duration": duration_of_text,
    "string": str,
    "boolean": lambda text: text.strip() in ("true", "1"),
}


def folder_of(level: str) -> Path:
    root = Path(os.environ.get("FABLOOP_DATA", Path(__file__).parents[2] / "../shared/data"))
    folder = root / "dmn-tck" / level
    if not folder.is_dir():
        pytest.skip(f"public test data is not at {folder}; set FABLOOP_DATA")
    return folder


def local(element: Any) -> str:
    return etree.QName(element).localname


def below(element: Any, name: str) -> list[Any]:
    return [child for child in element if local(child) == name]


def value_of(element: Any) -> Any:
    """Return the value below an inputNode, expected, item or component element."""
    if element.get(NIL) == "true":
        return None
    for child in element:
        if local(child) == "value":
            return scalar_of(child)
        if local(child) == "list":
            return None if child.get(NIL) == "true" else [value_of(i) for i in below(child, "item")]
        if local(child) == "component":
            return {each.get("name"): value_of(each) for each in below(element, "component")}
    return None


def scalar_of(element: Any) -> Any:
    if element.get(NIL) == "true":
        return None
    text = element.text or ""
    kind = element.get(TYPE, "").rpartition(":")[2]
    if kind in READERS:
        return READERS[kind](text)
    if kind in ("decimal", "double", "integer", "int", "float", "long"):
        return Decimal(text)
    return Decimal(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text


def agree(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(agree(a, b) for a, b in zip(found, wanted, strict=True))
        )
    if isinstance(wanted, dict):
        return (
            isinstance(found, dict)
            and found.keys() == wanted.keys()
            and all(agree(found[key], wanted[key]) for key in wanted)
        )
    if isinstance(wanted, Decimal):
        if not isinstance(found, int | Decimal) or isinstance(found, bool):
            return False
        return abs(Decimal(found) - wanted) <= TOLERANCE * max(1, abs(wanted))
    return type(found) is type(wanted) and bool(found == wanted)


def asked(model: Model, case: Any, node: Any) -> Outcome:
    inputs = {each.get("name"): value_of(each) for each in below(case, "inputNode")}
    name, kind = node.get("name"), node.get("type") or case.get("type")
    service = case.get("invocableName")
    if kind == "decisionService" or (service and name not in model.decisions):
        return model.evaluate_service(service or name, inputs, now=NOON)
    return model.evaluate(name, inputs, now=NOON)


def misses_of(path: Path) -> tuple[int, list[str], bool]:
    """Return how many results are asked for, what came out differently, and if all was read."""
    root = etree.parse(path, etree.XMLParser(remove_comments=True)).getroot()
    files = {each.name: each.read_bytes() for each in path.parent.glob("*.dmn")}
    model = read_dmn_in_part(files[below(root, "modelName")[0].text], files)
    count, misses = 0, []
    for case in below(root, "testCase"):
        for node in below(case, "resultNode"):
            count += 1
            wanted = [each for each in node if local(each) == "expected"]
            expected = value_of(wanted[0]) if wanted else None
            try:
                outcome = asked(model, case, node)
                found, why = outcome.value, "; ".join(outcome.warnings[:3])
            except FabloopError as error:
                found, why = "refused", str(error)
            if not agree(found, expected):
                said = f"{found!r}, not {expected!r} ({why})"
                misses.append(f"{case.get('id')} {node.get('name')}: {said}")
    return count, misses, not model.faults


@pytest.mark.parametrize("level", FLOORS)
def test_the_models_of_the_kit_give_what_it_expects(level: str) -> None:
    totals: Counter[str] = Counter()
    missed: dict[str, list[str]] = {}
    whole: set[str] = set()
    for path in sorted(folder_of(level).glob("*/*-test-*.xml")):
        folder = path.parent.name
        count, misses, sound = misses_of(path)
        totals[folder] += count
        missed.setdefault(folder, []).extend(misses)
        whole |= {folder} if sound else set()
    table = "\n".join(
        f"{folder}: {totals[folder] - len(lines)} of {totals[folder]}"
        + "".join(f"\n  {line}" for line in lines)
        for folder, lines in missed.items()
    )
    floors = zip(FLOORS[level], (set(totals), whole), strict=True)
    for floor, folders in floors:
        count = sum(totals[each] for each in folders)
        rate = 1 - sum(len(missed[each]) for each in folders) / count
        assert rate >= floor, f"{rate:.2%} of {count} results agree\n{table}"
