"""The broker of a wired story, where Mosquitto is installed: a process that ends with the story."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from fabloop.app.wired.children import Ties

START_S_MAX = 20.0
CONFIG = """listener {port} 127.0.0.1
allow_anonymous true
max_inflight_messages 0
max_queued_messages 0
max_queued_bytes 0
"""
"""On the loopback interface alone; Mosquitto drops nothing that waits for a slow reader."""


def binary() -> str | None:
    """Return the program, None where it is not installed."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def be_broker(ties: Ties, folder: Any) -> None:
    """Run Mosquitto until the story is over; the parent is told its port."""
    program, port = binary(), _free_port()
    assert program is not None, "whoever starts this has looked"
    file = Path(folder) / "mosquitto.conf"
    user = "user root\n" if Path(folder).owner() == "root" else ""
    file.write_text(CONFIG.format(port=port) + user, encoding="ascii")
    with (Path(folder) / "mosquitto.log").open("wb") as log:
        broker = subprocess.Popen([program, "-c", str(file)], stdout=log, stderr=log)  # noqa: S603
    try:
        if _listens(broker, port):
            ties.ready(port)
            ties.wait_until_over()
    finally:
        broker.terminate()
        broker.wait()


def _listens(broker: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline and broker.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.02)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
