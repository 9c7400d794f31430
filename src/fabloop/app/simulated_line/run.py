"""Play a line on virtual time, at a pace, over wires."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from fabloop.adapters.plant_servers.served import PlantServer, ServedValue
from fabloop.app.simulated_line.served import value_of
from fabloop.base.errors import Unavailable
from fabloop.base.instant import SECOND, Instant
from fabloop.sim.line.line import Line
from fabloop.sim.line.states import ACTIVITIES, Activity

TICK_S = 0.1
VALUES_PER_STEP = 2_000
"""Values that are shown before others get their turn."""


class StationSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a station did while it was played; times in each activity as it said itself."""

    station: str
    good: int
    scrap: int
    seconds: dict[str, float]


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """How a play went; `behind_s_max` real seconds the wires were slower than the pace."""

    begins_at: Instant
    ends_at: Instant
    values: int
    behind_s_max: float
    stations: tuple[StationSummary, ...]


class Account:
    """Adds up what stations say of themselves."""

    def __init__(self, stations: Sequence[str], begins_at: Instant) -> None:
        self._begins_at = begins_at
        self._state = dict.fromkeys(stations, (Activity.STARVED, begins_at))
        self._spent: dict[str, Counter[Activity]] = {each: Counter() for each in stations}
        self._parts: dict[tuple[str, str], int] = {}
        self.values = 0

    def hear(self, station: str, signal: str, at: Instant, value: float) -> None:
        """Take a reading into account."""
        self.values += 1
        if signal == "state":
            before, since = self._state[station]
            self._spent[station][before] += at - since
            self._state[station] = (ACTIVITIES[int(value)], at)
        elif signal in ("parts.good", "parts.scrap"):
            self._parts[station, signal] = int(value)

    def close(self, ends_at: Instant, behind_s_max: float) -> Played:
        """Return what was added up."""
        for station, (activity, since) in self._state.items():
            self._spent[station][activity] += ends_at - since
        return Played(
            begins_at=self._begins_at,
            ends_at=ends_at,
            values=self.values,
            behind_s_max=round(behind_s_max, 3),
            stations=tuple(
                StationSummary(
                    station=station,
                    good=self._parts.get((station, "parts.good"), 0),
                    scrap=self._parts.get((station, "parts.scrap"), 0),
                    seconds={
                        each.value: round(spent[each] / SECOND, 3) for each in Activity
                        if spent[each]
                    },
                )
                for station, spent in self._spent.items()
            ),
        )  # fmt: skip


def play(line: Line, duration_ns: int) -> Played:
    """Play a line at once, on no wire."""
    begins_at = line.now
    ends_at = Instant(begins_at + duration_ns)
    account = Account([each.id for each in line.model.stations], begins_at)
    for told in line.advance(ends_at):
        account.hear(told.station, told.signal, told.at, told.values[0])
    return account.close(ends_at, 0.0)


async def play_on_wires(
    line: Line,
    wires: Sequence[PlantServer],
    *,
    speed: float,
    duration_ns: int | None,
    ready: Callable[[list[str]], None],
    stopped: Callable[[], bool],
) -> Played:
    """Play a line at `speed` times real time until it ends or is stopped.

    A wire that is too slow holds the line back: nothing is skipped, and how far the play fell
    behind its pace is told at the end.
    """
    begins_at = line.now
    account = Account([each.id for each in line.model.stations], begins_at)
    ready([await _started(wire) for wire in wires])
    started, behind = time.monotonic(), 0.0
    try:
        while not stopped():
            passed = round((time.monotonic() - started) * speed * SECOND)
            until = passed if duration_ns is None else min(passed, duration_ns)
            await _show(line, Instant(begins_at + until), wires, account)
            behind = max(behind, time.monotonic() - started - passed / SECOND / speed)
            if duration_ns is not None and passed >= duration_ns:
                break
            await asyncio.sleep(TICK_S)
    finally:
        for wire in reversed(wires):
            await wire.close()
    return account.close(line.now, behind)


async def _started(wire: PlantServer) -> str:
    try:
        return await wire.start()
    except (OSError, RuntimeError) as error:
        raise Unavailable(
            f"Expected a port that can be listened at, but found: {error}. Choose another one."
        ) from error


async def _show(line: Line, until: Instant, wires: Sequence[PlantServer], account: Account) -> None:
    values = []
    for told in line.advance(until):
        account.hear(told.station, told.signal, told.at, told.values[0])
        values.append(value_of(told))
        if len(values) >= VALUES_PER_STEP:
            await _publish(wires, values)
            values = []
    await _publish(wires, values)


async def _publish(wires: Sequence[PlantServer], values: list[ServedValue]) -> None:
    if values:
        for wire in wires:
            await wire.publish(values)
        await asyncio.sleep(0)
