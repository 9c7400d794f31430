"""A compiled process with its pages as one flat net.

Data conditions are free choices. What the outside may do (send a message, let a timer run out,
answer a job with an error) is set by an `Environment`. An activity that cannot be interrupted
is one transition; any other begins and ends. A called process ends, or throws an error: it is
verified by itself. A page comes to rest before it completes, and an interrupted firing gives back
the shared tokens that it took, as the kernel does.
"""

from enum import StrEnum

import msgspec

from fabloop.process.definition import (
    NOWHERE,
    AwaitMessage,
    AwaitTimer,
    BoundaryError,
    BoundaryEscalation,
    BoundaryTimer,
    Call,
    Definition,
    End,
    Enter,
    ErrorEnd,
    Escalate,
    EventBased,
    Exclusive,
    Inclusive,
    Job,
    Node,
    Parallel,
    Person,
    Scope,
    ScopeKind,
    Script,
    Start,
    Terminate,
)
from fabloop.process.verify.flat import (
    Bound,
    BoundKind,
    Final,
    FlatNet,
    FlatTransition,
    Limits,
    Refund,
)
from fabloop.process.verify.inclusive import choices_of, label_of, takes_of
from fabloop.process.verify.page_ends import ends_empty
from fabloop.process.verify.thrower import NOBODY, Thrower
from fabloop.process.verify.unfold import Page, Unfolding, entry_token


class Openness(StrEnum):
    """Whether the outside may do something at any time, or never does."""

    OPEN = "open"
    CLOSED = "closed"


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What is assumed of the outside; part of every report."""

    messages: Openness = Openness.OPEN
    timers: Openness = Openness.OPEN
    errors: Openness = Openness.OPEN


def flat_process(definition: Definition, environment: Environment, limits: Limits) -> FlatNet:
    """Return the flat net of a process; raises Exceeded when it is too large to unfold."""
    return _Process(definition, environment, limits).build()


class _Process:
    def __init__(self, definition: Definition, environment: Environment, limits: Limits) -> None:
        self.definition = definition
        self.environment = environment
        self.net = Unfolding(limits)
        self.pages: dict[int, Page] = {}
        self.bounds: list[Bound] = []
        self.elements: dict[str, None] = {}

    def build(self) -> FlatNet:
        definition, net = self.definition, self.net
        for scope in definition.scopes:
            if scope.kind is ScopeKind.PAGE:
                self._open_page(scope)
        net.close()
        for node in definition.nodes:
            self._node(node)
        root = definition.scopes[0]
        net.initial.update(self._start_of(root))
        resources: dict[int, int] = {}
        for page in self.pages.values():
            for field in net.known_fields(page, page.shared):
                resources[field] = net.initial.get(field, 0)
        final = Final(empty=self._control(root) | set(net.faulty), equal=resources)
        return FlatNet(
            fields=tuple(net.names),
            initial=tuple(net.initial.get(number, 0) for number in range(len(net.names))),
            transitions=tuple(net.transitions),
            bounds=(*self.bounds, *net.capacities()),
            final=final,
            elements=tuple(self.elements),
        )

    # -- fields -------------------------------------------------------------------------------

    def _bounded(self, key: tuple[str, int], name: str, of: str, kind: BoundKind) -> int:
        """Return a field that holds at most one token in a sound process."""
        known = len(self.net.names)
        field = self.net.field(key, name)
        if field == known:
            self.bounds.append(Bound(name=of, kind=kind, fields=(field,), most=1))
        return field

    def _flow(self, number: int) -> int:
        flow = self.definition.flows[number]
        return self._bounded(("flow", number), flow.id, flow.id, BoundKind.SAFE)

    def _end(self, node: Node) -> int:
        return self._bounded(("end", node.number), f"{node.id} reached", node.id, BoundKind.END)

    def _busy(self, node: Node) -> int:
        """An activity entered twice at once is as unsafe as a flow with two tokens."""
        name = f"{node.id} in progress"
        return self._bounded(("busy", node.number), name, node.id, BoundKind.SAFE)

    def _armed(self, number: int) -> int:
        return self.net.field(("armed", number), f"{self.definition.nodes[number].id} armed")

    def _uncaught(self, node: Node) -> int:
        return self.net.field(("uncaught", node.number), f"{node.id} not caught")

    def _outgoing(self, node: Node) -> dict[int, int]:
        return {self._flow(flow): 1 for flow in node.outgoing}

    def _start_of(self, scope: Scope) -> dict[int, int]:
        """Return what entering a scope puts."""
        if scope.kind is not ScopeKind.PAGE:
            return self._outgoing(self.definition.nodes[scope.start])
        page = self.pages[scope.number]
        assert scope.net is not None
        token = entry_token(scope.net.places[scope.entry].colour)
        put = dict(self.net.initial_fields(page, shared=False))
        put[self.net.token_field(page, scope.entry, token)] = 1
        return put

    def _content(self, scope: Scope) -> frozenset[int]:
        """Return every field of a scope and the scopes inside: what interrupting it clears."""
        if scope.kind is ScopeKind.PAGE:
            return frozenset(self.pages[scope.number].local)
        fields = set(self._control(scope))
        for number in scope.nodes:
            node = self.definition.nodes[number]
            if self._ends(node):
                fields.add(self._end(node))
            fields.update(self._armed(each) for each in self._patient_timers(node))
            if isinstance(node.action, Enter):
                fields |= self._content(self.definition.scopes[node.action.scope])
        return frozenset(fields)

    def _control(self, scope: Scope) -> frozenset[int]:
        """Return the fields of which one holds a token as long as the scope is active."""
        fields = {self._flow(flow) for flow in scope.flows}
        for number in scope.nodes:
            node = self.definition.nodes[number]
            if self._split(node):
                fields.add(self._busy(node))
            if isinstance(node.action, ErrorEnd):
                fields.add(self._uncaught(node))
            if isinstance(node.action, Inclusive):
                fields.add(self._passed(node))
        return frozenset(fields)

    def _refunds(self, scope: Scope) -> tuple[Refund, ...]:
        refunds: list[Refund] = []
        if scope.kind is ScopeKind.PAGE:
            for firing, taken in self.pages[scope.number].firing.items():
                refunds += [Refund(firing, field, count) for field, count in taken.items()]
        for number in scope.nodes:
            action = self.definition.nodes[number].action
            if isinstance(action, Enter):
                refunds += self._refunds(self.definition.scopes[action.scope])
        return tuple(refunds)

    def _patient_timers(self, node: Node) -> list[int]:
        """Return the timers at an activity that do not interrupt it: each fires once."""
        actions = ((number, self.definition.nodes[number].action) for number in node.timers)
        return [n for n, a in actions if isinstance(a, BoundaryTimer) and not a.interrupting]

    def _split(self, node: Node) -> bool:
        return isinstance(node.action, Enter) or bool(node.boundary)

    # -- nodes --------------------------------------------------------------------------------

    def _add(self, label: str, element: str, pre: dict[int, int], post: dict[int, int]) -> None:
        elements = (element,) if element else ()
        self.net.add(FlatTransition(label=label, elements=elements, pre=pre, post=post))

    def _node(self, node: Node) -> None:
        """Add what a node does; it is expected to happen unless the environment forbids it."""
        expected = True
        match node.action:
            case Start():
                expected = False
            case Inclusive():
                self._inclusive(node, node.action)
            case EventBased():
                expected = self._race(node, node.action)
            case AwaitTimer() | AwaitMessage():
                expected = self._await(node, self._openness(node))
            case BoundaryTimer():
                expected = self._boundary_timer(node, node.action)
            case BoundaryError():
                expected = self._boundary_error(node, node.action)
            case BoundaryEscalation():
                pass
            case Escalate():
                self._escalate(node, node.action)
            case Parallel() | Exclusive() | End() | ErrorEnd() | Terminate():
                self._routing(node)
            case Job() | Person() | Script() | Enter() | Call():
                self._activity(node)
        if expected:
            self.elements[node.id] = None

    def _routing(self, node: Node) -> None:
        taken = {self._flow(flow): 1 for flow in node.incoming}
        match node.action:
            case Parallel() if taken:
                self._add(node.id, node.id, taken, self._outgoing(node))
            case Exclusive():
                for flow in taken:
                    for out in node.outgoing:
                        label = f"{node.id} to {self.definition.flows[out].id}"
                        self._add(label, node.id, {flow: 1}, {self._flow(out): 1})
            case End():
                for flow in taken:
                    self._add(node.id, node.id, {flow: 1}, {self._end(node): 1})
            case ErrorEnd():
                self._error_end(node, node.action)
            case Terminate():
                self._terminate(node)
            case _:
                pass

    def _passed(self, node: Node) -> int:
        return self.net.field(("passed", node.number), f"{node.id} passed")

    def _inclusive(self, node: Node, gateway: Inclusive) -> None:
        """Add its cases; one that both waits and chooses does so one after the other."""
        choices = list(choices_of(self.definition, node, gateway)) or [()]
        apart = len(choices) > 1 and node.joins
        for take in takes_of(self.definition, node):
            taken = {self._flow(flow): 1 for flow in take.flows}
            zero = {self._flow(flow) for flow in take.empty}
            for number in take.nodes:
                zero |= self._held(self.definition.nodes[number])
            for chosen in [None] if apart else choices:
                put = {self._flow(flow): 1 for flow in chosen or ()}
                self.net.add(
                    FlatTransition(
                        label=label_of(self.definition, node, chosen),
                        elements=() if apart else (node.id,), pre=taken, zero=frozenset(zero),
                        post={self._passed(node): 1} if apart else put,
                    )
                )  # fmt: skip
        for chosen in choices if apart else ():
            put = {self._flow(flow): 1 for flow in chosen}
            self._add(
                label_of(self.definition, node, chosen), node.id, {self._passed(node): 1}, put
            )

    def _held(self, node: Node) -> set[int]:
        """Return the fields that tell of a token at a node."""
        fields = {self._flow(flow) for flow in node.incoming}
        if self._split(node):
            fields.add(self._busy(node))
        if isinstance(node.action, Inclusive):
            fields.add(self._passed(node))
        return fields

    def _ends(self, node: Node) -> bool:
        return isinstance(node.action, End | Terminate | Escalate) and not node.outgoing

    def _escalate(self, node: Node, told: Escalate) -> None:
        scope = self.definition.scopes[node.scope]
        on = self._outgoing(node) or {self._end(node): 1}
        while scope.owner != NOWHERE:
            host = self.definition.nodes[scope.owner]
            scope = self.definition.scopes[scope.parent]
            number = host.escalations.get(told.code, host.escalations.get("", NOWHERE))
            if number == NOWHERE:
                continue
            event = self.definition.nodes[number]
            assert isinstance(event.action, BoundaryEscalation)
            for flow in node.incoming:
                if event.action.interrupting:
                    thrown = Thrower(fields=(self._flow(flow),), elements=(node.id,))
                    self._interrupted(host, event, thrown)
                    continue
                self.net.add(
                    FlatTransition(
                        label=f"{node.id}, {event.id}", elements=(node.id, event.id),
                        pre={self._flow(flow): 1}, post={**on, **self._outgoing(event)},
                    )
                )  # fmt: skip
            return
        for flow in node.incoming:
            self._add(node.id, node.id, {self._flow(flow): 1}, on)

    def _terminate(self, node: Node) -> None:
        scope = self.definition.scopes[node.scope]
        for flow in node.incoming:
            self.net.add(
                FlatTransition(
                    label=node.id, elements=(node.id,), pre={self._flow(flow): 1},
                    post={self._end(node): 1}, clears=self._content(scope),
                    refunds=self._refunds(scope),
                )
            )  # fmt: skip

    def _openness(self, event: Node) -> Openness:
        timed = isinstance(event.action, AwaitTimer)
        return self.environment.timers if timed else self.environment.messages

    def _race(self, node: Node, gateway: EventBased) -> bool:
        """Add an alternative per event that the outside may let happen."""
        events = [self.definition.nodes[number] for number in gateway.events]
        possible = [event for event in events if self._openness(event) is Openness.OPEN]
        for flow in node.incoming:
            for event in possible:
                self.net.add(
                    FlatTransition(
                        label=event.id, elements=(node.id, event.id),
                        pre={self._flow(flow): 1}, post=self._outgoing(event),
                    )
                )  # fmt: skip
        return bool(possible)

    def _await(self, node: Node, outside: Openness) -> bool:
        if outside is Openness.CLOSED:
            return False
        before = self.definition.nodes[self.definition.flows[node.incoming[0]].source]
        if isinstance(before.action, EventBased):
            return True
        for flow in node.incoming:
            self._add(node.id, node.id, {self._flow(flow): 1}, self._outgoing(node))
        return True

    def _activity(self, node: Node) -> None:
        if not self._split(node):
            for flow in node.incoming:
                self._add(node.id, node.id, {self._flow(flow): 1}, self._outgoing(node))
            return
        inside = (
            self.definition.scopes[node.action.scope] if isinstance(node.action, Enter) else None
        )
        begun = {self._busy(node): 1, **{self._armed(n): 1 for n in self._patient_timers(node)}}
        if inside is not None:
            begun |= self._start_of(inside)
        for flow in node.incoming:
            self._add(f"{node.id} begins", "", {self._flow(flow): 1}, begun)
        armed = frozenset(self._armed(each) for each in self._patient_timers(node))
        end = FlatTransition(
            label=node.id, elements=(node.id,), pre={self._busy(node): 1},
            post=self._outgoing(node), clears=armed,
        )  # fmt: skip
        if inside is None:
            self.net.add(end)
        elif inside.kind is ScopeKind.PAGE:
            self._page_ends(inside, end)
        else:
            ends = {
                self._end(self.definition.nodes[number])
                for number in inside.nodes
                if self._ends(self.definition.nodes[number])
            }
            self.net.add(
                msgspec.structs.replace(end, zero=self._control(inside), clears=armed | ends)
            )

    def _interrupted(self, host: Node, event: Node, thrower: Thrower = NOBODY) -> None:
        """Add the transition that ends `host` early and continues behind `event`."""
        clears = {self._armed(each) for each in self._patient_timers(host)}
        refunds: tuple[Refund, ...] = ()
        if isinstance(host.action, Enter):
            inside = self.definition.scopes[host.action.scope]
            clears |= self._content(inside)
            refunds = self._refunds(inside)
        self.net.add(
            FlatTransition(
                label=", ".join((*thrower.elements, event.id)),
                elements=(*thrower.elements, event.id),
                pre={self._busy(host): 1, **dict.fromkeys(thrower.fields, 1)},
                post={**self._outgoing(event), **thrower.back},
                clears=frozenset(clears), refunds=refunds,
            )
        )  # fmt: skip

    def _boundary_timer(self, node: Node, timer: BoundaryTimer) -> bool:
        host = self.definition.nodes[timer.host]
        if self.environment.timers is Openness.CLOSED:
            return False
        if timer.interrupting:
            self._interrupted(host, node)
            return True
        busy, armed = self._busy(host), self._armed(node.number)
        self._add(node.id, node.id, {busy: 1, armed: 1}, {busy: 1, **self._outgoing(node)})
        return True

    def _boundary_error(self, node: Node, error: BoundaryError) -> bool:
        """Add what a job's error does; tell whether the event can be expected to happen."""
        host = self.definition.nodes[error.host]
        throwers = [NOBODY]
        if isinstance(host.action, Enter):
            throwers = self._throwers(self.definition.scopes[host.action.scope], error.code)
        for thrower in throwers if self.environment.errors is Openness.OPEN else ():
            self._interrupted(host, node, thrower)
        return not throwers or self.environment.errors is Openness.OPEN

    def _throwers(self, scope: Scope, code: str) -> list[Thrower]:
        """Return the work in progress whose errors of this code (empty: any) leave the scope."""
        if scope.kind is ScopeKind.PAGE:
            firing = self.pages[scope.number].firing.items()
            return [Thrower(fields=(field,), back=taken) for field, taken in firing]
        throwers: list[Thrower] = []
        for number in scope.nodes:
            node = self.definition.nodes[number]
            if "" in node.catches or (code and code in node.catches):
                continue
            if isinstance(node.action, Enter):
                throwers += self._throwers(self.definition.scopes[node.action.scope], code)
            elif isinstance(node.action, Job | Person | Call):
                flows = [self._flow(flow) for flow in node.incoming]
                fields = [self._busy(node)] if self._split(node) else flows
                throwers += [Thrower(fields=(field,)) for field in fields]
        return throwers

    def _error_end(self, node: Node, error: ErrorEnd) -> None:
        scope = self.definition.scopes[node.scope]
        while scope.owner != NOWHERE:
            host = self.definition.nodes[scope.owner]
            caught = host.catches.get(error.code, host.catches.get("", NOWHERE))
            if caught != NOWHERE:
                event = self.definition.nodes[caught]
                for flow in node.incoming:
                    thrown = Thrower(fields=(self._flow(flow),), elements=(node.id,))
                    self._interrupted(host, event, thrown)
                return
            scope = self.definition.scopes[scope.parent]
        for flow in node.incoming:
            self._add(f"{node.id} (nobody catches it)", node.id, {self._flow(flow): 1},
                      {self._uncaught(node): 1})  # fmt: skip

    # -- pages --------------------------------------------------------------------------------

    def _open_page(self, scope: Scope) -> None:
        assert scope.net is not None, "a page has a net"
        owner = self.definition.nodes[scope.owner]
        keys = [
            ("shared", shared) if shared != NOWHERE else ("page", scope.number, place)
            for place, shared in enumerate(scope.fusion)
        ]
        shared = frozenset(n for n, shared in enumerate(scope.fusion) if shared != NOWHERE)
        known = set(self.net.known)
        page = self.net.page(scope.net, f"{owner.id}/", keys, shared)
        self.pages[scope.number] = page
        for number in sorted(shared):
            if keys[number] not in known:
                for value, _ in scope.net.places[number].initial:
                    self.net.initial[self.net.token_field(page, number, value)] += 1
                self.net.known.setdefault(keys[number], {})
        self._start_of(scope)
        for transition in scope.net.transitions:
            self.elements[f"{owner.id}/{transition.name}"] = None

    def _page_ends(self, scope: Scope, end: FlatTransition) -> None:
        """Add the completion of a page, one per value that may stand on its exit."""
        page = self.pages[scope.number]
        before = self.net.initial_fields(page, shared=False)
        exits = self.net.known_fields(page, frozenset({scope.exit}))
        alone = not before and (page.single or ends_empty(self.net, page, scope, frozenset(exits)))
        kept = sorted(set(page.local) - set(page.firing) - set(exits))
        for field in exits:
            done = msgspec.structs.replace(end, pre={**end.pre, field: 1})
            if not alone:
                done = msgspec.structs.replace(
                    done,
                    zero=frozenset(page.firing),
                    clears=done.clears | set(page.local),
                    yields=frozenset(page.transitions),
                    leftover=tuple((each, before.get(each, 0)) for each in [*kept, *exits]),
                )
            self.net.add(done)
