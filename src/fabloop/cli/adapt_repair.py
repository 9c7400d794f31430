"""``fabloop adapt undo`` and ``answer`` in a week of the bakery."""

import sys
from pathlib import Path

from fabloop.app.muffin.answers import give, open_questions, question_text
from fabloop.app.muffin.play import settings_in, zone_of
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


def tell_questions(folder: Path, *, as_json: bool) -> ExitCode:
    """Tell what is asked in a week, with the ways out and what is done without an answer."""
    found = open_questions(folder)
    if as_json:
        sys.stdout.write(to_json_pretty(found).decode())
    else:
        zone = zone_of(settings_in(folder))
        texts = [question_text(each, zone) for each in found] or ["Nothing is asked."]
        sys.stdout.write("\n".join(texts) + "\n")
    return ExitCode.FINE


def answer_question(
    folder: Path, about: str, wanted: str, by: str, role: str, *, as_json: bool
) -> ExitCode:
    """Take an answer down; the week takes it up at once, or when it is resumed."""
    if not wanted:
        expected, found = "the way out that is wanted, or 'none'", "nothing"
        raise Invalid(Fault(source="WANTED", path="", expected=expected, found=found))
    given = give(folder, about, wanted, by, role)
    if as_json:
        sys.stdout.write(to_json_pretty(given).decode())
    else:
        sys.stdout.write(f"{told_text(given)}\n")
    return ExitCode.FINE
