"""Gateways and events of a drawing; conditions are free choices."""

from fabloop.process.verify.drawn.activities import catches
from fabloop.process.verify.drawn.drawing import Node, Scope
from fabloop.process.verify.drawn.plan import Plan, subsets


def add_gateway(plan: Plan, node: Node) -> None:
    """Add what a gateway does."""
    entries = plan.entries(node)
    outgoing = [plan.flow(flow) for flow in node.outgoing]
    match node.kind:
        case "exclusiveGateway":
            for entry in entries:
                for out in outgoing:
                    label = f"{node.id} to {plan.names[out]}"
                    plan.add((node,), {entry: 1}, {out: 1}, label=label)
                if not outgoing:
                    plan.add((node,), {entry: 1}, {})
        case "parallelGateway" if entries:
            plan.add((node,), dict.fromkeys(entries, 1), dict.fromkeys(outgoing, 1))
        case "inclusiveGateway":
            _inclusive(plan, node, entries)
        case "eventBasedGateway":
            _race(plan, node, entries)
        case _:
            pass


def _inclusive(plan: Plan, node: Node, entries: list[int]) -> None:
    """Join what can still come, then choose."""
    if len(entries) < 2:  # nothing to wait for
        for entry in entries:
            _choose(plan, node, {entry: 1})
        return
    passed = plan.passed(node)
    reach = {flow: _before(plan, flow, node) for flow in node.incoming}
    for flows in subsets(list(node.incoming), node.id):
        missing = [flow for flow in node.incoming if flow not in flows]
        come = {number for flow in flows for number in reach[flow]}
        barred = {number for flow in missing for number in reach[flow]} - come
        zero = {plan.flow(flow) for flow in missing}
        for number in barred:
            other = plan.drawing.nodes[number]
            zero |= plan.holds(other) | {plan.flow(flow) for flow in other.incoming}
        taken = {plan.flow(flow): 1 for flow in flows}
        plan.add((), taken, {passed: 1}, label=f"{node.id} joins", zero=frozenset(zero))
    _choose(plan, node, {passed: 1})


def _choose(plan: Plan, node: Node, pre: dict[int, int]) -> None:
    """Put any set of flows: what no condition guards is free to be chosen, too."""
    ways = subsets(list(node.outgoing), node.id) or [[]]
    for way in ways:
        put = {plan.flow(flow): 1 for flow in way}
        names = ", ".join(plan.drawing.flows[flow].id for flow in way)
        plan.add((node,), pre, put, label=f"{node.id} to {names}" if len(ways) > 1 else node.id)


def _before(plan: Plan, flow: int, gateway: Node) -> set[int]:
    """Return the nodes from which a token can come to a flow without passing the gateway."""
    seen: set[int] = set()
    todo = [plan.drawing.flows[flow].source]
    while todo:
        number = todo.pop()
        if number == gateway.number or number in seen:
            continue
        seen.add(number)
        node = plan.drawing.nodes[number]
        todo += [plan.drawing.flows[each].source for each in node.incoming]
        if node.host:
            todo += [each.number for each in plan.drawing.nodes if each.id == node.host]
    return seen


def _race(plan: Plan, node: Node, entries: list[int]) -> None:
    """Add an alternative per event that may happen; the first is passed."""
    for entry in entries:
        for flow in node.outgoing:
            event = plan.drawing.nodes[plan.drawing.flows[flow].target]
            if not plan.catches(event):
                plan.add((node,), {entry: 1}, {plan.flow(flow): 1})
                continue
            for taken in plan.occurs(event):
                for put in plan.leaves(event):
                    plan.add((node, event), {entry: 1, **taken}, put, label=event.id)


def add_event(plan: Plan, node: Node) -> None:
    """Add what an event within a flow, or at its end, does."""
    match node.kind:
        case "intermediateCatchEvent":
            for entry in plan.entries(node):
                for taken in plan.occurs(node):
                    for put in plan.leaves(node):
                        plan.add((node,), {entry: 1, **taken}, put)
        case "intermediateThrowEvent" if plan.links(node):
            _link(plan, node)
        case "intermediateThrowEvent" | "endEvent":
            _throw(plan, node)
        case _:
            pass


def _link(plan: Plan, node: Node) -> None:
    """A token goes on behind the events of the same link."""
    for entry in plan.entries(node):
        for other in plan.drawing.nodes:
            same = other.kind == "intermediateCatchEvent" and other.trigger == node.trigger
            if same and other.scope == node.scope:
                for put in plan.leaves(other):
                    plan.add((node, other), {entry: 1}, put)


def _throw(plan: Plan, node: Node) -> None:
    ended = {plan.end(node): 1} if node.kind == "endEvent" else {}
    ways = plan.leaves(node)
    scope = plan.drawing.scopes[node.scope]
    for entry in plan.entries(node):
        if node.trigger.kind in ("error", "escalation", "cancel") and _caught(plan, node, entry):
            continue
        for put in ways:
            clears = frozenset[int]()
            if node.trigger.kind == "terminate":
                clears = plan.content(scope)
            elif node.trigger.kind in ("error", "cancel"):
                clears = plan.content(_outermost(plan, node))
            plan.add((node,), {entry: 1}, {**put, **ended}, clears=clears)


def _outermost(plan: Plan, node: Node) -> Scope:
    """Return the process of a node."""
    scope = plan.drawing.scopes[node.scope]
    while scope.owner >= 0:
        scope = plan.drawing.scopes[plan.drawing.nodes[scope.owner].scope]
    return scope


def _caught(plan: Plan, node: Node, entry: int) -> bool:
    """Add what the nearest event that catches it does; tell whether there is one."""
    scope = plan.drawing.scopes[node.scope]
    while scope.owner >= 0:
        host = plan.drawing.nodes[scope.owner]
        for event in plan.boundary.get(host.id, []):
            if not catches(event, node):
                continue
            for put in plan.leaves(event):
                if event.interrupting:
                    pre = {entry: 1, plan.busy(host): 1}
                    plan.add((node, event), pre, put, clears=plan.inside(host))
                else:
                    on = {plan.end(node): 1} if node.kind == "endEvent" else plan.leaves(node)[0]
                    plan.add((node, event), {entry: 1}, {**on, **put})
            return True
        scope = plan.drawing.scopes[host.scope]
    return False
