"""Asks controllers once more at the moment of a command, and waits for them a bounded time."""

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import Future

from fabloop.adapters.modbus.safety import Question, SafetyLine
from fabloop.base.instant import SECOND, Instant
from fabloop.model.ids import ControllerId
from fabloop.model.safety import SafetyRules, Sight
from fabloop.run.permits import LOOK_AGAIN_NS, Answer, Confirmed, Refused, Unanswered
from fabloop.run.safety_words import Claim


def asked_again(
    claims: Mapping[ControllerId, Claim],
    rules: SafetyRules,
    sights: Mapping[ControllerId, Sight],
    lines: Mapping[ControllerId, SafetyLine],
    loop: asyncio.AbstractEventLoop,
    now: Instant,
) -> dict[ControllerId, Answer]:
    """Return what the controllers of a command answer; what was told just now is not asked again.

    A controller that decides by itself is asked in any case.
    """
    found: dict[ControllerId, Answer] = {}
    asked: dict[ControllerId, tuple[Future[Answer], float]] = {}
    for key, claim in claims.items():
        controller, told_at = rules.controllers[key], _told_at(sights.get(key))
        known_ns = min(LOOK_AGAIN_NS, controller.confirm_ns // 2)
        if not controller.decides and told_at is not None and 0 <= now - told_at <= known_ns:
            found[key] = Confirmed(at=told_at)
            continue
        question = Question(claim=claim)
        loop.call_soon_threadsafe(lines[key].ask, question)
        asked[key] = (question.answer, time.monotonic() + controller.confirm_ns / SECOND)
    for key, (answer, until_s) in asked.items():
        try:
            found[key] = answer.result(max(0.0, until_s - time.monotonic()))
        except TimeoutError:
            found[key] = Unanswered()
    return found


def still_good(
    answers: Mapping[ControllerId, Answer],
    rules: SafetyRules,
    permits: Mapping[ControllerId, int],
) -> dict[ControllerId, Answer]:
    """Return the answers again, refused where the permit is another one by now."""
    return {
        key: Refused()
        if isinstance(each, Confirmed)
        and rules.controllers[key].decides
        and permits.get(key) != each.permit
        else each
        for key, each in answers.items()
    }


def good_for_ns(answers: Mapping[ControllerId, Answer], rules: SafetyRules, now: Instant) -> int:
    """Return how long a verdict on these answers is good from now on; it may be over."""
    left = [
        each.at + rules.controllers[key].confirm_ns - now
        for key, each in answers.items()
        if isinstance(each, Confirmed)
    ]
    return min(left, default=0)


def _told_at(sight: Sight | None) -> Instant | None:
    return (
        None if sight is None else min((each.at for each in sight.signals.values()), default=None)
    )
