"""What a step takes by when it starts: energy at that time of day, parts that are there by then."""

import msgspec

from fabloop.base.instant import HOUR, Instant
from fabloop.model.ids import SiteId
from fabloop.model.plan import EnergyRate, PartTaken
from fabloop.model.product import Operation
from fabloop.model.site import Network, Tariff
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


class Charges(msgspec.Struct, frozen=True, eq=False):
    """What depends on when steps start; ticks count from `origin`.

    Attributes
    ----------
    sites : tariff and, where it has any, its bands
    materials : what steps take of parts; None is nothing of which stock or deliveries are known
    until : steps may wait for a lower charge as long as the product is made by then, or no later
        than without waiting; None is not at all
    first : what counts first; money and CO2 only ever fall together with `strict`
    """

    origin: Instant
    quantity: int
    sites: dict[SiteId, tuple[Tariff, Bands | None]]
    materials: Materials | None = None
    until: int | None = None
    first: First = First.COST
    strict: bool = True

    def of(self, operation: Operation, candidate: Candidate, start: int, end: int) -> Charge:
        """Return what the step takes from one tick to another."""
        site, takes = candidate.place.site, candidate.takes
        parts: tuple[PartTaken, ...] = ()
        cost, energy, co2 = takes.cost, takes.energy, takes.co2
        if self.materials is not None and operation.id in self.materials.needs:
            least = self.materials.least(operation.id, site)
            begin = self.instant(start)
            parts = self.materials.taken(operation.id, site, begin, self.first)
            cost, energy, co2 = cost - least[0], energy - least[1], co2 - least[2]
        if self.sites[site][1] is not None:
            cost, co2, rates = self._by_band(operation, candidate, energy, start, end)
        else:
            rates = ()
        for each in parts:
            more = each.takes
            cost, energy, co2 = cost + more[0], energy + more[1], co2 + more[2]
        return Charge(cost, energy, co2, rates, parts)

    def _by_band(
        self, operation: Operation, candidate: Candidate, energy: float, start: int, end: int
    ) -> tuple[int, float, tuple[EnergyRate, ...]]:
        """Return money and CO2 without parts, and the rates of energy meanwhile."""
        tariff, bands = self.sites[candidate.place.site]
        assert bands is not None, "asked only where energy has its price by time of day"
        rates = bands.rates(self.instant(start), self.instant(end))
        price, factor = averages(rates)
        worked = (end - start) * TICK
        if candidate.unit.setups and operation.setup_family:
            worked += candidate.unit.setup_ns
        hours = worked / HOUR
        if candidate.shared is not None:
            hours *= candidate.shared.pieces / candidate.shared.together
        labour = tariff.labour_cost_per_hour_minor if operation.person_skill is not None else 0
        cost = (candidate.unit.cost_per_hour_minor + labour) * hours + price * energy
        own = operation.cost_minor * operation.pieces(self.quantity)
        return own + round(cost), energy * factor, rates

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


def charges_of(
    network: Network,
    origin: Instant,
    quantity: int,
    due_at: Instant | None,
    materials: Materials | None,
) -> Charges | None:
    """Return what depends on when steps start; None where nothing does."""
    if materials is None and not any(site.tariff.bands for site in network.sites.values()):
        return None
    sites = {
        site.id: (site.tariff, Bands(site.tariff, site.time_zone) if site.tariff.bands else None)
        for site in network.sites.values()
    }
    until = None if due_at is None else max(0, (due_at - origin) // TICK)
    return Charges(origin, quantity, sites, materials, until)
