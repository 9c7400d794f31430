"""The ports of the data plane: where readings come from, and where they are kept."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Protocol, runtime_checkable

import msgspec

from fabloop.base.instant import Instant
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.series import Catalogue


class SourceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How a source is doing; every count only grows, and nothing is dropped without one.

    Attributes
    ----------
    connected : None: not known yet
    since : of the last change of `connected`
    received : readings handed over so far
    refused : readings that could not be taken, by reason (``not-a-number``, ``unknown-alias`` ...)
    amended : readings that were taken, but not as they came or not when they should have, by reason
        (``clock-ahead``, ``unit-changed``, ``behind``), clocks that went back (``clock-back``, by
        series), and messages that came twice and count once (``repeated``)
    gaps : losses that the protocol itself showed, such as missing sequence numbers
    clock_skew_ns : clock of the source less ours, median of late; None: not known
    trouble : the last one, as a sentence; empty: none
    lasting : what stays wrong until it is connected anew: an address that is not there, a
        certificate that ends soon
    """

    connected: bool | None = None
    since: Instant = Instant(0)
    received: int = 0
    refused: dict[str, int] = {}
    amended: dict[str, int] = {}
    gaps: int = 0
    reconnects: int = 0
    clock_skew_ns: int | None = None
    trouble: str = ""
    lasting: tuple[str, ...] = ()


class StandingAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm that a machine tells by itself, and that lasts or is not acknowledged.

    Attributes
    ----------
    severity : 1 to 1,000, as the machine says (OPC 10000-5, 6.4.2)
    """

    source: str
    work_unit: str
    name: str
    since: Instant
    severity: int
    message: str = ""
    acknowledged: bool = False


@runtime_checkable
class Alarming(Protocol):
    """A source whose machines tell alarms by themselves."""

    def alarms(self) -> tuple[StandingAlarm, ...]:
        """Return the alarms that stand, the gravest first."""
        ...


class ReadingSource(Protocol):
    """Something that tells readings: an OPC UA server, topics of a broker, a file, a simulation."""

    @property
    def name(self) -> str:
        """The name under which it is configured, `Series.source` of all that it tells."""
        ...

    def batches(self, catalogue: Catalogue) -> AsyncIterator[Batch]:
        """Yield batches until closed; series that are new are entered into the catalogue.

        Connects and reconnects by itself. The next batch is asked for when the last one is
        kept (back-pressure): a source holds back what its protocol lets it hold back and
        counts what it must drop.
        """
        ...

    def health(self) -> SourceHealth:
        """Return how it is doing now."""
        ...

    def close(self) -> None:
        """Ask it to end: `batches` ends soon after, with all that was received."""
        ...


@runtime_checkable
class Acknowledging(Protocol):
    """A source that tells its sender what is safe, and not before: it may be asked for the rest."""

    def settled(self, batches: int) -> None:
        """Hear that so many of the batches yielded, from the first on, survive a crash."""
        ...


@runtime_checkable
class Resuming(Protocol):
    """A source whose sender keeps history: after a restart of ours it goes on where we ended."""

    def resume(self, kept: Mapping[str, Instant]) -> None:
        """Hear, before the first batch, up to when readings are stored, by address of series."""
        ...


@runtime_checkable
class Awaited(Acknowledging, Protocol):
    """A source whose senders wait for what is safe before they send more, such as over HTTP."""

    @property
    def urgent(self) -> bool:
        """Whether each batch is to be made safe at once."""
        ...


class ReadingStore(Protocol):
    """Where readings are kept."""

    def keep(self, batch: Batch) -> int:
        """Take a batch; it survives a crash once `durable` reaches the number returned."""
        ...

    def durable(self) -> int:
        """Return the greatest sequence number that survives `kill -9` and a power cut."""
        ...


@runtime_checkable
class Prompt(Protocol):
    """A store that tells when more is safe, and hastens where somebody waits for it."""

    def hasten(self, number: int) -> None:
        """Make a batch safe as soon as possible, with all that came until then."""
        ...

    def on_durable(self, hear: Callable[[], None]) -> Callable[[], None]:
        """Call a function, in any thread, whenever more is safe; return what ends that."""
        ...
