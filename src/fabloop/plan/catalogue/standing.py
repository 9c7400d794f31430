"""Who may do a step as far as its match does not tell: hours, crews, tools and parts; as masks."""

import numpy as np

from fabloop.base.instant import Instant
from fabloop.model.ids import OperationId, ProductId
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.plan.catalogue.able import ANYWHERE, unit_mask
from fabloop.plan.catalogue.demands import Key, key_of
from fabloop.plan.statement.candidates import Candidate
from fabloop.plan.statement.duties import Around, duties_of
from fabloop.plan.statement.materials import materials_of
from fabloop.plan.statement.plant import Plant


def demand_of(operation: Operation, plant: Plant, now: Instant) -> Key:
    """Return what operations have in common that the same work units may do.

    How long they take is part of it where anything has hours; how many tools, where they repeat.
    """
    if _is_free(operation, plant, now):
        return key_of(operation)
    takes = (operation.duration_ns, operation.per, operation.setup_family, operation.batch_family)
    return (*key_of(operation), *takes, tuple(sorted(operation.tools)))


def lasting(operation: Operation, plant: Plant, now: Instant) -> int:
    """Return who is open, staffed and tooled for as long as one piece takes."""
    if _is_free(operation, plant, now):
        return ANYWHERE
    units = plant.offers.skilled(operation.requirement.skill)
    efforts = plant.efforts(operation, units)
    rows = np.flatnonzero(plant.open_long_enough(units, efforts, now)).tolist()
    able = [
        Candidate(plant.units[units[row]], plant.places[units[row]], efforts.row(row), ())
        for row in rows
    ]
    duties = duties_of(
        _alone(operation), plant, Around(now, now, 1, {}, Instant(now + plant.ahead))
    )
    if duties is not None:
        closed = plant.opening(now).closed
        able = list(duties.sorted_out(operation, able, (), closed)[0])
    numbers = [plant.offers.number[each.unit.id] for each in able]
    return unit_mask(np.array(numbers, dtype=np.int64), plant)


def supplied(product: ConfiguredProduct, plant: Plant, now: Instant) -> dict[OperationId, int]:
    """Return, for steps that take parts which some sites never get, who does get them.

    Each step counts as the only one that takes from stock.
    """
    materials = materials_of(
        product, plant.network, 1, ordered_at=now, since=now, claimed={}, underway={}
    )
    found: dict[OperationId, int] = {}
    for operation, needs in materials.needs.items() if materials is not None else ():
        for need in needs:
            first = type(need)(need.material, need.pieces, 0)
            got = 0
            for site, (start, end) in zip(plant.network.sites, plant.site_units, strict=True):
                if materials is not None and materials.there(operation, site, first) is not None:
                    got |= ((1 << end - start) - 1) << start
            found[operation] = found.get(operation, ANYWHERE) & got
    return found


def _is_free(operation: Operation, plant: Plant, now: Instant) -> bool:
    """Tell whether the step neither waits for hours nor for persons or several equal tools."""
    return (
        operation.person_skill is None
        and len(set(operation.tools)) == len(operation.tools)
        and not plant.opening(now).closed
    )


def _alone(operation: Operation) -> ConfiguredProduct:
    return ConfiguredProduct(
        product=ProductId(operation.id),
        label="",
        version="",
        choices={},
        materials=(),
        operations=(operation,),
    )
