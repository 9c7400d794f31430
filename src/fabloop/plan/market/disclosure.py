"""What one tenant gets to see of a network in which every site belongs to somebody."""

from collections.abc import Callable, Collection, Iterable

import msgspec

from fabloop.model.disclosure import Disclosure
from fabloop.model.ids import KpiId, WorkUnitId
from fabloop.model.kpi import KpiValue
from fabloop.model.site import Network, Site, WorkUnit
from fabloop.model.skill import LiveRating, Offer, OfferedValue


class View(msgspec.Struct, frozen=True):
    """A network and KPI values as one tenant sees them.

    `network` holds the sites that it may plan on itself; those in `asked` only answer inquiries.
    """

    network: Network
    asked: tuple[Site, ...]
    kpis: tuple[KpiValue, ...] = ()


def view_of(network: Network, tenant: str, kpis: Iterable[KpiValue] = ()) -> View:
    """Return what a tenant sees: its own sites and those disclosed in full; others are asked.

    A site that discloses nothing is in neither. Of sites of others it sees the offers and KPI
    values that are disclosed in full; where a value is withheld, the vendor's does not stand in
    for it. Lanes are public.
    """
    open_sites = {
        key: site
        for key, site in network.sites.items()
        if site.tenant == tenant or site.disclosure is Disclosure.FULL
    }
    asked = tuple(
        site
        for key, site in network.sites.items()
        if key not in open_sites and site.disclosure is Disclosure.OFFERS
    )
    lanes = tuple(
        each
        for each in network.lanes
        if each.origin in open_sites and each.destination in open_sites
    )
    owner = {unit.id: site.tenant for site in open_sites.values() for unit in site.work_units}
    seen, withheld = [], set()
    for each in kpis:
        if each.work_unit in owner:
            if owner[each.work_unit] == tenant or each.disclosure is Disclosure.FULL:
                seen.append(each)
            else:
                withheld.add((each.work_unit, each.kpi))
    sites = {
        key: site if site.tenant == tenant else _shown(site, withheld)
        for key, site in open_sites.items()
    }
    return View(Network(sites=sites, lanes=lanes), asked, tuple(seen))


def asked_of(site: Site) -> Site:
    """Return the site without offers that do not exist for others: it makes no price for them."""
    return _with_offers(
        site,
        lambda unit: tuple(o for o in unit.offers if o.disclosure is not Disclosure.NONE),
    )


def _shown(site: Site, withheld: Collection[tuple[WorkUnitId, KpiId]]) -> Site:
    def shown(unit: WorkUnit) -> tuple[Offer, ...]:
        hidden = {kpi for work_unit, kpi in withheld if work_unit == unit.id}
        return tuple(
            _without(offer, hidden) for offer in unit.offers if offer.disclosure is Disclosure.FULL
        )

    return _with_offers(site, shown)


def _without(offer: Offer, hidden: Collection[KpiId]) -> Offer:
    """Return the offer with ratings by hidden KPI values as ones that were not measured."""

    def without(value: OfferedValue) -> OfferedValue:
        if isinstance(value, LiveRating) and value.kpi in hidden:
            return msgspec.structs.replace(value, monitored=True)
        return value

    values = {name: without(value) for name, value in offer.values.items()}
    return offer if values == offer.values else msgspec.structs.replace(offer, values=values)


def _with_offers(site: Site, offers_of: Callable[[WorkUnit], tuple[Offer, ...]]) -> Site:
    """Return the site with these offers; the same one where nothing differs."""
    offers = [offers_of(unit) for unit in site.work_units]
    if all(a == b.offers for a, b in zip(offers, site.work_units, strict=True)):
        return site
    units = tuple(
        msgspec.structs.replace(unit, offers=each)
        for unit, each in zip(site.work_units, offers, strict=True)
    )
    return msgspec.structs.replace(site, work_units=units)
