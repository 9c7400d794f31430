"""How far calendars are read: at first for some months, and once further where a plan needs it."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from fabloop.base.instant import DAY, Instant
from fabloop.model.explanation import ReasonCode
from fabloop.model.plan import Exclusion, NotDecided, NotProducible
from fabloop.plan.statement.opening import AFTER_ALL, CALENDAR_AHEAD, CALENDAR_AHEAD_MAX

Answer = TypeVar("Answer")

BEYOND = (
    f"a plan would go on after the {CALENDAR_AHEAD_MAX // DAY} days that calendars are read ahead"
    f" ({AFTER_ALL // DAY} where there are none), infeasibility not proven"
)

_BY_HOURS = frozenset({ReasonCode.OPEN_TOO_SHORT, ReasonCode.SHIFT_TOO_SHORT})


class Unread(Exception):  # no fault: it asks to read on
    """A plan would go beyond the calendars that were read."""


def left_out(answer: object) -> Iterable[Exclusion]:
    """Return who is left out of an answer, where that is why there is no plan."""
    return answer.exclusions if isinstance(answer, NotProducible) else ()


def reading(
    solve: Callable[[int], Answer],
    now: Instant,
    until: Instant | None = None,
    barred: Callable[[Answer], Iterable[Exclusion]] = left_out,
) -> Answer | NotDecided:
    """Return the answer to a question that is asked again, with calendars read further, if needed.

    `solve` is told how far they are read. `until` is the latest instant that the question names;
    `barred` tells who was left out where there is no plan: somebody may be there long enough later.
    """
    spans = [CALENDAR_AHEAD, CALENDAR_AHEAD_MAX]
    if until is not None and until > now + CALENDAR_AHEAD:
        del spans[0]
    for ahead in spans:
        try:
            answer = solve(ahead)
        except Unread:
            continue
        hours = (reason.code in _BY_HOURS for each in barred(answer) for reason in each.reasons)
        if ahead == spans[-1] or not any(hours):
            return answer
    return NotDecided(limit=BEYOND)
