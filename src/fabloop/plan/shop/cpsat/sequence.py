"""Who holds a resource when: no overlap, capacity, set-ups and batches as constraints."""

from itertools import pairwise

import msgspec
from ortools.sat.python import cp_model

from fabloop.plan.shop.calendar import merged
from fabloop.plan.shop.model import Mode, Resource, Schedule, Shop

Literal = cp_model.IntVar | int
"""A literal, or 1 for what is certain."""


class Holding(msgspec.Struct, frozen=True):
    """A mode of a task that takes resources, and its interval."""

    task: int
    number: int
    mode: Mode
    literal: Literal
    start: cp_model.IntVar
    interval: cp_model.IntervalVar

    def chosen(self, schedule: Schedule) -> bool:
        """Return whether a schedule takes this mode."""
        return schedule.modes[self.task] == self.number


class _Batches(msgspec.Struct, frozen=True):
    """Holdings that may run together; each leads a batch or joins that of an earlier one."""

    members: list[Holding]
    leads: list[cp_model.IntVar]
    joins: dict[tuple[int, int], cp_model.IntVar]


class _Ring(msgspec.Struct, frozen=True):
    """The order of holdings on a resource: arcs of a circuit, None is its beginning and end."""

    members: list[Holding]
    arcs: dict[tuple[int | None, int | None], cp_model.IntVar]


class Sequencer:
    """The constraints of all resources."""

    def __init__(self, model: cp_model.CpModel, shop: Shop) -> None:
        self.model, self.shop = model, shop
        self.held: list[list[Holding]] = [[] for _ in shop.resources]
        self.parts: list[list[cp_model.IntervalVar]] = [[] for _ in shop.jobs]
        self.batches: list[_Batches] = []
        self.rings: list[_Ring] = []

    def hold(self, holding: Holding) -> None:
        """Let a mode take its resources, and its work piece where there is one only."""
        job = self.shop.tasks[holding.task].job
        if self.shop.jobs[job].serial:
            self.parts[job].append(holding.interval)
        for use in holding.mode.uses:
            self.held[use.resource].append(holding)

    def close(self) -> None:
        """Add the constraints, once everything is held."""
        for intervals in self.parts:
            if len(intervals) > 1:
                self.model.add_no_overlap(intervals)
        for number, resource in enumerate(self.shop.resources):
            held = self.held[number]
            if held and resource.capacity > 1:
                self._pool(number, resource, held)
            elif held:
                self._unary(number, resource, held)

    def _closed(self, resource: Resource) -> list[cp_model.IntervalVar]:
        return [
            self.model.new_fixed_size_interval_var(span.start, span.end - span.start, "")
            for span in merged(resource)
        ]

    def _pool(self, number: int, resource: Resource, held: list[Holding]) -> None:
        closed = self._closed(resource)
        self.model.add_cumulative(
            [*(each.interval for each in held), *closed],
            [*(_demand(each, number) for each in held), *(resource.capacity for _ in closed)],
            resource.capacity,
        )

    def _unary(self, number: int, resource: Resource, held: list[Holding]) -> None:
        if resource.batch_max > 1:
            held = self._batched(number, resource, held)
        intervals = [*(each.interval for each in held), *self._closed(resource)]
        if len(intervals) > 1:
            self.model.add_no_overlap(intervals)
        if resource.setups:
            self._ring(resource, held)

    def _batched(self, number: int, resource: Resource, held: list[Holding]) -> list[Holding]:
        """Return what still takes the resource by itself: single tasks, and leaders of batches."""
        groups: dict[tuple[str, str, int], list[Holding]] = {}
        alone = []
        for each in held:
            task = self.shop.tasks[each.task]
            if task.batch:
                groups.setdefault((task.batch, task.family, each.mode.ticks), []).append(each)
            else:
                alone.append(each)
        for members in groups.values():
            alone += self._led(number, resource, members)
        return alone

    def _led(self, number: int, resource: Resource, members: list[Holding]) -> list[Holding]:
        model = self.model
        leads = [model.new_bool_var("") for _ in members]
        joins = {
            (late, early): model.new_bool_var("")
            for late in range(len(members))
            for early in range(late)
        }
        leaders = []
        for at, each in enumerate(members):
            own = [joins[at, early] for early in range(at)]
            model.add(leads[at] + sum(own) == each.literal)
            load = _demand(each, number) * leads[at]
            for late in range(at + 1, len(members)):
                load += _demand(members[late], number) * joins[late, at]
            model.add(load <= resource.batch_max)
            interval = model.new_optional_fixed_size_interval_var(
                each.start, each.mode.ticks, leads[at], ""
            )
            leaders.append(
                Holding(each.task, each.number, each.mode, leads[at], each.start, interval)
            )
        for (late, early), literal in joins.items():
            model.add_implication(literal, leads[early])
            model.add(members[late].start == members[early].start).only_enforce_if(literal)
        self.batches.append(_Batches(members, leads, joins))
        return leaders

    def _ring(self, resource: Resource, held: list[Holding]) -> None:
        """Order the holdings one after the other, with the set-up between neighbours."""
        model = self.model
        ticks = {(each.before, each.after): each.ticks for each in resource.setups}
        family = [self.shop.tasks[each.task].family for each in held]
        arcs: dict[tuple[int | None, int | None], cp_model.IntVar] = {}
        circuit: list[tuple[int, int, cp_model.LiteralT]] = []
        places: list[int | None] = [None, *range(len(held))]
        for first in places:
            for second in places:
                if first is not None and first == second:
                    continue
                literal = arcs[first, second] = model.new_bool_var("")
                circuit.append((_node(first), _node(second), literal))
                if second is None:
                    continue
                if first is None:
                    ready: cp_model.LinearExprT = ticks.get(("", family[second]), 0)
                else:
                    before = held[first]
                    between = ticks.get((family[first], family[second]), 0)
                    ready = before.start + before.mode.ticks + between
                model.add(held[second].start >= ready).only_enforce_if(literal)
        for at, each in enumerate(held):
            if not isinstance(each.literal, int):
                circuit.append((_node(at), _node(at), ~each.literal))
        model.add_circuit(circuit)
        self.rings.append(_Ring(held, arcs))

    def hint(self, schedule: Schedule) -> None:
        """Give every variable its value in a schedule."""
        followers = set()
        for batches in self.batches:
            followers |= self._hint_batches(batches, schedule)
        for ring in self.rings:
            self._hint_ring(ring, schedule, followers)

    def _hint_batches(self, batches: _Batches, schedule: Schedule) -> set[tuple[int, int]]:
        """Hint batches, and return the tasks and modes that only join."""
        leader: dict[int, int] = {}
        joined = {}
        for at, each in enumerate(batches.members):
            if each.chosen(schedule):
                joined[at] = leader.setdefault(schedule.starts[each.task], at)
        for at, literal in enumerate(batches.leads):
            self.model.add_hint(literal, joined.get(at) == at)
        for (late, early), literal in batches.joins.items():
            self.model.add_hint(literal, joined.get(late) == early)
        followers = (batches.members[at] for at, early in joined.items() if at != early)
        return {(each.task, each.number) for each in followers}

    def _hint_ring(self, ring: _Ring, schedule: Schedule, followers: set[tuple[int, int]]) -> None:
        order = [
            at
            for at, each in enumerate(ring.members)
            if each.chosen(schedule) and (each.task, each.number) not in followers
        ]
        order.sort(key=lambda at: schedule.starts[ring.members[at].task])
        used = set(pairwise([None, *order, None]))
        for arc, literal in ring.arcs.items():
            self.model.add_hint(literal, arc in used)


def _node(place: int | None) -> int:
    return 0 if place is None else place + 1


def _demand(holding: Holding, resource: int) -> int:
    return next(use.demand for use in holding.mode.uses if use.resource == resource)
