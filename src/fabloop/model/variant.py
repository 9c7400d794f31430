"""What the chosen features leave of a family's bills: the variant."""

from collections.abc import Iterable, Mapping

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.names import did_you_mean
from fabloop.model.amounts import counted
from fabloop.model.formulas import NOT_NEGATIVE, POSITIVE, Bounds, Reading, contains, options_of
from fabloop.model.ids import MaterialId, OperationId
from fabloop.model.product import (
    Alternative,
    ByFeature,
    ByFormula,
    Choice,
    ConfiguredProduct,
    FeatureRule,
    Group,
    Material,
    Operation,
    ParametricOperation,
    ProductFamily,
)
from fabloop.model.routing import routing_faults
from fabloop.model.skill import Requirement


def rule_holds(rule: FeatureRule, choices: Mapping[str, Choice]) -> bool:
    """Tell whether complete choices satisfy the rule."""
    feature, option = rule.when
    if not contains(choices.get(feature), option):
        return True
    other, wanted = rule.other
    return contains(choices.get(other), wanted) == (rule.kind == "requires")


def variant(family: ProductFamily, choices: Mapping[str, Choice]) -> ConfiguredProduct:
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
    faults: list[Fault] = []
    reading = Reading(family, choices, faults)
    materials = {
        each.id: each
        for index, each in enumerate(family.materials)
        if reading.holds(each.condition, f"$.materials[{index}].when")
    }
    kept = frozenset(
        each.id
        for index, each in enumerate(family.operations)
        if each.output in materials and reading.holds(each.condition, f"$.operations[{index}].when")
    )
    alternatives, closed = _open_ways(family.alternatives, kept)
    inputs = _rewired(family.operations, kept, closed)
    for index, each in enumerate(family.operations):
        if each.id in kept and each.inputs and not inputs[each.id]:
            faults.append(_nothing_left(family, index, reading))
    left = {each: inputs[each] for each in kept}
    faults.extend(_without_common_end(family, left, alternatives, reading))
    operations = tuple(
        _operation(each, inputs[each.id], reading, f"$.operations[{index}]")
        for index, each in enumerate(family.operations)
        if each.id in kept
    )
    made = tuple(
        _material(each, materials, reading, f"$.materials[{index}]")
        for index, each in enumerate(family.materials)
        if each.id in materials
    )
    if faults:
        raise Invalid(faults)
    operations = counted(operations, (*family.materials, *made), family.id)
    return ConfiguredProduct(
        product=family.id,
        label=family.label,
        version=family.version,
        choices={f.id: choices[f.id] for f in family.features if f.id in choices},
        materials=made,
        operations=operations,
        alternatives=alternatives,
        attributes=reading.attributes,
    )


def _open_ways(
    alternatives: tuple[Alternative, ...], kept: frozenset[OperationId]
) -> tuple[tuple[Alternative, ...], frozenset[OperationId]]:
    """Return the alternatives that are left, and the operations of the ways that are not.

    A way of which nothing is left cannot be gone, as long as another one can. Where a single one
    remains there is nothing to choose.
    """
    left: list[Alternative] = []
    closed: set[OperationId] = set()
    for each in alternatives:
        ways = [
            msgspec.structs.replace(
                way, operations=tuple(op for op in way.operations if op in kept)
            )
            for way in each.options
        ]
        possible = tuple(way for way in ways if way.operations)
        if possible:
            closed |= {
                operation
                for before, way in zip(each.options, ways, strict=True)
                if not way.operations
                for operation in before.operations
            }
        if len(possible) > 1:
            left.append(msgspec.structs.replace(each, options=possible))
    return tuple(left), frozenset(closed)


def _rewired(
    operations: tuple[ParametricOperation, ...],
    kept: frozenset[OperationId],
    closed: frozenset[OperationId],
) -> dict[OperationId, tuple[OperationId, ...]]:
    """Return the inputs of every operation with left-out ones replaced by what they take.

    What lies on a `closed` way is replaced by nothing: another way leads round it.
    """
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
        sources = (
            source
            for each in this.inputs
            if each not in closed
            for source in ((each,) if each in kept else rewired[each])
        )
        rewired[this.id] = tuple(dict.fromkeys(sources))
    return rewired


def _without_common_end(
    family: ProductFamily,
    inputs: Mapping[OperationId, tuple[OperationId, ...]],
    alternatives: tuple[Alternative, ...],
    reading: Reading,
) -> Iterable[Fault]:
    """Yield what conditions leave of alternatives that is none any more."""
    places = {each.id: index for index, each in enumerate(family.alternatives)}
    for fault in routing_faults(inputs, alternatives):
        each = alternatives[fault.alternative]
        option = "" if fault.option is None else f", option {each.options[fault.option].id!r}"
        yield Fault(
            source=family.id,
            path=f"$.alternatives[{places[each.id]}]",
            expected=fault.expected,
            found=f"{fault.found}{option} where {reading.told()}",
            hint="Compare the conditions of the operations in the options.",
        )


def _nothing_left(family: ProductFamily, index: int, reading: Reading) -> Fault:
    return Fault(
        source=family.id,
        path=f"$.operations[{index}].inputs",
        expected=f"something for operation {family.operations[index].id!r} to take",
        found=f"no input left where {reading.told()}",
        hint="Give the operation the condition of its inputs, or one input without condition.",
    )


def _material(
    material: Material, kept: Mapping[MaterialId, Material], reading: Reading, path: str
) -> Material:
    parts = tuple(each for each in material.made_of if each in kept)
    amounts = {part: count for part, count in material.amounts.items() if part in kept}
    for part, formula in material.amount_formulas.items():
        if part in kept:
            at = f"{path}.made_of[{material.made_of.index(part)}].quantity"
            amounts[part] = reading.count(formula, at)
    return msgspec.structs.replace(material, made_of=parts, amounts=amounts, amount_formulas={})


def _operation(
    family: ParametricOperation,
    inputs: tuple[OperationId, ...],
    reading: Reading,
    path: str,
) -> Operation:
    return Operation(
        id=family.id,
        label=family.label,
        requirement=Requirement(
            skill=family.skill,
            constraints={
                name: _constraint(value, reading, f"{path}.constraints.{name}")
                for name, value in family.constraints.items()
            },
        ),
        inputs=inputs,
        output=family.output,
        duration_ns=_whole(family.duration_ns, reading, f"{path}.duration", POSITIVE),
        energy_j=_amount(family.energy_j, reading, f"{path}.energy", NOT_NEGATIVE),
        cost_minor=_whole(family.cost_minor, reading, f"{path}.cost", NOT_NEGATIVE),
        person_skill=family.person_skill,
        per=family.per,
        setup_family=family.setup_family,
        batch_family=family.batch_family,
        tools=family.tools,
    )


def _constraint(
    value: float | str | ByFeature[float | str] | ByFormula, reading: Reading, path: str
) -> float | str:
    match value:
        case ByFormula():
            return reading.number(value, path)
        case ByFeature():
            return reading.chosen(value)
        case _:
            return value


def _amount(
    value: float | ByFeature[float] | ByFormula, reading: Reading, path: str, bounds: Bounds
) -> float:
    match value:
        case ByFormula():
            return reading.number(value, path, bounds)
        case ByFeature():
            return reading.chosen(value)
        case _:
            return value


def _whole(
    value: int | ByFeature[int] | ByFormula, reading: Reading, path: str, bounds: Bounds
) -> int:
    match value:
        case ByFormula():
            return round(reading.number(value, path, bounds))
        case ByFeature():
            return reading.chosen(value)
        case _:
            return value


def faults_in_choices(
    family: ProductFamily, choices: Mapping[str, Choice], source: str, path: str
) -> list[Fault]:
    """Return a fault for each choice that the family does not know or allow for its feature."""
    features = {each.id: each for each in family.features}
    faults: list[Fault] = []

    def fault(name: str, expected: str, found: str, hint: str = "") -> None:
        at = f"{path}.{name}"
        faults.append(Fault(source=source, path=at, expected=expected, found=found, hint=hint))

    for name, choice in choices.items():
        feature = features.get(name)
        if feature is None:
            fault(name, "a feature of the product", repr(name), did_you_mean(name, features))
            continue
        chosen = options_of(choice)
        if isinstance(choice, tuple) and feature.group is not Group.OR:
            fault(name, f"one option of feature {name!r}", f"a list of {len(chosen)}")
        if not chosen or len(set(chosen)) < len(chosen):
            fault(name, f"different options of feature {name!r}", f"a list of {len(chosen)}")
        for option in chosen:
            if option not in feature.options:
                hint = did_you_mean(option, feature.options)
                fault(name, f"an option of feature {name!r}", repr(option), hint)
    return faults
