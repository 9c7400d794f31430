"""How long bulks take: counts per bucket since the beginning, and the exact last ones."""

from bisect import bisect_left

import msgspec

BOUNDS_S = (
    0.000_1, 0.000_2, 0.000_5, 0.001, 0.001_5, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0,
)  # fmt: skip
"""Upper bounds of the buckets; the last bucket has none."""
RECENT = 10_000
"""Bulks over which quantiles are exact: a quarter of an hour of one machine."""


class LatencyReport(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies in seconds.

    Attributes
    ----------
    buckets : counts up to each of `BOUNDS_S`, not cumulated, and one more for those above
    p50_s, p99_s, max_s : of the last `RECENT`; None before the first
    greatest_s : since the process began
    """

    count: int = 0
    sum_s: float = 0.0
    buckets: tuple[int, ...] = (0,) * (len(BOUNDS_S) + 1)
    p50_s: float | None = None
    p99_s: float | None = None
    max_s: float | None = None
    greatest_s: float = 0.0


class Latency:
    """Takes latencies, where nobody is in a hurry."""

    def __init__(self) -> None:
        self._buckets = [0] * (len(BOUNDS_S) + 1)
        self._recent = [0.0] * RECENT
        self._count = 0
        self._sum_s = 0.0
        self._greatest_s = 0.0

    def take(self, duration_ns: int) -> None:
        """Count a latency."""
        duration_s = duration_ns * 1e-9
        self._buckets[bisect_left(BOUNDS_S, duration_s)] += 1
        self._recent[self._count % RECENT] = duration_s
        self._count += 1
        self._sum_s += duration_s
        self._greatest_s = max(self._greatest_s, duration_s)

    def report(self) -> LatencyReport:
        """Return what was measured so far."""
        last = sorted(self._recent[: self._count])
        return LatencyReport(
            count=self._count,
            sum_s=self._sum_s,
            buckets=tuple(self._buckets),
            p50_s=_quantile(last, 0.5),
            p99_s=_quantile(last, 0.99),
            max_s=last[-1] if last else None,
            greatest_s=self._greatest_s,
        )


def _quantile(ascending: list[float], ratio: float) -> float | None:
    """Return the least value that at least `ratio` of the values do not exceed."""
    if not ascending:
        return None
    return ascending[max(0, -int(-ratio * len(ascending) // 1) - 1)]
