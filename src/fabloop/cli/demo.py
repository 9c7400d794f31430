"""``fabloop demo``: plays a story, tells it while it happens, asks, and writes what came of it."""

import signal
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from fabloop import __version__
from fabloop.app.chronicle import Chronicle, Outcome, Volatile, chronicle_of, summary_of
from fabloop.app.demo import SETTINGS_FILE, Demo, Settings, World, begin, documents_of, resume
from fabloop.app.exhibits import write_exhibits
from fabloop.app.snapshot import OrderState
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid, Refused
from fabloop.base.instant import Instant
from fabloop.cli.given import instant_given
from fabloop.cli.narrator import Narrator
from fabloop.model.facts import AdaptationProposed
from fabloop.model.plan import Plan
from fabloop.model.product import NotConfigurable

MUFFIN = "muffin"
"""The story that has a runtime of its own."""

WIRE_TIMES_REAL = 1_200.0
"""Twenty minutes of the story in a second: a minute and more for the wave gear."""
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
    wire: bool = False
    until: str = ""
    scenario: str = ""


def play(request: Request) -> ExitCode:
    """Play a new story or go on with one; the exit code tells how it ended.

    Raises
    ------
    Invalid
        Options contradict each other, or a choice is no ``feature=option``.
    """
    if is_muffin(request.story, request.resume):
        return _play_muffin(request)
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


def is_muffin(story: str, resumed: Path | None) -> bool:
    """Tell whether a story is that of the bakery, by its name or by what a folder holds."""
    if resumed is None:
        return story == MUFFIN
    try:
        kept = msgspec.json.decode((resumed / SETTINGS_FILE).read_bytes())
    except (OSError, msgspec.DecodeError):
        return story == MUFFIN
    return isinstance(kept, dict) and kept.get("story") == MUFFIN


def _play_muffin(request: Request) -> ExitCode:
    """Play the week of the bakery, which has options of its own."""
    try:
        from fabloop.cli.demo_muffin import MuffinRequest, play_week
    except ModuleNotFoundError as error:
        raise Refused(
            "Expected the extras 'http', 'dataspace' and 'modbus' for services, their data and "
            f"their safety controller, but found that {error.name} is not installed. "
            "Run: pip install 'fabloop[http,dataspace,modbus]'"
        ) from error
    for name, given in (("--choose", request.choices), ("--wire", request.wire)):
        if given:
            raise Invalid(_fault(name, "an option of story 'wavegear'", "story 'muffin'"))
    return play_week(
        MuffinRequest(
            auto=request.auto,
            json=request.json,
            seed=request.seed,
            keep=request.keep,
            resume=request.resume,
            out=request.out,
            documents=request.documents,
            scenario=request.scenario,
            realtime=request.realtime,
            until=request.until,
        )
    )


def _play_in(folder: Path, request: Request, narrator: Narrator, started: float) -> ExitCode:
    demo = _open(folder, request, narrator)
    try:
        narrator.opens(demo, folder, kept=request.resume or request.keep)
        until = instant_given("--until", request.until) if request.until else None
        wired = _played(demo, narrator, until, request)
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
        narrator.closes(demo, written, volatile.wall_s, wired)
        return _EXIT_CODES[summary_of(demo).outcome]
    finally:
        demo.close()


def _played(
    demo: Demo, narrator: Narrator, until: Instant | None, request: Request
) -> tuple[str, ...]:
    """Play, on wires if asked for, and return what went over them."""
    if not request.wire or isinstance(demo.order, NotConfigurable):
        demo.play(narrator.choose, narrator.approve, until, maintain=narrator.maintain)
        return ()
    from fabloop.app.wired.wires import Wires

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    times_real = request.realtime or WIRE_TIMES_REAL
    with Wires(demo.scenario, demo.settings.seed, demo.clock.now(), times_real) as wires:
        world = World(
            clock=wires.clock,
            actor=wires.plant,
            measure=wires.edge.measure,
            awaited=wires.plant.awaited,
        )

        def choose(state: OrderState) -> Plan | None:
            plan = narrator.choose(state)
            if plan is not None:
                wires.needed(plan)
            return plan

        def approve(proposal: AdaptationProposed) -> bool:
            agreed = narrator.approve(proposal)
            if agreed:
                wires.needed(proposal.plan)
            return agreed

        demo.play(choose, approve, until, world, narrator.maintain)
        return wires.told()


def _open(folder: Path, request: Request, narrator: Narrator) -> Demo:
    times_real = None if request.wire else request.realtime  # on wires, time passes by itself
    if request.resume is not None:
        return resume(folder, told=narrator.told, times_real=times_real)
    documents = request.documents or documents_of(request.story)
    settings = Settings(
        story=request.story,
        seed=request.seed,
        documents=str(documents.resolve()),
        choices=_choices(request.choices),
    )
    return begin(folder, settings, told=narrator.told, times_real=times_real)


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
    if request.scenario:
        faults.append(_fault("--scenario", "an option of story 'muffin'", "story 'wavegear'"))
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
