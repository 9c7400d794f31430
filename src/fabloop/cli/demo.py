"""``fabloop demo``: plays a story, tells it while it happens, asks, and writes what came of it."""

import signal
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from fabloop import __version__
from fabloop.app.chronicle import Outcome, Volatile, chronicle_of, summary_of
from fabloop.app.demo import (
    SETTINGS_FILE,
    STORIES,
    Demo,
    Settings,
    World,
    begin,
    documents_of,
    resume,
)
from fabloop.app.exhibits import write_exhibits
from fabloop.app.snapshot import OrderState
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Invalid, Refused
from fabloop.base.instant import Instant
from fabloop.base.names import did_you_mean
from fabloop.cli.given import instant_given
from fabloop.cli.narrator import Narrator
from fabloop.cli.story_options import (
    Request,
    check_places,
    option_fault,
    option_faults,
    write_document,
)
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
    check_places(request, request.out or Path(f"demo-{request.story}"))
    until = instant_given("--until", request.until) if request.until else None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    started = time.monotonic()
    asks = sys.stdin.isatty() and not request.auto
    narrator = Narrator(to_stderr=request.json == Path("-"), asks=asks)
    if request.resume is not None or request.keep is not None:
        folder = request.resume or request.keep
        assert folder is not None
        return _play_in(folder, request, narrator, until, started)
    with tempfile.TemporaryDirectory(prefix="fabloop-demo-") as scratch:
        return _play_in(Path(scratch) / "data", request, narrator, until, started)


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
        from fabloop.cli.demo_muffin import play_week
    except ModuleNotFoundError as error:
        raise Refused(
            "Expected the extras 'http', 'dataspace' and 'modbus' for services, their data and "
            f"their safety controller, but found that {error.name} is not installed. "
            "Run: pip install 'fabloop[http,dataspace,modbus]'"
        ) from error
    for name, given in (("--choose", request.choices), ("--wire", request.wire)):
        if given:
            raise Invalid(option_fault(name, "an option of story 'wavegear'", "story 'muffin'"))
    return play_week(request)


def _play_in(
    folder: Path, request: Request, narrator: Narrator, until: Instant | None, started: float
) -> ExitCode:
    demo = _open(folder, request, narrator)
    try:
        narrator.opens(demo, folder, kept=request.resume or request.keep)
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
            write_document(request.json, to_json_pretty(chronicle_of(demo, volatile)))
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


def _check(request: Request) -> None:
    new_only = (("--documents", request.documents), ("--choose", request.choices))
    faults = option_faults(request, new_only)
    if request.resume is None and request.story not in STORIES:
        known = did_you_mean(request.story, (*STORIES, MUFFIN))
        faults.append(option_fault("STORY", "a story", repr(request.story), known))
    if request.scenario:
        found = "story 'wavegear'"
        faults.append(option_fault("--scenario", "an option of story 'muffin'", found))
    if faults:
        raise Invalid(faults)


def _choices(texts: tuple[str, ...]) -> dict[str, str]:
    faults = [
        option_fault("--choose", "FEATURE=OPTION, such as ratio=80", repr(text))
        for text in texts
        if not all(text.partition("="))
    ]
    if faults:
        raise Invalid(faults)
    return {text.partition("=")[0]: text.partition("=")[2] for text in texts}
