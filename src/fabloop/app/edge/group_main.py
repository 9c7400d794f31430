"""What a group's process starts with: its link, its limits, its priority, then its work."""

import mmap
import os
import socket
import sys
from pathlib import Path

import msgspec

import fabloop.sense.streams.drift
import fabloop.sense.streams.spectrum
import fabloop.sense.streams.statistics  # noqa: F401  # loaded before limits and real time begin
from fabloop.app.edge import guard, realtime
from fabloop.app.edge.app import Lane
from fabloop.app.edge.crew import Crew
from fabloop.app.edge.deployment import Limits
from fabloop.app.edge.group import Process

MARK_BYTES = 64


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What the edge tells a new process on its command line.

    Attributes
    ----------
    link : number of the open socket to the edge
    mark : file of `MARK_BYTES` that tells which app's code runs
    code : folder of the files that were deployed
    """

    lane: Lane
    address: str
    feeds: str
    link: int
    mark: str
    code: str
    limits: Limits


def main(argument: str) -> None:
    """Be the process of a group until the edge ends it, or is gone."""
    start = msgspec.json.decode(argument, type=Start)
    link = socket.socket(fileno=start.link)
    link.settimeout(0.0)
    with Path(start.mark).open("r+b") as file:
        mark = mmap.mmap(file.fileno(), MARK_BYTES)
    names: dict[str, bytes] = {}

    def note(app: str) -> None:
        text = names.get(app)
        if text is None:
            text = names[app] = app.encode()[:MARK_BYTES].ljust(MARK_BYTES, b"\0")
        mark[:] = text

    process = Process(
        start.lane,
        start.address,
        start.feeds,
        link,
        lambda set_variable: Crew(start.lane, Path(start.code), note, set_variable),
    )
    warning = realtime.stay_on(start.limits.cpus)
    realtime.limit_memory(start.limits.memory_mb)
    guard.install()
    priority = start.limits.realtime_priority if start.lane is Lane.FAST else 0
    process.say_hello(realtime.be_realtime(priority), warning)
    process.run()
    sys.stdout.flush()
    os._exit(0)  # apps may have left things behind that would hold the process


if __name__ == "__main__":
    main(sys.argv[1])
