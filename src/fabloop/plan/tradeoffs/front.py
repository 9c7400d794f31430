"""The Pareto front of cost, makespan, energy and CO2: plans between which only taste can choose.

Weighted sums of cost, energy and CO2 are traded against the finish exactly (`tradeoff`); each
corner becomes a timetable, and what another timetable beats is dropped. A corner in which nothing
waits is proven: no plan is better in one figure without being worse in another.
"""

from collections.abc import Callable, Sequence

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import PlanId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import NotDecided, NotProducible, Plan
from fabloop.model.site import Network
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.assure import assured, exclusions
from fabloop.plan.checker import Grounds
from fabloop.plan.countable import check_countable
from fabloop.plan.draft import Heading, draft
from fabloop.plan.engine import (
    SHORT,
    TREE,
    Bound,
    currency_of,
    is_possible_now,
    least,
    left_open,
    optimality_of,
    scope_of,
)
from fabloop.plan.reading import reading
from fabloop.plan.reasons.recommend import not_producible
from fabloop.plan.statement.problem import Busy, Objective, Problem, Setting, problem_of
from fabloop.plan.statement.roads import TICK
from fabloop.plan.terms.blend import Case, case_of
from fabloop.plan.terms.objectives import aim_of
from fabloop.plan.terms.wishes import NO_WISHES, Wishes, allowed, caps_of, check_wishes
from fabloop.plan.timetable.schedule import Timetable
from fabloop.plan.timetable.sequence import is_in_sequence
from fabloop.plan.tradeoffs.archive import EXACT, Entry, Figures4, gap_of, spread_out
from fabloop.plan.tradeoffs.gates import Standing
from fabloop.plan.tradeoffs.hindrance import hindered
from fabloop.plan.tradeoffs.in_hours import best_sum
from fabloop.plan.tradeoffs.sweep import EFFORT, Sweep
from fabloop.plan.tradeoffs.wished import Ask, answered, grounds_of, lift_of
from fabloop.services.matching import KpiValues

POINTS_MAX = 40
"""Points of a front unless asked otherwise; more are thinned out to the most different ones."""


TOLD_MAX = 4
"""Points told of after each look; the others wait for the answer."""


class FrontPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that none of the others beats.

    `gap` is by what part of a weighted sum of its cost, energy and CO2 a plan that beats it could
    be better; `proven` means that there is none.
    """

    plan: Plan
    proven: bool
    gap: float


class Front(msgspec.Struct, frozen=True, kw_only=True, tag="front"):
    """Points by cost, the cheapest first; `found` counts them before they were thinned out."""

    points: tuple[FrontPoint, ...]
    found: int


FrontAnswer = Front | NotProducible | NotDecided


def front(  # noqa: PLR0913  # the face of the front names every input
    order: ProductionOrder,
    network: Network,
    vocabulary: SkillVocabulary,
    kpis: KpiValues,
    now: Instant,
    *,
    wishes: Wishes = NO_WISHES,
    busy: Busy | None = None,
    points_max: int = POINTS_MAX,
    effort: float = EFFORT,
    on_point: Callable[[FrontPoint], None] | None = None,
) -> FrontAnswer:
    """Return distinct plans of which none beats another, the best of each objective among them.

    `on_point` hears points as they are found, checked; a later one may beat an earlier one. The
    answer is the same for the same input and effort.

    Raises
    ------
    Invalid
        The operations are no in-tree, or a wish cannot be meant.
    Broken
        A plan failed the independent check.
    """
    check_wishes(wishes, order.product, network)
    setting = Setting(
        network,
        vocabulary,
        kpis,
        now,
        now,
        busy or {},
        quantity=order.quantity,
        due_at=order.due_at,
    )

    def asked(ahead: int) -> FrontAnswer:
        around = msgspec.structs.replace(setting, ahead=ahead)
        whole = problem_of(order.product, around)
        ask = Ask(order, around, whole, aim_of(Objective.COST), wishes, None, 1, effort)
        return _front(ask, points_max, on_point)

    return reading(asked, now, network, wishes.deadline)


def _front(ask: Ask, points_max: int, on_point: Callable[[FrontPoint], None] | None) -> FrontAnswer:
    order, setting, whole, wishes = ask.order, ask.setting, ask.problem, ask.wishes
    check_countable(whole)
    if not is_possible_now(whole):
        if whole.shares_out:
            return NotDecided(limit=SHORT)
        return not_producible(order.product, setting, whole, exclusions(whole))
    answers = [answered(ask, wishes, aim_of(each)) for each in Objective if wishes != NO_WISHES]
    problem = allowed(whole, wishes, setting.network).waiting(until_due=False)
    limit = left_open(problem)
    if limit is not None and any(each.standing is Standing.IMPOSSIBLE for each in answers):
        return NotDecided(limit=limit)
    if any(each.standing is Standing.IMPOSSIBLE for each in answers):
        return hindered(wishes, lift_of(ask), exclusions(problem))
    case = case_of(problem, fees={k: float(v) for k, v in wishes.opening_minor.items()})
    sweep = Sweep(case, caps_of(wishes, problem), ask.effort)
    sweep.begin_with([each.table for each in answers if each.table is not None])
    pen = _Pen(order, case, grounds_of(ask), sweep, wishes)
    for _ in sweep.rounds():
        if on_point is not None:
            pen.tell(on_point)
    for _ in sweep.polish(spread_out(list(sweep.archive), points_max)):
        if on_point is not None:
            pen.tell(on_point)
    return pen.front(points_max, _patient(ask) if wishes == NO_WISHES else [])


class _Patient(msgspec.Struct, frozen=True):
    """A timetable beside the sweep, and the problem that says how long it may wait."""

    problem: Problem
    table: Timetable


def _patient(ask: Ask) -> list[_Patient]:
    """Return what waits for cheaper hours and suppliers, which the sweep of finishes does not."""
    if ask.problem.charges is None:
        return []
    found = []
    sequenced = is_in_sequence(ask.problem)
    for lead in (Objective.COST, Objective.CO2, *([Objective.ENERGY] if sequenced else [])):
        waits = ask.problem.waiting(until_due=True, lead=lead)
        best = best_sum(waits, lead)
        if best is not None:
            found.append(_Patient(waits, best[0].table))
    return found


class _Pen:
    """Writes points down; each timetable becomes a checked plan once."""

    def __init__(
        self, order: ProductionOrder, case: Case, grounds: Grounds, sweep: Sweep, wishes: Wishes
    ) -> None:
        self._order = order
        self._case = case
        self._grounds = grounds
        self._wishes = wishes
        self._sweep = sweep
        self._currency = currency_of(grounds.network)
        self._bounds = _bounds(case.problem, sweep)
        self._plans: dict[Figures4, Plan] = {}

    def tell(self, on_point: Callable[[FrontPoint], None]) -> None:
        """Tell of points that have not been told of, the most different ones of them."""
        new = [each for each in self._sweep.archive if each.key not in self._plans]
        for entry in spread_out(new, TOLD_MAX):
            on_point(self._point(entry))

    def front(self, points_max: int, patient: Sequence[_Patient]) -> Front | NotDecided:
        """Return the front as it stands, thinned out, numbered from the cheapest on.

        `patient` are timetables beside it that wait for cheaper hours; they are never thinned out.
        """
        entries = list(self._sweep.archive)
        if not entries:
            return NotDecided(
                limit="no plan found within the effort, infeasibility not proven;"
                " more effort may decide it"
            )
        points = [self._point(each) for each in spread_out(entries, points_max)]
        points += [
            FrontPoint(plan=self._written(each.problem, each.table, place), proven=False, gap=EXACT)
            for place, each in enumerate(patient)
        ]
        if self._case.problem.charges is not None:
            points = sorted(_unbeaten(points), key=lambda each: _figures(each.plan))
        named = [
            msgspec.structs.replace(
                point,
                plan=msgspec.structs.replace(
                    point.plan, id=PlanId(f"{self._order.id}/front-{place}")
                ),
            )
            for place, point in enumerate(points, 1)
        ]
        return Front(points=tuple(named), found=max(len(entries), len(named)))

    def _point(self, entry: Entry) -> FrontPoint:
        proven = entry.key in self._sweep.proven
        gap = 0.0 if proven else gap_of(entry.sums, self._sweep.known)
        if left_open(self._case.problem) is not None:
            return FrontPoint(plan=self._plan(entry), proven=False, gap=max(gap, EXACT))
        return FrontPoint(plan=self._plan(entry), proven=gap == 0.0, gap=gap)

    def _plan(self, entry: Entry) -> Plan:
        if entry.key not in self._plans:
            self._plans[entry.key] = self._written(
                self._case.problem, entry.table, len(self._plans)
            )
        return self._plans[entry.key]

    def _written(self, problem: Problem, table: Timetable, place: int) -> Plan:
        name = PlanId(f"{self._order.id}/front-{place + 1}")
        heading = Heading(name, self._order.id, problem.origin, self._currency)
        plan = draft(heading, problem, table)
        optimality = optimality_of(plan, Objective.COST, self._bounds, scope_of(problem))
        plan = msgspec.structs.replace(plan, optimality=optimality)
        return assured(plan, self._grounds, self._wishes)


def _unbeaten(points: list[FrontPoint]) -> list[FrontPoint]:
    """Return the points that no other one beats, each once; what waits may have fallen back."""
    points = list({_figures(each.plan): each for each in reversed(points)}.values())[::-1]
    figures = [_figures(each.plan) for each in points]
    return [
        point
        for point, own in zip(points, figures, strict=True)
        if not any(
            other != own and all(a <= b for a, b in zip(other, own, strict=True))
            for other in figures
        )
    ]


def _figures(plan: Plan) -> tuple[float, ...]:
    totals = plan.totals
    return totals.cost_minor, totals.makespan_ns, totals.energy_j, totals.co2_kg


def _bounds(problem: Problem, sweep: Sweep) -> dict[Objective, Bound]:
    """Return the best that any plan could have in each figure."""
    bounds = {each: Bound(least(problem, each), TREE) for each in Objective}
    finish = bounds[Objective.MAKESPAN]
    found = sweep.fastest
    if found is not None and found.bound > finish.value:
        finish = Bound(found.bound, found.engine)
    bounds[Objective.MAKESPAN] = Bound(finish.value * TICK, finish.engine)
    return bounds
