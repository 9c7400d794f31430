"""Where the pieces of an order are: which legs of its plan have begun, as jobs tell it."""

from collections.abc import Iterable, Mapping

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.facts import JobBound, JobOffered
from fabloop.model.ids import OperationId
from fabloop.model.plan import Movement, Plan
from fabloop.model.recipe import ProductionRecipe, RecipeStep
from fabloop.plan.running.dangers import LegKey
from fabloop.run.compose import delivery_id, node_id

Way = tuple[OperationId, OperationId]


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """A transport or shipment that was asked for: still waiting, under way, or over."""

    offered: JobOffered
    bound: JobBound | None
    ended_at: Instant | None


def begun_legs(
    plan: Plan,
    recipe: ProductionRecipe,
    legs: Iterable[Leg],
    begun: Iterable[OperationId],
    now: Instant,
    late: Mapping[LegKey, Instant] | None = None,
) -> dict[Way, tuple[Movement, ...]]:
    """Return, per maker and taker, the planned movements that were asked for, with real times.

    A transport counts as begun once the process has asked for it: somebody comes for the piece
    already. A shipment that a carrier has not taken is booked only: it may go another way.
    For an operation that has `begun`, all its legs count. Those told to be `late` end then.
    """
    found = _asked_for(plan, recipe, legs, now, late or {})
    known = set(begun)
    ways: dict[Way, tuple[Movement, ...]] = {}
    for each in sorted(plan.movements, key=lambda each: each.leg):
        way = (each.made_by, each.taken_by)
        chain = ways.get(way, ())
        real = found.get((*way, each.leg))
        if len(chain) == each.leg and (real is not None or each.taken_by in known):
            ways[way] = (*chain, real or _after(each, chain))
    return ways


def leg_key(recipe: ProductionRecipe, offered: JobOffered) -> LegKey | None:
    """Return which leg of the plan a job is: maker, taker and number."""
    step = _steps_by_node(recipe).get(offered.step)
    return None if step is None else _key(step, offered)


def _asked_for(
    plan: Plan,
    recipe: ProductionRecipe,
    legs: Iterable[Leg],
    now: Instant,
    late: Mapping[LegKey, Instant],
) -> dict[LegKey, Movement]:
    planned = {(each.made_by, each.taken_by, each.leg): each for each in plan.movements}
    steps = _steps_by_node(recipe)
    found = {}
    for leg in legs:
        step = steps.get(leg.offered.step)
        key = None if step is None else _key(step, leg.offered)
        if key is None or key not in planned:
            continue
        if planned[key].lane is None or leg.bound is not None:
            expected = max(now, late.get(key, now))
            found[key] = _as_it_was(planned[key], leg, now, expected)
    return found


def _steps_by_node(recipe: ProductionRecipe) -> Mapping[str, RecipeStep]:
    nodes = {node_id(step.flow_id): step for step in recipe.steps}
    return {**nodes, **{delivery_id(node): step for node, step in nodes.items()}}


def _key(step: RecipeStep, offered: JobOffered) -> LegKey | None:
    """Return which leg of the plan a service of a step is."""
    made = step.parameters.get(f"from_operation_{offered.service}")
    if made is None:
        return None
    before = (step.parameters.get(f"from_operation_{n}") for n in range(1, offered.service))
    return OperationId(made), offered.operation, sum(each == made for each in before)


def _as_it_was(planned: Movement, leg: Leg, now: Instant, expected: Instant) -> Movement:
    start = now if leg.bound is None else leg.bound.begun_at
    end = leg.ended_at or Instant(max(expected, start + leg.offered.duration_ns))
    return msgspec.structs.replace(planned, start=start, end=end, frozen=True)


def _after(planned: Movement, chain: tuple[Movement, ...]) -> Movement:
    start = max(planned.start, chain[-1].end) if chain else planned.start
    end = Instant(start + planned.end - planned.start)
    return msgspec.structs.replace(planned, start=start, end=end, frozen=True)


def as_begun(plan: Plan, begun: frozenset[OperationId], left: frozenset[LegKey]) -> Plan:
    """Return the plan with that frozen which has begun, and nothing else.

    Re-planning also freezes what must stay where it is.
    """
    return msgspec.structs.replace(
        plan,
        steps=tuple(
            msgspec.structs.replace(each, frozen=each.operation in begun) for each in plan.steps
        ),
        movements=tuple(
            msgspec.structs.replace(each, frozen=(each.made_by, each.taken_by, each.leg) in left)
            for each in plan.movements
        ),
    )
