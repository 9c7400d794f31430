"""The words for why a command is withheld, and for why a person is not given a job."""

from fabloop.model.explanation import DispatchCode, SafetyCode
from fabloop.model.safety import SafetyRules


def guarded_text(rules: SafetyRules | None) -> str:
    """Return what a simulated story says of permissives before it begins."""
    if rules is None:
        return "No safety document: the machines are simulated, and nothing real is commanded."
    named = [each for each in rules.permissives if each.work_unit is not None]
    guarded = {each.work_unit for each in named if each.requires}
    free = {each.work_unit for each in named} - guarded
    return (
        f"Safety: {len(guarded)} work units are guarded, {len(free)} declared free of permissives."
    )


PLAIN: dict[str, str] = {
    SafetyCode.DECLARED_FREE: "{subject} needs no permissive: {why}.",
    SafetyCode.NO_SAFETY_DOCUMENT: (
        "{subject} is withheld: no safety document says what it requires. Begin one with "
        "`fabloop safety draft`, and say in it what commands require or why they require nothing."
    ),
    SafetyCode.SIMULATED: "{subject} is simulated by this program: it moves nothing.",
    SafetyCode.NOT_DECLARED: (
        "{subject} is withheld: no permissive is declared for it. Declare what it requires, or why "
        "it requires nothing."
    ),
    SafetyCode.CONTROLLER_STOPPED: "{subject} does not run: it is {state}.",
    SafetyCode.PERSON_NOT_NAMED: "{subject}: a stop is ended by a person. Say who, with --by.",
    SafetyCode.VERDICT_TOO_SLOW: (
        "{subject} is withheld: each verdict was old by the time it was given. Give the program "
        "more of the machine."
    ),
    SafetyCode.NOT_CONFIRMED: (
        "{subject} did not answer within {within} when it was asked again at the moment of the "
        "command. Look at its line; the command may be given again."
    ),
    SafetyCode.CLAIM_REFUSED: (
        "{subject} itself refuses the command: something fell, or it does not want it now."
    ),
    SafetyCode.PERMIT_REFUSED: "{subject} itself refuses the command by its permit: {why}",
    SafetyCode.PERMIT_MISSING: (
        "{command} came without a permit of {subject}. Let the controller decide on it before it "
        "is sent, and send what it has granted."
    ),
    SafetyCode.PERMIT_UNREADABLE: (
        "{subject} came with '{found}', which is no list of permits such as cell=17/4."
    ),
    SafetyCode.PERMIT_UNCHECKED: (
        "{subject} does not answer, or its heart stands still: the permit of {command} cannot be "
        "checked, so nothing is done."
    ),
    SafetyCode.PERMIT_OVER: (
        "{command} came with permit {permit} of {subject}, but that is over: permit {shown} holds "
        "since something fell. Ask for a new one."
    ),
    SafetyCode.PERMIT_UNKNOWN: (
        "{command} came with permit {permit} of {subject}, which it has not granted lately. Ask "
        "for a new one."
    ),
    SafetyCode.PERMIT_FOREIGN: (
        "{command} came with permit {permit} of {subject}, which was granted for another command."
    ),
    SafetyCode.PERMIT_USED: (
        "{command} came with permit {permit} of {subject}, with which another command came before."
    ),
    SafetyCode.NOTHING_TO_RESET: "{subject}: no stop stands there.",
    DispatchCode.QUALIFICATION_MISSING: "{subject} lacks the qualification {qualification}.",
    DispatchCode.ALL_PERSONS_REST: "Everybody with the skill {skill} at {subject} has to rest.",
    DispatchCode.NOBODY_WITHIN_LIMITS: (
        "Nobody with the skill {skill} at {subject} may take it now: qualifications or the limits "
        "of the shift stand against it. Each person is told the own reason."
    ),
}
"""Sentences that say all themselves."""

WITH_EVIDENCE: dict[str, str] = {
    SafetyCode.PERMITTED: "{subject} is permitted",
    SafetyCode.SIGNAL_MISSING: "{subject} has not told {signal}",
    SafetyCode.SIGNAL_BAD: "{subject} says itself that {signal} cannot be relied on",
    SafetyCode.SIGNAL_STALE: "{subject} told {signal} too long ago",
    SafetyCode.SIGNAL_FROM_FUTURE: "{subject} told {signal} with a time that has not come",
    SafetyCode.SIGNAL_CONTRARY: "{subject}: {signal} has to be {wanted}",
    SafetyCode.HEARTBEAT_LOST: "{subject} is not heard any more",
    SafetyCode.STOP_STANDS: "{subject} stands ({cause} by {by}: {why}) until a person resets it",
    SafetyCode.STOP_NOT_CONFIRMED: (
        "{subject} has not confirmed the stop that was asked for ({why}): use the emergency stop"
    ),
    DispatchCode.QUALIFICATION_EXPIRED: "{subject} has {qualification} no longer",
    DispatchCode.EXPOSURE_REACHED: "{subject} would have too much of {exposure} in this shift",
    DispatchCode.REST_NEEDED: "{subject} rests",
}
"""Sentences that the values follow."""
