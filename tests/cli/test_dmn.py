"""Asking decision models from the command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FABLOOP = Path(sys.executable).with_name("fabloop")
SPACE = "https://www.omg.org/spec/DMN/20230324/MODEL/"
MODEL = f"""<definitions xmlns="{SPACE}" name="m" namespace="urn:m">
<import name="base" namespace="urn:base" importType="{SPACE}"/>
<inputData id="since" name="since"><variable name="since" typeRef="date"/></inputData>
<decision id="due" name="due"><variable name="due"/>
<informationRequirement><requiredInput href="#since"/></informationRequirement>
<informationRequirement><requiredDecision href="urn:base#days"/></informationRequirement>
<literalExpression><text>since + base.days</text></literalExpression></decision>
</definitions>"""
BASE = f"""<definitions xmlns="{SPACE}" name="base" namespace="urn:base">
<decision id="days" name="days"><variable name="days"/>
<literalExpression><text>duration("P3D")</text></literalExpression></decision></definitions>"""


@pytest.fixture
def fabloop(tmp_path):
    (tmp_path / "m.dmn").write_text(MODEL)
    (tmp_path / "base.dmn").write_text(BASE)
    (tmp_path / "given.json").write_text('{"since": "2026-11-21"}')

    def ask(*arguments):
        command = [str(FABLOOP), "dmn", "run", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )

    return ask


def test_a_decision_is_asked_with_inputs_from_a_file_and_imports_beside_it(fabloop):
    done = fabloop("m.dmn", "--decision", "due", "--input", "@given.json", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"decision": "due", "value": "2026-11-24", "warnings": []}


def test_null_ends_with_1_and_its_reason(fabloop):
    done = fabloop("m.dmn", "--decision", "due")
    assert done.returncode == 1
    assert "due = null" in done.stdout
    assert "input 'since': Expected a value, but none was given." in done.stdout


def test_without_a_decision_the_names_are_listed_and_a_wrong_one_is_bad_input(fabloop):
    assert "decisions: due, base.days\ninputs: since" in fabloop("m.dmn").stdout
    for wrong in (("--decision", "do"), ("--decision", "due", "--input", "[1]")):
        done = fabloop("m.dmn", *wrong)
        assert done.returncode == 2
        assert done.stderr.startswith(("Expected", "--input"))
