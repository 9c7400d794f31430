"""Which variants of a product family can be made, and where, without looking at each one.

Variants are looked at one after the other. Where nobody can do an operation that does not depend
on all features, every other variant with the same choices of those features is ruled out unseen.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations

import msgspec

from fabloop.model.ids import OperationId, SiteId
from fabloop.model.product import (
    ByFeature,
    ByFormula,
    Choice,
    ConfiguredProduct,
    Feature,
    Group,
    ParametricOperation,
    ProductFamily,
)
from fabloop.model.variant import rule_holds, variant
from fabloop.plan.catalogue.survey import Surveyor
from fabloop.plan.statement.steps import steps_of

VARIANTS_MAX = 10_000
"""Variants of one family that are looked at; those ruled out unseen do not count."""

Decided = dict[str, Choice | None]
"""What is chosen of each feature decided so far; None where an optional one is left out."""


class VariantWhere(msgspec.Struct, frozen=True):
    """A variant, and whether and where it can be made: `alone` are sites that need no other."""

    choices: dict[str, Choice]
    producible: bool
    alone: tuple[SiteId, ...]


class RuledOut(msgspec.Struct, frozen=True):
    """No variant with these choices can be made: nobody can do an operation that they ask for.

    None stands for an optional feature that is left out; no choices at all mean every variant.
    """

    choices: Decided
    operation: OperationId


class FamilySurvey(msgspec.Struct, frozen=True):
    """The variants looked at and the choices ruled out; together all there are if `complete`."""

    variants: tuple[VariantWhere, ...]
    ruled_out: tuple[RuledOut, ...]
    complete: bool

    def producible(self, site: SiteId | None = None) -> Iterator[dict[str, Choice]]:
        """Yield the choices of what can be made, or of what one site can make alone."""
        for each in self.variants:
            if each.producible and (site is None or site in each.alone):
                yield each.choices


def survey_family(
    family: ProductFamily, surveyor: Surveyor, variants_max: int = VARIANTS_MAX
) -> FamilySurvey:
    """Return which variants can be made and where.

    Raises
    ------
    Invalid
        The family is at fault for some variant.
    """
    search = _Search(family, surveyor)
    seen: list[VariantWhere] = []
    for each in search.variants():
        if len(seen) == variants_max:
            return FamilySurvey(tuple(seen), tuple(search.ruled_out), complete=False)
        seen.append(search.look_at(each))
    return FamilySurvey(tuple(seen), tuple(search.ruled_out), complete=True)


def each_choice(family: ProductFamily) -> Iterator[dict[str, Choice]]:
    """Yield the complete choices that satisfy all rules, one after the other."""
    return _Search(family, None).variants()


class _Search:
    """Goes through the choices depth first, past what rules and ruled-out choices exclude."""

    def __init__(self, family: ProductFamily, surveyor: Surveyor | None) -> None:
        self._family = family
        self._surveyor = surveyor
        self._place = {each.id: place for place, each in enumerate(family.features)}
        self._by_id = {each.id: each for each in family.operations}
        self._optional = {
            operation
            for each in family.alternatives
            for option in each.options
            for operation in option.operations
        }
        self.ruled_out: list[RuledOut] = []

    def variants(self) -> Iterator[dict[str, Choice]]:
        """Yield complete choices; what is ruled out meanwhile is left out of what follows."""
        yield from self._beyond({})

    def _beyond(self, decided: Decided) -> Iterator[dict[str, Choice]]:
        if self._is_excluded(decided):
            return
        if len(decided) == len(self._family.features):
            yield {name: choice for name, choice in decided.items() if choice is not None}
            return
        feature = self._family.features[len(decided)]
        for choice in _choices(feature):
            further: Decided = {**decided, feature.id: choice}
            if not self._is_broken(further, feature.id) and not self._is_excluded(further):
                yield from self._beyond(further)

    def _is_broken(self, decided: Decided, last: str) -> bool:
        """Tell whether a rule about the feature decided last, and decided ones, does not hold."""
        chosen = {name: choice for name, choice in decided.items() if choice is not None}
        return any(
            not rule_holds(rule, chosen)
            for rule in self._family.rules
            if last in (rule.when[0], rule.other[0])
            and rule.when[0] in decided
            and rule.other[0] in decided
        )

    def _is_excluded(self, decided: Decided) -> bool:
        return any(
            all(
                name in decided and decided[name] == choice for name, choice in each.choices.items()
            )
            for each in self.ruled_out
        )

    def look_at(self, choices: dict[str, Choice]) -> VariantWhere:
        """Return whether and where the variant can be made; note what it rules out."""
        assert self._surveyor is not None, "asked only where there is somebody to ask"
        product = variant(self._family, choices)
        alone = self._surveyor.alone(product)
        producible = bool(alone) or self._surveyor.can_make(product)
        if not producible:
            self._rule_out(product, choices, self._surveyor)
        return VariantWhere(choices, producible, alone)

    def _rule_out(
        self, product: ConfiguredProduct, choices: Mapping[str, Choice], surveyor: Surveyor
    ) -> None:
        """Note the fewest choices that ask for an operation which nobody can do."""
        found: list[RuledOut] = []
        for each in steps_of(product).operations:
            if each.id not in self._optional and not surveyor.mask(each):
                on = self._asking(self._by_id[each.id])
                found.append(RuledOut({name: choices.get(name) for name in on}, each.id))
        if found:
            self.ruled_out.append(min(found, key=lambda each: len(each.choices)))

    def _asking(self, operation: ParametricOperation) -> list[str]:
        """Return the features that decide whether there is the operation, and what it asks for."""
        texts = [operation.condition]
        texts += [each.condition for each in self._family.materials if each.id == operation.output]
        found: set[str] = set()
        for value in operation.constraints.values():
            if isinstance(value, ByFeature):
                found.add(value.feature)
            elif isinstance(value, ByFormula):
                texts.append(value.formula)
        return sorted(found | self._read_in(texts), key=self._place.__getitem__)

    def _read_in(self, texts: list[str]) -> set[str]:
        """Return the features that texts may read, themselves or by attributes; rather too many."""
        found: set[str] = set()
        left = {each.name: each for each in self._family.attributes}
        while texts:
            text = texts.pop()
            found |= {each.id for each in self._family.features if each.id in text}
            for name in [name for name in left if name in text]:
                texts.append(left.pop(name).formula)
                found |= {each.id for each in self._family.features if _gives(each, name)}
        return found


def _gives(feature: Feature, attribute: str) -> bool:
    return any(attribute in of_option for of_option in feature.attributes.values())


def _choices(feature: Feature) -> Iterator[Choice | None]:
    """Yield everything that may be chosen of a feature."""
    if not feature.mandatory:
        yield None
    if feature.group is Group.ALTERNATIVE:
        yield from feature.options
        return
    for size in range(1, len(feature.options) + 1):
        yield from combinations(feature.options, size)
