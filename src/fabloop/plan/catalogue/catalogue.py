"""Registered products and whether each can be made now, kept up as KPI values change.

A change of one KPI concerns the demands that its work unit begins or ceases to meet. Only steps
with such a demand are looked at again, and what follows from a step only where work pieces get
to other work units than before.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from heapq import heapify, heappop, heappush

import msgspec
import numpy as np

from fabloop.base.errors import Conflict, NotFound
from fabloop.base.instant import Instant
from fabloop.model.ids import SiteId, SkillId, WorkUnitId
from fabloop.model.kpi import KpiValue
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.plan.catalogue.able import ANYWHERE, able_with_inputs, arriving, unit_mask
from fabloop.plan.catalogue.demands import DemandTable, Key
from fabloop.plan.catalogue.passage import Passage, bits_of, mask_of
from fabloop.plan.catalogue.standing import demand_of, lasting, supplied
from fabloop.plan.statement.candidates import Asked, Judge
from fabloop.plan.statement.layout import Bools
from fabloop.plan.statement.opening import ahead_of
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.steps import Steps, steps_of
from fabloop.services.matching import Condition

PRODUCTS_MAX = 100_000
"""Products that one catalogue holds."""

STEPS_MAX = 5_000_000
"""Steps of all products of one catalogue together."""


ONE_BY_ONE_MAX = 24
"""Work units whose change is followed one by one; beyond it everything is judged anew."""


class Turned(msgspec.Struct, frozen=True):
    """What a change did to registered products.

    `touched` counts the products of which a step was looked at again.
    """

    producible: tuple[str, ...] = ()
    not_producible: tuple[str, ...] = ()
    touched: int = 0


class _Entry(msgspec.Struct, eq=False):
    """A registered product: per step its demand, who is reached by all inputs, who can do it.

    `supplied` tells, per step, where the parts that it takes can be had.
    """

    name: str
    steps: Steps
    demands: list[int]
    arrived: list[int]
    able: list[int]
    supplied: Sequence[int]


class Catalogue:
    """Products registered against one plant; the work units in `unavailable` count for nothing."""

    def __init__(
        self, plant: Plant, now: Instant, unavailable: frozenset[WorkUnitId] = frozenset()
    ) -> None:
        self.plant = plant
        self.now = now
        plant.ahead = ahead_of(plant.network, now)
        self.passage = Passage(plant, now, unavailable)
        self._unavailable = unavailable
        self._entries: dict[str, _Entry] = {}
        self._steps = 0
        self._keys: dict[Key, int] = {}
        self._demands: list[Operation] = []
        self._masks: list[int] = []
        self._allowed: list[int] = []
        self._users: list[list[tuple[_Entry, int]]] = []
        self._tables: dict[SkillId, DemandTable] = {}
        self._composed: dict[SkillId, list[int]] = {}

    @cached_property
    def _inside(self) -> Passage:
        return Passage(self.plant, self.now, self._unavailable, lanes=False)

    def __len__(self) -> int:
        return len(self._entries)

    def register(self, name: str, product: ConfiguredProduct) -> bool:
        """Take up a product; tell whether it can be made now.

        Raises
        ------
        Conflict
            The name is taken, or the catalogue is full.
        Invalid
            The operations are no in-tree.
        """
        steps = steps_of(product)
        self._refuse(name, len(steps.operations))
        demands = [self._demand(each) for each in steps.operations]
        entry = _Entry(name, steps, demands, [], [], self._supplied(product, steps))
        for number, feeds in enumerate(steps.feeds):
            arrived = arriving(feeds, entry.able, self.passage) & entry.supplied[number]
            entry.arrived.append(arrived)
            entry.able.append(_shared(self._masks[demands[number]], arrived))
            self._users[demands[number]].append((entry, number))
        self._entries[name] = entry
        self._steps += len(steps.operations)
        return bool(entry.able[-1])

    def _supplied(self, product: ConfiguredProduct, steps: Steps) -> Sequence[int]:
        had = supplied(product, self.plant, self.now)
        return tuple(had.get(each.id, ANYWHERE) for each in steps.operations)

    def _refuse(self, name: str, steps: int) -> None:
        if name in self._entries:
            raise Conflict(
                f"Expected a new name, but product {name!r} is registered. Withdraw it first."
            )
        if len(self._entries) >= PRODUCTS_MAX or self._steps + steps > STEPS_MAX:
            raise Conflict(
                f"Expected at most {PRODUCTS_MAX:,} products with {STEPS_MAX:,} steps in all, "
                f"but product {name!r} is one too many. Withdraw others or use a second catalogue."
            )

    def withdraw(self, name: str) -> None:
        """Forget a product."""
        entry = self._entry(name)
        del self._entries[name]
        self._steps -= len(entry.demands)
        for demand in set(entry.demands):
            self._users[demand] = [each for each in self._users[demand] if each[0] is not entry]

    def _entry(self, name: str) -> _Entry:
        if name not in self._entries:
            raise NotFound(f"Expected a registered product, but {name!r} is none. Register it.")
        return self._entries[name]

    def is_producible(self, name: str) -> bool:
        """Tell whether a registered product can be made now."""
        return bool(self._entry(name).able[-1])

    def producible(self) -> Iterator[str]:
        """Yield the registered products that can be made now."""
        return (name for name, entry in self._entries.items() if entry.able[-1])

    def alone(self, name: str) -> tuple[SiteId, ...]:
        """Return the sites that can make a product now without any other."""
        units = bits_of(self._able(self._entry(name), ANYWHERE, self._inside))
        return tuple(dict.fromkeys(self.plant.units[each].site for each in units))

    def made_at(self, site: SiteId) -> Iterator[str]:
        """Yield the registered products that a site can make now without any other.

        Raises
        ------
        NotFound
            There is no such site.
        """
        if site not in self.plant.grid.site:
            raise NotFound(f"Expected a site of the network, but {site!r} is none.")
        start, end = self.plant.site_units[self.plant.grid.site[site]]
        own = ((1 << end - start) - 1) << start
        for name, entry in self._entries.items():
            if entry.able[-1] and self._able(entry, own, self.passage):
                yield name

    def _able(self, entry: _Entry, units: int, passage: Passage) -> int:
        """Return where a product's last step can be done if only these work units do any."""
        masks = [
            self._masks[demand] & units & here
            for demand, here in zip(entry.demands, entry.supplied, strict=True)
        ]
        return able_with_inputs(entry.steps, masks, passage)[-1]

    def _demand(self, operation: Operation) -> int:
        """Return the number of what the operation asks for, judged once."""
        key = demand_of(operation, self.plant, self.now)
        if key not in self._keys:
            number = self._keys[key] = len(self._demands)
            self._demands.append(operation)
            self._allowed.append(self._allowed_for(operation))
            self._masks.append(self._judged(operation) & self._allowed[-1])
            self._users.append([])
            skill = operation.requirement.skill
            if any(True for _ in self.plant.vocabulary.compositions(skill)):
                self._composed.setdefault(skill, []).append(number)
            else:
                self._table(skill).add(number, operation.requirement)
        return self._keys[key]

    def _judge(self) -> Judge:
        condition = Condition(self.plant.offers.kpis, self.now)
        return Judge(self.plant, Asked(condition, self._unavailable))

    def _judged(self, operation: Operation) -> int:
        return unit_mask(self._judge().able(operation).units, self.plant)

    def _allowed_for(self, operation: Operation) -> int:
        allowed = self._judge().allowed(operation)
        lasts = lasting(operation, self.plant, self.now)
        return lasts if allowed is None else lasts & mask_of(allowed)

    def _table(self, skill: SkillId) -> DemandTable:
        if skill not in self._tables:
            self._tables[skill] = DemandTable(self.plant.offers, skill)
        return self._tables[skill]

    def hear(self, value: KpiValue) -> Turned:
        """Take over a KPI value; return which products can be made from now on or no longer."""
        unit = self.plant.offers.number.get(value.work_unit)
        if unit is None:
            return Turned()
        return self._turn([unit], lambda: self.plant.offers.hear(value))

    def let_be(self, now: Instant) -> Turned:
        """Let the instant be `now`: values grow stale, others come into force."""
        tables = self._tables.values()
        units = {unit for table in tables for unit in table.units_turning(self.now, now)}
        for skill in self._composed:
            units.update(self.plant.offers.skilled(skill).tolist())

        def change() -> None:
            self.now = now

        return self._turn(sorted(units), change)

    def _turn(self, units: list[int], change: Callable[[], None]) -> Turned:
        """Make a change that concerns some work units, and settle what follows from it."""
        if len(units) > ONE_BY_ONE_MAX:
            change()
            return self._settle(self._judge_all())
        before = [(unit, table, met) for unit in units for table, met in self._met(unit)]
        change()
        changed: set[int] = set()
        for unit, table, met in before:
            for place in np.flatnonzero(table.met_by(unit, self.now) != met).tolist():
                demand = table.demands[place]
                if self._allowed[demand] >> unit & 1:
                    self._masks[demand] ^= 1 << unit
                    changed.add(demand)
        for demand in self._composed_for(units):
            self._masks[demand] = self._judged(self._demands[demand]) & self._allowed[demand]
            changed.add(demand)
        return self._settle(changed)

    def _judge_all(self) -> Iterator[int]:
        """Judge every demand anew; yield those that other work units meet now than before."""
        judge = self._judge()
        for demand, operation in enumerate(self._demands):
            mask = unit_mask(judge.able(operation).units, self.plant) & self._allowed[demand]
            if mask != self._masks[demand]:
                self._masks[demand] = mask
                yield demand

    def _settle(self, changed: Iterable[int]) -> Turned:
        """Look again at every step with a changed demand; return which products turned."""
        touched: dict[str, list[int]] = {}
        for demand in changed:
            for entry, step in self._users[demand]:
                touched.setdefault(entry.name, []).append(step)
        gained: list[str] = []
        lost: list[str] = []
        for name, steps in touched.items():
            entry = self._entries[name]
            before = bool(entry.able[-1])
            self._look_again(entry, steps)
            if before != bool(entry.able[-1]):
                (lost if before else gained).append(name)
        return Turned(tuple(sorted(gained)), tuple(sorted(lost)), len(touched))

    def _look_again(self, entry: _Entry, steps: list[int]) -> None:
        """Do the steps anew, and those to which other work units deliver now than before."""
        heapify(steps)
        supplied: set[int] = set()
        last = -1
        while steps:
            step = heappop(steps)
            if step == last:
                continue
            last = step
            if step in supplied:
                feeds = entry.steps.feeds[step]
                arrived = arriving(feeds, entry.able, self.passage)
                entry.arrived[step] = arrived & entry.supplied[step]
            able = _shared(self._masks[entry.demands[step]], entry.arrived[step])
            old, entry.able[step] = entry.able[step], able
            if old != able and self.passage.of(old) != self.passage.of(able):
                for taker in entry.steps.takers[step]:
                    supplied.add(taker)
                    heappush(steps, taker)

    def _met(self, unit: int) -> list[tuple[DemandTable, Bools]]:
        return [
            (table, table.met_by(unit, self.now))
            for table in self._tables.values()
            if table.concerns(unit)
        ]

    def _composed_for(self, units: Iterable[int]) -> Iterator[int]:
        """Yield the demands of composed skills that one of the work units offers."""
        for skill, demands in self._composed.items():
            if not set(units).isdisjoint(self.plant.offers.skilled(skill).tolist()):
                yield from demands


def _shared(mask: int, arrived: int) -> int:
    """Return what both have in common; the mask itself where that is all, to save room."""
    both = mask & arrived
    return mask if both == mask else both
