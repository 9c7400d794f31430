"""A network of operations with AND and OR branches as a scheduling problem."""

from collections.abc import Iterator
from functools import reduce
from operator import or_

import msgspec

from fabloop.base.errors import Invalid
from fabloop.plan.shop.formats.lines import fault
from fabloop.plan.shop.graph import order_of
from fabloop.plan.shop.model import (
    ARCS_MAX,
    DEPTH_MAX,
    OPTIONS_MAX,
    Arc,
    Choice,
    Job,
    Mode,
    Option,
    Resource,
    Shop,
    Task,
)
from fabloop.plan.shop.options import bits


class Branch(msgspec.Struct, frozen=True):
    """Nodes that may follow a node, and the line that says so."""

    nodes: tuple[int, ...]
    line: int


class Network:
    """Nodes with their modes (None: a mere start or end) and what follows them."""

    def __init__(self, *, source: str, machines: int, nodes: int) -> None:
        self.source, self.machines, self.nodes = source, machines, nodes
        self.starts: list[int] = []
        self.modes: dict[int, tuple[Mode, ...] | None] = {}
        self.branches: dict[int, list[Branch]] = {}
        self.meetings: list[tuple[int, Branch]] = []

    def say(self, node: int, line: int, *, modes: tuple[Mode, ...] | None) -> None:
        """Say what a node is."""
        if node in self.modes:
            raise fault(self.source, f"line {line}", "each node once", f"node {node} twice")
        self.modes[node] = modes

    def lead(self, node: int, nodes: tuple[int, ...], line: int) -> None:
        """Say what follows a node: one node, or exactly one of several."""
        self.branches.setdefault(node, []).append(Branch(nodes, line))

    def meet(self, node: int, nodes: tuple[int, ...], line: int) -> None:
        """Say in which node alternatives meet."""
        self.meetings.append((node, Branch(nodes, line)))

    def fault(self, line: int, expected: str, found: str) -> Invalid:
        """Return the error for one fault."""
        return fault(self.source, f"line {line}", expected, found)


class _Split(msgspec.Struct, frozen=True):
    """A choice: where it is made and ends, and the nodes (as bits) of each of its options."""

    node: int
    branch: Branch
    options: tuple[int, ...]
    end: int | None


def shop_of(network: Network) -> Shop:
    """Return the scheduling problem of a network; each start begins a job.

    Raises
    ------
    Invalid
        A node is not told or not met, there is a cycle, or alternatives have no common end.
    """
    missing = [node for node in range(network.nodes) if node not in network.modes]
    if missing:
        expected = f"what each of {network.nodes} nodes is"
        raise fault(network.source, "info", expected, f"nothing of node {missing[0]}")
    arcs = [
        (node, after)
        for node, branches in sorted(network.branches.items())
        for branch in branches
        for after in branch.nodes
    ]
    if len(arcs) > ARCS_MAX:
        raise fault(network.source, "out", f"at most {ARCS_MAX} arcs", f"{len(arcs)}")
    order = order_of(network.nodes, arcs)
    if len(order) < network.nodes:
        held = min(set(range(network.nodes)) - set(order))
        raise fault(network.source, "out", "no cycle", f"one that holds up node {held}")
    reach = _reach(network, order)
    jobs = _jobs(network, reach)
    splits = list(_nested(network, order, reach))
    _check_meetings(network, splits)
    return _assembled(network, jobs, arcs, splits)


def _check_meetings(network: Network, splits: list[_Split]) -> None:
    """Check that alternatives meet where they are said to."""
    for node, branch in network.meetings:
        if len(branch.nodes) > 1 and not any(_meet(split, node, branch) for split in splits):
            found = f"{', '.join(map(str, branch.nodes))}, which no choice leads to node {node}"
            raise network.fault(branch.line, "the last nodes of alternatives", found)


def _meet(split: _Split, node: int, branch: Branch) -> bool:
    """Return whether the nodes of a branch lie in different options that end in a node."""
    if split.end != node:
        return False
    places = set()
    for each in branch.nodes:
        own = [at for at, option in enumerate(split.options) if option >> each & 1]
        if not own and each != split.node:  # which leads an empty option by itself
            return False
        places.add(own[0] if own else -1)
    return len(places) == len(branch.nodes)


def _reach(network: Network, order: list[int]) -> list[int]:
    """Return, per node, itself and all nodes after it, as bits."""
    reach = [0] * network.nodes
    for node in reversed(order):
        after = (reach[each] for one in network.branches.get(node, ()) for each in one.nodes)
        reach[node] = reduce(or_, after, 1 << node)
    return reach


def _jobs(network: Network, reach: list[int]) -> list[int]:
    """Return the job of each node."""
    jobs = [-1] * network.nodes
    for job, start in enumerate(network.starts):
        for node in bits(reach[start]):
            if jobs[node] >= 0:
                raise _astray(network, node, "two")
            jobs[node] = job
    if -1 in jobs:
        raise _astray(network, jobs.index(-1), "none")
    return jobs


def _astray(network: Network, node: int, count: str) -> Invalid:
    found = f"node {node} behind {count}"
    return fault(network.source, "out", "each node behind exactly one start", found)


def _nested(network: Network, order: list[int], reach: list[int]) -> Iterator[_Split]:
    """Yield the choices, outer ones first."""
    depth = [0] * network.nodes
    for node in order:
        for split in _splits(network, node, reach):
            deep = depth[node] + 1
            if deep > DEPTH_MAX:
                expected = f"alternatives at most {DEPTH_MAX} deep in each other"
                raise network.fault(split.branch.line, expected, f"{deep}")
            for option in split.options:
                for each in bits(option):
                    depth[each] = deep
            yield split


def _splits(network: Network, node: int, reach: list[int]) -> Iterator[_Split]:
    for branch in network.branches.get(node, ()):
        if len(branch.nodes) < 2:
            continue
        after = [reach[each] for each in branch.nodes]
        common = after[0]
        for each in after:
            common &= each
        options = tuple(each & ~common for each in after)
        seen = 0
        for one in options:
            if one & seen:
                expected = "alternatives that meet only where all of them end"
                raise network.fault(branch.line, expected, "some that meet before")
            seen |= one
        ends = {end for option in options for end in _ends(network, option)}
        ends |= {each for each, option in zip(branch.nodes, options, strict=True) if not option}
        if len(ends) > 1:
            found = f"ends at the nodes {', '.join(map(str, sorted(ends)))}"
            raise network.fault(branch.line, "alternatives with one common end", found)
        yield _Split(node, branch, options, next(iter(ends), None))


def _ends(network: Network, option: int) -> Iterator[int]:
    """Yield the nodes outside an option to which it leads."""
    for node in bits(option):
        for branch in network.branches.get(node, ()):
            yield from (each for each in branch.nodes if not option >> each & 1)


def _assembled(
    network: Network, jobs: list[int], arcs: list[tuple[int, int]], splits: list[_Split]
) -> Shop:
    count = sum(len(split.options) for split in splits)
    if count > OPTIONS_MAX:
        raise fault(network.source, "out", f"at most {OPTIONS_MAX} alternatives", f"{count}")
    innermost: dict[int, int] = {}
    choices: list[Choice] = []
    options: list[Option] = []
    for split in splits:  # in the order of the nodes, so that inner ones come later
        choices.append(Choice(within=innermost.get(split.node)))
        for first, nodes in zip(split.branch.nodes, split.options, strict=True):
            for node in bits(nodes):
                innermost[node] = len(options)
            options.append(Option(choice=len(choices) - 1, name=f"{split.node}-{first}"))
    tasks: dict[int, Task] = {}
    for node in range(network.nodes):
        modes = network.modes[node]
        if modes is not None:
            name, option = f"{node}", innermost.get(node)
            tasks[node] = Task(name=name, job=jobs[node], modes=modes, option=option)
    place = {node: number for number, node in enumerate(tasks)}
    return Shop(
        name=network.source,
        tasks=tuple(tasks.values()),
        resources=tuple(Resource(name=f"machine {at + 1}") for at in range(network.machines)),
        jobs=tuple(Job(name=f"job {at + 1}", serial=True) for at in range(len(network.starts))),
        arcs=tuple(
            Arc(before=place[first], after=place[second])
            for first, second in arcs
            if first in place and second in place
        ),
        choices=tuple(choices),
        options=tuple(options),
    )
