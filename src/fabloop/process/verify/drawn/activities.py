"""Activities of a drawing, what is attached to them, and event sub-processes."""

from fabloop.process.verify.drawn.drawing import Node, Scope
from fabloop.process.verify.drawn.plan import Plan


def add_activity(plan: Plan, node: Node) -> None:
    """Add what an activity does: at once, or from its begin to its end."""
    if node.handles:
        _handler(plan, node)
        return
    waits = plan.occurs(node) if plan.receives(node) else [{}]
    if not plan.splits(node):
        for entry in plan.entries(node):
            for taken in waits:
                for put in plan.leaves(node):
                    plan.add((node,), {entry: 1, **taken}, put)
        return
    busy = plan.busy(node)
    begun = dict.fromkeys((busy, *plan.timers(node)), 1)
    for entry in plan.entries(node):
        for start in starts_of(plan, node):
            plan.add((node,), {entry: 1}, {**begun, **start}, label=f"{node.id} begins")
    inner = plan.drawing.scopes[node.inner] if node.inner >= 0 else None
    zero = plan.control(inner) if inner else frozenset()
    clears = frozenset(plan.timers(node)) | (plan.left(inner) if inner else frozenset())
    for taken in waits:
        for put in plan.leaves(node):
            plan.add((node,), {busy: 1, **taken}, put, zero=zero, clears=clears)
    for event in plan.boundary.get(node.id, []):
        _boundary(plan, node, event)


def starts_of(plan: Plan, node: Node) -> list[dict[int, int]]:
    """Return what entering a sub-process may put; one empty way for other activities."""
    if node.inner < 0:
        return [{}]
    return scope_starts(plan, plan.drawing.scopes[node.inner])


def scope_starts(plan: Plan, scope: Scope) -> list[dict[int, int]]:
    """Return what may start a scope: one of its start events, else all that nothing leads to."""
    armed = {plan.armed(each): 1 for each in plan.handlers(scope)}
    nodes = plan.nodes_of(scope)
    starts = [node for node in nodes if node.kind == "startEvent"]
    if starts:
        return [{**armed, **put} for start in starts for put in plan.leaves(start)]
    return [{**armed, **{plan.begun(node): 1 for node in nodes if plan.starts_itself(node)}}]


def _boundary(plan: Plan, host: Node, event: Node) -> None:
    thrown = ("error", "escalation", "cancel")
    if event.trigger.kind in thrown and host.inner >= 0 and _throws(plan, host, event):
        return  # its throw events add it
    busy, inside = plan.busy(host), plan.inside(host)
    for taken in plan.occurs(event):
        for put in plan.leaves(event):
            if event.interrupting:
                plan.add((event,), {busy: 1, **taken}, put, clears=inside)
            else:
                armed = plan.armed(event)
                plan.add((event,), {busy: 1, armed: 1, **taken}, {busy: 1, **put})


def _throws(plan: Plan, host: Node, event: Node) -> bool:
    """Tell whether anything inside an activity throws what an event at it catches."""
    todo = [plan.drawing.scopes[host.inner]]
    while todo:
        for node in plan.nodes_of(todo.pop()):
            thrown = node.kind in ("endEvent", "intermediateThrowEvent") and node.triggers
            if thrown and catches(event, node):
                return True
            if node.inner >= 0:
                todo.append(plan.drawing.scopes[node.inner])
    return False


def catches(event: Node, thrower: Node) -> bool:
    """Tell whether an event catches what is thrown; one that names nothing catches all."""
    caught, thrown = event.trigger, thrower.trigger
    return caught.kind == thrown.kind and (not caught.ref or caught.ref == thrown.ref)


def _handler(plan: Plan, node: Node) -> None:
    """Add an event sub-process: it starts while anything of its scope is in progress."""
    if node.inner < 0:
        return
    inner, scope = plan.drawing.scopes[node.inner], plan.drawing.scopes[node.scope]
    busy, armed = plan.busy(node), plan.armed(node)
    active = sorted(plan.control(scope) - {busy})
    for start in (each for each in plan.nodes_of(inner) if each.kind == "startEvent"):
        clears = plan.content(scope) if start.interrupting else frozenset()
        for field in active:
            stays = {} if start.interrupting else {field: 1}
            for taken in plan.occurs(start):
                for put in plan.leaves(start):
                    pre = {field: 1, armed: 1, **taken}
                    plan.add((start,), pre, {**stays, busy: 1, **put}, clears=clears)
    plan.add((node,), {busy: 1}, {}, zero=plan.control(inner), clears=plan.left(inner))
