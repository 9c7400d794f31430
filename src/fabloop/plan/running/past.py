"""What has happened of a plan: frozen steps and movements, and where the work pieces are now."""

from collections.abc import Mapping

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import AreaId, OperationId, SiteId, WorkUnitId
from fabloop.model.plan import Movement, MovementKind, PartTaken, Plan, PlannedStep
from fabloop.model.site import Network
from fabloop.plan.engagements import take_steps
from fabloop.plan.statement.problem import Past, Supply
from fabloop.plan.statement.roads import Place

Moved = Mapping[tuple[OperationId, OperationId], tuple[Movement, ...]]
"""Per maker and taker, the movements that were begun."""


class History(msgspec.Struct, frozen=True):
    """A plan's past in three views: what is frozen, what follows from it, what is still taken."""

    steps: tuple[PlannedStep, ...]
    movements: tuple[Movement, ...]
    past: Past
    busy: dict[WorkUnitId, tuple[tuple[Instant, Instant], ...]]
    now: Instant
    underway: dict[OperationId, tuple[SiteId, tuple[PartTaken, ...]]] = {}

    def kept(self) -> dict[OperationId, PlannedStep]:
        """Return the frozen steps by operation."""
        return {each.operation: each for each in self.steps}

    def cost_minor(self) -> int:
        """Return what the past has cost."""
        made = sum(each.cost_minor for each in self.steps)
        return made + sum(each.cost_minor for each in self.movements)


def history_of(
    plan: Plan,
    done: Mapping[OperationId, PlannedStep],
    running: Mapping[OperationId, PlannedStep],
    network: Network,
    now: Instant,
    moved: Moved | None = None,
) -> History:
    """Return what of the plan has happened at `now`.

    What the plan holds as frozen has happened, too. A running step that should have ended ends
    now at the earliest. Movements are those of
    `moved`; without it, each one planned is taken to follow its maker's delay, and to have
    begun if that start has passed, or if its taker has begun.
    """
    late = {key: _not_before(step, now) for key, step in running.items()}
    settled = {step.operation: step for step in plan.steps if step.frozen}
    begun = {**settled, **done, **late}
    steps = tuple(
        msgspec.structs.replace(step, frozen=True)
        for step in sorted(begun.values(), key=lambda each: (each.start, each.operation))
    )
    movements = begun_movements(plan, begun, now) if moved is None else moved
    frozen = tuple(
        msgspec.structs.replace(each, frozen=True) for chain in movements.values() for each in chain
    )
    return History(
        steps=steps,
        movements=frozen,
        past=Past(frozenset(begun), _supplies(begun, movements, network)),
        busy=_still_taken(steps, frozen, now),
        now=now,
        underway=_underway(plan, begun, now),
    )


def _underway(
    plan: Plan, begun: Mapping[OperationId, PlannedStep], now: Instant
) -> dict[OperationId, tuple[SiteId, tuple[PartTaken, ...]]]:
    """Return the parts that have left, or had to be ready, for steps that have not begun."""
    found = {}
    for step in plan.steps:
        parts = tuple(
            each for each in step.parts if each.freight is not None and each.freight.ready < now
        )
        if parts and step.operation not in begun:
            found[step.operation] = step.site, parts
    return found


def _not_before(step: PlannedStep, now: Instant) -> PlannedStep:
    return msgspec.structs.replace(step, end=max(step.end, now))


def begun_movements(
    plan: Plan, begun: Mapping[OperationId, PlannedStep], now: Instant
) -> dict[tuple[OperationId, OperationId], tuple[Movement, ...]]:
    """Return, per maker and taker, the movements that have begun if all leave when they can.

    Each follows its maker's delay; it has begun if that start has passed, or if its taker has.
    """
    chains: dict[tuple[OperationId, OperationId], list[Movement]] = {}
    for movement in sorted(plan.movements, key=lambda each: each.leg):
        maker = begun.get(movement.made_by)
        if maker is None:
            continue
        chain = chains.setdefault((movement.made_by, movement.taken_by), [])
        shifted = _after(movement, chain[-1].end if chain else maker.end)
        if movement.frozen or movement.taken_by in begun or shifted.start < now:
            chain.append(shifted)
    return {key: tuple(chain) for key, chain in chains.items() if chain}


def _after(movement: Movement, ready: Instant) -> Movement:
    """Return the movement not before its work piece is ready, as long as it was."""
    if movement.frozen or movement.start >= ready:
        return movement
    end = Instant(ready + movement.end - movement.start)
    return msgspec.structs.replace(movement, start=ready, end=end)


def _supplies(
    begun: Mapping[OperationId, PlannedStep], moved: Moved, network: Network
) -> dict[OperationId, Supply]:
    """Return where the outputs lie; each operation's output has one taker."""
    units = network.work_units()
    supplies = {
        key: Supply(Place(step.site, units[step.work_unit].area, step.work_unit), step.end)
        for key, step in begun.items()
    }
    for (made_by, _), chain in moved.items():
        last = chain[-1]
        unit = units.get(WorkUnitId(last.destination))
        area = AreaId(last.destination) if unit is None else unit.area
        place = Place(SiteId(last.destination_site), area, None if unit is None else unit.id)
        supplies[made_by] = Supply(place, last.end, len(chain))
    return supplies


def _still_taken(
    steps: tuple[PlannedStep, ...], movements: tuple[Movement, ...], now: Instant
) -> dict[WorkUnitId, tuple[tuple[Instant, Instant], ...]]:
    taken: dict[WorkUnitId, list[tuple[Instant, Instant]]] = {}
    take_steps(taken, steps, now)
    for each in movements:
        if each.end > now and each.kind is MovementKind.TRANSPORT:
            taken.setdefault(WorkUnitId(each.by), []).append((each.start, each.end))
    return {unit: tuple(spans) for unit, spans in taken.items()}
