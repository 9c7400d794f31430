"""The gate before the commands of a command line: by a safety document, or nothing leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fabloop.adapters.documents import documents_in
from fabloop.app.processes.clocks import WallClock
from fabloop.app.safety.documents import rules_in
from fabloop.base.errors import NotPermitted, Refused
from fabloop.cli.folders import STOPS_FOLDER
from fabloop.model.documents.structure import kind_in
from fabloop.model.safety import SafetyRules, SafetyView
from fabloop.run.gate import Gate, gate_of, simulated, undeclared

SEEN_S_MAX = 5.0
"""How long to wait for safety controllers before the first command."""


@contextmanager
def gate_in(folder: Path) -> Iterator[Gate]:
    """Have the gate of a folder for a call or two; without a safety document nothing leaves.

    Our heart does not beat for so short a time: a controller would miss it.
    """
    if not _declares(folder):
        yield undeclared
        return
    with _gate_of(rules_in(folder), beats=False) as gate:
        yield gate


@contextmanager
def standing_gate(place: Path | None, *, moves_nothing: bool) -> Iterator[Gate]:
    """Have the gate of whoever commands as long as it runs, and beats for the controllers.

    Raises
    ------
    NotPermitted
        Nobody says what commands require, or that all machines are simulated.
    """
    if place is None and not moves_nothing:
        raise NotPermitted(
            "Expected --safety with a document of kind 'safety' that says what commands require, "
            "but found none. Begin one with `fabloop safety draft`, or say --simulated where "
            "nothing real moves."
        )
    if place is None:
        yield simulated
        return
    with _gate_of(rules_in(place), beats=True) as gate:
        yield gate


def _declares(folder: Path) -> bool:
    documents = documents_in(folder) if any(folder.glob("*.json")) else {}
    return any(kind_in(data) == "safety" for data in documents.values())


@contextmanager
def _gate_of(rules: SafetyRules, *, beats: bool) -> Iterator[Gate]:
    """Have the gate of rules; controllers are listened to where there are any."""
    if not rules.controllers:
        yield gate_of(rules, SafetyView, WallClock().now)
        return
    try:
        from fabloop.app.safety.guard import SafetyGuard  # needs an extra
    except ModuleNotFoundError as error:
        raise Refused(
            "Expected the extra 'modbus' to ask safety controllers, but found that "
            f"{error.name} is not installed. Run: pip install 'fabloop[modbus]'"
        ) from error
    with SafetyGuard(rules, STOPS_FOLDER, beats=beats) as guard:
        guard.wait_until_seen(SEEN_S_MAX)
        yield guard.judge
