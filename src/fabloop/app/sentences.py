"""English sentences for every reason and option; the core speaks in codes and values only."""

from collections.abc import Mapping

from fabloop.app.binding_words import BINDING
from fabloop.app.change_words import CHANGES
from fabloop.app.discovery_words import DISCOVERY
from fabloop.app.goal_words import GOALS
from fabloop.app.ground_words import (
    not_wished,
    site_lacks,
    site_misses,
    site_only,
    wish_best,
    wish_in_the_way,
    wish_leaves_nobody,
)
from fabloop.app.labelling import labelled, option_labelled
from fabloop.app.labels import NO_LABELS
from fabloop.app.labels import labels_of as labels_of
from fabloop.app.option_words import clause, price_text
from fabloop.app.repair_words import REPAIR
from fabloop.app.rung_words import RUNGS
from fabloop.app.safety_texts import PLAIN, WITH_EVIDENCE
from fabloop.app.saying import Say
from fabloop.app.saying import plain as _plain
from fabloop.app.saying import spanning as _spanning
from fabloop.app.saying import with_evidence as _with_evidence
from fabloop.app.value_texts import age_text as age_text
from fabloop.app.value_texts import evidence_text as evidence_text
from fabloop.app.value_texts import instant_text as instant_text
from fabloop.app.value_texts import money_text as money_text
from fabloop.app.value_texts import name_text as name_text
from fabloop.app.value_texts import value_text as value_text
from fabloop.base.instant import SECOND, Instant, span_text
from fabloop.model.explanation import (
    ConditionCode,
    DangerCode,
    DispatchCode,
    Evidence,
    Explanation,
    MarketCode,
    Option,
    ReasonCode,
    UndoCode,
)


def _shift(explanation: Explanation, now: Instant) -> str:
    never = explanation.details.get("open") == span_text(0)
    form = (
        "{subject} takes {takes}, but while it is open nobody with the skill {skill} is at {site}."
        if never
        else "At {site} somebody with the skill {skill} is there for {open} at a stretch at most,"
        " but {takes} is needed."
    )
    return _plain(form)(explanation, now)


def sentence(explanation: Explanation, now: Instant, labels: Mapping[str, str] = NO_LABELS) -> str:
    """Return what the explanation says, with ages as of `now`; options follow it.

    An id that `labels` knows is shown by its label. An unknown code is shown as such with its
    details: hiding a reason would be worse.
    """
    explanation = labelled(explanation, labels)
    say = REASONS.get(explanation.code)
    if say is None:
        return f"{explanation.code}: {explanation.subject} {_listed(explanation.details)}".strip()
    text = say(explanation, now)
    helps = [option_sentence(each, labels) for each in explanation.options]
    return " ".join([text, *helps])


def option_sentence(option: Option, labels: Mapping[str, str] = NO_LABELS) -> str:
    """Return what would have to be done, with its cost, and whether that was verified."""
    named = [option_labelled(each, labels) for each in (option, *option.also)]
    steps = [clause(each) for each in named]
    text = " and ".join(steps)
    text = text[0].upper() + text[1:]
    text += price_text(option)
    if option.cost_minor is not None:
        text += f"; the product then costs {money_text(option.cost_minor, option.currency)}"
    return text + ("." if option.verified else " (not verified).")


def _listed(details: Mapping[str, str]) -> str:
    return ", ".join(f"{key} {value}" for key, value in details.items())


def _parameter(explanation: Explanation) -> str:
    return name_text(explanation.details.get("parameter", ""))


def _shown(explanation: Explanation, now: Instant) -> str:
    return "; ".join(evidence_text(each, now) for each in explanation.evidence)


def _limit(explanation: Explanation) -> str:
    for each in explanation.evidence:
        if each.limit is not None:
            return value_text(each.limit, each.dimension)
    return "–"


def _first(explanation: Explanation) -> Evidence:
    return explanation.evidence[0] if explanation.evidence else Evidence(subject="", parameter="")


def _exceeded(explanation: Explanation, now: Instant) -> str:
    return f"{explanation.subject}: {_parameter(explanation)} {_shown(explanation, now)}."


def _out_of_span(explanation: Explanation, now: Instant) -> str:
    del now
    first = _first(explanation)
    value = value_text(first.value, first.dimension)
    limit = value_text(first.limit, first.dimension)
    return (
        f"{explanation.subject}: {_parameter(explanation)} must be {first.relation} {limit}, "
        f"but {value} is needed."
    )


def _not_among(explanation: Explanation, now: Instant) -> str:
    del now
    first = _first(explanation)
    return (
        f"{explanation.subject} accepts {_parameter(explanation)} {first.limit}, "
        f"but {first.value} is needed."
    )


def _not_stated(explanation: Explanation, now: Instant) -> str:
    del now
    return (
        f"{explanation.subject} does not state its {_parameter(explanation)} "
        f"(limit {_limit(explanation)})."
    )


def _unmeasured(explanation: Explanation, now: Instant) -> str:
    del now
    return (
        f"{explanation.subject}: {_parameter(explanation)} is monitored, but was never measured "
        f"(limit {_limit(explanation)})."
    )


def _stale(explanation: Explanation, now: Instant) -> str:
    return (
        f"{explanation.subject}: {_parameter(explanation)} {_shown(explanation, now)}, "
        "is too old to be used."
    )


def _from_future(explanation: Explanation, now: Instant) -> str:
    return (
        f"{explanation.subject}: {_parameter(explanation)} {_shown(explanation, now)}, "
        "carries a time that has not come yet."
    )


def _no_unit_meets(explanation: Explanation, now: Instant) -> str:
    details = explanation.details
    parameter = details["parameter"]
    counted = (
        f"{details['meeting']} of {details['with_skill']} work units that offer {details['skill']}"
    )
    if parameter in ASIDE:
        return f"{details['label']}: {counted} {ASIDE[parameter]}."
    nearest = "; ".join(
        f"{each.subject}: {evidence_text(each, now) or 'none'}" for each in explanation.evidence
    )
    return f"{details['label']}: {counted} meet {_parameter(explanation)}{_waterfall(details)}." + (
        f" Nearest: {nearest}." if nearest else ""
    )


def _waterfall(details: Mapping[str, str]) -> str:
    """Return how many are left after one demand after the other, where there are several."""
    _, *stages = details.get("waterfall", "").split("; ")
    if len(stages) < 2:
        return ""
    left = (stage.rpartition(" ") for stage in stages)
    counted = ", ".join(f"{count} after {name_text(name)}" for name, _, count in left)
    return f" (all demands together leave {counted})"


ASIDE = {
    "person": "have a person for it",
    "tool": "have the tools for it",
    "availability": "are available",
    "wish": "are allowed by the wishes",
}
"""Demands that are no parameters of a skill."""


def _no_route(explanation: Explanation, now: Instant) -> str:
    del now
    details = explanation.details
    return (
        "There is no way from a work unit that can do "
        f"{details['made_by']}{_counted(details, 'maker')} to one that can do "
        f"{details['taken_by']}{_counted(details, 'taker')}."
    )


def _counted(details: Mapping[str, str], role: str) -> str:
    """Return how many there are and at which sites, if that is told."""
    count, sites = details.get(f"{role}s"), details.get(f"{role}_sites")
    return f" ({count} at {sites})" if count and sites else ""


def _endangered(explanation: Explanation, now: Instant) -> str:
    details = explanation.details
    return (
        f"{explanation.subject} may no longer be done on {details['work_unit']}: "
        f"{_shown(explanation, now) or details['reasons']}."
    )


def _late(explanation: Explanation) -> str:
    value = _first(explanation).value
    return span_text(round(value * SECOND)) if isinstance(value, float) else "–"


def _changed(explanation: Explanation, now: Instant) -> str:
    before, after = explanation.evidence[0], explanation.evidence[-1]
    return (
        f"{explanation.subject}: {_parameter(explanation)} was "
        f"{value_text(before.value, before.dimension)} and is now {evidence_text(after, now)}."
    )


def _figure(explanation: Explanation, now: Instant) -> str:
    del now
    first = _first(explanation)
    return (
        f"{explanation.subject}: expected {_parameter(explanation)} {value_text(first.limit, None)}"
        f", but the plan says {value_text(first.value, None)}."
    )


def _no_tool(explanation: Explanation, now: Instant) -> str:
    """Say that the site has none, or that none of those it has fits the work unit."""
    some = any(each.value for each in explanation.evidence)
    text = "{site} has no {tool} that fits {subject}." if some else "{site} has no {tool}."
    return _plain(text)(explanation, now)


REASONS: dict[str, Say] = {
    ReasonCode.SKILL_NOT_OFFERED: _plain("{subject} does not offer {skill}."),
    ReasonCode.PARAMETER_NOT_STATED: _not_stated,
    ReasonCode.PARAMETER_UNKNOWN: _plain("{skill} knows no parameter {parameter}."),
    ReasonCode.PARAMETER_UNUSABLE: _plain(
        "{subject} states {parameter} in a form that cannot be compared."
    ),
    ReasonCode.OUT_OF_SPAN: _out_of_span,
    ReasonCode.NOT_AMONG: _not_among,
    ReasonCode.TOO_HIGH: _exceeded,
    ReasonCode.TOO_LOW: _exceeded,
    ReasonCode.KPI_TOO_HIGH: _exceeded,
    ReasonCode.KPI_TOO_LOW: _exceeded,
    ReasonCode.KPI_MISSING: _unmeasured,
    ReasonCode.KPI_STALE: _stale,
    ReasonCode.KPI_FROM_FUTURE: _from_future,
    ReasonCode.KPI_UNUSABLE: _plain(
        "{subject}: the live value of {parameter} is of another kind than the limit."
    ),
    ReasonCode.NO_PERSON: _plain("{subject} has no person with the skill {skill}."),
    ReasonCode.UNIT_UNAVAILABLE: _plain("{subject} is not available."),
    ReasonCode.TOOL_MISSING: _no_tool,
    ReasonCode.NOT_WISHED: not_wished,
    ReasonCode.WISH_BROKEN: _with_evidence("The plan breaks the wish {wish}"),
    ReasonCode.WISH_IN_THE_WAY: wish_in_the_way,
    ReasonCode.TOO_MANY_CHANGES: _plain(
        "{subject} needs {fewest} operations on other work units at least; at most {most} may move."
    ),
    ReasonCode.WISH_BEST: wish_best,
    ReasonCode.WISH_LEAVES_NOBODY: wish_leaves_nobody,
    ReasonCode.SITE_LACKS: site_lacks,
    ReasonCode.SITE_MISSES: site_misses,
    ReasonCode.SITE_ONLY: site_only,
    ReasonCode.NO_UNIT_WITH_SKILL: _plain("{label}: no work unit offers {skill}."),
    ReasonCode.NO_UNIT_MEETS: _no_unit_meets,
    ReasonCode.NO_ROUTE: _no_route,
    ReasonCode.CHOICE_CLASH: _plain(
        "{operation} on {work_unit} cannot be joined with the other choices by any way."
    ),
    ReasonCode.TOO_LATE: _spanning(
        "{label} cannot be made by the due time: {late} too late at least.", "late"
    ),
    ReasonCode.UNIT_BUSY: _spanning(
        "{subject} is taken by other work, {seconds} in all.", "seconds"
    ),
    ReasonCode.UNIT_CLOSED: _spanning(
        "{subject} is closed for {seconds} of the time until then.", "seconds"
    ),
    ReasonCode.OPEN_TOO_SHORT: _plain(
        "{subject} is open for {open} at a stretch at most, but {takes} is needed."
    ),
    ReasonCode.SHIFT_TOO_SHORT: _shift,
    ReasonCode.STEP_WHILE_CLOSED: _plain("{subject} is closed while it does {operation}."),
    ReasonCode.NOT_WITHIN_SITE: _plain(
        "Within {subject} no ways join work units that can do all of it."
    ),
    ReasonCode.STEP_ENDANGERED: _endangered,
    ReasonCode.STEP_MISSING: _plain("{subject} is planned {count} times instead of once."),
    ReasonCode.STEP_UNKNOWN: _plain(
        "{subject} on {work_unit}: the product or the site does not know that."
    ),
    ReasonCode.STEP_UNFIT: _with_evidence("{subject} may not be done on {work_unit}: {reasons}"),
    ReasonCode.STEP_TOO_EARLY: _plain("{subject} starts before the plan was made."),
    ReasonCode.STEP_FIGURE_WRONG: _figure,
    ReasonCode.STEP_NOT_KEPT: _plain("{subject} on {work_unit} is not what has happened."),
    ReasonCode.UNIT_OVERLAP: _plain("{subject} does {first} and {second} at the same time."),
    ReasonCode.MOVEMENT_MISSING: _plain("Nothing brings {made_by} to {subject}."),
    ReasonCode.MOVEMENT_BROKEN: _plain("The way of {made_by} to {subject} is broken at {place}."),
    ReasonCode.MOVEMENT_IMPOSSIBLE: _plain(
        "No link or lane leads from {origin} to {destination} for {subject}."
    ),
    ReasonCode.MOVEMENT_TOO_EARLY: _spanning(
        "{subject}: something starts {seconds} before what it needs is there.", "seconds"
    ),
    ReasonCode.MOVEMENT_FIGURE_WRONG: _plain(
        "Moving from {origin} to {destination} for {subject} takes {expected}."
    ),
    ReasonCode.TOTAL_WRONG: _figure,
    ReasonCode.MATERIAL_MISSING: _plain(
        "{subject}: there is no {material} at {site}, and nobody delivers it."
    ),
    ReasonCode.STEP_WITHOUT_TOOL: _plain("{subject} on {work_unit} holds no {tool} that fits."),
    ReasonCode.TOOL_OVERLAP: _plain("{first} and {second} hold {subject} at the same time."),
    ReasonCode.PERSON_MISSING: _plain(
        "{subject} is not given to a crew of {site} that has the skill {skill}."
    ),
    ReasonCode.PERSON_OFF_SHIFT: _plain("{operation} goes on while nobody of {subject} is there."),
    ReasonCode.PERSON_OVERLAP: _plain(
        "More is going on than persons of {subject} are there when {operation} begins."
    ),
    ReasonCode.SETUP_UNKNOWN: _plain(
        "{subject} on {work_unit} has to be set up for {expected}, not for {found}."
    ),
    ReasonCode.SETUP_MISSING: _spanning(
        "{subject} needs {seconds} more to be set up from {first} to {second}.", "seconds"
    ),
    ReasonCode.MATERIAL_TOO_LATE: _plain("{subject} starts before {material} is at {site}."),
    ReasonCode.STOCK_OVERDRAWN: _plain(
        "{subject} takes {material} of which there is not enough at {site}."
    ),
    ReasonCode.SHIPMENT_WRONG: _plain(
        "The shipment for {subject} on {lane}: expected at most {expected} goods in it, but found "
        "{found}."
    ),
    ReasonCode.BATCH_WRONG: _plain(
        "{subject} on {work_unit}: expected {expected} in the run, but found {found}."
    ),
    ReasonCode.DEPARTURE_MISSED: _plain(
        "The shipment for {subject} on {lane} does not leave with a departure that it reaches."
    ),
    DangerCode.UNIT_BROKEN: _plain("{subject} cannot be done: {work_unit} is broken."),
    DangerCode.UNIT_CLOSED: _plain("{subject}: {work_unit} is kept free for {job} at that time."),
    DangerCode.UNIT_TAKEN: _plain("{subject}: {rush} takes {work_unit} at that time."),
    DangerCode.MATERIAL_LATE: _with_evidence("{subject} must wait for {material}"),
    DangerCode.SHIPMENT_LATE: _with_evidence("{made_by} comes too late for {subject}"),
    DangerCode.LANE_CLOSED: _plain("{subject}: nothing leaves on lane {lane} at that time."),
    DangerCode.PERSON_ABSENT: _plain("{subject}: nobody who can {skill} is at {site} then."),
    DangerCode.TOOL_BROKEN: _plain("{subject}: {tool} is broken."),
    DangerCode.DUE_MISSED: _with_evidence("{subject} is done too late for when it is wanted"),
    DangerCode.STEP_OVERRAN: _with_evidence("{subject} must wait until {before} is done"),
    DangerCode.LIMIT_AHEAD: _with_evidence(
        "{work_unit} will pass the limit of {subject} (order {order}) in about {days} days"
        " ({soonest} to {latest})"
    ),
    DangerCode.KPI_CHANGED: _changed,
    DangerCode.KPI_GONE: _plain("{subject}: {parameter} can no longer be known."),
    DangerCode.CHEAPER_NOW: _with_evidence("{subject} could now be made better for {parameter}"),
    DispatchCode.BOUND: _with_evidence("{label} takes the job"),
    DispatchCode.BOUND_AND_ASSIGNED: _with_evidence("{label} takes the job with {person}"),
    DispatchCode.ASSIGNED: _plain("{label} has the skill {skill} and is free."),
    DispatchCode.CARRIED: _plain("{carrier} carries it on lane {subject}."),
    DispatchCode.RESERVED: _plain("{subject} is reserved for job {job}."),
    UndoCode.NOTHING_TO_UNDO: _plain("No adaptation of order {subject} can be undone."),
    UndoCode.BEGUN_ELSEWHERE: _plain("{subject} has begun on {work_unit}."),
    UndoCode.SHIPPED_AWAY: _plain("What {subject} made has left to {destination} by {by}."),
    UndoCode.NO_WAY_BACK: _plain("The plan before {plan} can no longer be carried out."),
    DispatchCode.MATERIAL_AWAITED: _with_evidence("{subject} waits for its material"),
    DispatchCode.UNIT_STOPPED: _with_evidence("{subject} is kept free for maintenance"),
    DispatchCode.TOOL_OUT: _plain("{subject}: {tool} cannot be used."),
    DispatchCode.LANE_SHUT: _plain("Nothing leaves on {subject} now."),
    DispatchCode.TURN_NOT_COME: _plain("{subject} is planned to do {before} before {operation}."),
    DispatchCode.NO_LANE: _plain("There is no lane {subject}."),
    DispatchCode.NOBODY_ON_SHIFT: _plain("Nobody with the skill {skill} is on shift at {subject}."),
    DispatchCode.ALL_PERSONS_BUSY: _plain("Everybody with the skill {skill} is busy at {subject}."),
    DispatchCode.NOBODY_SKILLED: _plain("Nobody at {subject} has the skill {skill}."),
    ConditionCode.ANOMALY: _with_evidence("{subject} is not as it was; it shows in {signals}"),
    ConditionCode.REMAINING_LIFE: _with_evidence(
        "{subject} has about {cycles} cycles left ({low} to {high}, {coverage}); it shows in"
        " {signals}"
    ),
    ConditionCode.MAINTENANCE: _plain(
        "{subject} should be stopped for {job} from {start} to {end} (risk until then {risk});"
        " waiting until {later} (risk {later_risk}) would cost {waiting} more."
    ),
    ConditionCode.ALARM: _with_evidence("{subject}: {alarm}; {action}"),
    ConditionCode.ALARM_OVER: _with_evidence("{subject}: {alarm} is over"),
    ConditionCode.ALARM_HIDDEN: _plain("{subject}: {alarm} is on, but not told: {why}."),
    ConditionCode.ALARM_DECLINED: _plain("{subject}: {alarm} stays as it is: {why}."),
    ConditionCode.ALARM_UNANSWERED: _plain(
        "{subject}: nobody has acknowledged {alarm} for {minutes} min; {role} is told."
    ),
    ConditionCode.SHELF_EXPIRED: _plain(
        "{subject}: {alarm} is off the shelf, where {by} had put it ({reason})."
    ),
    ConditionCode.ALARM_FLOOD: _plain(
        "{count} alarms in {minutes} min, more than {limit}: look at the most urgent ones first."
    ),
    ConditionCode.ALARM_FLOOD_OVER: _plain(
        "Fewer than {limit} alarms in {minutes} min again; {count} came in the flood."
    ),
    **CHANGES,
    **DISCOVERY,
    **GOALS,
    MarketCode.DELIVERY_LATE: lambda it, _: (
        f"{it.details['tenant']} is {_late(it)} late with {it.subject}."
    ),
    MarketCode.DELIVERY_ENDANGERED: lambda it, _: (
        f"{it.details['tenant']} expects to be {_late(it)} late with {it.subject}."
    ),
    MarketCode.PROMISE_BROKEN: _with_evidence("{tenant} did not keep its promise for {operation}"),
    **{code: _plain(form) for code, form in PLAIN.items()},
    **{code: _with_evidence(form) for code, form in WITH_EVIDENCE.items()},
    MarketCode.PROMISE_UNPROVEN: _with_evidence(
        "{tenant} reported no value for its promise for {operation}"
    ),
    **REPAIR,
    **RUNGS,
    **BINDING,
}
"""One sentence per reason code; a test keeps the table complete."""
