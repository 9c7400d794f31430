"""What changed about activities that are carried out several times."""

import msgspec

from fabloop.base.instant import Instant


class RepetitionOpened(msgspec.Struct, frozen=True, array_like=True, tag=38):
    """An act has `total` rounds before it (-1: as many as it takes), one per item if any."""

    act: int
    total: int
    items: list[object]


class RoundOpened(msgspec.Struct, frozen=True, array_like=True, tag=39):
    """The next round of an act began; `key` is that of its frame."""

    key: int
    act: int


class RoundEnded(msgspec.Struct, frozen=True, array_like=True, tag=40):
    """A round came to its end, or was taken away by an operator."""

    frame: int
    completed: bool
    result: object


class RoundsDropped(msgspec.Struct, frozen=True, array_like=True, tag=41):
    """The rounds of an act that still ran ended early; no further one begins."""

    act: int


class RoundsWait(msgspec.Struct, frozen=True, array_like=True, tag=42):
    """Further rounds begin at `wake` at the earliest (0: nothing waits)."""

    act: int
    wake: Instant


RoundDelta = RepetitionOpened | RoundOpened | RoundEnded | RoundsDropped | RoundsWait
