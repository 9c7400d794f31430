"""HiGHS on the gate network: exact where budgets bind; the only file that knows HiGHS.

HiGHS comes with OR-Tools. Each input is one unit of flow from its chosen maker to its chosen
taker: over areas inside a site, over gates and lanes between sites, so that arcs grow with areas
and not with pairs of work units. Without side constraints its relaxation is integral on trees.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec
import numpy as np

from fabloop.model.ids import AreaId, SiteId
from fabloop.plan.statement.layout import Floats
from fabloop.plan.statement.problem import ABSENT, Candidate, Source
from fabloop.plan.statement.roads import Figures, Hop, Leg, Place, Weights
from fabloop.plan.statement.ways import chain, undominated, ways
from fabloop.plan.terms.blend import Blend, Cap, Case
from fabloop.plan.timetable.alternatives import has_alternatives
from fabloop.plan.timetable.schedule import Routing

NODES_PER_EFFORT = 500
"""Nodes of the search that one unit of effort (about a CPU second) allows."""

SEED = 7


NOTHING = Figures(0, 0, 0.0, 0.0)
GATE = AreaId("")

Node: TypeAlias = tuple[str, SiteId, AreaId]
"""Which side of an input, which site, which area (empty for the gate)."""

_STAGES = {"from": 0, "out": 1, "in": 2}


class Standing(StrEnum):
    """What is known about a question after a solve."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    IMPOSSIBLE = "impossible"
    UNKNOWN = "unknown"


class Mixed(msgspec.Struct, frozen=True):
    """The answer of a mixed-integer solve; `bound` holds for all plans."""

    standing: Standing
    routing: Routing | None
    bound: float


class _Arc(msgspec.Struct, frozen=True):
    """A column that carries an input; `stage` orders the arcs of one way."""

    column: int
    hops: tuple[Hop, ...]
    stage: int = 0


class _Rows:
    """The columns and rows of a model while it is built."""

    def __init__(self) -> None:
        self.takes: list[Figures] = []
        self.whole: list[bool] = []
        self.rows: list[Mapping[int, float]] = []
        self.lower: list[float] = []
        self.upper: list[float] = []

    def column(self, takes: Figures, *, whole: bool) -> int:
        """Add a column between 0 and 1."""
        self.takes.append(takes)
        self.whole.append(whole)
        return len(self.takes) - 1

    def row(self, entries: Mapping[int, float], lower: float, upper: float) -> None:
        """Add a row."""
        self.rows.append(entries)
        self.lower.append(lower)
        self.upper.append(upper)


class _Edge:
    """The flow of one input from the job that makes it to the job that takes it."""

    def __init__(self, rows: _Rows, case: Case, ends: Sequence[Candidate]) -> None:
        self.rows = rows
        self.roads = case.problem.roads
        self.balance: dict[Node, dict[int, float]] = {}
        self.arcs: list[_Arc] = []
        self.ends = ends

    def between(
        self, makers: Sequence[Candidate], starts: Sequence[int], takers: Sequence[int]
    ) -> None:
        """Lay the arcs from the makers' columns to the takers' columns."""
        for each, column in zip(makers, starts, strict=True):
            self._at("from", each.place)[column] = 1.0
        for each, column in zip(self.ends, takers, strict=True):
            self._at("to", each.place)[column] = -1.0
        self._stay(makers, starts, takers)
        begin = [key for key in self.balance if key[0] == "from"]
        finish = [key for key in self.balance if key[0] == "to"]
        for start in begin:
            for end in finish:
                if start[1] == end[1]:
                    self._links(start, end, start[2], end[2])
        for start in begin:
            self._to_gate(start, ("out", start[1], GATE), leaves=True)
        for end in finish:
            self._to_gate(end, ("in", end[1], GATE), leaves=False)
        for origin, destination in self.roads.lanes:
            hops = undominated(self.roads.lanes[origin, destination])
            if ("out", origin, GATE) in self.balance and ("in", destination, GATE) in self.balance:
                self._join(("out", origin, GATE), ("in", destination, GATE), hops)
        for row in self.balance.values():
            self.rows.row(row, 0.0, 0.0)

    def _at(self, side: str, place: Place) -> dict[int, float]:
        return self.balance.setdefault((side, place.site, place.area), {})

    def _arc(self, hops: tuple[Hop, ...], *, whole: bool, stage: int = 0) -> int:
        column = self.rows.column(total(hops), whole=whole)
        self.arcs.append(_Arc(column, hops, stage))
        return column

    def _stay(
        self, makers: Sequence[Candidate], starts: Sequence[int], takers: Sequence[int]
    ) -> None:
        """Work pieces that stay on their work unit are not moved."""
        begin: dict[str, list[int]] = {}
        for each, column in zip(makers, starts, strict=True):
            begin.setdefault(each.unit.id, []).append(column)
        for each, end in zip(self.ends, takers, strict=True):
            if each.unit.id in begin:
                column = self._arc((), whole=False)
                self._at("from", each.place)[column] = -1.0
                self._at("to", each.place)[column] = 1.0
                for others in (begin[each.unit.id], [end]):
                    row = dict.fromkeys(others, -1.0)
                    self.rows.row({column: 1.0, **row}, -np.inf, 0.0)

    def _links(self, start: Node, end: Node, origin: AreaId, destination: AreaId) -> None:
        found = self.roads.links.get((start[1], origin, destination), ())
        self._join(start, end, undominated(found))

    def _to_gate(self, place: Node, gate: Node, *, leaves: bool) -> None:
        area = self.roads.gates[place[1]]
        start, end = (place, gate) if leaves else (gate, place)
        if place[2] == area:
            self.balance.setdefault(gate, {})
            self._carry(start, end, (), whole=False)
        elif leaves:
            self._links(start, end, place[2], area)
        else:
            self._links(start, end, area, place[2])

    def _join(self, start: Node, end: Node, hops: Sequence[Hop]) -> None:
        for hop in hops:
            self._carry(start, end, (hop,), whole=len(hops) > 1)

    def _carry(self, start: Node, end: Node, hops: tuple[Hop, ...], *, whole: bool) -> None:
        column = self._arc(hops, whole=whole, stage=_STAGES[start[0]])
        self.balance.setdefault(start, {})[column] = -1.0
        self.balance.setdefault(end, {})[column] = 1.0

    def from_place(self, place: Place, takers: Sequence[int]) -> None:
        """Lay one arc per way from a settled place to each taker."""
        for each, column in zip(self.ends, takers, strict=True):
            row = {column: -1.0}
            for legs in ways(self.roads, place, each.place):
                hops = tuple(leg.hop for leg in legs)
                row[self._arc(hops, whole=True)] = 1.0
            self.rows.row(row, 0.0, 0.0)


def total(hops: Sequence[Hop]) -> Figures:
    """Return what hops take together."""
    takes = [each.takes for each in hops]
    return Figures(
        sum(each.ticks for each in takes),
        sum(each.cost for each in takes),
        sum(each.energy for each in takes),
        sum(each.co2 for each in takes),
    )


def columns_of(case: Case) -> int:
    """Return about how many columns the gate network of the case has."""
    jobs, lanes = case.problem.jobs, len(case.problem.roads.lanes)
    count = sum(len(job.candidates) for job in jobs)
    for job in jobs:
        ends = _per_site(job.candidates)
        for child in job.feeding():
            starts = _per_site(jobs[child].candidates)
            inside = sum(start * ends.get(site, 0) for site, start in starts.items())
            count += inside + lanes + sum(starts.values()) + sum(ends.values())
    return count


def _per_site(candidates: Sequence[Candidate]) -> dict[str, int]:
    """Return in how many areas of each site there are candidates."""
    areas = {(each.place.site, each.place.area) for each in candidates}
    counts: dict[str, int] = {}
    for site, _ in areas:
        counts[site] = counts.get(site, 0) + 1
    return counts


class GateNetwork:
    """The gate network of a case; built once, solved under any blend and caps."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._jobs = case.problem.jobs
        self._rows = _Rows()
        self._chosen = [
            [self._rows.column(each.takes, whole=True) for each in job.candidates]
            for job in self._jobs
        ]
        # What a job hands over is what its taker takes: with alternatives, only the last is sure.
        sure = self._chosen[-1:] if has_alternatives(case.problem) else self._chosen
        for columns in sure:
            self._rows.row(dict.fromkeys(columns, 1.0), 1.0, 1.0)
        takers = Counter(maker for job in self._jobs for maker in job.feeding())
        self._shares: dict[int, list[dict[int, float]]] = {
            maker: [{column: -1.0} for column in self._chosen[maker]]
            for maker, count in takers.items()
            if count > 1
        }
        self._inputs = [
            [self._edge(number, source) for source in job.sources]
            for number, job in enumerate(self._jobs)
        ]
        for rows in self._shares.values():
            for row in rows:
                self._rows.row(row, 0.0, 0.0)
        self._sites = self._open_sites()

    def _handed(self, maker: int) -> list[int]:
        """Return the columns by which a job hands over to one of its takers.

        Where takers exclude each other, each gets a share of what the job makes.
        """
        if maker not in self._shares:
            return self._chosen[maker]
        columns = []
        for row in self._shares[maker]:
            columns.append(self._rows.column(NOTHING, whole=False))
            row[columns[-1]] = 1.0
        return columns

    def _edge(self, number: int, source: Source) -> list[_Arc]:
        edge = _Edge(self._rows, self.case, self._jobs[number].candidates)
        if source.job is not None:
            makers = [each for job in source.jobs for each in self._jobs[job].candidates]
            starts = [column for job in source.jobs for column in self._handed(job)]
            edge.between(makers, starts, self._chosen[number])
        else:
            assert source.place is not None, "an input is either open or somewhere"
            edge.from_place(source.place, self._chosen[number])
        return edge.arcs

    def _open_sites(self) -> dict[SiteId, int]:
        """Add a column per site, which is 1 where any job is done there."""
        names = dict.fromkeys(each.place.site for job in self._jobs for each in job.candidates)
        columns = {each: self._rows.column(NOTHING, whole=True) for each in names}
        for job, chosen in zip(self._jobs, self._chosen, strict=True):
            rows: dict[str, dict[int, float]] = {}
            for each, column in zip(job.candidates, chosen, strict=True):
                site = each.place.site
                rows.setdefault(site, {columns[site]: -1.0})[column] = 1.0
            for row in rows.values():
                self._rows.row(row, -np.inf, 0.0)
        return columns

    def _weights(self, blend: Blend) -> Floats:
        """Return what the blend weighs for each column."""
        weights = blend.weights
        costs = np.array([weights.of(each) for each in self._rows.takes], dtype=np.float64)
        for columns, extra in zip(self._chosen, self.case.added(blend), strict=True):
            costs[columns] += extra
        for site, column in self._sites.items():
            costs[column] += self.case.toll(blend, site)
        return costs

    def solve(self, goal: Blend, caps: Sequence[Cap], effort: float) -> Mixed:
        """Minimise the goal within the caps, none of which may be about time."""
        mathopt = _mathopt()
        model = mathopt.Model.from_model_proto(self._model(goal, caps))
        found = mathopt.solve(model, mathopt.SolverType.HIGHS, params=_settings(effort))
        reason, reasons = found.termination.reason, mathopt.TerminationReason
        if reason in (reasons.INFEASIBLE, reasons.INFEASIBLE_OR_UNBOUNDED):
            return Mixed(Standing.IMPOSSIBLE, None, np.inf)
        bound = found.best_objective_bound()
        if not found.has_primal_feasible_solution():
            return Mixed(Standing.UNKNOWN, None, bound)
        values = np.array(found.variable_values(list(model.variables())))
        standing = Standing.OPTIMAL if reason == reasons.OPTIMAL else Standing.FEASIBLE
        return Mixed(standing, self._routing(values), bound)

    def _model(self, goal: Blend, caps: Sequence[Cap]) -> Any:
        rows, proto = self._rows, _mathopt().Model().export_model()
        columns = len(rows.takes)
        proto.variables.ids.extend(range(columns))
        proto.variables.lower_bounds.extend(np.zeros(columns))
        proto.variables.upper_bounds.extend(np.ones(columns))
        proto.variables.integers.extend(rows.whole)
        weights = self._weights(goal)
        proto.objective.linear_coefficients.ids.extend(np.flatnonzero(weights))
        proto.objective.linear_coefficients.values.extend(weights[np.flatnonzero(weights)])
        scaled = [self._cap(each) for each in caps]
        entries = [*rows.rows, *(row for row, _ in scaled)]
        proto.linear_constraints.ids.extend(range(len(entries)))
        proto.linear_constraints.lower_bounds.extend([*rows.lower, *(-np.inf for _ in caps)])
        proto.linear_constraints.upper_bounds.extend([*rows.upper, *(limit for _, limit in scaled)])
        matrix = proto.linear_constraint_matrix
        for number, row in enumerate(entries):
            keys = sorted(row)
            matrix.row_ids.extend([number] * len(keys))
            matrix.column_ids.extend(keys)
            matrix.coefficients.extend(row[key] for key in keys)
        return proto

    def _cap(self, cap: Cap) -> tuple[dict[int, float], float]:
        """Return the cap as a row whose limit is about 1, so that tolerances are relative."""
        scale = 1.0 / cap.limit if cap.limit > 0.0 else 1.0
        weights = self._weights(cap.blend) * scale
        row = {int(column): float(weights[column]) for column in np.flatnonzero(weights)}
        return row, cap.limit * scale

    def _routing(self, values: Floats) -> Routing:
        choice = tuple(_picked(values[columns]) for columns in self._chosen)
        legs: list[tuple[tuple[Leg, ...], ...]] = []
        for number, job in enumerate(self._jobs):
            if choice[number] == ABSENT:
                legs.append(())
                continue
            target = job.candidates[choice[number]].place
            legs.append(
                tuple(
                    self._legs(arcs, values, self._origin(source, choice), target)
                    for source, arcs in zip(job.sources, self._inputs[number], strict=True)
                )
            )
        return Routing(choice, Weights(), tuple(legs))

    def _origin(self, source: Source, choice: Sequence[int]) -> Place:
        for maker in source.jobs:
            if choice[maker] != ABSENT:
                return self._jobs[maker].candidates[choice[maker]].place
        assert source.place is not None, "an input is either open or somewhere"
        return source.place

    def _legs(
        self, arcs: Sequence[_Arc], values: Floats, origin: Place, target: Place
    ) -> tuple[Leg, ...]:
        if origin.unit is not None and origin.unit == target.unit:
            return ()
        used = [each for each in arcs if values[each.column] > 0.5]  # whole by now
        hops = [hop for each in sorted(used, key=lambda arc: arc.stage) for hop in each.hops]
        return chain(self.case.problem.roads, hops, origin, target)


def _picked(values: Floats) -> int:
    """Return the choice of a job; none of its columns is 1 where it is not carried out."""
    return int(values.argmax()) if values.max(initial=0.0) > 0.5 else ABSENT  # whole by now


def _mathopt() -> Any:
    """Return the part of OR-Tools that speaks to HiGHS; it has no types."""
    from ortools.math_opt.python import mathopt  # type: ignore[import-untyped]  # noqa: PLC0415  # a fifth of a second that only budgets pay

    return mathopt


def _settings(effort: float) -> Any:
    return _mathopt().SolveParameters(
        random_seed=SEED,
        node_limit=max(1, int(effort * NODES_PER_EFFORT)),
        relative_gap_tolerance=0.0,
        absolute_gap_tolerance=1e-7,
    )
