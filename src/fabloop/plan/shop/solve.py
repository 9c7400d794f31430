"""The best schedule within an effort: constructed, improved, then searched for with a proof."""

from collections.abc import Callable

import msgspec

from fabloop.base.chance import chance
from fabloop.base.errors import Broken
from fabloop.plan.shop.answer import Answer, Effort, Halt, Outcome, Progress
from fabloop.plan.shop.bounds import bound_of
from fabloop.plan.shop.checker import violations
from fabloop.plan.shop.construct import construct
from fabloop.plan.shop.cpsat.search import (
    Search,
    is_small_enough,
    search,
    search_relaxed,
)
from fabloop.plan.shop.graph import graph_of
from fabloop.plan.shop.heads import heads_of
from fabloop.plan.shop.measure import value_of
from fabloop.plan.shop.model import Objective, Schedule, Shop
from fabloop.plan.shop.recipe import Ground, Recipe, near, recipes, recipes_from, varied
from fabloop.plan.shop.sound import validated
from fabloop.plan.shop.tabu import improve, is_plain

SEED = 7
RELAXED_SECONDS = 1.0
"""Deterministic seconds for the bound without machines in each other's way."""
BURST_SHARE = 0.125
"""The share of the moves that are looked at before a first, short search."""
MOVES_PER_QUICK_SECOND = 500_000
"""Moves of the first share that are worth a deterministic second of this search."""
MOVES_PER_MODE = 8
"""What constructing once costs, in moves per mode."""
Listener = Callable[[Progress], None]


def solve(
    shop: Shop,
    objectives: tuple[Objective, ...] = (Objective.MAKESPAN,),
    *,
    effort: Effort | None = None,
    halt: Halt | None = None,
    told: Listener = lambda _: None,
) -> Answer:
    """Return the best schedule found; objectives count one after the other.

    `told` hears of each better value and bound, from threads of the search as well.

    Raises
    ------
    Invalid
        The problem is not well formed.
    """
    assert objectives, "something is minimised"
    validated(shop)
    graph = graph_of(shop)
    ground = Ground(shop, graph, heads_of(shop, graph))
    return _Solve(ground, objectives, effort or Effort(), halt or Halt(), told).answer()


class _Solve:
    """One solve: the best so far, and what is known of each objective."""

    def __init__(
        self,
        ground: Ground,
        objectives: tuple[Objective, ...],
        effort: Effort,
        halt: Halt,
        told: Listener,
    ) -> None:
        self.ground, self.objectives = ground, objectives
        self.effort, self.halt, self.told = effort, halt, told
        self.best: Schedule | None = None
        self.origin: Schedule | None = None
        self.start: tuple[tuple[int, ...], Recipe] | None = None
        self.bounds = [
            bound_of(ground.shop, ground.graph, ground.heads, each) for each in objectives
        ]

    def values(self, schedule: Schedule) -> tuple[int, ...]:
        """Return the values of a schedule, in the order of the objectives."""
        return tuple(value_of(self.ground.shop, schedule, each) for each in self.objectives)

    def answer(self) -> Answer:
        """Construct, improve, search and check."""
        self._construct()
        self.origin = self.best
        self._relax()
        burst = int(self.effort.moves * BURST_SHARE)
        self._improve(burst, SEED)
        if burst and self.best is not None:  # what is easy is proven before more is spent
            self._search(0, burst / MOVES_PER_QUICK_SECOND)
        self._improve(self.effort.moves - burst, SEED + 1)
        proven = True
        for stage in range(len(self.objectives)):
            outcome = self._search(stage)
            if outcome is Outcome.IMPOSSIBLE:
                return Answer(
                    outcome=Outcome.IMPOSSIBLE, schedule=None, values=(), bounds=tuple(self.bounds)
                )
            proven = proven and outcome is Outcome.PROVEN
        if self.best is None:
            bounds = tuple(self.bounds)
            return Answer(outcome=Outcome.UNDECIDED, schedule=None, values=(), bounds=bounds)
        broken = violations(self.ground.shop, self.best)
        if broken:
            raise Broken(f"The solver broke a rule: {broken[0].said}")
        return Answer(
            outcome=Outcome.PROVEN if proven else Outcome.FOUND,
            schedule=self.best,
            values=self.values(self.best),
            bounds=tuple(self.bounds),
        )

    def _take(self, schedule: Schedule | None) -> None:
        """Keep a schedule that is better than the best so far."""
        if schedule is None:
            return
        if self.best is None or self.values(schedule) < self.values(self.best):
            self.best = schedule
            self._tell(0)

    def _tell(self, stage: int) -> None:
        objective = self.objectives[stage]
        value = None if self.best is None else value_of(self.ground.shop, self.best, objective)
        self.told(Progress(objective, value, self.bounds[stage]))

    def _met(self, stage: int) -> bool:
        """Return whether the best is proven to be so, as far as this objective goes."""
        return self.best is not None and self.values(self.best)[stage] <= self.bounds[stage]

    def _construct(self) -> None:
        for recipe in recipes(self.ground):
            self._keep(recipe)
            if self.halt.asked and self.best is not None:
                return

    def _keep(self, recipe: Recipe) -> None:
        """Construct by a recipe, and keep what is no worse than all before."""
        made = construct(self.ground, recipe)
        if made is None or (self.start and self.values(made) > self.start[0]):
            return
        self.start = (self.values(made), recipe)
        self._take(made)

    def _relax(self) -> None:
        """Raise the bound of the makespan, and construct with modes that spread the load."""
        if self.objectives[0] is not Objective.MAKESPAN or self.best is None or self._met(0):
            return
        if self.halt.asked:
            return
        effort = RELAXED_SECONDS
        if self.effort.seconds is not None:
            effort = min(effort, self.effort.seconds / 4)
        wanted = msgspec.structs.replace(self._wanted(0), workers=1, effort=effort)
        found = search_relaxed(wanted, self.halt.take)
        self.bounds[0] = max(self.bounds[0], found.bound)
        self._tell(0)
        if found.schedule is not None and found.schedule != self.best:
            for recipe in recipes_from(self.ground, found.schedule):
                self._keep(recipe)

    def _improve(self, moves: int, seed: int) -> None:
        """Look for a better schedule near the best one."""
        if self.best is None or self._met(0):
            return
        below = chance(seed)
        if not is_plain(self.ground.shop) or self.objectives[0] is not Objective.MAKESPAN:
            self._vary(moves, below)
            return
        improve(
            self.ground,
            self.best,
            self.origin or self.best,
            bound=self.bounds[0],
            moves=moves,
            below=below,
            told=self._take,
            halted=lambda: self.halt.hurried,
        )

    def _vary(self, moves: int, below: Callable[[int], int]) -> None:
        """Construct again and again near the best recipe, or the best schedule."""
        size = sum(len(task.modes) for task in self.ground.shop.tasks)
        if self.start is None or self.best is None or not size:
            return
        for _ in range(moves // (MOVES_PER_MODE * size)):
            if self.halt.hurried or all(map(self._met, range(len(self.objectives)))):
                return
            recipe = self.start[1]
            if below(2):
                self._keep(near(self.ground, self.best, recipe.picks, below))
            else:
                self._keep(varied(self.ground, recipe, below))

    def _search(self, stage: int, seconds: float | None = None) -> Outcome:
        """Search with one objective, and keep what the earlier ones have reached.

        `seconds` are deterministic; without them the effort counts.
        """
        if self._met(stage):
            return Outcome.PROVEN
        if self.halt.asked or not is_small_enough(self.ground.shop):
            return Outcome.UNDECIDED

        def told(schedule: Schedule | None, bound: int) -> None:
            self.bounds[stage] = max(self.bounds[stage], bound)
            self._take(schedule)
            if schedule is None:
                self._tell(stage)

        wanted = self._wanted(stage)
        if seconds is not None:
            wanted = msgspec.structs.replace(wanted, effort=seconds)
        found = search(wanted, told, self.halt.take)
        self.bounds[stage] = max(self.bounds[stage], found.bound)
        self._take(found.schedule)
        if found.outcome is Outcome.PROVEN and self.best is not None:
            self.bounds[stage] = self.values(self.best)[stage]
        return Outcome.PROVEN if self._met(stage) else found.outcome

    def _wanted(self, stage: int) -> Search:
        """Return the search for one objective, from the best on."""
        kept = () if self.best is None else self.values(self.best)[:stage]
        return Search(
            ground=self.ground,
            objective=self.objectives[stage],
            hint=self.best,
            bound=self.bounds[stage],
            kept=tuple(zip(self.objectives, kept, strict=False)),
            workers=self.effort.workers,
            effort=self.effort.seconds,
        )
