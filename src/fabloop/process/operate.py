"""What an operator (or the adaptation) does to an instance: start, set, resolve, cancel, modify."""

from fabloop.base.errors import Conflict, NotFound
from fabloop.base.names import did_you_mean
from fabloop.process.acts import (
    announce_end,
    announce_job,
    cancel,
    join,
    open_act,
)
from fabloop.process.calls import finish
from fabloop.process.commands import (
    ActAt,
    Activate,
    CancelInstance,
    Done,
    InstanceCreated,
    InstanceState,
    Modify,
    ResolveIncident,
    SetVariables,
    Spot,
    StartInstance,
)
from fabloop.process.definition import (
    NOWHERE,
    Boundary,
    BoundaryCancel,
    BoundaryError,
    BoundaryEscalation,
    BoundaryUndo,
    Definition,
    DefinitionKey,
    Node,
    Respond,
    ScopeKind,
)
from fabloop.process.deltas import (
    ActClosed,
    FrameClosed,
    FrameOpened,
    IncidentCleared,
    InstanceStarted,
    JobReady,
    LocalsSet,
    TokenTaken,
    VariablesSet,
)
from fabloop.process.evaluate import Stuck, inputs_of
from fabloop.process.jobs import yield_result
from fabloop.process.respond import ears_of, listen, only_listens
from fabloop.process.rounds import take_away
from fabloop.process.state import Act, Frame, Instance, JobState, Phase, Role, State
from fabloop.process.step import Step
from fabloop.process.undo import go_on
from fabloop.process.variables import admit, with_data
from fabloop.process.walk import run
from fabloop.process.watch import arm, watches_of


def start(step: Step, command: StartInstance) -> InstanceCreated:
    """Start an instance and run it to rest."""
    variables = admit(command.variables, f"process '{command.process}'")
    definition = definition_named(step.state, command.process, command.version)
    named = definition.key
    if step.state.is_stopped(named):
        raise Conflict(
            f"Expected process '{definition.id}' version {definition.version} to take new "
            "instances, but it is suspended. Resume it first."
        )
    start = definition.scopes[0].start
    if start == NOWHERE:
        events = ", ".join(f"'{definition.nodes[n].id}'" for n in definition.scopes[0].starts)
        raise Conflict(
            f"Expected a process that is started by command, but '{definition.id}' is started by "
            f"its events only: {events}. Let one of them happen."
        )
    variables = with_data(definition.scopes[0], variables, command.business_key)
    key, frame = step.mint(), step.mint()
    step.focus(f"instance/{key}")
    step.emit(
        InstanceStarted(
            key, definition.id, definition.version, command.business_key, frame, variables
        )
    )
    step.agenda.append((frame, definition.nodes[start], {}))
    run(step)
    return InstanceCreated(key, named)


def definition_named(state: State, process: str, version: int | None) -> Definition:
    """Return a deployed definition, the latest where no version is given."""
    chosen = state.versions.get(process, 0) if version is None else version
    definition = state.definitions.get(DefinitionKey(process, chosen))
    if definition is None:
        of = f" version {version}" if version is not None else ""
        raise NotFound(
            f"Expected a deployed process '{process}'{of}, but there is none. "
            + did_you_mean(process, state.versions)
        )
    return definition


def instance_named(state: State, key: int) -> Instance:
    """Return a running instance."""
    instance = state.instances.get(key)
    if instance is None:
        ended = state.finished.get(key)
        found = f"it is {ended.state.name.lower()}" if ended else "it is unknown"
        raise NotFound(f"Expected instance {key} to be running, but {found}.")
    return instance


def set_all(step: Step, command: SetVariables) -> Done:
    """Set variables where the operator says, without looking further out."""
    variables = admit(command.variables, f"target {command.target}")
    state = step.state
    act = state.acts.get(command.target)
    if act is not None:
        step.trigger(state.instance_of(act))
        step.emit(LocalsSet(act.key, variables))
        run(step)
        return Done()
    if command.target in state.instances:
        frame = state.frames[state.instances[command.target].frame]
    elif command.target in state.frames:
        frame = state.frames[command.target]
    else:
        instance_named(state, command.target)
        raise AssertionError("an unknown target is refused")
    step.trigger(state.instances[frame.instance])
    step.emit(VariablesSet(frame.key, variables))
    run(step)
    return Done()


# -- incidents ----------------------------------------------------------------------------------


def resolve(step: Step, command: ResolveIncident) -> Done:
    """Try again what raised an incident."""
    state = step.state
    incident = state.incidents.get(command.incident)
    if incident is None:
        raise NotFound(f"Expected incident {command.incident} to be open, but it is not.")
    frame = state.frames[incident.frame]
    step.trigger(state.instances[frame.instance])
    step.emit(IncidentCleared(incident.key))
    if incident.act:
        _retry(step, state.acts[incident.act], max(1, command.retries))
    else:
        step.touched[frame.key] = None
    run(step)
    return Done()


def _retry(step: Step, act: Act, retries: int) -> None:
    state = step.state
    node = state.node_of(act)
    job = state.jobs.get(act.key)
    if act.phase is Phase.ENTERING:
        step.emit(ActClosed(act.key, completed=False))
        step.touched[act.frame] = None
        step.agenda.append((act.frame, node, act.locals))
    elif act.phase is Phase.LEAVING:
        yield_result(step, act, act.result)
    elif job is not None and job.state is JobState.FAILED:
        step.emit(JobReady(act.key, retries))
        announce_job(step, act.key)
    elif act.child:
        step.pages[act.child] = None
    elif act.key in state.repetitions:
        step.rounds[act.key] = None


# -- cancel and modify --------------------------------------------------------------------------


def cancel_instance(step: Step, command: CancelInstance) -> Done:
    """End an instance with all that runs in it; one that was called ends with its caller."""
    state = step.state
    instance = instance_named(state, command.instance)
    if instance.caller:
        calling = state.instance_of(state.acts[instance.caller])
        raise Conflict(
            f"Expected an instance that was not called, but instance {calling.key} called "
            f"{instance.key}. Cancel that one, or the act {instance.caller} in it."
        )
    step.trigger(instance)
    for key in state.frames[instance.frame].acts:
        announce_end(step, state.acts[key])
    finish(step, instance.key, InstanceState.CANCELLED)
    run(step)
    return Done()


def modify(step: Step, command: Modify) -> Done:
    """Activate, cancel and move; scopes left empty by cancelling end as cancelled."""
    instance = instance_named(step.state, command.instance)
    step.trigger(instance)
    emptied: list[int] = []
    known = step.state.last_key
    for move in command.move:
        anchor = _cancel_spot(step, instance, move.spot)
        emptied.append(anchor)
        _activate(step, instance, Activate(node=move.node, frame=_anchor(step, anchor, move.node)))
    for activation in command.activate:
        _activate(step, instance, activation)
    emptied.extend(_cancel_spot(step, instance, spot) for spot in command.cancel)
    for key in emptied:
        _prune(step, key)
    for key in [each for each in instance.frames if each > known]:
        if key in step.state.frames:
            _arm_around(step, step.state.frames[key])
        if key in step.state.frames:
            listen_as_opened(step, step.state.frames[key])
    run(step)
    return Done()


def _arm_around(step: Step, frame: Frame) -> None:
    """Arm the events on the boundary of what an operator has opened; one may happen at once."""
    state = step.state
    owner = state.acts[frame.act]
    node = state.node_of(owner)
    if isinstance(node.action, Respond):
        return  # what waits for its event is another act
    try:
        watches = watches_of(step, state.frames[owner.frame], node, state.visible(frame))
    except Stuck as stuck:
        raise Conflict(f"Sub-process '{node.id}' cannot be opened: {stuck.text}") from stuck
    arm(step, owner.key, watches)


def listen_as_opened(step: Step, frame: Frame) -> None:
    """Let a frame that an operator has opened, or changed, listen for its events."""
    try:
        ears = ears_of(step, frame)
    except Stuck as stuck:
        raise Conflict(f"An event sub-process cannot be armed: {stuck.text}") from stuck
    listen(step, frame, ears)


def _anchor(step: Step, key: int, node: str) -> int:
    """Return the innermost frame around a moved token that also encloses its new node."""
    state = step.state
    definition = state.definition_of(state.frames[key])
    scopes = {_node_named(definition, node).scope}
    while (parent := definition.scopes[min(scopes)].parent) >= 0:
        scopes.add(parent)
    around = state.lineage(state.frames[key])
    return next(e.key for e in around if e.scope in scopes and e.role is Role.RUNS)


def _cancel_spot(step: Step, instance: Instance, spot: Spot) -> int:
    """Cancel what stands at a spot; return the frame it stood in."""
    state = step.state
    if isinstance(spot, ActAt):
        act = state.acts.get(spot.key)
        if act is None or state.instance_of(act).key != instance.key:
            raise NotFound(f"Expected act {spot.key} in instance {instance.key}, but found none.")
        cancel(step, act)
        return act.frame
    frame = _frame_named(state, instance, spot.frame)
    definition = state.definition_of(frame)
    for number in frame.tokens:
        if definition.flows[number].id == spot.flow:
            step.emit(TokenTaken(frame.key, number))
            step.touched[frame.key] = None
            return frame.key
    raise NotFound(f"Expected a token waiting on flow '{spot.flow}', but found none.")


def _activate(step: Step, instance: Instance, activation: Activate) -> None:
    state = step.state
    variables = admit(activation.variables, f"activation of '{activation.node}'")
    node = _node_named(state.definitions[instance.definition], activation.node)
    if isinstance(node.action, _BOUNDARY):
        raise Conflict(
            f"Expected a node that tokens flow into, but '{node.id}' is a boundary event. "
            "Activate what follows it."
        )
    anchor = activation.frame
    if anchor:
        _frame_named(state, instance, anchor)
    frame = _home(step, instance, node.scope, anchor)
    if variables:
        step.emit(VariablesSet(frame.key, variables))
    step.agenda.append((frame.key, node, {}))


_BOUNDARY = Boundary | BoundaryError | BoundaryEscalation | BoundaryCancel | BoundaryUndo


def _node_named(definition: Definition, node: str) -> Node:
    number = definition.number_of.get(node)
    if number is None:
        raise NotFound(
            f"Expected a node of process '{definition.id}', but found '{node}'. "
            + did_you_mean(node, definition.number_of)
        )
    return definition.nodes[number]


def _frame_named(state: State, instance: Instance, key: int) -> Frame:
    if key not in instance.frames:
        raise NotFound(f"Expected frame {key} in instance {instance.key}, but found none.")
    return state.frames[key]


def _home(step: Step, instance: Instance, scope: int, anchor: int) -> Frame:
    """Return the frame of a scope, within `anchor` where given; open it where none runs."""
    state = step.state
    found = [
        frame
        for frame in (state.frames[key] for key in instance.frames)
        if frame.scope == scope
        and frame.role is Role.RUNS
        and (not anchor or any(each.key == anchor for each in state.lineage(frame)))
    ]
    if len(found) > 1:
        raise Conflict(
            f"Expected one running frame to activate in, but found {len(found)}. Name one of "
            f"{', '.join(str(frame.key) for frame in found)}."
        )
    if found:
        return found[0]
    definition = state.definitions[instance.definition]
    compiled = definition.scopes[scope]
    if compiled.kind is ScopeKind.PROCESS:
        raise Conflict(f"Expected frame {anchor} to enclose the node, but it does not.")
    if compiled.kind is ScopeKind.ROUND:
        name = definition.nodes[compiled.owner].id
        raise Conflict(
            f"Expected a running round of '{name}' to activate in, but found none. "
            f"Activate '{name}' itself."
        )
    outer = _home(step, instance, compiled.parent, anchor)
    return _open_scope(step, outer, definition.nodes[compiled.owner], scope)


def _open_scope(step: Step, outer: Frame, owner: Node, scope: int) -> Frame:
    seen = step.state.visible(outer)
    try:
        local = inputs_of(owner, seen, step.at)
    except Stuck as stuck:
        raise Conflict(f"Sub-process '{owner.id}' cannot be opened: {stuck.text}") from stuck
    act = open_act(step, outer, owner, {})
    key = step.mint()
    opened = step.state.definition_of(outer).scopes[scope]
    step.emit(FrameOpened(key, act, scope, with_data(opened, local)))
    return step.state.frames[key]


def _prune(step: Step, key: int) -> None:
    """End a frame that cancelling has left empty, and those around it."""
    frame = step.state.frames.get(key)
    awaited = any(frame_key == key for frame_key, _, _ in step.agenda)
    if frame is None or frame.tokens or frame.bags or awaited:
        return
    if not only_listens(step.state, frame):
        return
    if frame.act in step.state.repetitions:
        emptied = take_away(step, frame)
        if emptied is not None:
            cancel(step, emptied)
            _prune(step, emptied.frame)
        return
    caller = frame.act or step.state.instances[frame.instance].caller
    if not caller:
        finish(step, frame.instance, InstanceState.CANCELLED)
        return
    owner = step.state.acts[caller]
    if owner.phase is Phase.UNDOING:
        step.emit(FrameClosed(key))
        go_on(step, step.state.acts[caller])
        return
    cancel(step, owner)
    _prune(step, owner.frame)


def recheck_joins(step: Step, instance: Instance) -> None:
    """Let joins go on that a migration has completed."""
    state = step.state
    for key in instance.frames:
        frame = state.frames[key]
        definition = state.definition_of(frame)
        if frame.tokens:
            step.touched[key] = None
        for number in {definition.flows[flow].target for flow in frame.tokens}:
            join(step, frame, definition.nodes[number])
