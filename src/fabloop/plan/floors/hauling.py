"""Place one large order so that few vehicles get it all done: choices that spare their time.

Each vehicle's time has a price, and so has that of work units. The tree then chooses what takes
least of both among all that is in time if nothing waits. That settles the site of each job; the
jobs are placed there, with vehicles at a price as well. What turns out to be used most gets dearer.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import product

import msgspec
import numpy as np

from fabloop.model.plan import MovementKind
from fabloop.plan.floors.floor import Work
from fabloop.plan.floors.legs import waited_for
from fabloop.plan.floors.loads import windows_of
from fabloop.plan.floors.orders_search import (
    LOOKS_PER_SECOND,
    OrdersObjective,
    Placed,
    Search,
    booked,
    restore,
)
from fabloop.plan.floors.placing import Effort, Taste, place_at_sites
from fabloop.plan.statement.layout import Bools, Floats, Ints, Moves, ways_to
from fabloop.plan.tree import heads, tails

SLACKS = (0.0, 0.05)
"""By which share a plan may be longer than the shortest without waits, to be in time."""

ROUNDS = 8
"""How often prices are learnt for each of them."""

WEIGHTS = (1.0, 3.0, 10.0)
"""Ticks of delay for which one tick of a vehicle is spared where jobs are placed."""

TIME = 0.02
"""Price of each tick of a way or a job: of choices that load nothing more the shorter one."""

LEARNING = 2.0
"""How fast prices of vehicles move in the first round; slower later."""

UNITS = 0.2
"""How fast prices of work units move."""

BUSY = 0.6
"""Share of the finish that something may be used for without getting dearer."""

CHEAPEST = 0.05

SCARCE = 0.2
"""Share of the time to the finish that some vehicle is used for where vehicles are scarce."""

PARTS = 1.0
"""About seconds for placing parts anew."""

LOOKS_PER_ROUND = 6_000
"""Candidates looked at while prices are told for once and the tree chooses."""

NEVER = 2**60


class _Ways:
    """What each link takes of a fleet: the vehicles of which any may carry things there."""

    def __init__(self, work: Work) -> None:
        roads, moves = work.problem.roads, work.tables.moves
        site = {each: number for number, each in enumerate(roads.areas)}
        area = {
            (name, each): number
            for name, areas in roads.areas.items()
            for number, each in enumerate(areas)
        }
        fleets: dict[frozenset[str], int] = {}
        cells, ticks, fleet = [], [], []
        for (name, origin, end), hops in roads.links.items():
            who = frozenset(hop.by for hop in hops)
            cells.append((site[name], area[name, origin], area[name, end]))
            ticks.append(min(hop.takes.ticks for hop in hops) / len(who))
            fleet.append(fleets.setdefault(who, len(fleets)))
        self.fleets = fleets
        self.cell = tuple(np.array(cells, dtype=np.int64).reshape(-1, 3).T)
        self.ticks = np.array(ticks, dtype=np.float64)
        self.fleet = np.array(fleet, dtype=np.int64)
        self.base = moves
        self.gate = roads.hops().gate

    def priced(self, price: Floats) -> Moves:
        """Return the movements at so much for the time of each fleet."""
        base = self.base
        link = np.full(base.link.shape, np.inf)
        link[self.cell] = self.ticks * price[self.fleet] + TIME * base.link[self.cell]
        here = np.arange(len(self.gate))
        out, into = link[here, :, self.gate], link[here, self.gate, :]
        out[here, self.gate] = into[here, self.gate] = 0.0
        return Moves(link, out, into, TIME * base.lane)


class _Prices:
    """Prices of vehicles and work units, learnt from what plans use."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.ways = _Ways(work)
        names = sorted({place.unit or "" for row in work.places for place in row})
        number = {name: at for at, name in enumerate(names)}
        self.unit: list[Ints] = [
            np.array([number[place.unit or ""] for place in row], dtype=np.int64)
            for row in work.places
        ]
        self.ticks = [np.array(row, dtype=np.float64) for row in work.ticks]
        self.of_fleet = np.ones(len(self.ways.fleets))
        self.of_unit = np.zeros(len(names))

    def chosen(self, masks: dict[int, Bools], finish: int) -> list[int]:
        """Return the choices that take least at these prices and are in time if nothing waits."""
        work, moves = self.work, self.ways.priced(self.of_fleet)
        nodes = tuple(
            ticks * (TIME + self.of_unit[unit])
            for ticks, unit in zip(self.ticks, self.unit, strict=True)
        )
        nothing = tuple(np.zeros(len(row)) for row in self.ticks)
        tables = msgspec.structs.replace(
            work.tables, nodes=nodes, moves=moves, adds=True, ready=nothing
        )
        least = heads(tables, masks)[0]
        last = work.size - 1
        choice, starts = [0] * work.size, [0.0] * work.size
        choice[last] = int(np.where(work.heads[last] <= finish, least[last], np.inf).argmin())
        starts[last] = finish - self.ticks[last][choice[last]]
        for job in range(last, -1, -1):
            here = work.tables.spots[job]
            for made in work.tables.inputs[job]:
                there = work.tables.spots[made]
                way = ways_to(choice[job], there, here, work.tables.moves)
                takes = least[made] + ways_to(choice[job], there, here, moves)
                arrives = work.heads[made] + way
                timely = np.where(arrives <= starts[job] + 0.5, takes, np.inf)
                row = timely if np.isfinite(timely.min()) else arrives
                pick = choice[made] = int(row.argmin())
                starts[made] = starts[job] - way[pick] - self.ticks[made][pick]
        return choice

    def later(self, masks: dict[int, Bools]) -> list[Floats]:
        """Return, per job and choice, the least vehicles take of its output up to the end."""
        work = self.work
        nodes = tuple(np.zeros(len(row)) for row in self.ticks)
        moves = self.ways.priced(np.ones(len(self.of_fleet)))
        tables = msgspec.structs.replace(work.tables, nodes=nodes, moves=moves, adds=True)
        return tails(tables, masks)

    def learn(self, finish: float, pace: float) -> None:
        """Make dearer what the plan on the floor uses much, and cheaper what it does not."""
        work, moved = self.work, np.zeros(len(self.of_fleet))
        used = np.zeros(len(self.of_unit))
        for job in range(work.size):
            booking = work.at(job)
            used[self.unit[job][booking.pick]] += self.ticks[job][booking.pick]
        for who, ticks in _moved(work).items():
            moved[self.ways.fleets[who]] = ticks
        self.of_fleet *= np.exp(LEARNING * pace * (moved / finish - BUSY))
        self.of_fleet = np.maximum(CHEAPEST, self.of_fleet)
        self.of_unit = np.maximum(0.0, self.of_unit + UNITS * pace * (used / finish - BUSY))


def are_scarce(work: Work) -> bool:
    """Tell whether vehicles are much used by the plan on the floor, and waited for."""
    most = max(_moved(work).values(), default=0.0)
    return most > SCARCE * work.finish and bool(waited_for(work))


def _moved(work: Work) -> dict[frozenset[str], float]:
    """Return how long the fleets are used, each in ticks per vehicle."""
    moved: dict[frozenset[str], float] = defaultdict(float)
    for job in range(work.size):
        for way in work.at(job).ways:
            for leg in way.legs:
                if leg.hop.kind is MovementKind.TRANSPORT:
                    who = frozenset(hop.by for hop in leg.pool)
                    moved[who] += leg.ticks_least / len(who)
    return moved


def spare_vehicles(work: Work, target: int) -> float:
    """Place an order that is placed anew, and leave the best plan there; return about the seconds.

    First with vehicles at a price, then parts of it. `target` is a bound from below: what
    finishes then needs no other plan.
    """
    if work.finish <= target:
        return 0.0
    effort = Effort()
    _price_vehicles(work, target, effort)
    search = Search([Placed(work, NEVER, 1)], OrdersObjective.MAKESPAN, PARTS)
    search.improve(target, lambda _: None)
    return effort.looks / LOOKS_PER_SECOND + search.seconds


def _price_vehicles(work: Work, target: int, effort: Effort) -> None:
    orders = [Placed(work, NEVER, 1)]
    best, finish = booked(orders), work.finish
    for slack in SLACKS:
        high = int(target * (1 + slack))
        tight = windows_of(work).tightened(high)
        prices = _Prices(work)
        for number in range(ROUNDS if tight is not None else 0):
            assert tight is not None, "no round without windows"
            masks = tight.alive(high)
            choice = prices.chosen(masks, high)
            effort.looks += LOOKS_PER_ROUND
            allowed = _at_sites(work, choice, masks)
            later = prices.later(allowed)
            nothing = [np.zeros(len(row)) for row in later]
            for rest, weight in product((nothing, later), WEIGHTS):
                if _placed(work, allowed, rest, weight, effort) and work.finish < finish:
                    best, finish = booked(orders), work.finish
            if finish <= target:
                break
            if all(each is not None for each in work.booked):
                prices.learn(max(target, 1), 1.0 / (1 + number / 4))
    restore(orders, best)


def _at_sites(work: Work, choice: Sequence[int], masks: dict[int, Bools]) -> dict[int, Bools]:
    """Return the choices of the masks at the sites of these."""
    return {
        job: np.asarray(masks[job] & (work.site[job] == work.site[job][pick]))
        for job, pick in enumerate(choice)
    }


def _placed(
    work: Work, allowed: dict[int, Bools], later: Sequence[Floats], weight: float, effort: Effort
) -> bool:
    """Place all jobs anew; tell whether that was possible."""
    for job in range(work.size):
        work.release(job)
    taste = Taste(roll=np.random.default_rng(0), haul=weight)
    return place_at_sites(work, allowed, [weight * row for row in later], taste, effort)
