"""Work units that could do an operation after some changes, and ways that could be opened."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import NamedTuple, TypeAlias

import msgspec
import numpy as np

from fabloop.model.explanation import Explanation, OptionCode
from fabloop.model.ids import AreaId, SiteId, SkillId, WorkUnitId
from fabloop.model.product import Operation
from fabloop.model.site import Network, WorkUnit
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.reasons.change import Change, Key, World
from fabloop.plan.reasons.minimal import bits_of
from fabloop.plan.reasons.prices import Prices
from fabloop.plan.reasons.proposals import (
    factory_changes_for,
    lane_change,
    link_change,
    product_changes_for,
    skill_change,
    staffing_changes,
)
from fabloop.plan.reasons.reach import Reach
from fabloop.plan.statement.candidates import Columns, Rejected
from fabloop.plan.statement.problem import Job, Problem
from fabloop.plan.statement.roads import Roads

WAYS_TO_SEAT_MAX = 16
"""Combinations of changes that are looked at for one work unit and one operation."""


class Seat(msgspec.Struct, frozen=True, gc=False):
    """A work unit (by its bit) with the changes after which it could do an operation.

    `price` is what the changes are worth together.
    """

    unit: int
    changes: tuple[Change, ...]
    price: float

    def is_served(self, chosen: Mapping[Key, Change]) -> bool:
        """Tell whether all changes are among those chosen, at their amounts or more."""
        levels = ((each.level, chosen.get(each.key)) for each in self.changes)
        return all(made is not None and made.level >= level for level, made in levels)


Bans: TypeAlias = Mapping[Key, float]
"""Changes that may not be made, at this level or more."""


def is_banned(seat: Seat, bans: Bans) -> bool:
    """Tell whether a seat needs any change that may not be made."""
    return any(each.level >= bans.get(each.key, np.inf) for each in seat.changes)


class _Touches(NamedTuple):
    """What changes are about: names of those of each work unit, who learns what, who else."""

    chosen: Mapping[Key, Change]
    names: Mapping[int, int]
    learners: Mapping[str, int]
    others: int


class Seats:
    """The seats of each job; reasons and changes are looked at when a job is first asked for.

    Where the `world` may change, work units without the skill may learn it, and ways may be
    opened; else only the product changes.
    """

    def __init__(self, problem: Problem, reach: Reach, world: World | None) -> None:
        self.problem = problem
        self.reach = reach
        self.world = world
        self.prices = Prices(None if world is None else world.setting.network)
        self._known: dict[int, tuple[Seat, ...]] = {}
        self._single: dict[tuple[int, int], tuple[Seat, ...]] = {}
        self._by_key: dict[int, dict[Key | None, list[Seat]]] = {}
        self._amounts: dict[int, dict[Key, dict[float, Change]]] = {}
        self._served: dict[tuple[int, frozenset[tuple[Key, float]]], int] = {}
        self._learning: dict[tuple[object, ...], dict[int, tuple[Seat, ...]]] = {}
        self._all_learning: dict[int, tuple[Seat, ...]] = {}
        self._masks: dict[SkillId, int] = {}
        self._relaxed: dict[int, int] = {}
        self._strangers: dict[SkillId, tuple[WorkUnit, ...]] = {}
        self._workers: _Workers = []
        self._rejected: dict[int, int] = {}
        self._able: list[dict[tuple[int, int], bool]] = [{} for _ in problem.jobs]
        self._names: dict[frozenset[tuple[Key, float]], int] = {}
        self._touches = _Touches({}, {}, {}, 0)
        self.now = [reach.mask(job.candidates) for job in problem.jobs]

    def of(self, number: int) -> tuple[Seat, ...]:
        """Return the seats of a job that need changes."""
        if number not in self._known:
            found = tuple(self._skilled(number))
            learning = self._learnt(number)
            self._known[number] = found + learning if found else learning
        return self._known[number]

    def _learnt(self, number: int) -> tuple[Seat, ...]:
        """Return the seats of work units without the skill; the same object for jobs that agree."""
        seats = self._unskilled(number)
        if id(seats) not in self._all_learning:
            self._all_learning[id(seats)] = tuple(each for row in seats.values() for each in row)
        return self._all_learning[id(seats)]

    def served(self, number: int, chosen: Mapping[Key, Change]) -> int:
        """Return who could do a job by changes among those chosen, or lesser ones."""
        keys = self.keys(number)
        own = frozenset((key, each.level) for key, each in chosen.items() if key in keys)
        if (number, own) not in self._served:
            mask = 0
            for key in (None, *(key for key, _ in own)):
                for seat in self._by_key[number].get(key, ()):
                    if seat.is_served(chosen):
                        mask |= seat.unit
            self._served[number, own] = mask
        return self._served[number, own]

    def keys(self, number: int) -> Collection[Key]:
        """Return what the changes are about that any seat of a job needs."""
        return self.amounts(number).keys()

    def amounts(self, number: int) -> Mapping[Key, Mapping[float, Change]]:
        """Return the changes that any seat of a job needs, by what they are about and amount."""
        if number not in self._amounts:
            index: dict[Key | None, list[Seat]] = {}
            amounts: dict[Key, dict[float, Change]] = {}
            for seat in self.of(number):
                key = seat.changes[0].key if seat.changes else None
                index.setdefault(key, []).append(seat)
                for each in seat.changes:
                    amounts.setdefault(each.key, {})[each.level] = each
            self._by_key[number], self._amounts[number] = index, amounts
        return self._amounts[number]

    def able_with(self, number: int, chosen: Mapping[Key, Change]) -> int:
        """Return who can do a job with the changes; only those that they touch are looked at."""
        if self._touches.chosen is not chosen:
            self._touches = self._touches_of(chosen)
        mask, touches, known = self.now[number], self._touches, self._able[number]
        skill = self.problem.jobs[number].operation.requirement.skill
        learners = touches.learners.get(skill, 0) & self.relaxed(number)
        for unit in bits_of((touches.others & self._unable(number) | learners) & ~mask):
            own = unit, touches.names[unit]
            served = known.get(own)
            if served is None:
                served = any(seat.is_served(chosen) for seat in self.of_unit(number, unit))
                known[own] = served
            if served:
                mask |= unit
        return mask

    def _touches_of(self, chosen: Mapping[Key, Change]) -> "_Touches":
        own: dict[int, list[tuple[Key, float]]] = {}
        learners: dict[str, int] = {}
        others = 0
        for each in chosen.values():
            touched = self._touched(each)
            for unit in bits_of(touched):
                own.setdefault(unit, []).append((each.key, each.level))
            if each.code is OptionCode.ADD_SKILL:
                learners[each.parameter] = learners.get(each.parameter, 0) | touched
            else:
                others |= touched
        names = {
            unit: self._names.setdefault(frozenset(made), len(self._names))
            for unit, made in own.items()
        }
        return _Touches(chosen, names, learners, others)

    def jobs_of(self, change: Change) -> Iterator[int]:
        """Return the jobs for which a change may matter, and perhaps more."""
        touched, skill = self._touched(change), _skill_of(change)
        to_learners = change.code in OF_LEARNERS
        for number, job in enumerate(self.problem.jobs):
            if skill is None or job.operation.requirement.skill == skill:
                able = self.relaxed(number) if to_learners else self._unable(number)
                if touched & ~self.now[number] & able:
                    yield number

    def _unable(self, number: int) -> int:
        """Return who has the skill of a job but may not do it."""
        if number not in self._rejected:
            self._rejected[number] = self.reach.mask(self.problem.jobs[number].rejected)
        return self._rejected[number]

    def touched_by(self, changes: Iterable[Change]) -> Iterator[tuple[int, int]]:
        """Yield the jobs, and the work units that may do them after the changes or others."""
        units: dict[int, int] = {}
        for change in changes:
            touched = self._touched(change)
            for number in self.jobs_of(change):
                mask = touched & self.relaxed(number) & ~self.now[number]
                units[number] = units.get(number, 0) | mask
        for number, mask in units.items():
            for unit in bits_of(mask):
                yield number, unit

    def _touched(self, change: Change) -> int:
        """Return the work units that a change is about, of a site all of them."""
        if change.code in WAYS:
            return 0
        if change.code in SITE_CODES:
            return self.reach.at_site(SiteId(change.context or change.subject))
        return 1 << self.reach.number[WorkUnitId(change.subject)]

    def of_unit(self, number: int, unit: int) -> tuple[Seat, ...]:
        """Return the seats of one work unit, where changes of it can help at all."""
        if (number, unit) not in self._single:
            job = self.problem.jobs[number]
            row = _row_of(job, unit, self.reach)
            if row is None:
                self._single[number, unit] = self._unskilled(number).get(unit, ())
            else:
                self._single[number, unit] = tuple(self._of_row(job.rejected[row], job.operation))
        return self._single[number, unit]

    def relaxed(self, number: int) -> int:
        """Return all units that might do the job after some changes, and perhaps more."""
        if number not in self._relaxed:
            job = self.problem.jobs[number]
            learners = self._learners(job.operation.requirement.skill)
            self._relaxed[number] = self.now[number] | self._unable(number) | learners
        return self._relaxed[number]

    def _learners(self, skill: SkillId) -> int:
        if skill not in self._masks:
            units = self.able_to_learn(skill)
            self._masks[skill] = sum(1 << self.reach.number[unit.id] for unit in units)
        return self._masks[skill]

    def _skilled(self, number: int) -> Iterator[Seat]:
        job = self.problem.jobs[number]
        for each in job.rejected:
            yield from self._of_row(each, job.operation)

    def _of_row(self, row: Rejected, operation: Operation) -> Iterator[Seat]:
        """Yield the seats of a work unit: one for each choice among what removes its reasons."""
        proposed = [self._proposed(reason, operation, row.unit) for reason in row.reasons]
        for changes in islice(product(*proposed), WAYS_TO_SEAT_MAX):
            price = sum([each.price for each in changes])
            yield Seat(1 << self.reach.number[row.unit.id], changes, price)

    def _proposed(
        self, reason: Explanation, operation: Operation, unit: WorkUnit
    ) -> tuple[Change, ...]:
        if self.world is None:
            return product_changes_for(reason, operation, unit)
        site = self.world.setting.network.sites[unit.site]
        changes = factory_changes_for(reason, operation, unit, site)
        return self.prices.all_priced(changes)

    def _unskilled(self, number: int) -> dict[int, tuple[Seat, ...]]:
        """Return the seats of the work units that would have to learn the skill, by unit."""
        operation = self.problem.jobs[number].operation
        needs = operation.requirement.skill, operation.person_skill, operation.tools
        if needs not in self._learning:
            seats: dict[int, tuple[Seat, ...]] = {}
            for each in self._learners_of(operation):
                seats[each.unit] = (*seats.get(each.unit, ()), each)
            self._learning[needs] = seats
        return self._learning[needs]

    def _learners_of(self, operation: Operation) -> Iterator[Seat]:
        for unit in self.able_to_learn(operation.requirement.skill):
            assert self.world is not None, "only where the world may change"
            changes = self.prices.all_priced(
                (
                    skill_change(operation, unit),
                    *staffing_changes(operation, unit, self.world.setting),
                )
            )
            price = sum(each.price for each in changes)
            yield Seat(1 << self.reach.number[unit.id], changes, price)

    def able_to_learn(self, skill: SkillId) -> tuple[WorkUnit, ...]:
        """Return the work units that would have to learn the skill; those that move things do not.

        Where some do work of the same kind already, only they count: a mill may learn to ream, a
        store will not.
        """
        if self.world is None:
            return ()
        if skill not in self._strangers:
            self._workers = self._workers or _workers(self.world.setting.network)
            vocabulary = self.world.setting.vocabulary
            self._strangers[skill] = _strangers(skill, self._workers, vocabulary)
        return self._strangers[skill]


_Workers = list[tuple[WorkUnit, frozenset[SkillId]]]


def _workers(network: Network) -> _Workers:
    """Return the work units that do more than move things, with the skills that they offer."""
    movers = {link.by for site in network.sites.values() for link in site.transport}
    return [
        (unit, frozenset(offer.skill for offer in unit.offers))
        for unit in network.work_units().values()
        if unit.offers and unit.id not in movers
    ]


def _strangers(
    skill: SkillId, units: _Workers, vocabulary: SkillVocabulary
) -> tuple[WorkUnit, ...]:
    offered = {each for _, skills in units for each in skills}
    kinds = {each for each in offered if _is_a(each, skill, vocabulary)}
    kind = _kind(skill, vocabulary)
    like = {each for each in offered if _kind(each, vocabulary) == kind}
    strangers = [(unit, skills) for unit, skills in units if not skills & kinds]
    akin = [unit for unit, skills in strangers if skills & like]
    return tuple(akin or (unit for unit, _ in strangers))


def _is_a(offered: SkillId, skill: SkillId, vocabulary: SkillVocabulary) -> bool:
    return offered in vocabulary.skills and vocabulary.is_a(offered, skill)


def _kind(skill: SkillId, vocabulary: SkillVocabulary) -> SkillId:
    """Return the broadest skill that this one is a kind of."""
    if skill not in vocabulary.skills:
        return skill
    return next((each.id for each in reversed([*vocabulary.lineage(skill)])), skill)


def _row_of(job: Job, unit: int, reach: Reach) -> int | None:
    """Return which of the rejected a work unit is."""
    number = unit.bit_length() - 1
    if isinstance(job.rejected, Columns):
        place = int(np.searchsorted(job.rejected.units, number))
        found = place < len(job.rejected) and int(job.rejected.units[place]) == number
        return place if found else None
    rows = enumerate(job.rejected)
    return next((row for row, each in rows if each.unit.id == reach.units[number]), None)


def _skill_of(change: Change) -> str | None:
    """Return the skill that a change matters for alone; None where it may matter for others."""
    if change.code is OptionCode.ADD_SKILL:
        return change.parameter
    return change.context if change.code is OptionCode.UPGRADE_OFFER else None


Area = tuple[SiteId, AreaId]


def missing_ways(roads: Roads, origin: Area, destination: Area) -> tuple[Change, ...]:
    """Return what has to be added so that work pieces get from work units here to ones there."""
    (here, start), (there, end) = origin, destination
    if here == there:
        return tuple(_link(roads, here, start, end))
    leave, arrive = roads.gates[here], roads.gates[there]
    changes: list[Change] = []
    if start != leave:
        changes += _link(roads, here, start, leave)
    if not roads.lanes.get((here, there)):
        changes.append(lane_change(here, there))
    if end != arrive:
        changes += _link(roads, there, arrive, end)
    return tuple(changes)


def _link(roads: Roads, site: SiteId, origin: AreaId, destination: AreaId) -> Iterator[Change]:
    if not roads.links.get((site, origin, destination)):
        yield link_change(site, origin, destination)


SITE_CODES: Sequence[str] = (OptionCode.ADD_TOOL, OptionCode.ADD_PERSON, OptionCode.TRAIN_PERSON)
"""Changes that serve all work units of a site."""

OF_LEARNERS: Sequence[str] = (*SITE_CODES, OptionCode.ADD_SKILL, OptionCode.RELEASE_UNIT)
"""Changes that matter for work units without the skill, too."""

WAYS: Sequence[str] = (OptionCode.ADD_LINK, OptionCode.ADD_LANE)
"""Changes that open a way."""


def reach_with(reach: Reach, changes: Iterable[Change]) -> Reach:
    """Return the reach with the new ways among the changes."""
    made = list(changes)
    links = [
        (SiteId(each.subject), AreaId(str(each.before)), AreaId(str(each.after)))
        for each in made
        if each.code is OptionCode.ADD_LINK
    ]
    lanes = [
        (SiteId(each.subject), SiteId(each.parameter))
        for each in made
        if each.code is OptionCode.ADD_LANE
    ]
    return reach.with_ways(links, lanes) if links or lanes else reach
