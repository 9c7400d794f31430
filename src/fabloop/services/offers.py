"""Every offer of a network as columns, so that a requirement is judged against all units at once.

It answers the same as `services.matching` and asks there for reasons. Columns are made when a
skill or a parameter is first asked for, and follow KPI values as they change.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from functools import reduce
from typing import TypeAlias, TypeGuard

import msgspec
import numpy as np
from numpy.typing import NDArray

from fabloop.base.instant import Instant
from fabloop.model.explanation import ReasonCode
from fabloop.model.ids import KpiId, SkillId, WorkUnitId
from fabloop.model.kpi import KpiValue
from fabloop.model.site import Network, Site, WorkUnit
from fabloop.model.skill import (
    Choices,
    LiveRating,
    Offer,
    OfferedValue,
    ParameterDefinition,
    Rating,
    Requirement,
    Rule,
    SkillVocabulary,
    Span,
)
from fabloop.services.matching import (
    Condition,
    Match,
    match_unit,
    offers_skill,
    required_of_parts,
    worst_value,
)

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Slot: TypeAlias = tuple[WorkUnitId, KpiId]

EVER = 2**63 - 1
NEVER = -EVER

Entry: TypeAlias = tuple[float, int, int]
"""A value, and from when to when it may be used; not a number where it never may."""

NOTHING: Entry = (float("nan"), NEVER, EVER)


class Able(msgspec.Struct, frozen=True):
    """Who meets a requirement: unit numbers, ascending, and for each the row that does.

    A row of -1 is a composed skill, met by several offers together.
    """

    units: Ints
    rows: Ints


class Texts:
    """What offers say of a parameter with rule ``among``."""

    def __init__(self, offered: Iterable[OfferedValue | None]) -> None:
        self._values = [each.values if isinstance(each, Choices) else () for each in offered]
        self._known: dict[str, Bools] = {}

    def fits(self, required: float | str) -> Bools | None:
        """Return which rows accept the text; None where no row can."""
        if not isinstance(required, str):
            return None
        if required not in self._known:
            found = np.array([required in each for each in self._values], dtype=np.bool_)
            self._known[required] = found
        return self._known[required]

    def admits(self, row: int, required: Sequence[str]) -> Bools:
        """Return which of the texts a row accepts."""
        return np.array([each in self._values[row] for each in required], dtype=np.bool_)


class Spans:
    """What offers say of a parameter with rule ``within``."""

    def __init__(self, offered: Iterable[OfferedValue | None]) -> None:
        ends = [_ends(each) for each in offered]
        self._low = np.array([low for low, _ in ends], dtype=np.float64)
        self._high = np.array([high for _, high in ends], dtype=np.float64)

    def fits(self, required: float | str) -> Bools | None:
        """Return in which rows' span the value lies; None where it can lie in none."""
        if isinstance(required, str):
            return None
        found: Bools = (self._low <= required) & (required <= self._high)
        return found

    def admits(self, row: int, required: Floats) -> Bools:
        """Return which of the values lie in a row's span."""
        found: Bools = (self._low[row] <= required) & (required <= self._high[row])
        return found


def _ends(offered: OfferedValue | None) -> tuple[float, float]:
    """Return both ends; what is no span holds no value."""
    if not isinstance(offered, Span):
        return np.inf, -np.inf
    low = -np.inf if offered.low is None else offered.low
    return low, np.inf if offered.high is None else offered.high


class Ratings:
    """What offers say of a parameter with rule ``at most`` or ``at least``, live or not.

    A value counts from `since` to `until`; what may not be used is not a number, so that every
    comparison with it fails.
    """

    def __init__(self, rule: Rule, entries: Sequence[Entry]) -> None:
        self._rule = rule
        self._value = np.array([value for value, _, _ in entries], dtype=np.float64)
        self._since = np.array([since for _, since, _ in entries], dtype=np.int64)
        self._until = np.array([until for _, _, until in entries], dtype=np.int64)
        self._at: Instant | None = None
        self._now = self._value

    def put(self, row: int, entry: Entry) -> None:
        """Write one row."""
        self._value[row], self._since[row], self._until[row] = entry
        self._at = None

    def turn_to(self, now: Instant) -> None:
        """Let the instant be now."""
        if self._at != now:
            usable = (self._since <= now) & (now <= self._until)
            self._now = np.where(usable, self._value, np.nan)
            self._at = now

    def turns(self, after: Instant, until: Instant) -> Ints:
        """Return the rows whose value comes or ceases to be usable between the instants."""
        before = (self._since <= after) & (after <= self._until)
        then = (self._since <= until) & (until <= self._until)
        return np.flatnonzero((before != then) & ~np.isnan(self._value))

    def fits(self, required: float | str) -> Bools | None:
        """Return which rows are good enough; None where none can be."""
        if isinstance(required, str):
            return None
        found: Bools = (
            self._now <= required if self._rule is Rule.AT_MOST else self._now >= required
        )
        return found

    def misses(self, required: float) -> tuple[Floats, Bools]:
        """Return by how much rows differ from a value, relative to it, and which are live.

        What may not be used is not a number.
        """
        apart = np.abs(self._now - required)
        live = (self._since > NEVER) | (self._until < EVER)
        return (apart / abs(required) if required else np.abs(self._now)), live

    def admits(self, row: int, required: Floats) -> Bools:
        """Return for which of the values a row is good enough."""
        found: Bools = (
            self._now[row] <= required if self._rule is Rule.AT_MOST else self._now[row] >= required
        )
        return found


Column: TypeAlias = Texts | Spans | Ratings


class SkillOffers:
    """The offers that are a kind of one skill: a row each, in the order of units and offers."""

    def __init__(
        self, rows: list[tuple[int, Offer]], definitions: dict[str, ParameterDefinition]
    ) -> None:
        self.rows = rows
        self.definitions = definitions
        self.unit = np.array([unit for unit, _ in rows], dtype=np.int64)
        self.repeats = len(set(self.unit.tolist())) < len(rows)
        self.columns: dict[str, Column] = {}

    def of_unit(self, unit: int) -> range:
        """Return the rows of a work unit."""
        first, last = np.searchsorted(self.unit, (unit, unit + 1)).tolist()
        return range(first, last)


class OfferIndex:
    """All offers of a network by skill and parameter; work units are numbered in its order."""

    def __init__(
        self, network: Network, vocabulary: SkillVocabulary, kpis: Mapping[Slot, KpiValue]
    ) -> None:
        self.network = network
        self.vocabulary = vocabulary
        self.units: tuple[WorkUnit, ...] = tuple(
            unit for site in network.sites.values() for unit in site.work_units
        )
        self.sites: tuple[Site, ...] = tuple(
            site for site in network.sites.values() for _ in site.work_units
        )
        self.number = {unit.id: number for number, unit in enumerate(self.units)}
        self._kpis = dict(kpis)
        self._skills: dict[SkillId, SkillOffers] = {}
        self._skilled: dict[SkillId, Ints] = {}
        self._offered: dict[SkillId, list[tuple[int, int, Offer]]] = {}
        for number, unit in enumerate(self.units):
            for place, offer in enumerate(unit.offers):
                self._offered.setdefault(offer.skill, []).append((number, place, offer))

    def of(self, network: Network) -> "OfferIndex":
        """Return the same for a network with the same work units; both follow the same values."""
        index = copy(self)
        index.network = network
        index.sites = tuple(site for site in network.sites.values() for _ in site.work_units)
        return index

    @property
    def kpis(self) -> Mapping[Slot, KpiValue]:
        """The KPI values that the answers rest on."""
        return self._kpis

    def skill(self, skill: SkillId) -> SkillOffers:
        """Return the offers that are a kind of the skill."""
        if skill not in self._skills:
            kinds = [each for each in self._offered if offers_skill(each, skill, self.vocabulary)]
            found = sorted(
                (row for kind in kinds for row in self._offered[kind]), key=lambda row: row[:2]
            )
            definitions = self.vocabulary.parameters(skill) if found else {}
            rows = [(unit, offer) for unit, _, offer in found]
            self._skills[skill] = SkillOffers(rows, definitions)
        return self._skills[skill]

    def skilled(self, skill: SkillId) -> Ints:
        """Return the work units that offer the skill, a kind of it or all its parts, ascending."""
        if skill not in self._skilled:
            found = np.unique(self.skill(skill).unit)
            for composed in self.vocabulary.compositions(skill):
                parts = [self.skilled(part) for part in composed.parts]
                found = np.union1d(found, reduce(np.intersect1d, parts))
            self._skilled[skill] = found
        return self._skilled[skill]

    def able(self, requirement: Requirement, now: Instant) -> Able:
        """Return the work units that meet the requirement now."""
        offers = self.skill(requirement.skill)
        good = self.fits(requirement, now)
        rows = np.flatnonzero(good) if good is not None else np.zeros(0, dtype=np.int64)
        units = offers.unit[rows]
        if offers.repeats and len(units) > 1:
            first = np.concatenate(([True], units[1:] != units[:-1]))
            rows, units = rows[first], units[first]
        return self._with_composed(Able(units, rows), requirement, now)

    def _with_composed(self, able: Able, requirement: Requirement, now: Instant) -> Able:
        """Add the units that meet the requirement by offering all parts of a composed skill."""
        for composed in self.vocabulary.compositions(requirement.skill):
            of_parts, of_whole = required_of_parts(requirement, composed, self.vocabulary)
            if of_whole.constraints:
                continue
            parts = [self.able(each, now).units for each in of_parts]
            more = np.setdiff1d(reduce(np.intersect1d, parts), able.units)
            units = np.concatenate((able.units, more))
            rows = np.concatenate((able.rows, np.full(len(more), -1, dtype=np.int64)))
            order = np.argsort(units)
            able = Able(units[order], rows[order])
        return able

    def fits(self, requirement: Requirement, now: Instant) -> Bools | None:
        """Return which rows of the skill meet the requirement; None where none can."""
        offers = self.skill(requirement.skill)
        good = np.ones(len(offers.rows), dtype=np.bool_)
        for name, required in requirement.constraints.items():
            column = self.column(offers, name)
            if isinstance(column, Ratings):
                column.turn_to(now)
            fitting = None if column is None else column.fits(required)
            if fitting is None:
                return None
            good &= fitting
        return good

    def failing(self, requirement: Requirement, now: Instant) -> dict[str, Bools]:
        """Return, per constraint, which rows of the skill do not meet it."""
        offers = self.skill(requirement.skill)
        found = {}
        for name, required in requirement.constraints.items():
            column = self.column(offers, name)
            if isinstance(column, Ratings):
                column.turn_to(now)
            fitting = None if column is None else column.fits(required)
            found[name] = np.ones(len(offers.rows), np.bool_) if fitting is None else ~fitting
        return found

    def missed_as(self, requirement: Requirement) -> dict[str, ReasonCode]:
        """Return how constraints are failed that are no limits: what is offered is elsewhere."""
        definitions = self.skill(requirement.skill).definitions
        rules = {
            name: definitions[name].rule for name in requirement.constraints if name in definitions
        }
        codes = {Rule.WITHIN: ReasonCode.OUT_OF_SPAN, Rule.AMONG: ReasonCode.NOT_AMONG}
        return {name: codes[rule] for name, rule in rules.items() if rule in codes}

    def column(self, offers: SkillOffers, name: str) -> Column | None:
        """Return what the offers say of a parameter; None where the skill does not have it."""
        if name not in offers.columns:
            definition = offers.definitions.get(name)
            if definition is None:
                return None
            offers.columns[name] = self._column(offers, name, definition)
        return offers.columns[name]

    def _column(self, offers: SkillOffers, name: str, definition: ParameterDefinition) -> Column:
        offered = [offer.values.get(name) for _, offer in offers.rows]
        match definition.rule:
            case Rule.AMONG:
                return Texts(offered)
            case Rule.WITHIN:
                return Spans(offered)
            case Rule.AT_MOST | Rule.AT_LEAST:
                return self._ratings(offers, definition, offered)

    def _ratings(
        self,
        offers: SkillOffers,
        definition: ParameterDefinition,
        offered: list[OfferedValue | None],
    ) -> Ratings:
        ids = (self.units[unit].id for unit, _ in offers.rows)
        entries = [
            self._entry(unit, each, definition) for unit, each in zip(ids, offered, strict=True)
        ]
        return Ratings(definition.rule, entries)

    def _entry(
        self, unit: WorkUnitId, offered: OfferedValue | None, definition: ParameterDefinition
    ) -> Entry:
        """Return what counts: of a live rating the KPI, or the data sheet before the first one."""
        if isinstance(offered, Rating):
            return offered.value, NEVER, EVER
        if not isinstance(offered, LiveRating):
            return NOTHING
        known = self._kpis.get((unit, offered.kpi))
        if known is None:
            return NOTHING if offered.monitored else (offered.vendor, NEVER, EVER)
        if known.dimension != definition.dimension:
            return NOTHING
        until = min(known.at + known.valid_for_ns, EVER)
        return worst_value(known, definition.rule), known.at, until

    def hear(self, value: KpiValue) -> None:
        """Take over a KPI value as the one that counts from now on."""
        self._take((value.work_unit, value.kpi), value)

    def follow(self, kpis: Mapping[Slot, KpiValue]) -> tuple[Slot, ...]:
        """Take over all values that differ from those known; return which do."""
        changed = [slot for slot, value in kpis.items() if self._kpis.get(slot) is not value]
        if len(self._kpis) + len(changed) > len(kpis):
            changed += [slot for slot in self._kpis if slot not in kpis]
        for slot in changed:
            self._take(slot, kpis.get(slot))
        return tuple(changed)

    def _take(self, slot: Slot, value: KpiValue | None) -> None:
        if value is None:
            self._kpis.pop(slot, None)
        else:
            self._kpis[slot] = value
        unit = self.number.get(slot[0])
        if unit is not None:
            for offers in self._skills.values():
                for row in offers.of_unit(unit):
                    self._renew(offers, row, slot)

    def _renew(self, offers: SkillOffers, row: int, slot: Slot) -> None:
        """Write what a KPI says into a row, in every column that it speaks of."""
        _, offer = offers.rows[row]
        for name, column in offers.columns.items():
            offered = offer.values.get(name)
            if isinstance(column, Ratings) and _is_live(offered) and offered.kpi == slot[1]:
                column.put(row, self._entry(slot[0], offered, offers.definitions[name]))

    def resting_on(
        self, requirement: Requirement, unit: int, row: int, condition: Condition
    ) -> tuple[KpiValue, ...]:
        """Return the values that the match of a unit by a row rests on."""
        if row < 0:
            answer = match_unit(
                requirement, self.units[unit], self.vocabulary, condition.kpis, condition.now
            )
            assert isinstance(answer, Match), "the columns say that it matches"
            return answer.kpis
        _, offer = self.skill(requirement.skill).rows[row]
        ratings = (offer.values.get(name) for name in requirement.constraints)
        slots = ((self.units[unit].id, each.kpi) for each in ratings if _is_live(each))
        known = (condition.kpis.get(slot) for slot in slots)
        return tuple(each for each in known if each is not None)


def _is_live(offered: OfferedValue | None) -> TypeGuard[LiveRating]:
    return isinstance(offered, LiveRating)
