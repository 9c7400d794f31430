"""``fabloop plan``: objectives, wishes, fronts, pictures, and what is said when nothing fits."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fabloop.app.demo import documents_of

FABLOOP = Path(sys.executable).with_name("fabloop")
FOLDER = documents_of("wavegear")


def plan(*arguments, cwd):
    return subprocess.run(
        [str(FABLOOP), "plan", str(FOLDER), *map(str, arguments)],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def planned(*arguments, cwd):
    done = plan(*arguments, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def totals(told):
    return told["answer"]["plans"][0]["totals"]


def test_the_table_tells_plans_what_decides_the_finish_and_who_was_left_out(tmp_path):
    done = plan(cwd=tmp_path)
    assert done.returncode == 0
    assert "wg-1/plan-1" in done.stdout
    assert "What decides the finish of wg-1/plan-1: " in done.stdout
    assert "→ Inspect the wave gear." in done.stdout
    assert not list(tmp_path.iterdir())


def test_a_plan_tells_which_price_of_energy_counts_when(tmp_path):
    folder = tmp_path / "banded"
    shutil.copytree(FOLDER, folder)
    for file in folder.glob("*.json"):
        document = json.loads(file.read_text())
        if "tariff" in document:
            document["tariff"]["bands"] = [
                {
                    "from": "22:00",
                    "to": "06:00",
                    "energy_price": "0.11 EUR/kWh",
                    "co2_intensity": "70 g/kWh",
                }
            ]
            file.write_text(json.dumps(document))
    command = [str(FABLOOP), "plan", str(folder), "--plans", "1", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Energy by time of day in wg-1/plan-1" in done.stdout
    assert "0.11 EUR/kWh" in done.stdout
    assert "70 g/kWh" in done.stdout
    assert "leave out" not in done.stderr
    assert "Energy by time of day" in (tmp_path / "out" / "report.html").read_text()


def test_a_plan_tells_who_delivers_which_parts_at_what_cost(tmp_path):
    folder = tmp_path / "supplied"
    shutil.copytree(FOLDER, folder)
    file = folder / "product-wave-gear.json"
    document = json.loads(file.read_text())
    bought = [each for each in document["materials"] if each.get("third_party")]
    for each in bought:
        each["supply"] = [{"supplier": "steelworks", "lead": "1 h", "cost": "7.50 EUR"}]
    assert bought
    file.write_text(json.dumps(document))
    command = [str(FABLOOP), "plan", str(folder), "--plans", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Parts of wg-1/plan-1" in done.stdout
    assert "steelworks" in done.stdout
    assert "7.50 EUR" in done.stdout
    assert "leave out" not in done.stderr


def test_a_second_objective_chooses_among_the_best_of_the_first(tmp_path):
    fast = totals(planned("--objective", "makespan", "--plans", 1, cwd=tmp_path))
    both = totals(
        planned("--objective", "makespan", "--objective", "cost", "--plans", 1, cwd=tmp_path)
    )
    cheap = totals(planned("--plans", 1, cwd=tmp_path))
    assert both["makespan_ns"] == fast["makespan_ns"] < cheap["makespan_ns"]
    assert cheap["cost_minor"] < both["cost_minor"] <= fast["cost_minor"]


def test_a_wish_that_cannot_be_met_is_named_with_what_giving_it_up_costs(tmp_path):
    done = plan("--budget", "10 EUR", cwd=tmp_path)
    assert done.returncode == 1
    assert "EUR" in done.stdout
    told = json.loads(plan("--budget", "10 EUR", "--json", cwd=tmp_path).stdout)
    assert told["answer"]["type"] == "not-producible"
    assert told["answer"]["conflicts"]


def test_a_forbidden_site_takes_no_part(tmp_path):
    told = planned("--forbid", "vienna", "--plans", 2, cwd=tmp_path)
    assert all("vienna" not in each["totals"]["sites"] for each in told["answer"]["plans"])


def test_a_report_and_a_picture_of_everything_are_written(tmp_path):
    done = plan("--plans", 2, "--out", "plans", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written = {each.name for each in (tmp_path / "plans").iterdir()}
    assert {"report.html", "pareto.svg", "plan-1.svg", "gantt-2.svg", "shipments-1.svg"} <= written
    page = (tmp_path / "plans" / "report.html").read_text()
    assert "before the due instant" in page
    assert page.count("<figure>") == 7


def test_no_plan_of_a_front_is_beaten_by_another(tmp_path):
    told = planned("--front", cwd=tmp_path)
    points = [
        [
            each["plan"]["totals"][name]
            for name in ("cost_minor", "makespan_ns", "energy_j", "co2_kg")
        ]
        for each in told["answer"]["points"]
    ]
    assert len(points) > 2
    for one in points:
        for other in points:
            assert one is other or any(a < b for a, b in zip(one, other, strict=True))


def test_why_not_tells_all_reasons_or_what_the_choice_would_take_more(tmp_path):
    done = plan("--why", "ream-stabilizer=graz-u630", cwd=tmp_path)
    assert done.returncode == 1
    assert "was never measured" in " ".join(done.stdout.split())
    done = plan("--why", "ream-stabilizer=linz-mill", cwd=tmp_path)
    assert done.returncode == 0
    assert "Possible, but it would take +" in done.stdout
    assert "Where the difference comes from" in done.stdout
    told = planned("--why", "ream-stabilizer=linz-mill", cwd=tmp_path)
    assert (
        sum(each["more"]["cost_minor"] for each in told["differences"])
        == (told["more"]["cost_minor"])
    )
    assert plan("--why", "vienna", cwd=tmp_path).returncode == 1
    assert "chosen already" in plan("--why", "ream-stabilizer=vienna-emco", cwd=tmp_path).stdout


def test_why_not_heeds_the_wishes_beside_it(tmp_path):
    choice = ("--why", "ream-stabilizer=linz-mill")
    told = planned(*choice, "--objective", "makespan", cwd=tmp_path)
    fast = totals(planned("--objective", "makespan", "--plans", 1, cwd=tmp_path))
    assert told["objective"] == "makespan"
    assert told["best"]["makespan_ns"] == fast["makespan_ns"]
    assert told["pinned"]["makespan_ns"] >= fast["makespan_ns"]
    dear = planned(*choice, cwd=tmp_path)["pinned"]["cost_minor"]
    budget = f"{(dear - 100) / 100:.2f} EUR"
    done = plan(*choice, "--budget", budget, cwd=tmp_path)
    assert done.returncode == 1
    assert f"a budget of {budget}" in done.stdout
    done = plan(*choice, "--budget", "10 EUR", cwd=tmp_path)
    assert done.returncode == 1
    assert "no plan under these wishes at all" in done.stdout
    done = plan("--why", "vienna", "--max-sites", 2, cwd=tmp_path)
    assert done.returncode == 1
    assert "press-fit" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--objective", "costs"), "one of cost, makespan"),
        (("--weight", "cost"), "NAME=NUMBER"),
        (("--weight", "cost=-1"), "of zero or more"),
        (("--objective", "cost", "--weight", "co2=1"), "no --objective beside it"),
        (("--budget", "10 CHF"), "an amount in EUR"),
        (("--budget", "cheap"), "--budget"),
        (("--max-co2", "10 kWh"), "--max-co2"),
        (("--forbid", "viena"), "vienna"),
        (("--pin", "ream"), "OPERATION=WORK-UNIT"),
        (("--pin", "raem=emco"), "an operation of the product"),
        (("--deadline", "soon"), "a date and time"),
        (("--deadline", "2026-11-24T10:00"), "Write it as 2026-11-24T10:00:00+01:00"),
        (
            ("--deadline", "2020-01-01T00:00:00Z"),
            "an instant after the order is received, 2026-11-23 12:30 +01:00",
        ),
        (("--max-co2", "-3 kg"), "--max-co2: Expected zero or more"),
        (("--weight", "cost=0"), "--weight: Expected at least one weight above zero"),
        (("--why", "wien"), "the id of a site"),
        (("--why", "vienna", "--front"), "none of --front, --plans, --steps and --out beside it"),
        (("--why", "vienna", "--why", "graz"), "one site, or operations"),
        (("--why", "ream-stabilizer=u630"), "the id of a work unit"),
    ],
)
def test_what_cannot_be_understood_is_named_with_the_option(arguments, told, tmp_path):
    done = plan(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (("--front", "--plans", "2"), "none of --objective, --weight and --plans"),
        (("--front", "--objective", "co2"), "but found '--objective'"),
        (("--weight", "cost=-1"), "of zero or more, but found 'cost=-1'"),
        (("--weight", "cost=nan"), "of zero or more, but found 'cost=nan'"),
        (("--weight", "cost=1e308"), "or from 1e-06 to 1e+06, but found 'cost=1e308'"),
        (("--weight", "cost=1", "--weight", "cost=2"), "each measure once"),
    ],
)
def test_what_would_be_silently_left_out_is_refused(tmp_path, typed, words):
    done = plan(*typed, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr


def test_no_table_of_those_left_out_is_shown_where_nobody_is(tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    vocabulary = {"document": "skill-vocabulary", "skills": [{"id": "supply", "label": "Supply"}]}
    offers = [{"skill": "supply"}]
    types = [{"id": "store", "label": "Store", "power": "0 W", "offers": offers}]
    unit = {"id": "s1", "label": "S1", "equipment_type": "store", "area": "hall"}
    site = {
        "document": "site",
        "id": "graz",
        "label": "Graz",
        "time_zone": "Europe/Vienna",
        "gate": "hall",
        "areas": [{"id": "hall", "label": "Hall"}],
        "work_units": [{**unit, "cost_per_hour": "8.00 EUR/h"}],
        "tariff": {"energy_price": "0.2 EUR/kWh", "co2_intensity": "1 g/kWh", "labour": "1 EUR/h"},
    }
    work = {"id": "hand-out", "label": "Hand out", "skill": "supply", "output": "bar"}
    product = {
        "document": "product",
        "id": "bar",
        "label": "Bar",
        "materials": [{"id": "bar", "label": "Bar"}],
        "operations": [{**work, "duration": "1 min", "energy": "0 J", "cost": "1 EUR"}],
    }
    order = {
        "document": "order",
        "id": "o-1",
        "product": "bar",
        "quantity": 1,
        "received_at": "2026-11-23T07:00:00Z",
        "due_at": "2026-11-27T12:00:00Z",
    }
    types_document = {"document": "equipment-types", "equipment_types": types}
    for number, each in enumerate((vocabulary, types_document, site, product, order)):
        head = {"version": "1", "@context": f"urn:fabloop:context:1:{each['document']}"}
        (folder / f"{number}.json").write_text(json.dumps({**head, **each}))
    for command in ("plan", "check"):
        done = subprocess.run(
            [str(FABLOOP), command, str(folder)], capture_output=True, text=True, check=True
        )
        assert "o-1/plan-1" in done.stdout
        assert "Left out" not in done.stdout
