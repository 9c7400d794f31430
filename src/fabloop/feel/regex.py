"""XPath regular expressions with a budget: a backtracking machine that can be stopped.

Python's own engine is not used, because a pattern from a user could keep it busy for ever.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import assert_never

import msgspec

from fabloop.feel.characters import Characters
from fabloop.feel.regex_syntax import (
    Alternatives,
    Anchor,
    Back,
    Group,
    Part,
    PatternFault,
    Repeat,
    Sequence,
    parsed,
)

__all__ = ["Pattern", "PatternFault", "compile_pattern"]

Spend = Callable[[int], None]
PROGRAM_LENGTH_MAX = 5_000
"""Instructions of one pattern; counted repeats are copied out."""

INSTRUCTION_STEPS = 4
"""What one instruction costs of an evaluation's budget: it takes about as long as four steps."""

_BATCH = 256


class Take(msgspec.Struct, frozen=True):
    """Read one character of a set."""

    characters: Characters


class Split(msgspec.Struct, frozen=True):
    """Try one place in the program, and the other if that fails."""

    first: int
    second: int


class Jump(msgspec.Struct, frozen=True):
    """Go on elsewhere."""

    to: int


class Save(msgspec.Struct, frozen=True):
    """Note the position in a slot (two for each group, one for each loop)."""

    slot: int


class Moved(msgspec.Struct, frozen=True):
    """Fail if the position is still the one in a slot: a loop must not turn on the spot."""

    slot: int


class Recall(msgspec.Struct, frozen=True):
    """Read again what a group matched."""

    group: int


class Assert(msgspec.Struct, frozen=True):
    """Go on at the start or the end of the text (or of a line) only."""

    start: bool


class Accept(msgspec.Struct, frozen=True):
    """The pattern has matched."""


Instruction = Take | Split | Jump | Save | Moved | Recall | Assert | Accept


class _Assembler:
    def __init__(self, groups: int) -> None:
        self.program: list[Instruction] = []
        self.slots = 2 * (groups + 1)
        self.work = 0

    def emit(self, instruction: Instruction) -> int:
        if len(self.program) >= PROGRAM_LENGTH_MAX:
            raise PatternFault("the pattern is too long once its repeats are written out")
        self.program.append(instruction)
        return len(self.program) - 1

    def part(self, part: Part) -> None:
        self.work += 1
        if self.work > PROGRAM_LENGTH_MAX:
            raise PatternFault("the pattern is too long once its repeats are written out")
        match part:
            case Characters():
                self.emit(Take(part))
            case Anchor():
                self.emit(Assert(part.start))
            case Back():
                self.emit(Recall(part.group))
            case Sequence():
                for inner in part.parts:
                    self.part(inner)
            case Group():
                self.group(part)
            case Alternatives():
                self.alternatives(part)
            case Repeat():
                self.repeat(part)

    def group(self, part: Group) -> None:
        if part.number is None:
            self.part(part.inner)
            return
        self.emit(Save(2 * part.number))
        self.part(part.inner)
        self.emit(Save(2 * part.number + 1))

    def alternatives(self, part: Alternatives) -> None:
        exits: list[int] = []
        for inner in part.branches[:-1]:
            split = self.emit(Jump(0))
            self.part(inner)
            exits.append(self.emit(Jump(0)))
            self.program[split] = Split(split + 1, len(self.program))
        self.part(part.branches[-1])
        for place in exits:
            self.program[place] = Jump(len(self.program))

    def repeat(self, part: Repeat) -> None:
        for _ in range(part.low):
            self.part(part.inner)
        if part.high is None:
            self.loop(part)
            return
        splits: list[int] = []
        for _ in range(part.high - part.low):
            splits.append(self.emit(Jump(0)))
            self.part(part.inner)
        for place in splits:
            self.program[place] = self.choice(part, place + 1, len(self.program))

    def loop(self, part: Repeat) -> None:
        slot = self.slots
        self.slots += 1
        split = self.emit(Jump(0))
        self.emit(Save(slot))
        self.part(part.inner)
        self.emit(Moved(slot))
        self.emit(Jump(split))
        self.program[split] = self.choice(part, split + 1, len(self.program))

    def choice(self, part: Repeat, into: int, past: int) -> Split:
        return Split(past, into) if part.lazy else Split(into, past)


class Pattern(msgspec.Struct, frozen=True):
    """A compiled pattern.

    Attributes
    ----------
    slots : positions that the machine keeps: two for each group, then one for each loop
    """

    program: tuple[Instruction, ...]
    groups: int
    slots: int
    lines: bool
    folded: bool

    def search(self, text: str, start: int, spend: Spend) -> tuple[int, ...] | None:
        """Return the group positions of the first match from `start`, or None.

        Raises
        ------
        Refused
            The budget behind `spend` is used up.
        """
        first = self.program[0]
        skipped = 0
        for place in range(start, len(text) + 1):
            if isinstance(first, Take) and text[place : place + 1] not in first.characters:
                skipped += 1
                continue
            spend(skipped + 1)
            skipped = 0
            found = self._match(text, place, spend)
            if found is not None:
                return found
        spend(skipped)
        return None

    def _match(self, text: str, start: int, spend: Spend) -> tuple[int, ...] | None:
        waiting = [(0, start, (start, *(-1,) * (self.slots - 1)))]
        owed = 0
        while waiting:
            counter, place, slots = waiting.pop()
            while place >= 0:
                owed += INSTRUCTION_STEPS
                if owed >= _BATCH:
                    spend(owed)
                    owed = 0
                instruction = self.program[counter]
                counter += 1
                if isinstance(instruction, Split):
                    waiting.append((instruction.second, place, slots))
                    counter = instruction.first
                elif isinstance(instruction, Jump):
                    counter = instruction.to
                elif isinstance(instruction, Save):
                    slot = instruction.slot
                    slots = (*slots[:slot], place, *slots[slot + 1 :])
                    owed += self.slots >> 3
                elif isinstance(instruction, Accept):
                    spend(owed)
                    return (start, place, *slots[2:])
                else:
                    place = self._advanced(instruction, text, place, slots)
        spend(owed)
        return None

    def _advanced(
        self,
        instruction: Take | Moved | Recall | Assert,
        text: str,
        place: int,
        slots: tuple[int, ...],
    ) -> int:
        """Return the position behind an instruction, or -1 where it fails."""
        match instruction:
            case Take(characters):
                return place + 1 if place < len(text) and text[place] in characters else -1
            case Moved(slot):
                return place if slots[slot] != place else -1
            case Recall(group):
                return self._recalled(text, place, slots, group)
            case Assert(at_start):
                return place if self._asserted(text, place, at_start=at_start) else -1
            case _:
                assert_never(instruction)

    def _asserted(self, text: str, place: int, *, at_start: bool) -> bool:
        if at_start:
            return place == 0 or (self.lines and text[place - 1] == "\n")
        return place == len(text) or (self.lines and text[place] == "\n")

    def _recalled(self, text: str, place: int, slots: tuple[int, ...], group: int) -> int:
        first, last = slots[2 * group], slots[2 * group + 1]
        if first < 0 or last < 0:
            return place
        wanted, found = text[first:last], text[place : place + last - first]
        if wanted == found or (self.folded and wanted.casefold() == found.casefold()):
            return place + last - first
        return -1

    def matches(self, text: str, spend: Spend) -> Iterator[tuple[int, ...]]:
        """Yield the matches of a text from left to right, without overlaps."""
        place = 0
        while place <= len(text):
            found = self.search(text, place, spend)
            if found is None:
                return
            yield found
            place = found[1] if found[1] > found[0] else found[1] + 1

    def replaced(self, text: str, replacement: str, spend: Spend) -> str:
        """Return a text with every match replaced; ``$1`` stands for a group.

        Raises
        ------
        PatternFault
            The pattern matches the empty string, or the replacement is malformed.
        """
        if self._match("", 0, spend) is not None:
            raise PatternFault("the pattern matches the empty string, which cannot be replaced")
        pieces = _template(replacement, self.groups)
        out: list[str] = []
        place = 0
        for found in self.matches(text, spend):
            out.append(text[place : found[0]])
            for piece in pieces:
                if isinstance(piece, str):
                    out.append(piece)
                elif found[2 * piece] >= 0:
                    out.append(text[found[2 * piece] : found[2 * piece + 1]])
            place = found[1]
        return "".join([*out, text[place:]])

    def split(self, text: str, spend: Spend) -> list[str]:
        """Return the pieces of a text between the matches."""
        out: list[str] = []
        place = 0
        for found in self.matches(text, spend):
            if found[1] > found[0]:
                out.append(text[place : found[0]])
                place = found[1]
        return [*out, text[place:]]

    def all(self, text: str, spend: Spend) -> list[str]:
        """Return the texts of all matches."""
        return [text[found[0] : found[1]] for found in self.matches(text, spend)]


def _template(replacement: str, groups: int) -> list[str | int]:
    pieces: list[str | int] = []
    place = 0
    while place < len(replacement):
        sign = replacement[place]
        after = replacement[place + 1 : place + 2]
        if sign == "\\" and after in ("\\", "$") and after:
            pieces.append(after)
            place += 2
        elif sign == "$" and after.isdecimal():
            end = place + 2
            # XPath: as many digits as there can be groups for.
            while replacement[end : end + 1].isdecimal() and (
                int(replacement[place + 1 : end + 1]) <= groups
            ):
                end += 1
            number = int(replacement[place + 1 : end])
            pieces.append(number if number <= groups else "")
            place = end
        elif sign in "\\$":
            raise PatternFault(f"the replacement has a '{sign}' that stands for nothing")
        else:
            pieces.append(sign)
            place += 1
    return pieces


@lru_cache(maxsize=64)
def compile_pattern(source: str, flags: str) -> Pattern:
    """Return the machine for a pattern with the flags ``s m i x q`` of XPath.

    Raises
    ------
    PatternFault
        The pattern or a flag is malformed.
    """
    tree, groups = parsed(source, flags)
    assembler = _Assembler(groups)
    assembler.part(tree)
    assembler.emit(Accept())
    return Pattern(tuple(assembler.program), groups, assembler.slots, "m" in flags, "i" in flags)
