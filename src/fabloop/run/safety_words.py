"""What fabloop and a safety controller say to each other in registers of 16 bits.

Both sides count: each has to see the other's counter move. A safe stop is asked for by a new
number, which the controller repeats once it has taken it; nothing that we write releases a zone.
A controller that decides on commands shows a permit number, another one whenever anything fell; a
claim names the permit that a command rests on, what it requires and which command it is, and is
granted or refused. What was granted on the present permit it shows on, for machines that check.
"""

import zlib
from collections.abc import Sequence
from enum import IntEnum

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import SignalId
from fabloop.model.safety import ControllerState, SafetyController, Sight, SignalValue, Target

WORD = 2**16


class Register(IntEnum):
    """Holding registers of the controller; the first are its own, from `OUR_BEAT` on ours."""

    BEAT = 0
    STATE = 1
    SIGNALS = 2
    SOUND = 3
    """A bit for each signal whose sensor is sound."""
    STOP_TAKEN = 4
    PERMIT = 5
    CLAIM_DECIDED = 6
    CLAIM_GRANTED = 7
    """1: the claim of that number is granted."""
    OUR_BEAT = 16
    STOP_ASKED = 17
    CLAIM = 18
    CLAIM_PERMIT = 19
    """The permit that the claim rests on."""
    CLAIM_TRUE = 20
    """A bit for each signal that has to be true, in the next one those that have to be false."""
    CLAIM_FALSE = 21
    CLAIM_COMMAND = 22
    """Which command it is, by `command_number`; 0 where that is not told."""
    GRANTS = 32
    """Pairs of a claim granted on the present permit and its command, the latest first."""


TOLD = 5
"""Registers that every controller writes, read by one request."""
TOLD_WITH_CLAIMS = 8
"""Registers that one writes which decides on commands."""
GRANTS_MAX = 16
"""Claims that a controller shows on; a machine does not know older ones."""
REGISTERS = Register.GRANTS + 2 * GRANTS_MAX
STATES = {1: ControllerState.RUNS, 2: ControllerState.STOPPING, 3: ControllerState.STOPPED}
NUMBERS = {state: number for number, state in STATES.items()}


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the controller's registers held."""

    beat: int
    state: ControllerState
    signals: int
    sound: int
    stop_taken: int
    permit: int = 0
    claim: int = 0
    granted: bool = False


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A claim that was granted on the present permit, and the command that it was for."""

    claim: int
    command: int


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a command rests on: a permit, signals that have to be true or false, and which it is."""

    number: int = 0
    permit: int = 0
    true: int = 0
    false: int = 0
    command: int = 0

    @property
    def words(self) -> list[int]:
        """The registers that say this, from `Register.CLAIM` on."""
        return [self.number, self.permit, self.true, self.false, self.command]


def command_number(target: Target) -> int:
    """Return the number by which a claim tells its command apart; machines count it alike.

    It is the CRC-32 of ``unit WORK-UNIT/SKILL`` or ``service SERVICE/OPERATION`` in one word. A mix
    up is told by it, a forgery is not: who may write to the controller may claim anything.
    """
    kind = "unit" if target.work_unit is not None else "service"
    return zlib.crc32(f"{kind} {target.name}".encode()) % (WORD - 1) + 1


def told_of(words: Sequence[int]) -> Told | None:
    """Return what words say; None where they make no sense, which counts as nothing told."""
    if len(words) < TOLD or words[Register.STATE] not in STATES:
        return None
    return Told(
        beat=words[Register.BEAT],
        state=STATES[words[Register.STATE]],
        signals=words[Register.SIGNALS],
        sound=words[Register.SOUND],
        stop_taken=words[Register.STOP_TAKEN],
        permit=words[Register.PERMIT] if len(words) >= TOLD_WITH_CLAIMS else 0,
        claim=words[Register.CLAIM_DECIDED] if len(words) >= TOLD_WITH_CLAIMS else 0,
        granted=len(words) >= TOLD_WITH_CLAIMS and words[Register.CLAIM_GRANTED] == 1,
    )


def words_of(told: Told) -> list[int]:
    """Return the registers that say this."""
    first = [told.beat, NUMBERS[told.state], told.signals, told.sound, told.stop_taken]
    return [*first, told.permit, told.claim, int(told.granted)]


def words_of_grants(grants: Sequence[Grant]) -> list[int]:
    """Return the registers that show grants, from `Register.GRANTS` on."""
    words = [word for each in grants[:GRANTS_MAX] for word in (each.claim, each.command)]
    return words + [0] * (2 * GRANTS_MAX - len(words))


def grants_of(words: Sequence[int]) -> tuple[Grant, ...]:
    """Return the grants that all registers of a controller show."""
    shown = words[Register.GRANTS : REGISTERS]
    pairs = zip(shown[::2], shown[1::2], strict=False)
    return tuple(Grant(claim=claim, command=command) for claim, command in pairs if claim)


def sight_of(
    controller: SafetyController,
    told: Told,
    before: Told | None,
    beat_at: Instant | None,
    asked_at: Instant,
) -> Sight:
    """Return what is known of a controller after an answer.

    The time of a signal is that at which we asked, not that of the answer: what was true when the
    controller wrote it cannot be older than the answer took.
    """
    moved = before is None or before.beat != told.beat or beat_at is None
    signals = {each.id: _value(each.id, each.bit, told, asked_at) for each in controller.signals}
    last = asked_at if moved or beat_at is None else beat_at
    return Sight(state=told.state, beat_at=last, signals=signals)


def _value(signal: SignalId, bit: int, told: Told, at: Instant) -> SignalValue:
    del signal
    return SignalValue(value=bool(told.signals >> bit & 1), good=bool(told.sound >> bit & 1), at=at)


def next_beat(beat: int) -> int:
    """Return what a counter shows next; 0 is left out: it is what a register holds before."""
    return beat % (WORD - 1) + 1
