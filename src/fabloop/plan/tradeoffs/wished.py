"""Answer a request with an aim of its own or with wishes: ranked plans, or what is in the way."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import msgspec
import numpy as np

from fabloop.model.explanation import Explanation
from fabloop.model.ids import PlanId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import NotDecided, NotProducible, Optimality, Plan, Producible
from fabloop.plan.assure import assured, exclusions
from fabloop.plan.checker import Grounds
from fabloop.plan.draft import Heading, draft
from fabloop.plan.engine import (
    CPSAT,
    SHORT,
    TREE,
    currency_of,
    is_possible_now,
    least,
    left_open,
    listed,
    scope_of,
    timed,
)
from fabloop.plan.reasons.overtime import overtime
from fabloop.plan.reasons.why_late import why_late
from fabloop.plan.statement.layout import Floats
from fabloop.plan.statement.problem import Objective, Problem, Setting, problem_of
from fabloop.plan.statement.roads import TICK
from fabloop.plan.terms.blend import Case, blend_of, case_of, table_sums
from fabloop.plan.terms.objectives import Aim, Measure, aim_of, lexicographic, plain
from fabloop.plan.terms.wishes import Wishes, allowed, caps_of, strays_of
from fabloop.plan.timetable.bargain import bargained
from fabloop.plan.timetable.schedule import Timetable, same_ways
from fabloop.plan.timetable.solver import Heard
from fabloop.plan.tradeoffs.constrained import EXACT, holds
from fabloop.plan.tradeoffs.gates import Standing
from fabloop.plan.tradeoffs.hindrance import hindered
from fabloop.plan.tradeoffs.lift import Best, Lift
from fabloop.plan.tradeoffs.request import SCOPE, UNASKED, Answer, Timer, carry_out

UNDECIDED = (
    "no plan found with an effort of {effort:g} (CPU seconds a solve), infeasibility not proven;"
    " more effort or fewer wishes may decide it"
)

Tell = Callable[[Plan], object]
Stop = Callable[[], bool]


class Ask(msgspec.Struct, frozen=True):
    """One request with everything it is about; `problem` is not yet narrowed by the wishes."""

    order: ProductionOrder
    setting: Setting
    problem: Problem
    aim: Aim
    wishes: Wishes
    like: Plan | None
    plans_max: int
    effort: float


def grounds_of(ask: Ask) -> Grounds:
    """Return what the plans of a request are checked against."""
    setting = ask.setting
    return Grounds(
        product=ask.order.product,
        network=setting.network,
        vocabulary=setting.vocabulary,
        kpis=setting.kpis,
        now=setting.now,
        busy=setting.busy,
        unavailable=setting.unavailable,
        quantity=ask.order.quantity,
        not_before=setting.not_before,
    )


def case_for(ask: Ask, wishes: Wishes) -> Case:
    """Return the request's case under these wishes."""
    problem = allowed(ask.problem, wishes, ask.setting.network).waiting(until_due=False)
    due = (ask.order.due_at - problem.origin) // TICK
    fees = {site: float(fee) for site, fee in wishes.opening_minor.items()}
    return case_of(problem, due, _changes(problem, ask.like), strays_of(problem, wishes), fees)


def _changes(problem: Problem, like: Plan | None) -> tuple[Floats, ...]:
    """Return, per job and candidate, 1.0 where another plan has it done by another work unit."""
    units = {} if like is None else {step.operation: step.work_unit for step in like.steps}
    return tuple(
        np.array(
            [
                float(units.get(job.operation.id, each.unit.id) != each.unit.id)
                for each in job.candidates
            ],
            dtype=np.float64,
        )
        for job in problem.jobs
    )


def aim_under(aim: Aim, wishes: Wishes) -> Aim:
    """Return the aim; who is preferred breaks its ties."""
    preferred = wishes.preferred_sites or wishes.preferred_units
    return lexicographic(aim, Measure.STRAYS) if preferred else aim


def wished(
    ask: Ask, tell: Tell | None = None, stop: Stop | None = None
) -> Producible | NotProducible | NotDecided:
    """Return the best plan for the aim, then the best for each plain objective, within the wishes.

    `tell` hears each plan as it is found; after one, `stop` may end the search.
    """
    case = case_for(ask, ask.wishes)
    if not is_possible_now(case.problem):
        if case.problem.shares_out:
            return NotDecided(limit=SHORT)
        return hindered(ask.wishes, lift_of(ask), exclusions(case.problem))
    pen = _Pen(ask, case)
    answer = answered(ask, ask.wishes, ask.aim, pen.listener(tell, stop))
    limit = left_open(case.problem)
    if answer.standing is Standing.IMPOSSIBLE and limit is not None:
        return NotDecided(limit=limit)
    if answer.standing is Standing.IMPOSSIBLE:
        refusal = hindered(ask.wishes, lift_of(ask), exclusions(case.problem))
        late = [each for each in _late(ask, case.problem) if len(each) > 1]
        options = (*refusal.options, *overtime(late, ask.setting, _replanned(ask)))
        conflicts = (*refusal.conflicts, *late)
        return msgspec.structs.replace(refusal, conflicts=conflicts, options=options)
    if answer.table is None:
        late = _late(ask, case.problem)
        if late:
            excluded = exclusions(case.problem)
            options = overtime(late, ask.setting, _replanned(ask))
            return NotProducible(conflicts=tuple(late), options=options, exclusions=excluded)
        return NotDecided(limit=UNDECIDED.format(effort=ask.effort))
    pen.add(answer, tell)
    for objective in Objective:
        if len(pen) >= ask.plans_max or (stop is not None and stop()):
            break
        if plain(ask.aim) is not objective:
            pen.add(answered(ask, ask.wishes, aim_of(objective)), tell)
    if not len(pen):
        return NotDecided(limit=UNDECIDED.format(effort=ask.effort))
    return Producible(plans=pen.plans(), exclusions=exclusions(case.problem))


def _replanned(ask: Ask) -> Callable[[Setting], Plan | None]:
    """Return how to plan the request again in another setting, within the same wishes."""

    def solve(setting: Setting) -> Plan | None:
        new = msgspec.structs.replace(
            ask, setting=setting, problem=problem_of(ask.order.product, setting)
        )
        pen = _Pen(new, case_for(new, ask.wishes))
        pen.add(answered(new, ask.wishes, ask.aim), None)
        return pen.plans()[0] if len(pen) else None

    return solve


def _late(ask: Ask, problem: Problem) -> list[tuple[Explanation, ...]]:
    """Return what keeps the product from its deadline whatever is chosen."""
    if ask.wishes.deadline is None:
        return []
    return [*why_late(problem, ask.wishes.deadline, ask.setting.network).conflicts]


def answered(
    ask: Ask,
    wishes: Wishes,
    aim: Aim,
    heard: Heard | None = None,
    timer: Timer = timed,
    begun: Answer = UNASKED,
) -> Answer:
    """Return the best timetable for an aim within wishes, or that there is none."""
    case = case_for(ask, wishes)
    if not is_possible_now(case.problem):
        return Answer(Standing.IMPOSSIBLE, None)
    caps = caps_of(wishes, case.problem)
    whole = aim_under(aim, wishes)
    if tuple(each.total for each in begun.ranks) != whole.ranks[: len(begun.ranks)]:
        begun = UNASKED
    return carry_out(case, whole, caps, ask.effort, heard, timer, begun)


class _Pen:
    """Writes the plans of a request down, each with what is proven of it."""

    def __init__(self, ask: Ask, case: Case) -> None:
        self._ask = ask
        self._case = case
        self._answers: list[Answer] = []
        self._currency = currency_of(ask.setting.network)
        self._grounds = grounds_of(ask)
        self._bounds = {
            str(each): (least(case.problem, each) * _UNITS.get(each, 1.0), TREE)
            for each in Objective
        }

    def __len__(self) -> int:
        return len(self._answers)

    def listener(self, tell: Tell | None, stop: Stop | None) -> Heard | None:
        """Return what hears timetables while they are searched for, and tells them as plans."""
        if tell is None:
            return None
        name = self._ask.aim.ranks[0].name

        def hear(table: Timetable, bound: float) -> bool:
            if bound > self._bounds.get(name, (-np.inf, ""))[0]:
                self._bounds[name] = (bound, CPSAT)
            if self._keeps(self._kept(table)):
                tell(self._plan(Answer(Standing.FEASIBLE, table), 1))
            return stop is not None and stop()

        return hear

    def add(self, answer: Answer, tell: Tell | None) -> None:
        """Take an answer's bounds, and its plan where that one differs from all before."""
        for rank in answer.ranks[:1]:
            bound = self._bounds.get(rank.total.name, (-np.inf, ""))
            if rank.bound > bound[0]:
                self._bounds[rank.total.name] = (rank.bound, rank.engine)
        if answer.table is not None:
            answer = msgspec.structs.replace(answer, table=self._kept(answer.table))
        if (
            answer.table is None
            or not self._keeps(answer.table)
            or any(_same(answer.table, each.table) for each in self._answers)
        ):
            return
        self._answers.append(answer)
        if tell is not None:
            tell(self._plan(answer, len(self._answers)))

    def _kept(self, table: Timetable) -> Timetable:
        """Return the timetable as it is written: duties heeded, waits taken where they pay."""
        problem = self._case.problem
        return bargained(problem, table)

    def _keeps(self, table: Timetable) -> bool:
        """Tell whether all limits hold; what duties hold back may miss a deadline or a budget."""
        problem, wishes = self._case.problem, self._ask.wishes
        finish = problem.origin + table.finish(problem) * TICK
        if wishes.deadline is not None and finish > wishes.deadline:
            return False
        if problem.charges is None:
            return True
        sums = table_sums(self._case, table)
        return all(holds(cap, sums, self._case.due) for cap in caps_of(wishes, problem))

    def plans(self) -> tuple[Plan, ...]:
        """Return the plans: that of the aim, then the others by what they are worth for it."""
        first, *others = self._answers
        blend = blend_of(self._ask.aim.ranks[0])

        def worth(each: Answer) -> float:
            assert each.table is not None, "only answers with a plan are kept"
            return table_sums(self._case, each.table).of(blend, self._case.due)

        ordered = [first, *sorted(others, key=worth)]
        return tuple(self._plan(each, place) for place, each in enumerate(ordered, 1))

    def _plan(self, answer: Answer, place: int) -> Plan:
        assert answer.table is not None, "only answers with a plan are kept"
        order, problem = self._ask.order, self._case.problem
        name = PlanId(f"{order.id}/plan-{place}")
        heading = Heading(name, order.id, problem.origin, self._currency)
        plan = draft(heading, problem, answer.table)
        assured(plan, self._grounds, self._ask.wishes)
        first, *others = self._optimality(answer.table)
        optimality = (first, *_later(answer), *others)
        return msgspec.structs.replace(plan, optimality=optimality)

    def _optimality(self, table: Timetable) -> Iterator[Optimality]:
        """Yield how good the plan is for the aim's first sum, and in every plain objective."""
        sums = table_sums(self._case, table)
        totals = [self._ask.aim.ranks[0], *(aim_of(each).ranks[0] for each in Objective)]
        for total in dict.fromkeys(totals):
            value = sums.of(blend_of(total), self._case.due)
            bound, engine = self._bounds.get(total.name, (0.0, TREE))
            yield Optimality(
                objective=total.name,
                value=value,
                bound=min(bound, value),
                proven=value <= bound + EXACT * abs(bound),
                engine=engine,
                scope=scope_of(self._case.problem, SCOPE),
            )


def _later(answer: Answer) -> Iterator[Optimality]:
    """Yield what is proven of each later sum, among plans that are best in those before it."""
    best: list[str] = []
    for before, rank in pairwise(answer.ranks):
        best.append(before.total.name)
        yield Optimality(
            objective=rank.total.name,
            value=rank.value,
            bound=rank.bound,
            proven=rank.value <= rank.bound + EXACT * abs(rank.bound),
            engine=rank.engine,
            scope=f"{SCOPE} with the least {', '.join(best)}",
        )


_UNITS = {Objective.MAKESPAN: float(TICK)}


def _same(one: Timetable, other: Timetable | None) -> bool:
    """Tell whether two timetables make the same choices and move things the same way."""
    return other is not None and one.choice == other.choice and same_ways(one, other)


def lift_of(ask: Ask) -> Lift:
    """Return how to solve the request again under other wishes, each once.

    What does not depend on time takes the times that are there at once.
    """
    known: list[tuple[Wishes, Aim, Answer]] = []

    def solved(wishes: Wishes, aim: Aim) -> Answer:
        for those, other, answer in known:
            if those == wishes and other == aim:
                return answer
        first = Aim(ranks=aim.ranks[:-1])
        begun = solved(wishes, first) if first.ranks else UNASKED
        is_stuck = bool(first.ranks) and begun.table is None
        answer = begun if is_stuck else answered(ask, wishes, aim, timer=listed, begun=begun)
        known.append((wishes, aim, answer))
        return answer

    def standing(wishes: Wishes) -> Standing:
        return solved(wishes, aim_of(Objective.COST)).standing

    def best(wishes: Wishes, aim: Aim) -> Best | None:
        found = solved(wishes, aim)
        if found.table is None:
            return None
        case = case_for(ask, wishes)
        sums = table_sums(case, found.table)
        blends = {each: blend_of(aim_of(each).ranks[0]) for each in Measure}
        told = {each: sums.of(blend, case.due) for each, blend in blends.items()}
        first = found.ranks[0]
        met = first.value <= first.bound + EXACT * abs(first.bound)
        return Best(case.problem, found.table, told, None if met else first.bound)

    def narrowed(wishes: Wishes) -> Problem:
        return allowed(ask.problem, wishes, ask.setting.network)

    return Lift(standing, best, narrowed, currency_of(ask.setting.network), ask.problem.origin)
