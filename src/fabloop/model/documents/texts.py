"""How values are written in documents: patterns, examples and limits shared by all structs."""

from typing import Annotated, Literal

import msgspec

from fabloop.base.quantity import Dimension, example

FILE_BYTES_MAX = 16 * 1024 * 1024
DOCUMENTS_MAX = 2_000
ENTRIES_MAX = 5_000
OPERATIONS_MAX = 10_000
FEATURES_MAX = 100
OPTIONS_MAX = 100
ATTRIBUTES_MAX = 200
PARTS_MAX = 20
PIECES_MAX = 100_000
TEXT_MAX = 2_000
ID_MAX = 100

_NUMBER = r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?"
QUANTITY_PATTERN = rf"^\s*{_NUMBER}\s*(\S.*)?$"
MONEY_PATTERN = r"^\s*[+-]?\d+(?:\.\d+)?\s*[A-Z]{3}\s*$"


def _written(title: str, pattern: str, shown: str) -> msgspec.Meta:
    """Return what the schema says of a text; the reader, not the decoder, judges the text.

    A decoder that stopped at the first bad unit would hide every other fault of the document.
    """
    return msgspec.Meta(
        title=title, max_length=TEXT_MAX, examples=[shown], extra_json_schema={"pattern": pattern}
    )


def _quantity(dimension: Dimension) -> msgspec.Meta:
    return _written(f"a number with a unit of {dimension}", QUANTITY_PATTERN, example(dimension))


Id = Annotated[
    str,
    msgspec.Meta(
        title="an id of lower-case letters, digits, '-', '_' and '.'",
        pattern=r"^[a-z0-9][a-z0-9_.-]*$",
        max_length=ID_MAX,
        examples=["graz-u630"],
    ),
]
FeatureId = Annotated[
    str,
    msgspec.Meta(
        title="a feature id of lower-case letters, digits and '_', so that FEEL can name it",
        pattern=r"^[a-z][a-z0-9_]*$",
        max_length=ID_MAX,
        examples=["load"],
    ),
]
Label = Annotated[
    str,
    msgspec.Meta(title="a short text for people", min_length=1, max_length=200),
]
ContextName = Annotated[
    str,
    msgspec.Meta(
        title="the published context, 'urn:fabloop:context:1:' with the kind of document after it",
        max_length=200,
        examples=["urn:fabloop:context:1:order"],
    ),
]
Remark = Annotated[
    str,
    msgspec.Meta(title="an explanation for people", max_length=TEXT_MAX),
]
Word = Annotated[
    str,
    msgspec.Meta(title="a word of the vocabulary", min_length=1, max_length=ID_MAX),
]
SkillName = Annotated[
    str,
    msgspec.Meta(
        title="the id of a skill, or a synonym of it",
        min_length=1,
        max_length=ID_MAX,
        examples=["ream"],
    ),
]
LengthText = Annotated[str, _quantity(Dimension.LENGTH)]
DurationText = Annotated[str, _quantity(Dimension.TIME)]
EnergyText = Annotated[str, _quantity(Dimension.ENERGY)]
PowerText = Annotated[str, _quantity(Dimension.POWER)]
MassText = Annotated[str, _quantity(Dimension.MASS)]
Co2IntensityText = Annotated[str, _quantity(Dimension.MASS_PER_ENERGY)]
QuantityText = Annotated[
    str,
    _written("a number with a unit of the parameter's dimension", QUANTITY_PATTERN, "15 µm"),
]
ValueText = Annotated[
    str,
    msgspec.Meta(
        title="a number with a unit, or a word, as the skill's parameter wants",
        min_length=1,
        max_length=TEXT_MAX,
        examples=["15 µm", "aluminium"],
    ),
]
MoneyText = Annotated[
    str, _written("an amount with its ISO 4217 currency", MONEY_PATTERN, "12.50 EUR")
]
HourlyRateText = Annotated[
    str,
    _written(
        "an amount with its currency per hour",
        r"^\s*[+-]?\d+(?:\.\d+)?\s*[A-Z]{3}\s*/\s*\S+\s*$",
        "58.00 EUR/h",
    ),
]
EnergyPriceText = Annotated[
    str,
    _written(
        "an amount with its currency per unit of energy",
        r"^\s*[+-]?\d+(?:\.\d+)?\s*[A-Z]{3}\s*/\s*\S+\s*$",
        "0.21 EUR/kWh",
    ),
]
InstantText = Annotated[
    str,
    _written(
        "an ISO 8601 date-time with an offset",
        r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}",
        "2026-11-23T12:30:00+01:00",
    ),
]
TimeOfDayText = Annotated[
    str, _written("a time of day from 00:00 to 24:00", r"^\d{2}:\d{2}$", "06:00")
]
TimeZoneText = Annotated[
    str,
    msgspec.Meta(title="an IANA time zone", max_length=ID_MAX, examples=["Europe/Vienna"]),
]
ConditionText = Annotated[
    str,
    msgspec.Meta(
        title="a FEEL condition over the chosen features; empty is always",
        max_length=TEXT_MAX,
        examples=['motor = "included"'],
    ),
]
FORMULA = r"\s*=.*"
"""A text that starts with ``=`` is a FEEL formula, with its unit in brackets behind it."""


def _step(dimension: Dimension) -> msgspec.Meta:
    return _written(
        f"a number with a unit of {dimension}",
        rf"^(?:{QUANTITY_PATTERN[1:-1]}|{FORMULA})$",
        example(dimension),
    )


StepDurationText = Annotated[str, _step(Dimension.TIME)]
StepEnergyText = Annotated[str, _step(Dimension.ENERGY)]
StepMoneyText = Annotated[
    str,
    _written(
        "an amount with its ISO 4217 currency",
        rf"^(?:\s*[+-]?\d+(?:\.\d+)?\s*[A-Z]{{3}}\s*(?:/\s*\S+\s*)?|{FORMULA})$",
        "12.50 EUR",
    ),
]
FormulaText = Annotated[
    str, _written("a FEEL formula over features and attributes", rf"^{FORMULA}$", "= teeth / 2")
]
DateText = Annotated[str, _written("an ISO 8601 date", r"^\d{4}-\d{2}-\d{2}$", "2026-12-24")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
EVERY_WEEKDAY: tuple[Weekday, ...] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
Weekdays = Annotated[tuple[Weekday, ...], msgspec.Meta(min_length=1, max_length=7)]
PieceCount = Annotated[
    int, msgspec.Meta(title="a number of pieces, at least 1", ge=1, le=PIECES_MAX, examples=[1])
]
Factor = Annotated[
    float, msgspec.Meta(title="a factor from 0.001 to 1000", ge=1e-3, le=1_000, examples=[1.0])
]
