"""Who can make what: a product's sites, a site's products, and the fewest sites together."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from fabloop.base.errors import NotFound
from fabloop.base.instant import Instant
from fabloop.model.ids import OperationId, SiteId, WorkUnitId
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.plan.catalogue.able import ANYWHERE, able_with_inputs, unit_mask
from fabloop.plan.catalogue.demands import Key
from fabloop.plan.catalogue.hitting import smallest_hit
from fabloop.plan.catalogue.passage import Passage, bits_of
from fabloop.plan.catalogue.standing import demand_of, lasting, supplied
from fabloop.plan.statement.candidates import Asked, Judge
from fabloop.plan.statement.opening import ahead_of
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.steps import Steps, steps_of
from fabloop.services.matching import Condition

CUTS_MAX = 5_000
"""Sets of sites of which one is needed; beyond it the fewest sites are not proven."""


class Fewest(msgspec.Struct, frozen=True):
    """The fewest sites that can make a product together, and why fewer cannot.

    Attributes
    ----------
    sites : they can; there may be other sets of the same size
    at_least : how many any set has
    proof : without any one site of such a group the product cannot be made anywhere; `at_least`
        sites are needed to have one of each group
    """

    sites: tuple[SiteId, ...]
    at_least: int
    proof: tuple[tuple[SiteId, ...], ...]

    @property
    def proven(self) -> bool:
        """Whether no smaller set exists."""
        return len(self.sites) == self.at_least


class Making(msgspec.Struct, frozen=True):
    """Where a product can be made now.

    Attributes
    ----------
    alone : sites that can make it without any other
    taking_part : sites that do a step in some plan
    steps : per operation, the work units that do it in some plan
    fewest : None where nobody can make it
    """

    alone: tuple[SiteId, ...]
    taking_part: tuple[SiteId, ...]
    steps: dict[OperationId, tuple[WorkUnitId, ...]]
    fewest: Fewest | None

    @property
    def producible(self) -> bool:
        """Whether it can be made at all."""
        return self.fewest is not None


class Surveyor:
    """Answers who can make what at one instant; what many products ask for is judged once."""

    def __init__(
        self, plant: Plant, now: Instant, unavailable: frozenset[WorkUnitId] = frozenset()
    ) -> None:
        self.plant = plant
        self.now = now
        plant.ahead = ahead_of(plant.network, now)
        self.passage = Passage(plant, now, unavailable)
        self._unavailable = unavailable
        condition = Condition(dict(plant.offers.kpis), now)
        self._judge = Judge(plant, Asked(condition, unavailable))
        self._known: dict[Key, int] = {}
        self._names = tuple(plant.network.sites)
        self._of_site = {
            site: ((1 << end - start) - 1) << start
            for site, (start, end) in zip(self._names, plant.site_units, strict=True)
        }

    @cached_property
    def _inside(self) -> Passage:
        return Passage(self.plant, self.now, self._unavailable, lanes=False)

    def forget(self) -> None:
        """Forget what was judged, as after a change of the live condition."""
        self._known.clear()

    def mask(self, operation: Operation) -> int:
        """Return who may do the operation, as a mask."""
        key = demand_of(operation, self.plant, self.now)
        if key not in self._known:
            able = unit_mask(self._judge.able(operation).units, self.plant)
            self._known[key] = able & lasting(operation, self.plant, self.now)
        return self._known[key]

    def masks(self, product: ConfiguredProduct, steps: Steps) -> list[int]:
        """Return who may do each step where its parts can be had."""
        had = supplied(product, self.plant, self.now)
        return [self.mask(each) & had.get(each.id, ANYWHERE) for each in steps.operations]

    def can_make(self, product: ConfiguredProduct) -> bool:
        """Tell whether the product can be made."""
        steps = steps_of(product)
        return bool(able_with_inputs(steps, self.masks(product, steps), self.passage)[-1])

    def alone(self, product: ConfiguredProduct) -> tuple[SiteId, ...]:
        """Return the sites that can make the product without any other."""
        steps = steps_of(product)
        return self._alone(steps, self.masks(product, steps))

    def _alone(self, steps: Steps, masks: Sequence[int]) -> tuple[SiteId, ...]:
        """Where nothing leaves its site, the last step is left exactly at such sites."""
        return self._sites(able_with_inputs(steps, masks, self._inside)[-1])

    def _sites(self, units: int) -> tuple[SiteId, ...]:
        return tuple(site for site, mask in self._of_site.items() if units & mask)

    def makes(self, site: SiteId, products: Mapping[str, ConfiguredProduct]) -> Iterator[str]:
        """Yield the names of the products that the site can make alone.

        Raises
        ------
        NotFound
            There is no such site.
        """
        if site not in self._of_site:
            raise NotFound(f"Expected a site of the network, but {site!r} is none.")
        own = self._of_site[site]
        for name, product in products.items():
            steps = steps_of(product)
            if self._among(steps, self.masks(product, steps), own):
                yield name

    def _among(self, steps: Steps, masks: Sequence[int], units: int) -> bool:
        """Tell whether these work units suffice."""
        left = [mask & units for mask in masks]
        return bool(able_with_inputs(steps, left, self.passage)[-1])

    def where(self, product: ConfiguredProduct) -> Making:
        """Return everything about where the product can be made."""
        steps = steps_of(product)
        masks = self.masks(product, steps)
        used = self._used(steps, masks)
        units = {
            operation.id: tuple(self.plant.units[each].id for each in bits_of(mask))
            for operation, mask in zip(steps.operations, used, strict=True)
        }
        taking_part = 0
        for mask in used:
            taking_part |= mask
        fewest = self._fewest(steps, masks) if used[-1] else None
        return Making(self._alone(steps, masks), self._sites(taking_part), units, fewest)

    def _used(self, steps: Steps, masks: Sequence[int]) -> list[int]:
        """Return per step who does it in some plan: able, and able to deliver to one in a plan."""
        able = able_with_inputs(steps, masks, self.passage)
        used = [0] * len(masks)
        used[-1] = able[-1]
        for step in range(len(masks) - 1, -1, -1):
            if not used[step]:
                continue
            for group in steps.feeds[step]:
                for maker in group:
                    for unit in bits_of(able[maker] & ~used[maker]):
                        if self.passage.of(1 << unit) & used[step]:
                            used[maker] |= 1 << unit
        return used

    def fewest(self, product: ConfiguredProduct, cuts_max: int = CUTS_MAX) -> Fewest | None:
        """Return the fewest sites that can make the product together; None where nobody can."""
        steps = steps_of(product)
        masks = self.masks(product, steps)
        if not self._among(steps, masks, ANYWHERE):
            return None
        return self._fewest(steps, masks, cuts_max)

    def _fewest(self, steps: Steps, masks: Sequence[int], cuts_max: int = CUTS_MAX) -> Fewest:
        """Guess the smallest set that meets all groups known to be needed; learn from failures.

        Sources: the implicit hitting set method (Davies and Bacchus, 2011).
        """
        cuts = self._first_cuts(steps, masks)
        sites = len(self._names)
        while True:
            hit = smallest_hit(cuts)
            assert hit is not None, "asked only where all sites together can"
            if self._suffice(steps, masks, hit.members):
                return self._told(hit.members, hit.at_least, cuts)
            if len(cuts) >= cuts_max:
                return self._told(self._thinned(steps, masks), hit.at_least, cuts)
            largest = self._grown(steps, masks, hit.members)
            cuts.append(((1 << sites) - 1) & ~largest)

    def _told(self, members: int, at_least: int, cuts: Sequence[int]) -> Fewest:
        return Fewest(
            sites=tuple(self._names[each] for each in bits_of(members)),
            at_least=at_least,
            proof=tuple(tuple(self._names[each] for each in bits_of(cut)) for cut in cuts),
        )

    def _first_cuts(self, steps: Steps, masks: Sequence[int]) -> list[int]:
        """Return, for the steps that no alternative leaves out, the sites that can do them."""
        needed, stack = {len(masks) - 1}, [len(masks) - 1]
        while stack:
            for group in steps.feeds[stack.pop()]:
                if len(group) == 1 and group[0] not in needed:
                    needed.add(group[0])
                    stack.append(group[0])
        cuts = {self._numbered(masks[step]) for step in needed}
        return sorted(cuts)

    def _numbered(self, units: int) -> int:
        """Return the sites of work units, as a mask over sites."""
        found = 0
        for number, mask in enumerate(self._of_site.values()):
            if units & mask:
                found |= 1 << number
        return found

    def _suffice(self, steps: Steps, masks: Sequence[int], members: int) -> bool:
        units = 0
        for each in bits_of(members):
            units |= self._of_site[self._names[each]]
        return self._among(steps, masks, units)

    def _grown(self, steps: Steps, masks: Sequence[int], members: int) -> int:
        """Return a largest set of sites around `members` that still does not suffice."""
        others = [each for each in range(len(self._names)) if not members >> each & 1]
        stack = [others]
        while stack:
            block = stack.pop()
            joined = members
            for each in block:
                joined |= 1 << each
            if not self._suffice(steps, masks, joined):
                members = joined
            elif len(block) > 1:
                half = len(block) // 2
                stack += [block[half:], block[:half]]
        return members

    def _thinned(self, steps: Steps, masks: Sequence[int]) -> int:
        """Return a set that suffices and would not without any one of its sites."""
        members = (1 << len(self._names)) - 1
        for each in range(len(self._names)):
            if self._suffice(steps, masks, members & ~(1 << each)):
                members &= ~(1 << each)
        return members
