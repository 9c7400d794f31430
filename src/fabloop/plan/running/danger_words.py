"""What is said of a step or movement in danger: claim, evidence, consequence, options."""

from fabloop.base.instant import SECOND, Instant
from fabloop.base.quantity import Dimension
from fabloop.model.disturbance import MaterialLate, StepOverran, UnitClosed
from fabloop.model.explanation import (
    DangerCode,
    Evidence,
    Explanation,
    Option,
    OptionCode,
    ReasonCode,
    ReliefCode,
)
from fabloop.model.ids import MaterialId, OperationId, OrderId, SkillId
from fabloop.model.plan import Freight, Movement, PlannedStep
from fabloop.model.product import Operation
from fabloop.model.site import WorkUnit
from fabloop.plan.reasons.proposals import factory_change
from fabloop.services.matching import Mismatch

CONSEQUENCE = "re-plan"
Part = PlannedStep | Movement


def unfit(operation: Operation, unit: WorkUnit, answer: Mismatch) -> Explanation:
    """Say that the work unit may no longer do the operation."""
    changes = (factory_change(each, operation, unit) for each in answer.reasons)
    return Explanation(
        code=ReasonCode.STEP_ENDANGERED,
        subject=operation.id,
        details={
            "work_unit": unit.id,
            "reasons": ", ".join(each.code for each in answer.reasons),
        },
        evidence=tuple(evidence for reason in answer.reasons for evidence in reason.evidence),
        consequence=CONSEQUENCE,
        options=tuple(each.option() for each in changes if each is not None),
    )


def broken(operation: Operation, resource: str) -> Explanation:
    """Say that the work unit or vehicle cannot work then."""
    return _danger(
        DangerCode.UNIT_BROKEN,
        operation.id,
        {"work_unit": resource},
        options=(Option(code=OptionCode.RELEASE_UNIT, subject=resource),),
    )


def taken(operation: Operation, resource: str, rush: OrderId) -> Explanation:
    """Say that an order which goes before takes the work unit or vehicle."""
    return _danger(DangerCode.UNIT_TAKEN, operation.id, {"work_unit": resource, "rush": rush})


def material(step: PlannedStep, late: MaterialLate, wanted: Instant) -> Explanation:
    """Say that what the step takes from the store, or its shipment does, is not there in time."""
    wait = late.available_at - wanted
    return _danger(
        DangerCode.MATERIAL_LATE,
        step.operation,
        {"material": late.material, "work_unit": step.work_unit},
        (_delay(late.material, wait, 0),),
        (_later(step.operation, wait),),
    )


def shipment(movement: Movement, begins: Instant, arrives_at: Instant) -> Explanation:
    """Say that a movement ends only after what follows it was to begin."""
    details = {"made_by": movement.made_by, "leg": str(movement.leg)}
    return _danger(
        DangerCode.SHIPMENT_LATE,
        movement.taken_by,
        details,
        (_delay(movement.by, arrives_at - movement.end, begins - movement.end),),
        (_later(movement.taken_by, arrives_at - begins),),
    )


def lane_closed(movement: Movement) -> Explanation:
    """Say that nothing leaves on the lane when the movement should."""
    option = Option(
        code=OptionCode.ADD_LANE,
        subject=movement.origin_site,
        parameter=movement.destination_site,
    )
    details = {"made_by": movement.made_by, "lane": str(movement.lane)}
    return _danger(DangerCode.LANE_CLOSED, movement.taken_by, details, options=(option,))


def parts_stay(step: PlannedStep, part: MaterialId, way: Freight) -> Explanation:
    """Say that nothing leaves on the lane when the step's parts should."""
    option = Option(code=OptionCode.ADD_LANE, subject=way.origin, parameter=step.site)
    details = {"material": part, "lane": way.lane}
    return _danger(DangerCode.LANE_CLOSED, step.operation, details, options=(option,))


def person_absent(step: PlannedStep, skill: SkillId) -> Explanation:
    """Say that nobody is left who could carry out the step."""
    option = Option(code=OptionCode.ADD_PERSON, subject=step.site, parameter=skill)
    details = {"site": step.site, "skill": skill, "work_unit": step.work_unit}
    return _danger(DangerCode.PERSON_ABSENT, step.operation, details, options=(option,))


def overrun(part: Part, over: StepOverran) -> Explanation:
    """Say that the part must wait for a step, or for its work unit."""
    wait = over.ends_at - part.start
    return _danger(
        DangerCode.STEP_OVERRAN,
        _subject(part),
        {"before": over.operation, "order": over.order, "work_unit": over.work_unit},
        (_delay(over.operation, over.ends_at - over.planned_end, part.start - over.planned_end),),
        (_later(_subject(part), wait),),
    )


def tool_broken(step: PlannedStep, tool: str) -> Explanation:
    """Say that the tool which the step was to hold cannot be used then."""
    details = {"tool": tool, "work_unit": step.work_unit}
    return _danger(DangerCode.TOOL_BROKEN, step.operation, details)


def unit_closed(operation: Operation, closed: UnitClosed) -> Explanation:
    """Say that the work unit is kept free for maintenance then."""
    details = {"work_unit": closed.work_unit, "job": closed.job or "maintenance"}
    seen = Evidence(subject=closed.work_unit, parameter="closed until", at=closed.until)
    return _danger(DangerCode.UNIT_CLOSED, operation.id, details, (seen,))


def due_missed(step: PlannedStep, due_at: Instant) -> Explanation:
    """Say that the product is made only after it is wanted."""
    late = _delay(step.operation, step.end - due_at, 0)
    return _danger(DangerCode.DUE_MISSED, step.operation, {}, (late,))


def _danger(
    code: DangerCode,
    subject: OperationId,
    details: dict[str, str],
    evidence: tuple[Evidence, ...] = (),
    options: tuple[Option, ...] = (),
) -> Explanation:
    return Explanation(
        code=code,
        subject=subject,
        details=details,
        evidence=evidence,
        consequence=CONSEQUENCE,
        options=options,
    )


def _subject(part: Part) -> OperationId:
    """Return the operation that is in danger: the step itself, or what a movement brings to."""
    return part.operation if isinstance(part, PlannedStep) else part.taken_by


def _delay(subject: str, delay_ns: int, limit_ns: int) -> Evidence:
    return Evidence(
        subject=subject,
        parameter="delay",
        relation="at most",
        value=delay_ns / SECOND,
        limit=limit_ns / SECOND,
        dimension=Dimension.TIME,
    )


def _later(operation: OperationId, wait_ns: int) -> Option:
    return Option(
        code=ReliefCode.START_LATER,
        subject=operation,
        parameter="start",
        after=wait_ns / SECOND,
        dimension=Dimension.TIME,
    )
