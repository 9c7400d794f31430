"""Records of what is waited for: by nodes in progress, and by the start events of processes."""

from enum import IntEnum

import msgspec

from fabloop.base.instant import Instant
from fabloop.process.commands import Variables
from fabloop.process.definition import DefinitionKey


class Timer(msgspec.Struct, frozen=True):
    """Runs for `act`; `node` is what it makes happen.

    Attributes
    ----------
    rule : the cycle by which it is due again (empty: it is due once)
    left : how many dates are left, this one included (`schedule.ENDLESS`: no end)
    late : how many dates in a row have happened only when the next had come, too
    """

    key: int
    act: int
    node: int
    due: Instant
    rule: str = ""
    left: int = 1
    late: int = 0


class Subscription(msgspec.Struct, frozen=True):
    """An act waits for a message; `node` is what it makes happen.

    `held` is what came with it while the instance was suspended, one entry per message.
    """

    key: int
    act: int
    node: int
    name: str
    correlation: str
    held: tuple[Variables, ...] = ()


class SignalWait(msgspec.Struct, frozen=True):
    """An act waits for a signal; the rest as in a `Subscription`."""

    key: int
    act: int
    node: int
    name: str
    held: tuple[Variables, ...] = ()


class Condition(msgspec.Struct, frozen=True):
    """An act waits for a condition.

    Attributes
    ----------
    holds : whether it was true when it was last looked at: it happens when that turns to true
    reads : where it is listed in `State.readers`: frame (0: KPIs) and name of what it reads
    """

    key: int
    act: int
    node: int
    holds: bool
    reads: tuple[tuple[int, str], ...]


class OpeningKind(IntEnum):
    """What starts an instance."""

    MESSAGE = 0
    SIGNAL = 1
    TIMER = 2
    CONDITION = 3


class Opening(msgspec.Struct, frozen=True):
    """A start event of the latest version of a process, armed since that was deployed.

    Attributes
    ----------
    name : of the message or signal
    due, rule, left, late : of the timer, as in `Timer`
    holds : of the condition, as in `Condition`; it reads the KPIs `reads`
    """

    key: int
    definition: DefinitionKey
    node: int
    kind: OpeningKind
    name: str = ""
    due: Instant = Instant(0)
    rule: str = ""
    left: int = 1
    late: int = 0
    holds: bool = False
    reads: tuple[str, ...] = ()
