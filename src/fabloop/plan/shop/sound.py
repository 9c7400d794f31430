"""Is a scheduling problem well formed? Every fault is told, with its place."""

from collections.abc import Callable, Iterator

from fabloop.base.errors import Fault, Invalid
from fabloop.plan.shop.graph import cycle_of
from fabloop.plan.shop.model import (
    ARCS_MAX,
    DEPTH_MAX,
    MODES_MAX,
    OPTIONS_MAX,
    RESOURCES_MAX,
    TASKS_MAX,
    TICKS_MAX,
    Shop,
)

FAULTS_TOLD_MAX = 100
CYCLE_TOLD_MAX = 8
"""Arcs of a cycle that are told."""
Say = Callable[[str, str, object], Fault]


def validated(shop: Shop) -> Shop:
    """Return the problem.

    Raises
    ------
    Invalid
        It is too large, refers to what is not there, has negative values, a cycle of arcs, or
        a task that can never be done.
    """

    def say(path: str, expected: str, found: object) -> Fault:
        return Fault(source=shop.name, path=path, expected=expected, found=str(found))

    for check in (_sizes, _resources, _jobs, _choices, _tasks, _arcs, _cycles):
        faults = [fault for fault, _ in zip(check(shop, say), range(FAULTS_TOLD_MAX), strict=False)]
        if faults:  # what comes later relies on what was checked before
            raise Invalid(faults)
    return shop


def _sizes(shop: Shop, say: Say) -> Iterator[Fault]:
    modes = sum(len(task.modes) for task in shop.tasks)
    for path, what, count, most in (
        ("$.tasks", "tasks", len(shop.tasks), TASKS_MAX),
        ("$.tasks", "modes of all tasks", modes, MODES_MAX),
        ("$.resources", "resources", len(shop.resources), RESOURCES_MAX),
        ("$.arcs", "arcs", len(shop.arcs), ARCS_MAX),
        ("$.options", "options", len(shop.options), OPTIONS_MAX),
        ("$.jobs", "jobs", len(shop.jobs), TASKS_MAX),
    ):
        if count > most:
            yield say(path, f"at most {most} {what}", count)


def _within(value: int | None, least: int = 0) -> bool:
    return value is None or least <= value <= TICKS_MAX


def _resources(shop: Shop, say: Say) -> Iterator[Fault]:
    for at, resource in enumerate(shop.resources):
        path = f"$.resources[{at}]"
        if not 1 <= resource.capacity <= TICKS_MAX:
            yield say(f"{path}.capacity", f"1 to {TICKS_MAX}", resource.capacity)
        if not 1 <= resource.batch_max <= TICKS_MAX:
            yield say(f"{path}.batch_max", f"1 to {TICKS_MAX}", resource.batch_max)
        if resource.capacity > 1 and (resource.setups or resource.batch_max > 1):
            yield say(f"{path}.capacity", "1 where there are set-ups or batches", resource.capacity)
        for span in resource.closed:
            if not (_within(span.start) and _within(span.end) and span.start < span.end):
                found = f"{span.start} to {span.end}"
                yield say(f"{path}.closed", f"0 <= start < end <= {TICKS_MAX}", found)
        pairs = {(each.before, each.after) for each in resource.setups}
        if len(pairs) < len(resource.setups):
            yield say(f"{path}.setups", "each pair of families once", "a pair twice")
        for setup in resource.setups:
            if not _within(setup.ticks):
                yield say(f"{path}.setups", f"0 to {TICKS_MAX} ticks", setup.ticks)


def _jobs(shop: Shop, say: Say) -> Iterator[Fault]:
    for at, job in enumerate(shop.jobs):
        for name, value in (("release", job.release), ("due", job.due), ("weight", job.weight)):
            if not _within(value):
                yield say(f"$.jobs[{at}].{name}", f"0 to {TICKS_MAX}", value)


def _choices(shop: Shop, say: Say) -> Iterator[Fault]:
    answered = {option.choice for option in shop.options}
    for at, option in enumerate(shop.options):
        if not 0 <= option.choice < len(shop.choices):
            yield say(f"$.options[{at}].choice", "a choice that there is", option.choice)
    depth: list[int] = []
    for at, choice in enumerate(shop.choices):
        path = f"$.choices[{at}]"
        depth.append(1)
        if at not in answered:
            yield say(path, "at least one option", "none")
        within = choice.within
        if within is not None and not 0 <= within < len(shop.options):
            yield say(f"{path}.within", "an option that there is", within)
        elif within is not None and shop.options[within].choice >= at:
            # outer choices come first, so that no option is inside itself
            yield say(f"{path}.within", "an option of an earlier choice", within)
        elif within is not None and shop.options[within].choice >= 0:
            depth[at] = depth[shop.options[within].choice] + 1
            if depth[at] > DEPTH_MAX:
                yield say(f"{path}.within", f"choices at most {DEPTH_MAX} deep", depth[at])


def _tasks(shop: Shop, say: Say) -> Iterator[Fault]:
    for at, task in enumerate(shop.tasks):
        path = f"$.tasks[{at}]"
        if not 0 <= task.job < len(shop.jobs):
            yield say(f"{path}.job", "a job that there is", task.job)
        if task.option is not None and not 0 <= task.option < len(shop.options):
            yield say(f"{path}.option", "an option that there is", task.option)
        if not task.modes:
            yield say(f"{path}.modes", "at least one mode", "none")
        for number, mode in enumerate(task.modes):
            if not _within(mode.ticks):
                yield say(f"{path}.modes[{number}].ticks", f"0 to {TICKS_MAX}", mode.ticks)
            if abs(mode.cost) > TICKS_MAX:
                yield say(f"{path}.modes[{number}].cost", f"within {TICKS_MAX}", mode.cost)
            used = [use.resource for use in mode.uses]
            if len(set(used)) < len(used):
                yield say(f"{path}.modes[{number}].uses", "each resource once", "one twice")
            for use in mode.uses:
                if not 0 <= use.resource < len(shop.resources):
                    yield say(f"{path}.modes[{number}]", "a resource that there is", use.resource)
                    continue
                resource = shop.resources[use.resource]
                most = resource.batch_max if task.batch else resource.capacity
                if not 1 <= use.demand <= max(most, resource.capacity):
                    expected = f"a demand from 1 to {most} of {resource.name!r}"
                    yield say(f"{path}.modes[{number}]", expected, use.demand)


def _arcs(shop: Shop, say: Say) -> Iterator[Fault]:
    tasks = len(shop.tasks)
    for at, arc in enumerate(shop.arcs):
        path = f"$.arcs[{at}]"
        if not (0 <= arc.before < tasks and 0 <= arc.after < tasks):
            yield say(path, "tasks that there are", f"{arc.before} -> {arc.after}")
            continue
        if not _within(arc.lag):
            yield say(f"{path}.lag", f"0 to {TICKS_MAX}", arc.lag)
        for pair in arc.pairs:
            known = 0 <= pair.before_mode < len(shop.tasks[arc.before].modes)
            if not (known and 0 <= pair.after_mode < len(shop.tasks[arc.after].modes)):
                found = f"{pair.before_mode}, {pair.after_mode}"
                yield say(f"{path}.pairs", "modes that there are", found)
            if not _within(pair.ticks):
                yield say(f"{path}.pairs", f"0 to {TICKS_MAX} ticks", pair.ticks)


def _cycles(shop: Shop, say: Say) -> Iterator[Fault]:
    cycle = cycle_of(len(shop.tasks), [(arc.before, arc.after) for arc in shop.arcs])
    if cycle:
        arcs = [shop.arcs[each] for each in cycle]
        names = [repr(shop.tasks[arc.before].name) for arc in arcs[:CYCLE_TOLD_MAX]]
        names.append("..." if len(arcs) > CYCLE_TOLD_MAX else names[0])
        path = ", ".join(f"$.arcs[{each}]" for each in cycle[:CYCLE_TOLD_MAX])
        yield say(path, "no cycle", f"one of {len(arcs)} arcs, {' -> '.join(names)}")
