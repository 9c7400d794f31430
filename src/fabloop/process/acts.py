"""Acts: nodes in progress. Opening, leaving, holding and cancelling them."""

from collections import deque

from fabloop.process.commands import (
    IncidentOpened,
    InstanceFinished,
    InstanceState,
    JobCancelled,
    JobCreated,
    NodeCompleted,
    Variables,
)
from fabloop.process.definition import (
    NOWHERE,
    Definition,
    Enter,
    Job,
    Node,
    Parallel,
    Person,
    ScopeKind,
)
from fabloop.process.deltas import (
    ActClosed,
    ActHeld,
    ActOpened,
    EventHappened,
    IncidentRaised,
    InstanceEnded,
    Joined,
    TokenAdded,
    TokenTaken,
    VariablesSet,
)
from fabloop.process.evaluate import Stuck, assigned, leaving_flows
from fabloop.process.state import Act, Frame, Phase, Role, State
from fabloop.process.step import Step
from fabloop.process.undo_deltas import Undoable


def open_act(
    step: Step, frame: Frame, node: Node, local: Variables, phase: Phase = Phase.WAITING
) -> int:
    """Open an act and return its key."""
    key = step.mint()
    step.emit(ActOpened(key, frame.key, node.number, phase, local))
    return key


def seen_by(state: State, act: Act) -> Variables:
    """Return what the work of an act may read: its locals over all that encloses it."""
    return {**state.visible(state.frames[act.frame]), **act.locals}


# -- leaving ------------------------------------------------------------------------------------


def ways_out(step: Step, frame: Frame, node: Node, made: Variables) -> tuple[int, ...]:
    """Return the flows on which tokens leave an activity that has made variables."""
    if not node.decides:
        return node.outgoing
    seen = {**step.state.visible(frame), **made}
    return leaving_flows(step.state.definition_of(frame), node, seen, step.at)


def leave(step: Step, frame: Frame, node: Node, ways: tuple[int, ...] | None = None) -> None:
    """Put a token on every flow out of a node, or on some of them."""
    if frame.act not in step.state.repetitions:
        step.notices.append(NodeCompleted(instance=frame.instance, node=node.id))
    if not node.outgoing:
        step.touched[frame.key] = None
        return
    definition = step.state.definition_of(frame)
    for flow in node.outgoing if ways is None else ways:
        take(step, frame, definition, flow)


def pass_with(
    step: Step, frame: Frame, node: Node, made: Variables, local: Variables | None = None
) -> None:
    """Let a token run through a node that has made variables, of `local` ones if any."""
    leave(step, frame, node, note_passed(step, frame, node, made, local))


def note_passed(
    step: Step, frame: Frame, node: Node, made: Variables, local: Variables | None = None
) -> tuple[int, ...]:
    """Record what a token has made that runs through a node; return the flows it leaves on."""
    ways = ways_out(step, frame, node, made) if node.decides else node.outgoing
    if node.keeps and local:
        made = {name: local[name] for name in node.keeps if name in local} | made
    set_variables(step, frame, made)
    if node.handler != NOWHERE:
        values = {**(local or {}), **made}
        step.emit(Undoable(step.mint(), frame.key, node.number, 0, values))
    step.passed(frame, node)
    return ways


def take(step: Step, frame: Frame, definition: Definition, number: int) -> None:
    """Move a token along a flow: into its target, or to wait there for the others."""
    flow = definition.flows[number]
    target = definition.nodes[flow.target]
    if not flow.waits:
        step.agenda.append((frame.key, target, {}))
        return
    step.emit(TokenAdded(frame.key, number))
    step.touched[frame.key] = None
    join(step, frame, target)


def join(step: Step, frame: Frame, node: Node) -> None:
    """Let a parallel join go on when a token waits on every flow into it.

    Inclusive ones are looked at when the frame has come to rest (`gateways.merge`).
    """
    if isinstance(node.action, Parallel) and all(flow in frame.tokens for flow in node.incoming):
        step.emit(Joined(frame.key, node.number))
        step.agenda.append((frame.key, node, {}))


def complete(step: Step, act: Act, result: Variables) -> None:
    """Leave a node with the result of its work; outputs that fail hold it and its result."""
    state = step.state
    frame = state.frames[act.frame]
    node = state.definition_of(frame).nodes[act.node]
    try:
        made = outputs_of(step, frame, node, act.locals, result) if node.outputs else result
        ways = ways_out(step, frame, node, made) if node.decides else node.outgoing
    except Stuck as stuck:
        step.emit(ActHeld(act.key, result))
        raise_incident(step, frame, act.key, node, stuck)
        return
    if node.keeps:
        made = {name: act.locals[name] for name in node.keeps if name in act.locals} | made
    if node.handler != NOWHERE or act.kept is not None:
        values = {**act.locals, **made} if node.handler != NOWHERE else {}
        step.emit(Undoable(step.mint(), frame.key, node.number, act.key, values))
    step.emit(ActClosed(act.key, completed=True))
    set_variables(step, frame, made)
    step.touched[frame.key] = None
    leave(step, frame, node, ways)


def occur(step: Step, act: Act, node: int, variables: Variables) -> None:
    """Go on with an event that an act waited for: with its own, or with the first of several."""
    if node != act.node:
        gateway = step.state.node_of(act)
        instance = step.state.frames[act.frame].instance
        step.notices.append(NodeCompleted(instance=instance, node=gateway.id))
        step.emit(EventHappened(act.key, node))
        act = step.state.acts[act.key]
    complete(step, act, variables)


def outputs_of(
    step: Step, frame: Frame, node: Node, local: Variables, result: Variables
) -> Variables:
    """Return what a node hands to its scope: the outputs, or the whole result without any."""
    if not node.outputs:
        return result
    return assigned(node.outputs, {**step.state.visible(frame), **local, **result}, step.at)


def set_variables(step: Step, frame: Frame, values: Variables) -> None:
    """Set each variable where it is found from a frame outwards; new ones in the root."""
    if not values:
        return
    if not frame.act:
        step.emit(VariablesSet(frame.key, values))
        return
    homes: dict[int, Variables] = {}
    for name, value in values.items():
        home = frame
        for home in step.state.lineage(frame):
            if name in home.variables and home.role is not Role.UNDOES:
                break
        homes.setdefault(home.key, {})[name] = value
    for key, part in homes.items():
        step.emit(VariablesSet(key, part))


# -- incidents ----------------------------------------------------------------------------------


def hold_entry(step: Step, frame: Frame, node: Node, brought: Variables, stuck: Stuck) -> None:
    """Keep a token that could not enter a node, with the reason."""
    key = open_act(step, frame, node, brought, Phase.ENTERING)
    raise_incident(step, frame, key, node, stuck)


def raise_incident(step: Step, frame: Frame, act: int, node: Node, stuck: Stuck) -> None:
    """Ask for a person, for an act or (act 0) for a whole frame."""
    key = step.mint()
    step.emit(IncidentRaised(key, frame.key, act, node.number, stuck.kind, stuck.text))
    notice = IncidentOpened(
        instance=frame.instance, node=node.id, incident=key, kind=stuck.kind, text=stuck.text
    )
    step.notices.append(notice)


# -- cancelling ---------------------------------------------------------------------------------


def cancel(step: Step, act: Act, known_to: int = 0) -> None:
    """End an act and all within it without a result; tell whoever works on it.

    The worker of job `known_to` needs no telling: it is the one who asked.
    """
    gives_back = announce_end(step, act, known_to)
    step.emit(ActClosed(act.key, completed=False))
    step.touched[act.frame] = None
    if gives_back:
        wake_pages(step, step.state.frames[act.frame].instance)


def clear(step: Step, frame: Frame, known_to: int = 0) -> None:
    """End all that is in progress, waits or is on its way in a frame."""
    step.agenda = deque(each for each in step.agenda if each[0] != frame.key)
    for key in tuple(frame.acts):
        cancel(step, step.state.acts[key], known_to)
    for flow, count in tuple(frame.tokens.items()):
        for _ in range(count):
            step.emit(TokenTaken(frame.key, flow))


def announce_end(step: Step, act: Act, known_to: int = 0) -> bool:
    """Tell of all jobs under an act that they are off; return whether a firing was among it.

    Instances that were called under it end: inner ones first.
    """
    state = step.state
    job = state.jobs.get(act.key)
    if job is not None and job.key != known_to:
        notice = JobCancelled(
            instance=state.frames[act.frame].instance,
            node=state.node_of(act).id,
            job=job.key,
            type=job.type,
            worker=job.worker,
        )
        step.notices.append(notice)
    firing = act.transition >= 0
    if act.child:
        for key in state.frames[act.child].acts:
            firing = announce_end(step, state.acts[key], known_to) or firing
    if act.key in state.repetitions:
        firing = announce_rounds(step, act.key, known_to) or firing
    if act.called:
        for key in state.frames[state.instances[act.called].frame].acts:
            announce_end(step, state.acts[key], known_to)
        end_instance(step, act.called, InstanceState.CANCELLED)
    return firing


def announce_rounds(step: Step, act: int, known_to: int = 0) -> bool:
    """Tell of all jobs in the rounds of an act that they are off; see `announce_end`."""
    state, firing = step.state, False
    for frame in state.repetitions[act].active:
        for key in state.frames[frame].acts:
            firing = announce_end(step, state.acts[key], known_to) or firing
    return firing


def end_instance(step: Step, key: int, state: InstanceState) -> None:
    """End an instance, and tell so."""
    instance = step.state.instances[key]
    notice = InstanceFinished(
        instance=key,
        definition=instance.definition,
        state=state,
        variables=step.state.frames[instance.frame].variables,
        business_key=instance.business_key,
    )
    step.emit(InstanceEnded(key, state))
    if instance.correlation:
        step.vacant[instance.definition.id, instance.correlation] = None
    step.notices.append(notice)


def wake_pages(step: Step, instance: int) -> None:
    """Let every page of an instance look again for what can fire."""
    step.pages.update(step.state.instances[instance].pages)


# -- jobs as others see them --------------------------------------------------------------------


def headers_of(state: State, act: Act, node: Node) -> tuple[dict[str, str], str]:
    """Return the headers of an act's job, and the name of its transition (empty for a node)."""
    action = node.action
    if act.transition < 0:
        assert isinstance(action, Job | Person), "only these wait for a job"
        return action.headers, ""
    scope = state.scope_of(state.frames[act.frame])
    assert scope.net is not None, "a firing stands in a page"
    assert scope.kind is ScopeKind.PAGE, "a firing stands in a page"
    assert isinstance(action, Enter), "a page is entered"
    transition = scope.net.transitions[act.transition]
    own = transition.work.headers if transition.work else {}
    return {**action.headers, **own}, transition.name


def announce_job(step: Step, key: int) -> None:
    """Tell that a job may be taken."""
    state = step.state
    act, job = state.acts[key], state.jobs[key]
    frame = state.frames[act.frame]
    instance = state.instances[frame.instance]
    node = state.definitions[instance.definition].nodes[act.node]
    headers, transition = headers_of(state, act, node)
    notice = JobCreated(
        instance=instance.key,
        node=node.id,
        transition=transition,
        job=key,
        type=job.type,
        person=job.person,
        headers=headers,
        variables={**state.visible(frame), **act.locals},
        assignee=job.assignee,
        candidates=job.candidates,
        business_key=instance.business_key,
    )
    step.notices.append(notice)
