"""Product documents as they are written."""

from typing import Annotated, Literal

import msgspec

from fabloop.model.documents.entries import Entries, Entry, Header, Options
from fabloop.model.documents.texts import (
    ATTRIBUTES_MAX,
    ENTRIES_MAX,
    FEATURES_MAX,
    OPERATIONS_MAX,
    OPTIONS_MAX,
    ConditionText,
    DurationText,
    FeatureId,
    FormulaText,
    Id,
    Label,
    MassText,
    MoneyText,
    PieceCount,
    Remark,
    SkillName,
    StepDurationText,
    StepEnergyText,
    StepMoneyText,
    ValueText,
    Word,
)
from fabloop.model.product import Group, Per

Operations = msgspec.Meta(
    min_length=1, max_length=OPERATIONS_MAX, extra_json_schema={"x-limit": "OPERATIONS_MAX"}
)
Destinations = msgspec.Meta(
    min_length=1, max_length=ENTRIES_MAX, extra_json_schema={"x-limit": "ENTRIES_MAX"}
)
Features = msgspec.Meta(max_length=FEATURES_MAX, extra_json_schema={"x-limit": "FEATURES_MAX"})


class FeatureEntry(Entry, frozen=True, kw_only=True):
    """A choice the customer makes: one of `options`; none where it is not mandatory.

    Of an ``or`` group one or more options may be chosen. `attributes` are numbers by option and
    name, in the units that the attributes of the product say.
    """

    id: FeatureId
    label: Label
    options: Annotated[tuple[Word, ...], Options]
    default: Word | None = None
    mandatory: bool = True
    group: Group = Group.ALTERNATIVE
    attributes: dict[str, dict[str, float]] = msgspec.field(default_factory=dict)


class AttributeEntry(Entry, frozen=True, kw_only=True):
    """A number that formulas read: from the chosen options, or by a `formula` of its own."""

    name: FeatureId
    label: Label
    unit: Word | None = None
    formula: ConditionText = ""


class ChoiceEntry(Entry, frozen=True, kw_only=True):
    """One option of one feature."""

    feature: FeatureId
    option: Word


class FeatureRuleEntry(Entry, frozen=True, kw_only=True):
    """A choice that requires or excludes another one."""

    kind: Literal["requires", "excludes"]
    when: ChoiceEntry
    other: ChoiceEntry
    reason: Remark = ""


class ByEntry(Entry, frozen=True, kw_only=True):
    """A value that the chosen option of a mandatory feature decides."""

    by: FeatureId
    of: Annotated[dict[str, ValueText], Options]


class PurchaseEntry(Entry, frozen=True, kw_only=True):
    """A third party that delivers the material, and what one piece takes.

    It delivers to any site, or `to` those named; from there parts go on by a lane.
    """

    supplier: Label
    lead: DurationText
    cost: MoneyText
    co2: MassText = "0 kg"
    to: Annotated[tuple[Id, ...], Destinations] | None = None


class PartEntry(Entry, frozen=True, kw_only=True):
    """A part of which not just one goes into a piece; a text is a formula, such as ``= teeth``."""

    part: Id
    quantity: PieceCount | FormulaText


class MaterialEntry(Entry, frozen=True, kw_only=True):
    """A material definition; where `when` does not hold, nothing makes it either."""

    id: Id
    label: Label
    made_of: Annotated[tuple[Id | PartEntry, ...], Entries] = ()
    third_party: bool = False
    supply: Annotated[tuple[PurchaseEntry, ...], Entries] = ()
    when: ConditionText = ""


class OperationEntry(Entry, frozen=True, kw_only=True):
    """A production step.

    Where `when` does not hold, or its output is not part of the variant, the step is left out
    and the steps it takes from go straight to the step that takes from it. Figures hold for one
    piece or, `per` lot, for all pieces of an order together; they may say so themselves
    (``12 min/piece``). A text that starts with ``=`` is a formula (``= 2 + 0.5 * teeth [min]``).
    """

    id: Id
    label: Label
    skill: SkillName
    constraints: dict[str, ValueText | ByEntry] = msgspec.field(default_factory=dict)
    inputs: Annotated[tuple[Id, ...], Entries] = ()
    output: Id
    duration: StepDurationText | ByEntry
    energy: StepEnergyText | ByEntry
    cost: StepMoneyText | ByEntry
    person_skill: SkillName | None = None
    per: Per | None = None
    setup_family: Word | None = None
    batch_family: Word | None = None
    tools: Annotated[tuple[Word, ...], Entries] = ()
    when: ConditionText = ""


class RoutingOptionEntry(Entry, frozen=True, kw_only=True):
    """One way to do a part of the work."""

    id: Id
    label: Label
    operations: Annotated[tuple[Id, ...], Operations]


class AlternativeEntry(Entry, frozen=True, kw_only=True):
    """Ways of which one is carried out: they start from the same operations and end at the same."""

    id: Id
    label: Label
    options: Annotated[
        tuple[RoutingOptionEntry, ...], msgspec.Meta(min_length=2, max_length=OPTIONS_MAX)
    ]


class ProductDocument(Header, frozen=True, kw_only=True, tag_field="document", tag="product"):
    """A product family: features, rules, bill of material and bill of process."""

    id: Id
    label: Label
    features: Annotated[tuple[FeatureEntry, ...], Features] = ()
    rules: Annotated[tuple[FeatureRuleEntry, ...], Entries] = ()
    materials: Annotated[tuple[MaterialEntry, ...], Entries]
    operations: Annotated[tuple[OperationEntry, ...], Operations]
    attributes: Annotated[tuple[AttributeEntry, ...], msgspec.Meta(max_length=ATTRIBUTES_MAX)] = ()
    alternatives: Annotated[tuple[AlternativeEntry, ...], Entries] = ()
