"""Reading public formats: what they mean, and what is said of files that do not keep to them."""

import contextlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.plan.shop.answer import Effort, Outcome
from fabloop.plan.shop.formats import lines
from fabloop.plan.shop.formats.read import read_shop
from fabloop.plan.shop.model import DEPTH_MAX, TASKS_MAX, Arc, Choice, Mode, Use
from fabloop.plan.shop.solve import solve
from fabloop.plan.shop.sound import validated

DATA = Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "planning"
FJS = "2 3 1.5\n2 1 1 4 2 2 3 3 1\n1 2 1 2 3 7\n"
FJSPLIB = {
    "format": "fajsp",
    "operations": [
        {"operation": 0, "option": 0, "machine": 1, "duration": 4},
        {"operation": 1, "option": 0, "machine": 0, "duration": 2},
        {"operation": 1, "option": 1, "machine": 1, "duration": 3},
        {"operation": 2, "option": 0, "machine": 0, "duration": 5},
    ],
    "precedences": [{"before": 0, "after": 1, "job": 0}],
}
IPPS = """1 2 7
out
0 1 4
1 (2,3)
2 5
3 5
4 6
5 6
in
5 (2,3)
info
0 start
1 1 1 2
2 2 1 4 2 9
3 1 2 3
4 supernode
5 1 1 1
6 end
"""


def faults(text, name):
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(Invalid) as refused:
        read_shop(data, name)
    return str(refused.value)


def test_classic_text_gives_jobs_steps_and_machines():
    shop = read_shop(FJS.encode(), "a.fjs")
    assert [task.name for task in shop.tasks] == ["1.1", "1.2", "2.1"]
    assert shop.tasks[1].modes == (
        Mode(ticks=3, uses=(Use(1),)),
        Mode(ticks=1, uses=(Use(2),)),
    )
    assert shop.arcs == (Arc(before=0, after=1),)
    assert len(shop.resources) == 3
    assert solve(shop).values == (6,)


def test_fjsplib_joins_operations_by_precedence_into_jobs():
    shop = read_shop(json.dumps(FJSPLIB).encode(), "a.json")
    assert [task.job for task in shop.tasks] == [0, 0, 1]
    assert [len(task.modes) for task in shop.tasks] == [1, 2, 1]
    answer = solve(shop)
    assert (answer.outcome, answer.values) == (Outcome.PROVEN, (7,))


def test_process_plans_have_options_and_one_part_per_job():
    shop = read_shop(IPPS.encode(), "a.ipps")
    assert shop.choices == (Choice(),)
    assert [task.option for task in shop.tasks] == [None, 0, 1, None, None]
    assert shop.tasks[3].modes == (Mode(ticks=0),)
    assert shop.jobs[0].serial
    answer = solve(shop)
    assert (answer.outcome, answer.values) == (Outcome.PROVEN, (6,))
    assert answer.schedule.taken == (False, True)


def test_alternatives_lie_one_inside_the_other():
    inner = IPPS.replace("1 2 7", "1 2 9").replace("3 5\n4", "3 (7,8)\n7 5\n8 5\n4")
    inner = inner.replace("6 end", "6 end\n7 1 1 5\n8 1 2 4")
    shop = read_shop(inner.encode(), "a.ipps")
    assert shop.choices == (Choice(), Choice(within=1))
    assert solve(shop).values == (7,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: Expected the numbers of jobs and machines"),
        ("two 3", "line 1, word 1: Expected number of jobs from 1"),
        ("1 2\n1 1 3 5", "line 2, word 3: Expected machine from 1 to 2, but found 3"),
        ("1 2\n1 1 1 -5", "line 2, word 4: Expected duration from 0 to 1000000000, but found -5"),
        ("1 2\n1 1 1", "line 2: Expected duration from 0 to 1000000000, but found the end"),
        ("1 2\n1 1 1 4 9", "line 2, word 5: Expected the end of the line after 4 words"),
        ("1 2\n1 2 1 4 1 5", "Expected each machine once per operation, but found machine 1 twice"),
        ("1 2\n1 0", "line 2, word 2: Expected number of machines of an operation from 1 to 2"),
        ("2 2\n1 1 1 4", "line 2: Expected lines of 2 jobs, but found 1"),
        ("1 2\n1 1 1 4\n1 1 1 4", "line 3: Expected no more than 1 jobs"),
        (f"1 2\n{TASKS_MAX + 1}", f"from 0 to {TASKS_MAX}, but found {TASKS_MAX + 1}"),
        (
            f"2 2\n{TASKS_MAX} {'1 1 1 ' * TASKS_MAX}\n1 1 1 1",
            f"line 3, word 1: Expected at most {TASKS_MAX} operations of all jobs",
        ),
        (f"1 2\n1 1 1 {'9' * 5_000}", "line 2, word 4: Expected duration"),
        ("1 2\n1 1 1 1e9", "but found '1e9'"),
    ],
)
def test_classic_text_is_refused_by_line_and_value(text, said):
    assert said in faults(text, "a.fjs")


def fjsplib(**changed):
    return json.dumps({**FJSPLIB, **changed})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "Expected FJSPLib JSON"),
        ("{", "Expected FJSPLib JSON"),
        (fjsplib(format="jobshop"), "$.format: Expected 'fajsp', but found 'jobshop'"),
        (
            fjsplib(operations=[{"operation": 1, "option": 0, "machine": 0, "duration": 1}]),
            "$.operations[0].operation: Expected an operation from 0 to 0, in order, but found 1",
        ),
        (
            fjsplib(operations=FJSPLIB["operations"] * 2),
            "$.operations[4].option: Expected each option of an operation once, but found 0 twice",
        ),
        (
            fjsplib(operations=[{"operation": 0, "option": 0, "machine": -1, "duration": 1}]),
            "$.operations[0].machine: Expected a machine from 0",
        ),
        (fjsplib(precedences=[{"before": 0, "after": 9}]), "$.precedences[0]: Expected operations"),
        (
            fjsplib(precedences=[{"before": 0, "after": 1}, {"before": 1, "after": 0}]),
            "$.precedences[0]: Expected no cycle, but found 0 -> 1, 1 -> 0 in a circle",
        ),
        (
            fjsplib(precedences=[{"before": 0, "after": 1}, {"before": 1, "after": 1}]),
            "$.precedences[1]: Expected no cycle, but found 1 -> 1 in a circle",
        ),
        (
            json.dumps(FJSPLIB).replace('"machine": 0', '"machine": 1, "machine": 0', 1),
            "Expected each key of an object once, got 'machine' again",
        ),
        (json.dumps(FJSPLIB).replace("4", "-4"), "$.operations[0].duration: Expected a"),
        (
            fjsplib(operations=[{"operation": 0, "option": 0, "machine": 0, "duration": 1.5}]),
            "a.json $.operations[0].duration: Expected FJSPLib JSON",
        ),
        (fjsplib(operations=[]), "$.precedences[0]: Expected no operation: there is none"),
    ],
)
def test_fjsplib_is_refused_by_path_and_value(text, said):
    assert said in faults(text, "a.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (IPPS.replace("out\n", ""), "line 2: Expected one of the sections out, in, info"),
        (IPPS.replace("2 5\n", "2 6\n"), "line 10: Expected the last nodes of alternatives"),
        (IPPS.replace("2 5\n", "2 5 6\n"), "line 4: Expected alternatives with one common end"),
        (IPPS.replace("(2,3)", "(2,x)"), "Expected a node, or several in brackets"),
        (IPPS.replace("(2,3)", "((2,3))"), "Expected a node, or several in brackets"),
        (IPPS.replace("5 6\n", "5 1\n"), "out: Expected no cycle"),
        (IPPS.replace("2 2 1 4 2 9", "2 2 1 4 3 9"), "Expected machine from 1 to 2, but found 3"),
        (IPPS.replace("4 supernode\n", ""), "what each of 7 nodes is, but found nothing of node 4"),
        (IPPS.replace("6 end", "6 end\n6 end"), "line 19: Expected each node once"),
        (IPPS.replace("0 1 4", "0 1"), "each node behind exactly one start, but found node 4"),
        (IPPS.replace("0 1 4", "0 1 44"), "Expected node from 0 to 6, but found 44"),
    ],
)
def test_process_plans_are_refused_by_line_and_value(text, said):
    assert said in faults(text, "a.ipps")


def test_alternatives_too_deep_in_each_other_are_refused_by_line():
    last = 4 * DEPTH_MAX
    out = [f"{2 * at} ({2 * at + 1},{2 * at + 2})\n{2 * at + 1} {last}" for at in range(last // 2)]
    info = [f"{node} supernode" for node in range(1, last)]
    text = "\n".join([f"1 1 {last + 1}", "out", *out, "info", "0 start", *info, f"{last} end"])
    assert f"Expected alternatives at most {DEPTH_MAX} deep" in faults(text, "a.ipps")


def test_data_too_deep_in_each_other_is_refused():
    deep = '{"operations": [], "precedences": [], "more": ' + "[" * 100_000 + "]" * 100_000 + "}"
    assert "Expected FJSPLib JSON" in faults(deep, "a.json")


def test_other_files_are_refused_by_their_names_sizes_and_codes(monkeypatch):
    assert "Expected a file name with one of .fjs" in faults(FJS, "a.pdf")
    assert "byte 0: Expected text in UTF-8" in faults(b"\xff\xfe1 2", "a.fjs")
    monkeypatch.setattr(lines, "BYTES_MAX", 10)
    assert "Expected at most 10 bytes" in faults(FJS, "a.fjs")


@settings(max_examples=150, deadline=None)
@given(
    text=st.sampled_from([FJS, json.dumps(FJSPLIB), IPPS]),
    ending=st.sampled_from(["fjs", "json", "ipps"]),
    at=st.integers(0, 200),
    changed=st.text(alphabet='0123456789 -(),\n{}[]":x', max_size=4),
)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(text, ending, at, changed):
    damaged = text[:at] + changed + text[at + 1 :]
    with contextlib.suppress(Invalid):
        shop = read_shop(damaged.encode(), f"a.{ending}")
        assert validated(shop) is shop


@pytest.mark.skipif(not DATA.is_dir(), reason="no public instances: set FABLOOP_DATA")
@pytest.mark.parametrize(
    ("file", "best"), [("fjsp/mk03.json", 204), ("fjsp/mk08.json", 523), ("fjsp/yfjs05.json", None),
                       ("ipps_kim/problem01.ipps", 427), ("ipps_kim/problem05.ipps", 318)],
)  # fmt: skip
def test_public_instances_are_solved_to_the_known_optimum(file, best):
    path = DATA / file
    if best is None:
        manifest = json.loads((DATA / "fjsp/MANIFEST.json").read_text())["instances"]
        best = next(each["upper_bound"] for each in manifest if each["instance"] == path.stem)
    answer = solve(read_shop(path.read_bytes(), path.name), effort=Effort(seconds=20.0))
    assert (answer.outcome, answer.values[0]) == (Outcome.PROVEN, best)
