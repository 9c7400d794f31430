"""Numbers in registers of 16 bits: type, order of words, order of bytes."""

import struct
from collections.abc import Sequence
from typing import Final

from fabloop.sense.connections.model import Register

_LETTER: Final = {
    "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q",
    "float32": "f", "float64": "d",
}  # fmt: skip


def decoded(register: Register, words: Sequence[int]) -> float:
    """Return the number in the words of a register, before its scale; NaN and infinities too.

    A 64-bit number beyond 2**53 is rounded to the nearest one that a float can hold.
    """
    if register.type == "bool":
        return float(bool(words[0]))
    data = struct.pack(f"{'>' if register.bytes == 'big' else '<'}{len(words)}H", *words)
    if register.words == "little":
        pairs = [data[n : n + 2] for n in range(0, len(data), 2)]
        data = b"".join(reversed(pairs))
    (number,) = struct.unpack(f">{_LETTER[register.type]}", data)
    return float(number)


def encoded(register: Register, number: float) -> list[int]:
    """Return the words that hold a number; one that does not fit takes the nearest that does."""
    if register.type == "bool":
        return [int(bool(number))]
    letter = _LETTER[register.type]
    given: float | int = number
    if letter in "hHiIqQ":
        bits = struct.calcsize(f">{letter}") * 8
        least = -(2 ** (bits - 1)) if letter.islower() else 0
        greatest = 2 ** (bits - 1) - 1 if letter.islower() else 2**bits - 1
        given = min(max(round(number), least), greatest)
    data = struct.pack(f">{letter}", given)
    pairs = [data[n : n + 2] for n in range(0, len(data), 2)]
    if register.words == "little":
        pairs.reverse()
    order = ">" if register.bytes == "big" else "<"
    return [struct.unpack(f"{order}H", each)[0] for each in pairs]
