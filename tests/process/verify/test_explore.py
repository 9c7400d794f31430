"""The packed search sees exactly what the plain firing rule sees; published counts are met."""

import pytest
from hypothesis import given, settings

from fabloop.process.cpn.net import Net, integer, list_of
from fabloop.process.verify.explore import Property, explore
from fabloop.process.verify.flat import Limits, fire
from fabloop.process.verify.report import verify_net
from fabloop.process.verify.verdict import LeftOut, Verdict
from process.example_nets import (
    fifo_buffer,
    oven,
    rework,
    ring,
    setup,
    transport,
    two_robots,
    weldcell,
)
from process.verify.test_reduce import flat_nets

LIMIT = 500


def plainly(net):
    """Return markings, arcs, dead markings and fired transitions by the plain rule."""
    start = frozenset((f, n) for f, n in enumerate(net.initial) if n)
    seen, todo, arcs, dead, fired = {start}, [start], 0, 0, set()
    while todo and len(seen) <= LIMIT:
        marking = dict(todo.pop())
        following = [
            (number, after)
            for number, each in enumerate(net.transitions)
            if (after := fire(each, marking)) is not None
        ]
        arcs += len(following)
        dead += not following
        for number, after in following:
            fired.add(number)
            frozen = frozenset(after.items())
            if frozen not in seen:
                seen.add(frozen)
                todo.append(frozen)
    return len(seen), arcs, dead, fired


@settings(max_examples=100, deadline=None)
@given(flat_nets())
def test_the_packed_search_agrees_with_the_plain_rule(net):
    markings, arcs, dead, fired = plainly(net)
    if markings > LIMIT:
        return
    found = explore(net, Limits(markings=2 * LIMIT))
    assert found.complete
    assert (found.markings, found.arcs) == (markings, arcs)
    assert {n for n, each in enumerate(found.fired) if each} == fired
    assert dead or Property.DEADLOCK_FREE not in found.witnesses


@pytest.mark.parametrize(
    ("net", "markings", "arcs"),
    [
        (weldcell(4, 3, 2, 3), 5_680, 20_000),
        (two_robots(), 22, 28),
        (two_robots(ordered=True), 12, 12),
        (fifo_buffer(4, 2), 472, 848),
        (rework(3, 2), 1_088, 3_168),
        (ring(2, 3, two_way=True), 3, 2),
        (transport(3), 458, 1_152),
        (oven("aaabb"), 368, 512),
        (oven("aaabb", flush=False), 78, 100),
        (setup(3), 182, 382),
    ],
    ids=lambda value: getattr(value, "id", value),
)
def test_the_number_of_markings_is_the_known_one(net, markings, arcs):
    report = verify_net(net.compiled(), reduced=False)
    assert (report.markings, report.arcs) == (markings, arcs)
    small = verify_net(net.compiled())
    assert [each.verdict for each in small.findings] == [each.verdict for each in report.findings]


def test_sound_templates_are_released():
    sound = (weldcell(2, 2, 1, 2), fifo_buffer(), rework(), setup(), two_robots(ordered=True))
    for net in (*sound, transport(), oven()):
        assert verify_net(net.compiled()).released, net.id


def test_a_net_without_a_bound_on_its_values_is_unknown():
    report = verify_net(
        rework(2, limited=False).compiled(), limits=Limits(values=200, markings=5_000)
    )
    finding = report.finding(Property.DEADLOCK_FREE)
    assert finding.verdict is Verdict.UNKNOWN
    assert "more than 5000 markings, and by values more than 200 values" in finding.reason
    assert not report.released
    assert (report.markings, report.exhaustive) == (5_000, False)


def test_a_counter_that_grows_is_given_up_after_few_looks():
    net = Net("counter")
    count = net.place("count", int, initial=[0])
    net.transition("more", take={count: "n"}, put={count: "n + 1"})
    limits = Limits(values=500, looks=2_500, markings=1_000)
    report = verify_net(net.compiled(), limits=limits)
    assert not report.exhaustive
    assert "more than 500 values" in report.explored, "every value was looked at more than once"


def test_values_that_are_joined_without_end_are_given_up_by_looks():
    net = Net("pairs")
    left, right = net.place("left", int, initial=[0]), net.place("right", int, initial=[0])
    net.transition("both", take={left: "n", right: "m"}, put={left: "n + 1", right: "n + m"})
    limits = Limits(looks=5_000, markings=100)
    report = verify_net(net.compiled(), limits=limits)
    assert not report.exhaustive
    assert "more than 5000 looks at bindings" in report.explored


def test_lists_that_grow_are_given_up_by_their_parts():
    net = Net("lists")
    line = net.place("line", list_of(int), initial=[[0]])
    net.transition("more", take={line: "q"}, put={line: "q + [len(q)]"})
    report = verify_net(net.compiled(), limits=Limits(looks=10_000, memory=32_000_000))
    assert not report.exhaustive
    assert "more than 1000000 parts of values" in report.explored
    assert "more than 10000 looks at bindings and parts of values" in report.explored


def test_values_that_only_grow_when_nothing_is_taken_away_do_no_harm():
    report = verify_net(fifo_buffer(guarded=False).compiled(), limits=Limits(values=200))
    assert report.released
    assert report.exhaustive


def test_time_is_left_out_and_said_so():
    assert verify_net(weldcell(1, 2, 1, 1).compiled()).left_out == (LeftOut.TIME,)


def test_half_a_batch_waits_for_ever():
    finding = verify_net(oven(flush=False).compiled()).finding(Property.DEADLOCK_FREE)
    assert finding.verdict is Verdict.VIOLATED
    assert "oven=('fill'" in finding.reason


def test_robots_taken_one_by_one_can_block():
    finding = verify_net(two_robots().compiled()).finding(Property.DEADLOCK_FREE)
    assert finding.verdict is Verdict.VIOLATED
    assert finding.counterexample == ("first(o=0, r='R1')", "first(o=1, r='R2')")


def test_a_lane_travelled_both_ways_blocks():
    finding = verify_net(ring(2, 3, two_way=True).compiled()).finding(Property.DEADLOCK_FREE)
    assert finding.verdict is Verdict.VIOLATED


def test_a_net_that_states_no_end_is_not_judged_on_it():
    report = verify_net(ring().compiled())
    assert report.finding(Property.DEADLOCK_FREE).verdict is Verdict.HOLDS
    assert report.finding(Property.OPTION_TO_COMPLETE).verdict is Verdict.UNKNOWN
    assert not report.released


def test_a_place_over_its_capacity_is_found_with_the_shortest_way_there():
    net = Net("full")
    a, b = (
        net.place("a", integer(0, 9), initial=[1, 2, 3]),
        net.place("b", integer(0, 9), capacity=2),
    )
    net.transition("put", take={a: "x"}, put={b: "x"})
    net.final("b == 3")
    finding = verify_net(net.compiled()).finding(Property.CAPACITY)
    assert finding.reason == "more than 2 tokens on 'b'"
    assert len(finding.counterexample) == 3


def test_many_equal_tokens_are_counted():
    net = Net("many")
    a, b = net.place("a", initial=[()] * 60), net.place("b")
    net.transition("t", take={a: "()"}, put={b: "()"})
    net.final("b == 60")
    report = verify_net(net.compiled())
    assert (report.markings, report.released) == (61, True)


def test_a_net_that_only_grows_is_unknown_not_endless():
    net = Net("grows")
    a, b = net.place("a", initial=[()]), net.place("b")
    net.transition("t", take={a: "()"}, put={a: "()", b: "()"})
    net.final("b == 3")
    report = verify_net(net.compiled())
    assert report.finding(Property.OPTION_TO_COMPLETE).verdict is Verdict.UNKNOWN
    assert "tokens on 'b'" in report.finding(Property.OPTION_TO_COMPLETE).reason


def test_a_token_outside_its_colour_is_a_dead_end():
    net = Net("out")
    a = net.place("a", integer(0, 3), initial=[0])
    net.transition("up", take={a: "x"}, put={a: "x + 1"})
    net.final("a == 0")
    finding = verify_net(net.compiled()).finding(Property.DEADLOCK_FREE)
    assert "not of colour" in finding.reason
    assert len(finding.counterexample) == 4
