"""Does a schedule keep every rule of its problem? Shares no code with what makes schedules."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import msgspec

from fabloop.plan.shop.model import Resource, Schedule, Shop


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One broken rule: which, and a sentence with the names and ticks."""

    rule: str
    said: str


class _Held(msgspec.Struct, frozen=True):
    """A task that holds a resource."""

    start: int
    end: int
    task: int
    demand: int


def violations(shop: Shop, schedule: Schedule) -> tuple[Violation, ...]:
    """Return every broken rule; none if the schedule may be carried out."""
    found = list(_shape(shop, schedule))
    if found:  # nothing else can be said of it
        return tuple(found)
    found += _presence(shop, schedule)
    found += _releases(shop, schedule)
    found += _precedence(shop, schedule)
    held = _held(shop, schedule)
    for number, resource in enumerate(shop.resources):
        found += _closed(shop, resource, held[number])
        found += _capacity(shop, resource, held[number])
        found += _setups(shop, resource, held[number])
    found += _serial(shop, schedule)
    return tuple(found)


def _shape(shop: Shop, schedule: Schedule) -> Iterator[Violation]:
    sizes = (len(schedule.modes), len(schedule.starts), len(schedule.taken))
    wanted = (len(shop.tasks), len(shop.tasks), len(shop.options))
    if sizes != wanted:
        yield Violation(rule="shape", said=f"Expected sizes {wanted}, but found {sizes}.")
        return
    for task, mode in zip(shop.tasks, schedule.modes, strict=True):
        if mode is not None and not 0 <= mode < len(task.modes):
            yield Violation(rule="shape", said=f"Task {task.name!r} has no mode {mode}.")


def _presence(shop: Shop, schedule: Schedule) -> Iterator[Violation]:
    taken: dict[int, int] = defaultdict(int)
    for option, yes in zip(shop.options, schedule.taken, strict=True):
        taken[option.choice] += yes
    for number, choice in enumerate(shop.choices):
        wanted = 1 if choice.within is None else int(schedule.taken[choice.within])
        if taken[number] != wanted:
            said = f"Choice {number} has {taken[number]} options taken, not {wanted}."
            yield Violation(rule="choice", said=said)
    for task, mode in zip(shop.tasks, schedule.modes, strict=True):
        wanted = task.option is None or schedule.taken[task.option]
        if (mode is not None) != wanted:
            said = f"Task {task.name!r} is {'not ' * (mode is None)}done, against its option."
            yield Violation(rule="presence", said=said)


def _releases(shop: Shop, schedule: Schedule) -> Iterator[Violation]:
    for task, mode, start in zip(shop.tasks, schedule.modes, schedule.starts, strict=True):
        release = shop.jobs[task.job].release
        if mode is not None and start < release:
            said = f"Task {task.name!r} starts at {start}, before its release at {release}."
            yield Violation(rule="release", said=said)


def _precedence(shop: Shop, schedule: Schedule) -> Iterator[Violation]:
    for arc in shop.arcs:
        first, second = schedule.modes[arc.before], schedule.modes[arc.after]
        if first is None or second is None:
            continue
        lags = {(each.before_mode, each.after_mode): each.ticks for each in arc.pairs}
        lag = lags.get((first, second), arc.lag)
        before, after = shop.tasks[arc.before], shop.tasks[arc.after]
        names = f"{before.name!r} and {after.name!r}"
        if lag is None:
            yield Violation(rule="pair", said=f"The modes of {names} do not go together.")
            continue
        ready = schedule.starts[arc.before] + before.modes[first].ticks + lag
        if schedule.starts[arc.after] < ready:
            said = f"Between {names}: the second starts at {schedule.starts[arc.after]}, "
            yield Violation(rule="precedence", said=f"{said}not from {ready} on.")


def _held(shop: Shop, schedule: Schedule) -> list[list[_Held]]:
    held: list[list[_Held]] = [[] for _ in shop.resources]
    for number, mode in enumerate(schedule.modes):
        if mode is None:
            continue
        chosen, start = shop.tasks[number].modes[mode], schedule.starts[number]
        if chosen.ticks > 0:
            for use in chosen.uses:
                held[use.resource].append(_Held(start, start + chosen.ticks, number, use.demand))
    for each in held:
        each.sort(key=lambda one: (one.start, one.end, one.task))
    return held


def _closed(shop: Shop, resource: Resource, held: list[_Held]) -> Iterator[Violation]:
    for one in held:
        for span in resource.closed:
            if one.start < span.end and span.start < one.end:
                name = shop.tasks[one.task].name
                said = f"Task {name!r} ({one.start}-{one.end}) meets {resource.name!r} closed "
                yield Violation(rule="closed", said=f"{said}{span.start}-{span.end}.")


def _batched(shop: Shop, one: _Held, other: _Held) -> bool:
    """Return whether two tasks run as one batch."""
    mine, theirs = shop.tasks[one.task], shop.tasks[other.task]
    same = mine.batch != "" and (mine.batch, mine.family) == (theirs.batch, theirs.family)
    return same and (one.start, one.end) == (other.start, other.end)


def _capacity(shop: Shop, resource: Resource, held: list[_Held]) -> Iterator[Violation]:
    if resource.batch_max > 1:
        yield from _batches(shop, resource, held)
        return
    events = sorted(
        [(one.end, 0, -one.demand, one.task) for one in held]
        + [(one.start, 1, one.demand, one.task) for one in held]
    )
    used = 0
    for tick, kind, demand, task in events:
        used += demand
        if kind == 1 and used > resource.capacity:
            said = f"{resource.name!r} is used {used} times at {tick}, of {resource.capacity}, "
            said += f"with task {shop.tasks[task].name!r}."
            yield Violation(rule="capacity", said=said)


def _batches(shop: Shop, resource: Resource, held: list[_Held]) -> Iterator[Violation]:
    groups: dict[tuple[int, str], int] = defaultdict(int)
    for at, one in enumerate(held):
        groups[one.start, shop.tasks[one.task].batch] += one.demand
        for other in held[at + 1 :]:
            if other.start >= one.end:
                break
            if not _batched(shop, one, other):
                names = f"{shop.tasks[one.task].name!r} and {shop.tasks[other.task].name!r}"
                said = f"{names} overlap on {resource.name!r} and are no batch."
                yield Violation(rule="capacity", said=said)
    for (start, _), load in groups.items():
        if load > resource.batch_max:
            said = f"The batch at {start} of {resource.name!r} has {load}, over "
            yield Violation(rule="batch", said=f"{said}{resource.batch_max}.")


def _setups(shop: Shop, resource: Resource, held: list[_Held]) -> Iterator[Violation]:
    ticks = {(each.before, each.after): each.ticks for each in resource.setups}
    if not ticks:
        return
    if held:
        first = held[0]
        for one in held:  # all of a first batch
            needed = ticks.get(("", shop.tasks[one.task].family), 0)
            if (one is first or _batched(shop, first, one)) and one.start < needed:
                said = f"{resource.name!r} is not set up for {shop.tasks[one.task].name!r}."
                yield Violation(rule="set-up", said=said)
    for before, after in pairwise(held):
        if _batched(shop, before, after):
            continue
        families = (shop.tasks[before.task].family, shop.tasks[after.task].family)
        needed = ticks.get(families, 0)
        if before.end <= after.start < before.end + needed:
            said = f"{resource.name!r} needs {needed} from {families[0]!r} to {families[1]!r} "
            said += f"before {shop.tasks[after.task].name!r}."
            yield Violation(rule="set-up", said=said)


def _serial(shop: Shop, schedule: Schedule) -> Iterator[Violation]:
    spans: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    for task, mode, start in zip(shop.tasks, schedule.modes, schedule.starts, strict=True):
        if mode is not None and task.modes[mode].ticks > 0 and shop.jobs[task.job].serial:
            spans[task.job].append((start, start + task.modes[mode].ticks, task.name))
    for job, busy in spans.items():
        for one, other in pairwise(sorted(busy)):
            if other[0] < one[1]:
                said = f"{one[2]!r} and {other[2]!r} of {shop.jobs[job].name!r} overlap."
                yield Violation(rule="serial", said=said)
