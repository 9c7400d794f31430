"""From a deviation to ways out: plan, place in the process, verify, price, explain."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from fabloop.adapt.repair.course import Course
from fabloop.adapt.repair.domain import Binder
from fabloop.adapt.repair.explain import explained, need_explained, steps_said
from fabloop.adapt.repair.faults import checked
from fabloop.adapt.repair.fragment import fragment_of
from fabloop.adapt.repair.many import plan_tokens
from fabloop.adapt.repair.placing import (
    Candidate,
    bound_work,
    consistent,
    here_of,
    in_place_of,
    meant_by,
    placed,
    replaceable,
)
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
from fabloop.adapt.repair.reality import differences
from fabloop.adapt.repair.remaining import endangered, needs_at
from fabloop.adapt.repair.task import Budget, part
from fabloop.adapt.repair.vet import Vetting, changes_of
from fabloop.adapt.repair.weave import How, unfit, weave
from fabloop.model.explanation import Explanation
from fabloop.model.service import Literal

ROWS_REPLACED_MAX = 3
"""Rows of nodes for which a plan in their place is looked for."""

COURSES_PER_ROW_MAX = 2
"""Courses that are offered in the place of one row."""

PLANNING_SHARE = 0.85
"""The share of the budget for planning; verifying the second and further options has the rest."""

BEFORE_SHARE = 0.6
"""The share of that for plans before the interrupted node; replacing it has the rest."""

OPTIONS_MAX = 6

DIFFERENCES_TOLD_MAX = 100


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
        The situation or its domain has faults; all of them.
    """
    checked(situation)
    return _Repair(situation, budget, tried).answer(tuple(known))


class _Repair:
    def __init__(self, situation: Situation, budget: Budget, tried: Try) -> None:
        self.situation, self.budget, self.tried = situation, budget, tried
        self.planning = part(budget, PLANNING_SHARE)
        self.binder = Binder(situation.domain)
        self.work = bound_work(situation)
        self.here = here_of(situation)
        self.rejected: list[Rejected] = []
        told = differences(situation.expected, situation.physical)
        self.differences = told[:DIFFERENCES_TOLD_MAX]

    def answer(self, known: tuple[Candidate, ...]) -> RepairAnswer:
        situation = self.situation
        needs = needs_at(situation.process, situation.places, self.work, situation.goals)
        danger = endangered(needs, situation.physical)
        if not danger:
            return NotNeeded(
                repair=situation.repair,
                instance=situation.instance,
                differences=self.differences,
            )
        reasons = tuple(need_explained(each, situation) for each in danger)
        if not self.here:
            return self._none(reasons, "the instance is at no node at which it could wait")
        before = self._planned(consistent(needs, situation), self.planning, BEFORE_SHARE)
        found = [*known, *placed(situation, before.courses), *self._instead()]
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
            differences=self.differences,
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
            differences=self.differences,
        )

    def _planned(self, goal: tuple[Literal, ...], budget: Budget, share: float) -> Planned:
        situation = self.situation
        return plan_tokens(
            situation.domain,
            situation.physical,
            goal,
            budget,
            wish=situation.wish,
            tokens=situation.tokens,
            share=share,
        )

    def _instead(self) -> Iterator[Candidate]:
        """Yield courses that do what the next nodes were for in another way.

        What the rest needs is not all of it: what they were to bring about by themselves (a parcel
        that is packed) counts as well. Rows that count something are not replaced.
        """
        rows = replaceable(self.situation)[:ROWS_REPLACED_MAX]
        for number, row in enumerate(rows):
            goal = meant_by(self.situation, row)
            planned = self._planned(goal, part(self.planning, 1 / (len(rows) - number)), 1.0)
            others = [each for each in planned.courses if not self._does(each, row)]
            for course in others[:COURSES_PER_ROW_MAX]:
                yield in_place_of(self.situation, course, row)

    def _does(self, course: Course, row: tuple[str, ...]) -> bool:
        """Tell whether a course does what a row would do itself: then it is no replacement."""
        return any(self.situation.work[each].key in course.key for each in row)

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
            if options and self.budget() <= 0:
                break
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
        against = unfit(situation.process, candidate.spot)
        if against:
            self._reject(candidate, against)
            return None
        id_ = f"{situation.repair}.{number}"
        fragment = fragment_of(course, situation.domain, id_, f"Repair {situation.repair}")
        act = next((e.act for e in situation.places if e.node == candidate.spot.first), 0)
        woven = weave(situation.process, fragment, candidate.spot, act)
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
