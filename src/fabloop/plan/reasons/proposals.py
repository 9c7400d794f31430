"""Which change of product or factory would remove a reason."""

from collections.abc import Sequence

import msgspec

from fabloop.base.instant import HOUR, SECOND
from fabloop.base.quantity import Dimension
from fabloop.model.explanation import Evidence, Explanation, OptionCode, ReasonCode
from fabloop.model.ids import SiteId, SkillId
from fabloop.model.product import Operation
from fabloop.model.site import Person, Site, WorkUnit
from fabloop.model.skill import Choices, LiveRating, Rule
from fabloop.plan.reasons.change import BASE_PRICE, Change, Value
from fabloop.plan.reasons.failing import miss
from fabloop.plan.statement.problem import Setting
from fabloop.services.matching import match_person, missing_tools

OTHERS_MAX = 8
"""Other values that one work unit accepts which are looked at for a text."""

LATER_PRICE = 0.001
"""How much less a value is preferred that an offer names later."""

OVERTIME_PRICE = 0.1
"""What is assumed for each hour that a work unit is open longer at a stretch."""

_EXCEEDED = (
    ReasonCode.TOO_HIGH,
    ReasonCode.TOO_LOW,
    ReasonCode.KPI_TOO_HIGH,
    ReasonCode.KPI_TOO_LOW,
)
_UNMEASURED = (
    ReasonCode.KPI_MISSING,
    ReasonCode.KPI_STALE,
    ReasonCode.KPI_FROM_FUTURE,
)
_RESTORABLE = (ReasonCode.KPI_TOO_HIGH, ReasonCode.KPI_TOO_LOW)
_UPGRADABLE = (
    ReasonCode.TOO_HIGH,
    ReasonCode.TOO_LOW,
    ReasonCode.KPI_TOO_HIGH,
    ReasonCode.KPI_TOO_LOW,
    ReasonCode.OUT_OF_SPAN,
    ReasonCode.NOT_AMONG,
    ReasonCode.PARAMETER_NOT_STATED,
    ReasonCode.PARAMETER_UNUSABLE,
)


def product_changes_for(
    reason: Explanation, operation: Operation, unit: WorkUnit
) -> tuple[Change, ...]:
    """Return the least changes of the operation any of which this work unit would then meet."""
    if not reason.evidence:
        return ()
    name, evidence = reason.details["parameter"], reason.evidence[0]
    required = operation.requirement.constraints.get(name)
    if required is None:
        return ()
    if reason.code in _EXCEEDED:
        return (_loosen(operation, name, required, evidence.value, evidence),)
    if reason.code == ReasonCode.OUT_OF_SPAN:
        return (_loosen(operation, name, required, evidence.limit, evidence),)
    if reason.code != ReasonCode.NOT_AMONG:
        return ()
    price = BASE_PRICE[OptionCode.CHOOSE_OTHER]
    others = enumerate(_accepted(unit, name)[:OTHERS_MAX])
    return tuple(
        Change(
            OptionCode.CHOOSE_OTHER,
            operation.id,
            name,
            required,
            each,
            price=price + LATER_PRICE * place,
        )
        for place, each in others
    )


def _loosen(
    operation: Operation, name: str, before: Value, after: Value, evidence: Evidence
) -> Change:
    """Return a change of a limit to a value; the farther it goes, the more it serves."""
    price = BASE_PRICE[OptionCode.LOOSEN] + miss(evidence)
    side, level = "", 0.0
    if isinstance(before, int | float) and isinstance(after, int | float):
        side, level = (" up", after) if after > before else (" down", -after)
    return Change(
        OptionCode.LOOSEN,
        operation.id,
        name,
        before,
        after,
        evidence.dimension,
        price,
        side=side,
        level=level,
    )


def _accepted(unit: WorkUnit, name: str) -> tuple[str, ...]:
    values = [offer.values[name] for offer in unit.offers if name in offer.values]
    return next((each.values for each in values if isinstance(each, Choices)), ())


def factory_changes_for(
    reason: Explanation, operation: Operation, unit: WorkUnit, site: Site | None = None
) -> tuple[Change, ...]:
    """Return changes of the work unit or its site, any of which removes the reason."""
    if reason.code == ReasonCode.NO_PERSON:
        assert operation.person_skill is not None, "only asked for by operations with one"
        return staff_changes(unit.site, operation.person_skill, site.persons if site else ())
    change = factory_change(reason, operation, unit)
    return () if change is None else (change,)


def staff_changes(site: SiteId, skill: SkillId, persons: Sequence[Person]) -> tuple[Change, ...]:
    """Return the changes that give a site somebody with the skill: trained, or taken on."""
    taken_on = _plain(OptionCode.ADD_PERSON, site, skill)
    if not persons:
        return (taken_on,)
    learner = min(persons, key=lambda each: (len(each.skills), each.id))
    trained = _plain(OptionCode.TRAIN_PERSON, learner.id, skill)
    return msgspec.structs.replace(trained, context=site), taken_on


def factory_change(reason: Explanation, operation: Operation, unit: WorkUnit) -> Change | None:
    """Return the change of the work unit (or its site) that removes the reason, if any.

    Maintenance brings a live value no further than the data sheet says; beyond, an upgrade does.
    """
    name = reason.details["parameter"]
    match reason.code:
        case ReasonCode.NO_PERSON:
            assert operation.person_skill is not None, "only asked for by operations with one"
            return _plain(OptionCode.ADD_PERSON, unit.site, operation.person_skill)
        case ReasonCode.TOOL_MISSING:
            return _plain(OptionCode.ADD_TOOL, unit.site, reason.details["tool"])
        case ReasonCode.UNIT_UNAVAILABLE:
            return _plain(OptionCode.RELEASE_UNIT, unit.id, name)
        case ReasonCode.OPEN_TOO_SHORT:
            return _opened(unit, name, reason.evidence[0])
        case _:
            return _better_offer(reason, operation, unit)


def _better_offer(reason: Explanation, operation: Operation, unit: WorkUnit) -> Change | None:
    name = reason.details["parameter"]
    evidence = reason.evidence[0] if reason.evidence else Evidence(subject="", parameter=name)
    required = operation.requirement.constraints.get(name)
    if required is None:
        return None
    if reason.code in _UNMEASURED:
        return _bettered(OptionCode.MEASURE_KPI, reason, required, evidence)
    if reason.code in _RESTORABLE and _was_good(unit, name, required, evidence):
        return _bettered(OptionCode.RESTORE_KPI, reason, required, evidence)
    if reason.code not in _UPGRADABLE:
        return None
    return msgspec.structs.replace(
        _bettered(OptionCode.UPGRADE_OFFER, reason, required, evidence),
        before=evidence.value if reason.code in _EXCEEDED else evidence.limit,
        context=operation.requirement.skill,
        side=_side(operation, reason, required, evidence),
    )


def _opened(unit: WorkUnit, name: str, evidence: Evidence) -> Change:
    """Return the change that opens a work unit for as long as an operation takes."""
    takes, longest = evidence.value, evidence.limit
    assert isinstance(takes, float | int), "hours are numbers"
    assert isinstance(longest, float | int), "hours are numbers"
    return Change(
        OptionCode.OPEN_LONGER,
        unit.id,
        name,
        longest,
        takes,
        Dimension.TIME,
        BASE_PRICE[OptionCode.OPEN_LONGER] + OVERTIME_PRICE * (takes - longest) * SECOND / HOUR,
        level=takes,
    )


def _plain(code: OptionCode, subject: str, parameter: str) -> Change:
    return Change(code, subject, parameter, price=BASE_PRICE[code])


def _bettered(code: OptionCode, reason: Explanation, required: Value, evidence: Evidence) -> Change:
    """Return a change of one value of a work unit to what is required."""
    amount = 0.0 if code is OptionCode.MEASURE_KPI else miss(evidence)
    return Change(
        code,
        reason.subject,
        reason.details["parameter"],
        evidence.value,
        required,
        evidence.dimension,
        BASE_PRICE[code] + (amount if amount < float("inf") else 0.0),
        level=_level(reason, required, evidence),
    )


def _level(reason: Explanation, required: Value, evidence: Evidence) -> float:
    """Return a number that is greater where the value after the change serves more."""
    if isinstance(required, str) or required is None:
        return 0.0
    downwards = evidence.relation == Rule.AT_MOST
    if reason.code == ReasonCode.OUT_OF_SPAN:
        downwards = not downwards
    return -required if downwards else required


def _was_good(unit: WorkUnit, name: str, required: Value, evidence: Evidence) -> bool:
    """Tell whether by any offer's data sheet the work unit met the limit when it was new."""
    if isinstance(required, str) or required is None:
        return False
    rated = (offer.values.get(name) for offer in unit.offers)
    vendors = [each.vendor for each in rated if isinstance(each, LiveRating)]
    if evidence.relation == Rule.AT_MOST:
        return any(each <= required for each in vendors)
    return any(each >= required for each in vendors)


def _side(operation: Operation, reason: Explanation, required: Value, evidence: Evidence) -> str:
    """Return what keeps upgrades apart that would not serve each other."""
    side = f" {operation.requirement.skill}"
    if reason.code == ReasonCode.OUT_OF_SPAN:
        return f"{side} {evidence.relation}"
    if reason.code == ReasonCode.PARAMETER_NOT_STATED and evidence.relation == Rule.WITHIN:
        return f"{side} {required}"
    return side


def skill_change(operation: Operation, unit: WorkUnit) -> Change:
    """Return the change that gives the work unit the skill, as the product's operations need it."""
    price = BASE_PRICE[OptionCode.ADD_SKILL]
    skill = operation.requirement.skill
    return Change(OptionCode.ADD_SKILL, unit.id, skill, price=price)


def staffing_changes(operation: Operation, unit: WorkUnit, setting: Setting) -> tuple[Change, ...]:
    """Return what a work unit needs for the operation besides the skill."""
    site = setting.network.sites[unit.site]
    changes = []
    if unit.id in setting.unavailable:
        changes.append(_plain(OptionCode.RELEASE_UNIT, unit.id, "availability"))
    if operation.person_skill is not None and isinstance(
        match_person(site, operation.person_skill, setting.vocabulary), Explanation
    ):
        changes.append(staff_changes(site.id, operation.person_skill, site.persons)[0])
    lacking = missing_tools(operation.tools, unit, site, operation.requirement.skill)
    tools = (_plain(OptionCode.ADD_TOOL, site.id, each.details["tool"]) for each in lacking)
    return (*changes, *tools)


def link_change(site: str, origin: str, destination: str) -> Change:
    """Return the change that adds a link; it serves both directions."""
    first, second = sorted((origin, destination))
    change = _plain(OptionCode.ADD_LINK, site, f"{first} - {second}")
    return msgspec.structs.replace(change, before=first, after=second)


def lane_change(origin: str, destination: str) -> Change:
    """Return the change that adds a lane, in one direction."""
    return _plain(OptionCode.ADD_LANE, origin, destination)
