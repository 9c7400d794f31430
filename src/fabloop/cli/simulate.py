"""``fabloop simulate line``: a line of machines, at once or over wires."""

import asyncio
import signal
import sys
from pathlib import Path

import msgspec

from fabloop.app.processes.clocks import WallClock
from fabloop.app.simulated_line.run import Played, play, play_on_wires
from fabloop.app.simulated_line.served import units_of
from fabloop.app.simulated_line.wires import Wanted, wires_of
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode
from fabloop.base.instant import HOUR, iso_of, span_text
from fabloop.cli.given import duration_given, read_bytes
from fabloop.sim.line.injections import read_injections
from fabloop.sim.line.line import Line
from fabloop.sim.line.model import example_line
from fabloop.sim.line.signals import SENSORS

AT_ONCE_NS = 8 * HOUR
"""How long is played at once where nothing is said: a shift."""


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked on the command line."""

    speed: float
    seed: int
    inject: Path | None
    duration: str


def play_line(asked: Play, wanted: Wanted, *, as_json: bool) -> ExitCode:
    """Play the line; tells where it can be reached, and at the end what it did."""
    model = example_line()
    begins_at = WallClock().now()
    stations = tuple(each.id for each in model.stations)
    injections = (
        ()
        if asked.inject is None
        else read_injections(
            read_bytes(asked.inject), str(asked.inject), stations=stations, sensors=SENSORS,
            at=begins_at,
        )
    )  # fmt: skip
    duration = duration_given("--duration", asked.duration) if asked.duration else None
    line = Line(model, seed=asked.seed, begins_at=begins_at, injections=injections)
    wires = wires_of(units_of(model), wanted)
    if not wires:
        return _tell(play(line, duration or AT_ONCE_NS), as_json=as_json)
    stopping: list[int] = []
    before = {
        each: signal.signal(each, lambda number, _: stopping.append(number))
        for each in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        played = asyncio.run(
            play_on_wires(
                line, wires, speed=asked.speed, duration_ns=duration,
                ready=lambda urls: _announce(urls, as_json=as_json),
                stopped=lambda: bool(stopping),
            )
        )  # fmt: skip
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    return _tell(played, as_json=as_json)


def _announce(urls: list[str], *, as_json: bool) -> None:
    """Tell where the line can be reached, as the first line of the output."""
    if as_json:
        sys.stdout.write(msgspec.json.encode({"urls": urls}).decode() + "\n")
    else:
        sys.stdout.writelines(f"The line tells at {each}\n" for each in urls)
    sys.stdout.flush()


def _tell(played: Played, *, as_json: bool) -> ExitCode:
    if as_json:
        sys.stdout.write(to_json_pretty(played).decode())
        return ExitCode.FINE
    lasted = played.ends_at - played.begins_at
    sys.stdout.write(
        f"Played {span_text(lasted)} from {iso_of(played.begins_at)}: {played.values:,} values.\n"
    )
    if played.behind_s_max > 1.0:
        sys.stdout.write(f"The wires fell up to {played.behind_s_max:.1f} s behind the pace.\n")
    for each in played.stations:
        spent = ", ".join(f"{what} {seconds:,.0f} s" for what, seconds in each.seconds.items())
        sys.stdout.write(f"  {each.station}: {each.good} good, {each.scrap} scrap; {spent}\n")
    return ExitCode.FINE
