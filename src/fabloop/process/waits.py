"""Views of what is waited for: by a node in progress, and by the start events of processes."""

from enum import StrEnum

import msgspec

from fabloop.base.instant import Instant
from fabloop.process.awaited import OpeningKind
from fabloop.process.definition import DefinitionKey
from fabloop.process.state import Act, State
from fabloop.process.trigger import OnCondition
from fabloop.process.watch import event_of


class WaitKind(StrEnum):
    """What is waited for."""

    MESSAGE = "message"
    SIGNAL = "signal"
    TIMER = "timer"
    CONDITION = "condition"


class TimerView(msgspec.Struct, frozen=True, kw_only=True):
    """A running timer and the event it makes happen.

    One that is due again by `rule` has `left` dates to come (-1: no end).
    """

    key: int
    node: str
    due: Instant
    rule: str = ""
    left: int = 1


class WaitView(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is armed, timers apart.

    Attributes
    ----------
    name : of the message or signal, or the text of the condition
    correlation : the key of the message
    held : how often it came while the instance was suspended
    """

    key: int
    node: str
    kind: WaitKind
    name: str
    correlation: str = ""
    held: int = 0


class OpeningView(msgspec.Struct, frozen=True, kw_only=True):
    """A start event that is armed, by its process; `name`, `due`, `rule`, `left` as above."""

    key: int
    definition: DefinitionKey
    node: str
    kind: WaitKind
    name: str
    due: Instant
    rule: str
    left: int


def timers_of(state: State, act: Act) -> tuple[TimerView, ...]:
    """Return the timers that run for a node in progress."""
    timers = [state.timers[key] for key in act.timers]
    return tuple(
        TimerView(
            key=each.key,
            node=event_of(state, act, each.node).id,
            due=each.due,
            rule=each.rule,
            left=each.left,
        )
        for each in timers
    )


def waits_of(state: State, act: Act) -> tuple[WaitView, ...]:
    """Return what else a node in progress waits for."""
    found = [
        WaitView(
            key=each.key,
            node=event_of(state, act, each.node).id,
            kind=WaitKind.MESSAGE,
            name=each.name,
            correlation=each.correlation,
            held=len(each.held),
        )
        for each in (state.subscriptions[key] for key in act.subscriptions)
    ]
    found += [
        WaitView(
            key=each.key,
            node=event_of(state, act, each.node).id,
            kind=WaitKind.SIGNAL,
            name=each.name,
            held=len(each.held),
        )
        for each in (state.signals[key] for key in act.signals)
    ]
    found += [_condition(state, act, key) for key in act.conditions]
    return tuple(found)


def _condition(state: State, act: Act, key: int) -> WaitView:
    event = event_of(state, act, state.conditions[key].node)
    trigger = getattr(event.action, "trigger", None)
    assert isinstance(trigger, OnCondition), "a condition was armed"
    return WaitView(key=key, node=event.id, kind=WaitKind.CONDITION, name=trigger.formula.text)


def openings_of(state: State) -> tuple[OpeningView, ...]:
    """Return the start events that are armed, in the order of deployment."""
    return tuple(
        OpeningView(
            key=each.key,
            definition=each.definition,
            node=state.definitions[each.definition].nodes[each.node].id,
            kind=_KINDS[each.kind],
            name=each.name,
            due=each.due,
            rule=each.rule,
            left=each.left,
        )
        for each in state.openings.values()
    )


_KINDS = {
    OpeningKind.MESSAGE: WaitKind.MESSAGE,
    OpeningKind.SIGNAL: WaitKind.SIGNAL,
    OpeningKind.TIMER: WaitKind.TIMER,
    OpeningKind.CONDITION: WaitKind.CONDITION,
}
