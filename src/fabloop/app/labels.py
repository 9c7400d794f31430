"""What people call things, and the time zone in which they read instants."""

from collections.abc import Mapping
from types import MappingProxyType

from fabloop.model.product import ConfiguredProduct
from fabloop.model.site import Network

NO_LABELS: Mapping[str, str] = MappingProxyType({})
"""Ids are shown as they are."""


class Labels(dict[str, str]):
    """What people call things, by id; `zone` is the time zone in which they read instants."""

    zone: str = "UTC"


def zone_in(network: Network) -> str:
    """Return the time zone that all sites share; UTC where they do not."""
    zones = {site.time_zone for site in network.sites.values()}
    return zones.pop() if len(zones) == 1 else "UTC"


def zones_of(network: Network) -> dict[str, str]:
    """Return the time zone of each work unit's site."""
    return {unit.id: site.time_zone for site in network.sites.values() for unit in site.work_units}


def choices_text(product: ConfiguredProduct) -> str:
    """Return what was chosen of a product's features (``metal steel, finish anodised``)."""
    told = (
        (name, option if isinstance(option, str) else " and ".join(option))
        for name, option in product.choices.items()
    )
    return ", ".join(f"{name} {option}" for name, option in told if option)


def labels_of(network: Network, product: ConfiguredProduct | None = None) -> Labels:
    """Return what people call the sites, work units, persons and operations, by id."""
    labels = Labels()
    labels.zone = zone_in(network)
    for site in network.sites.values():
        labels[site.id] = site.label
        labels.update((unit.id, unit.label) for unit in site.work_units)
        labels.update((person.id, person.label) for person in site.persons)
    if product is not None:
        labels.update((operation.id, operation.label) for operation in product.operations)
    return labels
