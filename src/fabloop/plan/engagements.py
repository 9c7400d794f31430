"""What plans already agreed take of the work units, so that a further plan keeps clear of it."""

from collections.abc import Iterable

from fabloop.base.instant import Instant
from fabloop.model.ids import MaterialId, SiteId, WorkUnitId
from fabloop.model.plan import MovementKind, Plan, PlannedStep
from fabloop.plan.names import batch_name, crew_name, set_up_name, shipment_name

Taken = dict[WorkUnitId, list[tuple[Instant, Instant]]]


def engagements(
    plans: Iterable[Plan], now: Instant
) -> dict[WorkUnitId, tuple[tuple[Instant, Instant], ...]]:
    """Return when work units, tools and crews do steps or move things, as far as it is not over.

    Crews have names of their own, and so has what work units are, or were last, set up for.
    Leave out the plan that is to be changed: re-planning knows its own past.
    """
    several = tuple(plans)
    taken: Taken = {}
    for plan in several:
        for each in plan.movements:
            if each.end > now and each.kind is MovementKind.TRANSPORT:
                taken.setdefault(WorkUnitId(each.by), []).append((each.start, each.end))
            elif each.end > now and each.lane is not None and each.goods > 1:
                taken.setdefault(shipment_name(each.lane), []).append((each.start, each.end))
    take_steps(taken, (step for plan in several for step in plan.steps), now)
    return {unit: tuple(sorted(spans)) for unit, spans in sorted(taken.items())}


def take_steps(taken: Taken, steps: Iterable[PlannedStep], now: Instant) -> None:
    """Add what steps hold from `now` on, and the last set-up of each work unit before."""
    last: dict[WorkUnitId, PlannedStep] = {}
    for step in steps:
        span = (step.start, step.end)
        if step.end > now:
            for name in (step.work_unit, *step.tools):
                taken.setdefault(WorkUnitId(name), []).append(span)
            if step.persons:
                taken.setdefault(crew_name(step.persons), []).append(span)
            if step.setup_family:
                name = set_up_name(step.work_unit, step.setup_family)
                taken.setdefault(name, []).append(span)
            if step.batch is not None:
                name = batch_name(step.work_unit, step.batch.family, step.batch.pieces)
                taken.setdefault(name, []).append(span)
        elif step.work_unit not in last or last[step.work_unit].end <= step.end:
            last[step.work_unit] = step
    for unit, step in last.items():
        if step.setup_family:
            name = set_up_name(unit, step.setup_family)
            taken.setdefault(name, []).append((step.start, step.end))


def draws(
    plans: Iterable[Plan],
) -> dict[tuple[SiteId, MaterialId], tuple[tuple[Instant, int], ...]]:
    """Return when plans take how many pieces of which site's stock."""
    found: dict[tuple[SiteId, MaterialId], list[tuple[Instant, int]]] = {}
    for plan in plans:
        for step in plan.steps:
            for each in step.parts:
                if not each.supplier:
                    site, at = each.drawn(step.site, step.start)
                    found.setdefault((site, each.material), []).append((at, each.pieces))
    return {key: tuple(entries) for key, entries in found.items()}
