"""Sites and the shipments of a plan between them, as a schematic map."""

from collections.abc import Mapping, Sequence
from math import atan2, cos, hypot, pi, sin

from fabloop.app.pictures.shipped import Shipped, shipped_parts, shipped_pieces
from fabloop.app.pictures.svg import (
    Picture,
    arrow_head,
    badge,
    box,
    document,
    group,
    number,
    path,
    shortened,
    text,
    wrapped,
)
from fabloop.app.sentences import instant_text, money_text
from fabloop.base.instant import span_text
from fabloop.base.quantity import Dimension, quantity_text
from fabloop.model.ids import SiteId
from fabloop.model.plan import Plan
from fabloop.model.product import ConfiguredProduct
from fabloop.model.site import Network

WIDTH = 900.0
_SITE_WIDTH = 170.0
_SITE_HEIGHT = 58.0
_MARGIN = 70.0
_LINE = 16.0
_ROW = 84.0
_IDLE_LINES = 3
RING_MAX = 8
"""Sites that find room on a ring."""


_Way = tuple[SiteId, SiteId, bool]
"""From where to where, and whether it is done or under way."""


def shipment_picture(
    plan: Plan, product: ConfiguredProduct, network: Network, *, title: str = ""
) -> str:
    """Return every site with what it does for the order, and an arrow per way, as SVG.

    Documents hold no coordinates: sites stand on a ring, those that take part first. Where there
    are many, those that do not are only named, and two columns take the place of the ring.
    """
    shipments = [*shipped_pieces(plan, product), *shipped_parts(plan, product)]
    sites = _ordered(plan, network)
    idle = [] if len(sites) <= RING_MAX else sites[len(plan.totals.sites) :]
    sites = sites[: len(sites) - len(idle)]
    height = _height(len(sites))
    places = _places(sites, height)
    ways: dict[_Way, list[int]] = {}
    for count, each in enumerate(shipments, 1):
        ways.setdefault((each.origin, each.destination, each.frozen), []).append(count)
    names = {key: site.label for key, site in network.sites.items()}
    parts = [_arrow(way, counts, places, names) for way, counts in ways.items()]
    parts += [_site(each, places[each], plan, network) for each in sites]
    parts += _list(shipments, network, plan.totals.currency, height)
    bottom = height + _LINE * max(1, len(shipments)) + 34
    for words in _idle_words(idle, network):
        parts.append(text(24, bottom, words, "muted"))
        bottom += _LINE
    drawn = Picture(width=WIDTH, height=bottom, body="".join(parts))
    return document(drawn, title or f"Shipments of plan {plan.id}")


def _height(sites: int) -> float:
    if sites > RING_MAX:
        return 2 * _MARGIN + (sites + 1) // 2 * _ROW - _ROW
    return (130.0, 260.0)[sites - 1] if sites <= 2 else 420.0


def _idle_words(idle: Sequence[SiteId], network: Network) -> list[str]:
    """Return the names of sites that take no part, in a few lines."""
    if not idle:
        return []
    names = ", ".join(network.sites[each].label for each in idle)
    return wrapped(f"Not used ({len(idle)}): {names}", WIDTH - 48, _IDLE_LINES)


def _ordered(plan: Plan, network: Network) -> list[SiteId]:
    used = list(plan.totals.sites)
    return used + [each for each in network.sites if each not in used]


def _places(sites: Sequence[SiteId], height: float) -> dict[SiteId, tuple[float, float]]:
    x, y = WIDTH / 2, height / 2
    wide, high = WIDTH / 2 - _SITE_WIDTH / 2 - 40, height / 2 - _MARGIN
    count = len(sites)
    if count == 1:
        return {sites[0]: (x, y)}
    if count > RING_MAX:
        return {
            site: (x + (-0.23 if number % 2 == 0 else 0.23) * WIDTH, _MARGIN + number // 2 * _ROW)
            for number, site in enumerate(sites)
        }
    turn = [pi + 2 * pi * index / count for index in range(count)]
    return {
        site: (x + wide * cos(angle), y + high * sin(angle))
        for site, angle in zip(sites, turn, strict=True)
    }


def _site(site: SiteId, place: tuple[float, float], plan: Plan, network: Network) -> str:
    steps = [each for each in plan.steps if each.site == site]
    x, y = place[0] - _SITE_WIDTH / 2, place[1] - _SITE_HEIGHT / 2
    label = network.sites[site].label
    made = f"{len(steps)} step{'s' if len(steps) != 1 else ''}" if steps else "not used"
    cost = money_text(sum(each.cost_minor for each in steps), plan.totals.currency)
    parts = [
        box(x, y, _SITE_WIDTH, _SITE_HEIGHT, "shape" if steps else "ghost", radius=6),
        text(place[0], place[1] - 4, shortened(label, _SITE_WIDTH - 16), "strong", anchor="middle"),
        text(
            place[0],
            place[1] + 14,
            f"{made}, {cost}" if steps else made,
            "small muted",
            anchor="middle",
        ),
    ]
    return group(*parts, title=f"{label}: {made}")


def _arrow(
    way: _Way,
    counts: Sequence[int],
    places: dict[SiteId, tuple[float, float]],
    names: Mapping[SiteId, str],
) -> str:
    """Return a bent arrow with the numbers of its shipments; each pair's arrows bend apart."""
    origin, destination, frozen = way
    (x, y), (to_x, to_y) = places[origin], places[destination]
    dx, dy = to_x - x, to_y - y
    length = hypot(dx, dy) or 1.0
    bend = 62.0 if frozen else 34.0
    if x == to_x and length > _ROW:  # past the sites between them
        bend += _SITE_WIDTH
    top_x, top_y = (x + to_x) / 2 - dy / length * bend, (y + to_y) / 2 + dx / length * bend
    start = _edge((x, y), (top_x, top_y))
    end = _edge((to_x, to_y), (top_x, top_y))
    drawn = (
        f"M{number(start[0])} {number(start[1])}"
        f"Q{number(top_x)} {number(top_y)} {number(end[0])} {number(end[1])}"
    )
    middle = (start[0] / 4 + top_x / 2 + end[0] / 4, start[1] / 4 + top_y / 2 + end[1] / 4)
    numbers = ", ".join(map(str, counts))
    heading = (end[0] - top_x, end[1] - top_y)
    return group(
        path(drawn, "flow"),
        arrow_head(*end, heading, ""),
        badge("done", *middle) if frozen else "",
        text(middle[0], middle[1] - 8, numbers, "halo strong", anchor="middle"),
        title=f"Shipment {numbers}: {names[origin]} to {names[destination]}",
    )


def _edge(centre: tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """Return where the line from a site's middle leaves its box."""
    angle = atan2(towards[1] - centre[1], towards[0] - centre[0])
    dx, dy = cos(angle), sin(angle)
    reach = min(_SITE_WIDTH / 2 / abs(dx) if dx else 1e9, _SITE_HEIGHT / 2 / abs(dy) if dy else 1e9)
    return centre[0] + dx * (reach + 3), centre[1] + dy * (reach + 3)


def _list(
    shipments: Sequence[Shipped],
    network: Network,
    currency: str,
    y: float,
) -> list[str]:
    if not shipments:
        return [text(24, y + 20, "Nothing is shipped: one site does everything.", "")]
    parts = []
    for count, leg in enumerate(shipments, 1):
        zone = network.sites[leg.origin].time_zone
        told = (
            f"{count}  {leg.what}: {network.sites[leg.origin].label} to "
            f"{network.sites[leg.destination].label} with {leg.by}, "
            f"{instant_text(leg.start, zone)}, {span_text(leg.end - leg.start)}, "
            f"{money_text(leg.cost_minor, currency)}, "
            f"{quantity_text(leg.co2_kg, Dimension.MASS)} CO₂"
            f"{f', one of {leg.goods} goods' if leg.goods > 1 else ''}"
        )
        parts.append(text(24, y + 4 + _LINE * count, shortened(told, WIDTH - 48)))
    return parts
