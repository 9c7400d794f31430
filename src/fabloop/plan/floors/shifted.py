"""Improve the last finish of many orders: jobs of a longest chain go to better places (tabu)."""

from collections.abc import Callable

from fabloop.plan.floors.orders_search import LOOKS_PER_SECOND, Search, adopted, booked
from fabloop.plan.floors.sequences import FAR, Move, Sequences

TENURE = 8
"""Rounds, and some more, in which a job does not go back to a work unit that it left."""

STALE_ROUNDS = 400
"""Rounds without a better plan after which the search goes back to the best one."""

KICKS = 6
"""Moves at random after going back."""

MOVES_PER_LOOK = 1.5
"""Moves that are estimated while a candidate is looked at."""

JOBS_PER_LOOK = 1.5
"""Jobs whose heads and tails are found while a candidate is looked at."""

LOOKS_PER_TURN = LOOKS_PER_SECOND // 2
"""Effort after which what was found is placed."""

SPOILED_MAX = 3
"""Plans in a row that vehicles and what is engaged spoil, beyond which it is given up."""


class Tabu:
    """A search from one plan on: `best` is the best plan, `value` its finish."""

    def __init__(self, at: Sequences, below: Callable[[int], int]) -> None:
        self.at, self.below = at, below
        self.best, self.value = at.plan(), at.finish
        self.looks = 0.0
        self._tabu: dict[tuple[int, int], int] = {}
        self._round = self._since = 0

    def step(self) -> bool:
        """Go one round; tell whether it found the best so far."""
        at = self.at
        self._round += 1
        self.looks += 1 + len(at.jobs) / JOBS_PER_LOOK
        chain = at.chain(self.below)
        found = self._picked(chain)
        if found is not None:
            tenure = TENURE + self.below(2 + len(chain))
            self._tabu[found.job, at.unit[found.job]] = self._round + tenure
            at.carry_out(found)
        if at.finish < self.value:
            self.best, self.value, self._since = at.plan(), at.finish, self._round
            return True
        if found is None or self._round - self._since > STALE_ROUNDS:
            self._go_back()
        return False

    def _picked(self, chain: list[int]) -> Move | None:
        """Return the most promising move that may be made, one of them where several are."""
        at, tabu, least, ties, seen = self.at, self._tabu, FAR - 1, 0, 0
        picked: Move | None = None
        for job in chain:
            for value, move in at.moves(job, least):
                seen += 1
                if value > least:
                    continue
                unit = at.options[job][move.option].unit
                if value >= self.value and tabu.get((job, unit), 0) > self._round:
                    continue
                ties = ties + 1 if value == least else 1
                if self.below(ties) == 0:
                    picked = move
                least = value
        self.looks += seen / MOVES_PER_LOOK
        return picked

    def _go_back(self) -> None:
        at = self.at
        at.load(self.best)
        self._tabu.clear()
        self._since = self._round
        for _ in range(KICKS):
            moves = [move for job in at.chain(self.below) for _, move in at.moves(job, FAR - 1)]
            self.looks += len(moves) / MOVES_PER_LOOK + len(at.jobs) / JOBS_PER_LOOK
            if moves:
                at.carry_out(moves[self.below(len(moves))])


def shifted(search: Search, at: Sequences, target: float, better: Callable[[float], None]) -> None:
    """Search until the target is met or the effort is spent, or what is found cannot be placed.

    `at` are sequences of the search's orders. `better` hears of each better finish; the best is
    kept.
    """
    spoiled, tabu = 0, begun(search, at)
    while search.score()[0] > target and search.spent.looks < search.budget:
        known = tabu.value
        go_on(search, tabu, target, LOOKS_PER_TURN)
        if tabu.value == known and tabu.value > target:
            continue
        if adopted(search, tabu.best, search.score()[0]):
            spoiled = 0
            better(search.score()[0])
        else:
            spoiled += 1
        if spoiled > SPOILED_MAX or tabu.value <= target:
            return


def begun(search: Search, at: Sequences) -> Tabu:
    """Return a search from where the orders are placed."""
    plans = [([it.pick for it in row], [it.start for it in row]) for row in booked(search.orders)]
    at.load(plans)
    search.spent.looks += len(at.jobs)
    return Tabu(at, lambda count: int(search.roll.random() * count))


def go_on(search: Search, tabu: Tabu, target: float, looks: int) -> None:
    """Go on until the target is met or so many looks are spent."""
    before = tabu.looks
    limit = min(looks, search.budget - search.spent.looks)
    while tabu.value > target and tabu.looks - before < limit:
        tabu.step()
    search.spent.looks += round(tabu.looks - before)
