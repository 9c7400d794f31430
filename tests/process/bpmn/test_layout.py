from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.process.bpmn.layout import layout
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    BpmnProcess,
    EndEvent,
    ExclusiveGateway,
    JobWork,
    Lane,
    ParallelGateway,
    SequenceFlow,
    ServiceTask,
    StartEvent,
    SubProcess,
)
from fabloop.process.bpmn.triggers import ErrorTrigger


def task(id_):
    return ServiceTask(id=id_, work=JobWork(type="work"))


def flow(source, target):
    return SequenceFlow(id=f"{source}>{target}", source=source, target=target)


def process(nodes, pairs, lanes=()):
    return BpmnProcess(
        id="p", nodes=tuple(nodes), flows=tuple(flow(a, b) for a, b in pairs), lanes=lanes
    )


def forked(lanes=()):
    nodes = [StartEvent(id="s"), ParallelGateway(id="f"), task("a"), task("b"), task("c"),
             ParallelGateway(id="j"), EndEvent(id="e")]  # fmt: skip
    pairs = [("s", "f"), ("f", "a"), ("f", "b"), ("a", "c"), ("c", "j"), ("b", "j"), ("j", "e")]
    return process(nodes, pairs, lanes)


def overlap(a, b):
    return (
        a.x < b.x + b.width
        and b.x < a.x + a.width
        and a.y < b.y + b.height
        and b.y < a.y + a.height
    )


def inside(inner, outer):
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


def crosses(a, b, box):
    """Tell whether an upright or level piece of a line runs through the inside of a box."""
    (x0, x1), (y0, y1) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    return (
        x1 > box.x and x0 < box.x + box.width and y1 > box.y and y0 < box.y + box.height
    )  # fmt: skip


def check(made):
    """Check what must hold for every diagram of one scope."""
    drawn = layout(made)
    boxes = {each.id: drawn.shapes[each.id] for each in made.nodes}
    hosts = {each.id: each.attached_to for each in made.nodes if isinstance(each, BoundaryEvent)}
    placed = {id_: box for id_, box in boxes.items() if id_ not in hosts}
    for (one, a), (other, b) in combinations(placed.items(), 2):
        assert not overlap(a, b), (one, other)
    for each in made.flows:
        way = drawn.edges[each.id]
        source, target = boxes[each.source], boxes[each.target]
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(way)), "right angles"
        assert way[-1] == (target.x, target.y + target.height / 2)
        if each.source in hosts:
            assert way[0] == (source.x + source.width / 2, source.y + source.height)
        else:
            assert way[0] == (source.x + source.width, source.y + source.height / 2)
        for id_, box in placed.items():
            assert not any(crosses(a, b, box) for a, b in pairwise(way)), (each.id, id_)
    return drawn


def test_flows_run_from_left_to_right_and_behind_no_shape():
    drawn = check(forked())
    for each in forked().flows:
        assert drawn.shapes[each.source].x < drawn.shapes[each.target].x


def test_a_chain_runs_straight():
    drawn = check(forked())
    assert len(drawn.edges["a>c"]) == 2
    assert len(drawn.edges["s>f"]) == 2


def test_lanes_are_bands_that_hold_their_nodes():
    lanes = (
        Lane(id="graz", name="Graz", nodes=("s", "f", "a", "j", "e")),
        Lane(id="vienna", name="Vienna", nodes=("b", "c")),
    )
    drawn = check(forked(lanes))
    graz, vienna = drawn.shapes["graz"], drawn.shapes["vienna"]
    assert graz.y + graz.height == vienna.y
    assert (graz.x, graz.width) == (vienna.x, vienna.width)
    for lane in lanes:
        assert all(inside(drawn.shapes[each], drawn.shapes[lane.id]) for each in lane.nodes)


def test_an_empty_lane_has_room_of_its_own():
    lanes = (Lane(id="empty", name="", nodes=()), Lane(id="full", name="", nodes=("s", "f", "a",
             "b", "c", "j", "e")))  # fmt: skip
    drawn = check(forked(lanes))
    assert drawn.shapes["empty"].height > 0
    assert drawn.shapes["full"].y == drawn.shapes["empty"].height


def test_a_boundary_event_stands_on_its_hosts_lower_border():
    made = process(
        [StartEvent(id="s"), task("a"), EndEvent(id="e"), EndEvent(id="x"), EndEvent(id="y"),
         BoundaryEvent(id="late", attached_to="a", trigger=ErrorTrigger(code="1")),
         BoundaryEvent(id="bad", attached_to="a", trigger=ErrorTrigger(code="2"))],
        [("s", "a"), ("a", "e"), ("late", "x"), ("bad", "y")],
    )  # fmt: skip
    drawn = check(made)
    host = drawn.shapes["a"]
    for event in ("late", "bad"):
        at = drawn.shapes[event]
        assert at.y + at.height / 2 == host.y + host.height
        assert host.x <= at.x
        assert at.x + at.width <= host.x + host.width
    assert not overlap(drawn.shapes["late"], drawn.shapes["bad"])


def test_a_sub_process_holds_its_content():
    inner = SubProcess(
        id="sub",
        nodes=(StartEvent(id="is"), task("ia"), EndEvent(id="ie")),
        flows=(flow("is", "ia"), flow("ia", "ie")),
    )
    drawn = layout(
        process([StartEvent(id="s"), inner, EndEvent(id="e")], [("s", "sub"), ("sub", "e")])
    )
    assert all(inside(drawn.shapes[each], drawn.shapes["sub"]) for each in ("is", "ia", "ie"))
    assert drawn.edges["is>ia"][0][0] == drawn.shapes["is"].x + drawn.shapes["is"].width


def test_a_loop_runs_back_below_everything():
    made = process(
        [StartEvent(id="s"), task("a"), task("b"), ExclusiveGateway(id="g"), EndEvent(id="e")],
        [("s", "a"), ("a", "b"), ("b", "g"), ("g", "e"), ("g", "a")],
    )
    drawn = check(made)
    low = max(y for _, y in drawn.edges["g>a"])
    assert all(low > box.y + box.height for box in drawn.shapes.values())


def test_equal_processes_are_drawn_equally():
    assert layout(forked()) == layout(forked())


def test_a_process_without_nodes_has_an_empty_diagram():
    assert layout(process([], [])).shapes == {}


@st.composite
def graphs(draw):
    """Return any graph of tasks, with cycles, self-loops, boundary events and lanes."""
    count = draw(st.integers(1, 9))
    names = [f"n{each}" for each in range(count)]
    pairs = draw(st.sets(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=14))
    tasks = [each for n, each in enumerate(names) if n % 3]
    events = [
        BoundaryEvent(id=f"b{n}", attached_to=draw(st.sampled_from(tasks)), trigger=ErrorTrigger())
        for n in range(draw(st.integers(0, 3)) if tasks else 0)
    ]
    pairs |= {(each.id, draw(st.sampled_from(names))) for each in events}
    lanes = draw(st.integers(0, 3))
    band = {each: draw(st.integers(0, lanes)) for each in names}
    return process(
        [task(each) if n % 3 else ExclusiveGateway(id=each) for n, each in enumerate(names)]
        + events,
        sorted(pairs),
        tuple(
            Lane(id=f"lane{n}", name="", nodes=tuple(e for e in names if band[e] == n))
            for n in range(lanes)
        ),
    )


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_no_shapes_overlap_and_flows_keep_to_right_angles_in_any_graph(made):
    check(made)
