"""Equipment type documents, and offers wherever they stand."""

from collections.abc import Mapping, Sequence

import msgspec

from fabloop.base.quantity import Dimension
from fabloop.model.documents.bills import cycles
from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.entries import LiveEntry, OfferedEntry, OfferEntry, SpanEntry
from fabloop.model.documents.names import Names
from fabloop.model.documents.structs import EquipmentTypeEntry, EquipmentTypesDocument
from fabloop.model.documents.values import amount, duration_ns, quantity
from fabloop.model.ids import EquipmentTypeId, KpiId
from fabloop.model.knowledge import EquipmentType
from fabloop.model.skill import (
    Choices,
    LiveRating,
    Offer,
    OfferedValue,
    ParameterDefinition,
    Rating,
    Rule,
    Span,
)


def equipment_types_of(
    found: Sequence[tuple[Sheet, EquipmentTypesDocument]], names: Names
) -> dict[EquipmentTypeId, EquipmentType]:
    """Return the equipment types of all documents by id."""
    entries = [
        (sheet.at("equipment_types", index), entry)
        for sheet, document in found
        for index, entry in enumerate(document.equipment_types)
    ]
    unique(((sheet.at("id"), entry.id) for sheet, entry in entries), "equipment type")
    types = {EquipmentTypeId(entry.id): _equipment_type(s, entry, names) for s, entry in entries}
    places = {EquipmentTypeId(entry.id): sheet.at("broader") for sheet, entry in entries}
    return _inherited(types) if _is_sound(types, places) else types


def _is_sound(
    types: Mapping[EquipmentTypeId, EquipmentType], places: Mapping[EquipmentTypeId, Sheet]
) -> bool:
    """Note unknown broader types and cycles of types; tell whether there are none."""
    sound = True
    for each in types.values():
        if each.broader is not None:
            sound &= places[each.id].known(each.broader, types, "an equipment type")
    found = cycles({each.id: (each.broader,) for each in types.values() if each.broader})
    for cycle in found:
        places[cycle[0]].fault(
            "a hierarchy of equipment types without cycles",
            " → ".join(repr(str(each)) for each in cycle),
            "Let one of them have no broader type.",
        )
    return sound and not found


def _inherited(types: dict[EquipmentTypeId, EquipmentType]) -> dict[EquipmentTypeId, EquipmentType]:
    """Return the types with the offers of what they are a kind of, the broadest first."""
    whole: dict[EquipmentTypeId, EquipmentType] = {}
    for each in types.values():
        way = [each]
        while way[-1].id not in whole and way[-1].broader is not None:
            way.append(types[way[-1].broader])
        for kind in reversed(way):
            if kind.id not in whole:
                above = whole[kind.broader].offers if kind.broader is not None else ()
                offers = merged(kind.offers, above)
                whole[kind.id] = msgspec.structs.replace(kind, offers=offers)
    return {each: whole[each] for each in types}


def _equipment_type(sheet: Sheet, entry: EquipmentTypeEntry, names: Names) -> EquipmentType:
    return EquipmentType(
        id=EquipmentTypeId(entry.id),
        label=entry.label,
        offers=offers_of(entry.offers, sheet.at("offers"), names),
        power_w=amount(entry.power, Dimension.POWER, sheet.at("power")),
        speed=entry.speed,
        setup_ns=duration_ns(entry.setup, sheet.at("setup"), zero_allowed=True),
        broader=None if entry.broader is None else EquipmentTypeId(entry.broader),
    )


def offers_of(entries: Sequence[OfferEntry], sheet: Sheet, names: Names) -> tuple[Offer, ...]:
    """Return the offers of a list, each skill once."""
    found = [names.skill(each.skill, sheet.at(i, "skill")) for i, each in enumerate(entries)]
    unique(
        (
            (sheet.at(index, "skill"), skill or entry.skill)
            for index, (entry, skill) in enumerate(zip(entries, found, strict=True))
        ),
        "offered skill",
    )
    offers: list[Offer] = []
    for index, (entry, skill) in enumerate(zip(entries, found, strict=True)):
        if skill is None:
            continue
        assert names.vocabulary is not None
        parameters = names.vocabulary.parameters(skill)
        values = _values(entry, sheet.at(index, "values"), parameters, names)
        offers.append(Offer(skill=skill, values=values, disclosure=entry.disclosure))
    return tuple(offers)


def _values(
    entry: OfferEntry, sheet: Sheet, parameters: dict[str, ParameterDefinition], names: Names
) -> dict[str, OfferedValue]:
    values: dict[str, OfferedValue] = {}
    for name, value in entry.values.items():
        at = sheet.at(name)
        if at.known(name, parameters, f"a parameter of skill {entry.skill!r}"):
            offered = _offered(value, parameters[name], at, names)
            if offered is not None:
                values[name] = offered
    return values


def _offered(
    value: OfferedEntry, parameter: ParameterDefinition, sheet: Sheet, names: Names
) -> OfferedValue | None:
    """Return the value in the form that the parameter's rule compares."""
    rule, dimension = parameter.rule, parameter.dimension
    if rule is Rule.AMONG:
        if isinstance(value, tuple):
            unique(((sheet.at(i), each) for i, each in enumerate(value)), "text")
            return Choices(values=value)
        sheet.fault("a list of texts, such as ['aluminium', 'steel']", _form(value))
        return None
    assert dimension is not None or sheet.faults, "a rule without dimension has been noted"
    if dimension is None:
        return None
    match value:
        case SpanEntry() if rule is Rule.WITHIN:
            return _span(value, dimension, sheet)
        case str() if rule is not Rule.WITHIN:
            return Rating(value=quantity(value, dimension, sheet))
        case LiveEntry() if rule is not Rule.WITHIN:
            return _live(value, dimension, sheet, names)
        case _ if rule is Rule.WITHIN:
            sheet.fault("a span, such as {'kind': 'span', 'to': '40 mm'}", _form(value))
        case _:
            sheet.fault(f"one value of {dimension}, or one that a KPI tells", _form(value))
    return None


def _form(value: OfferedEntry) -> str:
    match value:
        case str():
            return repr(value)
        case tuple():
            return f"a list of {len(value)}"
        case SpanEntry():
            return "a span"
        case LiveEntry():
            return f"the KPI {value.kpi!r}"


def _span(value: SpanEntry, dimension: Dimension, sheet: Sheet) -> Span:
    before = len(sheet.faults)
    low = None if value.low is None else quantity(value.low, dimension, sheet.at("from"))
    high = None if value.high is None else quantity(value.high, dimension, sheet.at("to"))
    if value.low is None and value.high is None:
        sheet.fault("a span with at least one end ('from' or 'to')", "none")
    if low is not None and high is not None and low > high and len(sheet.faults) == before:
        sheet.fault("a span whose 'from' is not above its 'to'", f"{value.low} to {value.high}")
    return Span(low=low, high=high)


def _live(value: LiveEntry, dimension: Dimension, sheet: Sheet, names: Names) -> LiveRating:
    if sheet.at("kpi").known(value.kpi, names.kpis, "a KPI of the vocabulary"):
        assert names.kpis is not None
        measured = names.kpis[KpiId(value.kpi)].dimension
        if measured is not dimension:
            sheet.at("kpi").fault(f"a KPI of {dimension}", f"{value.kpi!r}, which is of {measured}")
    return LiveRating(
        kpi=KpiId(value.kpi),
        vendor=quantity(value.vendor, dimension, sheet.at("vendor")),
        monitored=False,
    )


def merged(own: Sequence[Offer], of_type: Sequence[Offer]) -> tuple[Offer, ...]:
    """Return the offers of the type with own values in their place, then own further offers."""
    by_skill = {offer.skill: offer for offer in of_type}
    for offer in own:
        before = by_skill.get(offer.skill)
        values = offer.values if before is None else {**before.values, **offer.values}
        by_skill[offer.skill] = msgspec.structs.replace(offer, values=values)
    return tuple(by_skill.values())


def monitored(offers: Sequence[Offer], kpis: set[KpiId]) -> tuple[Offer, ...]:
    """Return the offers with the live ratings of these KPIs marked as monitored."""
    return tuple(
        msgspec.structs.replace(
            offer, values={name: _marked(value, kpis) for name, value in offer.values.items()}
        )
        for offer in offers
    )


def _marked(value: OfferedValue, kpis: set[KpiId]) -> OfferedValue:
    if isinstance(value, LiveRating) and value.kpi in kpis:
        return msgspec.structs.replace(value, monitored=True)
    return value


def live_kpis(offers: Sequence[Offer]) -> dict[KpiId, None]:
    """Return the KPIs that live ratings of these offers ask for."""
    return {
        value.kpi: None
        for offer in offers
        for value in offer.values.values()
        if isinstance(value, LiveRating)
    }
