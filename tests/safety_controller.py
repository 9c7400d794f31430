"""A simulated safety controller in a process of its own, driven from a test."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import msgspec

from fabloop.app.safety.controller import Given
from fabloop.base.instant import SECOND


class Controller:
    """Signals `guard` (bit 0, stops the zone) and `clamped` (bit 1), all true at first."""

    BITS = {"guard": 0, "clamped": 1}  # noqa: RUF012

    def __init__(self, **more):
        given = {
            "bits": self.BITS, "closed": tuple(self.BITS), "guards": ("guard",),
            "watchdog_ns": 2 * SECOND, "stopping_ns": SECOND // 50, **more,
        }  # fmt: skip
        self._given = Given(**given)
        self._start()

    def _start(self):
        environment = {
            **os.environ,
            "FABLOOP_CONTROLLER": msgspec.json.encode(self._given).decode(),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fabloop.app.safety.controller"], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.url = self._process.stdout.readline().strip()
        port = int(self.url.rpartition(":")[2].partition("/")[0])
        self._given = msgspec.structs.replace(self._given, port=port)

    def does(self, *words):
        """Type words at the panel."""
        for word in words:
            self._process.stdin.write(f"{word}\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline().strip()
            assert answer == "ok", answer

    @contextmanager
    def hung(self):
        """Let its whole process stand still, as a machine does that swaps or was suspended."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def kill(self):
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait(30)
        self._process.stdin.close()
        self._process.stdout.close()

    def again(self):
        """Switch it on again, at the same port; it stands until its reset is pressed."""
        self._given = msgspec.structs.replace(self._given, released=False)
        self._start()

    def close(self):
        """End it, if it still runs."""
        if self._process.poll() is None:
            self.kill()
