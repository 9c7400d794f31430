"""What one tenant gets to see of a network in which every site belongs to somebody."""

import msgspec

from fabloop.model.disclosure import Disclosure
from fabloop.model.site import Network, Site


class View(msgspec.Struct, frozen=True):
    """A network as one tenant sees it.

    `network` holds the sites that it may plan on itself; those in `asked` only answer inquiries.
    """

    network: Network
    asked: tuple[Site, ...]


def view_of(network: Network, tenant: str) -> View:
    """Return what a tenant sees: its own sites and those disclosed in full; others are asked.

    A site that discloses nothing is in neither. Lanes are public.
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
    return View(Network(sites=open_sites, lanes=lanes), asked)
