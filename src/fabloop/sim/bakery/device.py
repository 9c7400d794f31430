"""What a machine or a partner does with what it is asked, at any instant of the story."""

import random
from collections.abc import Callable, Mapping

import msgspec

from fabloop.base.instant import MINUTE, Instant, iso_of

WORKS_MAX = 10_000
"""Works that a device remembers."""

Values = dict[str, object]


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    """It is done, with this result."""

    result: Values


class Under(msgspec.Struct, frozen=True, kw_only=True, tag="under way"):
    """It is being done; ask again after `again_ns`."""

    again_ns: int


class NotNow(msgspec.Struct, frozen=True, kw_only=True, tag="not now"):
    """It cannot be done at present; perhaps after `again_ns`."""

    reason: str
    again_ns: int


class Never(msgspec.Struct, frozen=True, kw_only=True, tag="never"):
    """It cannot be done as asked."""

    reason: str


Answer = Done | Under | NotNow | Never


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a device has taken on."""

    key: str
    operation: str
    begun_at: Instant
    ends_at: Instant
    result: Values


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """A time at which a device does not work."""

    begins_at: Instant
    ends_at: Instant
    reason: str
    known_at: Instant = Instant(0)
    thought: Instant | None = None

    def expected_back(self, at: Instant) -> Instant:
        """Return when it is thought to end: until `known_at` at another instant than it does."""
        return self.ends_at if self.thought is None or at >= self.known_at else self.thought


class Mishap(msgspec.Struct, frozen=True, kw_only=True):
    """A load with which an oven fails half way: a share of it is lost, and repair takes a while."""

    load: int
    share: float
    repair_hours: float
    reason: str
    later: tuple[float, float] | None = None
    """After how many hours it turns out that repair takes so many hours longer."""


class Nature(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a device the one it is.

    Attributes
    ----------
    kind : which behaviour it has
    outages : when it does not work
    mishaps : loads with which it fails, by number from 1
    delays : from an instant on, how much longer it takes than it should (0.33 is a third)
    hands : works that it does at once; others wait for their turn
    figures : speeds and times of its kind
    """

    name: str
    kind: str
    seed: int
    hands: int = 1
    outages: tuple[Outage, ...] = ()
    mishaps: tuple[Mishap, ...] = ()
    delays: tuple[tuple[Instant, float], ...] = ()
    figures: dict[str, float] = {}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request: what, under which key, with what, and when."""

    operation: str
    key: str
    given: Values
    at: Instant


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What a behaviour says to a request: how long its work takes, and what comes of it."""

    duration_ns: int
    result: Callable[[Instant, Instant], Values]
    not_before: Instant = Instant(0)
    queues: bool = True


Behaviour = Callable[["Device", Asked], Taken | Answer]


class Device:
    """Does works one after the other, as many at once as it has hands.

    Equal natures that are asked the same give the same answers, so that a device whose process
    died is as before once it was asked all again. The same key is done once.
    """

    def __init__(self, nature: Nature, behaviours: Mapping[str, Behaviour]) -> None:
        self.nature = nature
        self.works: dict[str, Work] = {}
        self.pace = 1.0
        """How fast it is told to work, 1 is as built."""
        self.notes: Values = {}
        """What else it remembers."""
        self.outages = list(nature.outages)
        self._behaviours = behaviours
        self._free = [Instant(0)] * nature.hands

    def ask(self, asked: Asked) -> Answer:
        """Begin a work, or tell how the one with this key stands."""
        known = self.works.get(asked.key)
        if known is not None:
            return self._state(known, asked.at)
        if len(self.works) >= WORKS_MAX:
            return NotNow(reason=f"{WORKS_MAX} works are remembered already.", again_ns=MINUTE)
        behaviour = self._behaviours.get(asked.operation)
        if behaviour is None:
            return Never(reason=f"'{self.nature.name}' has no operation '{asked.operation}'.")
        taken = behaviour(self, asked)
        if not isinstance(taken, Taken):
            return taken
        if taken.queues:
            outage = self.outage(asked.at)
            if outage is not None:
                back = outage.expected_back(asked.at)
                return NotNow(
                    reason=f"{outage.reason} Expected back at {iso_of(back)}.",
                    again_ns=back - asked.at,
                )
        return self._state(self._begin(asked, taken), asked.at)

    def look(self, key: str, at: Instant) -> Answer:
        """Tell how a work stands."""
        known = self.works.get(key)
        if known is None:
            return Never(reason=f"'{self.nature.name}' knows no work '{key}'.")
        return self._state(known, at)

    def outage(self, at: Instant) -> Outage | None:
        """Return why it does not work at an instant."""
        return next((o for o in self.outages if o.begins_at <= at < o.ends_at), None)

    def delay(self, at: Instant) -> float:
        """Return how much longer it takes than it should."""
        begun = [ratio for begins_at, ratio in self.nature.delays if begins_at <= at]
        return begun[-1] if begun else 0.0

    def cancelled(self, operation: str, lot: str, at: Instant) -> bool:
        """Break a work on a load off; tell whether there was one that was not done."""
        for key, work in self.works.items():
            under_way = work.operation == operation and work.ends_at > at
            if under_way and work.result.get("lot") == lot:
                if work.ends_at in self._free:  # the next one begins sooner
                    self._free[self._free.index(work.ends_at)] = max(at, work.begun_at)
                self.works[key] = msgspec.structs.replace(work, ends_at=max(at, work.begun_at))
                return True
        return False

    def figure(self, name: str) -> float:
        """Return a speed or time of its kind."""
        return self.nature.figures[name]

    def chance(self, *about: object) -> random.Random:
        """Return chances that follow from the seed and from what they are about."""
        return random.Random("/".join(map(str, (self.nature.seed, self.nature.name, *about))))

    def _begin(self, asked: Asked, taken: Taken) -> Work:
        begins = max(asked.at, taken.not_before)
        hand = self._free.index(min(self._free))
        if taken.queues:
            begins = max(begins, self._free[hand])
            outage = self.outage(begins)
            begins = outage.ends_at if outage is not None else begins
        duration = round(taken.duration_ns * (1.0 + self.delay(begins)) / self.pace)
        ends = Instant(begins + duration)
        if taken.queues:
            self._free[hand] = ends
        work = Work(
            key=asked.key,
            operation=asked.operation,
            begun_at=Instant(begins),
            ends_at=ends,
            result=taken.result(Instant(begins), ends),
        )
        self.works[asked.key] = work
        return work

    def _state(self, work: Work, at: Instant) -> Answer:
        if at >= work.ends_at:
            return Done(result=work.result)
        return Under(again_ns=work.ends_at - at)
