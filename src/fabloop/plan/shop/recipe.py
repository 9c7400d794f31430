"""How to construct a schedule: what counts when the next task is chosen, and recipes near one."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from fabloop.plan.shop.graph import Graph
from fabloop.plan.shop.heads import Heads
from fabloop.plan.shop.model import Schedule, Shop

SCALE = 1_000
FAR = 1_000 * SCALE
MOVED_MAX = 4
FREED_MAX = 8
"""Tasks of a schedule that a recipe near it moves, and whose modes it frees, at most."""


class Rule(msgspec.Struct, frozen=True):
    """What a tick counts beside the urgency of a task, in thousandths.

    Attributes
    ----------
    ready : of the tick at which its predecessors are done
    start, end : of the ticks at which it could start and end now; not 0: looked at again and again
    """

    ready: int = 0
    start: int = 0
    end: int = 0


class Recipe(msgspec.Struct, frozen=True):
    """How to construct a schedule.

    Attributes
    ----------
    urgency : per task, how soon it is wanted, in thousandths; the least comes first
    rule : what counts beside it
    forced : per task, the mode that it has to take; None: the one that ends first
    picks : per choice, the option that it takes if it is met
    """

    urgency: tuple[int, ...]
    rule: Rule
    forced: tuple[int | None, ...]
    picks: tuple[int, ...]


RULES = (
    *(Rule(ready=each * SCALE // 2) for each in (0, 1, 2, 4, 16)),
    Rule(start=FAR),
    Rule(start=SCALE),
    Rule(start=4 * SCALE),
    Rule(end=FAR),
    Rule(end=SCALE),
)


class Ground(msgspec.Struct, frozen=True):
    """A problem with what is known of it before anything is chosen."""

    shop: Shop
    graph: Graph
    heads: Heads


def recipes(ground: Ground) -> list[Recipe]:
    """Return priority rules: by tail or due date, by when a task could be done, and mixtures."""
    shop, heads = ground.shop, ground.heads
    tails = [-(tail + ticks) for tail, ticks in zip(heads.tail, ground.graph.shortest, strict=True)]
    due = [
        (0 if (day := shop.jobs[task.job].due) is None else day) + tail
        for task, tail in zip(shop.tasks, tails, strict=True)
    ]
    free, picks = (None,) * len(shop.tasks), least_work(ground)
    cheap = tuple(
        min(range(len(task.modes)), key=lambda mode: task.modes[mode].cost) for task in shop.tasks
    )
    found = []
    for urgency in [tails] if due == tails else [due, tails]:
        scaled = tuple(each * SCALE for each in urgency)
        found += [Recipe(scaled, rule, free, picks) for rule in RULES]
    if any(mode.cost != task.modes[0].cost for task in shop.tasks for mode in task.modes):
        found.append(Recipe(found[0].urgency, RULES[0], cheap, picks))
    return found


def recipes_from(ground: Ground, schedule: Schedule) -> Iterator[Recipe]:
    """Yield recipes with the modes and options of a schedule, first what it starts first."""
    shop = ground.shop
    picks = list(least_work(ground))
    for option, yes in enumerate(schedule.taken):
        if yes:
            picks[shop.options[option].choice] = option
    tails = [-tail for tail in ground.heads.tail]
    for urgency in (schedule.starts, tails):
        scaled = tuple(each * SCALE for each in urgency)
        for rule in (Rule(), Rule(start=SCALE)):
            yield Recipe(scaled, rule, schedule.modes, tuple(picks))


def least_work(ground: Ground) -> tuple[int, ...]:
    """Return, per choice, the option with the least ticks below it."""
    shop = ground.shop
    own = [0] * len(shop.options)
    for number, task in enumerate(shop.tasks):
        if task.option is not None:
            own[task.option] += ground.graph.shortest[number]
    options: list[list[int]] = [[] for _ in shop.choices]
    for number, option in enumerate(shop.options):
        options[option.choice].append(number)
    best = [0] * len(shop.choices)
    for choice in reversed(range(len(shop.choices))):  # inner choices come after outer ones
        best[choice] = min(options[choice], key=lambda option: own[option])
        within = shop.choices[choice].within
        if within is not None:
            own[within] += own[best[choice]]
    return tuple(best)


def taken_by(shop: Shop, picks: Sequence[int]) -> tuple[bool, ...]:
    """Return which options are taken if each choice that is met picks so."""
    taken = [False] * len(shop.options)
    for number, choice in enumerate(shop.choices):
        if choice.within is None or taken[choice.within]:
            taken[picks[number]] = True
    return tuple(taken)


def varied(ground: Ground, recipe: Recipe, below: Callable[[int], int]) -> Recipe:
    """Return a recipe near one: other urgencies, modes forced or freed, another option."""
    shop = ground.shop
    urgency, forced, picks = list(recipe.urgency), list(recipe.forced), list(recipe.picks)
    spread = 1 + max(map(abs, urgency), default=0) // 4
    for _ in range(1 + below(1 + len(urgency) // 10)):
        urgency[below(len(urgency))] += below(2 * spread) - spread
    for _ in range(below(3)):
        task = below(len(forced))
        forced[task] = None if forced[task] is not None else below(len(shop.tasks[task].modes))
    if shop.options and below(2):
        option = below(len(shop.options))
        picks[shop.options[option].choice] = option
    return Recipe(tuple(urgency), recipe.rule, tuple(forced), tuple(picks))


def near(
    ground: Ground, schedule: Schedule, picks: tuple[int, ...], below: Callable[[int], int]
) -> Recipe:
    """Return a recipe for a schedule with a few tasks moved, freed or put into another mode."""
    shop = ground.shop
    tasks = range(len(shop.tasks))
    urgency = [
        SCALE * (ground.heads.head[task] if schedule.modes[task] is None else schedule.starts[task])
        for task in tasks
    ]
    forced, picked = list(schedule.modes), list(picks)
    spread = 1 + max(urgency) // 4
    for _ in range(1 + below(MOVED_MAX)):
        urgency[below(len(tasks))] += below(2 * spread) - spread
    for _ in range(1 + below(FREED_MAX)):
        task = below(len(tasks))
        forced[task] = None if below(4) else below(len(shop.tasks[task].modes))
    if shop.options and below(3) == 0:
        option = below(len(shop.options))
        picked[shop.options[option].choice] = option
    return Recipe(tuple(urgency), Rule(), tuple(forced), tuple(picked))
