"""Timers that are due: what they let happen, and when they are due again."""

import msgspec

from fabloop.base.instant import Instant
from fabloop.process.awaited import Opening, Timer
from fabloop.process.begin import begin, may_begin
from fabloop.process.commands import DatesSkipped, TimerFired
from fabloop.process.deltas import TimerCleared
from fabloop.process.event_deltas import OpeningMoved, TimerMoved
from fabloop.process.schedule import ENDLESS, following
from fabloop.process.state import NO_TIME
from fabloop.process.step import INSTRUCTIONS_PER_TRIGGER_MAX, Step
from fabloop.process.watch import event_of, happen

MISSED_DATES_MAX = 100
"""Dates of a cycle that happen late, one after another; then those until now are skipped."""


class Next(msgspec.Struct, frozen=True):
    """When a cycle is due again, and how many dates are left and have been late.

    `skipped` is the first date that does not happen (0: none).
    """

    due: Instant
    left: int
    late: int
    skipped: Instant = NO_TIME


def next_of(timer: Timer | Opening, now: Instant) -> Next | None:
    """Return when a timer that fires is due again; None when it was the last time."""
    if not timer.rule or timer.left == 1:
        return None
    try:
        due, passed = following(timer.rule, timer.due, timer.due)
        left = timer.left if timer.left == ENDLESS else timer.left - passed
        late = timer.late + 1 if due <= now else 0
        if late < MISSED_DATES_MAX:
            return Next(due, left, late) if due else None
        ahead, passed = following(timer.rule, due, now)
    except (ValueError, OverflowError):  # beyond the calendar
        return None
    left = left if left == ENDLESS else left - passed
    over = not ahead or (left != ENDLESS and left <= 0)
    return Next(NO_TIME if over else ahead, left, 0, due)


def fire_timer(step: Step, key: int, now: Instant) -> None:
    """Let the event of a timer happen."""
    state = step.state
    timer = state.timers[key]
    act = state.acts[timer.act]
    instance, event = state.instance_of(act), event_of(state, act, timer.node)
    step.trigger(instance)
    step.notices.append(TimerFired(instance=instance.key, node=event.id, due=timer.due))
    following = next_of(timer, now)
    if following is not None and following.skipped:
        _note_skipped(step, instance.definition.id, instance.key, event.id, following)
    if following is None or not following.due:
        step.emit(TimerCleared(key))
    else:
        step.emit(TimerMoved(key, following.due, following.left, following.late))
    happen(step, state.acts[act.key], event, {})


def fire_opening(step: Step, key: int, now: Instant) -> None:
    """Start an instance whose date has come; a suspended process lets its dates pass."""
    state = step.state
    opening = state.openings[key]
    definition = state.definitions[opening.definition]
    node = definition.nodes[opening.node]
    following = next_of(opening, now) or Next(NO_TIME, 0, 0)
    if following.skipped:
        _note_skipped(step, definition.id, 0, node.id, following)
    step.focus("definitions")
    step.budget = INSTRUCTIONS_PER_TRIGGER_MAX
    step.emit(OpeningMoved(key, following.due, following.left, following.late))
    if may_begin(state, opening):
        instance = begin(step, opening, {})
        step.notices.append(TimerFired(instance=instance, node=node.id, due=opening.due))


def _note_skipped(step: Step, process: str, instance: int, node: str, following: Next) -> None:
    notice = DatesSkipped(
        process=process,
        instance=instance,
        node=node,
        first=following.skipped,
        until=following.due,
    )
    step.notices.append(notice)
