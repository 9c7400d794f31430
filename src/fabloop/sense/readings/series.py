"""Series: what a column of readings measures, where it comes from, and its number."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import msgspec

from fabloop.base.quantity import Dimension
from fabloop.model.ids import WorkUnitId


class Kind(StrEnum):
    """How the values of a series follow each other, which decides how they are condensed."""

    GAUGE = "gauge"
    """A measured quantity: its mean, least and greatest mean something."""
    COUNTER = "counter"
    """Counts up, rolls over and starts again: only its increase means something."""
    STATE = "state"
    """Number of one of `Series.states`; holds until the next reading."""


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One property of one piece of equipment, as one source tells it.

    Attributes
    ----------
    source : the configured source, such as ``opcua-hall-2``; a second source is a second series
    address : where the source finds it (node id, topic and metric, register), unique in the source
    work_unit : whose property it is; empty: not mapped to the equipment yet
    name : the property in the words of the equipment, such as ``spindle.load``
    dimension : None for numbers without one (counts, states)
    scale, offset : SI value = value of the source * scale + offset; applied by the adapter
    unit : unit of the source, as it tells it; SI inside
    states : texts that a state's numbers stand for, in order
    least, greatest : limits of the sensor in SI; beyond them a reading is uncertain
    """

    source: str
    address: str
    name: str
    work_unit: WorkUnitId = WorkUnitId("")
    kind: Kind = Kind.GAUGE
    dimension: Dimension | None = None
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    states: tuple[str, ...] = ()
    least: float | None = None
    greatest: float | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What makes it this series: source and address."""
        return self.source, self.address


class Catalogue:
    """All series by number; a number is given once and stays, since readings are stored with it."""

    def __init__(self, series: Iterable[Series] = ()) -> None:
        self._series: list[Series] = []
        self._numbers: dict[tuple[str, str], int] = {}
        for each in series:
            self.number(each)

    def __len__(self) -> int:
        return len(self._series)

    def __iter__(self) -> Iterator[Series]:
        return iter(self._series)

    def __getitem__(self, number: int) -> Series:
        return self._series[number]

    def number(self, series: Series) -> int:
        """Return the number of a series; one that is new gets the next, a known one is renewed.

        The description may change (a unit, a name), the key may not.
        """
        known = self._numbers.get(series.key)
        if known is not None:
            self._series[known] = series
            return known
        self._numbers[series.key] = len(self._series)
        self._series.append(series)
        return len(self._series) - 1

    def numbers(self) -> Mapping[tuple[str, str], int]:
        """Return the numbers by source and address."""
        return self._numbers

    def of_unit(self, work_unit: WorkUnitId) -> Iterator[tuple[int, Series]]:
        """Yield the series of a work unit with their numbers."""
        return ((n, each) for n, each in enumerate(self._series) if each.work_unit == work_unit)
