"""Nets written in Python: colours, multisets, choices, inhibitors and pages."""

import pytest

from fabloop.base.codec import to_json
from fabloop.base.errors import Invalid
from fabloop.process.cpn.document import compile_net, read_net
from fabloop.process.cpn.net import (
    Net,
    each,
    enum,
    integer,
    list_of,
    product,
    subset,
    timed,
    union,
    unit,
)
from fabloop.process.cpn.pnml import read_pnml
from fabloop.process.cpn.pnml_write import write_pnml
from fabloop.process.cpn.simulate import simulate
from fabloop.process.cpn.space import reach
from fabloop.process.verify.report import verify_net


def values(net: Net, place: str) -> list[object]:
    """What stands on a place at the end; the document goes through JSON first."""
    compiled = compile_net(read_net(to_json(net.document())))
    ended = simulate(compiled, until_ns=10**9, firings_max=1_000)
    return sorted(ended.marking[compiled.place_number(place)].values, key=repr)


def test_a_union_is_made_and_matched_by_its_cases():
    net = Net("mail")
    message = net.colour("Message", union(Data=product(int, str), Stop=None))
    box = net.place("box", message, initial=[("Data", (1, "x")), "Stop"])
    read, echoed = net.place("read", str), net.place("echoed", message)
    net.transition("read", take={box: "Data((n, s))"}, put={read: "s", echoed: "Data((n + 1, s))"})
    assert values(net, "read") == ["x"]
    assert values(net, "echoed") == [("Data", (2, "x"))]
    assert values(net, "box") == ["Stop"]


def test_a_subset_admits_what_it_lists_or_what_its_condition_says():
    net = Net("even")
    even = net.colour("Even", subset(integer(0, 9), when="value % 2 == 0"))
    low = net.colour("Low", subset(int, 1, 2, 3))
    net.place("a", even, initial=[4])
    net.place("b", low, initial=[3])
    assert net.check() == ()
    net.place("c", even, initial=[3])
    net.place("d", low, initial=[4])
    assert [fault.path for fault in net.check()] == ["place c, initial", "place d, initial"]


def test_a_timed_colour_makes_its_places_timed():
    net = Net("oven")
    part = net.colour("Part", timed(int))
    wait, hot = net.place("wait", part, initial=[1]), net.place("hot", part)
    done = net.place("done", int)
    net.transition("bake", take={wait: "p"}, put={hot: "p"}, delay=60)
    net.transition("out", take={hot: "p"}, put={done: "p"})
    assert net.simulate(until_ns=100, seed=None).at == 60


def test_arcs_take_and_put_as_many_tokens_as_a_list_has():
    net = Net("kit")
    box = net.place("box", list_of(int), initial=[(1, 2, 2)])
    parts, kits = net.place("parts", int, initial=[9, 9, 9]), net.place("kits", int)
    loose = net.place("loose", int)
    net.transition(
        "unpack", take={box: "b", parts: each("[9, 9] if len(b) > 2 else []")},
        put={kits: "len(b)", loose: each("b")},
    )  # fmt: skip
    assert values(net, "loose") == [1, 2, 2]
    assert values(net, "parts") == [9]
    assert values(net, "kits") == [3]


def test_a_declared_variable_that_nothing_binds_takes_every_value():
    net = Net("inspect")
    net.variable("verdict", enum("ok", "rework", "scrap"))
    part = net.place("part", initial=[()])
    judged = net.place("judged", str)
    net.transition("judge", take={part: "()"}, put={judged: "verdict"}, when="verdict != 'scrap'")
    found = reach(net.compiled(), markings=100, arcs=100, memory=10**6)
    assert (found.markings, found.arcs, found.dead) == (3, 2, 2)
    report = verify_net(net.compiled(), counted=True)
    assert (report.markings, report.arcs) == (3, 2)


def changeover() -> Net:
    """Parts are made until a tool is worn; then what is on the belt is thrown away."""
    net = Net("changeover")
    todo, belt = net.place("todo", initial=[()] * 2), net.place("belt")
    tool, done = net.place("tool", initial=[()]), net.place("done")
    net.transition("make", take={todo: "()"}, put={belt: "()"})
    net.transition("change", take={tool: "()"}, put={done: "()"}, inhibit=[todo], reset=[belt])
    net.final("done == 1 and belt == 0")
    return net


def test_inhibitors_wait_for_an_empty_place_and_resets_empty_one():
    net = changeover()
    assert values(net, "belt") == []
    assert [each.transition for each in net.simulate(10, None).occurrences] == [
        "make", "make", "change",
    ]  # fmt: skip
    report = verify_net(net.compiled(), counted=True)
    assert report.released
    assert (report.markings, report.arcs, report.bounds["belt"]) == (4, 3, 2)


def test_of_enabled_transitions_verification_fires_those_of_highest_priority():
    net = Net("rank")
    a, b, c = net.place("a", initial=[()]), net.place("b"), net.place("c")
    net.transition("low", take={a: "()"}, put={b: "()"})
    net.transition("high", take={a: "()"}, put={c: "()"}, priority=1)
    report = verify_net(net.compiled(), counted=True)
    assert (report.markings, report.dead_transitions) == (2, ("low",))


def test_in_a_timed_net_a_lower_priority_may_come_first():
    net = Net("rank")
    a, b, c = net.place("a", initial=[()]), net.place("b"), net.place("c", timed=True)
    start = net.place("start", initial=[()])
    net.transition("heat", take={start: "()"}, put={c: "()"}, delay=60)
    net.transition("low", take={a: "()"}, put={b: "()"})
    net.transition("high", take={a: "()", c: "()"}, put={b: "()"}, priority=1)
    report = verify_net(net.compiled(), counted=True)
    assert report.dead_transitions == ()
    assert report.left_out == ("time", "priority")


def line() -> Net:
    """Two stations of one kind that share a robot."""
    net = Net("line")
    order = net.colour("Order", integer(0, 99))
    waiting = net.place("waiting", order, initial=range(3))
    between, done = net.place("between", order), net.place("done", order)
    station = net.page("Station")
    entry = station.place("entry", order, port="in")
    leave = station.place("leave", order, port="out")
    busy = station.place("busy", order, capacity=1)
    robot = station.place("robot", unit, initial=[()], fusion="robot")
    station.transition("start", take={entry: "o", robot: "()"}, put={busy: "o"})
    station.transition("end", take={busy: "o"}, put={leave: "o", robot: "()"})
    net.substitute("weld", station, {entry: waiting, leave: between})
    net.substitute("paint", station, {entry: between, leave: done})
    net.final("done == 3 and weld.busy == 0")
    return net


def test_pages_are_used_several_times_and_share_what_is_fused():
    net = line()
    compiled = net.compiled()
    assert [place.name for place in compiled.places] == [
        "waiting", "between", "done", "weld.busy", "weld.robot", "paint.busy",
    ]  # fmt: skip
    assert values(net, "done") == [0, 1, 2]
    report = verify_net(compiled, counted=True)
    assert report.released
    assert report.bounds["weld.busy"] == report.bounds["weld.robot"] == 1


def test_faults_of_pages_are_told_with_the_substitution():
    net = line()
    other = net.page("Other")
    port = other.place("entry", str, port="in")
    other.place("spare", int, port="out")
    inside = other.place("inside", int)
    todo = net.place("todo", int)
    net.substitute("odd", other, {port: todo, inside: todo})
    other.substitute("deep", other, {})
    with pytest.raises(Invalid) as told:
        net.compiled()
    text = str(told.value)
    for each_part in (
        "substitution odd: Expected a socket of colour 'string'",
        "substitution odd: Expected a socket for port 'spare'",
        "a port of page 'Other', but found 'inside'",
        "substitution odd.deep: Expected pages that end",
    ):
        assert each_part in text, text


def test_what_place_transition_nets_cannot_say_is_not_written_as_pnml():
    with pytest.raises(Invalid) as told:
        write_pnml(changeover().document())
    assert "no guard, delay, priority, work, inhibitor or emptied place" in str(told.value)


def test_a_net_with_pages_is_written_as_pnml_flat():
    net = Net("n")
    first, last = net.place("first", initial=[()]), net.place("last")
    sheet = net.page("Sheet")
    entry, leave = sheet.place("entry", port="in"), sheet.place("leave", port="out")
    sheet.transition("move", take={entry: "()"}, put={leave: "()"})
    net.substitute("a", sheet, {entry: first, leave: last})
    again = read_pnml(write_pnml(net.document()))
    assert [(each.name, each.take[0].place) for each in again.transitions] == [("a.move", "first")]
