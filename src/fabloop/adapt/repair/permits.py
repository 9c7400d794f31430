"""A repair is judged by the gate like any command: what it newly commands has to be permitted."""

from collections.abc import Iterator

import msgspec

from fabloop.adapt.repair.domain import Domain
from fabloop.adapt.repair.proposal import NoRepair, Proposal, RepairAnswer, RepairOption
from fabloop.model.explanation import Explanation
from fabloop.model.ids import OperationName, ServiceId
from fabloop.model.safety import Target
from fabloop.run.gate import Gate
from fabloop.run.permissives import Withheld


def commanded_by(option: RepairOption, domain: Domain) -> tuple[Target, ...]:
    """Return whom the steps of a repair command, each once; what people do is no command."""

    def targets() -> Iterator[Target]:
        for step in option.course.steps:
            action = domain.action(step.action)
            if action.service:
                operation = OperationName(action.headers.get("operation", action.name))
                yield Target(service=ServiceId(action.service), operation=operation)

    return tuple(dict.fromkeys(targets()))


def against(option: RepairOption, domain: Domain, gate: Gate) -> tuple[Explanation, ...]:
    """Return why a repair may not be applied now; empty where it may."""
    verdicts = (gate(each) for each in commanded_by(option, domain))
    return tuple(
        reason for each in verdicts if isinstance(each, Withheld) for reason in each.reasons
    )


def permitted(answer: RepairAnswer, domain: Domain, gate: Gate) -> RepairAnswer:
    """Return an answer with the ways out that may be applied now; none left is no repair."""
    if not isinstance(answer, Proposal):
        return answer
    judged = [(each, against(each, domain, gate)) for each in answer.options]
    options = tuple(each for each, reasons in judged if not reasons)
    if options:
        return msgspec.structs.replace(answer, options=options)
    reasons = tuple(
        dict.fromkeys(f"{one.code} {one.subject}" for _, all_ in judged for one in all_)
    )
    why = f"no way out is permitted now: {'; '.join(reasons)}"
    return NoRepair(repair=answer.repair, instance=answer.instance, reasons=answer.reasons, why=why)
