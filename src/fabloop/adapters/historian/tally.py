"""What is counted over all runs: readings that were sealed, restated, refused, corrected."""

import threading
from collections import Counter
from collections.abc import Mapping

REFUSED = "refused "
"""Counts of readings that were not taken begin with it."""


class Tally:
    """Counts of all runs; any thread may add, and one makes them durable."""

    def __init__(self, durable: Mapping[str, int]) -> None:
        self._durable = Counter(durable)
        self._new: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, counts: Mapping[str, int]) -> None:
        """Add to the counts."""
        with self._lock:
            self._new.update({name: count for name, count in counts.items() if count})

    def take(self) -> dict[str, int]:
        """Return what was counted since the last time, to be made durable."""
        with self._lock:
            new = dict(self._new)
            self._durable.update(new)
            self._new.clear()
            return new

    def all(self) -> Counter[str]:
        """Return all counts."""
        with self._lock:
            return self._durable + self._new

    def refused(self) -> dict[str, int]:
        """Return the readings that were not taken, by reason."""
        return {
            name.removeprefix(REFUSED): count
            for name, count in sorted(self.all().items())
            if name.startswith(REFUSED)
        }
