"""What plans already agreed take of the work units, so that a further plan keeps clear of it."""

from collections.abc import Iterable

from fabloop.base.instant import Instant
from fabloop.model.ids import WorkUnitId
from fabloop.model.plan import MovementKind, Plan


def engagements(
    plans: Iterable[Plan], now: Instant
) -> dict[WorkUnitId, tuple[tuple[Instant, Instant], ...]]:
    """Return when work units and tools do steps or move things, as far as it is not over.

    Leave out the plan that is to be changed: re-planning knows its own past.
    """
    taken: dict[WorkUnitId, list[tuple[Instant, Instant]]] = {}
    for plan in plans:
        for step in plan.steps:
            if step.end > now:
                for resource in (step.work_unit, *step.tools):
                    taken.setdefault(WorkUnitId(resource), []).append((step.start, step.end))
        for each in plan.movements:
            if each.end > now and each.kind is MovementKind.TRANSPORT:
                taken.setdefault(WorkUnitId(each.by), []).append((each.start, each.end))
    return {unit: tuple(sorted(spans)) for unit, spans in sorted(taken.items())}
