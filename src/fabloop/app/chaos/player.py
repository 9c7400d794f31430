"""The part that is killed: plays or goes on with a week behind the gate, and says what is durable.

Each group of facts is told on standard output once it is durable: how many there are by then, and
a checksum of each, so that nobody can claim later that something told was never promised.
"""

import os
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from fabloop.app.muffin.play import MuffinSettings, begin_week, resume_week
from fabloop.app.safety.documents import rules_in
from fabloop.app.safety.guard import SafetyGuard
from fabloop.app.service_runtime.facts import RuntimeFact
from fabloop.base.instant import Instant

ENVIRONMENT = "FABLOOP_CHAOS"
DATA, STOPS = "data", "stops"
SEEN_S_MAX = 30.0


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What the player is started with."""

    folder: str
    settings: MuffinSettings
    safety: str


class Promised(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that are durable: the number of the first one, and a checksum of each."""

    first: int
    sums: tuple[int, ...]


def checksum(at: Instant, fact: RuntimeFact) -> int:
    """Return what a fact is known by."""
    return zlib.crc32(msgspec.json.encode((at, fact), order="sorted"))


def play(part: Part) -> None:
    """Play to the end."""
    folder, known = Path(part.folder) / DATA, [0]

    def told(at: Instant, facts: Sequence[RuntimeFact]) -> None:
        sums = tuple(checksum(at, each) for each in facts)
        _say(Promised(first=known[0], sums=sums))
        known[0] += len(facts)

    guard = SafetyGuard(rules_in(Path(part.safety)), Path(part.folder) / STOPS)
    with guard:
        guard.wait_until_seen(SEEN_S_MAX)
        if (folder / "demo.json").exists():
            week = resume_week(folder, told=told, gate=guard.judge)
        else:
            week = begin_week(folder, part.settings, told=told, gate=guard.judge)
        known[0] = len(week.log.history)
        try:
            week.play()
        finally:
            week.close()


def _say(what: Promised) -> None:
    sys.stdout.write(msgspec.json.encode(what).decode() + "\n")
    sys.stdout.flush()


def main() -> None:
    """Play with what the environment gives."""
    play(msgspec.json.decode(os.environ[ENVIRONMENT], type=Part))


if __name__ == "__main__":
    main()
