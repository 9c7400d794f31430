"""All ways between two places that no other way beats in every figure."""

from collections.abc import Callable, Sequence

from fabloop.model.ids import AreaId, SiteId
from fabloop.plan.statement.roads import Figures, Hop, Leg, Place, Roads, Weights


def beats(one: Figures, other: Figures) -> bool:
    """Tell whether the first is nowhere worse than the second."""
    return (
        one.ticks <= other.ticks
        and one.cost <= other.cost
        and one.energy <= other.energy
        and one.co2 <= other.co2
    )


def undominated(hops: Sequence[Hop]) -> tuple[Hop, ...]:
    """Return the hops that none of the others beats; of equal ones the first."""
    kept: list[Hop] = []
    for hop in hops:
        if any(beats(each.takes, hop.takes) for each in kept):
            continue
        kept = [each for each in kept if not beats(hop.takes, each.takes)]
        kept.append(hop)
    return tuple(kept)


def standing_apart(hops: Sequence[Hop]) -> tuple[Hop, ...]:
    """Return the hops that matter where vehicles wait for each other, one of each fleet.

    A fleet takes exactly the same. What another vehicle beats is kept: that one may be busy.
    """
    kept: dict[Figures, Hop] = {}
    for number, hop in enumerate(hops):
        rivals = (
            each
            for place, each in enumerate(hops)
            if (each.by == hop.by or each.takes.ticks == 0)
            and beats(each.takes, hop.takes)
            and (place < number or each.takes != hop.takes)
        )
        if next(rivals, None) is None:
            kept.setdefault(hop.takes, hop)
    return tuple(kept.values())


def sum_of(legs: Sequence[Leg]) -> Figures:
    """Return what the legs take together."""
    takes = [leg.hop.takes for leg in legs]
    return Figures(
        sum(each.ticks for each in takes),
        sum(each.cost for each in takes),
        sum(each.energy for each in takes),
        sum(each.co2 for each in takes),
    )


def chain(roads: Roads, hops: Sequence[Hop], origin: Place, destination: Place) -> tuple[Leg, ...]:
    """Return the hops as legs from one place to the other, by the gates between sites."""
    if len(hops) <= 1 and origin.site == destination.site:
        return tuple(roads.leg(hop, origin, destination) for hop in hops)
    leave = Place(origin.site, roads.gates[origin.site])
    arrive = Place(destination.site, roads.gates[destination.site])
    stops = [origin]
    for number, hop in enumerate(hops):
        last = number == len(hops) - 1
        is_out = number == 0 and hop.lane is None
        stops.append(destination if last else leave if is_out else arrive)
    return tuple(roads.leg(hop, stops[k], stops[k + 1]) for k, hop in enumerate(hops))


def ways(roads: Roads, origin: Place, destination: Place) -> tuple[tuple[Leg, ...], ...]:
    """Return every way that no other one beats; none where the work piece cannot get there.

    As in `Roads.route`: nothing on one work unit, one link inside a site, and between sites a
    link to the gate, a lane and a link from the gate.
    """
    best = roads.route(origin, destination, Weights(cost=1.0))
    if not best:
        return () if best is None else (best,)
    if origin.site == destination.site:
        hops = roads.links[origin.site, origin.area, destination.area]
        return tuple((roads.leg(hop, origin, destination),) for hop in undominated(hops))
    gates = roads.gates
    outs = _to_gate(roads, origin.site, origin.area, gates[origin.site], undominated)
    intos = _to_gate(
        roads, destination.site, gates[destination.site], destination.area, undominated
    )
    lanes = _lanes(roads, roads.lanes[origin.site, destination.site])
    found: list[tuple[Figures, Hop, tuple[Leg, ...]]] = []
    for out in outs:
        for lane in lanes:
            for into in intos:
                legs = chain(roads, (*out, lane, *into), origin, destination)
                takes = sum_of(legs)
                rivals = [each for each, by, _ in found if by == lane or by.lane not in roads.timed]
                if any(beats(each, takes) for each in rivals):
                    continue
                always = lane.lane not in roads.timed
                found = [
                    each
                    for each in found
                    if not ((always or each[1] == lane) and beats(takes, each[0]))
                ]
                found.append((takes, lane, legs))
    return tuple(legs for _, _, legs in found)


def contended_ways(roads: Roads, origin: Place, destination: Place) -> tuple[tuple[Leg, ...], ...]:
    """Return every way that may matter where vehicles wait for each other."""
    best = roads.route(origin, destination, Weights(cost=1.0))
    if not best:
        return () if best is None else (best,)
    if origin.site == destination.site:
        hops = roads.links[origin.site, origin.area, destination.area]
        return tuple((roads.leg(hop, origin, destination),) for hop in standing_apart(hops))
    leave, arrive = roads.gates[origin.site], roads.gates[destination.site]
    outs = _to_gate(roads, origin.site, origin.area, leave, standing_apart)
    intos = _to_gate(roads, destination.site, arrive, destination.area, standing_apart)
    lanes = _lanes(roads, roads.lanes[origin.site, destination.site])
    return tuple(
        chain(roads, (*out, lane, *into), origin, destination)
        for out in outs
        for lane in lanes
        for into in intos
    )


def _lanes(roads: Roads, hops: Sequence[Hop]) -> tuple[Hop, ...]:
    """Return the hops that matter: one that leaves at certain times may still arrive first."""
    always = undominated([hop for hop in hops if hop.lane not in roads.timed])
    timed = (
        hop
        for hop in hops
        if hop.lane in roads.timed and not any(beats(each.takes, hop.takes) for each in always)
    )
    return (*always, *timed)


def _to_gate(
    roads: Roads,
    site: SiteId,
    origin: AreaId,
    destination: AreaId,
    kept: Callable[[Sequence[Hop]], tuple[Hop, ...]],
) -> list[tuple[Hop, ...]]:
    if origin == destination:
        return [()]
    return [(hop,) for hop in kept(roads.links.get((site, origin, destination), ()))]


class WayBook:
    """All ways between places, looked up once each."""

    def __init__(self, roads: Roads) -> None:
        self._roads = roads
        self._known: dict[tuple[Place, Place], tuple[tuple[Figures, tuple[Leg, ...]], ...]] = {}

    def ways(
        self, origin: Place, destination: Place
    ) -> tuple[tuple[Figures, tuple[Leg, ...]], ...]:
        """Return every way that no other one beats, with what it takes."""
        key = (origin, destination)
        if key not in self._known:
            found = ways(self._roads, origin, destination)
            self._known[key] = tuple((sum_of(legs), legs) for legs in found)
        return self._known[key]
