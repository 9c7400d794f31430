"""``fabloop order impact`` and ``replan``: plans in danger, and what becomes of them."""

import json
import shutil
from itertools import pairwise

import msgspec
import pytest
from typer.testing import CliRunner

from fabloop.app.asked import asked_in
from fabloop.app.demo import documents_of
from fabloop.base.codec import to_json
from fabloop.base.errors import Invalid
from fabloop.base.instant import HOUR, MINUTE, instant_of, iso_of
from fabloop.cli.order_commands import orders
from fabloop.model.plan import Plan
from fabloop.plan.producible import check

NOW = "2026-11-23T14:00:00+01:00"
REAM = "ream-stabilizer"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The wave gear's documents and a plan for them; it reams in Vienna."""
    folder = tmp_path_factory.mktemp("replan")
    shutil.copytree(documents_of("wavegear"), folder / "gear")
    asked = asked_in(folder / "gear")
    knowledge, order = asked.knowledge, asked.order
    network, words = knowledge.network, knowledge.vocabulary
    answer = check(order, network, words, asked.kpis, order.received_at, plans_max=1)
    plan = answer.plans[0]
    assert plan.step(REAM).work_unit == "vienna-emco"
    (folder / "plan.json").write_bytes(to_json(plan))
    return folder, plan


def asked_of(command, made, *words, at=NOW):
    folder = made[0]
    given = [command, str(folder / "gear"), str(folder / "plan.json"), "--at", at]
    done = CliRunner().invoke(orders, [*given, *map(str, words)])
    if isinstance(done.exception, Invalid):
        raise done.exception
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def told(command, made, *words, **more):
    done = asked_of(command, made, *words, "--json", **more)
    return done.exit_code, json.loads(done.stdout)


def written(made, name, content):
    file = made[0] / name
    file.write_text(json.dumps(content))
    return file


def values(*uppers):
    return {
        "document": "kpi-values",
        "version": "1",
        "@context": "urn:fabloop:context:1:kpi-values",
        "values": [
            {
                "work_unit": "vienna-emco",
                "kpi": "total-position-error",
                "value": upper,
                "measured_at": f"2026-11-{23 - len(uppers) + 1 + day:02}T06:00:00+01:00",
                "valid_for": "36 h",
                "source": "test bench",
            }
            for day, upper in enumerate(uppers)
        ],
    }


def test_a_broken_machine_is_avoided_and_every_change_is_told_with_its_reason(made):
    out, report = made[0] / "new.json", made[0] / "report"
    done = asked_of("replan", made, "--broken", "vienna-emco", "--out", out, "--report", report)
    assert done.exit_code == 0, done.output
    assert "EMCO MAXXMILL 500 Vienna is broken" in done.output
    assert "2 operations moved (2 at least)" in done.output
    assert "in time" in done.output
    (new,) = msgspec.json.decode(out.read_bytes())["plans"]
    assert new["replaces"] == made[1].id
    page = (report / "report.html").read_text()
    assert "What changes of order wg-1" in page
    assert {each.name for each in report.iterdir()} == {
        "change-1.svg",
        "gantt-1-before.svg",
        "gantt-1-after.svg",
        "report.html",
    }
    again = CliRunner().invoke(
        orders, ["impact", str(made[0] / "gear"), str(out), "--at", NOW, "--broken", "vienna-emco"]
    )
    assert (again.exit_code, again.stdout) == (0, "None of 1 plan is in danger now.\n")


def test_the_past_stays_and_each_reason_belongs_to_its_step(made):
    code, reply = told("replan", made, "--broken", "vienna-emco")
    (order,) = reply["orders"]
    (plan,) = reply["plans"]
    new = msgspec.convert(plan, Plan)
    now = instant_of(NOW)
    begun = [each for each in made[1].steps if each.start < now]
    assert code == 0
    assert begun
    assert all(
        new.step(each.operation) == msgspec.structs.replace(each, frozen=True) for each in begun
    )
    because = {
        each["operation"]: [it["code"] for it in each["because"]] for each in order["changes"]
    }
    assert because[REAM] == ["unit-broken"]
    assert because["inspect-wave-gear"] == ["after-input"]
    assert all(because.values())
    assert {each["operation"] for each in order["changes"]} == {
        *order["comparison"]["retimed"],
        *(each["operation"] for each in order["comparison"]["moved"]),
    }


def test_a_machine_that_comes_back_is_waited_for_unless_the_order_gets_late(made):
    later = iso_of(instant_of(NOW) + 4 * HOUR)
    code, reply = told("replan", made, "--broken", "graz-nlx", "--until", later)
    (order,) = reply["orders"]
    assert (code, order["comparison"]["moved"], order["hurried"]) == (0, [], False)
    new = msgspec.convert(order["answer"]["plans"][0], Plan)
    assert new.step("mill-stabilizer").start >= instant_of(later), "what it had begun is lost"


def test_a_step_that_takes_longer_pushes_what_follows_and_may_miss_the_due_instant(made):
    ends = iso_of(instant_of(NOW) + 50 * HOUR)
    running = {"drill-stabilizer", "mill-stabilizer"} & {
        each.operation for each in made[1].steps if each.start < instant_of(NOW) < each.end
    }
    name = running.pop()
    done = [each.operation for each in made[1].steps if each.end <= instant_of(NOW)]
    progress = {"done": {key: {} for key in done}, "running": {name: {"end": ends}}}
    file = written(made, "progress.json", progress)
    code, reply = told("replan", made, "--progress", file)
    (order,) = reply["orders"]
    assert code == 0
    assert order["comparison"]["late_ns"] > 0
    assert {each["code"] for each in order["reasons"]} >= {"step-overran"}


def test_an_order_that_goes_first_takes_its_machines_and_the_other_one_gives_way(made):
    order = json.loads((made[0] / "gear" / "order.json").read_text())
    order |= {"id": "wg-2", "priority": 9, "received_at": NOW}
    file = written(made, "rush.json", order)
    code, reply = told("replan", made, "--fact", file)
    rush, first = reply["orders"]
    assert (code, rush["order"], first["order"]) == (0, "wg-2", "wg-1")
    assert {each["code"] for each in first["reasons"]} == {"unit-taken"}
    plans = [msgspec.convert(each, Plan) for each in reply["plans"]]
    taken = sorted(
        (each.work_unit, each.start, each.end)
        for plan in plans
        for each in plan.steps
        if each.end > each.start and not each.work_unit.endswith(("store", "receipt"))
    )
    for (unit, _, end), (other, start, _) in pairwise(taken):
        assert unit != other or end <= start


def test_a_kpi_that_grows_is_told_before_it_passes_the_limit(made):
    file = written(made, "values.json", values("11 µm", "12 µm", "13 µm", "14 µm", "14.9 µm"))
    done = asked_of("impact", made, "--fact", file)
    assert done.exit_code == 1
    assert "None of 1 plan is in danger now." in done.output
    assert "EMCO MAXXMILL 500 Vienna will pass the limit of Ream the stabilizer" in done.output
    worn = written(made, "worn.json", values("16 µm"))
    code, reply = told("impact", made, "--fact", worn)
    assert code == 1
    assert {each["subject"] for each in reply["plans"][0]["reasons"]} == {REAM}


def test_so_many_moves_and_no_more(made):
    code, reply = told("replan", made, "--broken", "vienna-emco", "--at-most-changes", 1)
    assert code == 1
    assert reply["plans"] == []
    (reason,) = reply["orders"][0]["answer"]["conflicts"][0]
    assert (reason["code"], reason["details"]["fewest"]) == ("too-many-changes", "2")
    code, reply = told("replan", made, "--broken", "vienna-emco", "--at-most-changes", 2)
    assert (code, len(reply["orders"][0]["comparison"]["moved"])) == (0, 2)


def test_nothing_is_written_where_an_order_is_left_without_a_plan(made):
    out = made[0] / "none.json"
    done = asked_of("replan", made, "--broken", "graz-nlx", "--out", out)
    assert done.exit_code == 1
    assert "Nothing was changed" in done.output
    assert not out.exists()


def test_without_a_danger_nothing_changes_and_an_order_may_be_asked_about_all_the_same(made):
    code, reply = told("replan", made)
    assert (code, reply["orders"]) == (0, [])
    assert msgspec.convert(reply["plans"][0], Plan) == made[1]
    code, reply = told("replan", made, "--order", "wg-1")
    assert (code, reply["orders"][0]["changes"]) == (0, [])


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--broken", "viena-emco"], "a known work unit, but found 'viena-emco'. Did you mean"),
        (["--absent", "graz-assembly-operator-1"], "--until beside it"),
        (["--until", NOW], "--until: Expected one of --broken"),
        (["--order", "wg-7"], "one of the orders wg-1"),
        (["--objective", "money"], "one of cost, makespan"),
        (["--stability-price", "5 USD"], "an amount in EUR"),
        (["--stability-price", "5 EUR", "--at-most-changes", "2"], "no --at-most-changes"),
        (["--stability-price", "5 EUR", "--objective", "co2"], "made for the cost"),
        (["--plan", "1", "--fact", "nothing.json"], "a file that can be read"),
        (["--out", "/"], "a file that can be written"),
    ],
)
def test_what_cannot_be_is_refused_by_name(made, words, text):
    with pytest.raises(Invalid) as refused:
        asked_of("replan", made, *words)
    assert text in str(refused.value)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([], "1 to 1000 reports"),
        ({"disturbance": "UnitBroken"}, "$: Expected a report"),
        ([{"disturbance": "MaterialLate", "material": "x", "available_at": NOW}], "known material"),
        ({"disturbance": "StepOverran", "order": "wg-1", "operation": REAM, "work_unit": "u",
          "planned_end": NOW, "ends_at": NOW}, "$.operation"),
        (values("1 parsec"), "$.values[0].value"),
        ({**values("16 µm"), "values": [{**values("16 µm")["values"][0],
          "measured_at": "2026-11-24T06:00:00Z"}]}, "values measured by"),
    ],
)  # fmt: skip
def test_a_fact_that_cannot_be_is_refused_by_its_place(made, content, text):
    file = written(made, "fact.json", content)
    with pytest.raises(Invalid) as refused:
        asked_of("impact", made, "--fact", file)
    assert text in str(refused.value)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"done": {"paint": {}}}, "$.done.paint: Expected an operation of plan"),
        ({"running": {REAM: {}}}, "whose inputs are done"),
        ({"done": {"supply-motor": {"end": "2026-11-24T00:00:00Z"}}}, "has not come yet"),
        ({"done": {"supply-motor": {"end": "noon"}}}, "a date and time with an offset"),
        ({"order": "wg-3"}, "one of the orders wg-1"),
        ({"finished": {}}, "how far an order is"),
    ],
)
def test_progress_that_cannot_have_been_is_refused_by_its_place(made, content, text):
    file = written(made, "progress.json", content)
    with pytest.raises(Invalid) as refused:
        asked_of("impact", made, "--progress", file)
    assert text in str(refused.value)


def test_a_later_delay_counts_from_when_it_is_told(made):
    """A running step that should have ended is expected to end now at the earliest."""
    step = made[1].step("mill-stabilizer")
    now = iso_of(step.end + 20 * MINUTE)
    done = [each.operation for each in made[1].steps if each.end <= step.start]
    progress = {"done": {key: {} for key in done}, "running": {"mill-stabilizer": {}}}
    code, reply = told("impact", made, "--progress", written(made, "p.json", progress), at=now)
    assert code == 1
    assert "mill-base" in {each["subject"] for each in reply["plans"][0]["reasons"]}
