"""Values of OPC UA to readings: times, states, arrays, and what cannot be taken."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from fabloop.adapters.opcua.status import (
    WAITING_FOR_INITIAL_DATA,
    meaning_changed,
    overflowed,
    quality_of,
)
from fabloop.base.instant import SECOND, Instant
from fabloop.sense.connections.model import Variable
from fabloop.sense.readings.batch import Batch, batch_of, empty, joined
from fabloop.sense.readings.conditioning import state_number
from fabloop.sense.readings.intake import UNIT_CHANGED, Intake
from fabloop.sense.readings.payloads.decoded import (
    TIME_GREATEST_NS,
    TIME_LEAST_NS,
    Refusal,
    not_a_number,
)
from fabloop.sense.readings.quality import BAD, STATUS_MASK
from fabloop.sense.readings.series import Catalogue
from fabloop.sense.readings.tally import Tally

WRONG_LENGTH = "wrong-length"
REPEATS_MAX = 500_000
"""Values of one gap that are known again when they come twice."""
Told = tuple[int, Any]
"""Position of a variable, and an `asyncua.ua.DataValue` of it."""


class Reading:
    """Turns values of the variables of one connection into batches."""

    def __init__(
        self, variables: Sequence[Variable], catalogue: Catalogue, tally: Tally, ahead_ns: int
    ) -> None:
        self._variables = variables
        self._tally = tally
        self._intake = Intake(catalogue, tally, ahead_max_s=ahead_ns / SECOND)
        self._numbers = [self._enter(each) for each in variables]
        self._quality: dict[int, int] = {}
        self._last: list[int] = [-1] * len(variables)
        self._before_gap: list[int] | None = None
        self._since_gap: dict[tuple[int, int], None] = {}
        self._repeats: dict[tuple[int, int], None] = {}
        self.refused_units: dict[int, str] = {}
        self.changed: set[int] = set()

    def begin_gap(self) -> None:
        """Remember up to when values came, and from now on which ones come."""
        if self._before_gap is None:
            self._before_gap = list(self._last)
            self._since_gap.clear()

    def before_gap(self, position: int) -> int:
        """Return the time of the newest value of a variable before the gap, -1 for none."""
        return -1 if self._before_gap is None else self._before_gap[position]

    def unknown_of(self, told: list[Told]) -> list[Told]:
        """Return the values of the history that did not come otherwise since the gap began."""
        fresh: list[Told] = []
        for position, value in told:
            place = (position, nanoseconds(value.SourceTimestamp))
            if place not in self._since_gap:
                fresh.append((position, value))
        return fresh

    def end_gap(self) -> None:
        """Take the gap as filled; what came in it and comes once more is a repetition."""
        if self._before_gap is not None:
            self._repeats, self._since_gap = self._since_gap, {}
            self._repeats.update(dict.fromkeys(enumerate(self._before_gap)))
            self._before_gap = None

    def _again(self, position: int, at: int) -> bool:
        """Tell whether a value came before, in a gap or in the history of one."""
        place = (position, at)
        if self._before_gap is None:
            return bool(self._repeats) and self._repeats.pop(place, place) is None
        if place in self._since_gap:
            return True
        self._since_gap[place] = None
        if len(self._since_gap) > REPEATS_MAX:
            del self._since_gap[next(iter(self._since_gap))]
        return at == self._before_gap[position]

    def resume(self, position: int, at: Instant) -> None:
        """Say up to when a variable's values are kept already."""
        self._last[position] = max(self._last[position], at)

    def read(self, told: Iterable[Told], now: Instant) -> Batch:
        """Return the readings; what cannot be taken is counted."""
        parts: list[Batch] = []
        columns: tuple[list[int], list[int], list[float], list[int]] = ([], [], [], [])
        for position, value in told:
            status = value.StatusCode.value if value.StatusCode is not None else 0
            if status & 0xFFFF_0000 == WAITING_FOR_INITIAL_DATA:
                continue
            quality = self._seen(position, status)
            at = self._time(value, now)
            if self._again(position, at):
                continue
            self._last[position] = max(self._last[position], at)
            if position in self.refused_units:
                self._tally.refuse([Refusal(UNIT_CHANGED, self.refused_units[position])])
                continue
            content = value.Value.Value if value.Value is not None else None
            variable = self._variables[position]
            if variable.elements or variable.sample_interval_ns:
                parts.append(_flushed(columns))
                parts.append(self._array(position, variable, content, at, quality))
                continue
            number = self._number(variable, content, quality)
            if number is not None:
                columns[0].append(at)
                columns[1].append(int(self._numbers[position][0]))
                columns[2].append(number)
                columns[3].append(quality)
        parts.append(_flushed(columns))
        told_now = joined([each for each in parts if len(each)])
        aside = self._before_gap is not None  # history is old, and comes beside what is new
        return self._intake.fitted(told_now, now, live=False, aside=aside)

    def _enter(self, variable: Variable) -> NDArray[np.int32]:
        """Return the numbers of the series of a variable: one, or one for each element."""
        series = variable.series
        if not variable.elements:
            return np.array([self._intake.enter(series)], np.int32)
        return np.array(
            [
                self._intake.enter(
                    replace(series, address=f"{series.address}[{n}]", name=f"{series.name}[{n}]")
                )
                for n in range(variable.elements)
            ],
            np.int32,
        )

    def _seen(self, position: int, status: int) -> int:
        """Return the quality byte; note what else the status tells."""
        if overflowed(status):
            where = self._variables[position].address
            self._tally.gap(
                1,
                f"Expected every value of '{where}', but found that the queue of the server ran "
                "over. Raise 'queue' or 'every' of the variable.",
            )
        if meaning_changed(status):
            self.changed.add(position)
        known = self._quality.get(status)
        if known is None:
            known = self._quality[status] = quality_of(status)
        return known

    def _time(self, value: Any, now: Instant) -> int:
        """Return when it was so; what never changes is old, so the newer clock tells the skew."""
        told = [each for each in (value.SourceTimestamp, value.ServerTimestamp) if each is not None]
        stamps = [at for at in map(nanoseconds, told) if TIME_LEAST_NS < at < TIME_GREATEST_NS]
        if not stamps:
            return now
        self._tally.skew(max(stamps) - now)
        return stamps[0]

    def _number(self, variable: Variable, content: Any, quality: int) -> float | None:
        """Return the number of a value, NaN where it is bad, None where it is refused."""
        if quality & STATUS_MASK == BAD:
            return float("nan")
        text = getattr(content, "Text", content)
        if isinstance(text, str):
            state = state_number(variable.series, text)
            if state is not None:
                return state
        elif isinstance(content, int | float):
            number = float(content)
            if np.isfinite(number):
                return number
        self._tally.refuse([not_a_number(f"{text!r} at '{variable.address}'"[:160])])
        return None

    def _array(
        self, position: int, variable: Variable, content: Any, at: int, quality: int
    ) -> Batch:
        numbers = self._numbers[position]
        try:
            values = np.atleast_1d(np.asarray(content if content is not None else [], np.float64))
        except (TypeError, ValueError):
            self._tally.refuse([not_a_number(f"{content!r} at '{variable.address}'"[:160])])
            return empty()
        if quality & STATUS_MASK == BAD:
            values = np.full(max(1, len(values)) if not variable.elements else len(numbers), np.nan)
        elif variable.elements and len(values) != variable.elements:
            self._tally.refuse([_wrong_length(variable, len(values))])
            return empty()
        finite = np.isfinite(values) | (quality & STATUS_MASK == BAD)
        if not finite.all():
            strange = int((~finite).sum())
            found = f"{values[~finite][0]} at '{variable.address}'"
            self._tally.refuse([not_a_number(found, strange)])
        count = len(values)
        if variable.elements:
            times = np.full(count, at, np.int64)
        else:
            times = at - np.arange(count - 1, -1, -1, dtype=np.int64) * variable.sample_interval_ns
        batch = batch_of(times, numbers if variable.elements else numbers[0], values, quality)
        return batch if finite.all() else batch.where(finite)


def nanoseconds(moment: Any) -> int:
    """Return nanoseconds since 1970; the library tells microseconds."""
    microseconds: int = round(moment.timestamp() * 1e6)
    return microseconds * 1_000


def _flushed(columns: tuple[list[int], list[int], list[float], list[int]]) -> Batch:
    if not columns[0]:
        return empty()
    batch = batch_of(*columns)
    for each in columns:
        each.clear()
    return batch


def _wrong_length(variable: Variable, found: int) -> Refusal:
    return Refusal(
        WRONG_LENGTH,
        f"Expected {variable.elements} elements of '{variable.address}', but found {found}. "
        "Correct 'elements' of the variable.",
        variable.elements,
    )
