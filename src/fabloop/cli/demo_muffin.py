"""``fabloop demo muffin``: plays the week of the bakery, tells it, asks, writes what came of it."""

import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from fabloop.app.muffin.cell import CELL, RULES_FILE, SAFETY_FILE, Cell
from fabloop.app.muffin.chronicle import WeekVolatile, chronicle_of, silence_of
from fabloop.app.muffin.documents import FOLDER
from fabloop.app.muffin.exhibits import figures_table, write_exhibits
from fabloop.app.muffin.kpis import WeekFigures, figures_of
from fabloop.app.muffin.play import (
    MuffinSettings,
    Week,
    begin_week,
    resume_week,
    settings_in,
    zone_of,
)
from fabloop.app.muffin.telling import told_in
from fabloop.app.service_runtime.facts import PersonAsked, RepairProposed, RuntimeFact
from fabloop.app.value_texts import short_text
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Invalid
from fabloop.base.instant import Instant
from fabloop.cli.answers import ask, plan_number
from fabloop.cli.given import instant_given
from fabloop.cli.story_options import Request, check_places, option_faults, write_document

STORY = "muffin"
SCENARIO = "burnt"
AT_ONCE = (
    "Nobody can answer that in time: the story does not wait, so the time for an answer passes at "
    "once, and what is safe is done. To answer, rest there with --keep FOLDER --until question, "
    "or let time pass with --realtime; then use `fabloop adapt answer`."
)
QUESTION = "question"
"""Where `--until` says so, a week rests as soon as somebody is asked."""


class Teller:
    """Writes what happens to the terminal: standard error where JSON goes to standard output.

    Where it `asks`, a person chooses the ways out; without a terminal, or with --auto, the policy
    of the bakery decides. Where the story neither asks nor `waits` for an answer from elsewhere,
    it is said that a question's time is over at once.
    """

    def __init__(self, *, to_stderr: bool, asks: bool, waits: bool, zone: str) -> None:
        self._console = Console(stderr=to_stderr, highlight=False, soft_wrap=True)
        self._zone = zone
        self._console.print(f"All times are those of {zone}.", markup=False)
        self.asks = asks
        self._may_be_answered = asks or waits

    def approve(self, proposal: RepairProposed) -> tuple[int, str] | None:
        """Let a person choose a way out."""
        ways = (proposal.chosen, *proposal.others)
        for number, way in enumerate(ways, start=1):
            late = ", too late for the goals" if way.late else ""
            price = f"{way.cost_minor / 100:.2f} {way.currency}"
            words = f"{number}. {way.where}: {'; '.join(way.steps)} ({price}{late})"
            self._console.print(words, markup=False)
        answer = ask(
            lambda: self._console.input("Which way out, 1 if nothing is typed? [N/n] "),
            lambda text: plan_number(text, len(ways)),
            lambda words: self._console.print(words, markup=False),
            at_end=None,
        )
        return None if answer is None else (answer - 1, "person")

    def told(self, at: Instant, facts: Sequence[RuntimeFact]) -> None:
        """Tell facts of one moment."""
        for fact in facts:
            words = told_in(fact, self._zone)
            if words:
                self._console.print(f"{short_text(at, self._zone)}  {words}", markup=False)
            if isinstance(fact, PersonAsked) and fact.expires_at and not self._may_be_answered:
                self._may_be_answered = True  # said once
                self._console.print(AT_ONCE, markup=False)

    def closes(
        self, figures: WeekFigures, written: Sequence[tuple[Path, str]], wall_s: float
    ) -> None:
        """Tell the KPIs of the week."""
        for name, value in figures_table(figures).rows:
            self._console.print(f"{name:32} {value}", markup=False)
        for path, caption in written:
            self._console.print(f"{path}: {caption}", markup=False)
        self._console.print(f"Played in {wall_s:.1f} s.", markup=False)


def play_week(request: Request) -> ExitCode:
    """Play a new week or go on with one; the exit code tells how it ended."""
    _check(request)
    check_places(request, request.out or Path(f"demo-{STORY}"))
    named = request.until if request.until != QUESTION else ""
    until = instant_given("--until", named) if named else None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    started = time.monotonic()
    if request.resume is not None or request.keep is not None:
        folder = request.resume or request.keep
        assert folder is not None, "one of them is given"
        return _play_in(folder, request, until, started)
    with tempfile.TemporaryDirectory(prefix="fabloop-muffin-") as scratch:
        return _play_in(Path(scratch) / "data", request, until, started)


def _play_in(folder: Path, request: Request, until: Instant | None, started: float) -> ExitCode:
    asks = sys.stdin.isatty() and not request.auto
    zone = zone_of(_settings(folder, request))
    waits = request.realtime is not None or request.until == QUESTION
    teller = Teller(to_stderr=request.json == Path("-"), asks=asks, waits=waits, zone=zone)
    with Cell() as cell:
        week = _open(folder, request, teller, cell)
        return _played(week, cell, request, teller, until, started)


def _played(
    week: Week,
    cell: Cell,
    request: Request,
    teller: Teller,
    until: Instant | None,
    started: float,
) -> ExitCode:
    try:
        cell.open(week.bakery.folder / SAFETY_FILE, week.folder / CELL)
        week.play(until, to_question=request.until == QUESTION)
        figures = figures_of(week.log.history, week.bakery)
        if request.until and figures.delivered + figures.refused < len(week.bakery.orders):
            return ExitCode.FINE
        out = request.out or Path(f"demo-{STORY}")
        written = write_exhibits(week, out)
        volatile = WeekVolatile(
            wall_s=round(time.monotonic() - started, 3),
            data=str(week.folder),
            exhibits=tuple(str(path) for path, _ in written),
            resumed=request.resume is not None,
            silence=silence_of(week.log.history, waited=request.realtime is not None),
        )
        if request.json is not None:
            write_document(request.json, to_json_pretty(chronicle_of(week, volatile)))
        teller.closes(figures, written, volatile.wall_s)
        done = figures.delivered + figures.refused == len(week.bakery.orders)
        return ExitCode.FINE if done and figures.kept else ExitCode.NOT_PRODUCIBLE
    finally:
        week.close()


def _open(folder: Path, request: Request, teller: Teller, cell: Cell) -> Week:
    if request.resume is not None:
        return resume_week(
            folder,
            told=teller.told,
            times_real=request.realtime,
            approve=teller.approve if teller.asks else None,
            gate=cell.judge,
            checks=folder / CELL / RULES_FILE,
        )
    return begin_week(
        folder,
        _settings(folder, request),
        told=teller.told,
        times_real=request.realtime,
        approve=teller.approve if teller.asks else None,
        gate=cell.judge,
        checks=folder / CELL / RULES_FILE,
    )


def _settings(folder: Path, request: Request) -> MuffinSettings:
    """Return what a week begins with, or has begun with."""
    if request.resume is not None:
        return settings_in(folder)
    return MuffinSettings(
        story=STORY,
        seed=request.seed,
        documents=str((request.documents or FOLDER).resolve()),
        scenario=request.scenario or SCENARIO,
    )


def _check(request: Request) -> None:
    new_only = (("--documents", request.documents), ("--scenario", request.scenario))
    faults = option_faults(request, new_only)
    if faults:
        raise Invalid(faults)
