"""The pages that build a factory and a product up, snippet by snippet, are right at every step."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fabloop.model.documents import check, resolve, resolve_order
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Producible
from fabloop.model.product import Configured
from fabloop.plan import producible
from fabloop.plan.configure import configure

HOWTO = Path(__file__).parents[2] / "docs" / "howto"
PAGES = ("describe-your-factory.md", "describe-your-product.md")
_STEP = re.compile(
    r"(?P<prose>[^\n]+(?:\n[^\n]+)*)\n\n```json\n(?P<json>.*?)```(?:\n\n```text\n(?P<told>.*?)```)?",
    re.DOTALL,
)

Step = tuple[str, Any, str | None]


def steps(page: str) -> list[Step]:
    """Return the snippets: the file each belongs to, its content, and the fault it shows if any."""
    found: list[Step] = []
    for each in _STEP.finditer((HOWTO / page).read_text("utf-8")):
        names = re.findall(r"`([a-z]+\.json)`", each["prose"])
        assert names, each["prose"]
        found.append((names[-1], json.loads(each["json"]), each["told"]))
    assert len(found) == (HOWTO / page).read_text("utf-8").count("```json")
    return found


def merged(old: Any, new: Any) -> Any:
    """Lay a snippet over what stands there: objects by property, lists of entries by their id."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}
    by_id = [isinstance(e, dict) and "id" in e for e in new] if isinstance(new, list) else []
    if isinstance(old, list) and by_id and all(by_id):
        laid = {each["id"]: each for each in new}
        kept = [merged(each, laid.pop(each["id"], each)) for each in old]
        return [*kept, *laid.values()]
    return new


def files(documents: dict[str, Any]) -> dict[str, bytes]:
    return {name: json.dumps(each).encode() for name, each in documents.items()}


def built(*pages: str) -> list[tuple[dict[str, Any], str | None]]:
    """Return the documents after each snippet, and the fault that it shows; that one is undone."""
    documents: dict[str, Any] = {}
    found = []
    for page in pages:
        for name, content, told in steps(page):
            after = {**documents, name: merged(documents.get(name), content)}
            found.append((after, told))
            if told is None:
                documents = after
    return found


NEEDED = {"skills.json", "machines.json", "graz.json"}
STAGES = built(*PAGES)
WHOLE = [each for each in STAGES if set(each[0]) >= NEEDED]


def ready(documents: dict[str, Any]) -> bool:
    """Tell whether a snippet stands by itself: some name what only the next one defines."""
    operations = documents.get("bracket.json", {}).get("operations", [])
    made = {each["output"] for each in operations}
    return made <= {each["id"] for each in documents.get("bracket.json", {}).get("materials", [])}


@pytest.mark.parametrize("index", range(len(WHOLE)))
def test_every_snippet_is_right_or_shows_the_fault_that_is_told(index):
    documents, told = WHOLE[index]
    faults = [each.sentence() for each in check(files(documents)) if ready(documents)]
    assert faults == ([] if told is None else told.splitlines())


def test_the_order_can_be_produced_at_the_end_and_both_ways_are_there():
    documents = next(after for after, told in reversed(STAGES) if told is None)
    knowledge = resolve(files(documents))
    request = resolve_order("order.json", files(documents)["order.json"], knowledge.families)
    configured = configure(
        knowledge.families["bracket"], {**request.choices, "finish": ("anodised",)}
    )
    assert isinstance(configured, Configured)
    assert [each.id for each in configured.product.alternatives] == ["bores"]
    order = ProductionOrder(
        id=request.id,
        product=configured.product,
        received_at=request.received_at,
        due_at=request.due_at,
        quantity=request.quantity,
    )
    kpis = {(each.work_unit, each.kpi): each for each in knowledge.kpis}
    answer = producible.check(
        order, knowledge.network, knowledge.vocabulary, kpis, order.received_at
    )
    assert isinstance(answer, Producible)
