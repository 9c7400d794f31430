"""A Mosquitto broker of its own for tests and benches: in a temporary folder, on loopback."""

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

START_S_MAX = 20

DEFAULTS = """
max_inflight_messages 65535
max_queued_messages 0
max_queued_bytes 0
"""
"""Mosquitto drops what is more than 1,000 messages behind; a plant that counts raises that."""


def binary() -> str | None:
    """Return the program, None where it is not installed."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


class Mosquitto:
    """A broker that can be killed and started again on the same port."""

    def __init__(self, config: str = "allow_anonymous true", *, persistent: bool = False) -> None:
        self._persistent = persistent
        self._folder = Path(tempfile.mkdtemp(prefix="fabloop-mosquitto-"))
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text()

    @property
    def _memory(self) -> str:
        if not self._persistent:
            return ""
        return f"persistence true\npersistence_location {self._folder}/\nautosave_interval 1\n"

    def remembers(self, client: str) -> bool:
        """Whether the broker has written down the session of a client."""
        file = self._folder / "mosquitto.db"
        return file.exists() and client.encode() in file.read_bytes()

    def start(self) -> None:
        file = self._folder / "mosquitto.conf"
        user = "user root\n" if self._folder.owner() == "root" else ""
        file.write_text(
            f"listener {self.port} 127.0.0.1\n{user}{DEFAULTS}{self._config}\n{self._memory}"
        )
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [binary() or "mosquitto", "-c", str(file)], stdout=log, stderr=log
            )
        until = time.monotonic() + START_S_MAX
        while time.monotonic() < until and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError(f"Mosquitto did not start: {self.log}")

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(START_S_MAX)
            self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
