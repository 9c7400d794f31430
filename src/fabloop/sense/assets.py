"""Assets and what is known of them: aspects with typed variables, and the series that fill them."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.names import did_you_mean
from fabloop.base.quantity import Dimension
from fabloop.model.ids import WorkUnitId
from fabloop.sense.readings.series import Series

VARIABLES_MAX = 1_000
"""Variables of one aspect type."""


class VariableType(msgspec.Struct, frozen=True, kw_only=True):
    """One variable of an aspect type; `dimension` is None for numbers without one."""

    name: str
    dimension: Dimension | None


class AspectType(msgspec.Struct, frozen=True, kw_only=True):
    """What assets of many kinds have in common, such as the condition of a feed axis.

    Attributes
    ----------
    version : a type whose variables change gets another one; assets name it
    """

    name: str
    version: int
    variables: tuple[VariableType, ...]


class Aspect(msgspec.Struct, frozen=True, kw_only=True):
    """One use of an aspect type at an asset, such as the condition of its X axis.

    Attributes
    ----------
    names : series name of each variable, where it is not ``aspect.variable``
    """

    name: str
    type: str
    version: int
    names: dict[str, str] = {}


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """A machine, or a part of one, with its aspects; `part_of` is empty for a machine."""

    id: str
    work_unit: WorkUnitId
    aspects: tuple[Aspect, ...]
    part_of: str = ""


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """A variable of an asset and the series that fill it, several where sources are redundant."""

    asset: str
    aspect: str
    variable: VariableType
    series: tuple[int, ...]


def fill(
    assets: Iterable[Asset], types: Iterable[AspectType], series: Mapping[int, Series]
) -> tuple[Filled, ...]:
    """Return every variable of every asset with its series; one that nobody tells has none.

    Raises
    ------
    Invalid
        Names that are there twice, unknown types or versions, parts of nothing, and series whose
        dimension is not the variable's: all of them.
    """
    known, told = tuple(assets), tuple(types)
    by_type = {(each.name, each.version): each for each in told}
    faults = [*_twice(known, told), *_unknown(known, by_type)]
    if faults:
        raise Invalid(faults)
    by_name: dict[tuple[WorkUnitId, str], list[int]] = {}
    for number, each in series.items():
        by_name.setdefault((each.work_unit, each.name), []).append(number)
    found = []
    for asset in known:
        for aspect in asset.aspects:
            for variable in by_type[aspect.type, aspect.version].variables:
                name = aspect.names.get(variable.name, f"{aspect.name}.{variable.name}")
                numbers = tuple(by_name.get((asset.work_unit, name), ()))
                faults += _unlike(asset, aspect, variable, [series[each] for each in numbers])
                found.append(
                    Filled(asset=asset.id, aspect=aspect.name, variable=variable, series=numbers)
                )
    if faults:
        raise Invalid(faults)
    return tuple(found)


def _twice(assets: Iterable[Asset], types: Iterable[AspectType]) -> Iterator[Fault]:
    for path, names in (
        ("assets", [each.id for each in assets]),
        ("types", [f"{each.name}, version {each.version}" for each in types]),
        *((f"assets.{each.id}", [aspect.name for aspect in each.aspects]) for each in assets),
        *((f"types.{each.name}", [one.name for one in each.variables]) for each in types),
    ):
        for name in sorted({each for each in names if names.count(each) > 1}):
            yield _fault(path, "each name once", f"'{name}' again")
    for each in types:
        if len(each.variables) > VARIABLES_MAX:
            yield _fault(
                f"types.{each.name}",
                f"at most {VARIABLES_MAX} variables",
                str(len(each.variables)),
            )


def _unknown(
    assets: Iterable[Asset], types: Mapping[tuple[str, int], AspectType]
) -> Iterator[Fault]:
    ids = [each.id for each in assets]
    names = {name for name, _ in types}
    for asset in assets:
        if asset.part_of and (asset.part_of not in ids or asset.part_of == asset.id):
            hint = did_you_mean(asset.part_of, ids)
            yield _fault(f"assets.{asset.id}.part_of", "another asset", f"'{asset.part_of}'", hint)
        for aspect in asset.aspects:
            path = f"assets.{asset.id}.{aspect.name}"
            kind = types.get((aspect.type, aspect.version))
            if kind is None:
                hint = did_you_mean(aspect.type, names)
                found = f"'{aspect.type}', version {aspect.version}"
                yield _fault(path, "an aspect type", found, hint)
                continue
            mine = {each.name for each in kind.variables}
            for name in sorted(aspect.names.keys() - mine):
                hint = did_you_mean(name, mine)
                yield _fault(f"{path}.names", f"a variable of '{kind.name}'", f"'{name}'", hint)


def _unlike(
    asset: Asset, aspect: Aspect, variable: VariableType, series: Iterable[Series]
) -> Iterator[Fault]:
    for each in series:
        if each.dimension is not variable.dimension:
            yield _fault(
                f"assets.{asset.id}.{aspect.name}.{variable.name}",
                f"a series of {_word(variable.dimension)}",
                f"{_word(each.dimension)} from {each.source} {each.address}",
                "Map another series, or give this one its unit.",
            )


def _word(dimension: Dimension | None) -> str:
    return "no dimension" if dimension is None else str(dimension.value)


def _fault(path: str, expected: str, found: str, hint: str = "") -> Fault:
    return Fault(source="assets", path=path, expected=expected, found=found, hint=hint)


FEED_AXIS = AspectType(
    name="feed-axis-condition",
    version=1,
    variables=(
        VariableType(name="friction", dimension=Dimension.FORCE),
        VariableType(name="moving-mass", dimension=Dimension.MASS),
        VariableType(name="coherence", dimension=Dimension.RATIO),
        VariableType(name="reverse-play", dimension=Dimension.LENGTH),
        VariableType(name="standing-play", dimension=Dimension.LENGTH),
        VariableType(name="stiffness", dimension=Dimension.STIFFNESS),
        VariableType(name="gap", dimension=Dimension.LENGTH),
        VariableType(name="quadrant", dimension=Dimension.LENGTH),
    ),
)
"""What the daily test tells of a feed axis."""
POSITION = AspectType(
    name="position",
    version=1,
    variables=(
        VariableType(name="error", dimension=Dimension.LENGTH),
        VariableType(name="bound", dimension=Dimension.LENGTH),
    ),
)
"""What the daily test tells of a machine: value and upper bound of ``tpe/1``."""
