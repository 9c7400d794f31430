"""Orders on one floor as sequences: who comes after whom on each work unit, and longest chains.

Movements take what they take at least; vehicles, persons and set-ups are left out. What a job in
another place would give is estimated from heads and tails, without carrying it out (Dell'Amico and
Trubian, 1993; Mastrolilli and Gambardella, 2000), here with movements between the places.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from fabloop.plan.floors.orders_search import Placed
from fabloop.plan.statement.layout import ways_to

FAR = 2**62

Plan = list[tuple[list[int], list[int]]]
"""Picks and starts of each order."""


class Move(NamedTuple):
    """A job goes to a choice, into a place of the sequence of its work unit without the job."""

    job: int
    option: int
    place: int


class Option(NamedTuple):
    """A choice of a job: its number, its work unit, its ticks and when settled inputs are there."""

    pick: int
    unit: int
    ticks: int
    ready: int


class Sequences:
    """The sequences, with heads and tails: `head` is the start, `tail` what comes from the end on.

    Jobs of all orders are numbered in one; `option` is the number of what is chosen of each.
    """

    def __init__(self, orders: Sequence[Placed]) -> None:
        self.orders = orders
        self.options: list[list[Option]] = []
        self.inputs: list[list[int]] = []
        self.taker: list[int] = []
        self.lag: list[list[list[int]]] = []
        self._units: dict[str, int] = {}
        for each in orders:
            self._add(each)
        self.jobs = range(len(self.options))
        self.option = [0] * len(self.jobs)
        self.unit, self.ticks = [0] * len(self.jobs), [0] * len(self.jobs)
        self.head, self.tail = [0] * len(self.jobs), [0] * len(self.jobs)
        self.order: list[list[int]] = [[] for _ in self._units]
        self.finish = 0

    def _add(self, order: Placed) -> None:
        work, first = order.work, len(self.options)
        for job in range(work.size):
            alive = np.isfinite(work.heads[job] + work.tails[job])
            if job in order.allowed:
                alive &= order.allowed[job]
            row = []
            for pick in np.flatnonzero(alive).tolist():
                place, ticks = work.places[job][pick], work.ticks[job][pick]
                unit = self._units.setdefault(place.unit or place.area, len(self._units))
                row.append(Option(pick, unit, ticks, int(work.tables.ready[job][pick])))
            self.options.append(row)
            self.inputs.append([first + made for made in work.tables.inputs[job]])
            self.taker.append(-1)
            self.lag.append([])
            for made in work.tables.inputs[job]:
                self.taker[first + made] = first + job
                self.lag[first + made] = self._lags(order, made, job, self.options[first + made])

    def _lags(
        self, order: Placed, made: int, job: int, options: Sequence[Option]
    ) -> list[list[int]]:
        """Return the ticks from each option of an input to each of the job's."""
        tables = order.work.tables
        here = [each.pick for each in options]
        columns = [
            ways_to(each.pick, tables.spots[made], tables.spots[job], tables.moves)[here]
            for each in self.options[-1]
        ]
        ways = np.stack(columns, axis=1)
        lags: list[list[int]] = np.where(np.isfinite(ways), ways, FAR).astype(np.int64).tolist()
        return lags

    def load(self, plan: Plan) -> None:
        """Take over a plan."""
        for each in self.order:
            each.clear()
        rows = (zip(starts, picks, strict=True) for picks, starts in plan)
        flat = [each for row in rows for each in row]
        for job in sorted(self.jobs, key=lambda job: (flat[job][0], job)):
            picks = [each.pick for each in self.options[job]]
            self._choose(job, picks.index(flat[job][1]))
            self.order[self.unit[job]].append(job)
        self.measure()

    def plan(self) -> Plan:
        """Return picks and starts."""
        found: Plan = []
        job = 0
        for each in self.orders:
            rows = range(job, job + each.work.size)
            picks = [self.options[row][self.option[row]].pick for row in rows]
            found.append((picks, [self.head[row] for row in rows]))
            job += each.work.size
        return found

    def _choose(self, job: int, option: int) -> None:
        self.option[job] = option
        _, self.unit[job], self.ticks[job], _ = self.options[job][option]

    def measure(self) -> bool:
        """Find heads, tails and the finish; tell whether all jobs have one."""
        head, ticks, taker, option = self.head, self.ticks, self.taker, self.option
        waits, following = [len(each) for each in self.inputs], [-1] * len(head)
        for order in self.order:
            for place in range(1, len(order)):
                following[order[place - 1]] = order[place]
                waits[order[place]] += 1
        head[:] = [row[at].ready for row, at in zip(self.options, option, strict=True)]
        queue = [job for job in self.jobs if not waits[job]]
        for job in queue:
            end = head[job] + ticks[job]
            each = taker[job]
            if each >= 0:
                arrives = end + self.lag[job][option[job]][option[each]]
                if head[each] < arrives:
                    head[each] = arrives
                waits[each] -= 1
                if not waits[each]:
                    queue.append(each)
            each = following[job]
            if each >= 0:
                if head[each] < end:
                    head[each] = end
                waits[each] -= 1
                if not waits[each]:
                    queue.append(each)
        self._measure_tails(queue, following)
        return len(queue) == len(head)

    def _measure_tails(self, queue: list[int], following: list[int]) -> None:
        tail, ticks, taker, option = self.tail, self.ticks, self.taker, self.option
        self.finish = 0
        for job in reversed(queue):
            each = following[job]
            rest = ticks[each] + tail[each] if each >= 0 else 0
            each = taker[job]
            if each >= 0:
                through = self.lag[job][option[job]][option[each]] + ticks[each] + tail[each]
                if through > rest:
                    rest = through
            tail[job] = rest
            self.finish = max(self.finish, self.head[job] + ticks[job] + rest)

    def chain(self, below: Callable[[int], int]) -> list[int]:
        """Return a longest chain of jobs, drawn at random where there are several."""
        head, ticks, option = self.head, self.ticks, self.option
        last = [job for job in self.jobs if head[job] + ticks[job] == self.finish]
        found = [last[below(len(last))]]
        while True:
            job = found[-1]
            near = [
                each
                for each in self.inputs[job]
                if head[each] + ticks[each] + self.lag[each][option[each]][option[job]] == head[job]
            ]
            order = self.order[self.unit[job]]
            place = order.index(job)
            if place and head[order[place - 1]] + ticks[order[place - 1]] == head[job]:
                near.append(order[place - 1])
            if not near:
                return found
            found.append(near[below(len(near))])

    def moves(self, job: int, least: int) -> Iterator[tuple[int, Move]]:
        """Yield moves of a job, each with the length of the longest chain through it then.

        Choices that cannot be better than `least` are left out.
        """
        head, ticks, option, taker = self.head, self.ticks, self.option, self.taker[job]
        made = [
            (head[each] + ticks[each], self.lag[each][option[each]]) for each in self.inputs[job]
        ]
        latest = max((head[each] for each in self.inputs[job]), default=-1)
        rest, soonest, lags = 0, FAR, self.lag[job]
        if taker >= 0:
            rest, soonest = ticks[taker] + self.tail[taker], head[taker] + ticks[taker]
        for number, (_, unit, mine, ready) in enumerate(self.options[job]):
            begin = ready
            for end, row in made:
                if end + row[number] > begin:
                    begin = end + row[number]
            after = rest + lags[number][option[taker]] if taker >= 0 else 0
            if begin + mine + after > least:
                continue
            yield from self._places(job, number, (unit, mine, begin, after), (latest, soonest))

    def _places(
        self, job: int, number: int, chosen: tuple[int, int, int, int], window: tuple[int, int]
    ) -> Iterator[tuple[int, Move]]:
        """Yield the moves of a job to a choice; heads and tails are those with it in its place."""
        head, tail, ticks = self.head, self.tail, self.ticks
        unit, mine, begin, after = chosen
        latest, soonest = window
        order, here, low = self.order[unit], -1, 0
        if unit == self.unit[job]:
            if number == self.option[job]:
                here = order.index(job)
            order = [each for each in order if each != job]
        count, inputs, taker = len(order), self.inputs[job], self.taker[job]
        while low < count and (
            head[order[low]] + ticks[order[low]] <= latest or order[low] in inputs
        ):
            low += 1  # these are inputs, or come before one
        high = low
        while True:
            start, rest = begin, after
            if high:
                each = order[high - 1]
                if head[each] + ticks[each] > start:
                    start = head[each] + ticks[each]
            if high < count:
                each = order[high]
                if ticks[each] + tail[each] > rest:
                    rest = ticks[each] + tail[each]
            if high != here:
                yield start + mine + rest, Move(job, number, high)
            if high == count or head[order[high]] >= soonest or order[high] == taker:
                break
            high += 1

    def carry_out(self, move: Move) -> bool:
        """Make a move; tell whether it makes no circle, which otherwise is undone."""
        job, old = move.job, self.option[move.job]
        order = self.order[self.unit[job]]
        place = order.index(job)
        order.pop(place)
        self._choose(job, move.option)
        self.order[self.unit[job]].insert(move.place, job)
        if self.measure():
            return True
        self.order[self.unit[job]].remove(job)
        self._choose(job, old)
        self.order[self.unit[job]].insert(place, job)
        self.measure()
        return False
