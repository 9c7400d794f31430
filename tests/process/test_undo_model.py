"""Random nests of scopes are undone as a model says that knows only trees and lists."""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from itertools import count, pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fabloop.process.bpmn.model import (
    BoundaryEvent,
    BpmnProcess,
    EndEvent,
    FlowNode,
    Mapping,
    MultiInstance,
    SequenceFlow,
    StartEvent,
    SubProcess,
    SubProcessKind,
)
from fabloop.process.bpmn.triggers import CancelTrigger, CompensateTrigger
from fabloop.process.commands import CompleteJob, Deploy, InstanceState, Migrate
from fabloop.process.views import JobView
from process.driver import END, START, Plant, both, job, on, script, undo, undoing, undone_by, xor

STEPS_MAX = 300
ITEMS = [1, 2]
Tree = tuple  # nested: (kind, *parts); `named` gives each its name

LEAVES = st.one_of(
    st.tuples(st.just("work"), st.booleans()),
    st.tuples(st.just("each"), st.booleans()),
    st.tuples(st.just("undo"), st.integers(0, 3)),
)


def grown(parts: st.SearchStrategy) -> st.SearchStrategy:
    several = st.lists(parts, min_size=1, max_size=3)
    own = st.sampled_from(["", "handler", "event", "event that undoes"])
    return st.one_of(
        st.tuples(st.just("seq"), several),
        st.tuples(st.just("par"), several),
        st.tuples(st.just("box"), own, several),
        st.tuples(st.just("loop"), st.integers(1, 3), several),
        st.tuples(st.just("tx"), st.booleans(), several),
        st.tuples(st.just("rounds"), st.booleans(), several),
    )


TREES = st.recursive(LEAVES, grown, max_leaves=10)


# -- the process --------------------------------------------------------------------------------


class Builder:
    """Turns a tree into nodes and flows of one scope, in step with the names that `named` gives."""

    def __init__(self) -> None:
        self.nodes: list[FlowNode] = []
        self.flows: list[SequenceFlow] = []

    def link(self, *names: str, condition: str = "") -> None:
        for source, target in pairwise(names):
            flow = f"{source}>{target}"
            self.flows.append(
                SequenceFlow(id=flow, source=source, target=target, condition=condition)
            )

    def build(self, tree: Tree) -> tuple[str, str]:
        """Add a tree; return the ids of its first and last node."""
        kind, name, *parts = tree
        match kind:
            case "work":
                self.nodes.append(job(name))
                if parts[0]:
                    self.handled(name)
            case "each":
                self.nodes.append(job(name, loop=loop_of(name, parts[0])))
                self.handled(name)
            case "undo":
                self.nodes += [job(f"{name}?"), undo(name, parts[0])]
                self.link(f"{name}?", name)
                return f"{name}?", name
            case "seq":
                return self.chain(parts[0])
            case "par":
                return self.fork(name, parts[0])
            case "loop":
                return self.loop(name, *parts)
            case "box":
                self.nodes.append(self.box(name, *parts))
                if parts[0] == "handler":
                    self.handled(name)
            case "rounds":
                box = self.box(name, "", parts[1])
                own = tuple(Mapping(source="0", target=f"{n}r") for n in loops_in(parts[1]))
                self.nodes.append(replace(box, loop=loop_of(name, parts[0]), inputs=own))
            case "tx":
                return self.transaction(name, *parts)
        return name, name

    def handled(self, name: str) -> None:
        self.nodes += [undone_by(f"c{name}", name, f"-{name}"), undoing(f"-{name}")]

    def chain(self, trees: list[Tree]) -> tuple[str, str]:
        ends = [self.build(each) for each in trees]
        for (_, last), (begin, _) in pairwise(ends):
            self.link(last, begin)
        return ends[0][0], ends[-1][1]

    def fork(self, name: str, trees: list[Tree]) -> tuple[str, str]:
        split, merge = f"{name}<", f"{name}>"
        self.nodes += [both(split), both(merge)]
        for each in trees:
            begin, last = self.build(each)
            self.link(split, begin)
            self.link(last, merge)
        return split, merge

    def loop(self, name: str, rounds: int, trees: list[Tree]) -> tuple[str, str]:
        merge, more, end = f"{name}m", f"{name}g", f"{name}e"
        done = f"{name}r"
        zero, inc = script(f"{name}z", "0", done), script(f"{name}i", f"{done} + 1", done)
        self.nodes += [zero, xor(merge), inc, xor(more, default=f"{more}>{end}"), xor(end)]
        begin, last = self.chain(trees)
        self.link(zero.id, merge, begin)
        self.link(last, inc.id, more, end)
        self.link(more, merge, condition=f"{done} < {rounds}")
        return zero.id, end

    def box(self, name: str, own: str, trees: list[Tree]) -> SubProcess:
        inner = Builder()
        begin, last = inner.chain(trees)
        inner.link(f"{name}.s", begin)
        inner.link(last, f"{name}.e")
        if own.startswith("event"):
            undone = (job(f"{name}.x"), undo(f"{name}.u"), job(f"{name}.y"))
            steps = undone if own == "event that undoes" else (undone[0],)
            inner.nodes.append(on(f"{name}.own", CompensateTrigger(), *steps))
        ends = (StartEvent(id=f"{name}.s"), EndEvent(id=f"{name}.e"))
        return SubProcess(id=name, nodes=(*ends, *inner.nodes), flows=tuple(inner.flows))

    def transaction(self, name: str, cancels: bool, trees: list[Tree]) -> tuple[str, str]:
        inner = Builder()
        start, end, cancel, slow = f"{name}.s", f"{name}.e", f"{name}.c", f"{name}.slow"
        split, merge, gate = f"{name}<", f"{name}>", f"{name}.g"
        chosen = f"{gate}>{cancel if cancels else merge}"
        inner.nodes += [StartEvent(id=start), EndEvent(id=end), job(slow), both(split),
                        EndEvent(id=cancel, trigger=CancelTrigger()), both(merge),
                        xor(gate, default=chosen)]  # fmt: skip
        begin, last = inner.chain(trees)
        inner.link(start, split, begin)
        inner.link(last, gate)
        inner.link(split, slow, merge, end)
        inner.link(gate, cancel, condition="" if cancels else "false")
        inner.link(gate, merge, condition="false" if cancels else "")
        made = SubProcess(id=name, nodes=tuple(inner.nodes), flows=tuple(inner.flows),
                          kind=SubProcessKind.TRANSACTION)  # fmt: skip
        event = BoundaryEvent(id=f"{name}.b", attached_to=name, trigger=CancelTrigger())
        self.nodes += [made, event, xor(f"{name}.m")]
        self.link(name, f"{name}.m")
        self.link(event.id, f"{name}.m")
        return name, f"{name}.m"


def loops_in(trees: list[Tree]) -> Iterator[str]:
    """Yield the names of all loops: their counters belong to the round that they stand in."""
    for kind, name, *parts in trees:
        if kind == "loop":
            yield name
        for part in parts:
            if isinstance(part, list):
                yield from loops_in(part)


def loop_of(name: str, sequential: bool) -> MultiInstance:
    return MultiInstance(collection=str(ITEMS), element=f"item_{name}", sequential=sequential)


def named(tree: Tree, names: Callable[[], str], seen: list[str]) -> Tree:
    """Give each part of a tree a name; an ``undo`` may name what has come before in its scope."""
    kind, *parts = tree
    name = names()
    match kind:
        case "work" | "each":
            seen.append(name)
            return (kind, name, parts[0])
        case "undo":
            number = parts[0] - 1  # 0: everything
            return ("undo", name, seen[number % len(seen)] if number >= 0 and seen else "")
        case "seq" | "par":
            return (kind, name, [named(each, names, seen) for each in parts[0]])
        case "loop":
            return (kind, name, parts[0], [named(each, names, seen) for each in parts[1]])
        case _:
            inner: list[str] = []
            made = (kind, name, parts[0], [named(each, names, inner) for each in parts[1]])
            seen.append(name)
            return made


def built(tree: Tree) -> BpmnProcess:
    builder = Builder()
    begin, last = builder.build(tree)
    builder.link("start", begin)
    builder.link(last, "end")
    return BpmnProcess(id="p", nodes=(START, *builder.nodes, END), flows=tuple(builder.flows))


# -- the model ----------------------------------------------------------------------------------

Done = tuple
"""What is done of a scope: name, and how it is undone."""

Items = tuple
"""The item of each round around a job: name of the activity, item."""

Wait = list
"""A job that is open: its name and items. Two waits are the same only if they are one object."""

Run = Generator[list[Wait], Wait, None]
"""Yields what is open, is sent what was completed, and returns at its end."""


class Cancelled(Exception):
    """A transaction is cancelled."""


def run(tree: Tree, scope: list[Done], at: Items) -> Run:
    kind, name, *parts = tree
    match kind:
        case "work":
            yield from waiting(name, at)
            scope.append((name, waiting, f"-{name}", at) if parts[0] else (name, None))
        case "each" | "rounds":
            inner: list[Done] = []
            turns = [turn(tree, inner, (*at, (name, item))) for item in ITEMS]
            yield from in_turn(turns) if parts[0] else at_once(turns)
            scope.append((name, undone, inner))
        case "undo":  # behind a job: two that begin in one step have no order
            yield from waiting(f"{name}?", at)
            chosen = [each for each in scope if parts[0] in ("", each[0])]
            scope[:] = [each for each in scope if each not in chosen]
            yield from undone(chosen)
        case "seq":
            yield from in_turn(run(each, scope, at) for each in parts[0])
        case "par":
            yield from at_once([run(each, scope, at) for each in parts[0]])
        case "loop":
            trees = parts[0] * parts[1]
            yield from in_turn(run(each, scope, at) for each in trees)
        case "box":
            inner = []
            yield from in_turn(run(each, inner, at) for each in parts[1])
            scope.append((name, how_box, name, parts[0], inner, at))
        case "tx":
            inner = []
            try:
                yield from at_once([attempt(parts, inner, at), waiting(f"{name}.slow", at)])
                scope.append((name, undone, inner))
            except Cancelled:
                yield from undone(inner)


def turn(tree: Tree, done: list[Done], at: Items) -> Run:
    """Run one round of an activity with rounds."""
    kind, name, _, *parts = tree
    if kind == "each":
        yield from waiting(name, at)
        done.append((name, waiting, f"-{name}", at))
        return
    inner: list[Done] = []
    yield from in_turn(run(each, inner, at) for each in parts[0])
    done.append((name, undone, inner))


def attempt(parts: list, inner: list[Done], at: Items) -> Run:
    cancels, trees = parts
    yield from in_turn(run(each, inner, at) for each in trees)
    if cancels:
        raise Cancelled


def waiting(name: str, at: Items) -> Run:
    wait = [name, at]
    assert (yield [wait]) is wait


def undone(done: list[Done]) -> Run:
    for _, how, *about in reversed(done):
        if how is not None:
            yield from how(*about)


def how_box(name: str, own: str, inner: list[Done], at: Items) -> Run:
    match own:
        case "handler":
            yield from waiting(f"-{name}", at)
        case "event":
            yield from waiting(f"{name}.x", at)
        case "event that undoes":
            yield from waiting(f"{name}.x", at)
            yield from undone(inner)
            yield from waiting(f"{name}.y", at)
        case _:
            yield from undone(inner)


def in_turn(runs: Iterable[Run]) -> Run:
    for each in runs:
        yield from each


def at_once(runs: list[Run]) -> Run:
    opened: list[tuple[Run, list[Wait]]] = []
    for each in runs:
        with suppress(StopIteration):
            opened.append((each, next(each)))
    while opened:
        wait = yield [each for _, waits in opened for each in waits]
        number = next(n for n, (_, ws) in enumerate(opened) if any(w is wait for w in ws))
        each = opened[number][0]
        try:
            opened[number] = (each, each.send(wait))
        except StopIteration:
            del opened[number]


# -- the law ------------------------------------------------------------------------------------


def seen(work: JobView) -> tuple:
    """Return a job as the model sees it."""
    at = {name: item for name, item in work.variables.items() if name.startswith("item_")}
    return work.node, frozenset((name.removeprefix("item_"), item) for name, item in at.items())


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree=TREES, moment=st.integers(0, 20), data=st.data())
def test_what_is_done_and_undone_is_as_the_model_says(tree, moment, data):
    numbers = count(1)
    tree = named(tree, lambda: f"n{next(numbers)}", [])
    plant, model = Plant(), run(tree, [], ())
    key = plant.starts(built(tree))
    more = built(("seq", "", [("work", "extra", False), tree]))
    target = plant.does(Deploy(process=more)).key
    opened = next(model, [])
    for step in range(STEPS_MAX):
        jobs = plant.engine.jobs(instance=key)
        assert Counter(map(seen, jobs)) == Counter((name, frozenset(at)) for name, at in opened)
        if not jobs:
            break
        if step == moment:
            plant.rehearses(Migrate(instance=key, target=target))
            plant.does(Migrate(instance=key, target=target))
        chosen = data.draw(st.sampled_from(jobs))
        command = CompleteJob(job=chosen.key)
        plant.rehearses(command)
        plant.does(command)
        wait = next(each for each in opened if (each[0], frozenset(each[1])) == seen(chosen))
        try:
            opened = model.send(wait)
        except StopIteration:
            opened = []
    assert plant.ended(key) is InstanceState.COMPLETED
    state = plant.engine.state
    assert not any((state.frames, state.acts, state.jobs, state.incidents))
