"""Which wishes are in the way of a plan, and what lifting them would come to.

All minimal sets of wishes that cannot be met together, and for each smallest set of wishes whose
lifting leaves a plan: how far a limit has to move, and what the plan costs then.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from fabloop.model.explanation import Evidence, Explanation, Option, ReasonCode, ReliefCode
from fabloop.model.plan import Exclusion, NotProducible
from fabloop.plan.reasons.minimal import all_conflicts, bits_of, smallest, transversals
from fabloop.plan.terms.objectives import Measure, lexicographic
from fabloop.plan.terms.wishes import Wishes, names_of, without
from fabloop.plan.tradeoffs.gates import Standing
from fabloop.plan.tradeoffs.lift import MEASURES, Lift
from fabloop.plan.tradeoffs.wish_grounds import grounds_of

CONFLICTS_MAX = 8
"""Minimal sets of wishes that are told."""

OPTIONS_MAX = 8
"""Ways to lift wishes that are told, those that lift fewest first."""


def hindered(wishes: Wishes, lift: Lift, exclusions: tuple[Exclusion, ...]) -> NotProducible:
    """Return the minimal sets of wishes that exclude each other, and what lifting some would do."""
    names = names_of(wishes)
    known: dict[int, bool] = {}

    def holds(mask: int) -> bool:
        if mask not in known:
            gone = [name for index, name in enumerate(names) if not mask >> index & 1]
            known[mask] = lift.standing(without(wishes, gone)) is not Standing.IMPOSSIBLE
        return known[mask]

    def conflict_without(mask: int) -> int:
        rest = [1 << index for index in range(len(names)) if not mask >> index & 1]
        return smallest(rest, holds)

    found = all_conflicts(conflict_without, conflicts_max=CONFLICTS_MAX)
    ways = transversals(found.found) or []
    ways.sort(key=lambda mask: (mask.bit_count(), mask))
    options = [
        option
        for mask in ways[:OPTIONS_MAX]
        for option in _option(wishes, [names[bit.bit_length() - 1] for bit in bits_of(mask)], lift)
    ]
    options.sort(key=lambda each: (len(each.also), each.cost_minor or 0, each.parameter))
    blamed = [name for place, name in enumerate(names) if any(m >> place & 1 for m in found.found)]
    return NotProducible(
        conflicts=tuple(
            tuple(
                _in_the_way(wishes, names[bit.bit_length() - 1], lift.currency)
                for bit in bits_of(mask)
            )
            for mask in found.found
        ),
        options=tuple(options),
        exclusions=exclusions,
        grounds=tuple(grounds_of(wishes, blamed, lift)),
    )


def _in_the_way(wishes: Wishes, name: str, currency: str) -> Explanation:
    limit = _limit(wishes, name)
    evidence = Evidence(subject="request", parameter=name, relation="at most", limit=limit)
    return Explanation(
        code=ReasonCode.WISH_IN_THE_WAY,
        subject=name,
        details={"wish": name, "currency": currency},
        evidence=() if limit is None else (evidence,),
    )


def _limit(wishes: Wishes, name: str) -> float | str | None:
    """Return the limit of a wish as a number; for a pinned operation its work unit."""
    field, _, member = name.partition(".")
    if field in MEASURES:
        limit: float = getattr(wishes, field)
        return limit
    return next((unit for each, unit in wishes.pinned.items() if each == member), None)


def _option(wishes: Wishes, names: Sequence[str], lift: Lift) -> Iterator[Option]:
    """Yield the option to lift these wishes together, if that was verified to leave a plan.

    Limits move as little as they have to, one after another; of the plans then possible the
    cheapest one tells what it costs.
    """
    lifted = without(wishes, names)
    limits = [MEASURES[name] for name in names if name in MEASURES]
    best = lift.least(lifted, lexicographic(*dict.fromkeys((*limits, Measure.COST))))
    if best is None:
        return
    cost = round(best[Measure.COST])
    first, *others = [_moved(wishes, name, best, lift) for name in names]
    yield msgspec.structs.replace(
        first, cost_minor=cost, currency=lift.currency, verified=True, also=tuple(others)
    )


def _moved(wishes: Wishes, name: str, best: Mapping[Measure, float], lift: Lift) -> Option:
    """Return the option to lift one wish: what its limit would have to be."""
    measure = MEASURES.get(name)
    after = None if measure is None else best[measure]
    if after is not None and measure is Measure.MAKESPAN:
        after += lift.origin
    return Option(
        code=ReliefCode.LIFT_WISH,
        subject="request",
        parameter=name,
        before=_limit(wishes, name),
        after=after,
        currency=lift.currency,
    )
