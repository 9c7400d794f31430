"""A PostgreSQL server of its own for tests and benches: in a temporary folder, on loopback."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_S_MAX = 30


def binaries() -> Path | None:
    """Return the folder of the server's programs, None where it is not installed."""
    found = shutil.which("postgres")
    if found is not None and Path(found).with_name("initdb").exists():
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((each.parent for each in versions), default=None)


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yield the URL of a running server; it is ended by its id, and its folder is removed."""
    programs = binaries()
    assert programs is not None, "apt-get install postgresql"
    folder = Path(tempfile.mkdtemp(prefix="fabloop-postgres-"))
    run_as = _unprivileged(folder)
    try:
        initdb = [programs / "initdb", "-D", folder / "data", "-U", "fabloop", "-A", "trust"]
        subprocess.run([*initdb, "-E", "UTF8", "--locale=C"], check=True, capture_output=True,
            cwd=folder, **run_as)  # fmt: skip
        port = _free_port()
        arguments = [
            "-D", folder / "data", "-p", str(port), "-h", "127.0.0.1", "-k", folder,
            "-c", "max_connections=50", "-c", "shared_buffers=16MB",
        ]  # fmt: skip
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", *arguments], stderr=log, stdout=log, cwd=folder, **run_as
            )
        try:
            _await_start(server, port, folder / "log")
            yield f"postgresql://fabloop@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
            server.wait(START_S_MAX)
    finally:
        shutil.rmtree(folder)


def _unprivileged(folder: Path) -> dict[str, int]:
    """Return whom to run the server as: it refuses to be root."""
    if os.getuid() != 0:
        return {}
    names = {each.pw_name: each for each in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_start(server: subprocess.Popen, port: int, log: Path) -> None:
    until = time.monotonic() + START_S_MAX
    while time.monotonic() < until and server.poll() is None:
        if b"ready to accept connections" in log.read_bytes():
            return
        time.sleep(0.02)
    raise AssertionError(f"PostgreSQL did not start on port {port}: {log.read_text()}")
