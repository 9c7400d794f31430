"""Batches do the same to many instances: each wholly or not at all, in steps, with a rehearsal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Conflict, Invalid, NotFound
from fabloop.process.commands import CompleteJob, Deploy, FailJob, InstanceState, StartInstance
from fabloop.process.definition import DefinitionKey
from fabloop.process.operations import (
    AdvanceBatch,
    BatchState,
    CancelEach,
    ContinueBatch,
    MigrateEach,
    ModifyEach,
    PauseBatch,
    ResolveEach,
    ResumeEach,
    Selection,
    SetEach,
    StartBatch,
    StopBatch,
    SuspendEach,
)
from process.driver import Plant, both, call, flows, job, process

SHOP = process(job("a"), job("b"), links=flows("start a b end"))


@pytest.fixture
def plant():
    return Plant()


def shop(plant, count=5):
    return [plant.starts(SHOP, {"n": number}) for number in range(count)]


def begun(plant, action, where=None):
    return plant.does(StartBatch(action=action, where=where or Selection())).batch


def done(plant, action, where=None, limit=2):
    key = begun(plant, action, where)
    while plant.engine.batch(key).state is BatchState.RUNNING:
        plant.does(AdvanceBatch(batch=key, limit=limit))
    return plant.engine.batch(key)


def test_each_selected_instance_is_cancelled_in_steps(plant):
    keys = shop(plant)
    batch = begun(plant, CancelEach())
    reply = plant.does(AdvanceBatch(batch=batch, limit=2))
    assert (reply.done, reply.left, reply.state) == (2, 3, BatchState.RUNNING)
    assert plant.engine.instances() == tuple(keys[2:])
    reply = plant.does(AdvanceBatch(batch=batch, limit=10))
    assert (reply.done, reply.failed, reply.left) == (5, 0, 0)
    assert reply.state is BatchState.FINISHED
    assert {plant.ended(key) for key in keys} == {InstanceState.CANCELLED}


def test_who_comes_later_is_not_in_it_and_who_is_gone_is_told(plant):
    keys = shop(plant, 2)
    batch = begun(plant, CancelEach())
    later = plant.starts(SHOP)
    for node in ("a", "b"):
        for each in plant.takes(f"do-{node}"):
            if each.instance == keys[0]:
                plant.does(CompleteJob(job=each.key, epoch=each.epoch))
    plant.does(AdvanceBatch(batch=batch))
    found = plant.engine.batch(batch)
    assert [each.instance for each in found.failures] == [keys[0]]
    assert "it is completed" in found.failures[0].reason
    assert plant.engine.instances() == (later,)


def test_an_instance_to_which_it_cannot_be_done_keeps_all_it_had(plant):
    keys = shop(plant, 3)
    plant.does(Deploy(process=SHOP))
    (job_of_second,) = [each for each in plant.engine.jobs() if each.instance == keys[1]]
    plant.does(CompleteJob(job=job_of_second.key))
    before = plant.engine.instance(keys[1])
    found = done(plant, ModifyEach(activate=("b",), move=(("a", "b"),)))
    assert [each.instance for each in found.failures] == [keys[1]]
    assert plant.engine.instance(keys[1]) == before
    assert plant.at_nodes(keys[0]) == plant.at_nodes(keys[2]) == ["b", "b"]


def test_half_of_a_change_is_undone_where_the_other_half_is_refused(plant):
    (key,) = shop(plant, 1)
    found = done(plant, ModifyEach(move=(("a", "b"),), activate=("nowhere",)))
    assert found.failed == 1
    assert plant.at_nodes(key) == ["a"]


def test_tokens_that_wait_on_a_flow_can_be_moved_and_taken(plant):
    p = process(both("f"), job("a"), job("b"), both("j"), job("c"),
                links=flows("start f a j c end", "f b j"))  # fmt: skip
    keys = [plant.starts(p), plant.starts(p)]
    for each in plant.takes("do-a"):
        plant.does(CompleteJob(job=each.key, epoch=each.epoch))
    assert done(plant, ModifyEach(move=(("a-j", "a"),))).failed == 0
    assert [plant.at_nodes(key) for key in keys] == [["a", "b"], ["a", "b"]]
    for each in plant.takes("do-a"):
        plant.does(CompleteJob(job=each.key, epoch=each.epoch))
    done(plant, ModifyEach(cancel=("a-j", "b")))
    assert plant.engine.instances() == ()


def test_incidents_of_one_kind_are_tried_again(plant):
    shop(plant, 3)
    for each in plant.takes("do-a"):
        plant.does(FailJob(job=each.key, retries=0, message="worn", epoch=each.epoch))
    assert len(plant.engine.incidents()) == 3
    kind = plant.engine.incidents()[0].kind
    found = done(plant, ResolveEach(retries=2), Selection(incident=kind))
    assert (found.position, found.failed) == (3, 0)
    assert plant.engine.incidents() == ()
    assert {each.retries for each in plant.takes("do-a")} == {2}


def test_a_migration_in_batch_is_rehearsed_before_and_tells_whom_it_would_refuse(plant):
    keys = shop(plant, 3)
    plant.does(Deploy(process=process(job("b"), links=flows("start b end"))))
    plant.does(CompleteJob(job=plant.engine.jobs(instance=keys[1])[0].key))
    action = MigrateEach(target=DefinitionKey("p", 2))
    refused = plant.engine.rehearse_batch(action, keys, at=plant.now)
    assert plant.engine.state == plant.replica.state
    assert [each.instance for each in refused] == [keys[0], keys[2]]
    assert "a node to go on at" in refused[0].reason
    found = done(plant, action)
    assert [each.instance for each in found.failures] == [keys[0], keys[2]]
    assert plant.engine.instance(keys[1]).definition.version == 2


def test_a_rehearsal_says_what_the_batch_will_do_and_changes_nothing(plant):
    shop(plant, 4)
    plant.does(StartInstance(process="p", business_key="mine"))
    for action in (CancelEach(), SuspendEach(), ResumeEach(), ModifyEach(cancel=("b",))):
        targets = plant.engine.selected(Selection(), action)
        expected = plant.engine.rehearse_batch(action, targets, at=plant.now)
        assert plant.engine.state == plant.replica.state
        assert plant.engine.next_due() == plant.replica.next_due()
    assert len(expected) == 5
    assert done(plant, ModifyEach(cancel=("b",))).failures == expected


def test_variables_suspension_and_resumption_reach_each(plant):
    keys = shop(plant, 3)
    done(plant, SetEach(variables={"hot": True}))
    assert all(plant.engine.instance(key).variables["hot"] for key in keys)
    done(plant, SuspendEach(), Selection(instances=(keys[0], keys[2])))
    assert [each.instance for each in plant.takes("do-a")] == [keys[1]]
    done(plant, ResumeEach(), Selection(suspended=True))
    assert len(plant.takes("do-a")) == 2


def test_a_selection_narrows_by_each_of_its_fields(plant):
    keys = shop(plant, 2)
    other = plant.starts(process(call("c", "p"), links=flows("start c end"), id="caller"))
    child = plant.engine.instance(other).frames[0].acts[0].called
    mine = plant.does(StartInstance(process="p", business_key="mine")).instance
    select = plant.engine.selected
    assert select(Selection()) == (*keys, other, child, mine)
    assert select(Selection(), CancelEach()) == (*keys, other, mine)
    assert select(Selection(process="caller")) == (other,)
    assert select(Selection(business_key="mine")) == (mine,)
    assert select(Selection(node="c")) == (other,)
    assert select(Selection(version=2)) == ()
    assert select(Selection(incident="*")) == ()
    assert select(Selection(instances=(mine, 12345))) == (mine,)


def test_a_paused_batch_stands_still_and_a_stopped_one_has_ended(plant):
    shop(plant, 4)
    batch = begun(plant, CancelEach())
    plant.does(AdvanceBatch(batch=batch, limit=1))
    plant.does(PauseBatch(batch=batch))
    assert plant.does(AdvanceBatch(batch=batch)).state is BatchState.PAUSED
    assert len(plant.engine.instances()) == 3
    plant.does(ContinueBatch(batch=batch))
    plant.does(AdvanceBatch(batch=batch, limit=1))
    plant.does(StopBatch(batch=batch))
    assert plant.does(AdvanceBatch(batch=batch)).left == 2
    assert len(plant.engine.instances()) == 2
    for command in (PauseBatch, ContinueBatch, StopBatch):
        with pytest.raises(Conflict, match="it is stopped"):
            plant.does(command(batch=batch))


def test_a_batch_over_nobody_has_ended_at_once(plant):
    assert done(plant, CancelEach()).state is BatchState.FINISHED


def test_a_batch_request_that_is_sent_again_starts_no_second_one(plant):
    shop(plant, 2)
    first = plant.does(StartBatch(action=CancelEach()), request="r")
    assert plant.does(StartBatch(action=CancelEach()), request="r") == first
    assert len(plant.engine.batches()) == 1


@pytest.mark.parametrize("limit", [0, 1_001])
def test_a_step_has_its_limits(plant, limit):
    batch = begun(plant, CancelEach())
    with pytest.raises(Invalid):
        plant.does(AdvanceBatch(batch=batch, limit=limit))


def test_what_is_unknown_is_refused_before_anything_happens(plant):
    with pytest.raises(NotFound):
        plant.does(AdvanceBatch(batch=7))
    with pytest.raises(NotFound):
        plant.does(StartBatch(action=MigrateEach(target=DefinitionKey("p", 9))))


@given(st.lists(st.sampled_from(["a", "b", "nowhere"]), max_size=4), st.integers(1, 4))
def test_steps_of_any_size_lead_to_the_same_end(nodes, limit):
    ends = []
    for step in (limit, 1_000):
        plant = Plant()
        shop(plant, 3)
        found = done(plant, ModifyEach(activate=tuple(nodes)), limit=step)
        ends.append((found.failed, [plant.at_nodes(key) for key in plant.engine.instances()]))
    assert ends[0] == ends[1]
