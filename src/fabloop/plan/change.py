"""Changes to product or factory: what would remove a reason, and the input with it applied."""

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
    WorkUnitId,
)
from fabloop.model.kpi import KpiValue
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.model.site import Network, Person, ShippingLane, Site, TransportLink, WorkUnit
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
from fabloop.plan.conflicts import miss
from fabloop.plan.problem import Setting
from fabloop.services.matching import offers_skill

Value: TypeAlias = float | str | None


class Change(msgspec.Struct, frozen=True):
    """One change; `price` says how hard it is, `context` the skill or site it is about.

    `subject` is the operation of a product change, else the work unit or the site.
    """

    code: OptionCode
    subject: str
    parameter: str
    before: Value = None
    after: Value = None
    dimension: Dimension | None = None
    price: float = 0.0
    context: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What the change is about, whatever its amount; other texts are other changes."""
        text = self.after if isinstance(self.after, str) else ""
        return self.code, self.subject, self.parameter, text

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
    price = BASE_PRICE[OptionCode.LOOSEN] + miss(evidence)
    return Change(OptionCode.LOOSEN, operation.id, name, before, after, evidence.dimension, price)


def _accepted(unit: WorkUnit, name: str) -> tuple[str, ...]:
    values = [offer.values[name] for offer in unit.offers if name in offer.values]
    return next((each.values for each in values if isinstance(each, Choices)), ())


def factory_change(reason: Explanation, operation: Operation, unit: WorkUnit) -> Change | None:
    """Return the change of the work unit (or its site) that removes the reason, if any."""
    skill = operation.requirement.skill
    name = reason.details["parameter"]
    evidence = reason.evidence[0] if reason.evidence else Evidence(subject="", parameter=name)
    required = operation.requirement.constraints.get(name)
    if reason.code in _RESTORABLE:
        code, before = OptionCode.RESTORE_KPI, evidence.value
    elif reason.code in _UNMEASURED:
        code, before = OptionCode.MEASURE_KPI, evidence.value
    elif reason.code in _UPGRADABLE:
        code, before = OptionCode.UPGRADE_OFFER, _offered(evidence, reason)
    elif reason.code == ReasonCode.NO_PERSON:
        assert operation.person_skill is not None, "only asked for by operations with one"
        price = BASE_PRICE[OptionCode.ADD_PERSON]
        return Change(OptionCode.ADD_PERSON, unit.site, operation.person_skill, price=price)
    elif reason.code == ReasonCode.UNIT_UNAVAILABLE:
        price = BASE_PRICE[OptionCode.RELEASE_UNIT]
        return Change(OptionCode.RELEASE_UNIT, unit.id, name, price=price)
    else:
        return None
    amount = 0.0 if code is OptionCode.MEASURE_KPI else miss(evidence)
    price = BASE_PRICE[code] + (amount if amount < float("inf") else 0.0)
    return Change(code, unit.id, name, before, required, evidence.dimension, price, skill)


def _offered(evidence: Evidence, reason: Explanation) -> Value:
    return evidence.value if reason.code in _EXCEEDED else evidence.limit


def skill_change(operation: Operation, unit: WorkUnit) -> Change:
    """Return the change that gives the work unit the skill, as the product's operations need it."""
    price = BASE_PRICE[OptionCode.ADD_SKILL]
    skill = operation.requirement.skill
    return Change(OptionCode.ADD_SKILL, unit.id, skill, price=price)


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
