"""The 43 control-flow patterns: every example in ``examples/patterns`` plays as its table says."""

import json
from pathlib import Path

import pytest

from fabloop.base.codec import from_json
from fabloop.base.instant import SECOND
from fabloop.process import commands
from fabloop.process.bpmn.read import read_bpmn
from fabloop.process.commands import (
    CompleteJob,
    Deploy,
    InstanceCreated,
    PublishMessage,
    StartInstance,
)
from fabloop.process.cpn.document import NetDocument
from process.driver import Plant

FOLDER = Path(__file__).parents[2] / "examples/patterns"
PATTERNS = json.loads((FOLDER / "patterns.json").read_text())
PATTERNS_MAX = 43


def nets_of(file: str) -> tuple[NetDocument, ...]:
    path = FOLDER / file.replace(".bpmn", ".nets.json")
    return from_json(path.read_bytes(), tuple[NetDocument, ...]) if path.is_file() else ()


class Play:
    """Carries out the steps of one example."""

    def __init__(self, file: str) -> None:
        self.plant = Plant()
        self.instance = 0
        process, _ = read_bpmn((FOLDER / file).read_bytes())
        self.process = process.id
        self.plant.does(Deploy(process=process, nets=nets_of(file)))

    def start(self, variables: dict, **_: object) -> None:
        reply = self.plant.does(StartInstance(process=self.process, variables=variables))
        assert isinstance(reply, InstanceCreated)
        self.instance = reply.instance

    def waiting(self, wanted: list[str], **_: object) -> None:
        assert sorted(each.transition or each.node for each in self.jobs()) == wanted

    def jobs(self) -> list:
        return sorted(self.plant.engine.jobs(), key=lambda each: each.key)

    def complete(self, name: str, **step: dict) -> None:
        job = next(each for each in self.jobs() if (each.transition or each.node) == name)
        self.plant.does(CompleteJob(job=job.key, variables=step.get("with", {})))

    def message(self, name: str, *, key: str, ttl: int = 0) -> None:
        self.plant.does(
            PublishMessage(name=name, correlation_key=key, time_to_live_ns=ttl * SECOND)
        )

    def signal(self, name: str) -> None:
        self.plant.does(commands.BroadcastSignal(name=name))

    def ended(self, state: str) -> None:
        assert self.plant.ended(self.instance).name.lower() == state
        assert self.plant.engine.instances() == ()


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda each: f"{each['number']}")
def test_a_pattern_plays_as_its_table_says(pattern):
    play = Play(pattern["file"])
    for step in pattern["play"]:
        [(name, value), *more] = step.items()
        if name == "pass":
            play.plant.passes(value)
            continue
        getattr(play, name)(value, **dict(more))


def test_every_pattern_has_its_example():
    assert [each["number"] for each in PATTERNS] == list(range(1, PATTERNS_MAX + 1))
    files = {each["file"] for each in PATTERNS}
    assert files == {path.name for path in FOLDER.glob("*.bpmn")}
    for each in PATTERNS:
        assert each["how"]
        assert ("CPN" in each["verdict"]) == bool(nets_of(each["file"])), each["file"]
