"""How soon an event can be by the model of its process: bounds that no history beats, estimates."""

from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush

import msgspec

from fabloop.adapt.goals.risk import Remaining
from fabloop.base.names import did_you_mean
from fabloop.model.goal import EventDefinition, GoalSet, Source
from fabloop.process.definition import (
    NOWHERE,
    Again,
    Await,
    Boundary,
    Definition,
    End,
    Enter,
    ErrorEnd,
    EventBased,
    Job,
    Jump,
    Node,
    Parallel,
    Rounds,
    ScopeKind,
    Terminate,
)
from fabloop.process.trigger import OnTimer, SpanKind

NODES_MAX = 20_000
"""Nodes of a process whose ways are looked at; of larger ones nothing is said."""

NODES_TRIED_MAX = 400
"""Nodes of a process that are tried out for whether an event can do without them."""

Durations = Mapping[str, Remaining]
"""How long nodes take, by id or job type; least, likely and most."""

NOTHING = Remaining(least_ns=0, likely_ns=0, most_ns=0)

Vertex = tuple[int, bool]
"""A node by number, and whether it is left (else entered)."""


class Least(msgspec.Struct, frozen=True, kw_only=True):
    """The least time from the start of a process to an event, along which nodes that take time."""

    least_ns: int
    process: str
    path: tuple[str, ...]


class Earliest(msgspec.Struct, kw_only=True):
    """What models say of events: the least time from the start, and which nodes there are.

    Attributes
    ----------
    least : per event, from the start of the process that it happens in
    begins : events that are the start of a process, and of which
    nodes : per process, its nodes; of other processes nothing is known
    """

    least: dict[str, Least] = {}
    begins: dict[str, str] = {}
    nodes: dict[str, tuple[str, ...]] = {}

    def between(self, begun: str, event: str) -> Least | None:
        """Return the least time from the start of a process to an event in it; None if unknown."""
        found = self.least.get(event)
        return found if found is not None and self.begins.get(begun) == found.process else None

    def missing(self, event: EventDefinition) -> str | None:
        """Return the near names of a node that no model has; None where nothing is missing."""
        if not self.nodes or event.source is Source.FACT:
            return None
        if event.process and event.process not in self.nodes:
            return None
        known = [event.process] if event.process else list(self.nodes)
        names = [each for process in known for each in self.nodes[process]]
        if not event.node or event.node in names:
            return None
        return did_you_mean(event.node, names)


class Ways:
    """The ways through a process as a graph: entering and leaving each node, with what it takes.

    Every way that a token may take is in it, and more: what may begin at any time is reached from
    everywhere. So the shortest way is never longer than any history.
    """

    def __init__(self, definition: Definition, durations: Durations) -> None:
        self.definition = definition
        self.durations = durations
        self.back: dict[Vertex, list[tuple[Vertex, Remaining]]] = {}
        self.joins = {
            (node.number, False): len(node.incoming)
            for node in definition.nodes
            if node.joins and isinstance(node.action, Parallel)
        }
        for node in definition.nodes:
            for target, span in self._from(node):
                self.back.setdefault(target, []).append(((node.number, False), span))
            for flow in node.outgoing:
                self._lead((node.number, True), (definition.flows[flow].target, False))
            if isinstance(node.action, Jump):
                self._lead((node.number, True), (node.action.target, False))
        self._lead_anywhere()

    def takes(self, node: Node) -> Remaining:
        """Return how long a node is in progress by itself."""
        for name in (node.id, node.action.type if isinstance(node.action, Job) else ""):
            if name in self.durations:
                return self.durations[name]
        match node.action:
            case Await(trigger=OnTimer(due=due)) if due.kind is SpanKind.DURATION:
                fixed = due.duration_ns or 0
                return Remaining(least_ns=fixed, likely_ns=fixed, most_ns=fixed)
            case _:
                return NOTHING

    def _from(self, node: Node) -> Iterator[tuple[Vertex, Remaining]]:
        """Yield where one gets from entering a node: mostly to leaving it."""
        match node.action:
            case Enter(scope=scope):
                yield from self._into(node, scope)
            case Rounds(scope=scope) | Again(scope=scope):
                yield from self._into(node, scope)
                yield (node.number, True), NOTHING
            case EventBased(events=events):
                for each in events:
                    yield (each, False), NOTHING
            case _:
                yield (node.number, True), self.takes(node)
        for each in node.boundary:
            yield (each, False), self._until(self.definition.nodes[each])

    def _into(self, node: Node, number: int) -> Iterator[tuple[Vertex, Remaining]]:
        scope = self.definition.scopes[number]
        if scope.start == NOWHERE or scope.kind is ScopeKind.AD_HOC:
            yield (node.number, True), self.takes(node)
        if scope.start != NOWHERE:
            yield (scope.start, False), NOTHING
        for each in scope.nodes:
            inner = self.definition.nodes[each]
            if scope.start == NOWHERE:
                yield (each, False), NOTHING
            if not inner.outgoing or isinstance(inner.action, End | Terminate | ErrorEnd):
                self._lead((each, True), (node.number, True))

    def _until(self, boundary: Node) -> Remaining:
        match boundary.action:
            case Boundary(trigger=OnTimer(due=due)) if due.kind is SpanKind.DURATION:
                fixed = due.duration_ns or 0
                return Remaining(least_ns=fixed, likely_ns=fixed, most_ns=fixed)
            case _:
                return NOTHING

    def _lead(self, source: Vertex, target: Vertex) -> None:
        self.back.setdefault(target, []).append((source, NOTHING))

    def _lead_anywhere(self) -> None:
        """Let what nothing leads to, but for the starts, be reached from everywhere."""
        starts = {*self.definition.scopes[0].starts, self.definition.scopes[0].start}
        loose = [
            node.number
            for node in self.definition.nodes
            if node.number not in starts and (node.number, False) not in self.back
        ]
        for number in loose:
            own = self.back.setdefault((number, False), [])
            own += [((each.number, False), NOTHING) for each in self.definition.nodes]

    # -- asking -------------------------------------------------------------------------------

    def to(self, target: Vertex, kind: str) -> dict[Vertex, int]:
        """Return the shortest times to a place from everywhere; joins wait for nobody."""
        found: dict[Vertex, int] = {}
        heap: list[tuple[int, Vertex]] = [(0, target)]
        while heap:
            span, vertex = heappop(heap)
            if vertex in found:
                continue
            found[vertex] = span
            for source, takes in self.back.get(vertex, ()):
                if source not in found:
                    heappush(heap, (span + int(getattr(takes, kind)), source))
        return found

    def since(
        self, starts: Iterable[int], without: int = NOWHERE
    ) -> tuple[dict[Vertex, int], dict[Vertex, Vertex]]:
        """Return the least times from starts to everywhere, and the place before on the way.

        A parallel join waits for the last of its flows. A node `without` is never left.
        """
        ahead: dict[Vertex, list[tuple[Vertex, int]]] = {}
        for target, sources in self.back.items():
            for source, takes in sources:
                ahead.setdefault(source, []).append((target, takes.least_ns))
        missing, came = dict(self.joins), dict[Vertex, Vertex]()
        found: dict[Vertex, int] = {}
        heap = [(0, (each, False), (each, False)) for each in starts if each != NOWHERE]
        while heap:
            span, vertex, before = heappop(heap)
            if vertex in found or vertex == (without, True):
                continue
            if missing.get(vertex, 0) > 1:  # the last flow is the one that it waits for
                missing[vertex] -= 1
                continue
            found[vertex], came[vertex] = span, before
            for target, least in ahead.get(vertex, ()):
                if target not in found:
                    heappush(heap, (span + least, target, vertex))
        return found, came


def place_of(event: EventDefinition, definition: Definition) -> list[Vertex]:
    """Return where in a process an event happens; more than one for its end."""
    if event.process not in ("", definition.id):
        return []
    if event.node:
        number = definition.number_of.get(event.node)
        if number is None or event.source not in (Source.START, Source.COMPLETION):
            return []
        return [(number, event.source is Source.COMPLETION)]
    if event.source is Source.COMPLETION and event.process == definition.id:
        nodes = (definition.nodes[each] for each in definition.scopes[0].nodes)
        ends = [each for each in nodes if isinstance(each.action, End | Terminate)]
        return [(each.number, True) for each in ends]
    return []


def remaining_in(
    definition: Definition, goals: GoalSet, durations: Durations
) -> dict[str, dict[str, Remaining]]:
    """Return, per event of goals, how long it takes from each mark of the process.

    A node that takes no time by the model is passed in none, whatever it really takes.
    """
    if len(definition.nodes) > NODES_MAX:
        return {}
    ways = Ways(definition, durations)
    found: dict[str, dict[str, Remaining]] = {}
    for name, event in goals.events.items():
        places = place_of(event, definition)
        if not places:
            continue
        spans = {
            kind: _nearest([ways.to(place, kind) for place in places])
            for kind in ("least_ns", "likely_ns", "most_ns")
        }
        needed = _indispensable(ways, places)
        found[name] = {
            (node.id if left else f">{node.id}"): Remaining(
                least_ns=spans["least_ns"][node.number, left],
                likely_ns=spans["likely_ns"][node.number, left],
                most_ns=spans["most_ns"][node.number, left],
                indispensable=not left and node.number in needed,
            )
            for node in definition.nodes
            for left in (False, True)
            if (node.number, left) in spans["least_ns"]
        }
    return found


def _indispensable(ways: Ways, places: list[Vertex]) -> frozenset[int]:
    """Return the nodes without which no way leads to any of these places."""
    definition = ways.definition
    if len(definition.nodes) > NODES_TRIED_MAX:
        return frozenset()
    starts = [*definition.scopes[0].starts, definition.scopes[0].start]
    return frozenset(
        node.number
        for node in definition.nodes
        if ways.takes(node).least_ns
        and ways.since(starts, without=node.number)[0].keys().isdisjoint(places)
    )


def _nearest(all_found: list[dict[Vertex, int]]) -> dict[Vertex, int]:
    nearest: dict[Vertex, int] = {}
    for found in all_found:
        for vertex, span in found.items():
            nearest[vertex] = min(span, nearest.get(vertex, span))
    return nearest


def earliest_in(definitions: list[Definition], goals: GoalSet, durations: Durations) -> Earliest:
    """Return how soon events can be after the start of their process, by models."""
    known = Earliest()
    for definition in definitions:
        if len(definition.nodes) > NODES_MAX:
            continue
        known.nodes[definition.id] = tuple(each.id for each in definition.nodes)
        ways = Ways(definition, durations)
        starts = [*definition.scopes[0].starts, definition.scopes[0].start]
        found, came = ways.since(starts)
        for name, event in goals.events.items():
            if (
                event.source is Source.START
                and not event.node
                and (event.process in ("", definition.id))
            ):
                known.begins[name] = definition.id
            for place in place_of(event, definition):
                least = _least(ways, place, found, came)
                if least is not None and (
                    name not in known.least or least.least_ns < known.least[name].least_ns
                ):
                    known.least[name] = least
    return known


def _least(
    ways: Ways, place: Vertex, found: Mapping[Vertex, int], came: Mapping[Vertex, Vertex]
) -> Least | None:
    if place not in found:
        return None
    path: list[str] = []
    at = place
    while came[at] != at:
        before = came[at]
        if found[at] > found[before]:
            path.append(ways.definition.nodes[before[0]].id)
        at = before
    return Least(least_ns=found[place], process=ways.definition.id, path=tuple(reversed(path)))
