"""Numbers for sites, areas and work units, by which places become arrays."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from fabloop.model.ids import AreaId, SiteId
from fabloop.plan.statement.layout import Spots
from fabloop.plan.statement.roads import Place, Roads


class Grid(msgspec.Struct, frozen=True):
    """Numbers for sites, areas (within their site) and work units."""

    site: dict[str, int]
    area: dict[tuple[str, str], int]
    unit: dict[str, int]

    def spots(self, places: Sequence[Place]) -> Spots:
        """Return the places as arrays; a place without a work unit has unit -1."""
        return Spots.of(
            np.array([self.site[each.site] for each in places], dtype=np.int64),
            np.array([self.area[each.site, each.area] for each in places], dtype=np.int64),
            np.array([self.unit.get(each.unit or "", -1) for each in places], dtype=np.int64),
        )


def grid_of(areas: Mapping[SiteId, Sequence[AreaId]], units: Sequence[str]) -> Grid:
    """Number the sites and areas as the roads do, and the work units in their order."""
    return Grid(
        site={str(each): index for index, each in enumerate(areas)},
        area={
            (str(site), str(area)): index
            for site, row in areas.items()
            for index, area in enumerate(row)
        },
        unit={str(unit): index for index, unit in enumerate(units)},
    )


def grid_of_places(roads: Roads, places: Sequence[Place]) -> Grid:
    """Number the sites and areas as the roads do, and the work units of the places."""
    units = dict.fromkeys(each.unit for each in places if each.unit is not None)
    return grid_of(roads.areas, tuple(units))
