"""What the cheapest plan takes after some changes, solved again where they touch the tree."""

from collections.abc import Sequence

import msgspec

from fabloop.model.ids import OrderId, PlanId
from fabloop.plan.draft import Heading, draft
from fabloop.plan.engine import cheapest, currency_of, listed, measure_of
from fabloop.plan.reading import Unread
from fabloop.plan.reasons.change import Change, World
from fabloop.plan.reasons.repeated import Repeated
from fabloop.plan.reasons.whatif import after
from fabloop.plan.shipping import shared_shipments
from fabloop.plan.statement.problem import ABSENT, Objective, Past, Problem
from fabloop.plan.statement.roads import TICK, Weights
from fabloop.plan.timetable.alternatives import narrowed
from fabloop.plan.timetable.schedule import Routing, list_schedule, routing_of
from fabloop.plan.tree import Tables, rows_of, tables_of


class Effect(msgspec.Struct, frozen=True):
    """What the cheapest plan takes after the changes."""

    cost_minor: int
    makespan_ns: int
    energy_j: float
    co2_kg: float


class Effects:
    """The cheapest plan after changes, asked for one set of changes after the other.

    What no change touches is stated once, and of the tree only the ways from what is different to
    the end are solved again.
    """

    def __init__(self, problem: Problem, world: World, past: Past | None = None) -> None:
        self._problem = problem
        self._world = world
        self._past = past
        self._solver = Repeated()
        self._known: tuple[Weights, Problem, Tables] | None = None

    def of(self, changes: Sequence[Change]) -> Effect | None:
        """Return what the cheapest plan takes after the changes; None where there is none."""
        new, _ = after(self._problem, self._world, changes, self._past)
        routing = self._cheapest(new)
        if routing is None:
            return None
        takes = [
            job.candidates[pick].takes
            for job, pick in zip(new.jobs, routing.choice, strict=True)
            if pick != ABSENT
        ]
        takes += [leg.hop.takes for job in routing.legs for legs in job for leg in legs]
        return Effect(
            cost_minor=sum(each.cost for each in takes),
            makespan_ns=_finish(new, routing) * TICK,
            energy_j=sum(each.energy for each in takes),
            co2_kg=sum(each.co2 for each in takes),
        )

    def told(self, changes: Sequence[Change], effect: Effect) -> Effect:
        """Return what a plan with the changes takes, where charges are not known before its times.

        The tree knows energy, parts and set-ups by the least that any start makes of them.
        """
        new, world = after(self._problem, self._world, changes, self._past)
        if self._past is not None or (new.charges is None and not new.roads.shares):
            return effect
        routing = self._cheapest(new)
        assert routing is not None, "told only where it holds"
        network = world.setting.network
        heading = Heading(PlanId(""), OrderId(""), new.origin, currency_of(network))
        waiting = new.waiting(until_due=True, lead=Objective.COST)
        try:
            plan = draft(heading, waiting, listed(new, routing).table)
        except Unread:
            return effect
        totals = shared_shipments([plan], network)[0].totals
        return Effect(totals.cost_minor, totals.makespan_ns, totals.energy_j, totals.co2_kg)

    def _cheapest(self, new: Problem) -> Routing | None:
        """Return the cheapest choice, by what was solved before where most of it is the same."""
        if not self._is_alike(new):
            return cheapest(new, Objective.COST)
        weights = measure_of(new, Objective.COST)
        tables = self._tables(new, weights)
        found = self._solver.optimum(tables)
        return None if found is None else routing_of(new, found.choice, weights)

    def _is_alike(self, new: Problem) -> bool:
        """Tell whether jobs and inputs are the same ones, whoever may do them."""
        pairs = zip(new.jobs, self._problem.jobs, strict=False)
        return len(new.jobs) == len(self._problem.jobs) and all(
            ours is theirs or ours.sources is theirs.sources for ours, theirs in pairs
        )

    def _tables(self, new: Problem, weights: Weights) -> Tables:
        """Return the tables; arrays of jobs that no change touches are the same ones as before."""
        if (
            self._known is None
            or self._known[0] != weights
            or self._known[1].roads is not new.roads
        ):
            base = msgspec.structs.replace(self._problem, roads=new.roads)
            self._known = weights, base, tables_of(base, weights)
        _, base, tables = self._known
        touched = [
            number
            for number, (ours, theirs) in enumerate(zip(new.jobs, base.jobs, strict=True))
            if ours is not theirs
        ]
        spots, nodes, ready = list(tables.spots), list(tables.nodes), list(tables.ready)
        for number, own in zip(touched, rows_of(new, touched, weights), strict=True):
            spots[number], nodes[number], ready[number] = own
        return msgspec.structs.replace(
            tables, spots=tuple(spots), nodes=tuple(nodes), ready=tuple(ready)
        )


def _finish(problem: Problem, routing: Routing) -> int:
    """Return when the product is made, as the list schedule places the choices."""
    if ABSENT in routing.choice:
        part = narrowed(problem, routing.choice)
        return _finish(part.problem, part.routing(routing))
    return list_schedule(problem, routing).finish(problem)
