"""``fabloop readings health``: how collecting is doing, and what it may be configured with."""

import sys
from pathlib import Path

import msgspec
from rich.console import Console

from fabloop.adapters.historian import HistorianReader
from fabloop.app.metrics import CollectingHealth, exposition
from fabloop.app.pictures.report import Table
from fabloop.app.processes.clocks import WallClock
from fabloop.app.readings_watch import health_kept, is_stale
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import SECOND
from fabloop.cli.given import read_bytes
from fabloop.cli.grid import grid_of
from fabloop.cli.readings_words import age_text, stamp
from fabloop.sense.readings.rivals import Precedence

LOOPBACK = "127.0.0.1"
PORT_MAX = 65_535


def print_health(folder: Path, *, metrics: bool, as_json: bool) -> ExitCode:
    """Print how collecting is doing."""
    told = health_kept(folder)
    if told is None:
        HistorianReader(folder).close()  # says so where there are no readings either
        raise Invalid(
            Fault(
                source=str(folder), path="", expected="the health that collecting tells",
                found="none", hint=f"Start it: fabloop readings collect {folder}.",
            )
        )  # fmt: skip
    stale = is_stale(told, WallClock())
    if metrics:
        sys.stdout.write(exposition(told))
    elif as_json:
        answer = {
            "health": told,
            "stale": stale,
            "troubles": told.troubles(),
            "past": told.past(),
        }
        sys.stdout.write(to_json_pretty(answer).decode())
    else:
        _print_tables(told, stale=stale)
    return ExitCode.NOT_PRODUCIBLE if stale or told.troubles() else ExitCode.FINE


def precedence_in(file: Path) -> tuple[Precedence, ...]:
    """Read rules of precedence, a list in YAML or JSON."""
    try:
        return msgspec.yaml.decode(read_bytes(file), type=tuple[Precedence, ...])
    except (msgspec.MsgspecError, ValueError) as error:
        raise Invalid(
            Fault(
                source=str(file), path="", found=str(error),
                expected="a list of rules: series, sources, tolerance, relative, stale_s, "
                "lasting_s",
            )
        ) from error  # fmt: skip


def place_given(option: str, text: str) -> tuple[str, int]:
    """Return host and port of ``[HOST:]PORT``."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= PORT_MAX):
        raise Invalid(Fault(source=option, path="", expected="[HOST:]PORT", found=f"'{text}'"))
    return host or LOOPBACK, int(port)


def _print_tables(told: CollectingHealth, *, stale: bool) -> None:
    """Print the sources, what was not taken as it came, the store, and what is wrong."""
    age = age_text(WallClock().now() - told.at)
    sys.stdout.write(
        f"Nobody collects now; this was told {age} ago.\n" if stale else f"Told {age} ago.\n"
    )
    sources = tuple(
        (
            name, _connected(name, told), str(each.received), str(sum(each.refused.values())),
            str(sum(each.amended.values())), str(each.gaps), str(each.reconnects),
            "unknown" if each.clock_skew_ns is None else f"{each.clock_skew_ns / SECOND:.3f} s",
        )
        for name, each in told.sources.items()
    )  # fmt: skip
    heads = ("source", "connected", "taken", "refused", "amended", "gaps", "reconnects", "skew")
    _print(heads, sources, (2, 3, 4, 5, 6, 7))
    reasons = [
        (name, what, reason, str(count))
        for name, each in told.sources.items()
        for what, counts in (("refused", each.refused), ("amended", each.amended))
        for reason, count in sorted(counts.items())
    ]
    if told.store is not None:
        store = told.store
        reasons += [("store", "refused", name, str(n)) for name, n in store.refused.items()]
        others = {"late": store.late, "restated": store.restated, "dropped": store.dropped,
                  "not-finite": store.corrected}  # fmt: skip
        reasons += [("store", "counted", name, str(n)) for name, n in others.items() if n]
    if reasons:
        _print(("at", "what", "reason", "readings"), tuple(reasons), (3,))
    sys.stdout.writelines(f"{each}\n" for each in told.troubles())
    sys.stdout.writelines(f"Over: {each}\n" for each in told.past())


def _connected(name: str, told: CollectingHealth) -> str:
    health = told.sources[name]
    if name in told.ended:
        return "gave up"
    if health.connected is None:
        return "unknown"
    return f"{'since' if health.connected else 'not since'} {stamp(health.since)[:19]}Z"


def _print(
    heads: tuple[str, ...], rows: tuple[tuple[str, ...], ...], numeric: tuple[int, ...]
) -> None:
    Console(highlight=False).print(
        grid_of(Table(caption="", heads=heads, rows=rows, numeric=numeric))
    )
