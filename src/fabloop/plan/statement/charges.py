"""What a step takes by when it starts and what was before: energy then, parts, set-ups."""

import msgspec

from fabloop.base.instant import HOUR, Instant
from fabloop.model.ids import SiteId
from fabloop.model.plan import EnergyRate, PartTaken, SetUp
from fabloop.model.product import Operation
from fabloop.model.site import Network, Tariff, WorkUnit
from fabloop.plan.statement.bands import Bands, averages
from fabloop.plan.statement.candidates import Candidate
from fabloop.plan.statement.materials import Materials
from fabloop.plan.statement.roads import TICK
from fabloop.plan.statement.sources import First


class Charge(msgspec.Struct, frozen=True):
    """What a step at a certain time takes; `rates` are those of energy where they change."""

    cost: int
    energy: float
    co2: float
    rates: tuple[EnergyRate, ...] = ()
    parts: tuple[PartTaken, ...] = ()
    setup: SetUp | None = None


class Charges(msgspec.Struct, frozen=True, eq=False):
    """What depends on when steps start; ticks count from `origin`.

    Attributes
    ----------
    sites : tariff and, where it has any, its bands
    materials : what steps take of parts; None is nothing of which stock or deliveries are known
    until : steps may wait for a lower charge as long as the product is made by then, or no later
        than without waiting; None is not at all
    sequenced : whether set-ups of the product depend on what was done before
    first : what counts first; money and CO2 only ever fall together with `strict`
    """

    origin: Instant
    quantity: int
    sites: dict[SiteId, tuple[Tariff, Bands | None]]
    materials: Materials | None = None
    until: int | None = None
    first: First = First.COST
    strict: bool = True
    sequenced: bool = False

    def of(
        self,
        operation: Operation,
        candidate: Candidate,
        start: int,
        end: int,
        before: str | None = None,
    ) -> Charge:
        """Return what the step takes from one tick to another.

        `before` is the set-up family of what its work unit did before, where the set-up depends
        on that; None is where it does not.
        """
        site, takes = candidate.place.site, candidate.takes
        parts: tuple[PartTaken, ...] = ()
        cost, energy, co2 = takes.cost, takes.energy, takes.co2
        setup: SetUp | None = None
        rates: tuple[EnergyRate, ...] = ()
        if self.materials is not None and operation.id in self.materials.needs:
            least = self.materials.least(operation.id, site)
            begin = self.instant(start)
            parts = self.materials.taken(operation.id, site, begin, self.first)
            cost, energy, co2 = cost - least[0], energy - least[1], co2 - least[2]
        if self.sites[site][1] is not None or is_sequenced(operation, candidate.unit):
            tariff, bands = self.sites[site]
            price, factor = tariff.energy_minor_per_j, tariff.co2_kg_per_j
            if bands is not None:
                rates = bands.rates(self.instant(start), self.instant(end))
                price, factor = averages(rates)
            cost, energy, setup = self._worked(
                operation, candidate, (end - start, energy), (price, factor), before
            )
            co2 = energy * factor
        for each in parts:
            more = each.takes
            cost, energy, co2 = cost + more[0], energy + more[1], co2 + more[2]
        return Charge(cost, energy, co2, rates, parts, setup)

    def _worked(
        self,
        operation: Operation,
        candidate: Candidate,
        lasting: tuple[int, float],
        rates: tuple[float, float],
        before: str | None,
    ) -> tuple[int, float, SetUp | None]:
        """Return money and energy without parts, and the set-up; `lasting` are ticks and energy."""
        unit, tariff = candidate.unit, self.sites[candidate.place.site][0]
        labour = tariff.labour_cost_per_hour_minor if operation.person_skill is not None else 0
        hourly, (price, factor) = unit.cost_per_hour_minor + labour, rates
        (ticks, energy), pieces = lasting, operation.pieces(self.quantity)
        apart = 0 if before is None else unit.setup_between(before, operation.setup_family)
        hours = (ticks * TICK + apart) / HOUR
        if is_sequenced(operation, unit):
            energy = operation.energy_j * pieces + unit.power_w * ((ticks * TICK + apart) / 1e9)
        elif candidate.shared is not None:
            hours *= candidate.shared.pieces / candidate.shared.together
        cost = operation.cost_minor * pieces + round(hourly * hours + price * energy)
        if before is None:
            return cost, energy, None
        drawn = unit.power_w * (apart / 1e9)
        paid = round(hourly * (apart / HOUR) + price * drawn)
        return (
            cost,
            energy,
            SetUp(
                before=before,
                duration_ns=apart,
                cost_minor=paid,
                energy_j=drawn,
                co2_kg=drawn * factor,
            ),
        )

    def more(
        self,
        operation: Operation,
        candidate: Candidate,
        before: str,
        least_rates: tuple[float, float] | None = None,
    ) -> tuple[int, float, float]:
        """Return by how much money, energy and CO2 exceed the least, at least, after a family.

        `least_rates` are the least average price and CO2 factor of energy, where they are known.
        """
        site, takes = candidate.place.site, candidate.takes
        tariff, bands = self.sites[site]
        prices = [tariff.energy_minor_per_j, *(each.energy_minor_per_j for each in tariff.bands)]
        factors = [tariff.co2_kg_per_j, *(each.co2_kg_per_j for each in tariff.bands)]
        rates = (prices[0], factors[0]) if bands is None else (min(prices), min(factors))
        rates = least_rates or rates
        cost, energy, _ = self._worked(
            operation, candidate, (takes.ticks, takes.energy), rates, before
        )
        least = (0, 0.0, 0.0)
        if self.materials is not None and operation.id in self.materials.needs:
            least = self.materials.least(operation.id, site)
        return (
            max(0, cost + least[0] - takes.cost),
            max(0.0, energy + least[1] - takes.energy),
            max(0.0, energy * rates[1] + least[2] - takes.co2),
        )

    @property
    def has_hours(self) -> bool:
        """Whether steps take more or less by when they start."""
        return self.materials is not None or any(bands for _, bands in self.sites.values())

    def instant(self, tick: int) -> Instant:
        """Return the instant of a tick."""
        return Instant(self.origin + tick * TICK)

    def turns(self, candidate: Candidate, start: int, end: int) -> list[int]:
        """Return the ticks at which another price begins to hold at the candidate's site."""
        _, bands = self.sites[candidate.place.site]
        if bands is None or end <= start:
            return []
        edges = bands.edges(self.instant(start), self.instant(end))
        return [-(-(each - self.origin) // TICK) for each in edges]

    def arrivals(self, operation: Operation, candidate: Candidate) -> list[int]:
        """Return the ticks at which other parts can be had at the candidate's site."""
        if self.materials is None:
            return []
        found = self.materials.turns(operation.id, candidate.place.site)
        return [-(-(each - self.origin) // TICK) for each in found]


def is_sequenced(operation: Operation, unit: WorkUnit) -> bool:
    """Tell whether the operation's set-up on the work unit depends on what was done before."""
    return bool(operation.setup_family and unit.setups)


def charges_of(
    network: Network,
    origin: Instant,
    quantity: int,
    due_at: Instant | None,
    materials: Materials | None,
    *,
    sequenced: bool = False,
) -> Charges | None:
    """Return what depends on when steps start, and after what; None where nothing does."""
    banded = any(site.tariff.bands for site in network.sites.values())
    if materials is None and not banded and not sequenced:
        return None
    sites = {
        site.id: (site.tariff, Bands(site.tariff, site.time_zone) if site.tariff.bands else None)
        for site in network.sites.values()
    }
    until = None if due_at is None else max(0, (due_at - origin) // TICK)
    return Charges(origin, quantity, sites, materials, until, sequenced=sequenced)
