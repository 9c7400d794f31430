"""Where a course may stand in a process, and what it has to reach there."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from fabloop.adapt.repair.course import Course, conflict
from fabloop.adapt.repair.domain import Binder, Bound
from fabloop.adapt.repair.proposal import Situation
from fabloop.adapt.repair.reality import Atom, atom_of, is_met, said
from fabloop.adapt.repair.remaining import Need, Place, endangered, needs_at
from fabloop.adapt.repair.weave import How, Spot, chains, leaving
from fabloop.model.service import Literal, Relation


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A course and where it would stand; `saved_*` is what need not be done any more."""

    course: Course
    spot: Spot
    saved_minor: int = 0
    delay_ns: int
    pattern: str = ""


def here_of(situation: Situation) -> str:
    """Return the node at which an instance was interrupted; empty where it is at none."""
    return next((each.node for each in situation.places if each.node), "")


def danger_of(situation: Situation) -> tuple[Need, ...]:
    """Return what the rest of the process needs and reality does not meet."""
    work = bound_work(situation)
    needs = needs_at(situation.process, situation.places, work, situation.goals)
    return endangered(needs, situation.physical)


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


def placed(situation: Situation, courses: Iterable[Course]) -> Iterator[Candidate]:
    """Yield each course beside what need not wait for it, where there is such, else before."""
    here, work = here_of(situation), bound_work(situation)
    rows = chains(situation.process, here)
    needing = {each.node for each in danger_of(situation)}
    for course in courses:
        row = _row_beside(situation, course, rows, needing)
        if row:
            spent = sum(work[each].duration_ns for each in row if each in work)
            spot, delay = Spot(how=How.BESIDE, nodes=row), course.duration_ns - spent
        else:
            spot, delay = Spot(how=How.BEFORE, nodes=(here,)), course.duration_ns
        yield Candidate(course=course, spot=spot, delay_ns=max(0, delay))


def _row_beside(
    situation: Situation, course: Course, rows: Sequence[tuple[str, ...]], needing: set[str]
) -> tuple[str, ...]:
    """Return the longest row of work that neither needs a course nor disturbs it."""
    binder, work = Binder(situation.domain), bound_work(situation)
    steps = [binder(each) for each in course.steps]
    longest: tuple[str, ...] = ()
    for row in rows:
        last = row[-1]
        if last in needing or last not in work:
            break
        if any(conflict(step, work[last]) for step in steps):
            break
        longest = row
    return longest


def replaceable(situation: Situation) -> tuple[tuple[str, ...], ...]:
    """Return the rows from here on that something else may stand in for.

    Only what the work of a row is known to bring about can be brought about in another way; rows
    that count something are left as they are.
    """
    work = bound_work(situation)

    def is_known(node: str) -> bool:
        step = work.get(node)
        return step is not None and all(each.relation is Relation.IS for each in step.effects)

    rows = chains(situation.process, here_of(situation))
    return tuple(row for row in rows if all(map(is_known, row)))


def meant_by(situation: Situation, row: tuple[str, ...]) -> tuple[Literal, ...]:
    """Return what is to be so after a row: what the rest needs, and what the row is for.

    What the rest needs is not all of it: what nobody asks for later (a parcel that is packed)
    counts as well.
    """
    work = bound_work(situation)
    results: dict[Atom, Literal] = {}
    for node in row:
        results |= {atom_of(each): each for each in work[node].effects}
    behind = Place(flow=leaving(situation.process, row[-1]))
    others = tuple(each for each in situation.places if each.node != row[0])
    needed = goal_of(situation, (behind, *others))
    asked = {atom_of(each) for each in needed}
    kept = (e for e in results.values() if e.value is not False and atom_of(e) not in asked)
    return (*needed, *kept)


def in_place_of(situation: Situation, course: Course, row: tuple[str, ...]) -> Candidate:
    """Return a course as what is done instead of a row."""
    work = bound_work(situation)
    skipped = [work[each] for each in row]
    spent = sum(each.duration_ns for each in skipped)
    return Candidate(
        course=course,
        spot=Spot(how=How.INSTEAD, nodes=row),
        saved_minor=sum(each.cost_minor for each in skipped),
        delay_ns=max(0, course.duration_ns - spent),
    )
