"""What registered products ask for, as columns by skill: one work unit is judged against all.

It is the other direction of `services.offers`, on the same columns.
"""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

from fabloop.base.instant import Instant
from fabloop.model.ids import SkillId
from fabloop.model.product import Operation
from fabloop.model.skill import Requirement
from fabloop.plan.statement.layout import Bools, Floats, Ints
from fabloop.services.offers import OfferIndex, Ratings, SkillOffers, Texts

Key: TypeAlias = tuple[object, ...]


def key_of(operation: Operation) -> Key:
    """Return what operations have in common that the same work units may do."""
    requirement = operation.requirement
    return (
        requirement.skill,
        tuple(sorted(requirement.constraints.items())),
        operation.person_skill,
        tuple(sorted(set(operation.tools))),
    )


class _Numbers:
    """Limits of one parameter, as numbers; those who do not set one are not judged."""

    def __init__(self) -> None:
        self.who: list[int] = []
        self.limits: list[float] = []
        self._ready: tuple[Ints, Floats] | None = None

    def add(self, place: int, limit: float) -> None:
        """Note a limit of the demand at a place in the table."""
        self.who.append(place)
        self.limits.append(limit)
        self._ready = None

    def arrays(self) -> tuple[Ints, Floats]:
        """Return places in the table and their limits."""
        if self._ready is None:
            self._ready = (
                np.array(self.who, dtype=np.int64),
                np.array(self.limits, dtype=np.float64),
            )
        return self._ready


class _Words:
    """Texts asked of one parameter, each distinct one once."""

    def __init__(self) -> None:
        self.who: list[int] = []
        self.codes: list[int] = []
        self.texts: dict[str, int] = {}
        self._ready: tuple[Ints, Ints] | None = None

    def add(self, place: int, text: str) -> None:
        """Note a text of the demand at a place in the table."""
        self.who.append(place)
        self.codes.append(self.texts.setdefault(text, len(self.texts)))
        self._ready = None

    def arrays(self) -> tuple[Ints, Ints]:
        """Return places in the table and the numbers of their texts."""
        if self._ready is None:
            self._ready = (
                np.array(self.who, dtype=np.int64),
                np.array(self.codes, dtype=np.int64),
            )
        return self._ready


class DemandTable:
    """All demands of one skill that offers of that skill can meet."""

    def __init__(self, index: OfferIndex, skill: SkillId) -> None:
        self._index = index
        self._offers: SkillOffers = index.skill(skill)
        self._columns: dict[str, _Numbers | _Words] = {}
        self.demands: list[int] = []

    def add(self, demand: int, requirement: Requirement) -> None:
        """Take up a demand, unless no offer can ever meet it."""
        parts: list[tuple[str, float | str]] = []
        for name, required in requirement.constraints.items():
            column = self._index.column(self._offers, name)
            if column is None or isinstance(column, Texts) != isinstance(required, str):
                return
            parts.append((name, required))
        place = len(self.demands)
        self.demands.append(demand)
        for name, required in parts:
            known = self._columns.get(name)
            if isinstance(required, str):
                words = known if isinstance(known, _Words) else _Words()
                self._columns[name] = words
                words.add(place, required)
            else:
                numbers = known if isinstance(known, _Numbers) else _Numbers()
                self._columns[name] = numbers
                numbers.add(place, required)

    def met_by(self, unit: int, now: Instant) -> Bools:
        """Return which demands the work unit meets, by any of its offers."""
        met = np.zeros(len(self.demands), dtype=np.bool_)
        for row in self._offers.of_unit(unit):
            met |= self._met(row, now)
        return met

    def _met(self, row: int, now: Instant) -> Bools:
        met = np.ones(len(self.demands), dtype=np.bool_)
        for name, asked in self._columns.items():
            column = self._index.column(self._offers, name)
            if isinstance(asked, _Words):
                assert isinstance(column, Texts), "only texts are compared with texts"
                who, codes = asked.arrays()
                met[who] &= column.admits(row, list(asked.texts))[codes]
                continue
            assert column is not None, "taken up only where the skill has the parameter"
            assert not isinstance(column, Texts), "only numbers are compared with numbers"
            if isinstance(column, Ratings):
                column.turn_to(now)
            who, limits = asked.arrays()
            met[who] &= column.admits(row, limits)
        return met

    def units_turning(self, after: Instant, until: Instant) -> Iterator[int]:
        """Yield the work units of which a value comes or ceases to be usable in between."""
        for name in self._columns:
            column = self._index.column(self._offers, name)
            if isinstance(column, Ratings):
                yield from self._offers.unit[column.turns(after, until)].tolist()

    def concerns(self, unit: int) -> bool:
        """Tell whether the work unit has offers of the skill."""
        return len(self._offers.of_unit(unit)) > 0
