"""When a step fits: the first gap of its work unit that tools, persons and set-ups allow, too."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from fabloop.model.ids import PersonId, WorkUnitId
from fabloop.plan.statement.crews import Crew, Crowd
from fabloop.plan.statement.duties import Duties, Need
from fabloop.plan.statement.setups import Sequenced


class Calendar(Protocol):
    """When a resource is taken."""

    def first(self, ready: int, ticks: int) -> int:
        """Return when the first gap of this length at or after `ready` starts."""

    def book(self, start: int, ticks: int) -> None:
        """Take a span that is free."""

    def free(self, start: int, ticks: int) -> None:
        """Give a booked span back."""


class Fit(NamedTuple):
    """When a step starts, the tools that it holds then, and who carries it out."""

    start: int
    tools: tuple[str, ...] = ()
    crew: Crew | None = None

    @property
    def persons(self) -> tuple[PersonId, ...]:
        """The members of the crew."""
        return () if self.crew is None else self.crew.persons


class Keeper:
    """What the steps placed so far take of tools, crews and set-ups."""

    def __init__(self, calendar: Callable[[str], Calendar]) -> None:
        self._calendar = calendar
        self._crowded: dict[str, tuple[tuple[int, int], ...]] = {}
        self._crowds: dict[str, Crowd] = {}
        self._sequences: dict[WorkUnitId, Sequenced] = {}

    def heed(self, duties: Duties) -> None:
        """Keep to what these tell, too, before anything is placed."""
        self._crowded |= duties.crowded
        for key, each in duties.changeovers.items():
            self._sequences.setdefault(key, Sequenced(each))

    def is_sound(self) -> bool:
        """Tell whether set-ups fit between all steps: taking one out may leave others too close."""
        return all(each.is_sound() for each in self._sequences.values())

    def _crowd(self, crew: Crew) -> Crowd:
        if crew.name not in self._crowds:
            self._crowds[crew.name] = Crowd(crew.there, self._crowded.get(crew.name, ()))
        return self._crowds[crew.name]

    def fit(self, unit: Calendar, need: Need, ready: int, ticks: int) -> Fit:
        """Return the first start at or after `ready` at which all is there that is needed."""
        ready = max(ready, need.release)
        sequence = self._sequences.get(need.unit)
        while True:
            start = later = unit.first(ready, ticks)
            held: list[str] = []
            for names in need.tools:
                free = [each for each in names if each not in held]
                assert free, "only who has the tools is a candidate"
                times = {each: self._calendar(each).first(start, ticks) for each in free}
                held.append(min(free, key=times.__getitem__))
                later = max(later, times[held[-1]])
            crew: Crew | None = None
            if need.crews:
                there = [self._crowd(each).first(start, ticks) for each in need.crews]
                crew = need.crews[there.index(min(there))]
                later = max(later, min(there))
            clash = None if sequence is None else sequence.clash(start, ticks, need.family)
            if clash is not None:
                later = max(later, clash)
            if later == start:
                return Fit(start, tuple(held), crew)
            ready = later

    def book(self, unit: Calendar, need: Need, fit: Fit, ticks: int) -> None:
        """Take the work unit and all that is needed."""
        for calendar in (unit, *map(self._calendar, fit.tools)):
            calendar.book(fit.start, ticks)
        if fit.crew is not None:
            self._crowd(fit.crew).book(fit.start, ticks)
        if need.unit in self._sequences:
            self._sequences[need.unit].book(fit.start, ticks, need.family)

    def free(self, unit: Calendar, need: Need, fit: Fit, ticks: int) -> None:
        """Give back what was taken."""
        for calendar in (unit, *map(self._calendar, fit.tools)):
            calendar.free(fit.start, ticks)
        if fit.crew is not None:
            self._crowd(fit.crew).free(fit.start, ticks)
        if need.unit in self._sequences:
            self._sequences[need.unit].free(fit.start, ticks, need.family)
