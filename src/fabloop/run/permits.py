"""What controllers answer when they are asked again at the moment of a command."""

from collections.abc import Iterable, Mapping

import msgspec

from fabloop.base.instant import SECOND, Instant
from fabloop.model.explanation import Explanation, SafetyCode
from fabloop.model.ids import ControllerId
from fabloop.model.safety import Permit, SafetyRules, Target
from fabloop.run.permissives import Verdict, Withheld
from fabloop.run.safety_words import Claim, command_number

LOOK_AGAIN_NS = SECOND // 20
"""A signal that was asked for longer ago is asked for again before a command leaves."""

PERMIT_HEADER = "Fabloop-Permit"
"""Header of a call with the permits of controllers that decide, such as ``cell=17/4``."""
PERMIT_ARGUMENT = "Permit"
"""The input argument of an OPC UA method with the same line, where its description has one."""
PERMIT_FAILED, PERMIT_REQUIRED = 412, 428
"""How a service refuses a command by what it carries: Precondition Failed (RFC 9110) where that
does not stand, Precondition Required (RFC 6585) where it carries nothing."""
PERMIT_REASON = "permit-refused"
"""What the reason of an OPC UA machine begins with that refuses a job by what it carries."""


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """The controller answered to a question that was asked at `at`.

    One that decides by itself has granted a claim, on the permit of that number.
    """

    at: Instant
    permit: int = 0
    claim: int = 0


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The controller answered that it does not want the command."""


class Unanswered(msgspec.Struct, frozen=True, kw_only=True):
    """It did not answer in time, or its line is down."""


Answer = Confirmed | Refused | Unanswered


def claims_of(target: Target, rules: SafetyRules) -> Mapping[ControllerId, Claim]:
    """Return what a command requires of each controller, as claims without a number."""
    true: dict[ControllerId, int] = {}
    false: dict[ControllerId, int] = {}
    for each in rules.permissives:
        for one in each.requires if each.speaks_of(target) else ():
            controller = rules.controller_of(one.signal)
            bit = next(known.bit for known in controller.signals if known.id == one.signal)
            side = true if one.wanted else false
            side[controller.id] = side.get(controller.id, 0) | 1 << bit
    keys, command = dict.fromkeys((*true, *false)), command_number(target)
    return {
        key: Claim(true=true.get(key, 0), false=false.get(key, 0), command=command) for key in keys
    }


def confirmed(
    verdict: Verdict, answers: Mapping[ControllerId, Answer], rules: SafetyRules
) -> Verdict:
    """Withhold what a controller does not confirm at the moment of the command; no is the rule."""
    if isinstance(verdict, Withheld):
        return verdict
    against = tuple(_against(answers, rules))
    if against:
        return Withheld(reasons=against)
    carried = tuple(
        Permit(controller=key, number=each.permit, claim=each.claim)
        for key, each in answers.items()
        if isinstance(each, Confirmed) and each.claim
    )
    return msgspec.structs.replace(verdict, permits=carried)


def _against(answers: Mapping[ControllerId, Answer], rules: SafetyRules) -> Iterable[Explanation]:
    for key, each in answers.items():
        controller = rules.controllers[key]
        if isinstance(each, Refused):
            yield Explanation(code=SafetyCode.CLAIM_REFUSED, subject=controller.label)
        elif isinstance(each, Unanswered):
            within = f"{controller.confirm_ns / SECOND:g} s"
            details = {"within": within}
            code = SafetyCode.NOT_CONFIRMED
            yield Explanation(code=code, subject=controller.label, details=details)


def permits_text(permits: Iterable[Permit]) -> str:
    """Return permits as a command carries them in one line, such as ``cell=17/4``."""
    return ", ".join(f"{each.controller}={each.number}/{each.claim}" for each in permits)
