"""Instances that go on by another definition, with everything in progress."""

import pytest
from msgspec.structs import replace

from fabloop.base.errors import Invalid, NotFound
from fabloop.base.instant import SECOND
from fabloop.process.bpmn.model import BpmnProcess, UserTask
from fabloop.process.commands import (
    CompleteJob,
    Deploy,
    FailJob,
    JobCancelled,
    Migrate,
    MigratedTo,
    PublishMessage,
    TimerFired,
)
from fabloop.process.cpn.model import TransitionWork
from fabloop.process.cpn.net import Net, any_plain
from fabloop.process.definition import DefinitionKey
from process.driver import (
    Plant,
    both,
    flows,
    job,
    message,
    page,
    process,
    script,
    sub,
    timer,
    wait,
    xor,
)
from process.test_pages import station

TWO = DefinitionKey("p", 2)


@pytest.fixture
def plant():
    return Plant()


def migrates(plant, key, target, nodes=None, nets=()):
    """Migrate and check that nothing is lost: as many acts and waiting tokens as before."""
    plant.does(Deploy(process=target, nets=nets))
    command = Migrate(instance=key, target=TWO, nodes=nodes or {})
    plan = plant.engine.plan_migration(command)
    assert plan.faults == ()
    before = count(plant, key)
    assert plan.carried == before
    plant.does(command)
    return before


def count(plant, key):
    frames = plant.engine.instance(key).frames
    return sum(len(frame.acts) + sum(frame.tokens.values()) for frame in frames)


def test_a_running_job_keeps_its_key_and_its_lease(plant):
    key = plant.starts(process(job("a"), job("b"), links=flows("start a b end")))
    (held,) = plant.takes("do-a", "w1")
    assert migrates(plant, key, process(job("a"), job("new"), links=flows("start a new end"))) == 1
    assert count(plant, key) == 1
    plant.does(CompleteJob(job=held.key, epoch=held.epoch))
    assert plant.open_nodes() == ["new"]
    assert plant.told(MigratedTo)[0].target == TWO


def test_a_token_that_waits_at_a_join_waits_on(plant):
    old = process(both("f"), job("a"), job("b"), both("j"), job("z"),
                  links=flows("start f a j", "f b j", "j z end"))  # fmt: skip
    new = process(both("f"), job("a"), job("b"), script("log", "1", "logged"), both("j"), job("z2"),
                  links=flows("start f a j", "f b log j", "j z2 end"))  # fmt: skip
    key = plant.starts(old)
    plant.completes("a")
    migrates(plant, key, new)
    plant.completes("b")
    assert plant.open_nodes() == ["z2"]
    assert plant.engine.instance(key).variables == {"logged": 1}


def test_a_waiting_token_follows_the_flow_out_of_its_mapped_source(plant):
    old = process(both("f"), job("a"), job("b"), both("j"),
                  links=flows("start f a j", "f b j", "j end"))  # fmt: skip
    new = process(both("f"), job("a2"), job("b"), both("k"),
                  links=flows("start f a2 k", "f b k", "k end"))  # fmt: skip
    key = plant.starts(old)
    plant.completes("a")
    migrates(plant, key, new, {"a": "a2", "j": "k"})
    assert plant.engine.instance(key).frames[0].tokens == {"a2-k": 1}


def test_a_join_that_the_target_completes_goes_on_at_once(plant):
    old = process(both("f"), job("a"), job("b"), wait("c", "PT1H"), both("j"), job("z"),
                  links=flows("start f a j", "f b j", "f c j", "j z end"))  # fmt: skip
    new = process(both("f"), job("a"), job("b"), wait("c", "PT1H"), both("j"), job("z"),
                  links=flows("start f a j", "f b j", "f c end", "j z end"))  # fmt: skip
    key = plant.starts(old)
    plant.completes("a")
    plant.completes("b")
    plant.does(Deploy(process=new))
    plant.does(Migrate(instance=key, target=TWO))
    assert plant.open_nodes() == ["z"]


def test_an_open_timer_keeps_its_due_date(plant):
    old = process(job("a"), timer("t", "a", "PT10S"), links=flows("start a end", "t end"))
    new = process(job("a"), timer("t", "a", "PT99S"), job("late"),
                  links=flows("start a end", "t late end"))  # fmt: skip
    key = plant.starts(old)
    plant.passes(4)
    migrates(plant, key, new)
    plant.passes(6)
    assert plant.open_nodes() == ["late"]


def test_a_timer_that_only_the_target_has_starts_with_the_migration(plant):
    old = process(job("a"), timer("old", "a", "PT10S", interrupting=False),
                  links=flows("start a end", "old end"))  # fmt: skip
    new = process(job("a"), timer("old", "a", "PT10S", interrupting=False),
                  timer("new", "a", "PT7S", interrupting=False),
                  links=flows("start a end", "old end", "new end"))  # fmt: skip
    key = plant.starts(old)
    plant.passes(11)
    migrates(plant, key, new)
    plant.passes(100)
    assert [each.node for each in plant.told(TimerFired)] == ["old", "new"]


def test_nodes_map_by_kind_and_name_where_ids_differ(plant):
    old = process(UserTask(id="a", name="Check"), links=flows("start a end"))
    new = process(UserTask(id="x", name="Check"), links=flows("start x end"))
    key = plant.starts(old)
    migrates(plant, key, new)
    assert plant.open_nodes() == ["x"]


def test_subprocesses_messages_and_incidents_move_along(plant):
    def version(inner: str) -> BpmnProcess:
        box = sub("box", both("f"), message("m", "M", '"k"'), wait("w", "PT1H"), job(inner),
                  links=flows(f"box.s f m {inner} box.e", "f w box.e"))  # fmt: skip
        return process(both("g"), box, job("bad"),
                       links=flows("start g box end", "g bad end"))  # fmt: skip

    key = plant.starts(version("one"))
    plant.does(FailJob(job=plant.job("bad").key, retries=0))
    migrates(plant, key, version("two"))
    plant.does(PublishMessage(name="M", correlation_key="k"))
    assert plant.open_nodes() == ["bad", "two"]
    assert plant.engine.definition("p").nodes[plant.engine.incidents()[0].node].id == "bad"


def test_every_reason_against_a_migration_is_named_and_nothing_moves(plant):
    old = process(both("f"), job("a"), job("b"), timer("t", "b", "PT9S"), both("j"), job("c"),
                  links=flows("start f a j", "f b end", "t end", "f c j", "j end"))  # fmt: skip
    new = process(xor("j", default="j-end"), UserTask(id="b"),
                  links=flows("start b j end"))  # fmt: skip
    key = plant.starts(old)
    plant.completes("a")
    plant.does(Deploy(process=new))
    command = Migrate(instance=key, target=TWO, nodes={"ghost": "b", "c": "phantom"})
    with pytest.raises(Invalid) as refusal:
        plant.does(command)
    named = {each.path for each in refusal.value.faults}
    assert named == {"'ghost'", "'phantom'", "'b'", "'c'", "'a-j'"}
    assert plant.open_nodes() == ["b", "c"]


def test_a_timer_without_a_counterpart_is_named(plant):
    old = process(job("a"), timer("t", "a", "PT9S"), links=flows("start a end", "t end"))
    key = plant.starts(old)
    plant.does(Deploy(process=process(job("a"), links=flows("start a end"))))
    plan = plant.engine.plan_migration(Migrate(instance=key, target=TWO))
    assert [each.path for each in plan.faults] == ["'t'"]


def test_nodes_that_are_finished_need_no_counterpart(plant):
    old = process(job("done"), script("gone", "1", "x"), job("a"),
                  links=flows("start done gone a end"))  # fmt: skip
    key = plant.starts(old)
    plant.completes("done")
    assert migrates(plant, key, process(job("a"), links=flows("start a end"))) == 1


def test_a_page_in_progress_moves_with_its_tokens_and_jobs(plant):
    key = plant.starts(
        process(both("f"), page("w1", "n"), page("w2", "n"), both("j"),
                links=flows("start f w1 j", "f w2 j", "j end")), {}, (station("n").document(),),
    )  # fmt: skip
    longer = station("n2")
    longer.place("checked", any_plain)
    (held,) = plant.takes("weld", "cell")
    new = process(both("f"), page("w1", "n2"), page("w2", "n2"), both("j"), job("pack"),
                  links=flows("start f w1 j", "f w2 j", "j pack end"))  # fmt: skip
    migrates(plant, key, new, nets=(longer.document(),))
    plant.does(CompleteJob(job=held.key, epoch=held.epoch))
    plant.completes("w2")
    assert plant.open_nodes() == ["pack"]


def test_a_page_whose_tokens_have_no_place_is_refused(plant):
    key = plant.starts(process(page("w", "n"), links=flows("start w end")), {},
                       (station("n").document(),))  # fmt: skip
    bare = Net("n2")
    inlet, outlet = bare.place("in", any_plain, port="in"), bare.place("out", any_plain, port="out")
    bare.transition("work", take={inlet: "o"}, put={outlet: "o"}, work=TransitionWork(type="x"))
    plant.does(Deploy(process=process(page("w", "n2"), links=flows("start w end")),
                      nets=(bare.document(),)))  # fmt: skip
    plan = plant.engine.plan_migration(Migrate(instance=key, target=TWO))
    assert [each.path for each in plan.faults] == ["'n.robot'"]


def test_a_shared_place_may_go_while_all_its_tokens_are_in_it(plant):
    nets = (station("n").document(),)
    old = process(page("w", "n"), job("pack"), links=flows("start w pack end"))
    key = plant.starts(old, {}, nets)
    plant.does(Deploy(process=process(job("pack"), links=flows("start pack end"))))
    command = Migrate(instance=key, target=TWO)
    taken = [each.path for each in plant.engine.plan_migration(command).faults]
    assert taken == ["'w'"]
    plant.completes("w")
    assert plant.engine.plan_migration(command).faults == ()
    plant.does(command)
    plant.completes("pack")
    assert plant.engine.instance(key).frames == ()


def test_a_lease_runs_out_after_a_migration_as_before(plant):
    key = plant.starts(process(job("a"), links=flows("start a end")))
    plant.takes("do-a", seconds=5)
    due = plant.engine.next_due()
    migrates(plant, key, process(job("a"), job("z"), links=flows("start a z end")))
    assert plant.engine.next_due() == due == plant.now + 5 * SECOND


def test_what_is_restarted_is_cancelled_and_another_node_entered_in_the_same_step(plant):
    key = plant.starts(process(page("a", "n"), links=flows("start a end")), {},
                       (station("n").document(),))  # fmt: skip
    (withdrawn,) = plant.engine.jobs()
    other = process(job("b"), job("a"), links=flows("start b a end"))
    plant.does(Deploy(process=other))
    rows = len(plant.rows)
    plant.does(Migrate(instance=key, target=TWO, restart={"a": "b"}))
    assert len(plant.rows) == rows + 1
    cancelled = [each.job for each in plant.notices if isinstance(each, JobCancelled)]
    assert cancelled == [withdrawn.key]
    assert plant.open_nodes() == ["b"]
    plant.completes("b")
    assert plant.open_nodes() == ["a"]


def test_what_a_restarted_page_held_is_free_again(plant):
    nets = (station("n").document(),)
    old = process(both("f"), page("w1", "n"), page("w2", "n"), both("j"),
                  links=flows("start f w1 j", "f w2 j", "j end"))  # fmt: skip
    key = plant.starts(old, {}, nets)
    before = len(plant.engine.jobs())
    plant.does(Deploy(process=replace(old, version_tag="2"), nets=nets))
    plant.does(Migrate(instance=key, target=TWO, restart={"w1": "w1"}))
    assert len(plant.engine.jobs()) == before
    plant.completes("w2")  # who waited for the robot has it now
    plant.completes("w1")
    assert plant.engine.instance(key).frames == ()


@pytest.mark.parametrize(
    ("restart", "kind", "says"),
    [
        ({"b": "a"}, NotFound, "'b' to be in progress"),
        ({"a": "nowhere"}, Invalid, "a node of the target to enter"),
        ({"a": "inner"}, Invalid, "a node in the same scope"),
    ],
)
def test_a_restart_that_cannot_be_is_refused_and_nothing_is_cancelled(plant, restart, kind, says):
    key = plant.starts(process(job("a"), job("b"), links=flows("start a b end")))
    box = sub("box", job("inner"), links=flows("box.s inner box.e"))
    plant.does(Deploy(process=process(job("a"), box, links=flows("start a box end"))))
    before = plant.engine.jobs()
    with pytest.raises(kind, match=says):
        plant.does(Migrate(instance=key, target=TWO, restart=restart))
    assert plant.engine.jobs() == before
