"""Queues planned anew: what is late goes ahead, and nobody else pays for it."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from fabloop.adapt.resequence import Line, NoLine, Waiting, in_turn, resequenced
from fabloop.base.instant import MINUTE, Instant

SECONDS = 0.5


def load(name, due, *, ready=0, takes=30, machines=("oven",)):
    return Waiting(
        name=name,
        ready_at=Instant(ready * MINUTE),
        deadline=Instant(due * MINUTE),
        takes_ns=dict.fromkeys(machines, takes * MINUTE),
    )


FREE = {"oven": Instant(0)}


def test_the_late_one_goes_ahead_of_just_so_many():
    waiting = [load("a", 200), load("b", 200), load("c", 70)]
    line = resequenced(waiting, FREE, "c", SECONDS)
    assert [each.name for each in line.slots] == ["a", "c", "b"]
    assert not line.late_ns


def test_where_going_ahead_is_not_enough_everything_is_planned_anew():
    waiting = [load("a", 60), load("b", 200), load("c", 95), load("d", 90)]
    line = resequenced(waiting, FREE, "d", SECONDS)
    assert isinstance(line, Line)
    assert not line.late_ns


def test_that_no_order_helps_is_proven():
    waiting = [load("a", 30), load("b", 30)]
    line = resequenced(waiting, FREE, "b", SECONDS)
    assert line == NoLine(why="no order of the 2 that wait keeps it in time", proven=True)


def test_a_second_oven_takes_what_it_can_do_sooner():
    free = {"oven": Instant(50 * MINUTE), "small": Instant(0)}
    line = in_turn([load("a", 99, machines=("oven", "small")), load("b", 99)], free)
    assert [(each.name, each.machine) for each in line.slots] == [("a", "small"), ("b", "oven")]


LOADS = st.lists(
    st.tuples(st.integers(20, 200), st.integers(0, 60), st.integers(10, 40)), min_size=2, max_size=5
)


@given(LOADS)
def test_whatever_helps_harms_nobody_and_what_is_proven_holds_for_every_order(given_loads):
    waiting = [
        load(f"w{number}", due, ready=ready, takes=takes)
        for number, (due, ready, takes) in enumerate(given_loads)
    ]
    usual = in_turn(waiting, FREE)
    late = waiting[-1].name
    if late not in usual.late_ns:
        return
    found = resequenced(waiting, FREE, late, SECONDS)
    if isinstance(found, Line):
        assert late not in found.late_ns
        assert all(ns <= usual.late_ns[name] for name, ns in found.late_ns.items())
    elif found.proven:
        assert all(in_turn(each, FREE).late_ns for each in permutations(waiting))
