"""Product documents to product families."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from fabloop.base.quantity import Dimension
from fabloop.model.documents.bills import note_bill_of_material, note_bill_of_process
from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.feature_model import (
    Features,
    attributes_of,
    features_of,
    note_contradictions,
    rules_of,
)
from fabloop.model.documents.formulas import (
    count_formula,
    duration_formula,
    is_formula,
    money_formula,
    note_condition,
    quantity_formula,
)
from fabloop.model.documents.lots import Lot
from fabloop.model.documents.names import Names
from fabloop.model.documents.product_structs import (
    ByEntry,
    MaterialEntry,
    OperationEntry,
    PartEntry,
    ProductDocument,
    PurchaseEntry,
)
from fabloop.model.documents.routings import alternatives_of, note_routings
from fabloop.model.documents.values import Purse, amount, duration_ns, quantity
from fabloop.model.documents.variants import note_variants
from fabloop.model.ids import MaterialId, OperationId, ProductId, SiteId, SkillId
from fabloop.model.product import (
    ByFeature,
    ByFormula,
    Group,
    Material,
    ParametricOperation,
    ProductFamily,
    Purchase,
)
from fabloop.model.skill import ParameterDefinition, Rule

Value = TypeVar("Value")


class _Words(msgspec.Struct, frozen=True):
    """What the entries of a product refer to."""

    features: Features
    readable: Mapping[str, object]
    """Names that formulas and conditions may read."""
    materials: Mapping[str, object]
    names: Names
    purse: Purse


def families_of(
    found: Sequence[tuple[Sheet, ProductDocument]], names: Names, purse: Purse
) -> dict[ProductId, ProductFamily]:
    """Return the product families of all documents by id."""
    unique(((sheet.at("id"), each.id) for sheet, each in found), "product")
    return {ProductId(each.id): _family(sheet, each, names, purse) for sheet, each in found}


def _family(sheet: Sheet, document: ProductDocument, names: Names, purse: Purse) -> ProductFamily:
    before = len(sheet.faults)
    features = {each.id: each for each in document.features}
    words = _Words(
        features,
        {**features, **{each.name: each for each in document.attributes}},
        {each.id: each for each in document.materials},
        names,
        purse,
    )
    family = ProductFamily(
        id=ProductId(document.id),
        label=document.label,
        version=document.version,
        features=features_of(document, sheet.at("features")),
        rules=rules_of(document, features, sheet.at("rules")),
        materials=_materials(document, words, sheet.at("materials")),
        operations=tuple(
            _operation(each, words, sheet.at("operations", index))
            for index, each in enumerate(document.operations)
        ),
        attributes=attributes_of(document, sheet.at("attributes")),
        alternatives=alternatives_of(document, sheet.at("alternatives")),
        currency=purse.currency,
    )
    note_bill_of_material(family, sheet)
    note_bill_of_process(family, sheet)
    note_routings(family, sheet.at("alternatives"))
    if len(sheet.faults) == before:
        note_contradictions(family, sheet)
    if len(sheet.faults) == before:
        note_variants(family, sheet)
    return family


def _materials(document: ProductDocument, words: _Words, sheet: Sheet) -> tuple[Material, ...]:
    entries = document.materials
    unique(((sheet.at(i, "id"), each.id) for i, each in enumerate(entries)), "material")
    return tuple(_material(each, words, sheet.at(i)) for i, each in enumerate(entries))


def _material(entry: MaterialEntry, words: _Words, sheet: Sheet) -> Material:
    note_condition(entry.when, words.readable, sheet.at("when"))
    parts = [each.part if isinstance(each, PartEntry) else each for each in entry.made_of]
    unique(((sheet.at("made_of", i), each) for i, each in enumerate(parts)), "part")
    amounts: dict[MaterialId, int] = {}
    formulas: dict[MaterialId, ByFormula] = {}
    for index, each in enumerate(entry.made_of):
        if not isinstance(each, PartEntry):
            continue
        if isinstance(each.quantity, int):
            amounts[MaterialId(each.part)] = each.quantity
        else:
            at = sheet.at("made_of", index, "quantity")
            formulas[MaterialId(each.part)] = count_formula(each.quantity, words.readable, at)
    if entry.supply and not entry.third_party:
        sheet.at("supply").fault(
            "a supply of third-party material only",
            f"one of {entry.id!r}, which is not",
            'Say "third_party": true.',
        )
    return Material(
        id=MaterialId(entry.id),
        label=entry.label,
        made_of=tuple(MaterialId(each) for each in parts),
        third_party=entry.third_party,
        condition=entry.when,
        amounts=amounts,
        amount_formulas=formulas,
        supply=tuple(
            _purchase(each, sheet.at("supply", i), words) for i, each in enumerate(entry.supply)
        ),
    )


def _purchase(entry: PurchaseEntry, sheet: Sheet, words: _Words) -> Purchase:
    to = entry.to or ()
    unique(((sheet.at("to", i), each) for i, each in enumerate(to)), "site")
    for index, each in enumerate(to):
        sheet.at("to", index).known(each, words.names.sites, "a site")
    return Purchase(
        supplier=entry.supplier,
        lead_ns=duration_ns(entry.lead, sheet.at("lead"), zero_allowed=True),
        cost_minor=words.purse.cost(entry.cost, sheet.at("cost")),
        co2_kg=amount(entry.co2, Dimension.MASS, sheet.at("co2")),
        sites=tuple(SiteId(each) for each in to),
    )


def _operation(entry: OperationEntry, words: _Words, sheet: Sheet) -> ParametricOperation:
    skill = words.names.skill(entry.skill, sheet.at("skill"))
    person_skill = None
    if entry.person_skill is not None:
        person_skill = words.names.skill(entry.person_skill, sheet.at("person_skill"))
    sheet.at("output").known(entry.output, words.materials, "a material of the product")
    note_condition(entry.when, words.readable, sheet.at("when"))
    unique(((sheet.at("tools", i), each) for i, each in enumerate(entry.tools)), "kind of tool")
    lot = Lot(entry.per)

    def energy(text: str, at: Sheet) -> float | ByFormula:
        text = lot.without(text, "energy", at)
        if is_formula(text):
            return quantity_formula(text, Dimension.ENERGY, words.readable, at)
        return amount(text, Dimension.ENERGY, at)

    def duration(text: str, at: Sheet) -> int | ByFormula:
        text = lot.without(text, "duration", at)
        if is_formula(text):
            return duration_formula(text, words.readable, at)
        return duration_ns(text, at)

    def cost(text: str, at: Sheet) -> int | ByFormula:
        text = lot.without(text, "cost", at)
        if is_formula(text):
            return money_formula(text, words.readable, at, words.purse)
        return words.purse.cost(text, at)

    found = ParametricOperation(
        id=OperationId(entry.id),
        label=entry.label,
        skill=skill or SkillId(entry.skill),
        constraints=_constraints(entry, skill, words, sheet.at("constraints")),
        inputs=tuple(OperationId(each) for each in entry.inputs),
        output=MaterialId(entry.output),
        duration_ns=_read(entry.duration, duration, words, sheet.at("duration")),
        energy_j=_read(entry.energy, energy, words, sheet.at("energy")),
        cost_minor=_read(entry.cost, cost, words, sheet.at("cost")),
        person_skill=person_skill,
        condition=entry.when,
        setup_family=entry.setup_family or "",
        batch_family=entry.batch_family or "",
        tools=entry.tools,
    )
    return msgspec.structs.replace(found, per=lot.per(entry, sheet))


def _constraints(
    entry: OperationEntry, skill: SkillId | None, words: _Words, sheet: Sheet
) -> dict[str, float | str | ByFeature[float | str] | ByFormula]:
    if skill is None:
        return {}
    assert words.names.vocabulary is not None, "the skill is known, so the vocabulary is"
    parameters = words.names.vocabulary.parameters(skill)
    constraints: dict[str, float | str | ByFeature[float | str] | ByFormula] = {}
    for name, value in entry.constraints.items():
        at = sheet.at(name)
        if at.known(name, parameters, f"a parameter of skill {entry.skill!r}"):
            read = _required(parameters[name], words)
            constraints[name] = _read(value, read, words, at)
    return constraints


def _required(
    parameter: ParameterDefinition, words: _Words
) -> Callable[[str, Sheet], float | str | ByFormula]:
    """Return how a required value of this parameter is read."""

    def read(text: str, at: Sheet) -> float | str | ByFormula:
        if parameter.rule is Rule.AMONG or parameter.dimension is None:
            return text
        if is_formula(text):
            return quantity_formula(text, parameter.dimension, words.readable, at)
        return quantity(text, parameter.dimension, at)

    return read


def _read(
    value: str | ByEntry,
    read: Callable[[str, Sheet], Value | ByFormula],
    words: _Words,
    sheet: Sheet,
) -> Value | ByFormula | ByFeature[Value]:
    """Read a value, or one for each option of the feature that decides it."""
    if isinstance(value, str):
        return read(value, sheet)
    features = words.features
    known = sheet.at("by").known(value.by, features, "a feature of the product")
    if known and not features[value.by].mandatory:
        sheet.at("by").fault(
            "a mandatory feature, so that there always is a value", f"the optional {value.by!r}"
        )
    if known and features[value.by].group is Group.OR:
        sheet.at("by").fault(
            "a feature of which one option is chosen", f"{value.by!r}, of which several may be"
        )
    of = sheet.at("of")
    if known:
        options = dict.fromkeys(features[value.by].options)
        for option in value.of:
            of.at(option).known(option, options, f"an option of feature {value.by!r}")
        for option in options:
            if option not in value.of:
                of.fault(f"a value for option {option!r} of feature {value.by!r}", "none")
    decided: dict[str, Value] = {}
    for option, text in value.of.items():
        found = read(text, of.at(option))
        if isinstance(found, ByFormula):
            of.at(option).fault("a value", "a formula", "Let a formula alone tell the value.")
        else:
            decided[option] = found
    return ByFeature(feature=value.by, of=decided)
