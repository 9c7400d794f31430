"""A schedule at once: tasks by priority, each into the first gap of its best mode."""

from heapq import heappop, heappush

from fabloop.plan.shop.model import Mode, Resource, Schedule
from fabloop.plan.shop.recipe import Ground, Recipe, taken_by
from fabloop.plan.shop.timeline import Timeline, Unary, timeline_of

Place = tuple[int, int, int, int]
"""End, cost, mode and start of a task."""


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
        self.queue: list[tuple[int, int]] = []
        self.lively = bool(recipe.rule.start or recipe.rule.end)
        self.ready = [shop.jobs[task.job].release for task in shop.tasks]

    def built(self) -> Schedule | None:
        """Return the schedule; None where modes do not go together."""
        for task, present in enumerate(self.present):
            if present and self.waits[task] == 0:
                self._queue(task)
        while self.queue:
            key, task = heappop(self.queue)
            place = self._best(task)
            if place is None:
                return None
            now = self._key(task, place) if self.lively else key
            if now > key and self.queue and now > self.queue[0][0]:
                heappush(self.queue, (now, task))  # what was placed since is in the way
                continue
            self._put(task, place)
        return Schedule(tuple(self.modes), tuple(self.starts), self.taken)

    def _queue(self, task: int) -> None:
        place = self._best(task) if self.lively else None
        heappush(self.queue, (self._key(task, place), task))

    def _key(self, task: int, place: Place | None) -> int:
        rule = self.recipe.rule
        key = self.recipe.urgency[task] + rule.ready * self.ready[task]
        if place is not None:
            key += rule.start * place[3] + rule.end * place[0]
        return key

    def _put(self, task: int, place: Place) -> None:
        """Place a task, and queue what has waited for it."""
        _, _, number, tick = place
        mode = self.ground.shop.tasks[task].modes[number]
        self._hold(task, mode, tick)
        self.modes[task], self.starts[task] = number, tick
        for arc in self.ground.graph.after[task]:
            if not self.present[arc.after]:
                continue
            lag = 0 if arc.pairs else arc.lag
            self.ready[arc.after] = max(self.ready[arc.after], tick + mode.ticks + lag)
            self.waits[arc.after] -= 1
            if self.waits[arc.after] == 0:
                self._queue(arc.after)

    def _best(self, task: int) -> Place | None:
        """Return where a task ends first; None where no mode goes together with those before."""
        modes = self.ground.shop.tasks[task].modes
        forced = self.recipe.forced[task]
        best: Place | None = None
        for number in range(len(modes)) if forced is None else (forced,):
            tick = self._ready(task, number)
            if tick is None:
                continue
            tick = self._fit(task, modes[number], tick)
            found = (tick + modes[number].ticks, modes[number].cost, number, tick)
            if best is None or found < best:
                best = found
        return best

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
