"""A customer's choices to a configured product, or to every reason why they do not fit."""

from collections.abc import Iterator, Mapping

from fabloop.base.errors import Invalid
from fabloop.model.formulas import options_of
from fabloop.model.product import (
    Choice,
    ChoiceConflict,
    Configured,
    Feature,
    FeatureRule,
    Group,
    NotConfigurable,
    ProductFamily,
)
from fabloop.model.variant import faults_in_choices, rule_holds, variant

RULES_TOLD_MAX = 24
"""Rules that are named where they leave no product."""

Required = dict[tuple[str, str], FeatureRule]
"""Options that were filled in, each with the rule that required it."""


def configure(family: ProductFamily, choices: Mapping[str, Choice]) -> Configured | NotConfigurable:
    """Return the variant that the choices stand for, or everything that contradicts them.

    What the customer leaves open is filled in: first by options that rules require of what is
    chosen, then by defaults that no rule excludes, and by the requirements of those.

    Raises
    ------
    Invalid
        A feature or an option does not exist; near names are given. Or the family is at fault.
    """
    faults = faults_in_choices(family, choices, f"product {family.id!r}", "$.choices")
    if faults:
        raise Invalid(faults)
    complete, required = _completed(family, choices)
    broken = _broken(family, complete, choices, required)
    conflicts = (*_missing(family, complete), *broken)
    if conflicts:
        return NotConfigurable(conflicts=(*_void(family), *conflicts))
    return Configured(product=variant(family, complete))


def _void(family: ProductFamily) -> Iterator[ChoiceConflict]:
    """Yield which rules contradict each other, where no choices at all satisfy them."""
    from fabloop.plan.feature_rules import contradictory  # noqa: PLC0415  # OR-Tools loads slowly

    blamed = contradictory(family)
    if not blamed:
        return
    told = ", ".join(f"$.rules[{each}]" for each in blamed[:RULES_TOLD_MAX])
    more = f" and {len(blamed) - RULES_TOLD_MAX} more" if len(blamed) > RULES_TOLD_MAX else ""
    reason = f"No choices at all satisfy these rules of product {family.id!r}: {told}{more}."
    yield ChoiceConflict(feature="", option="", reason=reason, allowed=())


def _completed(
    family: ProductFamily, choices: Mapping[str, Choice]
) -> tuple[dict[str, Choice], Required]:
    """Return the completed choices, and by which rules options were filled in."""
    grouped = {each.id for each in family.features if each.group is Group.OR}
    complete: dict[str, Choice] = {
        name: options_of(choice) if name in grouped else choice for name, choice in choices.items()
    }
    required: Required = {}
    _require(family, complete, choices, required)
    for feature in family.features:
        default = feature.default
        if feature.id in complete or default is None:
            continue
        if not _excluded(family, feature.id, default, complete):
            complete[feature.id] = _as_choice(family, feature.id, default)
            _require(family, complete, choices, required)
    return complete, required


def _require(
    family: ProductFamily,
    complete: dict[str, Choice],
    choices: Mapping[str, Choice],
    required: Required,
) -> None:
    """Fill in what rules require of the features left open, until nothing changes.

    Of an ``or`` feature that the customer left open, further options may be added.
    """
    changed = True
    while changed:
        changed = False
        for rule in family.rules:
            if rule.kind != "requires" or rule_holds(rule, complete):
                continue
            feature, option = rule.other
            there = complete.get(feature)
            if there is None:
                complete[feature] = _as_choice(family, feature, option)
            elif isinstance(there, tuple) and feature not in choices:
                complete[feature] = (*there, option)
            else:
                continue
            required[feature, option] = rule
            changed = True


def _as_choice(family: ProductFamily, feature: str, option: str) -> Choice:
    grouped = next(each.group for each in family.features if each.id == feature)
    return (option,) if grouped is Group.OR else option


def _excluded(
    family: ProductFamily, feature: str, option: str, complete: Mapping[str, Choice]
) -> bool:
    """Tell whether the option would break a rule together with what is chosen so far."""
    tried = {**complete, feature: _as_choice(family, feature, option)}
    return any(
        not rule_holds(rule, tried)
        for rule in family.rules
        if {rule.when[0], rule.other[0]} <= tried.keys()
        and feature in (rule.when[0], rule.other[0])
    )


def _missing(family: ProductFamily, complete: Mapping[str, Choice]) -> Iterator[ChoiceConflict]:
    for feature in family.features:
        if feature.mandatory and feature.id not in complete:
            yield ChoiceConflict(
                feature=feature.id,
                option="",
                reason=f"{feature.label} has to be chosen.",
                allowed=_allowed(family, feature, complete),
            )


def _broken(
    family: ProductFamily,
    complete: Mapping[str, Choice],
    choices: Mapping[str, Choice],
    required: Required,
) -> Iterator[ChoiceConflict]:
    """Yield a conflict for each rule that does not hold, at a feature the customer can change."""
    features = {each.id: each for each in family.features}
    for rule in family.rules:
        if rule_holds(rule, complete):
            continue
        named = rule.other[0] if rule.other[0] in choices else rule.when[0]
        yield ChoiceConflict(
            feature=named,
            option=", ".join(options_of(complete.get(named))),
            reason=_reason(rule, features, complete, required),
            allowed=_allowed(family, features[named], complete),
        )


def _reason(
    rule: FeatureRule,
    features: Mapping[str, Feature],
    complete: Mapping[str, Choice],
    required: Required,
) -> str:
    (when, option), (other, wanted) = rule.when, rule.other
    chosen = " and ".join(repr(each) for each in options_of(complete.get(other))) or "nothing"
    said = (
        f"{features[when].label} {option!r} {rule.kind} {features[other].label} {wanted!r}, "
        f"but {chosen} is chosen."
    )
    parts = [said, rule.reason, *_chain(rule.when, features, required)]
    if rule.kind == "excludes":
        parts += _chain(rule.other, features, required)
    return " ".join(part for part in parts if part)


def _chain(
    choice: tuple[str, str], features: Mapping[str, Feature], required: Required
) -> Iterator[str]:
    """Yield by what a choice was required that the customer did not make, back to one that was."""
    told: set[tuple[str, str]] = set()
    while choice in required and choice not in told:
        told.add(choice)
        rule = required[choice]
        (feature, option), (other, wanted) = rule.when, choice
        yield (
            f"{features[other].label} {wanted!r} is required by "
            f"{features[feature].label} {option!r}."
        )
        choice = rule.when


def _allowed(
    family: ProductFamily, feature: Feature, complete: Mapping[str, Choice]
) -> tuple[str, ...]:
    """Return the options that break no rule of this feature while the other choices stay."""
    return tuple(
        option for option in feature.options if not _excluded(family, feature.id, option, complete)
    )
