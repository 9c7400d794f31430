"""Whether a value can be an input, and what has to be done to it: names, units, kinds."""

import math
from typing import Any

import msgspec

from fabloop.base.quantity import Dimension, si_scale
from fabloop.model.service import Parameter, ValueKind
from fabloop.services.discovery import Likeness
from fabloop.services.discovery.index import concept_of

FIT_MIN = 0.6
"""Concepts less alike than this are not taken for the same thing."""
UNIT_UNSAID = 0.8
KIND_CHANGED = 0.85
ROUNDED_AT = 9


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """How one quantity follows from another: wanted = factor * given + shift, in SI units."""

    given: str
    wanted: str
    factor: float
    shift: float
    dimension: Dimension


RELATIONS = (
    Relation(given="delay", wanted="speed", factor=-1.0, shift=1.0, dimension=Dimension.RATIO),
    Relation(given="speed", wanted="delay", factor=-1.0, shift=1.0, dimension=Dimension.RATIO),
)
"""A delay is the share by which the actual time exceeds the expected one, of the actual time: who
works at 1 - delay of the usual speed takes just as much longer."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be done to a value: first linear, then its kind.

    Attributes
    ----------
    factor, shift : value = factor * value + shift
    kind : of the result; None keeps it
    said : for people; empty where nothing has to be done
    """

    factor: float = 1.0
    shift: float = 0.0
    kind: ValueKind | None = None
    said: str = ""


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """That a value can be an input, how sure that is, and what has to be done to it."""

    confidence: float
    change: Change


def fit(
    given: Parameter,
    wanted: Parameter,
    likeness: Likeness,
    relations: tuple[Relation, ...] = RELATIONS,
) -> Fit | None:
    """Return how a value serves as an input; None where it does not."""
    alike = max(
        likeness.of(concept_of(wanted), concept_of(given)),
        0.9 * likeness.of(wanted.name, given.name),
    )
    found = _changed(given, wanted, alike)
    for relation in relations:
        related = _related(given, wanted, relation, likeness)
        if related is not None and (found is None or related.confidence > found.confidence):
            found = related
    return found if found is not None and found.confidence >= FIT_MIN else None


def _changed(given: Parameter, wanted: Parameter, alike: float) -> Fit | None:
    linear = _linear(given, wanted)
    kind = _kind(given.kind, wanted.kind)
    if linear is None or kind is None:
        return None
    (factor, shift, said), share = linear
    sure, to = kind
    changed = f"{said}, as {to}" if to is not None and said else (f"as {to}" if to else said)
    change = Change(factor=factor, shift=shift, kind=to, said=changed)
    return Fit(confidence=min(1.0, alike) * share * sure, change=change)


def _linear(given: Parameter, wanted: Parameter) -> tuple[tuple[float, float, str], float] | None:
    """Return the change of unit and how sure it is; None where the units measure other things."""
    if given.unit == wanted.unit:
        return (1.0, 0.0, ""), 1.0
    if given.dimension is None and wanted.dimension is None:
        if given.unit and wanted.unit:
            return (1.0, 0.0, f"{given.unit} counted as {wanted.unit}"), UNIT_UNSAID
        return (1.0, 0.0, ""), 1.0
    if given.dimension != wanted.dimension:
        if given.unit and wanted.unit:
            return None
        return (1.0, 0.0, "taken to be in the same unit"), UNIT_UNSAID
    factor, shift = _between(given.unit, wanted.unit)
    return (factor, shift, f"{given.unit} to {wanted.unit}"), 1.0


def _between(given: str, wanted: str) -> tuple[float, float]:
    from_factor, from_shift = si_scale(given)
    to_factor, to_shift = si_scale(wanted)
    return from_factor / to_factor, (from_shift - to_shift) / to_factor


_NUMBERS = (ValueKind.NUMBER, ValueKind.INTEGER)


def _kind(given: ValueKind, wanted: ValueKind) -> tuple[float, ValueKind | None] | None:
    """Return how sure a change of kind is, and to which; None where it cannot be made."""
    if given is wanted or (given is ValueKind.INTEGER and wanted is ValueKind.NUMBER):
        return 1.0, None
    if wanted is ValueKind.LIST and given is not ValueKind.CONTEXT:
        return KIND_CHANGED, ValueKind.LIST
    if wanted is ValueKind.TEXT and given in (*_NUMBERS, ValueKind.BOOLEAN):
        return KIND_CHANGED, ValueKind.TEXT
    if wanted is ValueKind.INTEGER and given is ValueKind.NUMBER:
        return KIND_CHANGED, ValueKind.INTEGER
    if wanted in _NUMBERS and given is ValueKind.TEXT:
        return KIND_CHANGED * KIND_CHANGED, wanted
    return None


def _related(
    given: Parameter, wanted: Parameter, relation: Relation, likeness: Likeness
) -> Fit | None:
    """Return how an input follows from a value of another concept."""
    if given.dimension is not relation.dimension or wanted.dimension is not relation.dimension:
        return None
    if given.kind not in _NUMBERS or wanted.kind not in _NUMBERS:
        return None
    alike = min(
        likeness.of(relation.given, concept_of(given)),
        likeness.of(relation.wanted, concept_of(wanted)),
    )
    from_factor, from_shift = si_scale(given.unit)
    to_factor, to_shift = si_scale(wanted.unit)
    factor = relation.factor * from_factor / to_factor
    shift = (relation.factor * from_shift + relation.shift - to_shift) / to_factor
    sign = "-" if relation.factor < 0 else "+"
    times = "" if abs(relation.factor) == 1.0 else f"{abs(relation.factor):g} * "
    said = f"{relation.wanted} = {relation.shift:g} {sign} {times}{relation.given}"
    return Fit(confidence=alike, change=Change(factor=factor, shift=shift, said=said))


def changed(value: Any, change: Change) -> Any:
    """Return a value after a change.

    Raises
    ------
    ValueError
        A text that should be a number is none.
    """
    if isinstance(value, list) and change.kind is not ValueKind.LIST:
        return [changed(each, change) for each in value]
    number = _number(value, change)
    if change.factor != 1.0 or change.shift != 0.0:
        value = round(change.factor * number + change.shift, ROUNDED_AT)
    match change.kind:
        case ValueKind.LIST:
            return value if isinstance(value, list) else [value]
        case ValueKind.TEXT:
            return f"{value:g}" if isinstance(value, float) else str(value)
        case ValueKind.INTEGER:
            return math.floor(float(value) + 0.5)
        case ValueKind.NUMBER:
            return float(value)
        case _:
            return value


def _number(value: Any, change: Change) -> float:
    """Return the value as a number where one is needed."""
    if change.factor == 1.0 and change.shift == 0.0:
        return 0.0
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        return float(value)
    raise ValueError(f"{value!r} is no number")
