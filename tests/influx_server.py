"""An InfluxDB 1.x server of its own for benches: in a temporary folder, on loopback."""

import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_S_MAX = 30

CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
"""


def binary() -> str | None:
    """Return the program, None where it is not installed."""
    return shutil.which("influxd")


@contextmanager
def influx_server() -> Iterator[tuple[int, int]]:
    """Yield port and process id; the server is ended by its id, and its folder is removed."""
    folder = Path(tempfile.mkdtemp(prefix="fabloop-influx-"))
    port, rpc = _free_port(), _free_port()
    config = folder / "influxdb.conf"
    config.write_text(CONFIG.format(folder=folder, port=port, rpc=rpc))
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([binary(), "-config", str(config)], stdout=log, stderr=log)
    try:
        _await_start(server, port)
        yield port, server.pid
    finally:
        server.kill()
        server.wait(START_S_MAX)
        shutil.rmtree(folder)


def ask(port: int, query: str) -> bytes:
    """Return the answer to a query."""
    data = b"q=" + query.replace(" ", "+").encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/query?db=bench", data) as answer:
        return answer.read()


def _await_start(server: subprocess.Popen, port: int) -> None:
    until = time.monotonic() + START_S_MAX
    while time.monotonic() < until and server.poll() is None:
        try:
            ask(port, "CREATE DATABASE bench")
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"InfluxDB did not start on port {port}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
