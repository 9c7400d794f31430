"""``fabloop plan`` for a folder with several orders."""

import json
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from app.pictures.reading import titles, words
from fabloop.app.demo import documents_of

FABLOOP = Path(sys.executable).with_name("fabloop")


def plan(*arguments, cwd):
    return subprocess.run(
        [str(FABLOOP), "plan", "orders", *map(str, arguments)],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture
def folder(tmp_path):
    """The wave gear's documents with a second order, due earlier."""
    shutil.copytree(documents_of("wavegear"), tmp_path / "orders")
    first = json.loads((tmp_path / "orders" / "order.json").read_text())
    second = {**first, "id": "wg-2", "due_at": "2026-11-24T04:00:00+01:00"}
    (tmp_path / "orders" / "order-2.json").write_text(json.dumps(second))
    return tmp_path


def test_both_orders_are_planned_and_use_no_machine_at_once(folder):
    done = plan("--json", "--effort", 1, cwd=folder)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {each["order"] for each in told["plans"]} == {"wg-1", "wg-2"}
    spans = {}
    for each in told["plans"]:
        for step in each["steps"]:
            spans.setdefault(step["work_unit"], []).append((step["start"], step["end"]))
    for row in spans.values():
        row.sort()
        assert all(one[1] <= two[0] for one, two in pairwise(row))


def test_the_table_the_picture_and_the_report_tell_when_each_order_is_ready(folder):
    done = plan("--out", "out", "--effort", 1, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "Orders, planned together" in done.stdout
    assert "All together: tardiness" in done.stdout
    drawn = (folder / "out" / "orders.svg").read_text()
    lettered = [each.split() for each in words(drawn) if each.endswith(("wg-1", "wg-2"))]
    assert [letter for letter, _ in lettered] == ["A", "B"]
    assert {order for _, order in lettered} == {"wg-1", "wg-2"}
    assert [each for each in titles(drawn) if each.startswith(f"A ({lettered[0][1]}): ")]
    page = (folder / "out" / "report.html").read_text()
    assert "Order wg-2: 1 × Wave gear" in page
    assert "Steps of wg-2/plan-1, times of Europe/Vienna" in page


def test_what_holds_for_one_order_only_is_refused_by_name(folder):
    done = plan("--front", "--budget", "10 EUR", cwd=folder)
    assert done.returncode == 2
    assert "--front" in done.stderr
    assert "--budget" in done.stderr
    assert plan("--objective", "co2", cwd=folder).returncode == 2


def test_choices_that_contradict_each_other_are_told_with_their_document(folder):
    path = folder / "orders" / "order-2.json"
    order = json.loads(path.read_text())
    order["choices"] = {**order["choices"], "ratio": "50", "load": "heavy"}
    path.write_text(json.dumps(order))
    done = plan(cwd=folder)
    assert done.returncode == 2
    assert "order-2.json" in done.stderr


def test_check_sends_several_orders_to_plan(folder):
    done = subprocess.run(
        [str(FABLOOP), "check", "orders"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 2
    assert "`fabloop plan` plans several orders of a folder together." in done.stderr


def test_stock_that_one_order_takes_is_not_there_for_the_other(folder):
    document = folder / "orders" / "product-wave-gear.json"
    product = json.loads(document.read_text())
    bearing = next(each for each in product["materials"] if each["id"] == "ball-bearing-1")
    bearing["supply"] = [{"supplier": "bearings & co", "lead": "1 h", "cost": "7.50 EUR"}]
    document.write_text(json.dumps(product))
    for file in (folder / "orders").glob("site-*.json"):
        site = json.loads(file.read_text())
        site["stock"] = [{"material": "ball-bearing-1", "quantity": 1}]
        file.write_text(json.dumps(site))
    done = plan("--json", "--effort", 1, "--objective", "cost", cwd=folder)
    assert done.returncode == 0, done.stderr
    plans = {each["order"]: each for each in json.loads(done.stdout)["plans"]}
    told = {
        key: [(step["site"], part["supplier"]) for step in each["steps"] for part in step["parts"]]
        for key, each in plans.items()
    }
    ((first, supplier),) = told["wg-2"]
    assert supplier == ""
    assert told["wg-1"] == [(first, "bearings & co")] or told["wg-1"][0][0] != first
