"""``fabloop safety``: what is declared, what holds, stops and their end, a simulated controller."""

import asyncio
import sys
import time
from contextlib import suppress
from pathlib import Path

from fabloop.adapters.modbus.source import WallClock, place_of
from fabloop.app.safety.accounts import (
    SafetyStatus,
    declared_lines,
    status_of,
)
from fabloop.app.safety.controller import SimulatedController, given_of, say
from fabloop.app.safety.documents import controller_in, rules_in
from fabloop.app.safety.guard import SafetyGuard
from fabloop.app.sentences import sentence
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode
from fabloop.base.instant import Instant
from fabloop.model.ids import ControllerId
from fabloop.run.stops import ResetRefused

LOOK_S = 0.05


def check(documents: Path, *, as_json: bool) -> ExitCode:
    """Print what is declared."""
    rules = rules_in(documents)
    if as_json:
        sys.stdout.write(to_json_pretty(rules).decode())
    else:
        for line in declared_lines(rules):
            sys.stdout.write(line + "\n")
    return ExitCode.FINE


def status(documents: Path, stops: Path, wait_s: float, *, as_json: bool) -> ExitCode:
    """Ask the controllers, without beating for them, and print how everything stands."""
    rules = rules_in(documents)
    with SafetyGuard(rules, stops, beats=False) as guard:
        guard.wait_until_tried(wait_s)
        troubles = {str(key): trouble for key, trouble in guard.troubles().items()}
        found = status_of(rules, guard.view(), guard.now(), troubles)
    if as_json:
        sys.stdout.write(to_json_pretty(found).decode())
    else:
        _tell(found)
    return ExitCode.FINE if found.all_permitted else ExitCode.NOT_PRODUCIBLE


def stop(
    documents: Path,
    controller: str,
    by: str,
    why: str,
    stops: Path,
    wait_s: float,
    *,
    as_json: bool,
) -> ExitCode:
    """Ask for a safe stop and wait until it is confirmed."""
    rules = rules_in(documents)
    key = controller_in(rules, controller).id
    with SafetyGuard(rules, stops, beats=False) as guard:
        guard.stop(key, by=by, why=why)
        confirmed = _eventually(guard, key, wait_s)
        stands = guard.view().stops[key]
    if as_json:
        sys.stdout.write(to_json_pretty(stands).decode())
    elif confirmed:
        sys.stdout.write(f"{key} has stopped; it stands until a person resets it.\n")
    else:
        sys.stdout.write(
            f"{key} has not confirmed the stop. No command leaves for it. Use the emergency stop.\n"
        )
    return ExitCode.FINE if confirmed else ExitCode.NOT_PRODUCIBLE


def reset(
    documents: Path, controller: str, by: str, stops: Path, wait_s: float, *, as_json: bool
) -> ExitCode:
    """End a stop, or tell why it stands on."""
    rules = rules_in(documents)
    key = controller_in(rules, controller).id
    with SafetyGuard(rules, stops, beats=False) as guard:
        guard.wait_until_seen(wait_s)
        found = guard.reset(key, by=by)
    if as_json:
        sys.stdout.write(to_json_pretty(found).decode())
    elif isinstance(found, ResetRefused):
        for reason in found.reasons:
            sys.stdout.write(sentence(reason, WallClock().now()) + "\n")
    else:
        sys.stdout.write(f"The stop of {key} is over ({by}). Each command is judged anew.\n")
    return ExitCode.NOT_PRODUCIBLE if isinstance(found, ResetRefused) else ExitCode.FINE


def simulate(documents: Path, controller: str, log: str) -> ExitCode:
    """Be the controller until standard input ends."""
    known = controller_in(rules_in(documents), controller)
    _, port, _ = place_of(known.url)
    with suppress(KeyboardInterrupt):  # this is how it is switched off
        asyncio.run(SimulatedController(given_of(known, port, log), say).serve())
    return ExitCode.FINE


def _eventually(guard: SafetyGuard, key: ControllerId, wait_s: float) -> bool:
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        if guard.view().stops[key].confirmed_at is not None:
            return True
        time.sleep(LOOK_S)
    return False


def _tell(found: SafetyStatus) -> None:
    for key, trouble in found.troubles.items():
        sys.stdout.write(f"{key}: {trouble}\n")
    for each in found.permissives:
        only = f" ({', '.join(each.only)})" if each.only else ""
        word = "withheld" if each.reasons else "permitted"
        sys.stdout.write(f"{each.of}{only}: {word}\n")
        for reason in each.reasons:
            sys.stdout.write(f"  {sentence(reason, Instant(found.at))}\n")
