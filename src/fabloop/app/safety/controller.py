"""A simulated safety controller as an OS process of its own, with a panel on standard input."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from fabloop.adapters.plant_servers.safety import SafetyRegisters
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import SECOND, Instant
from fabloop.base.names import did_you_mean
from fabloop.model.safety import SafetyController
from fabloop.run.safety_words import WORD
from fabloop.sim.safety import (
    ControllerMemory,
    ControllerSettings,
    Heard,
    Panel,
    begin,
    step,
)

CYCLE_S = 0.005
WORDS = ("open", "close", "break", "mend", "press", "emergency", "calm", "freeze", "thaw")

Say = Callable[[str], None]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the controller's own log: what it shows from `at` on, and surely by `seen_by`."""

    at: Instant
    seen_by: Instant
    state: str
    signals: int
    sound: int
    beats: bool


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulated controller is started with.

    Attributes
    ----------
    bits : of each signal, by the name that is used on the panel
    closed : signals that are true at first
    released : whether its reset was pressed before anybody looks
    log : a file for what it shows, one line a change
    """

    bits: Mapping[str, int]
    port: int = 0
    closed: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    watchdog_ns: int
    stopping_ns: int = 200_000_000
    released: bool = True
    log: str = ""


def given_of(controller: SafetyController, port: int, log: str = "") -> Given:
    """Return a simulated controller in place of a declared one: all signals are true at first."""
    names = {each.id.rpartition("/")[2]: each.bit for each in controller.signals}
    return Given(
        bits=names,
        port=port,
        closed=tuple(names),
        guards=tuple(names),
        watchdog_ns=controller.heartbeat_ns * 2,
        log=log,
    )


def turned(panel: Panel, line: str, bits: Mapping[str, int]) -> Panel:
    """Return the panel after a word was typed, such as ``open guard``.

    Raises
    ------
    Invalid
        There is no such word, or no such signal.
    """
    word, _, name = line.strip().partition(" ")
    bit = 1 << bits.get(name, 0)
    if word in ("open", "close", "break", "mend") and name not in bits:
        raise Invalid(_fault("a signal", name, did_you_mean(name, bits)))
    change: dict[str, int | bool]
    match word:
        case "open":
            change = {"signals": panel.signals & ~bit}
        case "close":
            change = {"signals": panel.signals | bit}
        case "break":
            change = {"sound": panel.sound & ~bit}
        case "mend":
            change = {"sound": panel.sound | bit}
        case "press":
            change = {"reset_presses": panel.reset_presses + 1}
        case "emergency" | "calm":
            change = {"emergency_stop": word == "emergency"}
        case "freeze" | "thaw":
            change = {"beats": word == "thaw"}
        case _:
            raise Invalid(_fault("one of " + ", ".join(WORDS), word, did_you_mean(word, WORDS)))
    return msgspec.structs.replace(panel, **change)


def _fault(expected: str, found: str, hint: str) -> Fault:
    return Fault(source="panel", path="", expected=expected, found=repr(found), hint=hint)


class SimulatedController:
    """Runs the controller's cycle until its panel is closed."""

    def __init__(self, given: Given, say: Say) -> None:
        self._given = given
        self._say = say
        self._settings = ControllerSettings(
            watchdog_ns=given.watchdog_ns,
            stopping_ns=given.stopping_ns,
            guards=self._mask(given.guards),
        )
        sound = self._mask(given.bits)
        self._panel = Panel(signals=self._mask(given.closed), sound=sound)
        now_s = time.time_ns() // SECOND  # noqa: TID251  # a device has its own clock
        self._memory = begin(self._panel, permit=now_s % (WORD - 1) + 1)
        if given.released:
            self._panel = turned(self._panel, "press", given.bits)
        self._ended = False
        self._log = Path(given.log).open("a") if given.log else None  # noqa: SIM115
        self._shown: tuple[object, ...] = ()

    async def serve(self) -> None:
        """Serve registers and follow the panel until standard input ends."""
        registers = SafetyRegisters(port=self._given.port)
        self._say(await registers.start())
        reading = asyncio.create_task(self._follow())
        while not self._ended:
            beat, stop, claim = await registers.written()
            heard = Heard(beat=beat, stop_asked=stop, claim=claim)
            now = Instant(time.time_ns())  # noqa: TID251  # a device has its own clock
            self._memory = step(self._memory, self._panel, heard, self._settings, now)
            await registers.show(self._memory.told, self._memory.grants)
            self._note(self._memory, now)
            await asyncio.sleep(CYCLE_S)
        await reading
        await registers.close()
        if self._log is not None:
            self._log.close()

    async def _follow(self) -> None:
        while line := await asyncio.to_thread(sys.stdin.readline):
            if not line.strip():
                continue
            try:
                self._panel = turned(self._panel, line, self._given.bits)
            except Invalid as error:
                self._say(str(error))
                continue
            self._say("ok")
        self._ended = True

    def _note(self, memory: ControllerMemory, now: Instant) -> None:
        told = memory.told
        shown = (told.state, told.signals, told.sound, self._panel.beats)
        if self._log is None or shown == self._shown:
            return
        self._shown = shown
        row = Shown(
            at=now,
            seen_by=Instant(time.time_ns()),  # noqa: TID251  # as above
            state=told.state,
            signals=told.signals,
            sound=told.sound,
            beats=self._panel.beats,
        )
        self._log.write(msgspec.json.encode(row).decode() + "\n")
        self._log.flush()

    def _mask(self, names: Mapping[str, int] | tuple[str, ...]) -> int:
        return sum(1 << self._given.bits[each] for each in names)


def say(line: str) -> None:
    """Write a line for whoever started this process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Run with what the environment variable ``FABLOOP_CONTROLLER`` gives, as JSON."""
    given = msgspec.json.decode(os.environ["FABLOOP_CONTROLLER"], type=Given)
    asyncio.run(SimulatedController(given, say).serve())


if __name__ == "__main__":
    main()
