"""Instances of full size that nobody can make, drawn anew and spoilt in many ways.

Tolerances nobody holds, materials nobody takes, sizes, skills nobody has, values not measured or
worn away, lanes and links gone, sites shut, and all of these at once; of several shapes of network.
"""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import TypeAlias

import msgspec
import multifactory
from multifactory import GATE, SKILLS, Instance

from fabloop.base.instant import DAY, Instant
from fabloop.model.kpi import KpiValue
from fabloop.model.site import Site, WorkUnit
from fabloop.model.skill import Offer

replace = msgspec.structs.replace

SHAPES = ((20, 50, 200), (8, 125, 200), (50, 20, 200), (4, 250, 200))
"""Factories, machines of each and operations."""

Spoil: TypeAlias = Callable[[Instance, Random], Instance]


def demanded(it: Instance, name: str, value: float | str, count: int, roll: Random) -> Instance:
    """Return the instance where some operations ask for what nobody has."""
    operations = list(it.product.operations)
    for index in roll.sample(range(len(operations)), count):
        old = operations[index]
        constraints = {**old.requirement.constraints, name: value}
        requirement = replace(old.requirement, constraints=constraints)
        operations[index] = replace(old, requirement=requirement)
    return replace(it, product=replace(it.product, operations=tuple(operations)))


def tightened(it: Instance, count: int, roll: Random) -> Instance:
    """Return the instance with some tolerances that no machine holds."""
    for _ in range(count):
        it = demanded(it, "tpe", roll.choice((1e-6, 2e-6, 3e-6)), 1, roll)
    return it


def obstacles(it: Instance, count: int, roll: Random) -> Instance:
    """Return the instance with some obstacles of each kind that one operation may have."""
    it = tightened(it, count - 2 * (count // 3), roll)
    it = demanded(it, "material", "m99", count // 3, roll)
    return demanded(it, "size", 50.0, count // 3, roll)


def with_sites(it: Instance, change: Callable[[Site], Site]) -> Instance:
    """Return the instance with each site changed."""
    sites = {site.id: change(site) for site in it.network.sites.values()}
    return replace(it, network=replace(it.network, sites=sites))


def with_units(it: Instance, change: Callable[[WorkUnit], WorkUnit]) -> Instance:
    """Return the instance with each machine changed."""
    return with_sites(
        it, lambda site: replace(site, work_units=tuple(change(each) for each in site.work_units))
    )


def without_skills(it: Instance, skills: set[str]) -> Instance:
    """Return the instance where nobody has the skills."""

    def kept(offers: tuple[Offer, ...]) -> tuple[Offer, ...]:
        return tuple(each for each in offers if each.skill not in skills)

    return with_units(it, lambda unit: replace(unit, offers=kept(unit.offers)))


def with_lanes(it: Instance, share: float, roll: Random) -> Instance:
    """Return the instance where only some share of the lanes is left."""
    lanes = tuple(each for each in it.network.lanes if roll.random() < share)
    return replace(it, network=replace(it.network, lanes=lanes))


def with_links(it: Instance, share: float, roll: Random, *, gates: bool = True) -> Instance:
    """Return the instance where only some share of the links in sites is left."""

    def kept(site: Site) -> Site:
        links = (
            each
            for each in site.transport
            if roll.random() < share and (gates or GATE not in (each.origin, each.destination))
        )
        return replace(site, transport=tuple(links))

    return with_sites(it, kept)


def measured(it: Instance, change: Callable[[KpiValue], KpiValue | None]) -> Instance:
    """Return the instance with each measured value changed, or not measured."""
    new = {key: change(each) for key, each in it.kpis.items()}
    return replace(it, kpis={key: each for key, each in new.items() if each is not None})


def _worn(roll: Random, share: float) -> Callable[[KpiValue], KpiValue]:
    def change(each: KpiValue) -> KpiValue:
        if roll.random() >= share:
            return each
        value = each.value * roll.uniform(1.5, 4)
        return replace(each, value=value, upper=value)

    return change


def _stale(roll: Random, share: float) -> Callable[[KpiValue], KpiValue | None]:
    def change(each: KpiValue) -> KpiValue | None:
        draw = roll.random()
        if draw < share / 2:
            return None
        return replace(each, at=Instant(each.at - 60 * DAY)) if draw < share else each

    return change


def shut(it: Instance, left: int, roll: Random) -> Instance:
    """Return the instance where only so many sites still have machines that work."""
    names = sorted(it.network.sites)
    open_ones = {*roll.sample(names, min(left, len(names)))}

    def change(site: Site) -> Site:
        return site if site.id in open_ones else replace(site, work_units=())

    return with_sites(it, change)


SPOILS: Mapping[str, Spoil] = {
    "1 tolerance": lambda it, roll: tightened(it, 1, roll),
    "5 tolerances": lambda it, roll: tightened(it, 5, roll),
    "12 tolerances": lambda it, roll: tightened(it, 12, roll),
    "9 obstacles": lambda it, roll: obstacles(it, 9, roll),
    "30 obstacles": lambda it, roll: obstacles(it, 30, roll),
    "30, no lanes": lambda it, roll: with_lanes(obstacles(it, 30, roll), 0.0, roll),
    "30 materials": lambda it, roll: demanded(it, "material", "m99", 30, roll),
    "no welder": lambda it, _roll: without_skills(it, {"weld"}),
    "3 skills gone": lambda it, roll: without_skills(it, {*roll.sample(SKILLS, 3)}),
    "6 skills gone": lambda it, roll: without_skills(it, {*roll.sample(SKILLS, 6)}),
    "no lanes": lambda it, roll: with_lanes(it, 0.0, roll),
    "no lanes, 3": lambda it, roll: with_lanes(tightened(it, 3, roll), 0.0, roll),
    "lanes 5 %": lambda it, roll: with_lanes(it, 0.05, roll),
    "few ways": lambda it, roll: with_links(with_lanes(it, 0.0, roll), 0.3, roll),
    "links 5 %": lambda it, roll: with_links(it, 0.05, roll),
    "no gates": lambda it, roll: with_links(it, 1.0, roll, gates=False),
    "no links": lambda it, roll: with_links(it, 0.0, roll),
    "nothing moves": lambda it, roll: with_links(with_lanes(it, 0.0, roll), 0.0, roll),
    "all worn": lambda it, roll: measured(it, _worn(roll, 1.0)),
    "worn, no lanes": lambda it, roll: with_lanes(measured(it, _worn(roll, 0.7)), 0.0, roll),
    "not measured": lambda it, _roll: measured(it, lambda _: None),
    "90 % stale": lambda it, roll: measured(it, _stale(roll, 0.97)),
    "2 sites left": lambda it, roll: shut(it, 2, roll),
    "4 sites, 9": lambda it, roll: shut(obstacles(it, 9, roll), 4, roll),
    "1 site, 30": lambda it, roll: shut(obstacles(it, 30, roll), 1, roll),
    "all at once": lambda it, roll: measured(
        with_links(
            with_lanes(without_skills(obstacles(it, 12, roll), {roll.choice(SKILLS)}), 0.1, roll),
            0.3,
            roll,
        ),
        _stale(roll, 0.5),
    ),
}  # fmt: skip
"""Ways to spoil an instance."""


def spoilt(first: int, count: int) -> Iterator[tuple[str, Instance]]:
    """Yield the instances of some seeds, the shapes in turn."""
    for seed in range(first, first + count):
        for number, (name, spoil) in enumerate(SPOILS.items()):
            shape = SHAPES[(number + seed) % len(SHAPES)]
            made = multifactory.instance_of(multifactory.generated(*shape, seed), f"drawn {seed}")
            yield f"{seed} {shape[0]}x{shape[1]} {name}", spoil(made, Random(f"{name} {seed}"))
