"""Problems with alternatives: what one choice leaves of them, and the best choice in time.

Choices among alternatives are made by the tree; what contends for time is solved for one choice
after the other, those with the least bound first.
"""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import TypeVar

import msgspec
import numpy as np

from fabloop.base.errors import Fault, Invalid
from fabloop.model.product import ConfiguredProduct
from fabloop.plan.statement.layout import Bools
from fabloop.plan.statement.problem import ABSENT, Job, Problem, Source
from fabloop.plan.timetable.keeping import Fit
from fabloop.plan.timetable.schedule import Routing, Timetable, Transfer
from fabloop.plan.tree import Masks, Tables, optimum

Each = TypeVar("Each")

CHOICES_MAX = 6
"""Choices among alternatives that are solved for time; the bound holds for all others too."""


class Narrowed(msgspec.Struct, frozen=True):
    """What one choice among alternatives leaves of a problem; `kept` are its jobs' old numbers."""

    problem: Problem
    kept: tuple[int, ...]
    jobs: int

    def of(self, values: tuple[Each, ...]) -> tuple[Each, ...]:
        """Return what is said of the jobs that are kept."""
        return tuple(values[each] for each in self.kept)

    def routing(self, routing: Routing) -> Routing:
        """Return the routing of what is left."""
        return Routing(self.of(routing.choice), routing.weights, self.of(routing.legs))

    def narrow(self, table: Timetable) -> Timetable:
        """Return a timetable of the whole problem as one of what is left."""
        held = self.of(table.fits) if table.fits else ()
        return Timetable(
            self.of(table.choice), self.of(table.starts), self.of(table.transfers), held
        )

    def widened(self, table: Timetable) -> Timetable:
        """Return a timetable of what is left as one of the whole problem."""
        choice, starts = [ABSENT] * self.jobs, [0] * self.jobs
        transfers: list[tuple[Transfer, ...]] = [()] * self.jobs
        for place, number in enumerate(self.kept):
            choice[number], starts[number] = table.choice[place], table.starts[place]
            transfers[number] = table.transfers[place]
        fits = [Fit(0)] * self.jobs
        for place, number in enumerate(self.kept):
            fits[number] = table.fit(place)
        held = tuple(fits) if table.fits else ()
        return Timetable(tuple(choice), tuple(starts), tuple(transfers), held)


def has_alternatives(problem: Problem) -> bool:
    """Tell whether any input has several makers."""
    return any(source.others for job in problem.jobs for source in job.sources)


def refuse_alternatives(product: ConfiguredProduct, where: str) -> None:
    """Refuse a product that leaves a choice of routing.

    Raises
    ------
    Invalid
        It has alternatives.
    """
    if product.alternatives:
        fault = Fault(
            source=product.label,
            path="alternatives",
            expected=f"a product whose routing is settled {where}",
            found=", ".join(repr(each.id) for each in product.alternatives),
            hint="Choose one option of each alternative.",
        )
        raise Invalid(fault)


def narrowed(problem: Problem, choice: tuple[int, ...]) -> Narrowed:
    """Return the problem without the jobs that the choice leaves out."""
    kept = tuple(number for number, pick in enumerate(choice) if pick != ABSENT)
    place = {number: index for index, number in enumerate(kept)}
    jobs = tuple(_only(problem.jobs[number], problem, place) for number in kept)
    return Narrowed(msgspec.structs.replace(problem, jobs=jobs), kept, len(choice))


def _only(job: Job, problem: Problem, place: dict[int, int]) -> Job:
    sources = tuple(_chosen(source, problem, place) for source in job.sources)
    return msgspec.structs.replace(job, sources=sources)


def _chosen(source: Source, problem: Problem, place: dict[int, int]) -> Source:
    if source.job is None:
        return source
    maker = next(each for each in source.jobs if each in place)
    made_by = problem.jobs[maker].operation.id
    return msgspec.structs.replace(source, made_by=made_by, job=place[maker], others=())


class InTime(msgspec.Struct, frozen=True):
    """The timetable with the least finish found, and the least that any could have."""

    table: Timetable
    finish: int
    bound: int


def best_in_time(
    problem: Problem, tables: Tables, solve: Callable[[Narrowed], tuple[Timetable, int]]
) -> InTime | None:
    """Return the best timetable over the choices among alternatives, the most promising first.

    `tables` measure the makespan; `solve` gives a timetable of what one choice leaves, and the
    least finish that it could have. None where no plan exists.
    """
    best: InTime | None = None
    solved_bound = open_bound = np.inf
    for tried, (bound, choice) in enumerate(routings_by_value(problem, tables)):
        if tried >= CHOICES_MAX or (best is not None and bound >= best.finish):
            open_bound = bound
            break
        part = narrowed(problem, choice)
        table, least = solve(part)
        finish = table.finish(part.problem)
        solved_bound = min(solved_bound, max(bound, least))
        if best is None or finish < best.finish:
            best = InTime(part.widened(table), finish, 0)
    if best is None:
        return None
    bound = min(best.finish, round(min(solved_bound, open_bound)))
    return msgspec.structs.replace(best, bound=bound)


def routings_by_value(problem: Problem, tables: Tables) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Yield one best choice per way through the alternatives, the least value first.

    A space of ways is divided at its best one: by the input, takers before makers, at which a way
    differs from it first.
    """
    ticket = count()
    spaces: list[tuple[float, int, tuple[int, ...], Masks]] = []

    def put(masks: Masks) -> None:
        found = optimum(tables, masks)
        if found is not None:
            heappush(spaces, (found.value, next(ticket), found.choice, masks))

    put({})
    while spaces:
        value, _, choice, masks = heappop(spaces)
        yield value, choice
        fixed = dict(masks)
        for job in reversed(problem.jobs):
            for source in job.sources:
                chosen = [each for each in source.jobs if choice[each] != ABSENT]
                if len(source.jobs) < 2 or not chosen:
                    continue
                rivals = [each for each in source.jobs if each != chosen[0]]
                put({**fixed, chosen[0]: _none(tables, chosen[0])})
                fixed |= {each: _none(tables, each) for each in rivals}


def _none(tables: Tables, job: int) -> Bools:
    return np.zeros(len(tables.nodes[job]), dtype=np.bool_)
