"""``fabloop demo``: plays a story, tells it while it happens, asks, and writes what came of it."""

import sys
import tempfile
import time
from pathlib import Path

import msgspec

from fabloop import __version__
from fabloop.app.chronicle import Chronicle, Outcome, Volatile, chronicle_of, summary_of
from fabloop.app.demo import Demo, Settings, begin, documents_of, resume
from fabloop.app.exhibits import write_exhibits
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.cli.given import instant_given
from fabloop.cli.narrator import Narrator

_EXIT_CODES = {
    Outcome.FINISHED: ExitCode.FINE,
    Outcome.REJECTED: ExitCode.NOT_PRODUCIBLE,
    Outcome.REFUSED: ExitCode.NOT_PRODUCIBLE,
    Outcome.STUCK: ExitCode.NOT_PRODUCIBLE,
    Outcome.UNDECIDED: ExitCode.NOT_PRODUCIBLE,
    Outcome.NOT_CONFIGURABLE: ExitCode.BAD_INPUT,
}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The options of the command, as given."""

    story: str
    auto: bool
    json: Path | None
    seed: int
    keep: Path | None
    resume: Path | None
    out: Path | None
    documents: Path | None
    choices: tuple[str, ...]
    realtime: float | None
    until: str = ""


def play(request: Request) -> ExitCode:
    """Play a new story or go on with one; the exit code tells how it ended.

    Raises
    ------
    Invalid
        Options contradict each other, or a choice is no ``feature=option``.
    """
    _check(request)
    started = time.monotonic()
    asks = sys.stdin.isatty() and not request.auto
    narrator = Narrator(to_stderr=request.json == Path("-"), asks=asks)
    if request.resume is not None or request.keep is not None:
        folder = request.resume or request.keep
        assert folder is not None
        return _play_in(folder, request, narrator, started)
    with tempfile.TemporaryDirectory(prefix="fabloop-demo-") as scratch:
        return _play_in(Path(scratch) / "data", request, narrator, started)


def _play_in(folder: Path, request: Request, narrator: Narrator, started: float) -> ExitCode:
    demo = _open(folder, request, narrator)
    try:
        narrator.opens(demo, folder, kept=request.resume or request.keep)
        until = instant_given("--until", request.until) if request.until else None
        demo.play(narrator.choose, narrator.approve, until)
        if until is not None and summary_of(demo).outcome is Outcome.UNDECIDED:
            return ExitCode.FINE
        out = request.out or Path(f"demo-{demo.settings.story}")
        with narrator.busy("Drawing pictures and the report"):
            written = write_exhibits(demo, out)
        volatile = Volatile(
            wall_s=round(time.monotonic() - started, 3),
            data=str(folder),
            exhibits=tuple(str(path) for path, _ in written),
            fabloop=__version__,
            resumed=request.resume is not None,
        )
        if request.json is not None:
            _write(request.json, chronicle_of(demo, volatile))
        narrator.closes(demo, written, volatile.wall_s)
        return _EXIT_CODES[summary_of(demo).outcome]
    finally:
        demo.close()


def _open(folder: Path, request: Request, narrator: Narrator) -> Demo:
    if request.resume is not None:
        return resume(folder, told=narrator.told, times_real=request.realtime)
    documents = request.documents or documents_of(request.story)
    settings = Settings(
        story=request.story,
        seed=request.seed,
        documents=str(documents.resolve()),
        choices=_choices(request.choices),
    )
    return begin(folder, settings, told=narrator.told, times_real=request.realtime)


def _write(target: Path, chronicle: Chronicle) -> None:
    data = to_json_pretty(chronicle)
    if target == Path("-"):
        sys.stdout.buffer.write(data)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def _check(request: Request) -> None:
    faults = []
    for name, value in (
        ("--keep", request.keep),
        ("--documents", request.documents),
        ("--choose", request.choices or None),
    ):
        if request.resume is not None and value is not None:
            faults.append(_fault("--resume", "--resume alone", f"{name} too", "Leave one out."))
    if request.realtime is not None and request.realtime <= 0:
        faults.append(_fault("--realtime", "a factor above 0", f"{request.realtime:g}"))
    if request.until and request.resume is None and request.keep is None:
        faults.append(_fault("--until", "--keep or --resume", "neither"))
    if request.seed < 0:
        faults.append(_fault("--seed", "a whole number of 0 or more", str(request.seed)))
    if faults:
        raise Invalid(faults)


def _choices(texts: tuple[str, ...]) -> dict[str, str]:
    faults = [
        _fault("--choose", "FEATURE=OPTION, such as ratio=80", repr(text))
        for text in texts
        if not all(text.partition("="))
    ]
    if faults:
        raise Invalid(faults)
    return {text.partition("=")[0]: text.partition("=")[2] for text in texts}


def _fault(option: str, expected: str, found: str, hint: str = "") -> Fault:
    return Fault(source="fabloop demo", path=option, expected=expected, found=found, hint=hint)
