"""OEE beside collecting: a store that lets the figures hear what it keeps, and their values."""

from collections.abc import Sequence

import msgspec

from fabloop.base.instant import DAY, HOUR, Clock, Instant
from fabloop.model.facts import KpiChanged
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.engine import Oee, UnitSetting
from fabloop.sense.oee.kpi_changes import EVERY_S, KpiChanges
from fabloop.sense.oee.kpis import Indicators, indicators
from fabloop.sense.oee.live import LiveOee
from fabloop.sense.oee.plausible import Contradiction, Doubts, contradictions, looked_through
from fabloop.sense.oee.totals import Totals
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.ports import ReadingStore
from fabloop.sense.readings.series import Catalogue

KEPT_NS = DAY
"""How long events are kept, so that late ones can be counted in their place; older are refused."""
FORGET_EVERY_NS = HOUR


class UnitNow(msgspec.Struct, frozen=True, kw_only=True):
    """A unit in its current shift; `shift` is empty between shifts."""

    at: Instant
    work_unit: str
    shift: str
    activity: str
    indicators: Indicators


class HeardStore:
    """Keeps readings in a store, and counts those of watched units.

    Attributes
    ----------
    not_counted : events that told something impossible
    """

    def __init__(
        self,
        store: ReadingStore,
        settings: Sequence[UnitSetting],
        catalogue: Catalogue,
        clock: Clock,
    ) -> None:
        self._store = store
        self._clock = clock
        self._live = LiveOee(Oee(settings), catalogue)
        self._doubts = Doubts()
        self._looked_through: dict[WorkUnitId, Instant] = {}
        self._changes = KpiChanges()
        self._turn = -1
        self._forgot_at = clock.now()
        self.not_counted = 0

    def keep(self, batch: Batch) -> int:
        """Keep a batch, then count it."""
        number = self._store.keep(batch)
        self.hear(batch)
        return number

    def hear(self, batch: Batch, anew: Sequence[int] = ()) -> None:
        """Count a batch that is kept already; counters of series in `anew` begin anew."""
        for each in anew:
            self._live.begin_anew(each)
        taken = self._live.hear(batch, self._clock.now())
        self.not_counted += len(taken.refused)
        for unit, start in taken.earliest.items():
            if start < self._looked_through.get(unit, start):
                del self._looked_through[unit]  # it came late: look at the whole shift again

    def durable(self) -> int:
        """Return what of the store survives a crash."""
        return self._store.durable()

    def units(self) -> tuple[UnitNow, ...]:
        """Return the figures of every unit in the shift that is on."""
        now, engine = self._clock.now(), self._live.engine
        found = []
        for unit in engine.units:
            period, totals = engine.shift(unit, now)
            found.append(
                UnitNow(
                    at=now,
                    work_unit=unit,
                    shift=period.shift,
                    activity=engine.timeline(unit).activity_at(now),
                    indicators=indicators(totals),
                )
            )
        return tuple(found)

    def totals(self, work_unit: WorkUnitId, start: Instant, end: Instant) -> Totals:
        """Return the sums of a unit over a span."""
        return self._live.engine.totals(work_unit, start, end)

    def new_doubts(self) -> tuple[Contradiction, ...]:
        """Return where states contradict counters in the shift that is on, each once.

        Only what is new is looked at: the last stretch, and what late events changed.
        """
        now, engine = self._clock.now(), self._live.engine
        found: list[Contradiction] = []
        for unit in engine.units:
            timeline, rates = engine.timeline(unit), engine.setting(unit).rates
            shift = timeline.periods.at(now).start
            start = max(shift, self._looked_through.get(unit, shift))
            found += contradictions(unit, timeline, rates, start, now)
            self._looked_through[unit] = looked_through(timeline, start, now)
        return self._doubts.new(found)

    def new_changes(self) -> tuple[KpiChanged, ...]:
        """Return the KPIs that changed enough since they were told; forget what is too old.

        Each call looks at the next share of the units, so that none waits for all of them.
        """
        now, engine = self._clock.now(), self._live.engine
        if now - self._forgot_at >= FORGET_EVERY_NS:
            engine.forget_before(Instant(now - KEPT_NS))
            self._forgot_at = now
        self._turn = (self._turn + 1) % EVERY_S
        return tuple(
            change
            for unit in engine.units[self._turn :: EVERY_S]
            for change in self._changes.new(unit, *self._figures(unit, now))
        )

    def _figures(self, unit: WorkUnitId, now: Instant) -> tuple[Indicators, Instant, str]:
        """Return the figures of the shift that is on, and where they come from."""
        engine = self._live.engine
        period, totals = engine.shift(unit, now)
        table = engine.setting(unit).mapping
        source = f"oee, {table.id}/{table.version}, {period.shift or 'no shift'}"
        return indicators(totals), now, source

    @property
    def changes(self) -> int:
        """How many changes of KPIs were told."""
        return self._changes.told

    @property
    def resets(self) -> int:
        """How often a counter fell without rolling over, and began anew."""
        return self._live.resets

    @property
    def trouble(self) -> str:
        """The last reset of a counter, as a sentence; empty: none."""
        return self._live.trouble

    def doubt_counts(self) -> dict[str, dict[str, int]]:
        """Return how many of them were told, by work unit and kind."""
        counts: dict[str, dict[str, int]] = {}
        for (unit, doubt), count in self._doubts.counts.items():
            counts.setdefault(unit, {})[doubt.value] = count
        return counts
