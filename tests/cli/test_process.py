"""The commands of ``fabloop process`` on a store, as a person or a script meets them."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fabloop.app.processes import models
from fabloop.cli import main
from process.test_decide import discount

FABLOOP = Path(sys.executable).with_name("fabloop")

SHOP = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
  <process id="shop" name="Shop" isExecutable="true">
    <startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="weld"/>
    <serviceTask id="weld"><extensionElements>
      <zeebe:taskDefinition type="weld"/></extensionElements></serviceTask>
    <sequenceFlow id="b" sourceRef="weld" targetRef="sign"/><userTask id="sign"/>
    <sequenceFlow id="c" sourceRef="sign" targetRef="end"/><endEvent id="end"/>
  </process></definitions>"""

MESSAGES = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
  <message id="m" name="arrived"><extensionElements>
    <zeebe:subscription correlationKey="=lot"/></extensionElements></message>
  <process id="yard" isExecutable="true">
    <startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="wait"/>
    <intermediateCatchEvent id="wait"><messageEventDefinition messageRef="m"/>
    </intermediateCatchEvent>
    <sequenceFlow id="c" sourceRef="wait" targetRef="end"/><endEvent id="end"/>
  </process></definitions>"""

TWICE = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">
  <process id="stuck" isExecutable="true">
    <startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="gate"/>
    <exclusiveGateway id="gate" default="b"/>
    <sequenceFlow id="b" sourceRef="gate" targetRef="join"/>
    <sequenceFlow id="c" sourceRef="gate" targetRef="join">
      <conditionExpression>=x</conditionExpression></sequenceFlow>
    <parallelGateway id="join"/>
    <sequenceFlow id="d" sourceRef="join" targetRef="end"/><endEvent id="end"/>
  </process></definitions>"""

WORKER = """
from fabloop import worker

@worker("weld")
def weld(seam_mm=1):
    return {"welded": seam_mm}
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command in this process, the way its script does."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments, code=0):
        monkeypatch.setattr("sys.argv", ["fabloop", "process", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert (ended.value.code or 0) == code, f"{ended.value.code}: {said.out}{said.err}"
        assert "Traceback" not in said.err
        return json.loads(said.out) if "--json" in arguments else said.out + said.err

    return command


@pytest.fixture
def shop(tmp_path, run):
    """A store with the shop deployed, and two instances."""
    (tmp_path / "shop.bpmn").write_text(SHOP)
    run("deploy", "shop.bpmn")
    variables = '{"seam_mm": 3}'
    return [
        run("start", "shop", "--variables", variables, "--business-key", key, "--json")["instance"]
        for key in ("one", "two")
    ]


# -- deploy -------------------------------------------------------------------------------------


def test_a_dry_run_tells_by_element_and_line_and_needs_no_store(tmp_path, run):
    (tmp_path / "shop.bpmn").write_text(SHOP)
    (tmp_path / "bad.bpmn").write_text(SHOP.replace('targetRef="end"', 'targetRef="nowhere"'))
    (tmp_path / "broken.bpmn").write_text("<definitions")
    (tmp_path / "empty.bpmn").write_text("")
    (tmp_path / "binary.bpmn").write_bytes(bytes(range(256)))
    (tmp_path / "other.xml").write_text("<html/>")
    report = run("deploy", ".", "--dry-run", "--json", code=1)["files"]
    found = {each["file"]: each for each in report}
    assert sorted(found) == ["bad.bpmn", "binary.bpmn", "broken.bpmn", "empty.bpmn", "shop.bpmn"]
    assert found["shop.bpmn"]["ok"] is True
    assert found["shop.bpmn"]["definitions"] == ["shop"]
    assert found["shop.bpmn"]["refusals"] == []
    bad = found["bad.bpmn"]
    assert bad["ok"] is False
    assert any(each["element"] == "c" and each["line"] == 8 for each in bad["refusals"])
    for name in ("broken.bpmn", "empty.bpmn", "binary.bpmn"):
        assert found[name]["ok"] is False
        assert found[name]["refusals"][0]["reason"]
    assert not (tmp_path / "fabloop-data").exists()


def test_what_is_good_is_deployed_beside_what_is_refused(tmp_path, run):
    (tmp_path / "shop.bpmn").write_text(SHOP)
    (tmp_path / "broken.bpmn").write_text("<definitions")
    said = run("deploy", "shop.bpmn", "broken.bpmn", "missing.bpmn", code=1)
    assert "shop.bpmn: deployed: shop version 1" in said
    assert "broken.bpmn: refused" in said
    assert "No such file" in said
    assert "1 of 3 files deployed" in said
    assert "shop" in run("list", "--definitions")


def test_decisions_are_deployed_alone_or_with_a_process(tmp_path, run):
    task = (
        '<bpmn:businessRuleTask id="r"><bpmn:extensionElements><zeebe:calledDecision '
        'decisionId="discount" resultVariable="off" bindingType="deployment"/>'
        "</bpmn:extensionElements></bpmn:businessRuleTask>"
    )
    (tmp_path / "ruled.bpmn").write_text(f"""<bpmn:definitions
        xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
        xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="x">
      <bpmn:process id="ruled" isExecutable="true">
        <bpmn:startEvent id="s"/>{task}<bpmn:receiveTask id="w" messageRef="m">
        </bpmn:receiveTask><bpmn:endEvent id="e"/>
        <bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="r"/>
        <bpmn:sequenceFlow id="f2" sourceRef="r" targetRef="w"/>
        <bpmn:sequenceFlow id="f3" sourceRef="w" targetRef="e"/>
      </bpmn:process>
      <bpmn:message id="m" name="go"><bpmn:extensionElements>
        <zeebe:subscription correlationKey="=pieces"/></bpmn:extensionElements></bpmn:message>
    </bpmn:definitions>""")
    (tmp_path / "discount.dmn").write_bytes(discount(5))
    said = run("deploy", "discount.dmn")
    assert "discount.dmn: deployed: discount version 1" in said
    assert "'discount'" in run("deploy", "ruled.bpmn", code=1)
    (report,) = run("deploy", "ruled.bpmn", "--dmn", "discount.dmn", "--json")["files"]
    assert report["versions"] == {"ruled": 1}
    variables = '{"pieces": 100}'
    found = run("start", "ruled", "--variables", variables, "--json")
    assert run("show", found["instance"], "--json")["variables"]["off"] == 5
    options = ("--dmn", "discount.dmn", "--variables", variables, "--message", "go=3s")
    kpis = run("simulate", "ruled.bpmn", *options, "--runs", 1, "--cases", 2, "--json")
    assert (kpis["finished"], kpis["throughput_s"]["max"]) == (2, 3)


def test_every_executable_process_of_a_file_is_deployed_or_refused(tmp_path, run):
    two = SHOP.replace(
        "</definitions>",
        """<process id="other" isExecutable="true">
      <startEvent id="other-start"/></process></definitions>""",
    )
    (tmp_path / "two.bpmn").write_text(two)
    (report,) = run("deploy", "two.bpmn", "--json")["files"]
    assert report["definitions"] == ["shop", "other"]
    assert report["versions"] == {"shop": 1, "other": 1}
    (tmp_path / "bad.bpmn").write_text(
        two.replace('targetRef="end"', 'targetRef="nowhere"').replace(
            '<startEvent id="other-start"/>', ""
        )
    )
    (report,) = run("deploy", "bad.bpmn", "--json", code=1)["files"]
    assert report["definitions"] == []
    assert {each["element"] for each in report["refusals"]} >= {"c", "other"}


def test_the_same_content_keeps_its_version_and_another_gets_the_next(tmp_path, run):
    (tmp_path / "shop.bpmn").write_text(SHOP)
    for expected in (1, 1, 2):
        if expected == 2:
            (tmp_path / "shop.bpmn").write_text(SHOP.replace('type="weld"', 'type="glue"'))
        (report,) = run("deploy", "shop.bpmn", "--json")["files"]
        assert report["versions"] == {"shop": expected}


def test_what_verification_refutes_is_a_warning_and_strictly_a_refusal(tmp_path, run):
    (tmp_path / "stuck.bpmn").write_text(TWICE)
    (report,) = run("deploy", "stuck.bpmn", "--json")["files"]
    assert report["ok"] is True
    assert report["verified"] is True
    assert report["warnings"][0]["process"] == "stuck"
    (strict,) = run("deploy", "stuck.bpmn", "--strict", "--dry-run", "--json", code=1)["files"]
    assert strict["ok"] is False
    assert "refutes" in strict["refusals"][0]["reason"]
    assert "Warning" in run("deploy", "stuck.bpmn")


def test_what_there_is_no_time_to_verify_is_deployed_all_the_same(tmp_path, run, monkeypatch):
    monkeypatch.setattr(models, "VERIFY_BUDGET_S", 0)
    (tmp_path / "stuck.bpmn").write_text(TWICE)
    (report,) = run("deploy", "stuck.bpmn", "--json")["files"]
    assert (report["ok"], report["verified"], report["warnings"]) == (True, False, [])


def test_a_folder_without_models_is_told(tmp_path, run):
    assert "a model file" in run("deploy", ".", "--dry-run", code=2)


@pytest.mark.parametrize(
    "content",
    [
        "<a>" * 50_000,
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><definitions>&b;</definitions>',
        SHOP.replace("<endEvent", "<subProcess id='s'>" * 90 + "</subProcess>" * 90 + "<endEvent"),
        SHOP.replace("BPMN", "CMMN"),
        SHOP.replace('id="weld"', 'id=""'),
        "\x00" * 1000,
    ],
)
def test_whatever_a_file_holds_there_is_an_answer(tmp_path, run, content):
    (tmp_path / "odd.bpmn").write_text(content)
    (report,) = run("deploy", "odd.bpmn", "--dry-run", "--json", code=1)["files"]
    assert report["ok"] is False
    assert report["refusals"]


# -- run ----------------------------------------------------------------------------------------


def test_an_instance_is_started_shown_worked_and_ended(run, shop):
    first, second = shop
    assert [each["key"] for each in run("list", "--json")["instances"]] == [first, second]
    (job, _) = run("jobs", "--type", "weld", "--json")["jobs"]
    assert (job["state"], job["instance"]) == ("ready", first)
    run("complete", job["key"], "--variables", '{"strength": 9}')
    said = run("show", first)
    assert "sign: act" in said
    assert "strength = 9" in said
    (job,) = run("jobs", "--instance", first, "--json")["jobs"]
    run("complete", job["key"])
    view = run("show", first, "--json")
    assert view["state"] == "completed"
    assert view["variables"] == {"seam_mm": 3, "strength": 9}
    assert "completed" in run("list", "--ended")
    assert [e["key"] for e in run("list", "--business-key", "two", "--json")["instances"]] == [
        second
    ]


def test_a_failed_job_becomes_an_incident_and_is_tried_again(run, shop):
    (job, _) = run("jobs", "--json")["jobs"]
    run("fail", job["key"], "--message", "worn")
    (incident,) = run("incidents", "--json")["incidents"]
    assert (incident["node"], incident["text"]) == ("weld", "worn")
    run("resolve", incident["key"], "--retries", 2)
    assert "No incident." in run("incidents")
    assert run("jobs", "--json")["jobs"][0]["retries"] == 2


def test_an_error_is_caught_by_its_event_and_a_job_belongs_to_who_was_named(run, shop):
    (job, other) = run("jobs", "--json")["jobs"]
    assert "is ann's" in run("assign", job["key"], "ann")
    assert run("jobs", "--json")["jobs"][0]["assignee"] == "ann"
    run("assign", job["key"], "")
    assert run("jobs", "--json")["jobs"][0]["assignee"] == ""
    run("throw", other["key"], "cold", "--message", "below 20 degC")
    (incident,) = run("incidents", "--json")["incidents"]
    assert "'cold'" in incident["text"]


def test_a_message_finds_who_waits_for_it(tmp_path, run):
    (tmp_path / "yard.bpmn").write_text(MESSAGES)
    run("deploy", "yard.bpmn")
    key = run("start", "yard", "--variables", '{"lot": "L7"}', "--json")["instance"]
    assert "nobody yet" in run("message", "arrived", "L8", "--ttl", "PT1H", "--id", "x")
    assert "sent before" in run("message", "arrived", "L8", "--ttl", "PT1H", "--id", "x")
    assert f"Taken by: {key}." in run("message", "arrived", "L7")


SIGNALS = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">
  <signal id="s" name="alarm"/>
  <process id="yard" isExecutable="true">
    <startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="wait"/>
    <intermediateCatchEvent id="wait"><signalEventDefinition signalRef="s"/>
    </intermediateCatchEvent>
    <sequenceFlow id="c" sourceRef="wait" targetRef="hot"/>
    <intermediateCatchEvent id="hot"><conditionalEventDefinition>
      <condition>=kpi.temperature &gt; 80</condition></conditionalEventDefinition>
    </intermediateCatchEvent>
    <sequenceFlow id="d" sourceRef="hot" targetRef="end"/><endEvent id="end"/>
  </process></definitions>"""


def test_signals_and_kpis_reach_who_waits_for_them(tmp_path, run):
    (tmp_path / "yard.bpmn").write_text(SIGNALS)
    run("deploy", "yard.bpmn")
    keys = [run("start", "yard", "--json")["instance"] for _ in range(2)]
    assert run("signal", "alarm") == f"Heard by: {keys[0]}, {keys[1]}.\n"
    assert run("signal", "alarm", "--variables", "{}") == "Heard by: nobody.\n"
    run("kpis", '{"temperature": 79}')
    assert len(run("list", "--json")["instances"]) == 2
    assert "Told: temperature." in run("kpis", '{"temperature": 81}')
    assert run("list", "--json")["instances"] == []


def test_a_request_that_is_sent_again_changes_nothing(run, shop):
    first = run("start", "shop", "--request", "r-1", "--json")
    assert run("start", "shop", "--request", "r-1", "--json") == first
    assert len(run("list", "--json")["instances"]) == 3


# -- operate ------------------------------------------------------------------------------------


def test_one_instance_is_modified_as_the_dry_run_said(run, shop):
    first, _ = shop
    assert "1 of 1 would be modified" in run("modify", first, "--move", "weld=sign", "--dry-run")
    assert run("show", first, "--json")["frames"][0]["acts"][0]["node"] == "weld"
    run("modify", first, "--move", "weld=sign")
    assert run("show", first, "--json")["frames"][0]["acts"][0]["node"] == "sign"
    assert "to be in progress" in run("modify", first, "--cancel", "weld", code=2)


def test_many_are_migrated_and_each_refusal_is_told(tmp_path, run, shop):
    first, second = shop
    run("modify", second, "--move", "weld=sign")
    glue = SHOP
    for name in ("id", "targetRef", "sourceRef"):
        glue = glue.replace(f'{name}="weld"', f'{name}="glue"')
    (tmp_path / "shop.bpmn").write_text(glue)
    run("deploy", "shop.bpmn")
    arguments = ("migrate", "--to", "shop:2", "--process", "shop", "--version", 1)
    rehearsed = run(*arguments, "--dry-run", "--json", code=1)
    assert rehearsed["targets"] == 2
    assert [each["instance"] for each in rehearsed["failures"]] == [first]
    done = run(*arguments, "--json", code=1)
    assert (done["done"], done["failed"], done["state"]) == (1, 1, "finished")
    assert run("show", second, "--json")["definition"] == {"id": "shop", "version": 2}
    plan = run("migrate", first, "--to", "shop:2", "--map", "weld=glue", "--dry-run", "--json")
    assert plan["nodes"] == {"weld": "glue"}
    assert "weld -> glue" in run(
        "migrate", first, "--to", "shop:2", "--map", "weld=glue", "--dry-run"
    )
    run("migrate", first, "--to", "shop:2", "--map", "weld=glue")
    assert "2 of 2" in run("batches")


def test_suspended_instances_are_not_offered_and_go_on_later(run, shop):
    first, _ = shop
    run("suspend", first)
    assert "suspended" in run("list")
    run("suspend", "--all")
    said = run("resume", "--all")
    assert "2 of 2 resumed" in said
    run("suspend", "--definition", "shop")
    assert "suspended" in run("start", "shop", code=2)
    run("resume", "--definition", "shop:1", code=2)
    run("resume", "--definition", "shop")
    run("start", "shop")


def test_variables_are_set_and_instances_cancelled(run, shop):
    first, second = shop
    run("set", first, "--variables", '{"hot": true}')
    assert run("show", first, "--json")["variables"]["hot"] is True
    run("cancel", first)
    assert "1 of 1 cancelled" in run("cancel", "--process", "shop")
    assert "No instance." in run("list")
    assert run("show", second, "--json")["state"] == "cancelled"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("start", "shopp"), "Did you mean 'shop'?"),
        (("start", "shop", "--variables", "{"), "--variables"),
        (("show", 99), "unknown or long ended"),
        (("complete", 99), "job 99"),
        (("fail", 99, "--backoff", "5s"), "PT30S"),
        (("cancel",), "neither"),
        (("cancel", 1, "--all"), "both"),
        (("modify", 1), "none of them"),
        (("modify", 1, "--move", "weld"), "two nodes"),
        (("migrate", 1, "--to", "shop"), "shop:2"),
        (("resolve", 99), "incident 99"),
        (("batch", 99, "pause"), "batch 99"),
        (("batch", 1, "halt"), "pause, continue or stop"),
        (("list", "--store", "nowhere"), "Expected a store in 'nowhere'"),
        (("work", "nothing.py"), "no such file"),
        (("work", "no.such.module"), "ModuleNotFoundError"),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(run, shop, arguments, says):
    assert says in run(*arguments, code=2)


@pytest.mark.parametrize(
    ("command", "key"),
    [("list", "instances"), ("jobs", "jobs"), ("incidents", "incidents"), ("batches", "batches")],
)
def test_an_empty_store_is_told_plainly(tmp_path, run, command, key):
    (tmp_path / "shop.bpmn").write_text(SHOP)
    run("deploy", "shop.bpmn")
    assert run(command).startswith("No ")
    assert run(command, "--json") == {key: []}


def test_commands_side_by_side_wait_for_each_other(tmp_path, run, shop):
    starts = [
        subprocess.Popen(
            [str(FABLOOP), "process", "start", "shop"], cwd=tmp_path, stdout=subprocess.DEVNULL
        )
        for _ in range(3)
    ]
    assert [each.wait(60) for each in starts] == [0, 0, 0]
    assert len(run("list", "--json")["instances"]) == 5


# -- serve and work -----------------------------------------------------------------------------


@pytest.fixture
def launch(tmp_path):
    running = []

    def begin(*arguments):
        process = subprocess.Popen(
            [str(FABLOOP), "process", *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        running.append(process)
        line = process.stdout.readline()
        assert "Ctrl-C" in line, line + process.stdout.read()
        return process

    yield begin
    for each in running:
        each.kill()
        each.communicate()


def ended(process):
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said


def test_workers_and_commands_share_the_store_that_is_served(tmp_path, run, launch, shop):
    (tmp_path / "worker.py").write_text(WORKER)
    server = launch("serve")
    worker = launch("work", "worker.py", "--name", "robot")
    run("start", "shop")
    look_again = threading.Event()
    while run("jobs", "--type", "weld", "--json")["jobs"]:
        look_again.wait(0.05)
    assert {each["variables"]["welded"] for each in run("jobs", "--json")["jobs"]} == {1, 3}
    assert "Batch" in run("cancel", "--all")
    refused = run("serve", code=2)
    assert f"process {server.pid}" in refused
    ended(worker)
    ended(server)
    assert "No instance." in run("list")


def test_a_worker_without_a_server_opens_the_store_itself(tmp_path, run, launch, shop):
    (tmp_path / "worker.py").write_text(WORKER + "\n@worker('done')\ndef done(): ...\n")
    worker = launch("work", "worker.py")
    refused = run("list", code=2)
    assert f"process {worker.pid}" in refused
    ended(worker)
    assert "No instance" not in run("list")


def test_the_history_is_told_and_written_for_process_mining(run, shop):
    [job] = [each["key"] for each in run("jobs", "--json")["jobs"] if each["instance"] == shop[0]]
    run("complete", job, "--variables", '{"lot": "L7"}')
    events = run("history", shop[0], "--json")["events"]
    assert [e["kind"] for e in events if e.get("node") == "weld"] == ["started", "completed"]
    assert "completed" in run("history", "--business-key", "one", "--node", "weld")
    assert "Nothing happened" in run("history", "--resource", "nobody")
    run("history", "--xes", "log.xes", "--ocel", "log.json", "--object", "lot=Lot")
    assert b"http://www.xes-standard.org/" in Path("log.xes").read_bytes()
    objects = json.loads(Path("log.json").read_text())["objects"]
    assert "Lot:L7" in {each["id"] for each in objects}


def test_a_history_that_cannot_be_told_says_why(run, shop):
    assert "VARIABLE=TYPE" in run("history", "--ocel", "x", "--object", "lot", code=2)
    assert "nowhere" in run("history", "--store", "nowhere", code=2)
    assert "--since" in run("history", "--since", "noon", code=2)
    assert "no/folder" in run("history", "--xes", "no/folder/log.xes", code=2)


# -- simulate -----------------------------------------------------------------------------------


def test_a_process_is_simulated_and_told_as_a_distribution(tmp_path, run):
    (tmp_path / "shop.bpmn").write_text(SHOP)
    options = ("--duration", "weld=60s", "--duration", "sign=1min", "--runs", 2, "--cases", 5,
               "--capacity", "weld=1")  # fmt: skip
    kpis = run("simulate", "shop.bpmn", *options, "--json")
    assert (kpis["runs"], kpis["started"], kpis["finished"]) == (2, 10, 10)
    assert kpis["throughput_s"]["max"] == 6 * 60
    assert {each["name"]: each["most"] for each in kpis["resources"]}["weld"] == 1
    said = run("simulate", "shop.bpmn", *options)
    assert "10 of 10 cases" in said
    assert "█" not in said, "a histogram is for a terminal"
    assert not (tmp_path / "fabloop-data").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--duration", "weld=soon"), "a span such as"),
        (("--duration", "weld"), "NAME=VALUE"),
        (("--capacity", "weld=0"), "a number above 0"),
        (("--process", "shp"), "Did you mean 'shop'?"),
        (("--every", "exponential(0s)"), "a positive mean"),
        (("--result", "weld=1 +"), "Expected"),
        (("--until", "soon"), "PT30S"),
    ],
)
def test_a_simulation_that_cannot_be_set_up_is_told(tmp_path, run, options, says):
    (tmp_path / "shop.bpmn").write_text(SHOP)
    assert says in run("simulate", "shop.bpmn", "--cases", 1, "--runs", 1, *options, code=2)


def test_a_simulation_of_what_is_refused_is_refused(tmp_path, run):
    (tmp_path / "broken.bpmn").write_text("<definitions")
    assert "well-formed XML" in run("simulate", "broken.bpmn", code=2)


def test_every_process_of_a_document_is_deployed_or_none(tmp_path, run):
    inner = SHOP.split("<process")[1].split("</process>", maxsplit=1)[0]
    for name in ("two", "bad"):
        other = f"<process{inner}</process>".replace('id="', 'id="x')
        for which in ("targetRef", "sourceRef"):
            other = other.replace(f'{which}="', f'{which}="x')
        if name == "bad":
            other = other.replace('targetRef="xend"', 'targetRef="nowhere"')
        (tmp_path / f"{name}.bpmn").write_text(
            SHOP.replace("</definitions>", f"{other}</definitions>")
        )
    (report,) = run("deploy", "two.bpmn", "--json")["files"]
    assert report["definitions"] == ["shop", "xshop"]
    assert report["versions"] == {"shop": 1, "xshop": 1}
    (report,) = run("deploy", "bad.bpmn", "--json", code=1)["files"]
    assert report["definitions"] == []
    assert report["refusals"]


DRAWN = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">
  <startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="g"/><exclusiveGateway id="g"/>
  <sequenceFlow id="b" sourceRef="g" targetRef="t"/><task id="t"/>
  <sequenceFlow id="c" sourceRef="g" targetRef="e"/>
  <sequenceFlow id="d" sourceRef="t" targetRef="e"/>
  <endEvent id="e"/></process></definitions>"""


@pytest.mark.parametrize("extra", ["", ' xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"'])
def test_a_drawing_whose_conditions_are_missing_is_verified_by_its_flow(tmp_path, run, extra):
    text = DRAWN.replace("MODEL", f'MODEL"{extra}', 1).replace('""', '"') if extra else DRAWN
    (tmp_path / "drawn.bpmn").write_text(text)
    report = run("verify", "drawn.bpmn", "--json", "--full")
    assert report["sound"] is True
    assert report["markings"] == 5
    assert "execution" in report["left_out"]


def test_where_nets_are_named_what_cannot_be_carried_out_is_refused(tmp_path, run):
    (tmp_path / "drawn.bpmn").write_text(DRAWN)
    (tmp_path / "drawn.nets.json").write_text("[]")
    assert "condition" in run("verify", "drawn.bpmn", code=2)
