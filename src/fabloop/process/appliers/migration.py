"""The applier of a migration: everything in progress gets its new numbers."""

from msgspec.structs import replace

from fabloop.base.instant import Instant
from fabloop.process.appliers.scopes import page_bags, shared_bags
from fabloop.process.cpn.bag import Bag
from fabloop.process.definition import NOWHERE, DefinitionKey, Scope
from fabloop.process.deltas import Migrated, PageMap
from fabloop.process.kept import Completed, Kept
from fabloop.process.state import Act, Frame, Instance, State


def migrated(state: State, delta: Migrated, at: Instant) -> None:
    """Give everything in progress the numbers of its new definition."""
    old = state.instances[delta.instance]
    target = state.definitions[DefinitionKey(delta.id, delta.version)]
    shared = list(shared_bags(target, at))
    for bag, number in zip(old.shared, delta.shared, strict=True):
        if number != NOWHERE:
            shared[number] = bag
    correlation = old.correlation
    if correlation and delta.id != old.definition.id:  # it no longer stands for its key there
        state.drop(state.locks, (old.definition.id, correlation))
        correlation = ""
    instance = replace(old, definition=target.key, shared=tuple(shared), correlation=correlation)
    state.put(state.instances, old.key, instance)
    for key in instance.frames:
        _migrate_frame(state, state.frames[key], instance, delta, at)


def _migrate_frame(
    state: State, frame: Frame, instance: Instance, delta: Migrated, at: Instant
) -> None:
    scope = state.definitions[instance.definition].scopes[delta.scopes[frame.scope]]
    page = delta.pages.get(frame.scope)
    tokens = {delta.flows[flow]: count for flow, count in frame.tokens.items()}
    bags = _migrated_bags(frame, page, page_bags(scope, instance, at), scope) if page else ()
    done = {key: _migrated_done(each, delta) for key, each in frame.done.items()}
    moved = replace(frame, scope=scope.number, tokens=tokens, bags=bags, done=done)
    state.put(state.frames, frame.key, moved)
    if frame.incident:
        _migrate_incident(state, frame.incident, delta.nodes)
    for key in frame.acts:
        _migrate_act(state, state.acts[key], page, delta)


def _migrated_done(done: Completed, delta: Migrated) -> Completed:
    kept = _migrated_kept(done.kept, delta) if done.kept else None
    return Completed(delta.nodes[done.node], done.values, kept)


def _migrated_kept(kept: Kept, delta: Migrated) -> Kept:
    done = {key: _migrated_done(each, delta) for key, each in kept.done.items()}
    return Kept(delta.scopes[kept.scope], kept.variables, done)


def _migrated_bags(
    frame: Frame, page: PageMap, fresh: tuple[Bag, ...], scope: Scope
) -> tuple[Bag, ...]:
    kept = {new: old for old, new in enumerate(page.places) if new != NOWHERE}
    return tuple(
        frame.bags[kept[place]] if place in kept and shared == NOWHERE else fresh[place]
        for place, shared in enumerate(scope.fusion)
    )


def _migrate_act(state: State, act: Act, page: PageMap | None, delta: Migrated) -> None:
    nodes = delta.nodes
    moved = replace(act, node=nodes[act.node])
    if act.undo or act.kept:
        undo = tuple(_migrated_done(each, delta) for each in act.undo)
        kept = _migrated_kept(act.kept, delta) if act.kept else None
        moved = replace(moved, undo=undo, kept=kept)
    if page is not None and act.transition >= 0:
        consumed = tuple((page.places[place], value, at) for place, value, at in act.consumed)
        moved = replace(moved, transition=page.transitions[act.transition], consumed=consumed)
    state.put(state.acts, act.key, moved)
    for key in act.timers:
        timer = state.timers[key]
        state.put(state.timers, key, replace(timer, node=nodes[timer.node]))
    for key in act.subscriptions:
        waits = state.subscriptions[key]
        state.put(state.subscriptions, key, replace(waits, node=nodes[waits.node]))
    for key in act.signals:
        signal = state.signals[key]
        state.put(state.signals, key, replace(signal, node=nodes[signal.node]))
    for key in act.conditions:
        condition = state.conditions[key]
        state.put(state.conditions, key, replace(condition, node=nodes[condition.node]))
    if act.incident:
        _migrate_incident(state, act.incident, nodes)


def _migrate_incident(state: State, key: int, nodes: dict[int, int]) -> None:
    incident = state.incidents[key]
    state.put(state.incidents, key, replace(incident, node=nodes[incident.node]))
