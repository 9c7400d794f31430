"""What the rest of a process needs: conditions carried back through every construct."""

import pytest

from adapt.repair.bakery import action, so
from fabloop.adapt.repair.domain import Binder, Domain, Step
from fabloop.adapt.repair.reality import said
from fabloop.adapt.repair.remaining import Need, Place, concerned, endangered, needs_at
from fabloop.model.service import Relation
from process.driver import both, flows, job, process, sub, timer, xor

# Nodes are named by what they do: each requires ``need-NODE`` and brings about ``done-NODE``.


def work(*nodes, **requires):
    """Return the work of nodes; a keyword gives what a node requires instead."""
    made = {}
    for node in (*nodes, *requires):
        conditions = requires.get(node, [so(f"need-{node}")])
        made[node] = action(f"x.{node}", {}, conditions, [so(f"done-{node}")])
    binder = Binder(Domain(things=(), actions=tuple(made.values())))
    return {node: binder(Step(action=each.name)) for node, each in made.items()}


def needed(process, done, *places, goals=()):
    found = needs_at(process, tuple(Place(node=each) for each in places), done, goals)
    return {(each.condition.fluent, each.node) for each in found}


def test_what_an_earlier_task_brings_about_is_no_need():
    drawn = process(job("a"), job("b"), links=flows("start a b end"))
    done = work("a", b=[so("done-a"), so("other")])
    assert needed(drawn, done, "a") == {("need-a", "a"), ("other", "b")}
    assert needed(drawn, done, "b") == {("done-a", "b"), ("other", "b")}


def test_of_a_choice_what_any_way_needs_is_needed():
    drawn = process(
        xor("x", default="x-b"), job("a"), job("b"),
        links=flows("start x", "x a end: n > 1", "x b end"),
    )  # fmt: skip
    assert needed(drawn, work("a", "b"), "x") == {("need-a", "a"), ("need-b", "b")}


def fork():
    return process(
        both("f"), job("a"), job("b"), both("j"), job("c"),
        links=flows("start f a j c end", "f b j"),
    )  # fmt: skip


def test_what_a_parallel_branch_brings_about_is_not_needed_beforehand():
    done = work("a", "b", c=[so("done-a"), so("done-b"), so("more")])
    assert needed(fork(), done, "f") == {("need-a", "a"), ("need-b", "b"), ("more", "c")}
    assert needed(fork(), done, "a", "b") == {("need-a", "a"), ("need-b", "b"), ("more", "c")}


def test_a_branch_that_is_over_brings_nothing_about_any_more():
    done = work("a", "b", c=[so("done-a"), so("done-b")])
    found = needs_at(fork(), (Place(node="a"), Place(flow="b-j")), done)
    assert {(e.condition.fluent, e.node) for e in found} == {("need-a", "a"), ("done-b", "c")}


def test_a_loop_needs_what_any_round_needs():
    drawn = process(
        job("a"), job("b"), xor("x", default="x-end"),
        links=flows("start a b x end", "x a: again"),
    )  # fmt: skip
    done = work("b", a=[so("done-b")])
    assert needed(drawn, done, "b") == {("need-b", "b")}
    assert needed(drawn, done, "a") == {("done-b", "a"), ("need-b", "b")}


def test_sub_processes_and_events_on_them_are_looked_into():
    drawn = process(
        sub("s", job("a"), job("b"), links=flows("s.s a b s.e")),
        timer("t", "s", "PT1S"),
        job("c"),
        job("late"),
        links=flows("start s c end", "t late end"),
    )
    done = work("a", "b", "late", c=[so("done-b"), so("more")])
    assert needed(drawn, done, "s") == {
        ("need-a", "a"), ("need-b", "b"), ("more", "c"), ("need-late", "late"),
    }  # fmt: skip
    assert needed(drawn, done, "b") == {("need-b", "b"), ("more", "c")}


def test_what_goes_on_needs_what_it_does_not_change_until_its_end():
    drawn = process(job("a"), links=flows("start a end"))
    eats = action("x.a", {}, [so("dough"), so("hot")], [so("dough", value=False), so("baked")])
    done = {"a": Binder(Domain(things=(), actions=(eats,)))(Step(action="x.a"))}
    anew = needs_at(drawn, (Place(node="a"),), done)
    going = needs_at(drawn, (Place(node="a", again=False),), done)
    assert {e.condition.fluent for e in anew} == {"dough", "hot"}
    assert {e.condition.fluent for e in going} == {"hot"}


@pytest.mark.parametrize(("effect", "before"), [(Relation.MORE, 3), (Relation.LESS, 7)])
def test_what_is_counted_on_the_way_has_to_be_so_much_less_or_more_beforehand(effect, before):
    drawn = process(job("a"), job("b"), links=flows("start a b end"))
    counts = action("x.a", {}, [], [so("flour", value=2, relation=effect)])
    takes = action("x.b", {}, [so("flour", value=5, relation=Relation.AT_LEAST)], [so("made")])
    binder = Binder(Domain(things=(), actions=(counts, takes)))
    done = {node: binder(Step(action=f"x.{node}")) for node in "ab"}
    (need,) = needs_at(drawn, (Place(node="a"),), done)
    assert said(need.condition) == f"flour >= {before}"


def test_goals_are_needed_unless_the_rest_brings_them_about():
    drawn = process(job("a"), links=flows("start a end"))
    goals = (so("done-a"), so("told"))
    assert needed(drawn, work("a"), "a", goals=goals) == {("need-a", "a"), ("told", "")}


def test_only_needs_that_reality_does_not_meet_are_in_danger():
    needs = [Need(so("hot"), "a"), Need(so("cold"), "b"), Need(so("flour", value=2), "c")]
    assert [each.node for each in endangered(needs, {("hot",): True})] == ["b", "c"]
    assert concerned(needs, [("cold",)])
    assert not concerned(needs, [("wet",)])
