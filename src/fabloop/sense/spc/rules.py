"""Rules for runs of points: Nelson's eight and the four of the Western Electric handbook.

The state of a rule is a few numbers for each characteristic, so a point costs the same however
long the history is, and ten thousand characteristics are one pass over arrays.
L. S. Nelson, Journal of Quality Technology 16 (1984) 237; Western Electric (1956).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fabloop.sense.spc.samples import Floats

Flags = NDArray[np.bool_]


class Pattern(StrEnum):
    """What a rule looks for in the points of a location chart."""

    BEYOND = "beyond"
    SAME_SIDE = "same side"
    TREND = "trend"
    ALTERNATING = "alternating"
    TWO_OF_THREE = "two of three"
    FOUR_OF_FIVE = "four of five"
    CLOSE = "close"
    FAR = "far"


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern that hardly comes by chance.

    Attributes
    ----------
    name : short name as the literature has it
    count : points in a row that make the pattern
    zone : distance from the centre in sigma, where the pattern has one
    """

    name: str
    pattern: Pattern
    count: int = 1
    zone: float = 0.0


NELSON: Final = (
    Rule("nelson-1", Pattern.BEYOND, 1, 3.0),
    Rule("nelson-2", Pattern.SAME_SIDE, 9),
    Rule("nelson-3", Pattern.TREND, 6),
    Rule("nelson-4", Pattern.ALTERNATING, 14),
    Rule("nelson-5", Pattern.TWO_OF_THREE, 3, 2.0),
    Rule("nelson-6", Pattern.FOUR_OF_FIVE, 5, 1.0),
    Rule("nelson-7", Pattern.CLOSE, 15, 1.0),
    Rule("nelson-8", Pattern.FAR, 8, 1.0),
)

WESTERN_ELECTRIC: Final = (
    Rule("we-1", Pattern.BEYOND, 1, 3.0),
    Rule("we-2", Pattern.TWO_OF_THREE, 3, 2.0),
    Rule("we-3", Pattern.FOUR_OF_FIVE, 5, 1.0),
    Rule("we-4", Pattern.SAME_SIDE, 8),
)

SHEWHART: Final = (Rule("beyond", Pattern.BEYOND, 1, 3.0),)
"""Beyond the limits only: for charts of spread and of counts, whose points lie askew."""

_COUNT_MAX: Final = 30_000
"""Where counting of a run stops; no rule looks so far back."""

_ENOUGH_BITS: Final = {Pattern.TWO_OF_THREE: (0b111, 2), Pattern.FOUR_OF_FIVE: (0b11111, 4)}


class RuleStates:
    """What the rules remember of many characteristics.

    Parameters
    ----------
    rules : the rules to watch
    characteristics : how many there are; all arrays below are of that length
    """

    def __init__(self, rules: Sequence[Rule], characteristics: int) -> None:
        self.rules = tuple(rules)
        self._last = np.full(characteristics, np.nan)
        self._side = np.zeros(characteristics, dtype=np.int16)
        self._moves = np.zeros(characteristics, dtype=np.int16)
        self._turns = np.zeros(characteristics, dtype=np.int16)
        self._zones: dict[float, NDArray[np.int16]] = {}
        self._outer: dict[float, NDArray[np.int16]] = {}
        self._above: dict[float, NDArray[np.uint8]] = {}
        self._below: dict[float, NDArray[np.uint8]] = {}
        for rule in self.rules:
            if rule.pattern in _ENOUGH_BITS:
                self._above[rule.zone] = np.zeros(characteristics, dtype=np.uint8)
                self._below[rule.zone] = np.zeros(characteristics, dtype=np.uint8)
            elif rule.pattern is Pattern.CLOSE:
                self._zones[rule.zone] = np.zeros(characteristics, dtype=np.int16)
            elif rule.pattern is Pattern.FAR:
                self._outer[rule.zone] = np.zeros(characteristics, dtype=np.int16)
        self._needs = {rule.pattern for rule in self.rules}

    def forget(self, where: Flags | NDArray[np.intp]) -> None:
        """Begin anew for some characteristics, as after new limits or an adjustment."""
        self._last[where] = np.nan
        for table in (self._side, self._moves, self._turns):
            table[where] = 0
        for tables in (self._zones, self._outer, self._above, self._below):
            for each in tables.values():
                each[where] = 0

    def see(self, distance: Floats, where: NDArray[np.intp] | slice = slice(None)) -> Flags:
        """Take one more point of some characteristics.

        Parameters
        ----------
        distance : shape (n,), points less the centre, in sigma; NaN (not measured) ends every run
        where : which characteristics they belong to, each at most once; all of them by default

        Returns
        -------
        shape (rules, n): which rules the new points complete
        """
        known = np.isfinite(distance)
        size = np.abs(distance)
        if Pattern.SAME_SIDE in self._needs:
            self._side[where] = _in_a_row(self._side[where], np.sign(distance), known)
        if {Pattern.TREND, Pattern.ALTERNATING} & self._needs:
            self._see_moves(distance, known, where)
        for zone, table in self._zones.items():
            table[where] = _run(table[where], known & (size < zone))
        for zone, table in self._outer.items():
            table[where] = _run(table[where], known & (size > zone))
        for zone, bits in self._above.items():
            bits[where] = np.where(known, bits[where] << 1 | (distance > zone), 0)
            low = self._below[zone]
            low[where] = np.where(known, low[where] << 1 | (distance < -zone), 0)
        return np.stack([self._completed(rule, distance, size, where) for rule in self.rules])

    def _see_moves(self, distance: Floats, known: Flags, where: NDArray[np.intp] | slice) -> None:
        move = np.sign(distance - self._last[where])
        linked = np.isfinite(move)
        before = self._moves[where]
        turned = linked & (move != 0) & (np.sign(before) == -move)
        self._turns[where] = np.where(
            turned, self._turns[where] + 1, np.where(linked & (move != 0), 1, 0)
        )
        self._moves[where] = _in_a_row(before, move, linked)
        self._last[where] = np.where(known, distance, np.nan)

    def _completed(
        self, rule: Rule, distance: Floats, size: Floats, where: NDArray[np.intp] | slice
    ) -> Flags:
        found: Flags
        match rule.pattern:
            case Pattern.BEYOND:
                found = size > rule.zone
            case Pattern.SAME_SIDE:
                found = np.abs(self._side[where]) >= rule.count
            case Pattern.TREND:  # six points in a row are five moves
                found = np.abs(self._moves[where]) >= rule.count - 1
            case Pattern.ALTERNATING:
                found = self._turns[where] >= rule.count - 1
            case Pattern.TWO_OF_THREE | Pattern.FOUR_OF_FIVE:
                mask, enough = _ENOUGH_BITS[rule.pattern]
                high = self._above[rule.zone][where] & mask
                low = self._below[rule.zone][where] & mask
                found = ((np.bitwise_count(high) >= enough) & (distance > rule.zone)) | (
                    (np.bitwise_count(low) >= enough) & (distance < -rule.zone)
                )
            case Pattern.CLOSE:
                found = self._zones[rule.zone][where] >= rule.count
            case Pattern.FAR:
                found = self._outer[rule.zone][where] >= rule.count
        return found


def _run(before: NDArray[np.int16], goes_on: Flags) -> NDArray[np.int16]:
    """Return counts of points in a row that go on, 0 where the run ends."""
    return np.where(goes_on, np.minimum(before, _COUNT_MAX - 1) + 1, 0).astype(np.int16)


def _in_a_row(before: NDArray[np.int16], sign: Floats, known: Flags) -> NDArray[np.int16]:
    """Return signed counts of equal signs in a row; 0 where the sign is 0 or not known."""
    now = np.where(known, sign, 0.0).astype(np.int16)
    counted = np.where(np.sign(before) == now, before + now, now)
    return np.clip(counted, -_COUNT_MAX, _COUNT_MAX).astype(np.int16)


def fired(rules: Sequence[Rule], distances: Floats) -> Flags:
    """Return which rules each point of one characteristic completes, shape (rules, points).

    Parameters
    ----------
    distances : shape (m,), points less the centre, in sigma, in order of time
    """
    states = RuleStates(rules, 1)
    if not len(distances):
        return np.zeros((len(states.rules), 0), dtype=np.bool_)
    return np.concatenate([states.see(distances[i : i + 1]) for i in range(len(distances))], axis=1)
