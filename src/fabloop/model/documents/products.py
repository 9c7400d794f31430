"""Product documents to product families."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from fabloop.base.errors import Invalid
from fabloop.base.quantity import Dimension
from fabloop.feel import compile_expression
from fabloop.model.documents.bills import note_bill_of_material, note_bill_of_process
from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.names import Names
from fabloop.model.documents.structs import (
    ByEntry,
    ChoiceEntry,
    FeatureEntry,
    FeatureRuleEntry,
    OperationEntry,
    ProductDocument,
)
from fabloop.model.documents.values import Purse, amount, duration_ns, quantity
from fabloop.model.documents.variants import note_variants
from fabloop.model.ids import MaterialId, OperationId, ProductId, SkillId
from fabloop.model.product import (
    ByFeature,
    ByFormula,
    Feature,
    FeatureRule,
    Material,
    ParametricOperation,
    ProductFamily,
)
from fabloop.model.skill import ParameterDefinition, Rule

Value = TypeVar("Value")
Features = Mapping[str, FeatureEntry]


def families_of(
    found: Sequence[tuple[Sheet, ProductDocument]], names: Names, purse: Purse
) -> dict[ProductId, ProductFamily]:
    """Return the product families of all documents by id."""
    unique(((sheet.at("id"), each.id) for sheet, each in found), "product")
    return {ProductId(each.id): _family(sheet, each, names, purse) for sheet, each in found}


def _family(sheet: Sheet, document: ProductDocument, names: Names, purse: Purse) -> ProductFamily:
    before = len(sheet.faults)
    features = {each.id: each for each in document.features}
    materials = {each.id: each for each in document.materials}
    family = ProductFamily(
        id=ProductId(document.id),
        label=document.label,
        version=document.version,
        features=_features(document.features, sheet.at("features")),
        rules=tuple(
            _rule(each, features, sheet.at("rules", index))
            for index, each in enumerate(document.rules)
        ),
        materials=_materials(document, features, sheet.at("materials")),
        operations=tuple(
            _operation(each, features, materials, sheet.at("operations", index), names, purse)
            for index, each in enumerate(document.operations)
        ),
        currency=purse.currency,
    )
    note_bill_of_material(family, sheet)
    note_bill_of_process(family, sheet)
    if len(sheet.faults) == before:
        note_variants(family, sheet)
    return family


def _features(entries: Sequence[FeatureEntry], sheet: Sheet) -> tuple[Feature, ...]:
    unique(((sheet.at(i, "id"), each.id) for i, each in enumerate(entries)), "feature")
    for index, entry in enumerate(entries):
        at = sheet.at(index)
        unique(((at.at("options", i), each) for i, each in enumerate(entry.options)), "option")
        if entry.default is not None:
            options = dict.fromkeys(entry.options)
            at.at("default").known(entry.default, options, f"an option of feature {entry.id!r}")
    return tuple(
        Feature(
            id=each.id,
            label=each.label,
            options=each.options,
            default=each.default,
            mandatory=each.mandatory,
        )
        for each in entries
    )


def _rule(entry: FeatureRuleEntry, features: Features, sheet: Sheet) -> FeatureRule:
    _note_choice(entry.when, features, sheet.at("when"))
    _note_choice(entry.other, features, sheet.at("other"))
    if entry.when.feature == entry.other.feature:
        sheet.at("other", "feature").fault(
            "another feature than that of 'when'", repr(entry.other.feature)
        )
    return FeatureRule(
        kind=entry.kind,
        when=(entry.when.feature, entry.when.option),
        other=(entry.other.feature, entry.other.option),
        reason=entry.reason,
    )


def _note_choice(entry: ChoiceEntry, features: Features, sheet: Sheet) -> None:
    if sheet.at("feature").known(entry.feature, features, "a feature of the product"):
        options = dict.fromkeys(features[entry.feature].options)
        what = f"an option of feature {entry.feature!r}"
        sheet.at("option").known(entry.option, options, what)


def _materials(document: ProductDocument, features: Features, sheet: Sheet) -> tuple[Material, ...]:
    entries = document.materials
    unique(((sheet.at(i, "id"), each.id) for i, each in enumerate(entries)), "material")
    for index, entry in enumerate(entries):
        _note_condition(entry.when, features, sheet.at(index, "when"))
    return tuple(
        Material(
            id=MaterialId(each.id),
            label=each.label,
            made_of=tuple(MaterialId(part) for part in each.made_of),
            third_party=each.third_party,
            condition=each.when,
        )
        for each in entries
    )


def _note_condition(condition: str, features: Features, sheet: Sheet) -> None:
    """Note what keeps a FEEL condition from being evaluated: syntax, or names it does not know."""
    if not condition:
        return
    try:
        expression = compile_expression(condition)
    except Invalid as error:
        for fault in error.faults:
            where = f"See {fault.path} of the condition." if fault.path else ""
            hint = " ".join(part for part in (where, fault.hint) if part)
            sheet.fault(f"a FEEL condition with {fault.expected}", fault.found, hint)
        return
    for name in sorted(expression.variables):
        sheet.known(name, features, "a feature of the product in the condition")


def _operation(
    entry: OperationEntry,
    features: Features,
    materials: Mapping[str, object],
    sheet: Sheet,
    names: Names,
    purse: Purse,
) -> ParametricOperation:
    skills = None if names.vocabulary is None else names.vocabulary.skills
    known = sheet.at("skill").known(entry.skill, skills, "a skill of the vocabulary")
    if entry.person_skill is not None:
        at = sheet.at("person_skill")
        at.known(entry.person_skill, skills, "a skill of the vocabulary")
    sheet.at("output").known(entry.output, materials, "a material of the product")
    _note_condition(entry.when, features, sheet.at("when"))

    def energy(text: str, at: Sheet) -> float:
        return amount(text, Dimension.ENERGY, at)

    return ParametricOperation(
        id=OperationId(entry.id),
        label=entry.label,
        skill=SkillId(entry.skill),
        constraints=_constraints(entry, features, sheet.at("constraints"), names) if known else {},
        inputs=tuple(OperationId(each) for each in entry.inputs),
        output=MaterialId(entry.output),
        duration_ns=_read(entry.duration, duration_ns, features, sheet.at("duration")),
        energy_j=_read(entry.energy, energy, features, sheet.at("energy")),
        cost_minor=_read(entry.cost, purse.cost, features, sheet.at("cost")),
        person_skill=None if entry.person_skill is None else SkillId(entry.person_skill),
        condition=entry.when,
    )


def _constraints(
    entry: OperationEntry, features: Features, sheet: Sheet, names: Names
) -> dict[str, float | str | ByFeature[float | str] | ByFormula]:
    assert names.vocabulary is not None, "the skill is known, so the vocabulary is"
    parameters = names.vocabulary.parameters(SkillId(entry.skill))
    constraints: dict[str, float | str | ByFeature[float | str] | ByFormula] = {}
    for name, value in entry.constraints.items():
        at = sheet.at(name)
        if at.known(name, parameters, f"a parameter of skill {entry.skill!r}"):
            constraints[name] = _read(value, _required(parameters[name]), features, at)
    return constraints


def _required(parameter: ParameterDefinition) -> Callable[[str, Sheet], float | str]:
    """Return how a required value of this parameter is read."""

    def read(text: str, at: Sheet) -> float | str:
        if parameter.rule is Rule.AMONG or parameter.dimension is None:
            return text
        return quantity(text, parameter.dimension, at)

    return read


def _read(
    value: str | ByEntry, read: Callable[[str, Sheet], Value], features: Features, sheet: Sheet
) -> Value | ByFeature[Value]:
    """Read a value, or one for each option of the feature that decides it."""
    if isinstance(value, str):
        return read(value, sheet)
    known = sheet.at("by").known(value.by, features, "a feature of the product")
    if known and not features[value.by].mandatory:
        sheet.at("by").fault(
            "a mandatory feature, so that there always is a value", f"the optional {value.by!r}"
        )
    of = sheet.at("of")
    if known:
        options = dict.fromkeys(features[value.by].options)
        for option in value.of:
            of.at(option).known(option, options, f"an option of feature {value.by!r}")
        for option in options:
            if option not in value.of:
                of.fault(f"a value for option {option!r} of feature {value.by!r}", "none")
    return ByFeature(
        feature=value.by,
        of={option: read(text, of.at(option)) for option, text in value.of.items()},
    )
