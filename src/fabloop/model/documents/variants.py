"""Tries a family's variants at load, so that no customer's choice meets a fault of the document."""

from collections.abc import Iterator
from itertools import combinations, product

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.feel import compile_expression
from fabloop.model.documents.collect import Sheet
from fabloop.model.product import ByFormula, Choice, Feature, Group, ProductFamily
from fabloop.model.variant import rule_holds, variant

OPERATIONS_TRIED_MAX = 200_000
VARIANTS_TRIED_MAX = 512
"""Beyond this many combinations the rest is judged when a customer chooses one of them."""

SUBSETS_OF_MAX = 4
"""Up to so many options of an ``or`` feature, every set of them is tried."""


def note_variants(family: ProductFamily, sheet: Sheet) -> None:
    """Note operations left without input, and conditions and formulas without a usable result."""
    tried_max = min(VARIANTS_TRIED_MAX, OPERATIONS_TRIED_MAX // len(family.operations))
    tried = 0
    noted: set[str] = set()
    seen: set[str] = set()
    complete = True
    for index, choices in enumerate(_combinations(family)):
        if index >= tried_max:
            complete = False
            break
        if all(rule_holds(rule, choices) for rule in family.rules):
            tried += 1
            for fault in _faults(family, choices, seen):
                if fault.path not in noted:
                    noted.add(fault.path)
                    sheet.faults.append(msgspec.structs.replace(fault, source=sheet.source))
    whole = all(len(each.options) <= SUBSETS_OF_MAX for each in _or_features(family))
    if complete and whole and tried and not noted:
        _note_never_made(family, seen, sheet)


def _combinations(family: ProductFamily) -> Iterator[dict[str, Choice]]:
    """Yield every choice of the features that matter; the others stay at their first option.

    Of a large ``or`` feature each option is chosen alone, and all of them together.
    """
    read = _read(family)
    options = [_options(each, matters=each.id in read) for each in family.features]
    for combination in product(*options):
        chosen = zip(family.features, combination, strict=True)
        yield {feature.id: option for feature, option in chosen if option is not None}


def _read(family: ProductFamily) -> set[str]:
    """Return the features that rules, conditions and formulas read, attributes looked through."""
    read = {rule.when[0] for rule in family.rules} | {rule.other[0] for rule in family.rules}
    texts = {each.condition for each in family.materials}
    texts |= {f.formula for each in family.materials for f in each.amount_formulas.values()}
    for each in family.operations:
        texts.add(each.condition)
        figures = (each.duration_ns, each.energy_j, each.cost_minor, *each.constraints.values())
        texts |= {figure.formula for figure in figures if isinstance(figure, ByFormula)}
    for text in sorted(texts - {""}):
        read |= set(compile_expression(text).variables)
    for attribute in reversed(family.attributes):
        if attribute.formula:
            read |= set(compile_expression(attribute.formula).variables)
        elif attribute.name in read:
            read |= {
                feature.id
                for feature in family.features
                if any(attribute.name in numbers for numbers in feature.attributes.values())
            }
    return read


def _or_features(family: ProductFamily) -> Iterator[Feature]:
    return (each for each in family.features if each.group is Group.OR)


def _options(feature: Feature, *, matters: bool) -> tuple[Choice | None, ...]:
    found: tuple[Choice, ...] = feature.options
    if feature.group is Group.OR:
        sizes = range(1, len(feature.options) + 1)
        if len(feature.options) > SUBSETS_OF_MAX:
            sizes = range(1, len(feature.options) + 1, len(feature.options) - 1)
        found = tuple(some for size in sizes for some in combinations(feature.options, size))
    if not matters:
        return found[:1]
    return found if feature.mandatory else (None, *found)


def _faults(family: ProductFamily, choices: dict[str, Choice], seen: set[str]) -> tuple[Fault, ...]:
    try:
        made = variant(family, choices)
    except Invalid as error:
        return error.faults
    seen.update(each.id for each in made.operations)
    return ()


def _note_never_made(family: ProductFamily, seen: set[str], sheet: Sheet) -> None:
    for index, each in enumerate(family.operations):
        if each.id not in seen:
            sheet.at("operations", index).fault(
                f"operation {each.id!r} to be part of at least one variant",
                "conditions that never hold",
                "Compare them with the options of the features.",
            )
