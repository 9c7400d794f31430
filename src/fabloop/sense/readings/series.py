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
    rollover : what a counter would have shown where it shows 0 again, such as 65536; None: it never
        rolls over, so that one that falls was reset
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
    rollover: float | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What makes it this series: source and address."""
        return self.source, self.address


def continues(new: Series, old: Series) -> bool:
    """Return whether the numbers of both mean the same, so that they may stand in one column.

    A state may learn further texts behind those that it has.
    """
    return (
        new.key == old.key
        and new.kind == old.kind
        and new.dimension == old.dimension
        and new.unit == old.unit
        and (new.scale, new.offset) == (old.scale, old.offset)
        and new.states[: len(old.states)] == old.states
    )


class Catalogue:
    """All series by number; a number is given once and stays, since readings are stored with it.

    A series whose unit, scale or kind changes gets another number: what was stored before keeps
    the old one with the old description, so that two units are never in one column. `revision`
    grows with every change.
    """

    def __init__(self, series: Iterable[Series] = ()) -> None:
        self._series: list[Series] = []
        self._numbers: dict[tuple[str, str], int] = {}
        self._lineages: dict[tuple[str, str], tuple[int, ...]] = {}
        self.revision = 0
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

        Its name or limits may change. Where its numbers would mean something else from now on,
        it gets a number that it had under the same meaning, or the next.
        """
        lineage = self._lineages.get(series.key, ())
        for number in sorted(lineage, key=lambda each: each != self._numbers[series.key]):
            if continues(series, self._series[number]):
                self._renew(number, series)
                return number
        number = len(self._series)
        self._series.append(series)
        self._numbers[series.key] = number
        self._lineages[series.key] = (*lineage, number)
        self.revision += 1
        return number

    def _renew(self, number: int, series: Series) -> None:
        """Note what is known of a series by now, and that it is the one of its key."""
        if self._series[number] != series or self._numbers[series.key] != number:
            self._series[number] = series
            self._numbers[series.key] = number
            self.revision += 1

    def numbers(self) -> Mapping[tuple[str, str], int]:
        """Return the numbers by source and address; of a series that changed, the present one."""
        return self._numbers

    def lineage(self, key: tuple[str, str]) -> tuple[int, ...]:
        """Return all numbers that a source and address had, the oldest first."""
        return self._lineages.get(key, ())

    def of_unit(self, work_unit: WorkUnitId) -> Iterator[tuple[int, Series]]:
        """Yield the series of a work unit with their numbers."""
        return ((n, each) for n, each in enumerate(self._series) if each.work_unit == work_unit)
