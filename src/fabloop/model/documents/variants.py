"""Tries a family's variants at load, so that no customer's choice meets a fault of the document."""

from collections.abc import Iterator
from itertools import product

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.feel import compile_expression
from fabloop.model.documents.collect import Sheet
from fabloop.model.product import Feature, ProductFamily
from fabloop.model.variant import rule_holds, variant

OPERATIONS_TRIED_MAX = 200_000
VARIANTS_TRIED_MAX = 512
"""Beyond this many combinations the rest is judged when a customer chooses one of them."""


def note_variants(family: ProductFamily, sheet: Sheet) -> None:
    """Note operations left without input, undecided conditions, and that no variant exists."""
    tried_max = min(VARIANTS_TRIED_MAX, OPERATIONS_TRIED_MAX // len(family.operations))
    combinations = _combinations(family)
    tried = 0
    noted: set[str] = set()
    seen: set[str] = set()
    complete = True
    for index, choices in enumerate(combinations):
        if index >= tried_max:
            complete = False
            break
        if all(rule_holds(rule, choices) for rule in family.rules):
            tried += 1
            for fault in _faults(family, choices, seen):
                if fault.path not in noted:
                    noted.add(fault.path)
                    sheet.faults.append(msgspec.structs.replace(fault, source=sheet.source))
    if not complete:
        return
    if tried == 0:
        sheet.at("rules").fault(
            "rules that leave at least one variant",
            "none that satisfies them all",
            "Take one of the rules out.",
        )
    elif not noted:
        _note_never_made(family, seen, sheet)


def _combinations(family: ProductFamily) -> Iterator[dict[str, str]]:
    """Yield every choice of the features that matter; the others stay at their first option."""
    read = {rule.when[0] for rule in family.rules} | {rule.other[0] for rule in family.rules}
    conditions = {each.condition for each in family.materials}
    conditions |= {each.condition for each in family.operations}
    for condition in sorted(conditions - {""}):
        read |= set(compile_expression(condition).variables)
    options = [_options(each, matters=each.id in read) for each in family.features]
    for combination in product(*options):
        chosen = zip(family.features, combination, strict=True)
        yield {feature.id: option for feature, option in chosen if option is not None}


def _options(feature: Feature, *, matters: bool) -> tuple[str | None, ...]:
    if not matters:
        return feature.options[:1]
    return feature.options if feature.mandatory else (None, *feature.options)


def _faults(family: ProductFamily, choices: dict[str, str], seen: set[str]) -> tuple[Fault, ...]:
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
