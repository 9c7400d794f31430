"""A clock that no correction of the time of day moves: ages of signals are measured by it."""

import time

from fabloop.base.instant import Instant


class SteadyClock:
    """The time of day when it was made, and from then on the seconds that have passed.

    A machine whose time of day jumps, by a time server or by hand, would else take what it was
    told long ago for new, or hearts for silent that beat.
    """

    def __init__(self) -> None:
        self._ahead_ns = time.time_ns() - time.monotonic_ns()  # noqa: TID251  # once, as the start

    def now(self) -> Instant:
        """Return the present instant."""
        return Instant(self._ahead_ns + time.monotonic_ns())
