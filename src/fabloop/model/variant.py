"""What the chosen features leave of a family's bills: the variant."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from fabloop.base.errors import Fault, Invalid, Refused
from fabloop.base.names import did_you_mean
from fabloop.feel import Expression, compile_expression
from fabloop.model.ids import MaterialId, OperationId
from fabloop.model.product import (
    ByFeature,
    ConfiguredProduct,
    FeatureRule,
    Material,
    Operation,
    ParametricOperation,
    ProductFamily,
    Value,
)
from fabloop.model.skill import Requirement

CONDITIONS_REMEMBERED_MAX = 4_096


def rule_holds(rule: FeatureRule, choices: Mapping[str, str]) -> bool:
    """Tell whether complete choices satisfy the rule."""
    feature, option = rule.when
    if choices.get(feature) != option:
        return True
    other, wanted = rule.other
    return (choices.get(other) == wanted) == (rule.kind == "requires")


def variant(family: ProductFamily, choices: Mapping[str, str]) -> ConfiguredProduct:
    """Return the bills that complete, consistent choices leave.

    An operation is left out where its condition, or that of the material it makes, does not
    hold. The operations it takes from then hand over to the operation that takes from it, so
    what remains is an in-tree again.

    Raises
    ------
    Invalid
        The family, not the choice, is at fault: an operation loses every input, or a condition
        is neither true nor false.
    """
    facts = {feature.id: choices.get(feature.id) for feature in family.features}
    faults: list[Fault] = []
    materials = {
        each.id: each
        for index, each in enumerate(family.materials)
        if _holds(each.condition, facts, family, f"$.materials[{index}].when", faults)
    }
    kept = {
        each.id
        for index, each in enumerate(family.operations)
        if each.output in materials
        and _holds(each.condition, facts, family, f"$.operations[{index}].when", faults)
    }
    inputs = _rewired(family.operations, kept)
    for index, each in enumerate(family.operations):
        if each.id in kept and each.inputs and not inputs[each.id]:
            faults.append(_nothing_left(family, index, facts))
    if faults:
        raise Invalid(faults)
    return ConfiguredProduct(
        product=family.id,
        label=family.label,
        version=family.version,
        choices={name: option for name, option in facts.items() if option is not None},
        materials=tuple(_made_of(each, materials) for each in materials.values()),
        operations=tuple(
            _operation(each, inputs[each.id], choices)
            for each in family.operations
            if each.id in kept
        ),
    )


@lru_cache(maxsize=CONDITIONS_REMEMBERED_MAX)
def _compiled(condition: str) -> Expression:
    return compile_expression(condition)


def _holds(
    condition: str,
    facts: Mapping[str, str | None],
    family: ProductFamily,
    path: str,
    faults: list[Fault],
) -> bool:
    """Tell whether the condition holds; note a fault where it is neither true nor false."""
    if not condition:
        return True
    try:
        value = _compiled(condition).evaluate(dict(facts))
    except Refused as error:
        value = str(error)
    if isinstance(value, bool):
        return value
    faults.append(
        Fault(
            source=family.id,
            path=path,
            expected="a condition that is true or false for every variant",
            found=f"{'null' if value is None else repr(value)} for {_told(facts)}",
            hint=f"The condition is: {condition}",
        )
    )
    return False


def _rewired(
    operations: tuple[ParametricOperation, ...], kept: set[OperationId]
) -> dict[OperationId, tuple[OperationId, ...]]:
    """Return the inputs of every operation with left-out ones replaced by what they take."""
    by_id = {each.id: each for each in operations}
    rewired: dict[OperationId, tuple[OperationId, ...]] = {}
    stack = [each.id for each in operations]
    while stack:
        this = by_id[stack[-1]]
        waiting = [each for each in this.inputs if each not in rewired]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        rewired[this.id] = tuple(
            source
            for each in this.inputs
            for source in ((each,) if each in kept else rewired[each])
        )
    return rewired


def _nothing_left(family: ProductFamily, index: int, facts: Mapping[str, str | None]) -> Fault:
    return Fault(
        source=family.id,
        path=f"$.operations[{index}].inputs",
        expected=f"something for operation {family.operations[index].id!r} to take",
        found=f"no input left where {_told(facts)}",
        hint="Give the operation the condition of its inputs, or one input without condition.",
    )


def _told(facts: Mapping[str, str | None]) -> str:
    return ", ".join(
        f"no {name}" if option is None else f"{name} = {option!r}" for name, option in facts.items()
    )


def _made_of(material: Material, kept: Mapping[MaterialId, Material]) -> Material:
    return msgspec.structs.replace(
        material, made_of=tuple(each for each in material.made_of if each in kept)
    )


def _operation(
    family: ParametricOperation,
    inputs: tuple[OperationId, ...],
    choices: Mapping[str, str],
) -> Operation:
    return Operation(
        id=family.id,
        label=family.label,
        requirement=Requirement(
            skill=family.skill,
            constraints={
                name: _chosen_constraint(value, choices)
                for name, value in family.constraints.items()
            },
        ),
        inputs=inputs,
        output=family.output,
        duration_ns=_chosen(family.duration_ns, choices),
        energy_j=_chosen(family.energy_j, choices),
        cost_minor=_chosen(family.cost_minor, choices),
        person_skill=family.person_skill,
    )


def _chosen_constraint(
    value: float | str | ByFeature[float | str], choices: Mapping[str, str]
) -> float | str:
    if isinstance(value, ByFeature):
        return value.of[choices[value.feature]]
    return value


def _chosen(value: Value | ByFeature[Value], choices: Mapping[str, str]) -> Value:
    if isinstance(value, ByFeature):
        return value.of[choices[value.feature]]
    return value


def faults_in_choices(
    family: ProductFamily, choices: Mapping[str, str], source: str, path: str
) -> list[Fault]:
    """Return a fault for each choice of a feature or an option that the family does not have."""
    features = {each.id: each for each in family.features}
    faults: list[Fault] = []
    for name, option in choices.items():
        feature = features.get(name)
        if feature is None:
            expected, found, hint = "a feature of the product", name, did_you_mean(name, features)
        elif option not in feature.options:
            expected, found = f"an option of feature {name!r}", option
            hint = did_you_mean(option, feature.options)
        else:
            continue
        faults.append(
            Fault(
                source=source,
                path=f"{path}.{name}",
                expected=expected,
                found=repr(found),
                hint=hint,
            )
        )
    return faults
