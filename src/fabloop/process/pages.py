"""Pages: coloured Petri nets in live execution, fired by priority until nothing more can fire."""

from fabloop.base.errors import Invalid
from fabloop.base.instant import Instant
from fabloop.process.acts import announce_job, complete, raise_incident, wake_pages
from fabloop.process.commands import Variables
from fabloop.process.cpn.compiled import Binding, CompiledNet, CompiledTransition
from fabloop.process.cpn.token import freeze, thaw
from fabloop.process.definition import NOWHERE, Scope
from fabloop.process.deltas import (
    Fired,
    FiringEnded,
    FiringStarted,
    FrameClosed,
    IncidentCleared,
    JobOffered,
    PageFed,
    PageWaits,
)
from fabloop.process.evaluate import Stuck
from fabloop.process.state import NO_TIME, Act, Frame, Instance, State
from fabloop.process.step import Step

DEADLOCK = "deadlock"
FIRING_RETRIES = 3
"""Attempts that the work of a firing gets before an incident."""


def admit_entry(scope: Scope, token: Variables) -> object:
    """Return the token for a page's entry port; raises Stuck when its colour does not admit it."""
    net = _net(scope)
    try:
        return net.places[scope.entry].admit(token)
    except Invalid as error:
        raise Stuck("page", str(error)) from error


def feed(step: Step, frame: int, scope: Scope, token: object) -> None:
    """Put a token on a page's entry port."""
    step.emit(PageFed(frame, (scope.entry, token, NO_TIME)))
    step.pages[frame] = None


def run_page(step: Step, frame: Frame) -> None:
    """Fire what can fire, then complete the page, or note when it can go on by itself."""
    state = step.state
    owner = state.acts[frame.act]
    if owner.incident and state.incidents[owner.incident].kind != DEADLOCK:
        return
    scope = state.scope_of(frame)
    try:
        fired = _fire_all(step, frame, scope)
        if fired and owner.incident:
            step.emit(IncidentCleared(owner.incident))
        wake = _next_wake(frame, _net(scope), step.at)
    except Stuck as stuck:
        _stop(step, owner, stuck)
        return
    except Invalid as error:
        _stop(step, owner, Stuck("firing", str(error)))
        return
    if len(frame.bags[scope.exit]) and not frame.acts:
        _complete_page(step, frame, scope)
        return
    if wake != state.frames[frame.key].wake:
        step.emit(PageWaits(frame.key, wake))
    if not wake and not frame.acts and not owner.incident:
        step.resting[frame.key] = None


def _stop(step: Step, owner: Act, stuck: Stuck) -> None:
    state = step.state
    incident = state.acts[owner.key].incident
    if incident:
        step.emit(IncidentCleared(incident))
    raise_incident(step, state.frames[owner.frame], owner.key, state.node_of(owner), stuck)


def look_at_rest(step: Step, instance: int) -> None:
    """Let pages that rest be checked: what could have woken them may have ended."""
    for key in step.state.instances[instance].pages:
        frame = step.state.frames[key]
        if not frame.acts and not frame.wake:
            step.resting[key] = None


def check_rest(step: Step, frame: Frame) -> None:
    """Ask for a person when a page rests and nothing else in its instance can wake it."""
    state = step.state
    owner = state.acts[frame.act]
    instance = state.instances[frame.instance]
    if owner.incident or _is_alive(state, instance):
        return
    net = _net(state.scope_of(frame))
    marked = [
        f"'{place.name}' {len(bag)}"
        for place, bag in zip(net.places, frame.bags, strict=True)
        if len(bag)
    ]
    text = (
        f"Expected a transition of net '{net.id}' to fire, but none can, and nothing else is in "
        f"progress that could change that. Tokens: {', '.join(marked) or 'none'}."
    )
    outer = state.frames[owner.frame]
    raise_incident(step, outer, owner.key, state.node_of(owner), Stuck(DEADLOCK, text))


def _is_alive(state: State, instance: Instance) -> bool:
    """Whether something in an instance waits for work, time, a message or a person."""
    for key in instance.frames:
        frame = state.frames[key]
        if frame.wake or frame.incident:
            return True
        for each in frame.acts:
            act = state.acts[each]
            holds = act.child or act.key in state.repetitions
            if not holds or act.timers or act.incident:
                return True
    return False


def _fire_all(step: Step, frame: Frame, scope: Scope) -> bool:
    """Fire until nothing can; return whether anything did."""
    net, fired = _net(scope), False
    candidates = set(net.by_priority)
    while candidates:
        number = next(each for each in net.by_priority if each in candidates)
        transition = net.transitions[number]
        binding = transition.find(frame.bags, step.at)
        if binding is None:
            candidates.discard(number)
            continue
        step.budget -= 1
        if step.budget < 0:
            text = f"Expected net '{net.id}' to come to rest, but it fires without end."
            raise Stuck("limit", text)
        richer = _fire(step, frame, number, transition, binding)
        fired = True
        candidates.update(each for place in richer for each in net.consumers[place])
        if net.freed:
            candidates.update(each for p, _, _ in binding.consumed for each in net.freed[p])
        _tell_others(step, frame, scope, richer)
    return fired


def _fire(
    step: Step, frame: Frame, number: int, transition: CompiledTransition, binding: Binding
) -> set[int]:
    """Fire once; return the places that got tokens: only these can enable a transition."""
    if transition.work is None:
        produced = _produced(transition, binding, {}, step.at)
        step.emit(Fired(frame.key, number, binding.consumed, produced))
        return {place for place, _, _ in produced}
    key = step.mint()
    variables = {name: thaw(value) for name, value in binding.variables.items()}
    step.emit(FiringStarted(key, frame.key, number, binding.consumed, variables))
    work = transition.work
    step.emit(JobOffered(key, work.type, work.person, FIRING_RETRIES))
    announce_job(step, key)
    return set()


def _tell_others(step: Step, frame: Frame, scope: Scope, richer: set[int]) -> None:
    if any(scope.fusion[place] != NOWHERE for place in richer):
        wake_pages(step, frame.instance)


def _produced(
    transition: CompiledTransition, binding: Binding, result: Variables, at: Instant
) -> tuple[tuple[int, object, Instant], ...]:
    try:
        return transition.produce(binding, result, at)
    except Invalid as error:
        raise Stuck("firing", f"Transition '{transition.name}': {error}") from error


def end_firing(step: Step, act: Act, result: Variables) -> None:
    """Put the tokens of a firing whose work is done; raises Stuck when they cannot be made."""
    state = step.state
    frame = state.frames[act.frame]
    scope = state.scope_of(frame)
    transition = _net(scope).transitions[act.transition]
    bound: Variables = {name: freeze(value) for name, value in act.locals.items()}
    binding = Binding(bound, act.consumed)
    produced = _produced(transition, binding, result, step.at)
    step.emit(FiringEnded(act.key, produced))
    step.pages[frame.key] = None
    _tell_others(step, frame, scope, {place for place, _, _ in produced})


def _complete_page(step: Step, frame: Frame, scope: Scope) -> None:
    token, _ = next(iter(frame.bags[scope.exit]))
    result = thaw(token)
    owner = step.state.acts[frame.act]
    if not isinstance(result, dict):
        text = f"Expected a record on the exit port of the page, but found {result!r:.80}."
        outer = step.state.frames[owner.frame]
        stuck = Stuck("page", text)
        raise_incident(step, outer, owner.key, step.state.node_of(owner), stuck)
        return
    step.emit(FrameClosed(frame.key))
    complete(step, step.state.acts[frame.act], result)


def _next_wake(frame: Frame, net: CompiledNet, at: Instant) -> Instant:
    wakes = []
    for transition in net.transitions:
        ready = transition.ready_at(frame.bags)
        if ready is not None and ready > at:
            wakes.append(ready)
    return min(wakes, default=NO_TIME)


def _net(scope: Scope) -> CompiledNet:
    assert scope.net is not None, "a page has a net"
    return scope.net
