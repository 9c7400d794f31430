"""Changes to product or factory: what would remove a reason, and the input with it applied."""

from functools import cached_property
from typing import TypeAlias

import msgspec

from fabloop.base.instant import DAY
from fabloop.base.quantity import Dimension
from fabloop.model.explanation import Evidence, Explanation, Option, OptionCode, ReasonCode
from fabloop.model.ids import (
    AreaId,
    KpiId,
    LaneId,
    OperationId,
    PersonId,
    SiteId,
    SkillId,
    ToolId,
    WorkUnitId,
)
from fabloop.model.kpi import KpiValue
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.model.site import Network, Person, ShippingLane, Site, Tool, TransportLink, WorkUnit
from fabloop.model.skill import (
    Choices,
    LiveRating,
    Offer,
    OfferedValue,
    Rating,
    Requirement,
    Rule,
    SkillVocabulary,
    Span,
)
from fabloop.plan.reasons.failing import miss
from fabloop.plan.statement.problem import Setting
from fabloop.services.matching import match_person, missing_tools, offers_skill

Value: TypeAlias = float | str | None
Key: TypeAlias = tuple[str, str, str, str]


class Change(msgspec.Struct, frozen=True, dict=True):
    """One change; `price` says how hard it is, `context` the skill or site it is about.

    `subject` is the operation of a product change, else the work unit or the site. `side` tells
    changes of one parameter apart that do not serve each other (the skill, the end of a span).
    Of two amounts that do, the one of the greater `level` serves both.
    """

    code: OptionCode
    subject: str
    parameter: str
    before: Value = None
    after: Value = None
    dimension: Dimension | None = None
    price: float = 0.0
    context: str = ""
    side: str = ""
    level: float = 0.0

    @cached_property
    def key(self) -> Key:
        """What the change is about, whatever its amount; other texts are other changes."""
        text = self.after if isinstance(self.after, str) else ""
        return self.code, self.subject, self.parameter, text + self.side

    def option(self) -> Option:
        """Return the change as an option, nothing known of its effect yet."""
        return Option(
            code=self.code,
            subject=self.subject,
            parameter=self.parameter,
            before=self.before,
            after=self.after,
            dimension=self.dimension,
        )


BASE_PRICE = {
    OptionCode.LOOSEN: 1.0,
    OptionCode.CHOOSE_OTHER: 2.0,
    OptionCode.MEASURE_KPI: 1.0,
    OptionCode.RESTORE_KPI: 2.0,
    OptionCode.RELEASE_UNIT: 3.0,
    OptionCode.ADD_TOOL: 4.0,
    OptionCode.UPGRADE_OFFER: 5.0,
    OptionCode.ADD_PERSON: 6.0,
    OptionCode.ADD_SKILL: 8.0,
    OptionCode.ADD_LINK: 10.0,
    OptionCode.ADD_LANE: 12.0,
}
"""How hard changes are against each other; the relative amount of a change is added."""

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


def product_change(reason: Explanation, operation: Operation, unit: WorkUnit) -> Change | None:
    """Return the least change of the operation that this work unit would then meet, if any."""
    if not reason.evidence:
        return None
    name, evidence = reason.details["parameter"], reason.evidence[0]
    required = operation.requirement.constraints.get(name)
    if required is None:
        return None
    if reason.code in _EXCEEDED:
        return _loosen(operation, name, required, evidence.value, evidence)
    if reason.code == ReasonCode.OUT_OF_SPAN:
        return _loosen(operation, name, required, evidence.limit, evidence)
    accepted = _accepted(unit, name)
    if reason.code == ReasonCode.NOT_AMONG and accepted:
        price = BASE_PRICE[OptionCode.CHOOSE_OTHER]
        return Change(
            OptionCode.CHOOSE_OTHER, operation.id, name, required, accepted[0], None, price
        )
    return None


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


def factory_change(reason: Explanation, operation: Operation, unit: WorkUnit) -> Change | None:
    """Return the change of the work unit (or its site) that removes the reason, if any.

    Maintenance brings a live value no further than the data sheet says; beyond, an upgrade does.
    """
    name = reason.details["parameter"]
    if reason.code == ReasonCode.NO_PERSON:
        assert operation.person_skill is not None, "only asked for by operations with one"
        return _plain(OptionCode.ADD_PERSON, unit.site, operation.person_skill)
    if reason.code == ReasonCode.TOOL_MISSING:
        return _plain(OptionCode.ADD_TOOL, unit.site, reason.details["tool"])
    if reason.code == ReasonCode.UNIT_UNAVAILABLE:
        return _plain(OptionCode.RELEASE_UNIT, unit.id, name)
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
        changes.append(_plain(OptionCode.ADD_PERSON, site.id, operation.person_skill))
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


class World(msgspec.Struct, frozen=True):
    """What a recommendation may change: the product, and everything around it."""

    product: ConfiguredProduct
    setting: Setting


def applied(change: Change, world: World) -> World:
    """Return the world with the change made."""
    match change.code:
        case OptionCode.LOOSEN | OptionCode.CHOOSE_OTHER:
            return msgspec.structs.replace(world, product=_changed_product(change, world.product))
        case OptionCode.RESTORE_KPI | OptionCode.MEASURE_KPI:
            return _with(world, kpis=_changed_kpis(change, world.setting))
        case OptionCode.RELEASE_UNIT:
            left = world.setting.unavailable - {WorkUnitId(change.subject)}
            return _with(world, unavailable=left)
        case OptionCode.UPGRADE_OFFER | OptionCode.ADD_SKILL:
            return _with(world, network=_changed_unit(change, world))
        case OptionCode.ADD_TOOL:
            return _with(world, network=_with_tool(change, world.setting.network))
        case OptionCode.ADD_PERSON:
            return _with(world, network=_with_person(change, world.setting.network))
        case OptionCode.ADD_LINK:
            return _with(world, network=_with_link(change, world.setting.network))
        case OptionCode.ADD_LANE:
            return _with(world, network=_with_lane(change, world.setting.network))


def _with(world: World, **fields: object) -> World:
    return msgspec.structs.replace(world, setting=msgspec.structs.replace(world.setting, **fields))


def _changed_product(change: Change, product: ConfiguredProduct) -> ConfiguredProduct:
    assert change.after is not None, "a looser value is a value"
    operation = product.operation(OperationId(change.subject))
    constraints = {**operation.requirement.constraints, change.parameter: change.after}
    requirement = msgspec.structs.replace(operation.requirement, constraints=constraints)
    new = msgspec.structs.replace(operation, requirement=requirement)
    operations = tuple(new if each.id == new.id else each for each in product.operations)
    return msgspec.structs.replace(product, operations=operations)


def _changed_kpis(change: Change, setting: Setting) -> dict[tuple[WorkUnitId, KpiId], KpiValue]:
    """Return the values with the one in question at its limit, measured now."""
    unit = setting.network.work_units()[WorkUnitId(change.subject)]
    kpis = dict(setting.kpis)
    assert isinstance(change.after, float | int), "a live value is a number"
    assert change.dimension is not None, "a live value has a dimension"
    for offer in unit.offers:
        live = offer.values.get(change.parameter)
        if isinstance(live, LiveRating):
            kpis[unit.id, live.kpi] = KpiValue(
                work_unit=unit.id,
                kpi=live.kpi,
                value=float(change.after),
                upper=float(change.after),
                dimension=change.dimension,
                at=setting.now,
                valid_for_ns=DAY,
                source="assumed",
            )
    return kpis


def _changed_unit(change: Change, world: World) -> Network:
    network, vocabulary = world.setting.network, world.setting.vocabulary
    unit = network.work_units()[WorkUnitId(change.subject)]
    if change.code is OptionCode.ADD_SKILL:
        learnt = (
            _exact_offer(each.requirement, vocabulary)
            for each in world.product.operations
            if each.requirement.skill == change.parameter
        )
        offers = (*unit.offers, *learnt)
    else:
        offers = tuple(_upgraded(each, change, vocabulary) for each in unit.offers)
    new = msgspec.structs.replace(unit, offers=offers)
    site = network.sites[unit.site]
    units = tuple(new if each.id == new.id else each for each in site.work_units)
    return _with_site(network, msgspec.structs.replace(site, work_units=units))


def _exact_offer(requirement: Requirement, vocabulary: SkillVocabulary) -> Offer:
    definitions = vocabulary.parameters(requirement.skill)
    values = {
        name: _meeting(definitions[name].rule, required, None)
        for name, required in requirement.constraints.items()
    }
    return Offer(skill=requirement.skill, values=values)


def _upgraded(offer: Offer, change: Change, vocabulary: SkillVocabulary) -> Offer:
    skill = SkillId(change.context)
    if not offers_skill(offer.skill, skill, vocabulary):
        return offer
    assert change.after is not None, "an upgrade has an aim"
    rule = vocabulary.parameters(skill)[change.parameter].rule
    value = _meeting(rule, change.after, offer.values.get(change.parameter))
    return msgspec.structs.replace(offer, values={**offer.values, change.parameter: value})


def _meeting(rule: Rule, required: float | str, offered: OfferedValue | None) -> OfferedValue:
    """Return an offered value that just meets the requirement, and what was offered before."""
    if isinstance(required, str):
        before = offered.values if isinstance(offered, Choices) else ()
        return Choices(values=(*before, required))
    if rule is not Rule.WITHIN:
        return Rating(value=required)
    if not isinstance(offered, Span):
        return Span(low=required, high=required)
    low = None if offered.low is None else min(offered.low, required)
    high = None if offered.high is None else max(offered.high, required)
    return Span(low=low, high=high)


def _with_site(network: Network, site: Site) -> Network:
    return msgspec.structs.replace(network, sites={**network.sites, site.id: site})


def _with_tool(change: Change, network: Network) -> Network:
    site = network.sites[SiteId(change.subject)]
    tool = Tool(
        id=ToolId(f"{site.id}-{change.parameter}-new"),
        label=change.parameter,
        kind=change.parameter,
    )
    return _with_site(network, msgspec.structs.replace(site, tools=(*site.tools, tool)))


def _with_person(change: Change, network: Network) -> Network:
    site = network.sites[SiteId(change.subject)]
    shift = site.shifts[0].id if site.shifts else ""
    person = Person(
        id=PersonId(f"{site.id}-{change.parameter}"),
        label=change.parameter,
        site=site.id,
        skills=(SkillId(change.parameter),),
        shift=shift,
    )
    return _with_site(network, msgspec.structs.replace(site, persons=(*site.persons, person)))


def _with_link(change: Change, network: Network) -> Network:
    """Add a link like the dearest one of the site; `before` and `after` are its areas."""
    site = network.sites[SiteId(change.subject)]
    pattern = max(site.transport, key=lambda each: each.cost_minor, default=None)
    link = TransportLink(
        origin=AreaId(str(change.before)),
        destination=AreaId(str(change.after)),
        by=pattern.by if pattern else WorkUnitId("new transport"),
        duration_ns=pattern.duration_ns if pattern else 0,
        cost_minor=pattern.cost_minor if pattern else 0,
        energy_j=pattern.energy_j if pattern else 0.0,
    )
    return _with_site(network, msgspec.structs.replace(site, transport=(*site.transport, link)))


def _with_lane(change: Change, network: Network) -> Network:
    """Add a lane like the dearest one of the network."""
    pattern = max(network.lanes, key=lambda each: each.cost_minor, default=None)
    lane = ShippingLane(
        id=LaneId(f"{change.subject}-{change.parameter}"),
        carrier=pattern.carrier if pattern else "",
        origin=SiteId(change.subject),
        destination=SiteId(change.parameter),
        duration_ns=pattern.duration_ns if pattern else 0,
        cost_minor=pattern.cost_minor if pattern else 0,
        energy_j=pattern.energy_j if pattern else 0.0,
        co2_kg=pattern.co2_kg if pattern else 0.0,
    )
    return msgspec.structs.replace(network, lanes=(*network.lanes, lane))


def has_pattern(change: Change, network: Network) -> bool:
    """Tell whether the cost of a new way can be taken from one that exists."""
    if change.code is OptionCode.ADD_LINK:
        return bool(network.sites[SiteId(change.subject)].transport)
    return bool(network.lanes) if change.code is OptionCode.ADD_LANE else True
