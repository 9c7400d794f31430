"""Migration: an instance goes on by another definition, with everything that is in progress."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from fabloop.base.errors import Fault, Invalid, NotFound
from fabloop.process.acts import cancel, wake_pages
from fabloop.process.commands import InstanceMigrated, Migrate, MigratedTo
from fabloop.process.conditions import seen_at
from fabloop.process.cpn.bag import Bag
from fabloop.process.definition import (
    NOWHERE,
    Again,
    Await,
    Boundary,
    Definition,
    DefinitionKey,
    Enter,
    Flow,
    Listen,
    Node,
    Respond,
    Rounds,
    Scope,
    ScopeKind,
    SharedPlace,
)
from fabloop.process.deltas import Migrated, PageMap
from fabloop.process.evaluate import Stuck
from fabloop.process.event_deltas import EventDisarmed
from fabloop.process.kept import Completed
from fabloop.process.operate import instance_named, listen_as_opened, recheck_joins
from fabloop.process.state import Act, Frame, Instance, Phase, State
from fabloop.process.step import Step
from fabloop.process.trigger import OnCondition
from fabloop.process.walk import run
from fabloop.process.watch import Watch, arm, watched


class MigrationPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything in progress goes, by id; with a fault it cannot be carried out.

    Attributes
    ----------
    nodes : nodes of acts, timers and incidents: old id -> new id
    flows : flows on which tokens wait: old id -> new id
    carried : how many acts and waiting tokens move
    inherited : numbers of events of the target that an old one becomes; they are not armed anew,
        whether the old one is still armed or has happened
    """

    instance: int
    source: DefinitionKey
    target: DefinitionKey
    nodes: dict[str, str]
    flows: dict[str, str]
    carried: int
    faults: tuple[Fault, ...]
    inherited: frozenset[int]
    change: Migrated | None


def plan_migration(state: State, command: Migrate) -> MigrationPlan:
    """Return what a migration would do; every reason against it is a fault of the plan.

    Nodes map by the command's map, else by id, else by kind and name where that is unambiguous.
    What is to be restarted is not carried over, so it needs no counterpart.
    """
    instance = instance_named(state, command.instance)
    target = state.definitions.get(command.target)
    if target is None:
        raise NotFound(f"Expected a deployed definition {command.target}, but found none.")
    return _Planner(state, instance, target, command).plan()


def migrate(step: Step, command: Migrate) -> InstanceMigrated:
    """Migrate an instance; raises Invalid with every fault of the plan."""
    state = step.state
    instance = instance_named(state, command.instance)
    step.trigger(instance)
    left = _cancelled(step, instance, command.restart)
    plan = plan_migration(state, command)
    if plan.change is None:
        raise Invalid(plan.faults)
    entered = [(frame, _entered(state, plan, frame, node)) for frame, node in left]
    new = _new_watches(step, instance, plan)
    step.emit(plan.change)
    if instance.correlation and plan.target.id != plan.source.id:
        step.vacant[plan.source.id, instance.correlation] = None
    notice = MigratedTo(instance=instance.key, source=plan.source, target=plan.target)
    step.notices.append(notice)
    for act, watches in new.items():
        _disarm(step, state.acts[act], {each.node for each in watches})
        arm(step, act, watches)
    step.agenda.extend((frame, node, {}) for frame, node in entered)
    for key in tuple(instance.frames):
        if key in state.frames:
            listen_as_opened(step, state.frames[key])
    recheck_joins(step, state.instances[instance.key])
    step.rounds.update(_with_rounds(state, state.instances[instance.key]))
    wake_pages(step, instance.key)
    run(step)
    return InstanceMigrated(plan.nodes)


def _cancelled(step: Step, instance: Instance, restart: Mapping[str, str]) -> list[tuple[int, str]]:
    """Cancel what is to be restarted; return each frame with the node to enter there."""
    state, left = step.state, list[tuple[int, str]]()
    definition = state.definitions[instance.definition]
    for old, new in restart.items():
        acts = [
            state.acts[key]
            for frame in instance.frames
            for key in state.frames[frame].acts
            if state.acts[key].transition < 0
            and definition.nodes[state.acts[key].node].id == old
            and definition.scopes[state.frames[frame].scope].kind is not ScopeKind.ROUND
        ]
        if not acts:
            raise NotFound(f"Expected node '{old}' to be in progress, but it is not.")
        for act in acts:
            cancel(step, act)
            left.append((act.frame, new))
    return left


def _with_rounds(state: State, instance: Instance) -> dict[int, None]:
    """Return the acts whose further rounds all begin at once by their new definition."""
    frames = (state.frames[key] for key in instance.frames)
    return {
        key: None
        for frame in frames
        for key in frame.acts
        if key in state.repetitions
        and isinstance(action := state.node_of(state.acts[key]).action, Rounds)
        and not action.sequential
    }


def _entered(state: State, plan: MigrationPlan, frame: int, node: str) -> Node:
    """Return a node of the target that is entered in a frame, which must be one of its scope."""
    target = state.definitions[plan.target]
    number = target.number_of.get(node)
    if number is None:
        raise Invalid(_fault(plan.instance, node, "a node of the target to enter", "none"))
    assert plan.change is not None, "only a sound plan is carried out"
    found = target.nodes[number]
    if plan.change.scopes.get(state.frames[frame].scope) != found.scope:
        raise Invalid(_fault(plan.instance, node, "a node in the same scope", "one in another"))
    return found


def _new_watches(step: Step, instance: Instance, plan: MigrationPlan) -> dict[int, list[Watch]]:
    """Return the events to arm: those of the target that no old one became."""
    state = step.state
    target = state.definitions[plan.target]
    assert plan.change is not None, "only a sound plan is carried out"
    found: dict[int, list[Watch]] = {}
    for key in instance.frames:
        for each in state.frames[key].acts:
            act = state.acts[each]
            if act.transition >= 0 or act.phase in (Phase.ENTERING, Phase.UNDOING):
                continue
            node = target.nodes[plan.change.nodes[act.node]]
            if isinstance(node.action, Respond) and act.phase is not Phase.LISTENING:
                continue
            fresh = [number for number in node.watches if number not in plan.inherited]
            try:
                watches = watched(target, fresh, seen_at(state, act), step.at)
            except Stuck as stuck:
                raise Invalid(
                    _fault(plan.instance, node.id, "an event to arm", stuck.text)
                ) from stuck
            if watches:
                found[each] = watches
    return found


def _disarm(step: Step, act: Act, events: set[int]) -> None:
    """Take out what is to be told anew."""
    state = step.state
    armed = [state.timers[key].node for key in act.timers]
    armed += [state.subscriptions[key].node for key in act.subscriptions]
    armed += [state.signals[key].node for key in act.signals]
    armed += [state.conditions[key].node for key in act.conditions]
    for number in sorted(events.intersection(armed)):
        step.emit(EventDisarmed(act.key, number))


class _Planner:
    def __init__(
        self, state: State, instance: Instance, target: Definition, command: Migrate
    ) -> None:
        self.state = state
        self.instance = instance
        self.source = state.definitions[instance.definition]
        self.target = target
        self.wanted = command.nodes
        self.restart = command.restart
        self.renew = command.renew
        self.nodes: dict[int, int] = {}
        self.flows: dict[int, int] = {}
        self.scopes: dict[int, int] = {0: 0}
        self.pages: dict[int, PageMap] = {}
        self.carried = 0
        self.inherited: set[int] = set()
        self.faults: list[Fault] = []

    def plan(self) -> MigrationPlan:
        for name, wanted in self.wanted.items():
            self._check_wanted(name, wanted)
        for name in self.renew:
            if name not in self.target.number_of:
                self._fault(name, "an event of the target to tell anew", "none with this id")
        for key in self.instance.frames:
            self._frame(self.state.frames[key])
        shared = self._shared()
        change = Migrated(
            self.instance.key,
            self.target.id,
            self.target.version,
            self.nodes,
            self.flows,
            self.scopes,
            self.pages,
            shared,
        )
        old, new = self.source, self.target
        return MigrationPlan(
            instance=self.instance.key,
            source=old.key,
            target=new.key,
            nodes={old.nodes[a].id: new.nodes[b].id for a, b in self.nodes.items()},
            flows={old.flows[a].id: new.flows[b].id for a, b in self.flows.items()},
            carried=self.carried,
            faults=tuple(self.faults),
            inherited=frozenset(self.inherited),
            change=None if self.faults else change,
        )

    def _fault(self, place: str, expected: str, found: str, hint: str = "") -> None:
        self.faults.append(_fault(self.instance.key, place, expected, found, hint))

    def _check_wanted(self, old: str, new: str) -> None:
        for name, definition in ((old, self.source), (new, self.target)):
            if name not in definition.number_of:
                version = f"version {definition.version} of '{definition.id}'"
                self._fault(name, f"a node of {version}", "none with this id")

    # -- what is in progress ------------------------------------------------------------------

    def _frame(self, frame: Frame) -> None:
        """Map a frame; frames come parents first, so the scope of each is known by now."""
        if frame.scope not in self.scopes:
            return
        for key in frame.acts:
            act = self.state.acts[key]
            if act.transition >= 0 or self.source.nodes[act.node].id not in self.restart:
                self._act(frame, act)
        if frame.incident:
            self._incident_node(frame)
        for flow in frame.tokens:
            self._token(frame, self.source.flows[flow])
        if frame.bags:
            self._page(frame)
        for done in frame.done.values():
            self._done(done)

    def _act(self, frame: Frame, act: Act) -> None:
        self.carried += 1
        if act.transition >= 0:
            return
        node = self.source.nodes[act.node]
        mapped = self._node(node, self.scopes[frame.scope])
        for old in (self.source.nodes[each] for each in node.watches):
            new = self._counterpart(old)
            if new is None or _kind(self.target, new) != _kind(self.source, old):
                continue
            if new.id not in self.renew and not _reads_else(old, new):
                self.inherited.add(new.number)
        awaited = [self.state.timers[key].node for key in act.timers]
        awaited += [self.state.subscriptions[key].node for key in act.subscriptions]
        awaited += [self.state.signals[key].node for key in act.signals]
        awaited += [self.state.conditions[key].node for key in act.conditions]
        for number in awaited:
            if number != act.node and mapped is not None:
                self._event(self.source.nodes[number], mapped)
        for done in act.undo:
            self._done(done)
        if act.kept is not None:
            self._done(Completed(act.node, {}, act.kept))
        if act.child and mapped is not None:
            self._opened(self.state.frames[act.child], act, mapped)
        if act.key in self.state.repetitions and mapped is not None:
            assert isinstance(node.action, Rounds | Again), "only these have rounds"
            assert isinstance(mapped.action, Rounds | Again), "kinds agree"
            self.scopes[node.action.scope] = mapped.action.scope

    def _opened(self, child: Frame, act: Act, mapped: Node) -> None:
        opened: Node | None = mapped
        if act.phase is Phase.UNDOING:
            if child.scope in self.scopes:
                return
            owner = self.source.nodes[self.source.scopes[child.scope].owner]
            opened = self._node(owner, self.scopes[owner.scope])
        if opened is not None:
            assert isinstance(opened.action, _OPENING), "kinds agree"
            self.scopes[child.scope] = opened.action.scope

    def _done(self, done: Completed) -> None:
        """Map an activity that was completed and can be undone, with what was done inside it."""
        node = self.source.nodes[done.node]
        mapped = self._node(node, self.scopes[node.scope])
        if mapped is None:
            return
        if mapped.handler == NOWHERE and done.kept is None:
            expected = f"'{mapped.id}' with an activity that undoes it"
            self._fault(node.id, expected, "none", "It was completed and may have to be undone.")
        if done.kept is not None:
            assert isinstance(mapped.action, _OPENING), "kinds agree"
            self.scopes[done.kept.scope] = mapped.action.scope
            for each in done.kept.done.values():
                self._done(each)

    def _node(self, node: Node, scope: int) -> Node | None:
        """Map a node that is in progress into scope `scope` of the target."""
        if node.number in self.nodes:
            return self.target.nodes[self.nodes[node.number]]
        mapped = self._counterpart(node)
        if self.source.scopes[node.scope].kind is ScopeKind.ROUND:
            mapped = self.target.nodes[self.target.scopes[scope].start]
        if mapped is None:
            self._fault(node.id, "a node to go on at", "none in the target", _MAP_IT)
        elif _kind(self.target, mapped) != _kind(self.source, node):
            found = f"'{mapped.id}', a {_kind(self.target, mapped)}"
            self._fault(node.id, f"a {_kind(self.source, node)}", found, _MAP_IT)
        elif mapped.scope != scope:
            self._fault(node.id, "a node in the same scope", f"'{mapped.id}' in another", _MAP_IT)
        else:
            self.nodes[node.number] = mapped.number
            return mapped
        return None

    def _counterpart(self, node: Node) -> Node | None:
        if node.id in self.wanted:
            number = self.target.number_of.get(self.wanted[node.id])
            return None if number is None else self.target.nodes[number]
        if node.id in self.target.number_of:
            return self.target.nodes[self.target.number_of[node.id]]
        alike = [
            each
            for each in self.target.nodes
            if node.name
            and each.name == node.name
            and _kind(self.target, each) == _kind(self.source, node)
        ]
        return alike[0] if len(alike) == 1 else None

    def _event(self, event: Node, host: Node) -> None:
        """Map an event that a node waits for: on its boundary, or behind a gateway."""
        action = host.action
        scope = action.scope if isinstance(action, Respond) else host.scope
        mapped = self._node(event, scope)
        if mapped is not None and mapped.number not in (*host.boundary, *host.watches):
            del self.nodes[event.number]
            expected = f"an event of '{host.id}'"
            self._fault(event.id, expected, f"'{mapped.id}', which is not", _MAP_IT)

    def _incident_node(self, frame: Frame) -> None:
        incident = self.state.incidents[frame.incident]
        self._node(self.source.nodes[incident.node], self.scopes[frame.scope])

    # -- tokens that wait at joins ------------------------------------------------------------

    def _token(self, frame: Frame, flow: Flow) -> None:
        self.carried += frame.tokens[flow.number]
        scope = self.target.scopes[self.scopes[frame.scope]]
        candidates = [self.target.flows[number] for number in scope.flows]
        same = [each for each in candidates if each.id == flow.id]
        source = self._counterpart(self.source.nodes[flow.source])
        join = self._counterpart(self.source.nodes[flow.target])
        if not same and source is not None:
            leaving = [each for each in candidates if each.source == source.number]
            into = [each for each in leaving if join is not None and each.target == join.number]
            same = into if len(into) == 1 else leaving
        if len(same) != 1:
            found = f"{len(same)} candidates"
            self._fault(flow.id, "one flow on which the token waits on", found, _MOVE_IT)
        elif not same[0].waits:
            found = f"'{same[0].id}', which leads into no join"
            self._fault(flow.id, "a flow into a join", found, _MOVE_IT)
        elif self.flows.get(flow.number, NOWHERE) == same[0].number:
            pass  # another round waits there, too
        elif same[0].number in self.flows.values():
            found = f"'{same[0].id}', where another token goes too"
            self._fault(flow.id, "a flow of its own", found, _MOVE_IT)
        else:
            self.flows[flow.number] = same[0].number

    # -- pages --------------------------------------------------------------------------------

    def _page(self, frame: Frame) -> None:
        old = self.source.scopes[frame.scope]
        new = self.target.scopes[self.scopes[frame.scope]]
        assert old.net is not None, "a page has a net"
        assert new.net is not None, "kinds agree"
        place_of = {place.name: number for number, place in enumerate(new.net.places)}
        transition_of = {each.name: number for number, each in enumerate(new.net.transitions)}
        places = tuple(place_of.get(place.name, NOWHERE) for place in old.net.places)
        transitions = tuple(transition_of.get(t.name, NOWHERE) for t in old.net.transitions)
        self.pages[frame.scope] = PageMap(places, transitions)
        for number, bag in enumerate(frame.bags):
            if len(bag) or _held(self.state, frame, number):
                self._place(old, new, number, places[number])
        for key in frame.acts:
            act = self.state.acts[key]
            name = old.net.transitions[act.transition].name
            if transitions[act.transition] == NOWHERE:
                self._fault(f"{old.net.id}.{name}", "a transition to go on at", "none", _MOVE_IT)

    def _place(self, old: Scope, new: Scope, number: int, mapped: int) -> None:
        assert old.net is not None, "a page has a net"
        assert new.net is not None, "kinds agree"
        place = old.net.places[number]
        name = f"{old.net.id}.{place.name}"
        if mapped == NOWHERE:
            self._fault(name, "a place for its tokens", "none in the target", _MOVE_IT)
            return
        there = new.net.places[mapped]
        if there.fusion != place.fusion:
            self._fault(name, f"a place with fusion '{place.fusion}'", f"'{there.fusion}'")

    def _shared(self) -> tuple[int, ...]:
        names = [place.name for place in self.target.shared]
        mapped = []
        for place, bag in zip(self.source.shared, self.instance.shared, strict=True):
            mapped.append(names.index(place.name) if place.name in names else NOWHERE)
            if mapped[-1] == NOWHERE and len(bag) and not self._as_at_first(place, bag):
                self._fault(place.name, "a shared place for its tokens", "none in the target")
        return tuple(mapped)

    def _as_at_first(self, place: SharedPlace, bag: Bag) -> bool:
        """Tell whether a shared place holds its initial tokens: then nothing is lost with it.

        A resource that is free, and that the target has no use for, may go.
        """
        net = self.source.scopes[place.page].net
        assert net is not None, "a fusion place belongs to a page"
        initial = [value for value, _ in net.places[place.place].initial]
        return Counter(value for value, _ in bag) == Counter(initial)


def _held(state: State, frame: Frame, place: int) -> bool:
    return any(each[0] == place for key in frame.acts for each in state.acts[key].consumed)


def _kind(definition: Definition, node: Node) -> str:
    """Return what must stay the same: the action, and for scopes what they open."""
    name = type(node.action).__name__
    if isinstance(node.action, Enter):
        return f"{name} {definition.scopes[node.action.scope].kind}"
    if isinstance(node.action, Await | Boundary | Listen):
        return f"{name} {type(node.action.trigger).__name__}"
    return name


def _reads_else(old: Node, new: Node) -> bool:
    """Whether an event waits for another condition than before: that one is new."""
    match (old.action, new.action):
        case (
            (Await() | Boundary() | Listen()) as before,
            (Await() | Boundary() | Listen()) as after,
        ) if isinstance(before.trigger, OnCondition) and isinstance(after.trigger, OnCondition):
            return before.trigger.formula.text != after.trigger.formula.text
        case _:
            return False


def _fault(instance: int, place: str, expected: str, found: str, hint: str = "") -> Fault:
    return Fault(
        source=f"migration of instance {instance}",
        path=f"'{place}'",
        expected=expected,
        found=found,
        hint=hint,
    )


_OPENING = Enter | Respond | Rounds | Again
_MAP_IT = "Map it to a node of the same kind, or move or cancel it first."
_MOVE_IT = "Move or cancel it first."
