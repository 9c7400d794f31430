"""What rungs of an adaptation policy say of a plan in danger, as sentences."""

from fabloop.app.saying import Say, plain
from fabloop.base.instant import Instant, span_text
from fabloop.base.money import money_text
from fabloop.model.explanation import Explanation, RungCode, SeverityCode


def _late(it: Explanation, now: Instant) -> str:
    del now
    return f"{it.subject} can go on as it is, {span_text(int(it.details['late_ns']))} late."


def _priced(what: str) -> Say:
    def say(it: Explanation, now: Instant) -> str:
        del now
        money = money_text(int(it.details["cost_minor"]), it.details["currency"])
        return f"{it.subject} {what}: {money} more, {span_text(int(it.details['delay_ns']))} later."

    return say


RUNGS: dict[str, Say] = {
    RungCode.NOT_TOLERABLE: plain("{subject} cannot go on as it is."),
    RungCode.LATE_ONLY: _late,
    RungCode.NOTHING_TO_RETRY: plain(
        "Nothing of {subject} has failed that could be tried again: the cause stands."
    ),
    RungCode.NO_OTHER_UNIT: plain(
        "No other work unit of the same kind and area can take over with all else of {subject} as "
        "it is."
    ),
    RungCode.REBOUND: _priced("moves the work to other work units of the same area"),
    RungCode.REPLANNED: _priced("is another way to finish"),
    RungCode.NO_OTHER_PLAN: plain("There is no other plan in the place of {subject}."),
    RungCode.NOT_ALLOWED: plain("The policy does not allow {subject}, and nobody may approve it."),
    RungCode.LEFT_TO_PERSON: plain("The policy leaves it to {who}."),
    RungCode.HELD: plain("{subject} is held: no rung of the policy has helped."),
    SeverityCode.SAFETY_CONCERNED: plain("people may be in danger: {subject}"),
    SeverityCode.STANDS: plain("{subject} can do nothing any more"),
    SeverityCode.GOAL_LOST: plain("missed for good: {subject}"),
    SeverityCode.GOAL_AT_STAKE: plain("in danger: {subject}"),
    SeverityCode.NOT_FIT: plain("{subject} is not fit for its work any more"),
    SeverityCode.SPENT: plain("lost for good: {subject}"),
    SeverityCode.MANY_CONCERNED: plain("it is about {subject}"),
    SeverityCode.NOTHING_AT_STAKE: plain("no goal is in danger"),
    RungCode.SILENCE: plain("{subject} is held: {who} did not answer in time."),
}
