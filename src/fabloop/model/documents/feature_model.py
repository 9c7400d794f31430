"""Features, rules and attributes as they are written to those of the family."""

from collections.abc import Mapping, Sequence

from fabloop.base.quantity import dimension_of
from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.formulas import note_expression
from fabloop.model.documents.product_structs import (
    AttributeEntry,
    ChoiceEntry,
    FeatureEntry,
    FeatureRuleEntry,
    ProductDocument,
)
from fabloop.model.features import FeatureModel
from fabloop.model.product import Attribute, Feature, FeatureRule, Group, ProductFamily

Features = Mapping[str, FeatureEntry]


def features_of(document: ProductDocument, sheet: Sheet) -> tuple[Feature, ...]:
    """Return the features with the numbers that their options bring."""
    entries = document.features
    unique(((sheet.at(i, "id"), each.id) for i, each in enumerate(entries)), "feature")
    attributes = {each.name: each for each in document.attributes}
    for index, entry in enumerate(entries):
        at = sheet.at(index)
        unique(((at.at("options", i), each) for i, each in enumerate(entry.options)), "option")
        if entry.default is not None:
            options = dict.fromkeys(entry.options)
            at.at("default").known(entry.default, options, f"an option of feature {entry.id!r}")
        _note_numbers(entry, attributes, at.at("attributes"))
    return tuple(
        Feature(
            id=each.id,
            label=each.label,
            options=each.options,
            default=each.default,
            mandatory=each.mandatory,
            group=each.group,
            attributes=each.attributes,
        )
        for each in entries
    )


def _note_numbers(
    entry: FeatureEntry, attributes: Mapping[str, AttributeEntry], sheet: Sheet
) -> None:
    """Note unknown options and attributes, and options that leave a number out."""
    options = dict.fromkeys(entry.options)
    names = {name: None for numbers in entry.attributes.values() for name in numbers}
    for option, numbers in entry.attributes.items():
        if not sheet.at(option).known(option, options, f"an option of feature {entry.id!r}"):
            continue
        for name in numbers:
            at = sheet.at(option, name)
            if at.known(name, attributes, "an attribute of the product") and (
                attributes[name].formula
            ):
                at.fault(f"attribute {name!r} without a formula", "one that has a formula")
    for name in names:
        for option in options:
            if name not in entry.attributes.get(option, {}):
                sheet.fault(f"a number for attribute {name!r} of option {option!r}", "none")


def attributes_of(document: ProductDocument, sheet: Sheet) -> tuple[Attribute, ...]:
    """Return the attributes; each is told by features or by a formula over those above it."""
    entries = document.attributes
    features = {each.id: each for each in document.features}
    unique(((sheet.at(i, "name"), each.name) for i, each in enumerate(entries)), "attribute")
    told = {
        name
        for each in document.features
        for numbers in each.attributes.values()
        for name in numbers
    }
    known: dict[str, object] = dict(features)
    for index, entry in enumerate(entries):
        at = sheet.at(index)
        if entry.name in features:
            at.at("name").fault("a name that no feature has", repr(entry.name))
        if entry.formula:
            note_expression(entry.formula, known, at.at("formula"), "formula")
        elif entry.name not in told:
            at.fault(
                f"a formula for attribute {entry.name!r}, or numbers at the options of a feature",
                "neither",
            )
        _note_unit(entry.unit, at.at("unit"))
        known[entry.name] = entry
    return tuple(
        Attribute(name=each.name, label=each.label, unit=each.unit or "", formula=each.formula)
        for each in entries
    )


def _note_unit(unit: str | None, sheet: Sheet) -> None:
    if unit is None:
        return
    try:
        dimension_of(unit)
    except ValueError:
        sheet.fault("a known unit, such as 'mm'; or none for a plain number", repr(unit))


def rules_of(
    document: ProductDocument, features: Features, sheet: Sheet
) -> tuple[FeatureRule, ...]:
    """Return the rules between choices."""
    return tuple(
        _rule(each, features, sheet.at(index)) for index, each in enumerate(document.rules)
    )


def _rule(entry: FeatureRuleEntry, features: Features, sheet: Sheet) -> FeatureRule:
    _note_choice(entry.when, features, sheet.at("when"))
    _note_choice(entry.other, features, sheet.at("other"))
    if entry.when.feature == entry.other.feature:
        of = features.get(entry.when.feature)
        if of is None or of.group is not Group.OR or entry.when.option == entry.other.option:
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


def note_contradictions(family: ProductFamily, sheet: Sheet) -> None:
    """Note that rules leave no variant, or keep features or options out of every variant."""
    places = {each.id: index for index, each in enumerate(family.features)}
    for dead in FeatureModel(family.features, family.rules).dead():
        blamed = " and ".join(f"$.rules[{each}]" for each in dead.rules)
        if not dead.feature:
            sheet.at("rules").fault(
                "rules that leave at least one variant",
                f"none that satisfies {blamed}",
                "Take that rule out." if len(dead.rules) == 1 else "Take one of these rules out.",
            )
            continue
        at = sheet.at("features", places[dead.feature])
        if dead.option:
            index = family.features[places[dead.feature]].options.index(dead.option)
            at.at("options", index).fault(
                "an option that some variant can have",
                f"{dead.option!r}, which {blamed} {_keep(dead.rules)} out",
                "Change one of the rules, or leave the option out.",
            )
        else:
            at.fault(
                "a feature that some variant can have",
                f"{dead.feature!r}, all of whose options {blamed} {_keep(dead.rules)} out",
                "Change one of the rules, or leave the feature out.",
            )


def _keep(rules: Sequence[int]) -> str:
    return "keeps" if len(rules) == 1 else "keep"
