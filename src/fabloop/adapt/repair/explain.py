"""Why a repair is needed and what each way out does, as explanations."""

from fabloop.adapt.repair.course import Course
from fabloop.adapt.repair.domain import Domain
from fabloop.adapt.repair.fragment import title_of
from fabloop.adapt.repair.proposal import RepairOption, Situation
from fabloop.adapt.repair.reality import atom_of, said
from fabloop.adapt.repair.remaining import GOAL, Need
from fabloop.adapt.repair.weave import How
from fabloop.model.explanation import Explanation, RepairCode
from fabloop.model.service import Constant
from fabloop.process.bpmn.outline import all_nodes

_CODES = {
    How.BEFORE: RepairCode.STEPS_BEFORE,
    How.BESIDE: RepairCode.STEPS_BESIDE,
    How.INSTEAD: RepairCode.STEPS_INSTEAD,
}


def need_explained(need: Need, situation: Situation) -> Explanation:
    """Return who needs what, and what is so."""
    found = situation.physical.get(atom_of(need.condition))
    details = {"condition": said(need.condition), "found": _word(found)}
    if need.node == GOAL:
        return Explanation(
            code=RepairCode.GOAL_UNMET, subject=situation.process.id, details=details
        )
    name = names_of(situation).get(need.node, need.node)
    return Explanation(code=RepairCode.NEED_UNMET, subject=name, details=details)


def explained(option: RepairOption, situation: Situation) -> tuple[Explanation, ...]:
    """Return what an option does, what it costs and what speaks against it."""
    names = names_of(situation)
    details = {
        "steps": "; ".join(steps_said(option.course, situation.domain)),
        "nodes": ", ".join(names.get(each, each) for each in option.spot.nodes),
        "cost_minor": str(option.cost_minor),
        "currency": option.currency,
        "delay_ns": str(option.delay_ns),
    }
    found = [Explanation(code=_CODES[option.spot.how], subject=option.id, details=details)]
    if option.late:
        late = {"delay_ns": str(option.delay_ns), "left_ns": str(situation.time_left_ns)}
        found.append(Explanation(code=RepairCode.TOO_SLOW, subject=option.id, details=late))
    found += [
        Explanation(code=RepairCode.PRICE_UNKNOWN, subject=option.id, details={"action": each})
        for each in option.unknown
    ]
    if option.pattern:
        pattern = {"pattern": option.pattern}
        found.append(Explanation(code=RepairCode.LEARNED, subject=option.id, details=pattern))
    return tuple(found)


def steps_said(course: Course, domain: Domain) -> tuple[str, ...]:
    """Return what a course does, step by step."""
    return tuple(title_of(each, domain.action(each.action)) for each in course.steps)


def names_of(situation: Situation) -> dict[str, str]:
    """Return the name of each node that has one."""
    return {each.id: each.name for each in all_nodes(situation.process) if each.name}


def _word(value: Constant | None) -> str:
    if value is None:
        return "nothing is known of it"
    return str(value).lower() if isinstance(value, bool) else str(value)
