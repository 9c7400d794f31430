"""English sentences for how goals stand, and why."""

from fabloop.app.saying import Say, plain, with_evidence
from fabloop.model.explanation import GoalCode

GOALS: dict[str, Say] = {
    GoalCode.MET: with_evidence("{subject} ({title}) is met for {what} {key}"),
    GoalCode.LATE: with_evidence(
        "{subject} ({title}) is missed for {what} {key}: {event} was to be by {deadline}"
    ),
    GoalCode.UNREACHABLE: with_evidence(
        "{subject} ({title}) cannot be met any more for {what} {key}: {event} cannot be before"
        " {soonest}, but was to be by {deadline}"
    ),
    GoalCode.ENDED_WITHOUT: plain(
        "{subject} ({title}) is missed for {what} {key}: it has ended without {event}."
    ),
    GoalCode.HAPPENED: plain(
        "{subject} ({title}) is missed for {what} {key}: {event} happened at {since}, more often"
        " than it may."
    ),
    GoalCode.TOO_EARLY: with_evidence(
        "{subject} ({title}) is missed for {what} {key}: {event} came too early"
    ),
    GoalCode.OUT_OF_ORDER: plain(
        "{subject} ({title}) is missed for {what} {key}: {event} came first, at {since}."
    ),
    GoalCode.CONDITION_FALSE: plain(
        "{subject} ({title}) is missed for {what} {key}: its condition is false since {since}."
    ),
    GoalCode.PARTS_LOST: plain(
        "{subject} ({title}) cannot be met for {what} {key}, because of {parts}."
    ),
    GoalCode.PARTS_AT_RISK: plain(
        "{subject} ({title}) is in danger for {what} {key}, because of {parts}."
    ),
    GoalCode.AT_RISK: with_evidence(
        "{subject} ({title}) is in danger for {what} {key} (risk {risk}; known from: {source}):"
        " '{event}' is expected at {expected}, but was to be by {deadline}"
    ),
    GoalCode.TIME_RUNS_OUT: with_evidence(
        "{subject} ({title}) is in danger for {what} {key} (risk {risk}): {event} is to be by"
        " {deadline}, and nobody can say when it will"
    ),
    GoalCode.KPI_MISSED: with_evidence("{subject} ({title}) is missed for {key}"),
    GoalCode.KPI_AT_RISK: with_evidence("{subject} ({title}) is in danger for {key}"),
    GoalCode.CONTRARY: plain(
        "{goals} cannot all be met as soon as there is '{trigger}': they leave {missing} too"
        " little."
    ),
    GoalCode.TOO_TIGHT: plain(
        "{goals} cannot be met: '{event}' cannot be before {least} after '{trigger}' by the model"
        " of {process} (along {path}); {missing} is missing."
    ),
    GoalCode.NEVER_BUT_MUST: plain(
        "{goals} cannot all be met as soon as there is '{trigger}': '{event}' must and must not"
        " happen."
    ),
    GoalCode.CONDITIONS_CLASH: plain(
        "{goals} cannot all be met: no value of {variable} fulfils {conditions}."
    ),
    GoalCode.PART_LOOSER: plain(
        "{subject} allows {own}, but serves {above}, which allows {allowed} only: it can be met"
        " while {above} is missed."
    ),
    GoalCode.LIMITS_CLASH: plain("{goals} cannot all be met: no figure is {limits}."),
    GoalCode.NODE_UNKNOWN: plain(
        "{subject} cannot happen: the models have no node '{node}'. {hint}"
    ),
    GoalCode.RESTORED: plain("{subject} ({title}) is out of danger for {what} {key}."),
}
"""One sentence per code of a goal."""
