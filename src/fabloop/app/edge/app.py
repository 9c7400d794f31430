"""What an edge app is: a small class that says what it reads and writes, and what it is handed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from fabloop.base.instant import Instant
from fabloop.base.quantity import Dimension
from fabloop.sense.readings.quality import GOOD

TRIGGER = "trigger"
"""The input that stands for the user variable that comes with every sample."""
TOPIC_MARK = ":"
"""Tells the outputs of another app (``vibration:rms``) from the signals of the machine."""
WINDOW_SAMPLES_MAX = 100_000

Floats = NDArray[np.floating[Any]]


class Lane(StrEnum):
    """Which process of its group an app runs in."""

    FAST = "fast"
    """Real-time priority where permitted: done within a fraction of a bulk, every time."""
    SLOW = "slow"
    """Ordinary priority: may take seconds now and then; bulks wait for it."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """Something that an app writes; a name may hold ``*`` for many of one kind."""

    name: str
    dimension: Dimension | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an app needs; a deployment has to grant it, name by name.

    Attributes
    ----------
    inputs : signals of its machine (``x.force``, ``*.force``), `TRIGGER`, or outputs of other apps
        of the group (``vibration:rms``)
    window_samples, every_samples : `on_window` is called with the last so many samples each time
        so many new ones have come; 0: no windows
    outputs : readings and facts that it tells
    variables : user variables of the control that it sets
    """

    inputs: tuple[str, ...]
    outputs: tuple[Output, ...] = ()
    window_samples: int = 0
    every_samples: int = 0
    variables: tuple[str, ...] = ()
    lane: Lane = Lane.FAST


@dataclass(frozen=True, slots=True)
class Bulk:
    """Samples as they came, of the signals that the app may read.

    Attributes
    ----------
    values : shape (n, signals), read-only, valid during the call; NaN was not measured
    trigger : int64, shape (n,); None where the app has no right to it
    follows : whether no sample was lost before it
    """

    machine: str
    sequence: int
    start: Instant
    step_ns: int
    series: tuple[str, ...]
    values: Floats
    trigger: NDArray[np.int64] | None
    follows: bool


@dataclass(frozen=True, slots=True)
class Window:
    """The last samples in a row, of the signals that the app may read.

    Attributes
    ----------
    end : instant after the last sample
    values : shape (signals, samples), read-only, valid during the call; NaN was not measured
    """

    machine: str
    end: Instant
    step_ns: int
    series: tuple[str, ...]
    values: Floats


@dataclass(frozen=True, slots=True)
class Message:
    """What another app of the group has told: readings, or a fact.

    Attributes
    ----------
    topic : ``app:output``
    value : of a reading; None for a fact
    fact : its JSON; None for a reading
    """

    topic: str
    at: Instant
    value: float | None = None
    fact: bytes | None = None


class Outbox(Protocol):
    """Where an app writes to; a name that it was not granted is refused, and the app stopped."""

    def reading(self, name: str, value: float, at: Instant, quality: int = GOOD) -> None:
        """Tell one value; NaN and infinities become an unknown value of bad quality."""
        ...

    def readings(self, names: tuple[str, ...], values: Floats, at: Instant) -> None:
        """Tell values of one instant, as many as names; cheap for many."""
        ...

    def fact(self, name: str, value: Any, at: Instant) -> None:
        """Tell something that is no number: whatever msgspec writes as JSON."""
        ...

    def set_variable(self, name: str, value: float) -> None:
        """Set a user variable of the machine's control."""
        ...


class App(Protocol):
    """What the runtime expects; it calls those of `HANDLERS` that the class has.

    The class is called with the deployment's settings (a mapping) and has a `manifest`.
    """

    manifest: Manifest


HANDLERS = ("on_bulk", "on_window", "on_message")
AppFactory = Callable[[Mapping[str, Any]], App]


def covers(granted: Sequence[str], name: str) -> bool:
    """Tell whether a name, or a pattern as it stands, is among names and patterns."""
    return any(fnmatchcase(name, each) for each in granted)


def topics_of(manifest: Manifest) -> tuple[str, ...]:
    """Return the inputs that come from other apps."""
    return tuple(each for each in manifest.inputs if TOPIC_MARK in each)


def signals_of(manifest: Manifest) -> tuple[str, ...]:
    """Return the inputs that are signals of the machine."""
    return tuple(each for each in manifest.inputs if TOPIC_MARK not in each and each != TRIGGER)
