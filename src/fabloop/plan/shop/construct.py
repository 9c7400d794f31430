"""A schedule at once: tasks by priority, each into the first gap of its best mode."""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush

import msgspec

from fabloop.plan.shop.graph import Graph
from fabloop.plan.shop.heads import Heads
from fabloop.plan.shop.model import Arc, Mode, Resource, Schedule, Shop
from fabloop.plan.shop.timeline import Timeline, Unary, timeline_of

SCALE = 1_000


class Recipe(msgspec.Struct, frozen=True):
    """How to construct a schedule.

    Attributes
    ----------
    urgency : per task, how soon it is wanted; the least comes first
    by_ready : what a tick of waiting for predecessors counts beside the urgency, in thousandths
    forced : per task, the mode that it has to take; None: the one that ends first
    picks : per choice, the option that it takes if it is met
    """

    urgency: tuple[int, ...]
    by_ready: int
    forced: tuple[int | None, ...]
    picks: tuple[int, ...]


class Ground(msgspec.Struct, frozen=True):
    """A problem with what is known of it before anything is chosen."""

    shop: Shop
    graph: Graph
    heads: Heads


def recipes(ground: Ground) -> list[Recipe]:
    """Return the priority rules: longest tail, due date, first ready, and mixtures."""
    shop, heads = ground.shop, ground.heads
    tails = [-(tail + ticks) for tail, ticks in zip(heads.tail, ground.graph.shortest, strict=True)]
    due = [
        (0 if (day := shop.jobs[task.job].due) is None else day) + tail
        for task, tail in zip(shop.tasks, tails, strict=True)
    ]
    forced = (None,) * len(shop.tasks)
    picks = least_work(ground)
    found = []
    for urgency in [tails] if due == tails else [due, tails]:
        for by_ready in (0, SCALE // 2, SCALE, 2 * SCALE, 8 * SCALE):
            scaled = tuple(each * SCALE for each in urgency)
            found.append(Recipe(scaled, by_ready, forced, picks))
    return found


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


class _Builder:
    """A schedule that grows."""

    def __init__(self, ground: Ground, recipe: Recipe) -> None:
        shop = ground.shop
        self.ground, self.recipe = ground, recipe
        self.lines: list[Timeline] = [timeline_of(each) for each in shop.resources]
        part = Resource(name="part")
        self.parts = [Unary(part) if job.serial else None for job in shop.jobs]
        self.modes: list[int | None] = [None] * len(shop.tasks)
        self.starts = [0] * len(shop.tasks)
        self.taken = taken_by(shop, recipe.picks)
        self.present = [task.option is None or self.taken[task.option] for task in shop.tasks]
        self.waits = [
            sum(self.present[arc.before] for arc in ground.graph.before[task])
            for task in range(len(shop.tasks))
        ]
        self.ready = [shop.jobs[task.job].release for task in shop.tasks]

    def built(self) -> Schedule | None:
        """Return the schedule; None where modes do not go together."""
        queue: list[tuple[int, int]] = []
        for task, present in enumerate(self.present):
            if present and self.waits[task] == 0:
                heappush(queue, (self._key(task), task))
        while queue:
            _, task = heappop(queue)
            if not self._place(task):
                return None
            for arc in self.ground.graph.after[task]:
                if self.present[arc.after]:
                    self._settle(arc, queue)
        return Schedule(tuple(self.modes), tuple(self.starts), self.taken)

    def _key(self, task: int) -> int:
        return self.recipe.urgency[task] + self.recipe.by_ready * self.ready[task]

    def _settle(self, arc: Arc, queue: list[tuple[int, int]]) -> None:
        task, mode = arc.before, self.modes[arc.before]
        assert mode is not None, "what is placed has a mode"
        end = self.starts[task] + self.ground.shop.tasks[task].modes[mode].ticks
        if not arc.pairs:
            self.ready[arc.after] = max(self.ready[arc.after], end + arc.lag)
        else:
            self.ready[arc.after] = max(self.ready[arc.after], end)
        self.waits[arc.after] -= 1
        if self.waits[arc.after] == 0:
            heappush(queue, (self._key(arc.after), arc.after))

    def _place(self, task: int) -> bool:
        """Put a task where it ends first."""
        modes = self.ground.shop.tasks[task].modes
        forced = self.recipe.forced[task]
        best: tuple[int, int, int, int] | None = None
        for number in range(len(modes)) if forced is None else (forced,):
            tick = self._ready(task, number)
            if tick is None:
                continue
            tick = self._fit(task, modes[number], tick)
            found = (tick + modes[number].ticks, modes[number].cost, number, tick)
            if best is None or found < best:
                best = found
        if best is None:
            return False
        _, _, number, tick = best
        self._hold(task, modes[number], tick)
        self.modes[task], self.starts[task] = number, tick
        return True

    def _ready(self, task: int, mode: int) -> int | None:
        """Return the tick from which the mode may start after its predecessors; None: never."""
        tick = self.ready[task]
        for arc in self.ground.graph.before[task]:
            if not arc.pairs or not self.present[arc.before]:
                continue
            first = self.modes[arc.before]
            assert first is not None, "predecessors are placed before"
            lag: int | None = arc.lag
            for pair in arc.pairs:
                if (pair.before_mode, pair.after_mode) == (first, mode):
                    lag = pair.ticks
            if lag is None:
                return None
            end = self.starts[arc.before] + self.ground.shop.tasks[arc.before].modes[first].ticks
            tick = max(tick, end + lag)
        return tick

    def _fit(self, task: int, mode: Mode, tick: int) -> int:
        """Return the first tick at which all that the mode needs is free."""
        if mode.ticks == 0:
            return tick
        mine, ticks = self.ground.shop.tasks[task], mode.ticks
        part = self.parts[mine.job]
        while True:
            begin = tick
            if part is not None:
                tick = part.earliest(tick, ticks, 1, "", "")
            for use in mode.uses:
                line = self.lines[use.resource]
                tick = line.earliest(tick, ticks, use.demand, mine.family, mine.batch)
            if tick == begin or (part is None and len(mode.uses) < 2):
                return tick

    def _hold(self, task: int, mode: Mode, tick: int) -> None:
        if mode.ticks == 0:
            return
        mine = self.ground.shop.tasks[task]
        part = self.parts[mine.job]
        if part is not None:
            part.hold(tick, mode.ticks, 1, "", "")
        for use in mode.uses:
            self.lines[use.resource].hold(tick, mode.ticks, use.demand, mine.family, mine.batch)


def construct(ground: Ground, recipe: Recipe) -> Schedule | None:
    """Return a schedule by a recipe; None where it runs into modes that do not go together."""
    return _Builder(ground, recipe).built()


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
    return Recipe(tuple(urgency), recipe.by_ready, tuple(forced), tuple(picks))
