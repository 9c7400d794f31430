"""What a source counts while it runs, and the health that follows from it."""

from collections import Counter, deque
from collections.abc import Iterable
from statistics import median

from fabloop.base.instant import Instant
from fabloop.sense.readings.payloads.decoded import Refusal
from fabloop.sense.readings.ports import SourceHealth

SKEW_SAMPLES = 101
"""Differences of clocks of which the median is told."""

LASTING_MAX = 100
"""Lasting troubles of one connection that are kept apart; more are told once, like any other."""


class Tally:
    """Counts that only grow, the state of the connection, and the last trouble."""

    def __init__(self) -> None:
        self._connected: bool | None = None
        self._since = Instant(0)
        self._connections = 0
        self._received = 0
        self._gaps = 0
        self._refused: Counter[str] = Counter()
        self._amended: Counter[str] = Counter()
        self._skews: deque[int] = deque(maxlen=SKEW_SAMPLES)
        self._trouble = ""
        self._lasting: dict[str, None] = {}

    def connect(self, at: Instant) -> None:
        """Note that the source is connected now."""
        self._connected, self._since = True, at
        self._connections += 1
        self._lasting.clear()

    def disconnect(self, at: Instant, trouble: str = "") -> None:
        """Note that it is not, and why."""
        if self._connected is not False:
            self._connected, self._since = False, at
        if trouble:
            self._trouble = trouble

    def trouble(self, sentence: str, *, lasting: bool = True) -> None:
        """Note what is wrong beside readings; what lasts does so until the next connection."""
        self._trouble = sentence
        if lasting and len(self._lasting) < LASTING_MAX:
            self._lasting[sentence] = None

    def receive(self, readings: int) -> None:
        """Count readings that are handed over."""
        self._received += readings

    def refuse(self, refusals: Iterable[Refusal]) -> None:
        """Count readings that are not."""
        for each in refusals:
            self._refused[each.reason] += each.count
            self._trouble = each.sentence

    def amend(self, reason: str, count: int, trouble: str = "") -> None:
        """Count readings that are handed over otherwise than they came."""
        self._amended[reason] += count
        if trouble:
            self._trouble = trouble

    def gap(self, count: int, trouble: str) -> None:
        """Count what the protocol showed to be lost."""
        self._gaps += count
        self._trouble = trouble

    def skew(self, source_less_ours_ns: int) -> None:
        """Note a difference of clocks, transport included."""
        self._skews.append(source_less_ours_ns)

    def refused(self) -> dict[str, int]:
        """Return how many readings were refused so far, by reason."""
        return dict(self._refused)

    def last_trouble(self) -> str:
        """Return the last trouble; empty: none."""
        return self._trouble

    def health(self) -> SourceHealth:
        """Return how the source is doing."""
        return SourceHealth(
            connected=self._connected,
            since=self._since,
            received=self._received,
            refused=dict(self._refused),
            amended=dict(self._amended),
            gaps=self._gaps,
            reconnects=max(0, self._connections - 1),
            clock_skew_ns=round(median(self._skews)) if self._skews else None,
            trouble=self._trouble,
            lasting=tuple(self._lasting),
        )
