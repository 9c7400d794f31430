"""Keeps an app to what it was granted: while its code runs, files, sockets, programs are refused.

It hangs on Python's audit events, so it catches what an app's code and its libraries do by
accident or habit, by name. It is no wall against hostile code: deploy what you trust.
"""

import os
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fabloop.base.errors import NotPermitted

_REFUSED = {
    "_thread": "start threads",
    "ctypes": "call into libraries",
    "ftplib": "use the network",
    "gc": "look through the memory of others",
    "http": "use the network",
    "mmap": "map memory",
    "pty": "start programs",
    "shutil": "change files",
    "signal": "handle signals",
    "smtplib": "use the network",
    "socket": "use sockets",
    "sqlite3": "open databases",
    "subprocess": "start programs",
    "syslog": "write logs",
    "tempfile": "write files",
    "urllib": "use the network",
}
_HARMLESS = {"os.listdir", "os.scandir", "os.walk", "os.fwalk", "os.listxattr", "os.getxattr"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_inside: list[str] = []
_installed: list[bool] = []
_readable: list[str] = []


def install() -> None:
    """Begin to watch this process; there is no way back."""
    if _installed:
        return
    _installed.append(True)
    roots = {*sys.path, *sysconfig.get_paths().values(), sys.prefix, sys.base_prefix}
    _readable.extend(sorted(os.path.abspath(each) + os.sep for each in roots if each))  # noqa: PTH100
    sys.addaudithook(_audit)


@contextmanager
def only(app: str) -> Iterator[None]:
    """Refuse everything else to whatever runs within, in the name of the app."""
    _inside.append(app)
    try:
        yield
    finally:
        _inside.pop()


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _inside:
        return
    if event == "open":
        _open(*arguments)
        return
    area, _, _ = event.partition(".")
    if area == "os" and event not in _HARMLESS:
        _refuse(f"call {event}")
    elif area in _REFUSED:
        _refuse(f"{_REFUSED[area]} ({event})")


def _open(path: Any, mode: Any, flags: Any) -> None:
    del mode
    if isinstance(flags, int) and flags & _WRITES:
        _refuse(f"write file {path!r}")
    if isinstance(path, str | bytes):
        name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100
        if not name.startswith(tuple(_readable)):
            _refuse(f"read file {name!r}")


def _refuse(what: str) -> None:
    app = _inside[-1]
    raise NotPermitted(
        f"Expected app {app!r} to use its inputs and outputs alone, but it tried to {what}. Have "
        "that done before, by whoever deploys it, and hand it over in the settings."
    )
