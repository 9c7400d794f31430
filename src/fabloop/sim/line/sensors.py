"""What the sensors of a station read, with their noise and their injected faults."""

import math
import random
from collections.abc import Iterator

from fabloop.base.instant import HOUR, SECOND, Instant
from fabloop.sim.line.flow import Progress, base_load_w
from fabloop.sim.line.injections import SENSOR_TROUBLES, Trouble
from fabloop.sim.line.model import LineModel, Station
from fabloop.sim.line.states import Activity

AMBIENT_C = 22.0
WARM_C = 48.0
WARMING_S = 900.0
J_PER_KWH = 3.6e6
SPIKE_EVERY = 20

Read = tuple[str, tuple[float, ...], bool]
"""Signal, values, and whether the station says that they are sound."""


class Sensors:
    """The sensors of one station; they are read at rising instants."""

    def __init__(self, station: Station, model: LineModel, chance: random.Random) -> None:
        self._station = station
        self._model = model
        self._chance = chance
        self._temperature_c = AMBIENT_C
        self._last: Instant | None = None
        self._stuck: dict[str, tuple[float, ...]] = {}
        self._reads = 0

    def clock(self, progress: Progress, at: Instant) -> Instant:
        """Return what the clock of the station shows."""
        jump = progress.injected(Trouble.CLOCK, at)
        return Instant(at + round(jump.amount * SECOND)) if jump else at

    def claimed(self, progress: Progress, at: Instant) -> Activity:
        """Return what the station says that it does."""
        return Activity.WORKING if progress.injected(Trouble.LIE, at) else progress.activity

    def read(self, progress: Progress, energy_j: float, at: Instant) -> Iterator[Read]:
        """Yield what is sampled at an instant."""
        self._reads += 1
        yield "energy", (energy_j / J_PER_KWH,), True
        yield "tool.wear", (progress.wear * 100,), True
        for signal, values in self._true(progress, at).items():
            yield self._faulty(signal, values, progress, at)
        self._last = at

    def _true(self, progress: Progress, at: Instant) -> dict[str, tuple[float, ...]]:
        chance, works = self._chance, progress.activity is Activity.WORKING
        load = (52.0 + 25.0 * progress.wear if works else 2.0) + chance.gauss(0.0, 1.2)
        power = base_load_w(self._station, progress.activity) / 1e3
        self._warm(works=works, at=at)
        shakes = (1.1 + 2.4 * progress.wear**2 if works else 0.15) + abs(chance.gauss(0.0, 0.05))
        amplitude = 14.0 + 6.0 * progress.wear if works else 0.4
        phase = chance.random() * math.tau
        turn = math.tau / 10
        return {
            "power": (max(0.0, power * (1 + chance.gauss(0.0, 0.01))),),
            "spindle.load": (max(0.0, load),),
            "spindle.temperature": (self._temperature_c + chance.gauss(0.0, 0.08),),
            "vibration": (shakes,),
            "spindle.current": tuple(
                amplitude * math.sin(phase + turn * number) + chance.gauss(0.0, 0.2)
                for number in range(self._model.bulk)
            ),
        }

    def _warm(self, *, works: bool, at: Instant) -> None:
        target = WARM_C if works else AMBIENT_C
        passed_s = 0.0 if self._last is None else (at - self._last) / SECOND
        share = 1 - math.exp(-passed_s / WARMING_S)
        self._temperature_c += (target - self._temperature_c) * share

    def _faulty(
        self, signal: str, values: tuple[float, ...], progress: Progress, at: Instant
    ) -> Read:
        """Return what the sensor makes of the true values."""
        sound = True
        stuck = False
        for each in progress.troubles:
            if each.trouble not in SENSOR_TROUBLES or each.signal != signal or not each.holds(at):
                continue
            match each.trouble:
                case Trouble.STUCK:
                    stuck = True
                    values = self._stuck.setdefault(signal, values)
                case Trouble.DRIFT:
                    values = tuple(
                        value + each.amount * (at - each.start) / HOUR for value in values
                    )
                case Trouble.SPIKES:
                    if self._reads % SPIKE_EVERY == 0:
                        values = tuple(value * each.amount for value in values)
                case Trouble.NOT_A_NUMBER:
                    values = tuple(math.nan for _ in values)
                case _:
                    values, sound = tuple(math.nan for _ in values), False
        if not stuck:
            self._stuck.pop(signal, None)
        return signal, values, sound
