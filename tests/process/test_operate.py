"""Incidents and their resolution, variables, modification, requests and faults of our own."""

import pytest

from fabloop.base.errors import Broken, Conflict, NotFound
from fabloop.process import walk
from fabloop.process.bpmn.model import Mapping, SequenceFlow
from fabloop.process.commands import (
    ActAt,
    Activate,
    CompleteJob,
    Deploy,
    IncidentOpened,
    InstanceState,
    Modify,
    Move,
    ProcessDeployed,
    PublishMessage,
    ResolveIncident,
    SetVariables,
    StartInstance,
    TokenAt,
)
from fabloop.process.definition import DefinitionKey
from fabloop.process.engine import Engine
from fabloop.process.state import Phase
from process.driver import (
    Plant,
    both,
    flows,
    job,
    message,
    process,
    script,
    sub,
    timer,
    wait,
    xor,
)


@pytest.fixture
def plant():
    return Plant()


def act_at(plant, key, node):
    frames = plant.engine.instance(key).frames
    return next(act.key for frame in frames for act in frame.acts if act.node == node)


# -- incidents ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "links", "kind"),
    [
        ([xor("n")], flows("start n", "n end: x > 1", "n end2: x < 1"), "condition"),
        ([wait("n", "x")], flows("start n end"), "timer"),
        ([message("n", "M", "x")], flows("start n end"), "correlation"),
        ([job("n"), timer("t", "n", "x")], flows("start n end", "t end"), "timer"),
    ],
)
def test_what_cannot_be_entered_waits_for_a_person_and_is_entered_again(plant, nodes, links, kind):
    if kind == "condition":
        nodes = [*nodes, job("end2")]
        links += flows("end2 end")
    key = plant.starts(process(*nodes, links=links), {"other": 1})
    (incident,) = plant.engine.incidents(key)
    assert incident.kind == kind
    assert [each.node for each in plant.told(IncidentOpened)] == ["n"]
    plant.does(ResolveIncident(incident=incident.key))
    (again,) = plant.engine.incidents(key)
    assert again.key != incident.key
    fine = {"timer": "PT1S", "correlation": "k", "condition": 2}[kind]
    plant.does(SetVariables(target=key, variables={"x": fine}))
    plant.does(ResolveIncident(incident=again.key))
    assert plant.engine.incidents(key) == ()


@pytest.mark.parametrize("value", [5, "yes", None, [True]])
def test_a_condition_that_is_neither_true_nor_false_is_an_incident(plant, value):
    p = process(xor("g", default="g-end"), job("a"), links=flows("start g a end", "g end"))
    p = type(p)(id="p", nodes=p.nodes, flows=tuple(
        type(each)(id=each.id, source=each.source, target=each.target,
                   condition="x" if each.id == "g-a" else "") for each in p.flows))  # fmt: skip
    key = plant.starts(p, {"x": value})
    assert [each.kind for each in plant.engine.incidents(key)] == ["condition"]


def test_no_flow_that_holds_is_an_incident_not_an_exception(plant):
    p = process(xor("g"), job("a"), links=flows("start g", "g a: x > 5", "g end: x > 9", "a end"))
    key = plant.starts(p, {"x": 1})
    (incident,) = plant.engine.incidents(key)
    assert incident.kind == "no flow"
    plant.does(SetVariables(target=key, variables={"x": 7}))
    plant.does(ResolveIncident(incident=incident.key))
    assert plant.open_nodes() == ["a"]


def test_outputs_that_fail_keep_the_result_for_the_retry(plant):
    loops = Mapping(source="for i in 1..n return i", target="list")
    p = process(job("a", outputs=(loops,)), job("b"), links=flows("start a b end"))
    key = plant.starts(p, {"n": 10**9})
    plant.completes("a", {"measured": 3})
    (incident,) = plant.engine.incidents(key)
    assert incident.kind == "expression"
    (act,) = plant.engine.instance(key).frames[0].acts
    assert act.phase is Phase.LEAVING
    with pytest.raises(NotFound):
        plant.does(CompleteJob(job=act.key))
    plant.does(SetVariables(target=key, variables={"n": 2}))
    plant.does(ResolveIncident(incident=incident.key))
    assert plant.open_nodes() == ["b"]
    assert plant.engine.instance(key).variables == {"n": 2, "list": [1, 2]}


def test_one_branch_that_is_stuck_does_not_stop_the_other(plant):
    p = process(both("f"), script("bad", "for i in 1..n return i", "y"), job("good"),
                links=flows("start f bad end", "f good end"))  # fmt: skip
    key = plant.starts(p, {"n": 10**9})
    assert plant.open_nodes() == ["good"]
    plant.completes("good")
    assert plant.ended(key) is InstanceState.ACTIVE


def test_tokens_that_nothing_can_join_are_told_and_can_be_moved(plant):
    p = process(xor("x", default="x-a"), script("a", "1", "r"), script("b", "2", "r"),
                both("j"), job("z"),
                links=flows("start x a j", "x b: go", "b j", "j z end"))  # fmt: skip
    key = plant.starts(p, {"go": False})
    (incident,) = plant.engine.incidents(key)
    assert (incident.kind, incident.act) == ("deadlock", 0)
    frame = plant.engine.instance(key).frames[0]
    assert frame.tokens == {"a-j": 1}
    move = Move(spot=TokenAt(frame=frame.key, flow="a-j"), node="z")
    plant.does(Modify(instance=key, move=(move,)))
    assert plant.open_nodes() == ["z"]
    assert plant.engine.incidents() == ()


# -- modification -------------------------------------------------------------------------------

LINE = process(job("a"), job("b"), sub("box", job("c"), job("d"), links=flows("box.s c d box.e"),
               inputs=(Mapping(source="n", target="local"),)), job("z"),
               links=flows("start a b box z end"))  # fmt: skip


def test_a_token_is_moved_to_another_node(plant):
    key = plant.starts(LINE)
    plant.does(Modify(instance=key, move=(Move(spot=ActAt(key=act_at(plant, key, "a")),
                                               node="z"),)))  # fmt: skip
    assert plant.open_nodes() == ["z"]
    plant.completes("z")
    assert plant.ended(key) is InstanceState.COMPLETED


def test_a_token_moved_into_a_subprocess_opens_its_frame(plant):
    key = plant.starts(LINE, {"n": 5})
    plant.does(Modify(instance=key, move=(Move(spot=ActAt(key=act_at(plant, key, "a")),
                                               node="d"),)))  # fmt: skip
    assert plant.open_nodes() == ["d"]
    assert plant.job("d").variables["local"] == 5
    plant.completes("d")
    assert plant.open_nodes() == ["z"]


def test_a_token_moved_out_of_a_subprocess_ends_its_frame(plant):
    key = plant.starts(LINE)
    plant.completes("a")
    plant.completes("b")
    plant.does(Modify(instance=key, move=(Move(spot=ActAt(key=act_at(plant, key, "c")),
                                               node="a"),)))  # fmt: skip
    assert plant.open_nodes() == ["a"]
    assert len(plant.engine.instance(key).frames) == 1


def test_an_activation_adds_a_token_with_variables(plant):
    key = plant.starts(LINE)
    plant.does(Modify(instance=key, activate=(Activate(node="z", variables={"why": "rush"}),)))
    assert plant.open_nodes() == ["a", "z"]
    assert plant.engine.instance(key).variables == {"why": "rush"}


def test_cancelling_the_last_act_cancels_the_instance(plant):
    key = plant.starts(LINE)
    plant.does(Modify(instance=key, cancel=(ActAt(key=act_at(plant, key, "a")),)))
    assert plant.ended(key) is InstanceState.CANCELLED


def test_a_modification_that_fails_half_way_changes_nothing(plant):
    key = plant.starts(LINE)
    with pytest.raises(NotFound):
        plant.does(Modify(instance=key, activate=(Activate(node="d"), Activate(node="nowhere"))))
    assert plant.open_nodes() == ["a"]


def test_an_ambiguous_frame_has_to_be_named(plant):
    again = SequenceFlow(id="again", source="f", target="box")
    p = process(both("f"), sub("box", job("c"), job("d"), links=flows("box.s c d box.e")),
                links=(*flows("start f box end"), again))  # fmt: skip
    key = plant.starts(p)
    frames = [each.key for each in plant.engine.instance(key).frames if each.act]
    with pytest.raises(Conflict, match="Name one of"):
        plant.does(Modify(instance=key, activate=(Activate(node="d"),)))
    plant.does(Modify(instance=key, activate=(Activate(node="d", frame=frames[1]),)))
    assert plant.open_nodes() == ["c", "c", "d"]


def test_boundary_events_are_not_activated(plant):
    p = process(job("a"), timer("t", "a", "PT1S"), links=flows("start a end", "t end"))
    key = plant.starts(p)
    with pytest.raises(Conflict, match="boundary"):
        plant.does(Modify(instance=key, activate=(Activate(node="t"),)))


# -- requests, versions, keys, our own faults ---------------------------------------------------


def test_a_request_seen_before_gets_its_first_reply_and_nothing_else(plant):
    plant.does(Deploy(process=LINE))
    first = plant.does(StartInstance(process="p"), request="r1")
    rows = len(plant.rows)
    assert plant.does(StartInstance(process="p"), request="r1") == first
    assert (len(plant.rows), len(plant.engine.instances())) == (rows, 1)
    fresh = Engine()
    fresh.replay(plant.rows)
    again = fresh.handle(StartInstance(process="p"), at=plant.now, request="r1")
    assert (again.reply, again.rows, again.notices) == (first, (), ())


def test_a_command_that_touches_several_instances_records_its_request_once(plant):
    for name in ("p", "q"):
        waiting = process(message("m", "M", '"k"'), links=flows("start m end"), id=name)
        plant.starts(waiting)
    before = len(plant.rows)
    sent = PublishMessage(name="M", correlation_key="k", time_to_live_ns=5)
    first = plant.does(sent, request="r")
    assert len(first.instances) == 2
    assert [row.request for row in plant.rows[before:]] == ["r", "", "", ""]
    assert len({row.stream for row in plant.rows[before:]}) == 3
    assert plant.does(sent, request="r") == first


def test_the_same_content_keeps_its_version(plant):
    assert plant.does(Deploy(process=LINE)) == ProcessDeployed(DefinitionKey("p", 1), known=False)
    changed = process(job("a"), links=flows("start a end"))
    assert plant.does(Deploy(process=changed)).key.version == 2
    assert plant.does(Deploy(process=LINE)) == ProcessDeployed(DefinitionKey("p", 1), known=True)
    plant.does(StartInstance(process="p", version=1))
    assert plant.open_nodes() == ["a"]
    with pytest.raises(NotFound):
        plant.does(StartInstance(process="p", version=3))
    with pytest.raises(NotFound, match="Known are: p"):
        plant.does(StartInstance(process="nope"))


def test_keys_carry_their_partition():
    engine = Engine(partition=3)
    engine.handle(Deploy(process=LINE), at=1)
    outcome = engine.handle(StartInstance(process="p"), at=1)
    assert outcome.reply.instance >> 51 == 3
    assert {row.partition for row in outcome.rows} == {3}


def test_a_bug_of_ours_leaves_no_trace_and_is_called_broken(plant, monkeypatch):
    key = plant.starts(LINE, {"x": 1})
    real = walk.leave
    monkeypatch.setattr(walk, "leave", lambda *_: 1 / 0)
    monkeypatch.setattr("fabloop.process.acts.leave", lambda *_: 1 / 0)
    with pytest.raises(Broken, match="ZeroDivisionError"):
        plant.does(CompleteJob(job=plant.job("a").key, variables={"x": 2}))
    monkeypatch.setattr(walk, "leave", real)
    monkeypatch.setattr("fabloop.process.acts.leave", real)
    assert plant.engine.instance(key).variables == {"x": 1}
    plant.completes("a")
    assert plant.open_nodes() == ["b"]


def test_rows_of_an_unknown_version_are_not_guessed_at(plant):
    plant.starts(LINE)
    row = plant.rows[-1]
    newer = type(row)(stream=row.stream, kind=row.kind, body=row.body, version=99, at=row.at)
    with pytest.raises(Broken, match="version"):
        Engine().replay([newer])


def test_what_was_deployed_can_be_read_back_after_a_replay(plant):
    plant.does(Deploy(process=LINE))
    fresh = Engine()
    fresh.replay(plant.rows)
    assert fresh.deployment("p").process == LINE
    assert fresh.definition("p").number_of == plant.engine.definition("p").number_of
