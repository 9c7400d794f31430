"""What a repair of a running process says of itself, sentence by sentence."""

from collections.abc import Callable

from fabloop.base.instant import Instant, span_text
from fabloop.base.money import money_text
from fabloop.model.explanation import Explanation, RepairCode

_Say = Callable[[Explanation, Instant], str]


def _plain(form: str) -> _Say:
    def say(it: Explanation, now: Instant) -> str:
        del now
        return form.format_map({"subject": it.subject, **it.details})

    return say


def _steps(where: str) -> _Say:
    """Return a sentence about steps, where they stand, their price and the delay."""

    def say(it: Explanation, now: Instant) -> str:
        del now
        told = it.details
        price = money_text(int(told["cost_minor"]), told["currency"])
        delay = span_text(int(told["delay_ns"]))
        place = where.format_map(told)
        return f"{it.subject} {place}: {told['steps']}. It costs {price} and takes {delay} longer."

    return say


def _too_slow(it: Explanation, now: Instant) -> str:
    del now
    delay, left = (span_text(int(it.details[each])) for each in ("delay_ns", "left_ns"))
    return f"{it.subject} takes {delay} longer, but {left} are left."


def _unanswered(it: Explanation, now: Instant) -> str:
    del now
    waited = span_text(int(it.details["waited_ns"]))
    done = _DONE.get(it.details["instead"], it.details["instead"])
    return f"{it.details['who']} did not answer within {waited}: {it.subject} is {done}."


_DONE = {"hold": "held", "cancel": "cancelled"}


REPAIR: dict[str, _Say] = {
    RepairCode.NEED_UNMET: _plain("{subject} needs '{condition}', but found: {found}."),
    RepairCode.GOAL_UNMET: _plain("The goal '{condition}' of {subject} is missed; found: {found}."),
    RepairCode.STEPS_BEFORE: _steps("puts before {nodes}"),
    RepairCode.STEPS_BESIDE: _steps("puts beside {nodes}"),
    RepairCode.STEPS_INSTEAD: _steps("puts in the place of {nodes}"),
    RepairCode.TOO_SLOW: _too_slow,
    RepairCode.PRICE_UNKNOWN: _plain(
        "Cost or duration of {action} is not known; the highest known is assumed."
    ),
    RepairCode.LEARNED: _plain("{subject} has helped before (pattern {pattern})."),
    RepairCode.RUNG_TRIED: _plain("{subject}: {rung} was no way out, because {why}."),
    RepairCode.NOBODY_ANSWERED: _unanswered,
}
