"""What the verification has no mapping for is named, and never counts as proven."""

from typing import get_args

import msgspec

from fabloop.process.bpmn.compile import compile_process
from fabloop.process.definition import Action
from fabloop.process.verify import elements
from fabloop.process.verify.elements import KNOWN, MAPPINGS, not_verified
from fabloop.process.verify.report import verify
from fabloop.process.verify.verdict import Verdict
from process.driver import flows, job, process


class Dream(msgspec.Struct, frozen=True):
    """An action that nothing maps."""


def definition(action=None, **fields):
    made = compile_process(process(job("a"), links=flows("start a end")), {}, 1)
    number = made.number_of["a"]
    node = made.nodes[number]
    node = msgspec.structs.replace(node, action=action or node.action, **fields)
    nodes = (*made.nodes[:number], node, *made.nodes[number + 1 :])
    return msgspec.structs.replace(made, nodes=nodes)


def test_an_action_without_a_mapping_is_named():
    report = verify(definition(Dream()))
    assert {each.verdict for each in report.findings} == {Verdict.UNKNOWN}
    assert {each.reason for each in report.findings} == {"not verified: element 'a' (Dream)"}
    assert not report.released
    assert report.markings == 0


def test_a_field_that_a_mapping_does_not_know_is_named(monkeypatch):
    monkeypatch.setitem(MAPPINGS, Dream, next(iter(MAPPINGS.values())))
    monkeypatch.setitem(KNOWN, elements.Node, KNOWN[elements.Node] - {"catches"})
    assert not_verified(definition()) == []
    assert not_verified(definition(catches={"E": 1})) == ["element 'a' (catches)"]


def test_every_action_and_all_that_it_says_is_known():
    for action in get_args(Action):
        fields = {field.name for field in msgspec.structs.fields(action)}
        assert action in MAPPINGS, f"{action.__name__} has no mapping in process/verify/elements.py"
        assert fields == MAPPINGS[action].knows, action.__name__
