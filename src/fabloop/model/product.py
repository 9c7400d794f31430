"""Products: features to choose from, bill of material, bill of process."""

from typing import Generic, TypeVar

import msgspec

from fabloop.model.ids import MaterialId, OperationId, ProductId, SkillId
from fabloop.model.skill import Requirement

Value = TypeVar("Value")


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """A choice the customer makes: one of `options`, or none where it is optional."""

    id: str
    label: str
    options: tuple[str, ...]
    default: str | None = None
    mandatory: bool = True


class FeatureRule(msgspec.Struct, frozen=True, kw_only=True):
    """A choice `when` that ``requires`` or ``excludes`` the choice `other` (feature, option)."""

    kind: str
    when: tuple[str, str]
    other: tuple[str, str]
    reason: str = ""


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """A material definition of the bill of material: raw, bought, made or final."""

    id: MaterialId
    label: str
    made_of: tuple[MaterialId, ...] = ()
    third_party: bool = False
    condition: str = ""
    """FEEL over the chosen features; empty is always."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A production step of a configured product (IEC 62264 operations segment).

    Attributes
    ----------
    inputs : operations whose output this one takes; together they form an in-tree
    output : the material definition that leaves the step
    duration_ns : at a work unit of speed 1, without set-up
    energy_j, cost_minor : of the operation itself, without the work unit's base load and rate
    person_skill : where set, a person with this skill carries the step out at the work unit
    """

    id: OperationId
    label: str
    requirement: Requirement
    inputs: tuple[OperationId, ...]
    output: MaterialId
    duration_ns: int
    energy_j: float
    cost_minor: int
    person_skill: SkillId | None = None


class ByFeature(msgspec.Struct, Generic[Value], frozen=True, kw_only=True):
    """A value that the chosen option of a mandatory feature decides."""

    feature: str
    of: dict[str, Value]


class ParametricOperation(msgspec.Struct, frozen=True, kw_only=True):
    """An operation of a product family; `condition` is FEEL over the features, empty is always.

    Quantities are as in `Operation`, or depend on a feature.
    """

    id: OperationId
    label: str
    skill: SkillId
    constraints: dict[str, float | str | ByFeature[float | str]] = {}
    inputs: tuple[OperationId, ...]
    output: MaterialId
    duration_ns: int | ByFeature[int]
    energy_j: float | ByFeature[float]
    cost_minor: int | ByFeature[int]
    person_skill: SkillId | None = None
    condition: str = ""


class ProductFamily(msgspec.Struct, frozen=True, kw_only=True):
    """All variants of a product: features with rules, and the bills of the largest variant."""

    id: ProductId
    label: str
    version: str
    currency: str
    features: tuple[Feature, ...]
    rules: tuple[FeatureRule, ...]
    materials: tuple[Material, ...]
    operations: tuple[ParametricOperation, ...]


class ConfiguredProduct(msgspec.Struct, frozen=True, kw_only=True):
    """One variant: the choices, and what they leave of bill of material and bill of process."""

    product: ProductId
    label: str
    version: str
    choices: dict[str, str]
    materials: tuple[Material, ...]
    operations: tuple[Operation, ...]

    def operation(self, operation: OperationId) -> Operation:
        """Return the operation with this id."""
        return next(each for each in self.operations if each.id == operation)

    def final(self) -> Operation:
        """Return the operation that no other one takes from: its output is the product."""
        taken = {each for operation in self.operations for each in operation.inputs}
        return next(each for each in self.operations if each.id not in taken)


class Configured(msgspec.Struct, frozen=True, kw_only=True, tag="configured"):
    """The choices fit together."""

    product: ConfiguredProduct


class ChoiceConflict(msgspec.Struct, frozen=True, kw_only=True):
    """Why a choice cannot be had: its feature, the option chosen, and what stands against it."""

    feature: str
    option: str
    reason: str
    allowed: tuple[str, ...] = ()


class NotConfigurable(msgspec.Struct, frozen=True, kw_only=True, tag="not-configurable"):
    """The choices contradict the feature model; every contradiction is named."""

    conflicts: tuple[ChoiceConflict, ...]
