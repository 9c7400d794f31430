"""A counterexample is a run of the net itself, by the code that runs and simulates it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.instant import Instant
from fabloop.process.cpn.net import Net, integer, product
from fabloop.process.verify.explore import Property
from fabloop.process.verify.flat import Limits
from fabloop.process.verify.report import verify_net
from fabloop.process.verify.verdict import Verdict
from process.example_nets import fifo_buffer, oven, ring, two_robots, weldcell

LATE = Instant(2**62)
"""By then every token is ready: what is verified leaves time out."""


def told(binding, label):
    return all(f"{name}={value!r:.40}" in label for name, value in binding.variables.items())


def after(net, steps):
    """Return the marking after steps, each found among what the net's own code may fire."""
    marking = net.initial_marking()
    for label in steps:
        transition = next(each for each in net.transitions if each.name == label.split("(")[0])
        binding = next(b for b in transition.bindings(marking, LATE) if told(b, label))
        for place, value, ready_at in binding.consumed:
            marking[place].remove(value, ready_at)
        for place, value, ready_at in transition.produce(binding, {}, Instant(0)):
            marking[place].add(value, ready_at)
    return marking


def check(net, **options):
    """Replay every counterexample and look whether it ends in what it tells."""
    report = verify_net(net, limits=Limits(markings=2_000), **options)
    for finding in report.findings:
        if finding.verdict is not Verdict.VIOLATED or not finding.counterexample:
            continue
        marking = after(net, finding.counterexample)
        if finding.property is Property.DEADLOCK_FREE:
            assert not any(list(t.bindings(marking, LATE)) for t in net.transitions)
        if finding.property is Property.CAPACITY:
            held = zip(net.places, marking, strict=True)
            assert any(p.capacity is not None and len(bag) > p.capacity for p, bag in held)
    return report


@pytest.mark.parametrize(
    "net",
    [two_robots(2), two_robots(4), ring(2, two_way=True), oven(flush=False)],
    ids=lambda net: net.id,
)
def test_the_deadlocks_of_faulty_stations_are_replayed(net):
    report = check(net.compiled())
    assert report.finding(Property.DEADLOCK_FREE).counterexample


def test_a_way_found_without_telling_orders_apart_names_them():
    net = weldcell(20, 1, 2, 3).compiled()
    report = check(net, counted=True)
    assert "20 tokens on 'todo'" in report.explored
    path = report.finding(Property.DEADLOCK_FREE).counterexample
    assert len({label for label in path if label.startswith("pick(")}) == 3


def test_a_buffer_without_its_guard_is_filled_beyond_its_capacity():
    assert check(fifo_buffer(3, guarded=False).compiled()).markings


@st.composite
def stations(draw):
    """Draw stations that share a few tools; orders may be alike or told apart by guards."""
    net = Net("random")
    order, tool = integer(0, 99), integer(0, 98)
    free = net.place("free", tool, initial=range(draw(st.integers(1, 3))))
    steps = draw(st.integers(1, 3))
    places = [net.place(f"p{n}", order, capacity=draw(st.sampled_from([None, 1, 2])))
              for n in range(steps)]  # fmt: skip
    source = net.place("source", order, initial=range(draw(st.integers(1, 4))))
    held = [net.place(f"held{n}", product(order, tool)) for n in range(steps)]
    guards = st.sampled_from(["", "", "o != 1", "v > 0", "o >= v"])
    for n, (here, busy) in enumerate(zip([source, *places], held, strict=False)):
        net.transition(f"take{n}", take={here: "o", free: "v"}, put={busy: "(o, v)"},
                       when=draw(guards))  # fmt: skip
        back = {places[n]: "o"} | ({free: "v"} if draw(st.integers(0, 3)) else {})
        net.transition(f"give{n}", take={busy: "(o, v)"}, put=back)
    net.final(f"p{steps - 1} > 0")
    return net.compiled()


@settings(max_examples=100, deadline=None)
@given(stations(), st.booleans(), st.booleans())
def test_counterexamples_of_random_stations_are_replayed(net, reduced, counted):
    report = check(net, reduced=reduced, counted=counted)
    plain = verify_net(net, limits=Limits(markings=2_000), reduced=False)
    if report.exhaustive and plain.exhaustive:
        assert [f.verdict for f in report.findings] == [f.verdict for f in plain.findings]
        for finding in report.findings if counted or not reduced else ():
            shortest = plain.finding(finding.property).counterexample
            assert len(finding.counterexample) == len(shortest)
        if counted:
            assert (report.markings, report.arcs) == (plain.markings, plain.arcs)
            assert report.bounds == plain.bounds
