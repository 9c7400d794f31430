"""Figures of a shift as KPIs that are told when they changed enough, never for each reading."""

from typing import Final

from fabloop.base.instant import MINUTE, Instant
from fabloop.base.quantity import Dimension
from fabloop.model.facts import KpiChanged
from fabloop.model.ids import KpiId, WorkUnitId
from fabloop.model.kpi import KpiValue
from fabloop.sense.oee.kpis import Indicators
from fabloop.sense.watch import WatchRule, cause_to_tell

RULE: Final = WatchRule(dead_band=0.02, hysteresis=0.01, renew_after=0.5)
"""Ratios of a shift: two per cent of the last one is worth telling."""
EVERY_S: Final = 10
"""How often the figures of a unit are looked at, a tenth of the units each second."""
VALID_NS: Final = 20 * MINUTE
"""A figure that goes on is told again at half of it."""


class KpiChanges:
    """What was told last of each unit; `new` gives what has to be told now.

    Attributes
    ----------
    told : how many changes were told so far
    """

    def __init__(self, rule: WatchRule = RULE) -> None:
        self._rule = rule
        self._known: dict[tuple[WorkUnitId, KpiId], KpiValue] = {}
        self.told = 0

    def new(
        self, work_unit: WorkUnitId, figures: Indicators, at: Instant, source: str
    ) -> list[KpiChanged]:
        """Return the KPIs of a unit that changed enough; `source` names table and shift."""
        found = []
        for value in _values(work_unit, figures, at, source):
            known = self._known.get((work_unit, value.kpi))
            if cause_to_tell(value, known, (), self._rule) is not None:
                self._known[work_unit, value.kpi] = value
                found.append(KpiChanged(value=value, previous=known))
        self.told += len(found)
        return found


def _values(work_unit: WorkUnitId, figures: Indicators, at: Instant, source: str) -> list[KpiValue]:
    """Return the figures that are known; their bound is with all unknown time won."""
    performance, quality = figures.effectiveness, figures.quality
    ratios = (
        ("oee", figures.oee.value, figures.oee.high),
        ("availability", figures.availability.value, figures.availability.high),
        ("effectiveness", performance, performance),
        ("quality-ratio", quality, quality),
    )
    return [
        KpiValue(
            work_unit=work_unit, kpi=KpiId(name), value=value,
            upper=value if high is None else max(value, high), dimension=Dimension.RATIO, at=at,
            valid_for_ns=VALID_NS, source=source,
        )
        for name, value, high in ratios
        if value is not None
    ]  # fmt: skip
