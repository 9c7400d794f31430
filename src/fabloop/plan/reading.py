"""How far calendars are read: at first for some months, and once further where a plan needs it."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from fabloop.base.instant import DAY, Instant
from fabloop.model.explanation import ReasonCode
from fabloop.model.plan import Exclusion, NotDecided, NotProducible
from fabloop.model.site import Network
from fabloop.plan.statement.opening import (
    AFTER_ALL,
    CALENDAR_AHEAD,
    CALENDAR_AHEAD_MAX,
    opens_after,
)

Answer = TypeVar("Answer")

BEYOND = (
    f"a plan would go on after the {CALENDAR_AHEAD_MAX // DAY} days that calendars are read ahead"
    f" ({AFTER_ALL // DAY} where there are none), infeasibility not proven"
)

_HOURS = frozenset({"calendar", "shift"})
_BY_HOURS = frozenset({ReasonCode.OPEN_TOO_SHORT, ReasonCode.SHIFT_TOO_SHORT})


class Unread(Exception):  # no fault: it asks to read on
    """A plan would go beyond the calendars that were read."""


def left_out(answer: object) -> Iterable[Exclusion]:
    """Return who is left out of an answer, where that is why there is no plan."""
    return answer.exclusions if isinstance(answer, NotProducible) else ()


def reading(
    solve: Callable[[int], Answer],
    now: Instant,
    network: Network,
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
        if not is_left_open(answer, barred(answer), network, now, ahead):
            return answer
    return NotDecided(limit=BEYOND)


def is_left_open(
    answer: object, left: Iterable[Exclusion], network: Network, now: Instant, ahead: int
) -> bool:
    """Tell whether somebody who was left out may be there for long enough after what was read."""
    if ahead < CALENDAR_AHEAD_MAX:
        return any(reason.code in _BY_HOURS for each in left for reason in each.reasons)
    if isinstance(answer, NotProducible) and _stands(answer):
        return False
    hours = (each for each in left if all(reason.code in _BY_HOURS for reason in each.reasons))
    return opens_after({each.work_unit for each in hours}, network, Instant(now + ahead))


def _stands(answer: NotProducible) -> bool:
    """Tell whether there is no plan for a reason that no working time changes."""
    return any(
        all(reason.details.get("parameter") not in _HOURS for reason in conflict)
        for conflict in answer.conflicts
    )
