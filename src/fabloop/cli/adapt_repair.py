"""``fabloop adapt undo`` in a week of the bakery: takes a repair back while it goes on."""

import sys
from pathlib import Path

from fabloop.app.muffin.telling import told_text
from fabloop.app.muffin.undoing import undo_repair as taken_back
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid


def undo_repair(folder: Path, about: str, by: str, at: str, *, as_json: bool) -> ExitCode:
    """Take a repair back and tell it; the week is resumed without it."""
    if at:
        expected, found = "no instant: a repair is taken back now", f"'{at}'"
        raise Invalid(Fault(source="--at", path="", expected=expected, found=found))
    undone = taken_back(folder, about, by)
    if as_json:
        sys.stdout.write(to_json_pretty(undone).decode())
    else:
        sys.stdout.write(f"{told_text(undone)}\n")
    return ExitCode.FINE
