"""Who may do an operation and who may not, as columns; rows become nouns when asked for."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Generic, TypeVar, overload

import msgspec
import numpy as np

from fabloop.base.instant import SECOND, span_text
from fabloop.base.quantity import Dimension
from fabloop.model.explanation import Evidence, Explanation, ReasonCode
from fabloop.model.ids import WorkUnitId
from fabloop.model.kpi import KpiValue
from fabloop.model.product import Operation
from fabloop.model.site import WorkUnit
from fabloop.model.skill import Requirement
from fabloop.plan.statement.layout import Bools, Floats, Ints, Spots
from fabloop.plan.statement.materials import Materials
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.roads import TICK, FigureColumns, Figures, Place
from fabloop.services.matching import (
    Condition,
    Mismatch,
    evidence_of,
    match_unit,
    missing_tools,
    reason_of,
)
from fabloop.services.offers import Able

Row = TypeVar("Row")


class Shared(msgspec.Struct, frozen=True):
    """A part in a run: own pieces, and those of all steps in it."""

    pieces: int
    together: int


class Candidate(msgspec.Struct, frozen=True):
    """A work unit that may do the operation, what that takes, and the KPI values it rests on.

    Where it is a part in a run with other steps (`shared`), `unit` goes by the name of the run.
    `apart_ns` is the set-up before the step that `takes` counts, where that depends on others.
    """

    unit: WorkUnit
    place: Place
    takes: Figures
    kpis: tuple[KpiValue, ...]
    shared: Shared | None = None
    apart_ns: float = 0.0


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """A work unit that has the skill but may not do the operation, and all reasons why."""

    unit: WorkUnit
    place: Place
    takes: Figures
    reasons: tuple[Explanation, ...]

    @property
    def failing(self) -> frozenset[str]:
        """Names of the constraints that are not met (``person`` and ``availability`` too)."""
        return frozenset(each.details["parameter"] for each in self.reasons)


class Asked(msgspec.Struct, frozen=True):
    """What is known when it is asked who may: live condition, units out of reach, pieces, parts."""

    condition: Condition
    unavailable: frozenset[WorkUnitId] = frozenset()
    quantity: int = 1
    materials: Materials | None = None


class Columns(Sequence[Row], Generic[Row]):
    """Work units by number, each made a noun when it is first asked for."""

    def __init__(self, plant: Plant, operation: Operation, asked: Asked) -> None:
        self.plant = plant
        self.operation = operation
        self.asked = asked
        self.setups: Floats | None = None
        self._made: dict[int, Row] = {}
        self._takes: FigureColumns | None = None

    @property
    @abstractmethod
    def units(self) -> Ints:
        """Their numbers, ascending."""

    @property
    def takes(self) -> FigureColumns:
        """What the operation takes at each of them."""
        if self._takes is None:
            since, quantity = self.asked.condition.now, self.asked.quantity
            efforts = self.plant.efforts(self.operation, self.units, quantity, since, self.setups)
            self._takes = self._with_parts(efforts)
        return self._takes

    def _with_parts(self, efforts: FigureColumns) -> FigureColumns:
        """Return the efforts with the least that parts take at each site."""
        materials, operation = self.asked.materials, self.operation.id
        if materials is None or operation not in materials.needs:
            return efforts
        least = {site: materials.least(operation, site) for site in materials.network.sites}
        rows = [least[self.plant.units[each].site] for each in self.units]
        cost, energy, co2 = np.array(rows, dtype=np.float64).reshape(-1, 3).T
        return FigureColumns(
            efforts.ticks, efforts.cost + cost, efforts.energy + energy, efforts.co2 + co2
        )

    @property
    def spots(self) -> Spots:
        """Where they are."""
        return self.plant.spots(self.operation.requirement.skill, self.units)

    def __len__(self) -> int:
        return len(self.units)

    def __bool__(self) -> bool:
        return len(self.units) > 0

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, index: int | slice) -> Row | tuple[Row, ...]:
        if isinstance(index, slice):
            return tuple(self[each] for each in range(*index.indices(len(self))))
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        number = index % len(self)
        if number not in self._made:
            self._made[number] = self.row(number)
        return self._made[number]

    def __iter__(self) -> Iterator[Row]:
        return (self[number] for number in range(len(self)))

    @abstractmethod
    def row(self, number: int) -> Row:
        """Return one of them as a noun."""


class Candidates(Columns[Candidate]):
    """The work units that may do an operation."""

    def __init__(self, plant: Plant, operation: Operation, able: Able, asked: Asked) -> None:
        super().__init__(plant, operation, asked)
        self._able = able

    @property
    def units(self) -> Ints:
        """Their numbers, ascending."""
        return self._able.units

    def after(self, setups: Floats) -> "Candidates":
        """Return the same where set-ups that depend on what was before take so many nanoseconds."""
        found = Candidates(self.plant, self.operation, self._able, self.asked)
        found.setups = setups
        return found

    def row(self, number: int) -> Candidate:
        """Return a candidate, with the KPI values it rests on."""
        plant, unit = self.plant, int(self.units[number])
        kpis = plant.offers.resting_on(
            self.operation.requirement, unit, int(self._able.rows[number]), self.asked.condition
        )
        takes, apart = self.takes.row(number), 0.0
        if self.setups is not None and takes.ticks and plant.units[unit].setups:
            apart = float(self.setups[number])
        return Candidate(plant.units[unit], plant.places[unit], takes, kpis, apart_ns=apart)


_AROUND = ("tool", "availability", "person")
"""Constraints of what is around a work unit."""

_BESIDE = frozenset((*_AROUND, "calendar"))
"""Names of constraints that no requirement states."""


class Failing(msgspec.Struct, frozen=True, eq=False):
    """Which of the rejected work units fail what, and for how many reasons, shape (n,).

    `codes` says what a constraint that is no limit fails by, `rows` which offer comes nearest.
    """

    fails: dict[str, Bools]
    counts: Ints
    codes: dict[str, ReasonCode]
    rows: Ints


class Rejections(Columns[Rejected]):
    """The work units that have the skill but may not do an operation."""

    def __init__(self, plant: Plant, operation: Operation, able: Able, asked: Asked) -> None:
        super().__init__(plant, operation, asked)
        self._able = able
        self._units: Ints | None = None

    @property
    def units(self) -> Ints:
        """Their numbers, ascending."""
        if self._units is None:
            skilled = self.plant.offers.skilled(self.operation.requirement.skill)
            self._units = np.setdiff1d(skilled, self._able.units, assume_unique=True)
        return self._units

    @cached_property
    def failing(self) -> Failing | None:
        """Who fails what, as `row` says it; None where several offers together count as one."""
        plant, operation, skill = self.plant, self.operation, self.operation.requirement.skill
        if any(True for _ in plant.vocabulary.compositions(skill)):
            return None
        plant.offers.follow(self.asked.condition.kpis)
        rows, fails = self._unmet()
        lacks = [~plant.tooled(kind)[self.units] for kind in operation.tools]
        counts = _counted((*fails.values(), *lacks), len(self))
        if lacks:
            fails["tool"] = np.logical_or.reduce(lacks)
        others = {
            "availability": self._unavailable(),
            "calendar": ~plant.open_long_enough(self.units, self.takes, self.asked.condition.now),
        }
        if operation.person_skill is not None:
            others["person"] = ~plant.staffed(operation.person_skill)[self.units]
        codes = {
            "availability": ReasonCode.UNIT_UNAVAILABLE,
            "person": ReasonCode.NO_PERSON,
            **plant.offers.missed_as(operation.requirement),
        }
        counts += _counted([*others.values()], len(self))
        return Failing({**fails, **others}, counts, codes, rows)

    def _unavailable(self) -> Bools:
        """Return which of them cannot be had now."""
        away = self.asked.unavailable
        if not away:
            return np.zeros(len(self), dtype=np.bool_)
        ids = (self.plant.units[each].id for each in self.units.tolist())
        return np.array([each in away for each in ids], np.bool_)

    def _unmet(self) -> tuple[Ints, dict[str, Bools]]:
        """Return the offers that come nearest, and who does not meet which constraint by them."""
        requirement, plant = self.operation.requirement, self.plant
        offers = plant.offers.skill(requirement.skill)
        fails = plant.offers.failing(requirement, self.asked.condition.now)
        order = np.lexsort((_counted([*fails.values()], len(offers.rows)), offers.unit))
        nearest = order[np.searchsorted(offers.unit, self.units)]
        return nearest, {name: each[nearest] for name, each in fails.items()}

    def evidence(self, number: int, parameter: str) -> tuple[Evidence, ...]:
        """Return the evidence of the reasons that one has for failing a constraint."""
        requirement, plant = self.operation.requirement, self.plant
        if self.failing is None or parameter not in requirement.constraints:
            reasons = (r for r in self[number].reasons if r.details["parameter"] == parameter)
            return tuple(each for reason in reasons for each in reason.evidence)
        offers = plant.offers.skill(requirement.skill)
        unit, offer = offers.rows[int(self.failing.rows[number])]
        work_unit, definition = plant.units[unit].id, offers.definitions.get(parameter)
        return (
            evidence_of(parameter, requirement, offer, work_unit, definition, self.asked.condition),
        )

    def row(self, number: int) -> Rejected:
        """Return one with all its reasons."""
        plant, unit = self.plant, int(self.units[number])
        reasons = self._failed(number)
        if reasons is None:
            reasons = self._judged(unit) + self._around(unit) + self._hours(unit)
        return Rejected(plant.units[unit], plant.places[unit], self.takes.row(number), reasons)

    def _failed(self, row: int) -> tuple[Explanation, ...] | None:
        """Return the reasons by what is known to fail; None where that does not tell."""
        known, plant, requirement = self.failing, self.plant, self.operation.requirement
        if known is None or not _BESIDE.isdisjoint(requirement.constraints):
            return None
        number = int(self.units[row])
        offers = plant.offers.skill(requirement.skill)
        _, offer = offers.rows[int(known.rows[row])]
        defined = offers.definitions.get
        unit, condition = plant.units[number].id, self.asked.condition
        found = [
            reason_of(name, requirement, offer, unit, defined(name), condition)
            for name in requirement.constraints
            if known.fails[name][row]
        ]
        reasons = tuple(each for each in found if each is not None)
        if len(reasons) < len(found):
            return None
        if any(known.fails[name][row] for name in _AROUND if name in known.fails):
            reasons += self._around(number)
        return reasons + (self._hours(number) if known.fails["calendar"][row] else ())

    def _judged(self, number: int) -> tuple[Explanation, ...]:
        """Return why no offer of a work unit meets the requirement."""
        plant, condition = self.plant, self.asked.condition
        answer = match_unit(
            self.operation.requirement,
            plant.units[number],
            plant.vocabulary,
            condition.kpis,
            condition.now,
        )
        return answer.reasons if isinstance(answer, Mismatch) else ()

    def _around(self, number: int) -> tuple[Explanation, ...]:
        """Return which tools, persons and the work unit itself are not there."""
        plant, operation = self.plant, self.operation
        unit, site = plant.units[number], plant.offers.sites[number]
        reasons = missing_tools(operation.tools, unit, site, operation.requirement.skill)
        if unit.id in self.asked.unavailable:
            reasons += (_unavailable(unit, operation.requirement),)
        if operation.person_skill is not None:
            person = plant.person(unit.site, operation.person_skill)
            reasons += (person,) if isinstance(person, Explanation) else ()
        return reasons

    def _hours(self, number: int) -> tuple[Explanation, ...]:
        """Return the reason of a work unit that is never open for as long as it takes."""
        plant, since = self.plant, self.asked.condition.now
        unit, one = plant.units[number], np.array([number], dtype=np.int64)
        efforts = plant.efforts(self.operation, one, self.asked.quantity)
        if plant.open_long_enough(one, efforts, since)[0]:
            return ()
        longest, takes = plant.opening(since).longest[unit.id], efforts.row(0).ticks * TICK
        details = {"parameter": "calendar", "takes": span_text(takes), "open": span_text(longest)}
        hours = Evidence(
            subject=unit.id,
            parameter="calendar",
            relation="at most",
            value=takes / SECOND,
            limit=longest / SECOND,
            dimension=Dimension.TIME,
        )
        return (
            Explanation(
                code=ReasonCode.OPEN_TOO_SHORT,
                subject=unit.id,
                details={**details, "skill": self.operation.requirement.skill},
                evidence=(hours,),
            ),
        )


def _counted(flags: Sequence[Bools], count: int) -> Ints:
    """Return how many of the flags are set at each place."""
    total = np.zeros(count, dtype=np.int64)
    for each in flags:
        total += each
    return total


def _unavailable(unit: WorkUnit, requirement: Requirement) -> Explanation:
    return Explanation(
        code=ReasonCode.UNIT_UNAVAILABLE,
        subject=unit.id,
        details={"skill": requirement.skill, "parameter": "availability"},
    )


class Judge:
    """Judges operations against all work units of a plant at one instant."""

    def __init__(self, plant: Plant, asked: Asked) -> None:
        self._plant = plant
        self._asked = asked
        self._available = np.ones(len(plant.units), dtype=np.bool_)
        for unit in asked.unavailable:
            if unit in plant.offers.number:
                self._available[plant.offers.number[unit]] = False

    def able(self, operation: Operation) -> Able:
        """Return who may do the operation."""
        found = self._plant.offers.able(operation.requirement, self._asked.condition.now)
        plant, since = self._plant, self._asked.condition.now
        allowed = self.allowed(operation)
        if allowed is not None:
            kept = allowed[found.units]
            found = Able(found.units[kept], found.rows[kept])
        if not plant.opening(since).closed:
            return found
        efforts = plant.efforts(operation, found.units, self._asked.quantity)
        kept = plant.open_long_enough(found.units, efforts, since)
        return Able(found.units[kept], found.rows[kept])

    def allowed(self, operation: Operation) -> Bools | None:
        """Return which work units nothing but the match speaks for or against; None is all."""
        allowed = self._available if self._asked.unavailable else None
        known = [self._plant.tooled(kind) for kind in operation.tools]
        if operation.person_skill is not None:
            known.append(self._plant.staffed(operation.person_skill))
        for mask in known:
            allowed = mask if allowed is None else allowed & mask
        return allowed

    def judge(self, operation: Operation) -> tuple[Candidates, Rejections]:
        """Return who may do the operation, and who has the skill but may not."""
        able = self.able(operation)
        return (
            Candidates(self._plant, operation, able, self._asked),
            Rejections(self._plant, operation, able, self._asked),
        )
