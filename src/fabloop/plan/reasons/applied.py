"""The world with a change made."""

import msgspec

from fabloop.base.instant import DAY
from fabloop.model.explanation import OptionCode
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
from fabloop.model.product import ConfiguredProduct
from fabloop.model.site import Network, Person, ShippingLane, Site, Tool, TransportLink
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
from fabloop.plan.reasons.change import Change, World
from fabloop.plan.reasons.opened import opened_longer
from fabloop.plan.statement.problem import Setting
from fabloop.services.matching import offers_skill


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
        case OptionCode.SPLIT_LOT:
            return _with(world, quantity=round(float(change.after or 0)))
        case _:
            return _with(world, network=_changed_network(change, world))


def _changed_network(change: Change, world: World) -> Network:
    network = world.setting.network
    match change.code:
        case OptionCode.ADD_TOOL:
            return _with_tool(change, network)
        case OptionCode.ADD_PERSON:
            return _with_person(change, network)
        case OptionCode.TRAIN_PERSON:
            return _with_training(change, network)
        case OptionCode.OPEN_LONGER:
            return opened_longer(change, world.setting)
        case OptionCode.ADD_LINK:
            return _with_link(change, network)
        case OptionCode.ADD_LANE:
            return _with_lane(change, network)
        case _:
            return _changed_unit(change, world)


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


def _with_training(change: Change, network: Network) -> Network:
    site = network.sites[SiteId(change.context)]
    persons = tuple(
        msgspec.structs.replace(each, skills=(*each.skills, SkillId(change.parameter)))
        if each.id == change.subject
        else each
        for each in site.persons
    )
    return _with_site(network, msgspec.structs.replace(site, persons=persons))


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
