"""A drawing as one flat net: all pools together, with messages between them.

A task is a transition, whatever it is to do; data conditions are free choices. A process with
several start events begins at one of them. What no pool of the drawing sends is up to the
`Environment`; time passes unless it says otherwise.
"""

from fabloop.process.verify.drawn.activities import add_activity, scope_starts
from fabloop.process.verify.drawn.drawing import ACTIVITIES, Drawing, Scope
from fabloop.process.verify.drawn.plan import Plan
from fabloop.process.verify.drawn.routing import add_event, add_gateway
from fabloop.process.verify.environment import Environment
from fabloop.process.verify.flat import Final, FlatNet, Limits

EVENTS = frozenset({"intermediateCatchEvent", "intermediateThrowEvent", "endEvent"})


def not_verified_drawn(drawing: Drawing) -> list[str]:
    """Return, by element, what no mapping exists for."""
    thrown = {
        each
        for node in drawing.nodes
        if node.kind in ("intermediateThrowEvent", "endEvent")
        for each in node.triggers
        if each.kind == "signal"
    }
    found = []
    for node in drawing.nodes:
        if node.kind == "complexGateway":
            found.append(f"element '{node.id}', line {node.line} (complexGateway)")
        caught = node.kind not in ("intermediateThrowEvent", "endEvent")
        if caught and node.triggers and node.trigger in thrown:
            found.append(f"element '{node.id}', line {node.line} (a signal thrown in the drawing)")
    return found


def flat_drawing(drawing: Drawing, environment: Environment, limits: Limits) -> FlatNet:
    """Return the flat net of all processes of a drawing; raises Exceeded."""
    plan = Plan(drawing, environment, limits)
    initial: dict[int, int] = {}
    empty: set[int] = set()
    for scope in drawing.scopes:
        if scope.owner < 0:
            initial |= _process(plan, scope)
            empty |= plan.control(scope)
            empty |= {f for f in initial if plan.names[f].endswith(" may start")}
    for node in drawing.nodes:
        if node.kind in ACTIVITIES:
            add_activity(plan, node)
        elif node.kind in EVENTS:
            add_event(plan, node)
        else:
            add_gateway(plan, node)
    return FlatNet(
        fields=tuple(plan.names),
        initial=tuple(initial.get(field, 0) for field in range(len(plan.names))),
        transitions=tuple(plan.transitions),
        bounds=tuple(plan.bounds),
        final=Final(empty=frozenset(empty)),
        elements=tuple(
            node.id
            for node in drawing.nodes
            if node.kind in ACTIVITIES and not (node.handles or node.compensates)
        ),
        places=tuple(plan.places),
    )


def _process(plan: Plan, scope: Scope) -> dict[int, int]:
    """Return what a process holds at first; starts that wait for a message are transitions."""
    starts = [node for node in plan.nodes_of(scope) if node.kind == "startEvent"]
    waiting = [node for node in starts if any(plan.occurs(node))]
    for node in waiting:
        for taken in plan.occurs(node):
            for put in plan.leaves(node) if taken else ():
                plan.add((node,), taken, put)
    free = [node for node in starts if {} in plan.occurs(node)]
    armed = {plan.armed(each): 1 for each in plan.handlers(scope)}
    if not starts:
        (begun,) = scope_starts(plan, scope)
        return begun
    if not free:
        return armed
    if len(free) == 1 and len(plan.leaves(free[0])) == 1:
        return {**armed, **plan.leaves(free[0])[0]}
    begin = plan.field("begin", scope.number, f"{scope.id} may start")
    for node in free:
        for put in plan.leaves(node):
            plan.add((node,), {begin: 1}, put)
    return {**armed, begin: 1}
