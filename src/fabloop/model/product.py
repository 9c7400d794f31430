"""Products: features to choose from, bill of material, bill of process."""

from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from fabloop.model.ids import MaterialId, OperationId, ProductId, SiteId, SkillId
from fabloop.model.skill import Requirement

Value = TypeVar("Value")
Choice = str | tuple[str, ...]
"""The option chosen of a feature; of an ``or`` feature all options chosen."""


class Group(StrEnum):
    """How many options of a feature may be chosen."""

    ALTERNATIVE = "alternative"
    """One."""
    OR = "or"
    """One or more."""


class Per(StrEnum):
    """What the figures of an operation stand for."""

    PIECE = "piece"
    LOT = "lot"
    """All pieces of an order together."""


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    """A number that formulas of a product can read, in `unit` (empty: a plain number).

    It is what the chosen option of a feature says, or a FEEL `formula` over features and the
    attributes before it. Where several options of an ``or`` feature are chosen, they add up;
    where none is chosen, it is 0.
    """

    name: str
    label: str
    unit: str = ""
    formula: str = ""


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """A choice the customer makes: one of `options`, or none where it is optional.

    `attributes` are numbers by option and name, in the units of the family's attributes.
    """

    id: str
    label: str
    options: tuple[str, ...]
    default: str | None = None
    mandatory: bool = True
    group: Group = Group.ALTERNATIVE
    attributes: dict[str, dict[str, float]] = {}


class FeatureRule(msgspec.Struct, frozen=True, kw_only=True):
    """A choice `when` that ``requires`` or ``excludes`` the choice `other` (feature, option)."""

    kind: str
    when: tuple[str, str]
    other: tuple[str, str]
    reason: str = ""


class Purchase(msgspec.Struct, frozen=True, kw_only=True):
    """A third party that delivers the material: how long that takes, and what a piece takes.

    `sites` are those that it delivers to; empty is any.
    """

    supplier: str
    lead_ns: int
    cost_minor: int
    co2_kg: float = 0.0
    sites: tuple[SiteId, ...] = ()

    def comes_to(self, site: SiteId) -> bool:
        """Tell whether it delivers to the site."""
        return not self.sites or site in self.sites


class ByFormula(msgspec.Struct, frozen=True, kw_only=True):
    """A value that a FEEL formula over features and attributes gives: scale x result + offset.

    `scale` and `offset` take the result from the unit it is written in to the unit of the noun.
    """

    formula: str
    scale: float = 1.0
    offset: float = 0.0


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """A material definition of the bill of material: raw, bought, made or final.

    `amounts` tells how many of a part go into one piece where that is not one; in a family a
    formula may tell it (`amount_formulas`).
    """

    id: MaterialId
    label: str
    made_of: tuple[MaterialId, ...] = ()
    third_party: bool = False
    condition: str = ""
    """FEEL over the chosen features; empty is always."""
    amounts: dict[MaterialId, int] = {}
    amount_formulas: dict[MaterialId, ByFormula] = {}
    supply: tuple[Purchase, ...] = ()


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A production step of a configured product (IEC 62264 operations segment).

    Attributes
    ----------
    inputs : operations whose output this one takes; together they form an in-tree, and each
        choice of routing does where there are alternatives
    output : the material definition that leaves the step
    duration_ns : at a work unit of speed 1, without set-up
    energy_j, cost_minor : of the operation itself, without the work unit's base load and rate
    person_skill : where set, a person with this skill carries the step out at the work unit
    per : whether duration, energy and cost are those of one piece or of the whole lot
    setup_family : what `WorkUnit.setups` speak of; empty is none
    batch_family : pieces of one family may be processed at once where a unit's `batch_max` allows
    tools : kinds of tools and fixtures, each held at the site while the step lasts
    per_product : how many pieces of its output go into one piece of the product
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
    per: Per = Per.PIECE
    setup_family: str = ""
    batch_family: str = ""
    tools: tuple[str, ...] = ()
    per_product: int = 1

    def runs(self, quantity: int, batch_max: int = 1) -> int:
        """Return how often the duration is spent for this many products.

        Once for a lot; else once for each piece, or for each batch where it has a batch family.
        """
        pieces = self.pieces(quantity)
        return -(-pieces // batch_max) if self.batch_family else pieces

    def pieces(self, quantity: int) -> int:
        """Return how often own energy and cost are spent for this many products.

        A lot spends them once; a batch saves neither.
        """
        return 1 if self.per is Per.LOT else quantity * self.per_product


class RoutingOption(msgspec.Struct, frozen=True, kw_only=True):
    """One way to do a part of the work: these operations, and none of the other options."""

    id: str
    label: str
    operations: tuple[OperationId, ...]


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """Ways of which exactly one is carried out.

    All options take the outputs of the same operations, and each hands over by its last
    operation to the same taker (the common end), among whose inputs all those last operations
    stand; where an alternative follows, each of its options takes from them. An alternative may
    lie within an option of another: it counts where that is chosen.
    """

    id: str
    label: str
    options: tuple[RoutingOption, ...]


class ByFeature(msgspec.Struct, Generic[Value], frozen=True, kw_only=True):
    """A value that the chosen option of a mandatory feature decides."""

    feature: str
    of: dict[str, Value]


class ParametricOperation(msgspec.Struct, frozen=True, kw_only=True):
    """An operation of a product family; `condition` is FEEL over the features, empty is always.

    Quantities are as in `Operation`, or depend on a feature or a formula.
    """

    id: OperationId
    label: str
    skill: SkillId
    constraints: dict[str, float | str | ByFeature[float | str] | ByFormula] = {}
    inputs: tuple[OperationId, ...]
    output: MaterialId
    duration_ns: int | ByFeature[int] | ByFormula
    energy_j: float | ByFeature[float] | ByFormula
    cost_minor: int | ByFeature[int] | ByFormula
    person_skill: SkillId | None = None
    condition: str = ""
    per: Per = Per.PIECE
    setup_family: str = ""
    batch_family: str = ""
    tools: tuple[str, ...] = ()


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
    attributes: tuple[Attribute, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


class ConfiguredProduct(msgspec.Struct, frozen=True, kw_only=True):
    """One variant: the choices, and what they leave of bill of material and bill of process."""

    product: ProductId
    label: str
    version: str
    choices: dict[str, Choice]
    materials: tuple[Material, ...]
    operations: tuple[Operation, ...]
    alternatives: tuple[Alternative, ...] = ()
    attributes: dict[str, float] = {}

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
