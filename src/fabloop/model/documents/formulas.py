"""Conditions and formulas as they are written: FEEL over features and attributes, with a unit."""

import re
from collections.abc import Collection

from fabloop.base.errors import Invalid, Refused
from fabloop.base.instant import SECOND
from fabloop.base.quantity import Dimension, example, quantity_of
from fabloop.feel import compile_expression
from fabloop.model.documents.collect import Sheet, short
from fabloop.model.documents.values import Purse
from fabloop.model.product import ByFormula

_FORMULA = re.compile(r"\s*=\s*(.*?)\s*(?:\[([^\[\]]*)\])?\s*$", re.DOTALL)
NAMES = "a feature or attribute of the product"


def is_formula(text: str) -> bool:
    """Tell whether a text is a formula and not a plain value."""
    return text.lstrip().startswith("=")


def note_expression(text: str, names: Collection[str], sheet: Sheet, what: str) -> None:
    """Note what keeps FEEL from being evaluated: syntax, or names it does not know."""
    try:
        expression = compile_expression(text)
    except Refused as error:  # a limit, which stands nowhere in the text
        sheet.fault(f"a FEEL {what} within the limits of FEEL", short(repr(text)), str(error))
        return
    except Invalid as error:
        for fault in error.faults:
            where = f"See {fault.path} of the {what}." if fault.path else ""
            hint = " ".join(part for part in (where, fault.hint) if part)
            sheet.fault(f"a FEEL {what} with {fault.expected}", fault.found, hint)
        return
    for name in sorted(expression.variables):
        sheet.known(name, names, f"{NAMES} in the {what}")


def note_condition(condition: str, names: Collection[str], sheet: Sheet) -> None:
    """Note what keeps a condition from being evaluated; an empty one always holds."""
    if condition:
        note_expression(condition, names, sheet, "condition")


def quantity_formula(
    text: str, dimension: Dimension, names: Collection[str], sheet: Sheet
) -> ByFormula:
    """Read ``= 2 * bore [mm]`` as a formula whose result is an SI value."""
    body, unit = _parts(text, names, sheet)
    try:
        zero = quantity_of(f"0 {unit}", dimension)
        one = quantity_of(f"1 {unit}", dimension)
    except ValueError:
        sheet.fault(
            f"a unit of {dimension} in brackets behind the formula, such as "
            f"'[{example(dimension).partition(' ')[2]}]'",
            repr(unit) if unit else "none",
        )
        return ByFormula(formula=body)
    return ByFormula(formula=body, scale=one - zero, offset=zero)


def duration_formula(text: str, names: Collection[str], sheet: Sheet) -> ByFormula:
    """Read ``= 2 + 0.5 * teeth [min]`` as a formula whose result is nanoseconds."""
    found = quantity_formula(text, Dimension.TIME, names, sheet)
    return ByFormula(formula=found.formula, scale=found.scale * SECOND)


def money_formula(text: str, names: Collection[str], sheet: Sheet, purse: Purse) -> ByFormula:
    """Read ``= 1.5 * teeth [EUR]`` as a formula whose result is minor units."""
    body, unit = _parts(text, names, sheet)
    if not re.fullmatch(r"[A-Z]{3}", unit):
        found = repr(unit) if unit else "none"
        sheet.fault("a currency in brackets behind the formula, such as '[EUR]'", found)
        return ByFormula(formula=body)
    return ByFormula(formula=body, scale=float(purse.cost(f"1 {unit}", sheet)))


def count_formula(text: str, names: Collection[str], sheet: Sheet) -> ByFormula:
    """Read ``= teeth / 2`` as a formula whose result is a plain number."""
    body, unit = _parts(text, names, sheet)
    if unit:
        sheet.fault("a formula without a unit", f"the unit {unit!r}")
    return ByFormula(formula=body)


def _parts(text: str, names: Collection[str], sheet: Sheet) -> tuple[str, str]:
    """Return the FEEL text and the unit, after noting what is wrong with the FEEL text."""
    found = _FORMULA.match(text)
    if found is None or not found[1]:
        sheet.fault("a formula, such as '= 2 + 0.5 * teeth [min]'", repr(text))
        return "0", ""
    note_expression(found[1], names, sheet, "formula")
    return found[1], (found[2] or "").strip()
