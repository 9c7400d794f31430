"""Transitions find exactly the bindings that the inscriptions allow, oldest tokens first."""

from hypothesis import given
from hypothesis import strategies as st

from fabloop.process.cpn.bag import Bag
from fabloop.process.cpn.model import TransitionWork
from fabloop.process.cpn.net import Net, any_plain, integer, list_of, product, record, times
from fabloop.process.cpn.token import freeze

SMALL = integer(0, 9)
PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=5)


def only(net):
    (transition,) = net.compiled().transitions
    return transition


def bags(*places):
    return [Bag((freeze(value), 0) for value in place) for place in places]


@given(PAIRS, PAIRS, st.lists(st.integers(0, 3), max_size=4))
def test_a_join_finds_what_trying_everything_finds(left, right, keys):
    net = Net("join")
    a, b = net.place("a", product(SMALL, SMALL)), net.place("b", product(SMALL, SMALL))
    c = net.place("c", SMALL)
    net.transition("t", take={a: "(x, y)", b: "(y, z)", c: ("z", "w")}, when="w >= x and x != 3")
    tried = {
        (x, y, z, keys[j])
        for x, y in left
        for other, z in right
        for i in range(len(keys))
        for j in range(len(keys))
        if other == y and i != j and keys[i] == z and keys[j] >= x and x != 3
    }
    transition, marking = only(net), bags(left, right, keys)
    found = [tuple(b.variables[n] for n in "xyzw") for b in transition.bindings(marking, 0)]
    assert sorted(found) == sorted(tried)
    first = transition.find(marking, 0)
    assert (first is None) == (not tried)
    assert first is None or first == next(transition.bindings(marking, 0))


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), max_size=5),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), max_size=5),
)
def test_ready_at_is_the_first_instant_with_a_binding(left, right):
    net = Net("wait")
    a, b = net.place("a", SMALL, timed=True), net.place("b", SMALL, timed=True)
    net.transition("t", take={a: "x", b: "x"})
    transition, marking = only(net), [Bag(left), Bag(right)]
    instants = [now for now in range(11) if transition.find(marking, now) is not None]
    assert transition.ready_at(marking) == (instants[0] if instants else None)


@given(st.lists(st.integers(0, 2), max_size=8), st.integers(1, 4))
def test_a_coefficient_takes_so_many_equal_tokens(tokens, count):
    net = Net("batch")
    a = net.place("a", SMALL)
    net.transition("t", take={a: (times(count, "x"), "y")})
    found = {tuple(b.variables.values()) for b in only(net).bindings(bags(tokens), 0)}
    assert found == {
        (x, y)
        for x in set(tokens)
        for y in set(tokens)
        if tokens.count(x) >= count + (x == y)
    }  # fmt: skip


def test_a_token_is_not_taken_before_it_is_ready():
    net = Net("wait")
    a = net.place("a", SMALL, timed=True)
    net.transition("t", take={a: "x"})
    marking = [Bag([(1, 10), (2, 5)])]
    assert only(net).find(marking, 4) is None
    assert only(net).find(marking, 7).consumed == ((0, 2, 5),)
    assert only(net).find(marking, 20).consumed == ((0, 2, 5),)


def test_patterns_take_lists_records_and_free_data_apart():
    net = Net("patterns")
    queue = net.place("queue", list_of(SMALL))
    robot = net.place("robot", record(id=SMALL, skill=str))
    note = net.place("note", any_plain)
    net.transition(
        "t",
        take={queue: "[head, *_, last]", robot: "{'skill': 'W', 'id': i}", note: "{'n': [a, b]}"},
        when="total == a + b and total > i",
    )
    marking = bags(
        [(1,), (1, 2, 3)],
        [{"id": 1, "skill": "A"}, {"id": 2, "skill": "W"}],
        [7, {"n": (1,)}, {"n": (1, 1)}, {"m": 1, "n": (4, 5)}],
    )
    (binding,) = only(net).bindings(marking, 0)
    assert binding.variables == {"head": 1, "last": 3, "i": 2, "a": 4, "b": 5, "total": 9}


def test_work_merges_its_result_into_the_token():
    net = Net("work")
    part = net.colour("Part", record(further=True, id=SMALL))
    a = net.place("a", part, initial=[{"id": 1}])
    b = net.place("b", part, timed=True)
    net.transition("t", take={a: "p"}, put={b: times("2 if result.ok else 0", "merge(p, result)")},
                   work=TransitionWork(type="weld"), delay="p.id * 40")  # fmt: skip
    transition = only(net)
    binding = transition.find(net.compiled().initial_marking(), 0)
    assert transition.duration(binding) == 40
    token = {"id": 1, "ok": True, "force_n": 4.5}
    result = {"ok": True, "force_n": 4.5}
    assert transition.produce(binding, result, 7) == ((1, token, 7),) * 2
    assert transition.produce(binding, {"ok": False}, 7) == ()


def test_delays_of_transition_and_arc_add_up():
    net = Net("delay")
    a = net.place("a", SMALL, initial=[3])
    b, c = net.place("b", SMALL, timed=True), net.place("c", SMALL)
    net.transition("t", take={a: "x"}, put={b: times(1, "x", delay="x"), c: "x"}, delay="10 * x")
    transition = only(net)
    binding = transition.find(net.compiled().initial_marking(), 0)
    assert transition.produce(binding, {}, 100) == ((1, 3, 133), (2, 3, 0))
