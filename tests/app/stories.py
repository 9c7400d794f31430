"""Plays the wave-gear story for tests: its documents with changes, in a folder of its own."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from fabloop.app.demo import Demo, OpenJournal, Settings, begin, documents_of
from fabloop.app.house import Listener
from fabloop.app.snapshot import OrderState
from fabloop.base.journal import MemoryJournal
from fabloop.model.facts import (
    AdaptationProposed,
    KnowledgeRead,
    OrderReceived,
    PlanAccepted,
    TestMeasured,
)
from fabloop.model.ids import OrderId, WorkUnitId

ORDER = OrderId("wg-1")
U630 = WorkUnitId("graz-u630")

Edit = Callable[[Any], None]


def documents(folder: Path, **edits: Edit) -> Path:
    """Copy the documents and let `edits` change them, by file name without ending."""
    shutil.copytree(documents_of("wavegear"), folder)
    for name, edit in edits.items():
        file = folder / f"{name.replace('_', '-')}.json"
        content = json.loads(file.read_text(encoding="utf-8"))
        edit(content)
        file.write_text(json.dumps(content), encoding="utf-8")
    return folder


def settings(seed: int = 1, papers: Path | None = None) -> Settings:
    return Settings(story="wavegear", seed=seed, documents=str(papers or documents_of("wavegear")))


def in_memory(_: Path) -> MemoryJournal:
    return MemoryJournal()


def begun(folder: Path, open_journal: OpenJournal = in_memory, papers: Path | None = None) -> Demo:
    """Return a house in which an order has just begun, on machines that are fit."""
    demo = begin(folder, settings(papers=papers), open_journal=open_journal)
    start = demo.scenario.simulation.begins_at
    demo.house.hears(KnowledgeRead(digest=demo.scenario.digest, seed=1), start)
    known = next(iter(demo.scenario.knowledge.kpis))
    value = msgspec.structs.replace(known, work_unit=U630, value=13e-6, upper=14e-6)
    demo.house.hears(TestMeasured(work_unit=U630, at=value.at, value=value), value.at)
    demo.house.hears(OrderReceived(order=demo.order), demo.order.received_at)
    plan = first_plan(demo.house.snapshot.orders[ORDER])
    accepted = PlanAccepted(order=ORDER, plan=plan, by="planner")
    demo.house.hears(accepted, demo.house.snapshot.now)
    return demo


def first_plan(state: OrderState):
    assert state.offered is not None
    return state.offered.plans[0]


def agree(proposal: AdaptationProposed) -> bool:
    return True


def decline(proposal: AdaptationProposed) -> bool:
    return False


def told(
    folder: Path,
    *,
    seed: int = 1,
    papers: Path | None = None,
    approve: Callable[[AdaptationProposed], bool] = agree,
    listener: Listener | None = None,
) -> Demo:
    """Play a story to its end and close it; what it knows stays."""
    demo = begin(folder, settings(seed, papers), told=listener)
    demo.play(first_plan, approve)
    demo.close()
    return demo


def facts(demo: Demo, *kinds: type):
    """Return the story's facts, or those of some kinds, in their order."""
    return [fact for _, fact in demo.house.history if not kinds or isinstance(fact, kinds)]


def the(demo: Demo, kind: type):
    """Return the only fact of a kind."""
    found = facts(demo, kind)
    assert len(found) == 1, f"{len(found)} of {kind.__name__}"
    return found[0]
