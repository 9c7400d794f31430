"""FJSPLib JSON: operations with options on machines, and precedences between operations."""

import msgspec

from fabloop.base.codec import from_json_once
from fabloop.plan.shop.formats.lines import fault
from fabloop.plan.shop.graph import cycle_of
from fabloop.plan.shop.model import (
    ARCS_MAX,
    MODES_MAX,
    RESOURCES_MAX,
    TASKS_MAX,
    TICKS_MAX,
    Arc,
    Job,
    Mode,
    Resource,
    Shop,
    Task,
    Use,
)

FORMAT = "fajsp"
CYCLE_TOLD_MAX = 8
"""Precedences of a cycle that are told."""


class _Entry(msgspec.Struct, frozen=True):
    operation: int
    option: int
    machine: int
    duration: int


class _Precedence(msgspec.Struct, frozen=True):
    before: int
    after: int


class _Document(msgspec.Struct, frozen=True):
    operations: list[_Entry]
    precedences: list[_Precedence]
    format: str = FORMAT


def read_fjsplib(data: bytes, source: str) -> Shop:
    """Return the problem of a document; operations that precedences join are one job.

    Raises
    ------
    Invalid
        It is no such document, or its numbers do not fit together.
    """
    try:
        document = from_json_once(data, _Document)
    except (msgspec.DecodeError, RecursionError) as error:
        said, _, path = str(error).partition(" - at ")
        expected = "FJSPLib JSON with operations and precedences"
        raise fault(source, path.strip("`"), expected, f"another form: {said}") from None
    if document.format != FORMAT:
        raise fault(source, "$.format", repr(FORMAT), repr(document.format))
    modes = _modes(document, source)
    arcs = _arcs(document, len(modes), source)
    jobs = _jobs(len(modes), arcs)
    machines = 1 + max((each.machine for each in document.operations), default=-1)
    return Shop(
        name=source,
        tasks=tuple(
            Task(name=f"{number}", job=job, modes=those)
            for number, (those, job) in enumerate(zip(modes, jobs, strict=True))
        ),
        resources=tuple(Resource(name=f"machine {each}") for each in range(machines)),
        jobs=tuple(Job(name=f"job {each}") for each in range(1 + max(jobs, default=-1))),
        arcs=arcs,
    )


def _modes(document: _Document, source: str) -> list[tuple[Mode, ...]]:
    if len(document.operations) > MODES_MAX:
        found = f"{len(document.operations)}"
        raise fault(source, "$.operations", f"at most {MODES_MAX} entries", found)
    modes: list[dict[int, Mode]] = []
    for at, entry in enumerate(document.operations):
        path = f"$.operations[{at}]"
        if not 0 <= entry.operation <= min(len(modes), TASKS_MAX - 1):
            expected = f"an operation from 0 to {min(len(modes), TASKS_MAX - 1)}, in order"
            raise fault(source, f"{path}.operation", expected, f"{entry.operation}")
        if not 0 <= entry.machine < RESOURCES_MAX:
            expected = f"a machine from 0 to {RESOURCES_MAX - 1}"
            raise fault(source, f"{path}.machine", expected, f"{entry.machine}")
        if not 0 <= entry.duration <= TICKS_MAX:
            expected = f"a duration from 0 to {TICKS_MAX}"
            raise fault(source, f"{path}.duration", expected, f"{entry.duration}")
        if entry.operation == len(modes):
            modes.append({})
        if entry.option in modes[entry.operation]:
            expected = "each option of an operation once"
            raise fault(source, f"{path}.option", expected, f"{entry.option} twice")
        mode = Mode(ticks=entry.duration, uses=(Use(entry.machine),))
        modes[entry.operation][entry.option] = mode
    return [tuple(each.values()) for each in modes]


def _arcs(document: _Document, tasks: int, source: str) -> tuple[Arc, ...]:
    if len(document.precedences) > ARCS_MAX:
        found = f"{len(document.precedences)}"
        raise fault(source, "$.precedences", f"at most {ARCS_MAX} entries", found)
    for at, each in enumerate(document.precedences):
        if not (0 <= each.before < tasks and 0 <= each.after < tasks):
            expected = (
                f"operations from 0 to {tasks - 1}" if tasks else "no operation: there is none"
            )
            raise fault(source, f"$.precedences[{at}]", expected, f"{each.before} -> {each.after}")
    cycle = cycle_of(tasks, [(each.before, each.after) for each in document.precedences])
    if cycle:
        arcs = [document.precedences[each] for each in cycle]
        said = ", ".join(f"{arc.before} -> {arc.after}" for arc in arcs[:CYCLE_TOLD_MAX])
        found = f"{said}{', ...' if len(arcs) > CYCLE_TOLD_MAX else ''} in a circle"
        raise fault(source, f"$.precedences[{cycle[0]}]", "no cycle", found)
    return tuple(Arc(before=each.before, after=each.after) for each in document.precedences)


def _jobs(tasks: int, arcs: tuple[Arc, ...]) -> list[int]:
    """Return the job of each operation: what arcs join, however far, is one."""
    root = list(range(tasks))

    def found(task: int) -> int:
        while root[task] != task:
            root[task] = root[root[task]]
            task = root[task]
        return task

    for arc in arcs:
        first, second = sorted((found(arc.before), found(arc.after)))
        root[second] = first
    numbers: dict[int, int] = {}
    return [numbers.setdefault(found(task), len(numbers)) for task in range(tasks)]
