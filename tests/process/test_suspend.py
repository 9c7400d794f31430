"""A suspended instance stands still and loses nothing; a suspended process takes no instances."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Conflict, NotFound
from fabloop.base.instant import SECOND
from fabloop.process.commands import (
    ActAt,
    ActivateJobs,
    CompleteJob,
    FailJob,
    InstanceState,
    Modify,
    Move,
    PublishMessage,
    ResolveIncident,
    StartInstance,
)
from fabloop.process.operations import (
    ResumeInstance,
    ResumeProcess,
    SuspendInstance,
    SuspendProcess,
)
from fabloop.process.state import Phase
from process.driver import (
    Plant,
    both,
    call,
    first,
    flows,
    job,
    message,
    process,
    timer,
    wait,
)


@pytest.fixture
def plant():
    return Plant()


def suspended(plant, key):
    plant.does(SuspendInstance(instance=key))


def resumed(plant, key):
    plant.does(ResumeInstance(instance=key))


def test_no_job_is_handed_out_until_it_is_resumed(plant):
    key = plant.starts(process(job("a"), links=flows("start a end")))
    suspended(plant, key)
    assert plant.takes("do-a") == []
    assert plant.engine.instance(key).suspended
    resumed(plant, key)
    assert [each.instance for each in plant.takes("do-a")] == [key]
    assert not plant.engine.instance(key).suspended


def test_a_job_that_comes_up_meanwhile_is_not_handed_out_either(plant):
    p = process(job("a"), job("b"), links=flows("start a b end"))
    key = plant.starts(p)
    (act,) = plant.engine.instance(key).frames[0].acts
    suspended(plant, key)
    plant.does(Modify(instance=key, move=(Move(spot=ActAt(key=act.key), node="b"),)))
    assert plant.open_nodes() == ["b"]
    assert plant.takes("do-b") == []
    resumed(plant, key)
    assert len(plant.takes("do-b")) == 1


def test_a_result_that_comes_meanwhile_is_kept_and_counts_once_resumed(plant):
    key = plant.starts(process(job("a"), job("b"), links=flows("start a b end")))
    (held,) = plant.takes("do-a")
    suspended(plant, key)
    plant.does(CompleteJob(job=held.key, epoch=held.epoch, variables={"seam_mm": 3}))
    (act,) = plant.engine.instance(key).frames[0].acts
    assert (act.node, act.phase) == ("a", Phase.LEAVING)
    with pytest.raises(NotFound):
        plant.does(CompleteJob(job=held.key, epoch=held.epoch))
    resumed(plant, key)
    assert plant.open_nodes() == ["b"]
    assert plant.engine.instance(key).variables == {"seam_mm": 3}


def test_a_timer_that_falls_due_meanwhile_fires_after_the_resumption(plant):
    p = process(wait("w", "PT5S"), job("a"), links=flows("start w a end"))
    key = plant.starts(p)
    suspended(plant, key)
    plant.passes(60)
    assert plant.at_nodes(key) == ["w"]
    assert plant.engine.next_due() is None
    resumed(plant, key)
    plant.passes(0)
    assert plant.at_nodes(key) == ["a"]


def test_a_timer_that_is_not_yet_due_keeps_its_date(plant):
    key = plant.starts(process(wait("w", "PT50S"), links=flows("start w end")))
    suspended(plant, key)
    plant.passes(20)
    resumed(plant, key)
    plant.passes(29)
    assert plant.at_nodes(key) == ["w"]
    plant.passes(1)
    assert plant.ended(key) is InstanceState.COMPLETED


def test_a_result_in_time_wins_over_a_boundary_timer_that_fell_due_meanwhile(plant):
    p = process(job("a"), timer("t", "a", "PT5S"), job("late"),
                links=flows("start a end", "t late end"))  # fmt: skip
    key = plant.starts(p)
    (held,) = plant.takes("do-a")
    suspended(plant, key)
    plant.does(CompleteJob(job=held.key, epoch=held.epoch))
    plant.passes(60)
    resumed(plant, key)
    plant.passes(0)
    assert plant.ended(key) is InstanceState.COMPLETED


def test_leases_and_back_offs_run_out_only_after_the_resumption(plant):
    p = process(both("f"), job("a"), job("b"), both("j"),
                links=flows("start f a j end", "f b j"))  # fmt: skip
    key = plant.starts(p)
    plant.takes("do-a", seconds=5)
    (held,) = plant.takes("do-b")
    plant.does(FailJob(job=held.key, retries=2, backoff_ns=5 * SECOND, epoch=held.epoch))
    suspended(plant, key)
    plant.passes(60)
    resumed(plant, key)
    assert plant.takes("do-a") == plant.takes("do-b") == []
    plant.passes(0)
    assert len(plant.takes("do-a")) == len(plant.takes("do-b")) == 1


@pytest.mark.parametrize("gate", [False, True])
def test_a_message_is_kept_for_the_one_it_was_meant_for(plant, gate):
    lead = "race m" if gate else "m"
    nodes = [message("m", "M", "k"), job("a")]
    links = flows(f"start {lead} a end")
    if gate:
        nodes += [first("race"), wait("w", "PT1H")]
        links += flows("race w end")
    p = process(*nodes, links=links)
    key = plant.starts(p, {"k": "7"})
    other = plant.starts(p, {"k": "7"})
    suspended(plant, key)
    for number in (1, 2):
        took = plant.does(PublishMessage(name="M", correlation_key="7", variables={"n": number}))
        assert took.instances == ((key,) if number == 1 else (other,))
    assert plant.at_nodes(key) == (["race"] if gate else ["m"])
    resumed(plant, key)
    assert plant.at_nodes(key) == ["a"]
    assert plant.engine.instance(key).variables["n"] == 1


def test_what_a_suspended_instance_has_called_stands_still_with_it(plant):
    plant.starts(process(job("inner"), links=flows("start inner end"), id="called"))
    plant.takes("do-inner")
    key = plant.starts(process(call("c", "called"), links=flows("start c end"), id="caller"))
    suspended(plant, key)
    assert plant.takes("do-inner") == []
    child = plant.engine.instance(key).frames[0].acts[0].called
    assert plant.engine.instance(child).suspended
    resumed(plant, key)
    assert [each.instance for each in plant.takes("do-inner")] == [child]


def test_a_child_that_was_suspended_by_itself_stays_so(plant):
    plant.starts(process(job("inner"), links=flows("start inner end"), id="called"))
    plant.takes("do-inner")
    key = plant.starts(process(call("c", "called"), links=flows("start c end"), id="caller"))
    child = plant.engine.instance(key).frames[0].acts[0].called
    suspended(plant, child)
    suspended(plant, key)
    resumed(plant, key)
    assert plant.takes("do-inner") == []
    resumed(plant, child)
    assert len(plant.takes("do-inner")) == 1


def test_suspending_twice_is_once_and_resuming_what_goes_on_is_refused(plant):
    key = plant.starts(process(job("a"), links=flows("start a end")))
    suspended(plant, key)
    suspended(plant, key)
    resumed(plant, key)
    with pytest.raises(Conflict, match="to be suspended"):
        resumed(plant, key)
    with pytest.raises(NotFound):
        suspended(plant, 99)


def test_everything_of_it_can_be_undone(plant):
    p = process(both("f"), job("a"), wait("w", "PT5S"), message("m", "M", '"k"'), both("j"),
                links=flows("start f a j end", "f w j", "f m j"))  # fmt: skip
    key = plant.starts(p)
    (held,) = plant.takes("do-a")
    plant.rehearses(SuspendInstance(instance=key))
    suspended(plant, key)
    plant.does(CompleteJob(job=held.key, epoch=held.epoch))
    plant.does(PublishMessage(name="M", correlation_key="k"))
    plant.passes(9)
    plant.rehearses(ResumeInstance(instance=key))
    resumed(plant, key)
    plant.passes(0)
    assert plant.ended(key) is InstanceState.COMPLETED


LOT = message("m", "M", "k")
CELL = process(
    both("f"), job("a"), timer("late", "a", "PT5S"), job("c"), LOT, job("b"), wait("w", "PT7S"),
    both("j"), job("d"),
    links=flows("start f a j d end", "late c end", "f m b j", "f w j"),
)  # fmt: skip


def acted(plant, act):
    match act:
        case "time":
            plant.passes(3)
        case "message":
            plant.does(PublishMessage(name="M", correlation_key="7", variables={"lot": 1}))
        case _:
            for each in plant.takes(f"do-{act}"):
                plant.does(CompleteJob(job=each.key, epoch=each.epoch, variables={act: 1}))


@given(st.lists(st.sampled_from(["a", "b", "c", "d", "message", "time"]), max_size=12))
def test_a_suspension_changes_nothing_but_the_time_at_which_it_happens(acts):
    plain, halting = Plant(), Plant()
    for plant in (plain, halting):
        plant.starts(CELL, {"k": "7"})
    (key,) = plain.engine.instances()
    for act in acts:
        held = {each: halting.takes(f"do-{each}") for each in "abcd" if act == each}
        acted(plain, act)
        if key in halting.engine.instances():
            suspended(halting, key)
        for each in held.get(act, []):
            halting.does(CompleteJob(job=each.key, epoch=each.epoch, variables={act: 1}))
        if act in ("time", "message"):
            acted(halting, act)
        if key in halting.engine.instances():
            resumed(halting, key)
            halting.passes(0)
        assert halting.engine.instance(key).variables == plain.engine.instance(key).variables
        assert halting.ended(key) is plain.ended(key)
        if plain.ended(key) is InstanceState.ACTIVE:
            assert halting.at_nodes(key) == plain.at_nodes(key)


def test_a_suspended_process_takes_no_new_instances_and_lets_the_others_go_on(plant):
    key = plant.starts(process(job("a"), links=flows("start a end")))
    plant.does(SuspendProcess(process="p"))
    with pytest.raises(Conflict, match="suspended"):
        plant.does(StartInstance(process="p"))
    plant.completes("a")
    assert plant.ended(key) is InstanceState.COMPLETED
    plant.does(ResumeProcess(process="p"))
    plant.does(StartInstance(process="p"))
    with pytest.raises(Conflict, match="to be suspended"):
        plant.does(ResumeProcess(process="p"))


def test_one_version_can_be_suspended_alone(plant):
    plant.starts(process(job("a"), links=flows("start a end")))
    plant.starts(process(job("b"), links=flows("start b end")))
    plant.does(SuspendProcess(process="p", version=2))
    with pytest.raises(Conflict):
        plant.does(StartInstance(process="p"))
    plant.does(StartInstance(process="p", version=1))


def test_a_call_of_a_suspended_process_waits_as_an_incident(plant):
    plant.starts(process(job("inner"), links=flows("start inner end"), id="called"))
    plant.does(SuspendProcess(process="called"))
    key = plant.starts(process(call("c", "called"), links=flows("start c end"), id="caller"))
    (incident,) = plant.engine.incidents(key)
    assert incident.kind == "suspended"
    plant.does(ResumeProcess(process="called"))
    plant.does(ResolveIncident(incident=incident.key))
    assert plant.engine.incidents(key) == ()
    taken = plant.does(ActivateJobs(type="do-inner", worker="w", limit=9, lease_ns=SECOND))
    assert len(taken.jobs) == 2
