"""The command line as a person or a script meets it: output, files, exit codes, errors."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fabloop.app.demo import documents_of
from fabloop.model.documents import SCHEMA_NAMES

FABLOOP = Path(sys.executable).with_name("fabloop")


def fabloop(*arguments, cwd):
    return subprocess.run(
        [str(FABLOOP), *map(str, arguments)],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_module_is_the_command(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "fabloop", "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == fabloop("--version", cwd=tmp_path).stdout


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """One story, played without a terminal, kept."""
    folder = tmp_path_factory.mktemp("played")
    done = fabloop(
        "demo", "wavegear", "--seed", 7, "--json", "all.json", "--keep", "data", "--out", "out",
        cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, done


def test_without_a_terminal_the_demo_answers_itself_and_ends_well(played):
    folder, done = played
    document = json.loads((folder / "all.json").read_text())
    assert document["summary"]["outcome"] == "finished"
    assert document["summary"]["plan_1"]["sites"] == ["graz"]
    assert document["summary"]["plan_2"]["shipments"] == 2
    assert document["summary"]["breaches"][0]["value"]["upper"] > 15e-6
    assert document["genealogy"]["record"]["order"] == "wg-1"
    assert document["recalls"]
    assert "answered automatically" in done.stdout


def test_the_demo_names_every_file_it_writes(played):
    folder, done = played
    written = sorted(each.name for each in (folder / "out").iterdir())
    assert {"plan-1.svg", "plan-2.svg", "change-1.svg", "report.html", "process-2.bpmn"} <= set(
        written
    )
    assert all(f"out/{name}" in done.stdout for name in written)


def test_the_report_needs_no_network(played):
    folder, _ = played
    page = (folder / "out" / "report.html").read_text()
    assert "<svg" in page
    for tag in ("<script", "<link", "src=", "@import", "url(http"):
        assert tag not in page


def test_a_finished_story_can_be_resumed_and_does_nothing_twice(played):
    folder, _ = played
    again = fabloop("demo", "--resume", "data", "--json", "-", "--out", "again", cwd=folder)
    assert again.returncode == 0
    first, second = json.loads((folder / "all.json").read_text()), json.loads(again.stdout)
    for each in (first, second):
        del each["volatile"]
    assert first == second


def test_json_on_standard_output_is_nothing_but_json(played):
    folder, _ = played
    again = fabloop("demo", "--resume", "data", "--json", "-", "--out", "pure", cwd=folder)
    json.loads(again.stdout)
    assert "Resumed" in again.stderr


def test_another_seed_gives_another_story_with_the_same_turn(tmp_path, played):
    folder, _ = played
    done = fabloop("demo", "--seed", 8, "--json", "-", "--out", tmp_path / "o", cwd=tmp_path)
    other, first = json.loads(done.stdout), json.loads((folder / "all.json").read_text())
    assert other["facts"] != first["facts"]
    assert other["summary"]["plan_2"]["shipments"] == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("demo", "wavegeer"), "Did you mean 'wavegear'?"),
        (("demo", "--resume", "nowhere"), "Begin one with"),
        (("demo", "--resume", "x", "--keep", "y"), "--keep"),
        (("demo", "--choose", "ratio"), "FEATURE=OPTION"),
        (("demo", "--choose", "ratoi=80"), "Did you mean 'ratio'?"),
        (("demo", "--choose", "ratio=81"), "Known are: 100, 50, 80"),
        (("demo", "--realtime", "nan"), "a finite factor above 0"),
        (("demo", "--documents", "nowhere"), "a folder with documents"),
        (("schema", "sight"), "Did you mean 'site'?"),
        (("check", "nowhere"), "a folder with documents"),
    ],
)
def test_a_wrong_input_is_told_with_its_remedy_and_ends_with_2(tmp_path, arguments, says):
    done = fabloop(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_choices_that_do_not_fit_end_with_2_and_their_reason(tmp_path):
    done = fabloop("demo", "--choose", "load=heavy", "--choose", "ratio=50", cwd=tmp_path)
    assert done.returncode == 2
    assert "ratio=50" in done.stdout


def test_a_folder_in_use_is_not_overwritten(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me")
    done = fabloop("demo", "--keep", "mine", cwd=tmp_path)
    assert done.returncode == 2
    assert "--resume" in done.stderr
    assert [each.name for each in (tmp_path / "mine").iterdir()] == ["notes.txt"]


@pytest.fixture
def documents(tmp_path):
    return Path(shutil.copytree(documents_of("wavegear"), tmp_path / "documents"))


def test_check_finds_no_plan_while_the_machine_is_unmeasured_and_finds_another(tmp_path, documents):
    done = fabloop("check", documents, "--json", cwd=tmp_path)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["type"]) == (0, "producible")
    assert answer["plans"][0]["totals"]["shipments"] == 2
    excluded = [each for each in answer["exclusions"] if each["work_unit"] == "graz-u630"]
    assert "kpi-missing" in {reason["code"] for each in excluded for reason in each["reasons"]}


def test_check_tells_every_fault_of_every_document(tmp_path, documents):
    for name, old, new in (
        ("site-graz.json", '"energy_price": "0.19 EUR/kWh"', '"energy_price": "3 kg"'),
        ("equipment.json", '"skill": "ream"', '"skill": "reem"'),
    ):
        path = documents / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    done = fabloop("check", documents, cwd=tmp_path)
    assert done.returncode == 2
    assert "site-graz.json $.tariff.energy_price" in done.stderr
    assert "Did you mean 'ream'" in done.stderr
    assert "faults; nothing was changed" in done.stderr


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_every_schema_and_context_is_printed_as_json(tmp_path, name):
    if name != SCHEMA_NAMES[0]:  # one through the shell is enough: the rest is the same command
        from fabloop.model.documents import context_of, schema_of

        assert schema_of(name)["$schema"].endswith("2020-12/schema")
        assert "@context" in context_of(name)
        return
    schema = json.loads(fabloop("schema", name, cwd=tmp_path).stdout)
    assert schema["$schema"].endswith("2020-12/schema")
    context = json.loads(fabloop("schema", name, "--context", cwd=tmp_path).stdout)
    assert "@context" in context


def test_what_the_demo_wrote_verifies_again(tmp_path, played):
    folder, _ = played
    for name in ("process-2.bpmn", "recipe-1.json"):
        done = fabloop("process", "verify", folder / "out" / name, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        verdicts = {each["verdict"] for each in json.loads(done.stdout)["findings"]}
        assert verdicts == {"holds"}


SEED_RECIPE = {
    "PriorityId": 1,
    "Plant": "AssemblyShop",
    "Steps": [
        {
            "BpmnType": "servicetask",
            "FlowId": 1,
            "ProductionStep": "TankInstallation",
            "PreviousStepId": "start",
            "NextStepId": "2",
            "Services": {"Service1": "Transport", "Service2": "Welding"},
        },
        {
            "BpmnType": "servicetask",
            "FlowId": 2,
            "ProductionStep": "SeatInstallation",
            "PreviousStepId": "1",
            "NextStepId": "end",
            "Services": {"Service1": "Transport", "Service2": "Welding", "Service3": "Welding"},
        },
    ],
}


def test_a_recipe_from_elsewhere_verifies_and_a_broken_one_is_told(tmp_path):
    (tmp_path / "recipe.json").write_text(json.dumps(SEED_RECIPE))
    assert fabloop("process", "verify", "recipe.json", cwd=tmp_path).returncode == 0
    SEED_RECIPE["Steps"][0]["NextStepId"] = "7"
    (tmp_path / "recipe.json").write_text(json.dumps(SEED_RECIPE))
    done = fabloop("process", "verify", "recipe.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "recipe.json" in done.stderr


def test_a_net_that_can_block_is_refuted_with_the_way_there(tmp_path):
    from fabloop.process.cpn.net import Net, any_plain

    net = Net("n")
    first, second = (
        net.place("first", any_plain, initial=["a", "b"]),
        net.place("second", any_plain),
    )
    net.transition("both", take={first: "o"}, put={second: "o"})
    net.final("second == 3")
    from fabloop.base.codec import to_json

    (tmp_path / "net.json").write_bytes(to_json(net.document()))
    done = fabloop("process", "verify", "net.json", cwd=tmp_path)
    assert done.returncode == 1
    assert "violated" in done.stdout
    assert "after: both" in done.stdout


def test_a_net_in_pnml_verifies_and_a_foreign_element_is_told_with_its_line(tmp_path):
    from fabloop.process.cpn.net import Net
    from fabloop.process.cpn.pnml_write import write_pnml

    net = Net("n")
    first, second = net.place("first", initial=[()]), net.place("second")
    net.transition("move", take={first: "()"}, put={second: "()"})
    net.final("second == 1")
    written = write_pnml(net.document())
    (tmp_path / "net.pnml").write_bytes(written)
    done = fabloop("process", "verify", "net.pnml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "net 'n': sound" in done.stdout
    (tmp_path / "net.pnml").write_bytes(written.replace(b"<transition", b"<gate/><transition"))
    done = fabloop("process", "verify", "net.pnml", cwd=tmp_path)
    assert done.returncode == 2
    assert "line 21: Expected a part of a net, but found <gate>" in done.stderr


def test_a_net_of_cpn_tools_is_counted_and_its_refusals_name_page_and_line(tmp_path):
    from process.cpn.cpn_files import COLOURS, cpn, page, place, put, take, transition

    sheet = page("P", place("a", "INT", "1`1 ++ 1`2"), place("z", "INT"), transition("t"),
                 take("a", "t", "n"), put("z", "t", "n + 1"))  # fmt: skip
    data = cpn(COLOURS, sheet)
    (tmp_path / "net.cpn").write_bytes(data)
    done = fabloop("process", "verify", "net.cpn", "--json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert (report["markings"], report["arcs"], report["dead_markings"]) == (4, 4, 1)
    assert (report["exhaustive"], report["bounds"]) == (True, {"a": 2, "z": 2})
    (tmp_path / "net.cpn").write_bytes(data.replace(b"n + 1", b"n + f n"))
    done = fabloop("process", "verify", "net.cpn", cwd=tmp_path)
    assert done.returncode == 2
    assert "page 'P', arc between 'z' and 't', line 3" in done.stderr


def test_help_and_version_are_there(tmp_path):
    shown = fabloop("--help", cwd=tmp_path)
    assert shown.returncode == 0
    assert {"demo", "check", "schema", "process"} <= set(shown.stdout.split())
    assert fabloop("--version", cwd=tmp_path).stdout.startswith("fabloop 0.")
