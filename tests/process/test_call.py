"""Call activities: an instance of another process that lives and ends with its caller."""

import pytest

from fabloop.base.errors import Conflict, Invalid
from fabloop.process.bpmn.model import EndEvent, Mapping
from fabloop.process.bpmn.read import read_bpmn
from fabloop.process.bpmn.triggers import ErrorTrigger
from fabloop.process.calls import CALL_DEPTH_MAX
from fabloop.process.commands import (
    ActAt,
    CancelInstance,
    Deploy,
    InstanceFinished,
    InstanceState,
    JobCancelled,
    Migrate,
    Modify,
    PublishMessage,
    ResolveIncident,
    SetVariables,
    StartInstance,
    ThrowError,
)
from fabloop.process.definition import DefinitionKey
from process.driver import (
    Plant,
    both,
    call,
    error,
    flows,
    job,
    kill,
    message,
    page,
    process,
    script,
    sub,
    timer,
)
from process.test_pages import station
from process.test_read import document


@pytest.fixture
def plant():
    made = Plant()
    made.does(Deploy(process=called()))
    return made


def called(*more, tag="", last="w"):
    made = process(script("inc", "n + 1", "n"), job(last), *more,
                   links=flows(f"start inc {last} end"), id="q")  # fmt: skip
    return type(made)(id="q", version_tag=tag, nodes=made.nodes, flows=made.flows)


def caller(node, *more, links=()):
    return process(node, *more, links=(*flows(f"start {node.id} end"), *links))


def child_of(plant, key):
    return next(act.called for frame in plant.engine.instance(key).frames for act in frame.acts
                if act.called)  # fmt: skip


def test_variables_go_in_and_come_back(plant):
    key = plant.starts(caller(call("c", "q")), {"n": 1, "keep": "x"})
    child = child_of(plant, key)
    assert plant.engine.instance(child).caller == key
    assert plant.engine.instance(child).variables == {"n": 2, "keep": "x"}
    assert plant.engine.instance(key).variables == {"n": 1, "keep": "x"}
    plant.completes("w", {"made": 3})
    assert plant.result(key) == {"n": 2, "keep": "x", "made": 3}
    assert plant.ended(child) is InstanceState.COMPLETED
    assert [each.instance for each in plant.told(InstanceFinished)] == [child, key]


def test_only_what_is_mapped_goes_in_and_out_where_that_is_wanted(plant):
    node = call("c", "q", hands_in=False, inputs=(Mapping(source="start", target="n"),),
                outputs=(Mapping(source="n * 10", target="total"),))  # fmt: skip
    key = plant.starts(caller(node), {"start": 4, "secret": 1})
    assert plant.job("w").variables == {"n": 5}
    plant.completes("w", {"noise": 1})
    assert plant.result(key) == {"start": 4, "secret": 1, "total": 50}
    silent = plant.starts(caller(call("c", "q", hands_back=False)), {"n": 1})
    plant.completes("w", {"noise": 1})
    assert plant.result(silent) == {"n": 1}


def test_the_latest_version_is_called_or_the_one_with_the_tag(plant):
    plant.does(Deploy(process=called(tag="v2", last="two")))
    plant.does(Deploy(process=called(last="three")))
    plant.starts(caller(call("c", "=wanted")), {"n": 1, "wanted": "q"})
    assert plant.open_nodes() == ["three"]
    plant.starts(caller(call("c", "q", version_tag="v2")), {"n": 1})
    assert plant.open_nodes() == ["three", "two"]


def test_what_is_not_deployed_is_called_once_it_is(plant):
    key = plant.starts(caller(call("c", "later")), {"n": 1})
    (incident,) = plant.engine.incidents(key)
    assert incident.kind == "call"
    made = called()
    plant.does(Deploy(process=type(made)(id="later", nodes=made.nodes, flows=made.flows)))
    plant.does(ResolveIncident(incident=incident.key))
    assert plant.open_nodes() == ["w"]


def test_a_called_process_ends_with_its_caller_inner_ones_first(plant):
    plant.does(Deploy(process=process(call("mid", "q"), links=flows("start mid end"), id="m")))
    key = plant.starts(caller(call("c", "m")), {"n": 1})
    outer = child_of(plant, key)
    inner = child_of(plant, outer)
    with pytest.raises(Conflict, match="called"):
        plant.does(CancelInstance(instance=outer))
    plant.rehearses(CancelInstance(instance=key))
    plant.does(CancelInstance(instance=key))
    ended = plant.told(InstanceFinished)
    assert [(each.instance, each.state) for each in ended] == [
        (each, InstanceState.CANCELLED) for each in (inner, outer, key)]  # fmt: skip
    assert [each.node for each in plant.told(JobCancelled)] == ["w"]
    state = plant.engine.state
    assert not any((state.instances, state.frames, state.acts, state.jobs))


@pytest.mark.parametrize("boxed", [False, True])
def test_a_timer_or_a_terminate_end_of_the_caller_ends_the_called_process(plant, boxed):
    if boxed:
        node = sub("c", both("f"), call("in", "q"), job("quick"), kill("stop"),
                   links=flows("c.s f in c.e", "f quick stop"))  # fmt: skip
        key = plant.starts(caller(node), {"n": 1})
        plant.completes("quick")
    else:
        p = caller(call("c", "q"), timer("t", "c", "PT5S"), links=flows("t end"))
        key = plant.starts(p, {"n": 1})
        plant.passes(5)
    assert plant.ended(key) is InstanceState.COMPLETED
    assert plant.engine.instances() == ()
    assert [each.node for each in plant.told(JobCancelled)] == ["w"]


def test_errors_of_a_called_process_reach_the_event_that_catches_them(plant):
    bad = process(job("w"), EndEvent(id="bad", trigger=ErrorTrigger(code="E")),
                  links=flows("start w bad"), id="b")  # fmt: skip
    bad = type(bad)(id="b", nodes=bad.nodes[:-1], flows=bad.flows)
    plant.does(Deploy(process=bad))
    p = caller(call("c", "b"), error("e", "c", "E"), job("repair"), links=flows("e repair end"))
    plant.starts(p)
    plant.completes("w")
    assert plant.open_nodes() == ["repair"]
    plant.completes("repair")
    key = plant.starts(p)
    plant.does(ThrowError(job=plant.job("w").key, code="E", variables={"why": "worn"}))
    assert plant.engine.instance(key).variables == {"why": "worn"}
    assert plant.engine.instances() == (key,)


def test_an_error_that_nobody_catches_stops_the_called_process_where_it_stands(plant):
    key = plant.starts(caller(call("c", "q")), {"n": 1})
    plant.does(ThrowError(job=plant.job("w").key, code="E"))
    child = child_of(plant, key)
    assert [each.kind for each in plant.engine.incidents(child)] == ["uncaught error"]
    assert plant.engine.incidents(key) == ()


def test_processes_that_call_themselves_without_end_are_stopped(plant):
    plant.does(Deploy(process=process(call("again", "r"), links=flows("start again end"), id="r")))
    key = plant.starts(caller(call("c", "r")))
    assert [each.kind for each in plant.engine.incidents()] == ["limit"]
    assert len(plant.engine.instances()) == CALL_DEPTH_MAX + 1
    plant.does(CancelInstance(instance=key))
    assert plant.engine.instances() == ()


def test_outputs_that_fail_keep_what_the_called_process_gave(plant):
    node = call("c", "q", outputs=(Mapping(source="for i in 1..n return i", target="y"),))
    key = plant.starts(caller(node), {"n": 1})
    plant.completes("w", {"n": 10**9})
    (incident,) = plant.engine.incidents(key)
    assert plant.engine.instances() == (key,)
    act = plant.engine.state.acts[incident.act]
    assert act.result["n"] == 10**9
    plant.does(Modify(instance=key, cancel=(ActAt(key=act.key),)))
    assert plant.ended(key) is InstanceState.CANCELLED


def test_a_called_process_left_empty_by_an_operator_ends_with_its_caller(plant):
    key = plant.starts(caller(call("c", "q")), {"n": 1})
    child = child_of(plant, key)
    (act,) = plant.engine.instance(child).frames[0].acts
    plant.does(Modify(instance=child, cancel=(ActAt(key=act.key),)))
    assert plant.ended(child) is InstanceState.CANCELLED
    assert plant.ended(key) is InstanceState.CANCELLED


def test_a_message_that_ends_the_caller_is_not_given_to_the_called_process(plant):
    heard = process(message("m", "M", '"k"'), links=flows("start m end"), id="h")
    plant.does(Deploy(process=heard))
    p = process(both("f"), call("c", "h"), message("own", "M", '"k"'), kill("stop"),
                links=flows("start f c end", "f own stop"))  # fmt: skip
    key = plant.starts(p)
    reply = plant.does(PublishMessage(name="M", correlation_key="k"))
    assert reply.instances == (key,)
    assert plant.engine.instances() == ()


def test_pages_of_caller_and_called_share_nothing_and_both_run(plant):
    weld = process(page("weld", "n"), links=flows("start weld end"), id="w")
    net = (station("n").document(),)
    plant.does(Deploy(process=weld, nets=net))
    p = process(both("f"), call("c", "w"), page("own", "n"), both("j"),
                links=flows("start f c j end", "f own j"))  # fmt: skip
    key = plant.starts(p, {"lot": 1}, net)
    assert plant.open_nodes() == ["own", "weld"]
    plant.completes("weld")
    plant.completes("own")
    assert plant.ended(key) is InstanceState.COMPLETED


def test_caller_and_called_migrate_each_by_itself(plant):
    key = plant.starts(caller(call("c", "q")), {"n": 1})
    child = child_of(plant, key)
    more = process(call("c", "q"), job("after"), links=flows("start c after end"))
    plant.does(Deploy(process=more))
    plant.does(Deploy(process=process(
        job("w"), job("more"), links=flows("start w more end"), id="q")))  # fmt: skip
    for instance, target in ((key, "p"), (child, "q")):
        command = Migrate(instance=instance, target=DefinitionKey(target, 2))
        plant.rehearses(command)
        plant.does(command)
    plant.completes("w")
    plant.completes("more")
    assert plant.open_nodes() == ["after"]
    plant.does(SetVariables(target=key, variables={"n": 9}))
    plant.completes("after")
    assert plant.ended(key) is InstanceState.COMPLETED


@pytest.mark.parametrize("said", ["1", "=which", "=string(which)"])
def test_a_version_may_be_called_by_its_number(plant, said):
    plant.does(Deploy(process=called(last="newer")))
    plant.starts(caller(call("c", "q", version=said)), {"n": 1, "which": 1})
    assert plant.open_nodes() == ["w"]


@pytest.mark.parametrize(("said", "text"), [("7", "version 7"), ('="x"', "number of a version")])
def test_a_version_that_is_not_there_is_an_incident(plant, said, text):
    key = plant.starts(caller(call("c", "q", version=said)), {"n": 1})
    (incident,) = plant.engine.incidents()
    assert text in incident.text
    assert plant.ended(key) is InstanceState.ACTIVE


def pair(last: str) -> bytes:
    """Return a document with a process that calls the other one deployed with it."""
    content = f"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
        xmlns:z="http://camunda.org/schema/zeebe/1.0" targetNamespace="t">
      <process id="p" isExecutable="true"><startEvent id="s"/>
        <sequenceFlow id="f" sourceRef="s" targetRef="c"/><callActivity id="c"><extensionElements>
        <z:calledElement processId="q" bindingType="deployment"/></extensionElements></callActivity>
      </process>
      <process id="q" isExecutable="true"><startEvent id="s"/>
        <sequenceFlow id="f" sourceRef="s" targetRef="{last}"/><userTask id="{last}">
        <extensionElements><z:userTask/></extensionElements></userTask></process></definitions>"""
    return content.encode()


def test_what_was_deployed_together_is_called_together():
    plant = Plant()
    plant.does(Deploy(process=pair("old")))
    reply = plant.does(Deploy(process=pair("new")))
    assert [reply.key, reply.others[0].key] == [DefinitionKey("p", 2), DefinitionKey("q", 2)]
    again = plant.does(Deploy(process=pair("old")))
    assert (again.key, again.known) == (DefinitionKey("p", 1), True)
    plant.does(StartInstance(process="p", version=1))
    assert plant.open_nodes() == ["old"]
    plant.does(StartInstance(process="p", version=2))
    assert plant.open_nodes() == ["new", "old"]
    plant.restores()


def test_a_call_of_another_document_stays_with_what_was_there_when_it_was_deployed(plant):
    plant.does(Deploy(process=caller(call("c", "q", together=True))))
    plant.does(Deploy(process=called(last="newer")))
    plant.does(StartInstance(process="p", variables={"n": 1}))
    assert plant.open_nodes() == ["w"]
    reply = plant.does(Deploy(process=caller(call("c", "q", together=True))))
    assert (reply.key, reply.known) == (DefinitionKey("p", 2), False)
    plant.does(StartInstance(process="p", variables={"n": 1}))
    assert plant.open_nodes() == ["newer", "w"]


def test_a_call_finds_nothing_where_nothing_was_deployed_before():
    plant = Plant()
    plant.starts(caller(call("c", "q", together=True)))
    plant.does(Deploy(process=called()))
    (incident,) = plant.engine.incidents()
    assert "when its caller was deployed" in incident.text


@pytest.mark.parametrize(("said", "key"), [("", "7"), ("fix", "fix"), ('=order + "/1"', "A/1")])
def test_what_is_called_has_the_business_key_of_its_caller_or_its_own(plant, said, key):
    plant.does(Deploy(process=caller(call("c", "q", business_key=said))))
    plant.does(StartInstance(process="p", business_key="7", variables={"n": 1, "order": "A"}))
    child = plant.engine.state.instances[plant.job("w").instance]
    assert child.business_key == key


def test_a_call_is_read_with_its_version_and_other_bindings_are_refused():
    def content(attributes):
        return document(f"""<bpmn:callActivity id="c"><bpmn:extensionElements>
          <zeebe:calledElement {attributes}/></bpmn:extensionElements></bpmn:callActivity>""")

    (node,) = read_bpmn(content('processId="q" bindingType="versionTag" versionTag="v2"'))[0].nodes
    assert node == call("c", "q", version_tag="v2")
    for wrong in ('processId="q" bindingType="never"', 'processId="q" versionTag="v2"',
                  'processId="q" bindingType="versionTag"',
                  'processId="q" xmlns:f="urn:fabloop:bpmn:1" f:version="new"'):  # fmt: skip
        with pytest.raises(Invalid, match="line 6"):
            read_bpmn(content(wrong))
