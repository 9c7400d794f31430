"""Test files of the DMN Technology Compatibility Kit: asked of their model and compared."""

from collections.abc import Mapping
from typing import Any

import msgspec

from fabloop.base.errors import FabloopError, Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.base.xml import Element, local_of, parse_xml
from fabloop.feel.dmn import Model, Outcome, read_dmn_in_part
from fabloop.feel.wanted import agree, scalar_of

NOW = Instant(1_800_000_000_000_000_000)
"""What ``now()`` gives in a test: any instant, but always the same."""

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_WARNINGS_MAX = 3


class Miss(msgspec.Struct, frozen=True, kw_only=True):
    """A result that differs from the expected one; `found` says why as far as it is known."""

    file: str
    case: str
    node: str
    found: str
    expected: str


class KitRun(msgspec.Struct, frozen=True, kw_only=True):
    """What one test file gave; `faults` are those of the model, which was read in part."""

    file: str
    total: int
    misses: tuple[Miss, ...]
    faults: tuple[str, ...] = ()


def run_test_file(file: str, data: bytes, models: Mapping[str, bytes]) -> KitRun:
    """Ask every result of a test file; `models` are the models beside it by file name.

    Raises
    ------
    Invalid
        The test file is none, or its model is not among `models` or cannot be read at all.
    """
    root = parse_xml(data, file)
    named = _below(root, "modelName")
    name = (named[0].text or "").strip() if named else ""
    if name not in models:
        raise Invalid(
            Fault(
                source=file,
                path="modelName",
                expected="a model in the folder of the test file",
                found=f"'{name}'",
            )
        )
    model = read_dmn_in_part(models[name], models)
    asked = [
        (case, node) for case in _below(root, "testCase") for node in _below(case, "resultNode")
    ]
    misses = [_miss(file, model, case, node) for case, node in asked]
    return KitRun(
        file=file,
        total=len(asked),
        misses=tuple(miss for miss in misses if miss is not None),
        faults=tuple(fault.sentence() for fault in model.faults),
    )


def _miss(file: str, model: Model, case: Element, node: Element) -> Miss | None:
    expected: Any = None
    try:
        wanted = _below(node, "expected")
        expected = _value(wanted[0]) if wanted else None
        outcome = _ask(model, case, node)
        if agree(outcome.value, expected):
            return None
        why = "; ".join(outcome.warnings[:_WARNINGS_MAX])
        found = f"{outcome.value!r} ({why})" if why else repr(outcome.value)
    except FabloopError as error:
        found = f"refused: {error}"
    except ValueError as error:
        found = f"the test cannot be read: {error}"
    return Miss(
        file=file,
        case=case.get("id", ""),
        node=node.get("name", ""),
        found=found,
        expected=repr(expected),
    )


def _ask(model: Model, case: Element, node: Element) -> Outcome:
    inputs = {each.get("name", ""): _value(each) for each in _below(case, "inputNode")}
    name, kind = node.get("name", ""), node.get("type") or case.get("type")
    service = case.get("invocableName")
    if kind == "decisionService" or (service and name not in model.decisions):
        return model.evaluate_service(service or name, inputs, now=NOW)
    return model.evaluate(name, inputs, now=NOW)


def _below(element: Element, name: str) -> list[Element]:
    return [child for child in element if local_of(child) == name]


def _value(element: Element) -> Any:
    """Return the value below an inputNode, expected, item or component element."""
    if element.get(f"{_XSI}nil") == "true":
        return None
    for child in element:
        match local_of(child):
            case "value":
                return _scalar(child)
            case "list":
                if child.get(f"{_XSI}nil") == "true":
                    return None
                return [_value(each) for each in _below(child, "item")]
            case "component":
                return {each.get("name"): _value(each) for each in _below(element, "component")}
            case _:
                pass
    return None


def _scalar(element: Element) -> object:
    if element.get(f"{_XSI}nil") == "true":
        return None
    kind = element.get(f"{_XSI}type", "").rpartition(":")[2]
    return scalar_of(kind, element.text or "")
