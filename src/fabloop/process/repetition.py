"""How far an activity is that is carried out several times."""

import msgspec

from fabloop.base.instant import Instant


class Repetition(msgspec.Struct, frozen=True):
    """The rounds of the act with the same key; counts change by replacing the record.

    Attributes
    ----------
    total : rounds that there are at most, -1 without a bound
    items : what they are for; empty where they are only counted
    active : frame of each round in progress, with its index from 0
    results : what ended rounds have yielded, by index; null is left out
    wake : when the next rounds begin that were too many for one command (0: never)
    """

    key: int
    total: int
    items: list[object]
    active: dict[int, int]
    results: dict[int, object]
    begun: int = 0
    completed: int = 0
    terminated: int = 0
    wake: Instant = Instant(0)
