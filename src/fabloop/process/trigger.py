"""What an event waits for, compiled: dates, messages, signals, conditions."""

from enum import StrEnum

import msgspec

from fabloop.process.formula import Formula, Text


class SpanKind(StrEnum):
    """How the text of a timer is read."""

    DURATION = "duration"
    DATE = "date"
    CYCLE = "cycle"


class Span(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """When a timer is due: as `text` says, or the text that FEEL `formula` yields.

    `duration_ns` is what `text` means where that never changes.
    """

    kind: SpanKind
    text: str = ""
    duration_ns: int | None = None
    formula: Formula | None = None


class OnTimer(msgspec.Struct, frozen=True, eq=False):
    """A timer is due."""

    due: Span


class OnMessage(msgspec.Struct, frozen=True, eq=False):
    """A message of this name comes with the key that `correlation_key` yielded on arrival."""

    name: Text
    correlation_key: Formula


class OnSignal(msgspec.Struct, frozen=True, eq=False):
    """A signal of this name is broadcast."""

    name: Text


class OnCondition(msgspec.Struct, frozen=True, eq=False):
    """The condition becomes true; it reads variables `names`, and `kpis` as ``kpi.<name>``.

    An empty name among `kpis` stands for all.
    """

    formula: Formula
    names: tuple[str, ...]
    kpis: tuple[str, ...]


Trigger = OnTimer | OnMessage | OnSignal | OnCondition
"""What is armed when an activity begins that an event waits at, and disarmed when it ends."""
