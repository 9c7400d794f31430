"""A process of a group as the edge sees it: started, listened to, blamed, started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import msgspec

from fabloop.app.edge.app import Lane
from fabloop.app.edge.deployment import Group
from fabloop.app.edge.group_main import MARK_BYTES, Start
from fabloop.app.edge.latency import Latency
from fabloop.app.edge.link import (
    Configure,
    Configured,
    End,
    Hello,
    Named,
    Report,
    ToProcess,
    Words,
    framed,
)
from fabloop.app.edge.realtime import KEEP_MEMORY, ONE_THREAD, STALL_S
from fabloop.base.instant import SECOND

START_NS_MAX = 60 * SECOND
SILENCE_NS_MAX = {Lane.FAST: 5 * SECOND, Lane.SLOW: 60 * SECOND}
"""A process reports four times a second, unless its slow lane computes for a while."""
LINK_BYTES = 2**20
LOG_BYTES_MAX = 2**20
PAUSE_NS_MAX = 10 * SECOND
CRASHES_MAX = 3
CRASHES_WITHIN_NS = 600 * SECOND


class LaneProcess:
    """A lane of a group; `address` is where it takes bulks, `feeds` where it passes them on to."""

    def __init__(self, group: Group, lane: Lane, address: str, feeds: str, folder: Path) -> None:
        self.group = group
        self.lane = lane
        self.starts = 0
        self.handling = Latency()
        self.path = Latency()
        self.report: Report | None = None
        self.hello: Hello | None = None
        self.configured: Configured | None = None
        self.ends: deque[str] = deque(maxlen=20)
        self.feeds = feeds
        self.link: socket.socket | None = None
        self.words = Words()
        self.names: dict[int, Named] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._address = address
        self._killed_because = ""
        self._code = folder / "code"
        name = f"{group.group}-{lane}"
        self._mark = folder / "run" / f"{name}.mark"
        self._log = folder / "run" / f"{name}.log"
        self._started_ns = self._heard_ns = 0
        self._next_start_ns = 0
        self._pause_ns = SECOND // 10
        self._crashes: dict[str, deque[int]] = {}

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return None if self._process is None else self._process.pid

    @property
    def is_due(self) -> bool:
        """Whether it is to be started."""
        return self._process is None and time.monotonic_ns() >= self._next_start_ns

    def start(self) -> socket.socket:
        """Start the process and return the link to it."""
        ours, theirs = socket.socketpair()
        for each in (ours, theirs):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LINK_BYTES)
        self._mark.write_bytes(bytes(MARK_BYTES))
        start = Start(
            lane=self.lane,
            address=self._address,
            feeds=self.feeds,
            link=theirs.fileno(),
            mark=str(self._mark),
            code=str(self._code),
            limits=self.group.limits,
        )
        with self._log.open("ab") as log:
            if log.tell() > LOG_BYTES_MAX:
                log.truncate(0)
            self._process = subprocess.Popen(  # noqa: S603  # ourselves
                [sys.executable, "-B", "-m", "fabloop.app.edge.group_main",
                 msgspec.json.encode(start).decode()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[theirs.fileno()], env={**os.environ, **ONE_THREAD, **KEEP_MEMORY},
                start_new_session=True,
            )  # fmt: skip
        theirs.close()
        ours.settimeout(0.0)
        self.link, self.words, self.names = ours, Words(), {}
        self.hello = self.configured = self.report = None
        self.starts += 1
        self._started_ns = self._heard_ns = time.monotonic_ns()
        return ours

    def tell(self, word: ToProcess) -> None:
        """Say something to the process; one that is gone hears it after its next start."""
        if self.link is None:
            return
        try:
            self.link.settimeout(5.0)
            self.link.sendall(framed(word))
        except OSError:
            self.kill("did not read what it was told")
        finally:
            if self.link is not None:
                self.link.settimeout(0.0)

    def configure(self, word: Configure) -> None:
        """Let it run what is deployed now."""
        self.group = word.group
        self.tell(word)

    def heard(self, report: Report | None = None) -> None:
        """Note that it is alive, and how it is doing."""
        self._heard_ns = time.monotonic_ns()
        if report is None:
            return
        self.report = report
        for latency, fresh in ((self.handling, report.handling), (self.path, report.path)):
            for each in memoryview(fresh).cast("q"):
                latency.take(each)

    def is_stuck(self) -> bool:
        """Tell whether it has been silent for too long."""
        limit = START_NS_MAX if self.hello is None else SILENCE_NS_MAX[self.lane]
        return self._process is not None and time.monotonic_ns() - self._heard_ns > limit

    def kill(self, why: str) -> None:
        """End the process at once; `reap` tells what became of it."""
        self._killed_because = why
        if self._process is not None:
            self._process.kill()

    def reap(self) -> tuple[str, str] | None:
        """Return which app's code ran when the process ended, and why it ended; None: it lives."""
        if self._process is None or self._process.poll() is None or self.link is not None:
            return None  # what it told before it ended is heard first
        code = self._process.returncode
        self._process = None
        why = self._killed_because or _ending(code)
        self._killed_because = ""
        lived_ns = time.monotonic_ns() - self._started_ns
        self._pause_ns = SECOND // 10 if lived_ns > 60 * SECOND else 2 * self._pause_ns
        self._pause_ns = min(self._pause_ns, PAUSE_NS_MAX)
        self._next_start_ns = time.monotonic_ns() + self._pause_ns
        app = self._mark.read_bytes().rstrip(b"\0").decode(errors="replace")
        return app, why

    def crashed_too_often(self, app: str) -> bool:
        """Count a crash against an app; tell whether it is to stay stopped."""
        now = time.monotonic_ns()
        crashes = self._crashes.setdefault(app, deque(maxlen=CRASHES_MAX))
        crashes.append(now)
        return len(crashes) == CRASHES_MAX and now - crashes[0] <= CRASHES_WITHIN_NS

    def end(self, patience_s: float) -> None:
        """End the process, by force if it does not end by itself."""
        if self._process is not None:
            self.tell(End())
            try:
                self._process.wait(patience_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self.link is not None:
            self.link.close()
            self.link = None


def _ending(code: int) -> str:
    if code == -signal.SIGXCPU:
        return f"it used a processor for {STALL_S} s without a pause"
    if code < 0:
        return f"it was ended by {signal.Signals(-code).name}"
    return f"it ended with exit code {code}"
