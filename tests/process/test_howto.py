"""The snippets of the how-to on modelling: every one of them is deployed as it stands there."""

import re
from pathlib import Path

import pytest

from fabloop.process.commands import Deploy, ProcessDeployed, StartInstance
from process.driver import Plant

PAGE = Path(__file__).parents[2] / "docs/howto/model-your-process.md"
HEAD = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:fabloop="urn:fabloop:bpmn:1">"""


def snippets() -> list[str]:
    return re.findall(r"```xml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def deployed(plant: Plant, snippet: str) -> str:
    reply = plant.does(Deploy(process=f"{HEAD}{snippet}</definitions>".encode()))
    assert isinstance(reply, ProcessDeployed)
    return reply.key.id


@pytest.mark.parametrize(
    "snippet", snippets(), ids=lambda each: each.partition('process id="')[2][:9]
)
def test_a_snippet_deploys_and_an_instance_of_it_begins(snippet):
    plant = Plant()
    deployed(plant, snippets()[0])  # which another one calls
    name = deployed(plant, snippet)
    assert name in snippet
    instance = plant.does(StartInstance(process=name, variables=GIVEN)).instance
    assert plant.engine.incidents() == ()
    assert plant.at_nodes(instance)


GIVEN = {
    "seam_mm": 120, "order": {"lot": "7", "grade": "A"}, "wants_lid": True, "lot": "7",
    "thick": False, "parts": [1, 2], "line": "L1",
}  # fmt: skip
"""Variables for all of the snippets."""


def test_the_first_snippet_runs_to_its_end():
    plant = Plant()
    name = deployed(plant, snippets()[0])
    instance = plant.does(StartInstance(process=name, variables=GIVEN)).instance
    assert plant.job("weld").headers == {"tool": "gun-2"}
    plant.completes("weld")
    plant.completes("check", {"good": True})
    assert plant.result(instance) == {**GIVEN, "passes": 3, "good": True}
