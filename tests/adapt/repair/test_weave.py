"""Weaving into processes of every construct: sound, migrated, carried out - or refused by name."""

from random import Random

from adapt.repair.bakery import domain
from fabloop.adapt.repair.course import course_of
from fabloop.adapt.repair.domain import Binder, Step
from fabloop.adapt.repair.fragment import fragment_of, task_id
from fabloop.adapt.repair.vet import Vetting
from fabloop.adapt.repair.weave import How, Spot, chains, comes_again, unfit, weave
from fabloop.base.errors import Invalid, NotFound
from fabloop.process.bpmn.model import MultiInstance
from fabloop.process.bpmn.outline import all_nodes
from fabloop.process.commands import (
    ActAt,
    CompleteJob,
    Deploy,
    Migrate,
    Modify,
    Move,
    StartInstance,
)
from fabloop.process.engine import Engine
from process.blocks import built
from process.driver import Plant, call, flows, job, process, sub, xor
from process.generator import BEGIN, CALLED, NET, next_commands, random_block


def two_steps():
    """Return a course of two steps, one after the other."""
    values = {"?b": "b1"}
    binder = Binder(domain())
    steps = (
        Step(action="waste.discard", values=values),
        Step(action="courier.tell", values=values),
    )
    return course_of([binder(each) for each in steps])


def fragment():
    return fragment_of(two_steps(), domain(), "r1", "Repair r1")


NETS = (NET.document(),)


def stands_somewhere(seed):
    """Return an engine, an instance and one of its open jobs; None without jobs."""
    chance = Random(seed)
    drawn = built(random_block(chance, 3))
    engine = Engine()
    for each in (CALLED, drawn):
        engine.handle(Deploy(process=each, nets=NETS), at=BEGIN)
    reply = engine.handle(StartInstance(process=drawn.id, variables={"n": 3}), at=BEGIN).reply
    for _ in range(chance.randrange(4)):
        commands = [e for e in next_commands(engine) if isinstance(e, CompleteJob)]
        if not commands:
            break
        engine.handle(chance.choice(commands), at=BEGIN)
    known = {each.id for each in all_nodes(drawn)}
    jobs = [e for e in engine.jobs(instance=reply.instance) if e.node in known]
    if not jobs:
        return None
    return engine, reply.instance, drawn, chance.choice(jobs)


def tries_to_repair(seed):
    """Return why the process of a seed is not repaired; empty where it is, None without jobs."""
    found = stands_somewhere(seed)
    if found is None:
        return None
    engine, instance, drawn, at = found
    spot = Spot(how=How.BEFORE, nodes=(at.node,))
    against = unfit(drawn, spot)
    if against:
        return against
    woven = weave(drawn, fragment(), spot, act=at.key)
    against = Vetting(drawn, NETS).vet(woven.process).against
    if against:
        return against
    others = {e.key for e in engine.jobs(instance=instance)} - {at.key}
    with engine.trial(at=BEGIN) as tries:
        target = tries(Deploy(process=woven.process, nets=NETS)).key
        try:
            tries(Migrate(instance=instance, target=target, restart=woven.restart))
        except (Invalid, NotFound) as refusal:
            return str(refusal)
        assert woven.move is not None
        moved = (Move(spot=ActAt(key=woven.move[0]), node=woven.move[1]),)
        tries(Modify(instance=instance, move=moved))
        assert {e.key for e in engine.jobs(instance=instance)} >= others, "others are left alone"
        for number in range(2):
            (view,) = [e for e in engine.jobs() if e.node == task_id("r1", number)]
            tries(CompleteJob(job=view.key))
        fresh = [e for e in engine.jobs(instance=instance) if e.key not in others]
        assert [e.node.startswith(at.node) for e in fresh] == [True], "its listeners come first"
    return ""


def test_whatever_the_process_it_is_repaired_or_refused_by_name():
    told = [each for each in map(tries_to_repair, range(200)) if each is not None]
    assert all(not each or "Expected" in each or "is not sound" in each for each in told)
    assert len(told) > 30
    assert told.count("") > 0.7 * len(told), told


def in_rounds():
    """Return a process that bakes three batches at once, each in a sub-process."""
    inner = sub(
        "batch", job("top"), links=flows("batch.s top batch.e"), loop=MultiInstance(cardinality="3")
    )
    return process(inner, links=flows("start batch end"))


def test_only_the_round_that_went_wrong_is_repaired():
    plant = Plant()
    drawn = in_rounds()
    plant.starts(drawn)
    first, *others = [each.key for each in plant.engine.jobs()]
    woven = weave(drawn, fragment(), Spot(how=How.BEFORE, nodes=("top",)), act=first)
    target = plant.does(Deploy(process=woven.process)).key
    plant.does(Migrate(instance=1, target=target, restart=woven.restart))
    act, node = woven.move
    plant.does(Modify(instance=1, move=(Move(spot=ActAt(key=act), node=node),)))
    assert plant.open_nodes() == ["r1-1", "r1-2", "top", "top"]
    assert set(others) < {each.key for each in plant.engine.jobs()}
    plant.completes("r1-1")
    plant.completes("r1-2")
    assert plant.open_nodes() == ["top"] * 3


def test_rounds_are_not_interrupted_as_a_whole():
    drawn = process(job("bake", loop=MultiInstance(cardinality="3")), links=flows("start bake end"))
    assert "its other rounds" in unfit(drawn, Spot(how=How.BEFORE, nodes=("bake",)))
    assert unfit(drawn, Spot(how=How.BESIDE, nodes=("bake",))) == ""


def test_what_is_reached_again_is_not_replaced():
    looping = process(
        job("bake"), xor("more"), links=flows("start bake more end", "more bake: again")
    )
    assert comes_again(looping, "bake")
    assert "reached again" in unfit(looping, Spot(how=How.INSTEAD, nodes=("bake",)))
    assert unfit(looping, Spot(how=How.BEFORE, nodes=("bake",))) == ""


def test_further_rounds_of_a_loop_pass_the_repair_by():
    plant = Plant()
    looping = process(
        job("bake"),
        xor("more", default="more-end"),
        links=flows("start bake more end", "more bake: again"),
    )
    plant.starts(looping, {"again": True})
    woven = weave(looping, fragment(), Spot(how=How.BEFORE, nodes=("bake",)))
    assert Vetting(looping).vet(woven.process).against == ""
    target = plant.does(Deploy(process=woven.process)).key
    plant.does(Migrate(instance=1, target=target, restart=woven.restart))
    plant.completes("r1-1")
    plant.completes("r1-2")
    plant.completes("bake")
    assert plant.open_nodes() == ["bake"]


def test_rows_end_where_ways_part_meet_or_may_be_left():
    drawn = process(
        job("a"), job("b"), job("c"), xor("x"), links=flows("start a b c x end", "x b: again")
    )
    assert chains(drawn, "a") == (("a",),)
    assert chains(drawn, "c") == (("c",),)
    straight = process(job("a"), job("b"), links=flows("start a b end"))
    assert chains(straight, "a") == (("a",), ("a", "b"))


def test_a_process_that_calls_what_was_deployed_with_it_is_not_changed():
    drawn = process(job("a"), call("c", "other", together=True), links=flows("start a c end"))
    assert "Name a version" in unfit(drawn, Spot(how=How.BEFORE, nodes=("a",)))
