"""``fabloop plan --why`` beside wishes: what a choice takes among the plans that keep them."""

import sys
from collections.abc import Iterator, Sequence

import msgspec

from fabloop.app.account import refusal_texts
from fabloop.app.asked import Asked
from fabloop.app.sentences import labels_of
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode
from fabloop.cli.why import chosen, plain_answer, show
from fabloop.model.facts import OrderRefused
from fabloop.model.ids import OperationId
from fabloop.model.plan import (
    Movement,
    NotDecided,
    NotProducible,
    Plan,
    PlanAnswer,
    PlannedStep,
    Producible,
)
from fabloop.plan.producible import check
from fabloop.plan.reasons.why import Dearer, Difference, Sums, Unfit
from fabloop.plan.terms.objectives import Aim, lead_of
from fabloop.plan.terms.wishes import Wishes


def print_why_wished(
    asked: Asked, choices: Sequence[str], aim: Aim, wishes: Wishes, effort: float, *, as_json: bool
) -> ExitCode:
    """Print what the choice takes more than the best plan under the same wishes, or why not."""
    site, pins = chosen(asked, choices)
    best = _best(asked, aim, wishes, effort)
    others = frozenset(each for each in asked.knowledge.network.sites if each != site)
    with_choice = msgspec.structs.replace(
        wishes,
        forbidden_sites=wishes.forbidden_sites | (others if site else frozenset()),
        pinned={**wishes.pinned, **pins},
    )
    answer = _best(asked, aim, with_choice, effort) if isinstance(best, Producible) else best
    told: Dearer | Unfit | PlanAnswer = answer
    if isinstance(best, Producible) and isinstance(answer, Producible):
        told = _compared(best.plans[0], answer.plans[0])
    elif isinstance(best, Producible) and isinstance(answer, NotProducible):
        plain = plain_answer(asked, choices)
        told = plain if isinstance(plain, Unfit) else answer
    if as_json:
        sys.stdout.write(to_json_pretty(told).decode())
    elif isinstance(told, Dearer | Unfit):
        show(told, asked, choices)
    else:
        for text in _refused(told, asked, some=isinstance(best, Producible)):
            sys.stdout.write(text + "\n")
    if isinstance(told, NotDecided):
        return ExitCode.UNDECIDED
    return ExitCode.FINE if isinstance(told, Dearer) else ExitCode.NOT_PRODUCIBLE


def _best(asked: Asked, aim: Aim, wishes: Wishes, effort: float) -> PlanAnswer:
    knowledge, order = asked.knowledge, asked.order
    return check(
        order,
        knowledge.network,
        knowledge.vocabulary,
        asked.kpis,
        order.received_at,
        plans_max=1,
        objective=aim,
        wishes=wishes,
        effort=effort,
    )


def _refused(answer: PlanAnswer, asked: Asked, *, some: bool) -> Iterator[str]:
    yield "Not with this choice:" if some else "There is no plan under these wishes at all:"
    if isinstance(answer, Producible):
        return
    labels = labels_of(asked.knowledge.network, asked.order.product)
    refused = OrderRefused(order=asked.order.id, answer=answer)
    yield from refusal_texts(refused, asked.order.received_at, labels)


def _compared(best: Plan, pinned: Plan) -> Dearer:
    before, after = _sums(best), _sums(pinned)
    return Dearer(
        objective=lead_of(best),
        best=before,
        pinned=after,
        more=after.minus(before),
        differences=(*_steps(best, pinned), *_ways(best, pinned)),
    )


def _sums(plan: Plan) -> Sums:
    totals = plan.totals
    return Sums(
        cost_minor=totals.cost_minor,
        makespan_ns=totals.makespan_ns,
        energy_j=totals.energy_j,
        co2_kg=totals.co2_kg,
    )


def _taken(parts: Sequence[PlannedStep | Movement]) -> Sums:
    return Sums(
        cost_minor=sum(each.cost_minor for each in parts),
        makespan_ns=sum(each.end - each.start for each in parts),
        energy_j=sum(each.energy_j for each in parts),
        co2_kg=sum(each.co2_kg for each in parts),
    )


def _steps(best: Plan, pinned: Plan) -> Iterator[Difference]:
    """Yield the operations that are done elsewhere, or take something else at their times."""
    old, new = ({each.operation: each for each in plan.steps} for plan in (best, pinned))
    for operation in dict.fromkeys((*old, *new)):
        pair = [[plan[operation]] if operation in plan else [] for plan in (old, new)]
        names = [str(each[0].work_unit) if each else "" for each in pair]
        more = _taken(pair[1]).minus(_taken(pair[0]))
        if names[0] != names[1] or more.cost_minor:
            yield Difference(operation=operation, best=names[0], pinned=names[1], more=more)


def _ways(best: Plan, pinned: Plan) -> Iterator[Difference]:
    """Yield the ways that lead elsewhere, or by other legs."""
    old, new = _legs(best), _legs(pinned)
    for key in dict.fromkeys((*old, *new)):
        pair = [old.get(key, []), new.get(key, [])]
        names = [_places(each) for each in pair]
        if names[0] != names[1]:
            yield Difference(
                operation=key[1],
                best=names[0],
                pinned=names[1],
                more=_taken(pair[1]).minus(_taken(pair[0])),
                made_by=key[0],
            )


def _legs(plan: Plan) -> dict[tuple[OperationId, OperationId], list[Movement]]:
    found: dict[tuple[OperationId, OperationId], list[Movement]] = {}
    for each in sorted(plan.movements, key=lambda leg: leg.leg):
        found.setdefault((each.made_by, each.taken_by), []).append(each)
    return found


def _places(legs: Sequence[Movement]) -> str:
    return " - ".join([*(each.origin for each in legs), *(each.destination for each in legs[-1:])])
