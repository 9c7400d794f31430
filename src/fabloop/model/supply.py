"""When material that no operation of the product makes is at a site."""

from collections.abc import Iterator, Mapping

from fabloop.base.instant import Instant
from fabloop.model.ids import MaterialId
from fabloop.model.product import ConfiguredProduct, Material, Operation
from fabloop.model.site import Network, Site


def parts_taken(
    product: ConfiguredProduct, operation: Operation, materials: Mapping[MaterialId, Material]
) -> Iterator[tuple[Material, int]]:
    """Yield what goes into an operation's output besides its inputs' outputs, and how many.

    What an operation without inputs hands out, made of nothing, is taken from stock or bought.
    """
    output = materials.get(operation.output)
    if output is None:
        return
    if not operation.inputs and not output.made_of:
        yield output, 1
    made = {product.operation(each).output for each in operation.inputs}
    for part in output.made_of:
        if part not in made and part in materials:
            yield materials[part], output.amounts.get(part, 1)


def is_tracked(material: Material, network: Network) -> bool:
    """Tell whether anything is known of stock or deliveries; else it counts as there."""
    return bool(material.supply) or any(
        stock.material == material.id for site in network.sites.values() for stock in site.stock
    )


def on_hand(material: Material, site: Site, at: Instant) -> int:
    """Return how many pieces have come into the site's stock by an instant."""
    return sum(
        each.quantity
        for each in site.stock
        if each.material == material.id and each.available_at <= at
    )


def there_at(material: Material, site: Site, pieces: int, now: Instant) -> Instant | None:
    """Return when so many pieces are in the site's stock, or come bought; None where never."""
    instants = []
    held = 0
    for stock in sorted(site.stock, key=lambda each: each.available_at):
        if stock.material == material.id:
            held += stock.quantity
            if held >= pieces:
                instants.append(max(now, stock.available_at))
                break
    leads = [each.lead_ns for each in material.supply if each.comes_to(site.id)]
    if leads:
        instants.append(Instant(now + min(leads)))
    return min(instants, default=None)


def gives_to(origin: Site, site: Site) -> bool:
    """Tell whether a site sends what it holds to another one: to those of its own tenant only."""
    return origin.id != site.id and origin.tenant == site.tenant
