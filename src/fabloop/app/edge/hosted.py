"""One app at work: what it is handed, what it costs, and when it is stopped."""

import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabloop.adapters.bulks import Announcement, BulkFrame
from fabloop.app.edge import guard
from fabloop.app.edge.app import (
    TRIGGER,
    App,
    Bulk,
    Floats,
    Manifest,
    Message,
    Window,
    covers,
    signals_of,
    topics_of,
)
from fabloop.app.edge.deployment import DeployedApp, ungranted
from fabloop.app.edge.link import AppReport
from fabloop.app.edge.outgoing import Outgoing
from fabloop.base.errors import NotPermitted
from fabloop.base.instant import SECOND, Instant
from fabloop.sense.streams.ring import MirroredRing

FAILURES_MAX = 3
"""Calls in a row that may fail before the app is stopped."""
CPU_WINDOW_NS = 10 * SECOND

Mark = Callable[[str], None]


class AppState(StrEnum):
    """What an app of a group is doing."""

    WAITING = "waiting"
    """Its machine has sent nothing yet."""
    RUNNING = "running"
    STARVED = "starved"
    """The machine does not send what it reads."""
    SUSPENDED = "suspended"
    """It did what it may not, failed, or took too much; started again by a person."""


class Hosted:
    """An app in its process.

    Parameters
    ----------
    mark : tells whoever looks after the process which app's code runs now
    """

    def __init__(
        self,
        deployed: DeployedApp,
        app: App,
        outgoing: Outgoing,
        *,
        app_cpu: float,
        mark: Mark,
        now_ns: int,
    ) -> None:
        self.deployed = deployed
        self.manifest: Manifest = app.manifest
        self.state = AppState.WAITING
        self.reason = ""
        self.outgoing = outgoing
        self.topics = topics_of(self.manifest)
        self._on_bulk: Callable[[Bulk, Outgoing], None] | None = getattr(app, "on_bulk", None)
        self._on_window: Callable[[Window, Outgoing], None] | None = getattr(app, "on_window", None)
        self._on_message: Any = getattr(app, "on_message", None)
        self._series: tuple[str, ...] = ()
        self._units: dict[str, str] = {}
        self._columns: NDArray[np.intp] | None = None
        self._fresh = 0
        self._app_cpu = app_cpu
        self._mark = mark
        self._calls = 0
        self._failures = 0
        self._failed_in_a_row = 0
        self._cpu_ns = 0
        self._cpu_since_ns = now_ns
        self._cpu = 0.0

    def suspend(self, reason: str) -> None:
        """Stop it until a person starts it again."""
        self.state = AppState.SUSPENDED
        self.reason = reason

    def bind(self, announcement: Announcement) -> None:
        """Look for its signals in what the machine is about to send, in the units it began with."""
        if self.state is AppState.SUSPENDED:
            return
        declared = signals_of(self.manifest)
        beyond = ungranted(self.deployed, self.manifest, announcement.series)
        if beyond:
            self.suspend(
                f"Expected a grant of {', '.join(beyond)}, which the app's inputs match, but "
                f"found {', '.join(self.deployed.reads) or 'none'}. Grant them, or declare less."
            )
            return
        chosen = [at for at, name in enumerate(announcement.series) if covers(declared, name)]
        missing = [each for each in declared if not covers_any(announcement.series, each)]
        units = dict(zip(announcement.series, announcement.units, strict=False))
        mine = {name: unit for name, unit in units.items() if covers(declared, name)}
        other = [name for name, unit in mine.items() if self._units.get(name, unit) != unit]
        if missing or other:
            self.state = AppState.STARVED
            what = f"signals {', '.join(missing)}" if missing else f"the unit of {', '.join(other)}"
            why = "they are not in the stream" if missing else "it has changed"
            self.reason = (
                f"Expected {what} of machine '{announcement.machine}' as before, but {why}. Mend "
                "the control's configuration, or start the app again to go on with what there is."
            )
            return
        self.state, self.reason = AppState.RUNNING, ""
        self._units |= mine
        self._series = tuple(announcement.series[at] for at in chosen)
        whole = len(chosen) == len(announcement.series)
        self._columns = None if whole else np.array(chosen, dtype=np.intp)
        self._fresh = 0

    def begin_anew(self) -> None:
        """Samples were lost: a window has to fill again."""
        self._fresh = 0

    def take(self, frame: BulkFrame, ring: MirroredRing | None, *, follows: bool) -> None:
        """Hand over a bulk, and the window that it completes; the ring holds the bulk already."""
        if self.state is not AppState.RUNNING:
            return
        start = Instant(frame.start)
        if self._on_bulk is not None:
            values = frame.values if self._columns is None else frame.values[:, self._columns]
            values.flags.writeable = False
            bulk = Bulk(
                frame.machine, frame.sequence, start, frame.step_ns, self._series, values,
                frame.trigger if self._reads_trigger else None, follows,
            )  # fmt: skip
            self._call(self._on_bulk, bulk)
        samples = self.manifest.window_samples
        if self._on_window is None or samples == 0 or ring is None:
            return
        self._fresh += len(frame.values)
        if len(ring) < samples or self._fresh < self.manifest.every_samples:
            return
        self._fresh = 0
        end = Instant(start + len(frame.values) * frame.step_ns)
        window = self._windowed(ring.last(samples))
        self._call(self._on_window, Window(frame.machine, end, frame.step_ns, self._series, window))

    def hear(self, message: Message) -> None:
        """Hand over what another app has told."""
        if self._on_message is not None and self.state is not AppState.SUSPENDED:
            self._call(self._on_message, message)

    def report(self) -> AppReport:
        """Return how it is doing."""
        return AppReport(
            app=self.deployed.name,
            state=self.state,
            reason=self.reason,
            calls=self._calls,
            failures=self._failures,
            readings=self.outgoing.readings_told,
            facts=self.outgoing.facts_told,
            unknown=self.outgoing.unknown_told,
            cpu=self._cpu,
        )

    def account(self, now_ns: int) -> None:
        """Stop it if it has taken more of the processor than it may; to be called now and then."""
        passed = now_ns - self._cpu_since_ns
        if passed < CPU_WINDOW_NS:
            return
        self._cpu = self._cpu_ns / passed
        self._cpu_ns, self._cpu_since_ns = 0, now_ns
        if self._cpu > self._app_cpu and self.state is not AppState.SUSPENDED:
            self.suspend(
                f"Expected at most {self._app_cpu:.0%} of a processor over ten seconds, but found "
                f"{self._cpu:.0%}. Let the app do less, or raise limits.app_cpu of its group."
            )

    @property
    def _reads_trigger(self) -> bool:
        return TRIGGER in self.manifest.inputs and covers(self.deployed.reads, TRIGGER)

    def _windowed(self, window: Floats) -> Floats:
        if self._columns is None:
            return window
        chosen: Floats = window[self._columns]
        chosen.flags.writeable = False
        return chosen

    def _call(self, handler: Callable[[Any, Outgoing], None], given: Any) -> None:
        name = self.deployed.name
        begun = time.thread_time_ns()
        self._mark(name)
        self._calls += 1
        try:
            with guard.only(name):
                handler(given, self.outgoing)
            self._failed_in_a_row = 0
        except NotPermitted as error:
            self._failures += 1
            self.suspend(str(error))
        except Exception as error:  # noqa: BLE001  # foreign code: one app's bug stops that app
            self._fail(error)
        finally:
            self._mark("")
            self._cpu_ns += time.thread_time_ns() - begun

    def _fail(self, error: Exception) -> None:
        self._failures += 1
        self._failed_in_a_row += 1
        self.reason = f"{type(error).__name__}: {error}"
        if self._failed_in_a_row >= FAILURES_MAX:
            self.suspend(
                f"Expected the app to take its input, but {FAILURES_MAX} calls in a row failed, "
                f"the last with {self.reason}. Mend the app, then start it again."
            )


def covers_any(series: Sequence[str], declared: str) -> bool:
    """Tell whether a name or pattern stands for at least one of the series."""
    return any(covers((declared,), each) for each in series)
