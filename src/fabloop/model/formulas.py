"""Conditions, attributes and formulas of a product family for one set of choices."""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from fabloop.base.errors import Fault, Refused
from fabloop.feel import Expression, compile_expression
from fabloop.model.product import (
    Attribute,
    ByFeature,
    ByFormula,
    Choice,
    Feature,
    Group,
    ProductFamily,
    Value,
)

FORMULAS_REMEMBERED_MAX = 4_096
FORMULA_VALUE_MAX = 1e18
"""Beyond this a result is no quantity of a factory (nanoseconds of 30 years, say)."""


class Bounds(msgspec.Struct, frozen=True):
    """What the result of a formula has to be, in the unit of the noun."""

    expected: str
    least: float = -FORMULA_VALUE_MAX

    def holds(self, value: float) -> bool:
        """Tell whether the value may be used."""
        return value >= self.least and abs(value) <= FORMULA_VALUE_MAX


ANY = Bounds("a formula whose result is a number")
NOT_NEGATIVE = Bounds("a formula whose result is a number of zero or more", 0.0)
POSITIVE = Bounds("a formula whose result is a number above zero", 1.0)
"""Of a figure that is whole in its smallest unit: of which less than one is none."""
WHOLE_COUNT = Bounds("a formula whose result is a whole number of at least 1", 1.0)


def contains(choice: Choice | None, option: str) -> bool:
    """Tell whether the option is chosen, alone or among others."""
    return option == choice if not isinstance(choice, tuple) else option in choice


def options_of(choice: Choice | None) -> tuple[str, ...]:
    """Return the options that are chosen."""
    if choice is None:
        return ()
    return choice if isinstance(choice, tuple) else (choice,)


class Reading:
    """Evaluates what a family says for one set of choices; notes faults with their place.

    Attributes
    ----------
    attributes : every attribute of the family by name, for these choices
    """

    def __init__(
        self, family: ProductFamily, choices: Mapping[str, Choice], faults: list[Fault]
    ) -> None:
        self._family = family
        self._choices = choices
        self._faults = faults
        self._facts: dict[str, Any] = {
            each.id: _fact(each, choices.get(each.id)) for each in family.features
        }
        self.attributes: dict[str, float] = {}
        for index, each in enumerate(family.attributes):
            self._facts[each.name] = self.attributes[each.name] = self._attribute(each, index)

    def holds(self, condition: str, path: str) -> bool:
        """Tell whether the condition holds; note a fault where it is neither true nor false."""
        if not condition:
            return True
        value = self._evaluated(condition)
        if isinstance(value, bool):
            return value
        self._fault(path, "a condition that is true or false for every variant", value, condition)
        return False

    def chosen(self, value: ByFeature[Value]) -> Value:
        """Return what the chosen option of the feature decides."""
        option = self._choices[value.feature]
        assert not isinstance(option, tuple), "documents let one option decide a value"
        return value.of[option]

    def number(self, formula: ByFormula, path: str, bounds: Bounds = ANY) -> float:
        """Return the result of a formula in the unit of the noun, or a harmless one and a fault."""
        value = self._evaluated(formula.formula)
        if _is_number(value):
            result = formula.scale * float(value) + formula.offset
            if bounds.holds(result):
                return result
            if result > FORMULA_VALUE_MAX:
                most = f"a formula whose result is at most {FORMULA_VALUE_MAX / formula.scale:.4g}"
                self._fault(path, most, value, formula.formula)
                return 1.0
        self._fault(path, bounds.expected, value, formula.formula)
        return 1.0

    def count(self, formula: ByFormula, path: str) -> int:
        """Return the result of a formula that counts pieces."""
        value = self.number(formula, path, WHOLE_COUNT)
        if value != round(value):
            self._fault(path, WHOLE_COUNT.expected, value, formula.formula)
        return round(value)

    def told(self) -> str:
        """Return the choices for a sentence."""
        return ", ".join(
            f"no {name}" if option is None else f"{name} = {_shown(option)}"
            for name, option in ((f.id, self._choices.get(f.id)) for f in self._family.features)
        )

    def _attribute(self, attribute: Attribute, index: int) -> float:
        if attribute.formula:
            formula = ByFormula(formula=attribute.formula)
            return self.number(formula, f"$.attributes[{index}].formula")
        return math.fsum(
            feature.attributes.get(option, {}).get(attribute.name, 0.0)
            for feature in self._family.features
            for option in options_of(self._choices.get(feature.id))
        )

    def _evaluated(self, text: str) -> Any:
        try:
            return _compiled(text).evaluate(self._facts)
        except Refused as error:
            return _Nothing(f"none ({error})")

    def _fault(self, path: str, expected: str, found: Any, text: str) -> None:
        shown = found.told if isinstance(found, _Nothing) else _found(found)
        told = self.told()
        self._faults.append(
            Fault(
                source=self._family.id,
                path=path,
                expected=expected,
                found=f"{shown} for {told}" if told else shown,
                hint=f"The {'formula' if 'formula' in expected else 'condition'} is: {text}",
            )
        )


class _Nothing(msgspec.Struct, frozen=True):
    """No result, and why."""

    told: str


def _found(value: Any) -> str:
    return "null" if value is None else repr(value)


@lru_cache(maxsize=FORMULAS_REMEMBERED_MAX)
def _compiled(text: str) -> Expression:
    return compile_expression(text)


def _fact(feature: Feature, choice: Choice | None) -> Choice | list[str] | None:
    """Return what FEEL reads: of an ``or`` feature always a list, if an empty one."""
    return list(options_of(choice)) if feature.group is Group.OR else choice


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)


def _shown(choice: Choice) -> str:
    return " and ".join(repr(each) for each in options_of(choice))
