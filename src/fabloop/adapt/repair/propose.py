"""From a deviation to ways out: plan, place in the process, verify, price, explain."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from fabloop.adapt.repair.course import Course, conflict
from fabloop.adapt.repair.domain import Binder, Bound, checked
from fabloop.adapt.repair.explain import explained, need_explained, steps_said
from fabloop.adapt.repair.fragment import fragment_of
from fabloop.adapt.repair.many import plan_tokens
from fabloop.adapt.repair.planner import Planned
from fabloop.adapt.repair.proposal import (
    NoRepair,
    NotNeeded,
    Proposal,
    Rejected,
    RepairAnswer,
    RepairOption,
    Situation,
)
from fabloop.adapt.repair.reality import Atom, atom_of, is_met, said
from fabloop.adapt.repair.remaining import Need, Place, endangered, needs_at
from fabloop.adapt.repair.task import Budget, part
from fabloop.adapt.repair.vet import Vetting, changes_of
from fabloop.adapt.repair.weave import How, Spot, chains, leaving, weave
from fabloop.model.explanation import Explanation
from fabloop.model.service import Literal, Relation

ROWS_REPLACED_MAX = 3
"""Rows of nodes for which a plan in their place is looked for."""

BEFORE_SHARE = 0.6
"""The share of the budget for plans before the interrupted node; replacing it has the rest."""

OPTIONS_MAX = 6


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A course and where it would stand; `saved_*` is what need not be done any more."""

    course: Course
    spot: Spot
    saved_minor: int = 0
    delay_ns: int
    pattern: str = ""


Try = Callable[[RepairOption], str]
"""Tries an option out (`rehearse`): why it cannot be carried out, empty where it can."""


def not_tried(option: RepairOption) -> str:
    """Leave an option as it is planned and verified, where there is no engine to try it in."""
    del option
    return ""


def repair(
    situation: Situation,
    budget: Budget,
    known: Iterable[Candidate] = (),
    tried: Try = not_tried,
) -> RepairAnswer:
    """Return ways to bring an instance back to where its process can go on.

    Nothing changes. `known` are candidates from learned patterns; they come first. The budget
    bounds planning, and what it has yielded until then counts. What `tried` objects to is
    rejected.

    Raises
    ------
    Invalid
        The domain has faults; all of them.
    """
    checked(situation.domain)
    return _Repair(situation, budget, tried).answer(tuple(known))


def goal_of(situation: Situation, places: Sequence[Place] = ()) -> tuple[Literal, ...]:
    """Return what a plan has to reach so that the rest can be carried out from these places.

    Where branches need opposite things, what was expected anyway counts.
    """
    work = bound_work(situation)
    needs = needs_at(situation.process, places or situation.places, work, situation.goals)
    return consistent(needs, situation)


def bound_work(situation: Situation) -> dict[str, Bound]:
    """Return what the nodes of a situation do."""
    binder = Binder(situation.domain)
    return {node: binder(step) for node, step in situation.work.items()}


def consistent(needs: Iterable[Need], situation: Situation) -> tuple[Literal, ...]:
    """Return the conditions of needs, without those that contradict others and expectation."""
    conditions = sorted({each.condition for each in needs}, key=said)
    by_atom: dict[tuple[str, ...], list[Literal]] = {}
    for each in conditions:
        by_atom.setdefault(atom_of(each), []).append(each)
    kept = []
    for atom, stated in by_atom.items():
        values = {(each.relation, each.value) for each in stated}
        if len(values) == 1 or not _clash(stated):
            kept += stated
        else:
            kept += [e for e in stated if is_met(e, {atom: situation.expected.get(atom, False)})]
    return tuple(kept)


def _clash(stated: Sequence[Literal]) -> bool:
    """Tell whether equalities on one atom exclude each other."""
    exact = [each for each in stated if each.relation == "="]
    return any(not is_met(one, {atom_of(one): other.value}) for one in exact for other in exact)


class _Repair:
    def __init__(self, situation: Situation, budget: Budget, tried: Try) -> None:
        self.situation, self.budget, self.tried = situation, budget, tried
        self.binder = Binder(situation.domain)
        self.work = bound_work(situation)
        self.here = next((each.node for each in situation.places if each.node), "")
        self.rejected: list[Rejected] = []

    def answer(self, known: tuple[Candidate, ...]) -> RepairAnswer:
        situation = self.situation
        needs = needs_at(situation.process, situation.places, self.work, situation.goals)
        danger = endangered(needs, situation.physical)
        if not danger:
            return NotNeeded(repair=situation.repair, instance=situation.instance)
        reasons = tuple(need_explained(each, situation) for each in danger)
        if not self.here:
            return self._none(reasons, "the instance is at no node at which it could wait")
        before = self._planned(consistent(needs, situation), part(self.budget, BEFORE_SHARE))
        found = [*known, *self._placed(before, danger), *self._instead()]
        options = self._vetted(found)
        if not options:
            why = before.reason or "every way out that was found was rejected"
            return self._none(reasons, why, proven=before.proven and not before.courses)
        return Proposal(
            repair=situation.repair,
            instance=situation.instance,
            reasons=reasons,
            options=options,
            rejected=tuple(self.rejected),
            proven=before.proven,
        )

    def _none(
        self, reasons: tuple[Explanation, ...], why: str, *, proven: bool = False
    ) -> NoRepair:
        return NoRepair(
            repair=self.situation.repair,
            instance=self.situation.instance,
            reasons=reasons,
            why=why,
            rejected=tuple(self.rejected),
            proven=proven,
        )

    def _planned(self, goal: tuple[Literal, ...], budget: Budget) -> Planned:
        situation = self.situation
        return plan_tokens(
            situation.domain,
            situation.physical,
            goal,
            budget,
            wish=situation.wish,
            tokens=situation.tokens,
        )

    def _placed(self, planned: Planned, danger: Sequence[Need]) -> Iterator[Candidate]:
        """Yield each course beside what need not wait for it, where there is such, else before."""
        rows = chains(self.situation.process, self.here)
        for course in planned.courses:
            row = self._row_beside(course, rows, danger)
            if row:
                spent = sum(self.work[each].duration_ns for each in row if each in self.work)
                spot, delay = Spot(how=How.BESIDE, nodes=row), course.duration_ns - spent
            else:
                spot = Spot(how=How.BEFORE, nodes=(self.here,))
                delay = course.duration_ns
            yield Candidate(course=course, spot=spot, delay_ns=max(0, delay))

    def _row_beside(
        self, course: Course, rows: Sequence[tuple[str, ...]], danger: Sequence[Need]
    ) -> tuple[str, ...]:
        """Return the longest row of work that neither needs the course nor disturbs it."""
        steps = [self.binder(each) for each in course.steps]
        needing = {each.node for each in danger}
        longest: tuple[str, ...] = ()
        for row in rows:
            last = row[-1]
            if last in needing or last not in self.work:
                break
            if any(conflict(step, self.work[last]) for step in steps):
                break
            longest = row
        return longest

    def _instead(self) -> Iterator[Candidate]:
        """Yield courses that do what the next nodes were for in another way.

        What the rest needs is not all of it: what they were to bring about by themselves (a parcel
        that is packed) counts as well. Rows that count something are not replaced.
        """
        rows = chains(self.situation.process, self.here)[:ROWS_REPLACED_MAX]
        rows = tuple(row for row in rows if all(map(self._replaceable, row)))
        for number, row in enumerate(rows):
            goal = self._meant_by(row)
            planned = self._planned(goal, part(self.budget, 1 / (len(rows) - number)))
            skipped = [self.work[each] for each in row]
            spent = sum(each.duration_ns for each in skipped)
            for course in planned.courses[:2]:
                yield Candidate(
                    course=course,
                    spot=Spot(how=How.INSTEAD, nodes=row),
                    saved_minor=sum(each.cost_minor for each in skipped),
                    delay_ns=max(0, course.duration_ns - spent),
                )

    def _replaceable(self, node: str) -> bool:
        step = self.work.get(node)
        return step is not None and all(each.relation is Relation.IS for each in step.effects)

    def _meant_by(self, row: tuple[str, ...]) -> tuple[Literal, ...]:
        """Return what is to be so after a row: what the rest needs, and what the row is for."""
        results: dict[Atom, Literal] = {}
        for node in row:
            results |= {atom_of(each): each for each in self.work[node].effects}
        needed = goal_of(self.situation, self._behind(row))
        goal = {atom_of(each) for each in needed}
        kept = (e for e in results.values() if e.value is not False and atom_of(e) not in goal)
        return (*needed, *kept)

    def _behind(self, row: tuple[str, ...]) -> tuple[Place, ...]:
        """Return the places of the instance as if a row of nodes were over."""
        flow = leaving(self.situation.process, row[-1])
        others = tuple(each for each in self.situation.places if each.node != row[0])
        return (Place(flow=flow), *others)

    # -- from candidates to options -------------------------------------------------------------

    def _vetted(self, found: Sequence[Candidate]) -> tuple[RepairOption, ...]:
        ranked = sorted(found, key=lambda each: (not each.pattern, self._rank(each)))
        vetting = Vetting(self.situation.process, self.situation.nets)
        options: list[RepairOption] = []
        seen = set[tuple[object, ...]]()
        for candidate in ranked:
            key = (candidate.course.key, candidate.spot)
            if key in seen or len(options) >= OPTIONS_MAX:
                continue
            seen.add(key)
            option = self._option(candidate, len(options) + 1, vetting)
            if option is not None:
                options.append(option)
        return tuple(sorted(options, key=lambda each: each.late))

    def _rank(self, candidate: Candidate) -> int:
        wish = self.situation.wish
        total = sum(wish.price(self.binder(each)) for each in candidate.course.steps)
        if candidate.spot.how is How.INSTEAD:
            total -= sum(wish.price(self.work[each]) for each in candidate.spot.nodes)
        return total

    def _option(self, candidate: Candidate, number: int, vetting: Vetting) -> RepairOption | None:
        situation, course = self.situation, candidate.course
        id_ = f"{situation.repair}.{number}"
        fragment = fragment_of(course, situation.domain, id_, f"Repair {situation.repair}")
        woven = weave(situation.process, fragment, candidate.spot)
        vetted = vetting.vet(woven.process)
        if vetted.against:
            self._reject(candidate, vetted.against)
            return None
        actions = [situation.domain.action(each.action) for each in course.steps]
        left = situation.time_left_ns
        made = RepairOption(
            id=id_,
            course=course,
            spot=candidate.spot,
            woven=woven,
            changes=changes_of(situation.process, woven.process),
            properties=vetted.properties,
            markings=vetted.markings,
            cost_minor=course.cost_minor - candidate.saved_minor,
            saved_minor=candidate.saved_minor,
            currency=next((each.currency for each in actions), "EUR"),
            delay_ns=candidate.delay_ns,
            late=left is not None and candidate.delay_ns > left,
            unknown=tuple(
                dict.fromkeys(
                    each.name
                    for each in actions
                    if each.cost_minor is None or each.duration_ns is None
                )
            ),
            pattern=candidate.pattern,
        )
        against = self.tried(made)
        if against:
            self._reject(candidate, against)
            return None
        return msgspec.structs.replace(made, reasons=explained(made, situation))

    def _reject(self, candidate: Candidate, why: str) -> None:
        steps = steps_said(candidate.course, self.situation.domain)
        self.rejected.append(Rejected(spot=candidate.spot, steps=steps, why=why))
