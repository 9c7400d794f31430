"""Tabu search for plain machine shops: move a critical task to a better place.

Neighbourhood: a task of a longest chain goes to another place of any of its machines where it
provably makes no cycle (Dell'Amico and Trubian, 1993; Mastrolilli and Gambardella, 2000). What a
move gives is estimated from heads and tails; the best one that is not tabu is carried out.
"""

from collections.abc import Callable, Iterator

from fabloop.plan.shop.model import Schedule, Shop
from fabloop.plan.shop.recipe import Ground

TENURE = 8
STALE_ROUNDS = 600
"""Rounds without a better schedule after which the search goes back to the best one."""
KICKS = 8
"""Random moves after going back."""
FAR = 2**62

Move = tuple[int, int, int]
"""A task, its mode, and its place in the sequence of the machine without it."""
Told = Callable[[Schedule], None]
FRESH_MOVES = 1_500_000
"""Moves without a better schedule after which the search begins anew."""


def is_plain(shop: Shop) -> bool:
    """Return whether machines of capacity 1 and precedence are all there is."""
    return (
        not shop.choices
        and not any(job.serial for job in shop.jobs)
        and not any(arc.pairs or arc.lag for arc in shop.arcs)
        and not any(
            each.capacity > 1 or each.closed or each.setups or each.batch_max > 1
            for each in shop.resources
        )
        and all(
            len(mode.uses) == 1 and mode.ticks > 0 for task in shop.tasks for mode in task.modes
        )
    )


class Sequences:
    """Who comes after whom on each machine, with heads and tails of all tasks.

    `head` is the start; `tail` is what still comes from the end on.
    """

    def __init__(self, ground: Ground, schedule: Schedule) -> None:
        shop, graph = ground.shop, ground.graph
        tasks = range(len(shop.tasks))
        self.tasks = tasks
        self.before = [[arc.before for arc in graph.before[task]] for task in tasks]
        self.after = [[arc.after for arc in graph.after[task]] for task in tasks]
        self.release = [shop.jobs[task.job].release for task in shop.tasks]
        self.options = [
            [(mode.uses[0].resource, mode.ticks) for mode in task.modes] for task in shop.tasks
        ]
        self.waits = [len(each) for each in self.before]
        self.head, self.tail = [0] * len(tasks), [0] * len(tasks)
        self.mode, self.machine, self.ticks = [0] * len(tasks), [0] * len(tasks), [0] * len(tasks)
        self.order: list[list[int]] = [[] for _ in shop.resources]
        self.finish = 0
        self.load(schedule)

    def load(self, schedule: Schedule) -> None:
        """Take over a schedule."""
        for each in self.order:
            each.clear()
        for task in sorted(self.tasks, key=lambda task: schedule.starts[task]):
            mode = schedule.modes[task]
            assert mode is not None, "a plain shop has no options"
            self.mode[task] = mode
            self.machine[task], self.ticks[task] = self.options[task][mode]
            self.order[self.machine[task]].append(task)
        self.measure()

    def schedule(self) -> Schedule:
        """Return it as a schedule."""
        return Schedule(tuple(self.mode), tuple(self.head))

    def measure(self) -> None:
        """Find heads, tails and the finish."""
        head, ticks, after = self.head, self.ticks, self.after
        waits, following = self.waits.copy(), [-1] * len(head)
        for order in self.order:
            for place in range(1, len(order)):
                following[order[place - 1]] = order[place]
                waits[order[place]] += 1
        head[:] = self.release
        queue = [task for task in self.tasks if not waits[task]]
        for task in queue:
            end = head[task] + ticks[task]
            for each in after[task]:
                if head[each] < end:
                    head[each] = end
                waits[each] -= 1
                if not waits[each]:
                    queue.append(each)
            each = following[task]
            if each >= 0:
                if head[each] < end:
                    head[each] = end
                waits[each] -= 1
                if not waits[each]:
                    queue.append(each)
        assert len(queue) == len(head), "no move makes a cycle"
        self._measure_tails(queue, following)

    def _measure_tails(self, queue: list[int], following: list[int]) -> None:
        tail, ticks, finish = self.tail, self.ticks, 0
        for task in reversed(queue):
            each = following[task]
            rest = ticks[each] + tail[each] if each >= 0 else 0
            for each in self.after[task]:
                if ticks[each] + tail[each] > rest:
                    rest = ticks[each] + tail[each]
            tail[task] = rest
            through = self.head[task] + ticks[task] + rest
            if through > finish:
                finish = through
        self.finish = finish

    def chain(self, below: Callable[[int], int]) -> list[int]:
        """Return a longest chain of tasks, drawn at random where there are several."""
        head, ticks = self.head, self.ticks
        last = [task for task in self.tasks if head[task] + ticks[task] == self.finish]
        found = [last[below(len(last))]]
        while True:
            task = found[-1]
            near = [each for each in self.before[task] if head[each] + ticks[each] == head[task]]
            order = self.order[self.machine[task]]
            place = order.index(task)
            if place and head[order[place - 1]] + ticks[order[place - 1]] == head[task]:
                near.append(order[place - 1])
            if not near:
                return found
            found.append(near[below(len(near))])

    def moves(self, task: int) -> Iterator[tuple[int, Move]]:
        """Yield the moves of a task, each with the length of the longest chain through it."""
        head, tail, ticks = self.head, self.tail, self.ticks
        before, after = self.before[task], self.after[task]
        ready, latest, rest, soonest = self.release[task], -1, 0, FAR
        for each in before:
            ready = max(ready, head[each] + ticks[each])
            latest = max(latest, head[each])
        for each in after:
            rest = max(rest, ticks[each] + tail[each])
            soonest = min(soonest, head[each] + ticks[each])
        for mode, (machine, mine) in enumerate(self.options[task]):
            order = self.order[machine]
            own = machine == self.machine[task]
            if own and mode == self.mode[task]:
                yield from self._shifts(task, latest, soonest)
                continue
            if own:
                order = [each for each in order if each != task]
            low, high, count = 0, 0, len(order)
            while low < count and (
                head[order[low]] + ticks[order[low]] <= latest or order[low] in before
            ):
                low += 1  # these are predecessors, or come before one
            high = low
            while True:
                begin, end = ready, rest
                if high:
                    each = order[high - 1]
                    if head[each] + ticks[each] > begin:
                        begin = head[each] + ticks[each]
                if high < count:
                    each = order[high]
                    if ticks[each] + tail[each] > end:
                        end = ticks[each] + tail[each]
                yield begin + mine + end, (task, mode, high)
                if high == count or head[order[high]] >= soonest or order[high] in after:
                    break
                high += 1

    def _shifts(self, task: int, latest: int, soonest: int) -> Iterator[tuple[int, Move]]:
        """Yield the moves of a task along its own machine."""
        head, ticks, mode = self.head, self.ticks, self.mode[task]
        order = self.order[self.machine[task]]
        place = order.index(task)
        for later in range(place + 1, len(order)):
            if head[order[later]] >= soonest or order[later] in self.after[task]:
                break
            part = [*order[place + 1 : later + 1], task]
            yield self._through(part, order, place, later), (task, mode, later)
        for earlier in range(place - 1, -1, -1):
            each = order[earlier]
            if head[each] + ticks[each] <= latest or each in self.before[task]:
                break
            part = [task, *order[earlier:place]]
            yield self._through(part, order, earlier, place), (task, mode, earlier)

    def _through(self, part: list[int], order: list[int], first: int, last: int) -> int:
        """Return the longest chain through a part of a sequence in a new order."""
        head, tail, ticks = self.head, self.tail, self.ticks
        end = 0
        if first:
            end = head[order[first - 1]] + ticks[order[first - 1]]
        ends = []
        for task in part:
            begin = max(end, self.release[task])
            for each in self.before[task]:
                if head[each] + ticks[each] > begin:
                    begin = head[each] + ticks[each]
            end = begin + ticks[task]
            ends.append(end)
        longest, rest = 0, 0
        if last + 1 < len(order):
            rest = ticks[order[last + 1]] + tail[order[last + 1]]
        for at in range(len(part) - 1, -1, -1):
            task = part[at]
            for each in self.after[task]:
                if ticks[each] + tail[each] > rest:
                    rest = ticks[each] + tail[each]
            if ends[at] + rest > longest:
                longest = ends[at] + rest
            rest += ticks[task]
        return longest

    def carry_out(self, move: Move) -> None:
        """Make a move."""
        task, mode, place = move
        self.order[self.machine[task]].remove(task)
        self.mode[task] = mode
        self.machine[task], self.ticks[task] = self.options[task][mode]
        self.order[self.machine[task]].insert(place, task)
        self.measure()


class Tabu:
    """A search from one schedule on."""

    def __init__(self, ground: Ground, start: Schedule, below: Callable[[int], int]) -> None:
        self.below = below
        self.at = Sequences(ground, start)
        self.best, self.value = start, self.at.finish
        self.tabu: dict[tuple[int, int], int] = {}
        self.round = self.since = self.seen = 0

    def step(self) -> bool:
        """Go one round; return whether it found the best so far."""
        at, below = self.at, self.below
        self.round += 1
        chain = at.chain(below)
        found = self._pick(chain)
        if found is not None:
            self._go(found, len(chain))
        if at.finish < self.value:
            self.best, self.value, self.since = at.schedule(), at.finish, self.round
            return True
        if found is None or self.round - self.since > STALE_ROUNDS:
            self._go_back()
        return False

    def _pick(self, chain: list[int]) -> Move | None:
        """Return the most promising move that may be made, one of them where several are."""
        at, tabu, least, ties = self.at, self.tabu, FAR, 0
        picked: Move | None = None
        for task in chain:
            for value, move in at.moves(task):
                self.seen += 1
                if value > least:
                    continue
                machine = at.options[task][move[1]][0]
                if tabu.get((task, machine), 0) > self.round and value >= self.value:
                    continue
                ties = ties + 1 if value == least else 1
                if self.below(ties) == 0:
                    picked = move
                least = value
        return picked

    def _go(self, move: Move, length: int) -> None:
        task = move[0]
        tenure = TENURE + self.below(2 + length)
        self.tabu[task, self.at.machine[task]] = self.round + tenure
        self.at.carry_out(move)

    def _go_back(self) -> None:
        self.at.load(self.best)
        self.tabu.clear()
        self.since = self.round
        for _ in range(KICKS):
            chain = self.at.chain(self.below)
            moves = [move for task in chain for _, move in self.at.moves(task)]
            if moves:
                self.at.carry_out(moves[self.below(len(moves))])


def improve(
    ground: Ground,
    start: Schedule,
    origin: Schedule,
    *,
    bound: int,
    moves: int,
    below: Callable[[int], int],
    told: Told,
    halted: Callable[[], bool],
) -> None:
    """Tell each better schedule met while so many moves are looked at.

    It begins at `start`, and anew at `origin` where that leads nowhere any more; it ends early
    when the makespan is the bound, which none is below.
    """
    tabu, spent, last = Tabu(ground, start, below), 0, 0
    while tabu.value > bound and spent + tabu.seen < moves and not halted():
        before = tabu.seen
        if tabu.step():
            told(tabu.best)
            last = tabu.seen
        tabu.seen += tabu.seen == before  # a round with nothing to look at costs as well
        if tabu.seen - last > FRESH_MOVES:
            spent, last = spent + tabu.seen, 0
            tabu = Tabu(ground, origin, below)
