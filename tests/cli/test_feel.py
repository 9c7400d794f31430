"""FEEL from the command line: one expression, and a file of cases."""

import json
import subprocess
import sys
from pathlib import Path

FABLOOP = Path(sys.executable).with_name("fabloop")
CASES = [
    {"expr": "x + 1", "ctx": {"x": {"t": "decimal", "v": "2"}},
     "expected": {"t": "decimal", "v": "3"}, "rtype": "number", "suite": "s"},
    {"expr": "1 +", "ctx": {}, "expected": None, "err": True, "rtype": None},
    {"expr": "[d]", "ctx": {"d": {"t": "date", "v": "2026-11-22"}},
     "expected": {"t": "list", "v": [{"t": "date", "v": "2026-11-22"}]}},
]  # fmt: skip


def fabloop(*arguments):
    command = [str(FABLOOP), "feel", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_an_expression_is_evaluated_in_its_context():
    done = fabloop("eval", "amount * 2", "--context", '{"amount": 60.5}', "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"expression": "amount * 2", "value": 121, "warnings": []}


def test_null_ends_with_1_and_its_reason_and_a_wrong_expression_with_2():
    done = fabloop("eval", "1 / 0")
    assert done.returncode == 1
    assert "divisor is zero" in done.stdout
    done = fabloop("eval", "1 +")
    assert done.returncode == 2
    assert "Expected" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_of_cases_is_scored(tmp_path):
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(CASES))
    done = fabloop("run", file, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"total": 3, "passed": 3, "failed": 0, "failures": []}


def test_what_differs_is_named_with_what_was_expected(tmp_path):
    wrong = [
        {**CASES[0], "expected": {"t": "decimal", "v": "4"}},
        {"expr": "1", "expected": {"t": "colour", "v": "red"}},
    ]
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(wrong))
    done = fabloop("run", file, "--json")
    assert done.returncode == 1
    score = json.loads(done.stdout)
    assert (score["total"], score["passed"], score["failed"]) == (2, 0, 2)
    assert score["failures"][0]["found"] == "Decimal('3')"
    assert "colour" in score["failures"][1]["found"]


def test_a_file_that_holds_no_cases_is_bad_input(tmp_path):
    file = tmp_path / "cases.json"
    file.write_text('{"expr": 1}')
    done = fabloop("run", file)
    assert done.returncode == 2
    assert str(file) in done.stderr
    assert fabloop("run", tmp_path / "none.json").returncode == 2
