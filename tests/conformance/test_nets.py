"""Published and cross-checked verdicts and state counts of BPMN drawings, where the data is."""

import json
import os
from pathlib import Path

import pytest

from fabloop.process.verify.drawn.read import read_drawing
from fabloop.process.verify.environment import CLOSED
from fabloop.process.verify.explore import Property
from fabloop.process.verify.report import verify_drawing
from fabloop.process.verify.verdict import Verdict

NETS = Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "nets"
CROSS_CHECKED = {
    "safeness": Property.SAFE,
    "option_to_complete_no_stuck_state": Property.DEADLOCK_FREE,
    "proper_completion": Property.PROPER_COMPLETION,
    "no_dead_activities": Property.NO_DEAD_ELEMENT,
}
"""What the published tools call our properties; all assume that nobody sends a message."""


def published():
    manifest = NETS / "manifest.json"
    return json.loads(manifest.read_text())["bpmn"] if manifest.exists() else []


CASES = [each for each in published() if (NETS / "bpmn" / each["file"]).exists()]

if not CASES:
    pytest.skip(f"no published drawings at {NETS} (set FABLOOP_DATA)", allow_module_level=True)


def verified(case, **options):
    drawing = read_drawing((NETS / "bpmn" / case["file"]).read_bytes())
    return verify_drawing(drawing, environment=CLOSED, **options)


def expected(case):
    """Return property to whether it holds, as far as anything was published."""
    wanted = {CROSS_CHECKED[name]: holds for name, holds in case.get("consensus", {}).items()}
    if "violations" in case:
        assert not case["violations"]
        wanted = dict.fromkeys(CROSS_CHECKED.values(), True)
    for name in case.get("expected_by_test_name") or ():
        wanted[Property(name.replace("_", " "))] = False
    return wanted


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["file"])
def test_a_drawing_has_the_published_verdicts_and_number_of_markings(case):
    full = verified(case, counted=True)
    assert full.exhaustive
    if "states_published" in case:
        assert full.markings == case["states_published"]
    for which, holds in expected(case).items():
        verdict = full.finding(which).verdict
        assert verdict is (Verdict.HOLDS if holds else Verdict.VIOLATED), which
    small = verified(case)
    assert [each.verdict for each in small.findings] == [each.verdict for each in full.findings]
