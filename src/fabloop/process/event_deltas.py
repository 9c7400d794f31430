"""What events changed, as the journal keeps it; `process.deltas` holds the rest."""

import msgspec

from fabloop.base.instant import Instant


class SignalAwaited(msgspec.Struct, frozen=True, array_like=True, tag=50):
    """An act waits for a signal; event `node` goes on with it."""

    key: int
    act: int
    node: int
    name: str


class EventHeld(msgspec.Struct, frozen=True, array_like=True, tag=51):
    """A suspended instance got a message or signal; it goes on with it when it is resumed.

    `stays`: it hears further ones.
    """

    key: int
    variables: dict[str, object]
    stays: bool


class HeldTaken(msgspec.Struct, frozen=True, array_like=True, tag=52):
    """What came for an event while its instance was suspended now happens."""

    key: int


class CycleSet(msgspec.Struct, frozen=True, array_like=True, tag=53):
    """A timer of `node` runs for an act, and is due again by a rule; `left` dates in all."""

    key: int
    act: int
    node: int
    due: Instant
    rule: str
    left: int


class TimerMoved(msgspec.Struct, frozen=True, array_like=True, tag=54):
    """A timer fired and is due again."""

    key: int
    due: Instant
    left: int
    late: int


class ConditionAwaited(msgspec.Struct, frozen=True, array_like=True, tag=55):
    """An act waits for a condition that reads these variables, and these KPIs."""

    key: int
    act: int
    node: int
    names: tuple[str, ...]
    kpis: tuple[str, ...]


class ConditionTurned(msgspec.Struct, frozen=True, array_like=True, tag=56):
    """A condition that an act waits for has become true, or is no longer."""

    key: int
    holds: bool


class EventDisarmed(msgspec.Struct, frozen=True, array_like=True, tag=57):
    """An act does not wait for event `node` any more."""

    act: int
    node: int


class KpisSet(msgspec.Struct, frozen=True, array_like=True, tag=58):
    """KPIs have these values."""

    values: dict[str, object]


class OpeningMade(msgspec.Struct, frozen=True, array_like=True, tag=59):
    """A start event of a process was armed; `kind` is an `OpeningKind`."""

    key: int
    id: str
    version: int
    node: int
    kind: int
    name: str = ""
    due: Instant = Instant(0)
    rule: str = ""
    left: int = 1
    holds: bool = False
    reads: tuple[str, ...] = ()


class OpeningMoved(msgspec.Struct, frozen=True, array_like=True, tag=60):
    """The timer of a start event is due again (0: never)."""

    key: int
    due: Instant
    left: int
    late: int


class OpeningTurned(msgspec.Struct, frozen=True, array_like=True, tag=61):
    """The condition of a start event has become true, or is no longer."""

    key: int
    holds: bool


class OpeningsClosed(msgspec.Struct, frozen=True, array_like=True, tag=62):
    """No start event of a process is armed any more."""

    id: str


class Locked(msgspec.Struct, frozen=True, array_like=True, tag=63):
    """A message with this key has started an instance: the only one of its process meanwhile."""

    instance: int
    correlation: str


EventDelta = (
    SignalAwaited
    | EventHeld
    | HeldTaken
    | CycleSet
    | TimerMoved
    | ConditionAwaited
    | ConditionTurned
    | EventDisarmed
    | KpisSet
    | OpeningMade
    | OpeningMoved
    | OpeningTurned
    | OpeningsClosed
    | Locked
)
