"""What is wrong with a situation before anything is planned: every fault, with its place."""

import re
from collections.abc import Iterator

from fabloop.adapt.repair.domain import Action, Step, Thing, domain_faults
from fabloop.adapt.repair.proposal import Situation
from fabloop.adapt.repair.reality import said, variables_in
from fabloop.base.errors import Fault, Invalid
from fabloop.base.names import did_you_mean
from fabloop.process.bpmn.outline import all_nodes, outlines

_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def checked(situation: Situation) -> Situation:
    """Return a situation that can be repaired; raises Invalid with every fault."""
    faults = [*domain_faults(situation.domain), *_faults(situation)]
    if faults:
        raise Invalid(faults)
    return situation


def _faults(situation: Situation) -> Iterator[Fault]:
    if not _ID.fullmatch(situation.repair):
        yield _fault("repair", "a name fit for an XML id", repr(situation.repair))
    nodes = {each.id for each in all_nodes(situation.process)}
    flows = {flow.id for scope in outlines(situation.process) for _, flow in scope.flows}
    for place in situation.places:
        known, name = (flows, place.flow) if place.flow else (nodes, place.node)
        if name not in known:
            hint = did_you_mean(name, known)
            yield _fault("places", "a node or flow of the process", repr(name), hint)
    actions = {each.name: each for each in situation.domain.actions}
    things = {each.name: each for each in situation.domain.things}
    for node, step in situation.work.items():
        if node not in nodes:
            yield _fault("work", "a node of the process", repr(node), did_you_mean(node, nodes))
        action = actions.get(step.action)
        if action is None:
            hint = did_you_mean(step.action, actions)
            yield _fault(f"work of '{node}'", "an action of the domain", repr(step.action), hint)
        else:
            yield from _step_faults(node, step, action, things)
    for goal in situation.goals:
        if next(variables_in((goal,)), None) is not None:
            yield _fault("goals", "a goal without variables", f"'{said(goal)}'")
    for token in situation.tokens:
        if token not in things:
            yield _fault("tokens", "a thing", repr(token), did_you_mean(token, things))


def _step_faults(
    node: str, step: Step, action: Action, things: dict[str, Thing]
) -> Iterator[Fault]:
    for parameter in action.parameters:
        value = step.values.get(parameter.name)
        place = f"work of '{node}' {parameter.name}"
        if value is None:
            yield _fault(place, "a value", "none")
        elif parameter.kind and (value not in things or not things[value].is_a(parameter.kind)):
            yield _fault(place, f"a {parameter.kind}", repr(value), did_you_mean(value, things))


def _fault(path: str, expected: str, found: str, hint: str = "") -> Fault:
    return Fault(source="situation", path=path, expected=expected, found=found, hint=hint)
