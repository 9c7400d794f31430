"""Published verdicts and state counts of BPMN models, where the test data is at hand."""

import json
import os
from pathlib import Path

import pytest
from lxml import etree

from fabloop.base.errors import Invalid
from fabloop.process.bpmn.compile import compile_process
from fabloop.process.bpmn.read import read_bpmn
from fabloop.process.verify.explore import Property
from fabloop.process.verify.report import verify
from fabloop.process.verify.verdict import Verdict

NETS = Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "nets"
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
ZEEBE = "http://camunda.org/schema/zeebe/1.0"


def published():
    manifest = NETS / "manifest.json"
    return json.loads(manifest.read_text())["bpmn"] if manifest.exists() else []


COUNTED = [each for each in published() if each.get("states_published", 0)]
JUDGED = [each for each in published() if each.get("expected_by_test_name")]

if not COUNTED:
    pytest.skip(f"no published nets at {NETS} (set FABLOOP_DATA)", allow_module_level=True)


def executable(path):
    """Return a published drawing completed to what can be carried out: every task has a type."""
    root = etree.fromstring(path.read_bytes())
    for process in root.iter(f"{BPMN}process"):
        process.set("isExecutable", "true")
    for task in [*root.iter(f"{BPMN}task"), *root.iter(f"{BPMN}serviceTask")]:
        task.tag = f"{BPMN}serviceTask"
        extension = etree.Element(f"{BPMN}extensionElements")
        etree.SubElement(extension, f"{{{ZEEBE}}}taskDefinition", type="work")
        task.insert(0, extension)
    process, lines = read_bpmn(etree.tostring(root))
    return compile_process(process, {}, 1, lines)


@pytest.mark.parametrize("case", COUNTED, ids=lambda case: case["file"])
def test_parallel_branches_have_the_published_number_of_markings(case):
    definition = executable(NETS / "bpmn" / case["file"])
    full = verify(definition, reduced=False)
    assert full.markings == case["states_published"]
    assert full.released == (not case["violations"])
    small = verify(definition)
    assert small.released == full.released
    assert small.markings <= 3


@pytest.mark.parametrize("case", JUDGED, ids=lambda case: case["file"])
def test_a_model_fails_as_its_author_says(case):
    try:
        definition = executable(NETS / "bpmn" / case["file"])
    except Invalid as invalid:
        pytest.skip(f"uses what is not carried out: {invalid.faults[0].sentence()}")
    for reduced in (False, True):
        report = verify(definition, reduced=reduced)
        for name in case["expected_by_test_name"]:
            which = Property(name.replace("_", " "))
            assert report.finding(which).verdict is Verdict.VIOLATED
