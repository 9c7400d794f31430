"""How parts flow: stations work, wait for each other, stop, break and are repaired."""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from fabloop.base.instant import HOUR, SECOND, Instant
from fabloop.sim.line.injections import Injection, Trouble
from fabloop.sim.line.model import LineModel, Station
from fabloop.sim.line.states import Activity

START = Instant(0)
WORN_SCRAP_TIMES = 2.0
"""How many times its sharp tool's scrap a station with a worn tool makes in addition."""


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """A station changed what it does, or finished a part (then `part` is True)."""

    at: Instant
    station: int
    activity: Activity
    part: bool = False


@dataclass(slots=True)
class Progress:
    """What a station is doing since when; `left_ns` of its part's cycle remained then.

    `behind` parts wait for the next station. An event that was planned in another `epoch` is void.
    """

    chance: random.Random
    activity: Activity = Activity.STARVED
    since: Instant = START
    holds_part: bool = False
    left_ns: int = 0
    cycle_began: Instant = START
    last_cycle_ns: int = 0
    good: int = 0
    scrap: int = 0
    wear: float = 0.0
    behind: int = 0
    energy_j: float = 0.0
    metered: Instant = START
    epoch: int = 0
    troubles: tuple[Injection, ...] = field(default=())

    def factor(self, trouble: Trouble, at: Instant) -> float:
        """Return the product of the amounts of the troubles of a kind that hold; 1 for none."""
        product = 1.0
        for each in self.troubles:
            if each.trouble is trouble and each.holds(at):
                product *= each.amount
        return product

    def injected(self, trouble: Trouble, at: Instant) -> Injection | None:
        """Return the first trouble of a kind that holds."""
        held = (each for each in self.troubles if each.trouble is trouble and each.holds(at))
        return next(held, None)


class Flow:
    """The stations of a line from event to event; the same seed gives the same history."""

    def __init__(
        self, model: LineModel, seed: int, begins_at: Instant, injections: Sequence[Injection] = ()
    ) -> None:
        self.model = model
        self.now = begins_at
        self.stations = [
            Progress(
                chance=random.Random(f"{seed}/{station.id}"),
                since=begins_at,
                metered=begins_at,
                troubles=tuple(each for each in injections if each.station == station.id),
            )
            for station in model.stations
        ]
        self._queue: list[tuple[Instant, int, int, int, str]] = []
        self._count = 0
        self._told: list[Happened] = []
        for index, progress in enumerate(self.stations):
            for each in progress.troubles:
                if each.trouble in (Trouble.BREAKDOWN, Trouble.RESET):
                    self._plan(each.start, index, each.trouble.value, epoch=-1)
        for index in range(len(self.stations)):
            self._take(index)

    def next_at(self) -> Instant:
        """Return when the next thing happens; the first station never waits for ever."""
        return self._queue[0][0] if self._queue else self.now

    def advance(self, until: Instant) -> list[Happened]:
        """Return what happens up to an instant, in order."""
        while self._queue and self._queue[0][0] <= until:
            at, _, index, epoch, what = heapq.heappop(self._queue)
            if epoch not in (-1, self.stations[index].epoch):
                continue
            self.now = at
            self._happen(index, what)
        self.now = max(self.now, until)
        told, self._told = self._told, []
        return told

    def energy_at(self, index: int, at: Instant) -> float:
        """Return the joules that a station has used up to an instant not before the last event."""
        progress = self.stations[index]
        load = base_load_w(self.model.stations[index], progress.activity)
        return progress.energy_j + (at - progress.metered) / SECOND * load

    def _plan(self, at: Instant, index: int, what: str, epoch: int | None = None) -> None:
        current = self.stations[index].epoch if epoch is None else epoch
        self._count += 1
        heapq.heappush(self._queue, (at, self._count, index, current, what))

    def _enter(self, index: int, activity: Activity) -> None:
        """Change what a station does; whatever it had planned for itself is void."""
        progress = self.stations[index]
        progress.energy_j = self.energy_at(index, self.now)
        progress.metered = self.now
        if progress.activity is Activity.WORKING:
            progress.left_ns = max(0, progress.left_ns - (self.now - progress.since))
        progress.since = self.now
        progress.epoch += 1
        if activity is not progress.activity:
            progress.activity = activity
            self._told.append(Happened(at=self.now, station=index, activity=activity))

    def _happen(self, index: int, what: str) -> None:
        progress = self.stations[index]
        match what:
            case "end":
                self._end_part(index)
            case Activity.MICRO_STOP.value:
                self._stop(index, Activity.MICRO_STOP)
            case Activity.BROKEN.value:
                self._stop(index, Activity.BROKEN)
            case Trouble.BREAKDOWN.value:
                self._break(index)
            case Trouble.RESET.value:
                progress.good = progress.scrap = 0
                progress.energy_j, progress.metered = 0.0, self.now
            case _:
                self._go_on(index)

    def _take(self, index: int) -> None:
        """Begin with the next part, or wait for one."""
        progress, station = self.stations[index], self.model.stations[index]
        before = self.stations[index - 1] if index else None
        if before is not None and not before.behind:
            self._enter(index, Activity.STARVED)
            return
        self._enter(index, Activity.WORKING)
        spread = progress.chance.lognormvariate(0.0, station.cycle_spread)
        slow = progress.factor(Trouble.SLOW, self.now)
        progress.holds_part, progress.cycle_began = True, self.now
        progress.left_ns = max(1, round(station.cycle_ns * spread * slow))
        self._work(index)
        if before is not None:
            before.behind -= 1
            if before.activity is Activity.BLOCKED and before.holds_part:
                self._pass_on(index - 1)

    def _work(self, index: int) -> None:
        """Plan the end of the part, or the stop or breakdown that comes first."""
        progress, station = self.stations[index], self.model.stations[index]
        stops = station.micro_stops_per_hour * progress.factor(Trouble.MICRO_STOPS, self.now)
        after_stop = _wait(progress.chance, stops)
        after_break = _wait(progress.chance, station.breakdowns_per_hour)
        first = min(after_stop, after_break)
        if first >= progress.left_ns / HOUR:
            self._plan(Instant(self.now + progress.left_ns), index, "end")
            return
        kind = Activity.MICRO_STOP if after_stop <= after_break else Activity.BROKEN
        self._plan(Instant(self.now + round(first * HOUR)), index, kind.value)

    def _stop(self, index: int, activity: Activity) -> None:
        progress, station = self.stations[index], self.model.stations[index]
        self._enter(index, activity)
        mean = station.micro_stop_ns if activity is Activity.MICRO_STOP else station.repair_ns
        lasts = progress.chance.expovariate(1.0) * mean
        self._plan(Instant(self.now + round(lasts)), index, "go-on")

    def _break(self, index: int) -> None:
        """Break because it was injected: whatever the station was doing, up to the given end."""
        trouble = self.stations[index].injected(Trouble.BREAKDOWN, self.now)
        if trouble is not None:
            self._enter(index, Activity.BROKEN)
            self._plan(trouble.end, index, "go-on")

    def _go_on(self, index: int) -> None:
        """Return to the part, or to waiting, after a stop."""
        progress = self.stations[index]
        if not progress.holds_part or progress.left_ns == 0:
            self._pass_on(index)
            return
        self._enter(index, Activity.WORKING)
        self._work(index)

    def _end_part(self, index: int) -> None:
        """Count the part, wear the tool, and change it where it is worn."""
        progress, station = self.stations[index], self.model.stations[index]
        progress.last_cycle_ns = self.now - progress.cycle_began
        progress.left_ns = 0
        injected = progress.injected(Trouble.SCRAP, self.now)
        worn = station.scrap * (1 + WORN_SCRAP_TIMES * progress.wear)
        bad = progress.chance.random() < (injected.amount if injected else worn)
        progress.good += not bad
        progress.scrap += bad
        progress.wear += station.wear_per_part * progress.factor(Trouble.WEAR, self.now)
        progress.holds_part = not bad
        self._told.append(
            Happened(at=self.now, station=index, activity=progress.activity, part=True)
        )
        if progress.wear >= 1.0:
            progress.wear = 0.0
            self._enter(index, Activity.TOOL_CHANGE)
            self._plan(Instant(self.now + station.tool_change_ns), index, "go-on")
        else:
            self._pass_on(index)

    def _pass_on(self, index: int) -> None:
        """Put a finished part behind the station, or hold it; then begin with the next one."""
        progress, station = self.stations[index], self.model.stations[index]
        last = index == len(self.stations) - 1
        if progress.holds_part and not last and progress.behind >= station.buffer:
            self._enter(index, Activity.BLOCKED)
            return
        if progress.holds_part and not last:
            progress.behind += 1
        progress.holds_part = False
        self._take(index)
        if not last and self.stations[index + 1].activity is Activity.STARVED:
            self._take(index + 1)


def base_load_w(station: Station, activity: Activity) -> float:
    """Return the base load of a station while it does something."""
    if activity is Activity.WORKING:
        return station.working_w
    return 0.0 if activity is Activity.OFF else station.idle_w


def _wait(chance: random.Random, per_hour: float) -> float:
    """Return the hours until something that happens so often; infinite for never."""
    return chance.expovariate(per_hour) if per_hour > 0 else float("inf")
