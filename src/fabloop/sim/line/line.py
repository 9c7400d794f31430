"""A line as its machines tell it: readings with their own time, value and quality, in order."""

import random
from collections.abc import Iterator, Sequence
from itertools import chain

import msgspec

from fabloop.base.instant import Instant
from fabloop.sim.line.flow import Flow, Happened
from fabloop.sim.line.injections import Injection
from fabloop.sim.line.model import LineModel
from fabloop.sim.line.sensors import Sensors
from fabloop.sim.line.signals import SIGNALS, Signal
from fabloop.sim.line.states import Activity, machinery_mode, machinery_state, packml_state


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One reading; `values` holds one number, or the evenly spaced samples of a bulk.

    `sound` is False where the station itself says that the value is bad; `at` is by its clock.
    """

    station: str
    signal: str
    at: Instant
    values: tuple[float, ...]
    sound: bool = True


class Line:
    """A line on virtual time; the same seed tells the same, however it is asked."""

    def __init__(
        self,
        model: LineModel,
        *,
        seed: int,
        begins_at: Instant,
        injections: Sequence[Injection] = (),
    ) -> None:
        self.model = model
        self._flow = Flow(model, seed, begins_at, injections)
        self._sensors = [
            Sensors(station, model, random.Random(f"{seed}/{station.id}/sensors"))
            for station in model.stations
        ]
        self._next_sample = begins_at
        self._begun = False

    @property
    def now(self) -> Instant:
        """How far the line has come."""
        return self._flow.now

    def signals(self) -> tuple[Signal, ...]:
        """Return what each station tells."""
        return SIGNALS

    def doing(self) -> dict[str, Activity]:
        """Return what each station really does now."""
        pairs = zip(self.model.stations, self._flow.stations, strict=True)
        return {station.id: progress.activity for station, progress in pairs}

    def advance(self, until: Instant) -> Iterator[Told]:
        """Yield what the stations tell up to an instant, in order of true time."""
        if not self._begun:
            self._begun = True
            for index in range(len(self.model.stations)):
                yield from chain(self._states(index), self._counters(index))
        while self._next_sample <= until:
            at = self._next_sample
            yield from self._events(at)
            for index, sensors in enumerate(self._sensors):
                progress = self._flow.stations[index]
                energy = self._flow.energy_at(index, at)
                for signal, values, sound in sensors.read(progress, energy, at):
                    yield self._told(index, signal, values, sound=sound)
            self._next_sample = Instant(at + self.model.sample_ns)
        yield from self._events(until)

    def _events(self, until: Instant) -> Iterator[Told]:
        """Yield what the events up to an instant change, each at its own time."""
        while self._flow.next_at() <= until:
            happened = self._flow.advance(self._flow.next_at())
            for each in happened:
                yield from self._after(each)
        self._flow.advance(until)

    def _after(self, happened: Happened) -> Iterator[Told]:
        if happened.part:
            return self._counters(happened.station)
        return self._states(happened.station)

    def _states(self, index: int) -> Iterator[Told]:
        progress = self._flow.stations[index]
        claims = self._sensors[index].claimed(progress, self.now)
        numbers = {
            "state": float(tuple(Activity).index(claims)),
            "machinery.state": float(machinery_state(claims)),
            "machinery.mode": float(machinery_mode(claims)),
            "packml.state": float(packml_state(claims)),
        }
        for signal, number in numbers.items():
            yield self._told(index, signal, (number,))

    def _counters(self, index: int) -> Iterator[Told]:
        progress = self._flow.stations[index]
        yield self._told(index, "parts.good", (float(progress.good),))
        yield self._told(index, "parts.scrap", (float(progress.scrap),))
        if progress.last_cycle_ns:
            yield self._told(index, "cycle.time", (progress.last_cycle_ns / 1e9,))

    def _told(
        self, index: int, signal: str, values: tuple[float, ...], *, sound: bool = True
    ) -> Told:
        station = self.model.stations[index].id
        at = self._sensors[index].clock(self._flow.stations[index], self.now)
        return Told(station=station, signal=signal, at=at, values=values, sound=sound)
