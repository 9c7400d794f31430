"""What goes wrong in a run under chaos: drawn from a seed, hung on the progress of the run."""

import random
from collections.abc import Sequence
from enum import StrEnum

import msgspec


class Blow(StrEnum):
    """What happens to the system."""

    KILL_FABLOOP = "kill fabloop"
    KILL_SERVICE = "kill service"
    SPOIL = "spoil answers"
    REPEAT = "repeat a request"
    OPEN_SIGNAL = "open signal"
    BREAK_SENSOR = "break sensor"
    FREEZE = "freeze controller"
    POWER_CUT = "cut the controller's power"
    SAFE_STOP = "ask for a safe stop"


SPOILS = ("error", "wrong", "garbage", "lost", "slow", "silent")
"""How answers are spoilt; see `Trouble` of the served services."""
SPOILT_IN_A_ROW_MAX = 3
SECONDS = (0.2, 1.0)
"""How long a signal stays open, a sensor broken, an answer away."""
FABLOOP_KILLS = (1, 2)


class Strike(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that goes wrong, once so many facts are durable.

    `whom` is a service or a signal; `how` says how an answer is spoilt.
    """

    after: int
    blow: Blow
    whom: str = ""
    how: str = ""
    seconds: float = 0.0
    times: int = 1


def strikes_of(
    seed: int, services: Sequence[str], signals: Sequence[str], *, facts: int, count: int
) -> tuple[Strike, ...]:
    """Return what goes wrong within so many facts, in their order.

    Whatever the seed, fabloop is killed, a permissive falls, and a service dies.
    """
    chance = random.Random(f"chaos/{seed}")
    kinds = [
        Blow.KILL_SERVICE, Blow.SPOIL, Blow.SPOIL, Blow.SPOIL, Blow.REPEAT, Blow.OPEN_SIGNAL,
        Blow.OPEN_SIGNAL, Blow.BREAK_SENSOR, Blow.FREEZE, Blow.POWER_CUT, Blow.SAFE_STOP,
    ]  # fmt: skip
    blows = [Blow.KILL_FABLOOP] * chance.randint(*FABLOOP_KILLS)
    blows += [Blow.OPEN_SIGNAL, Blow.OPEN_SIGNAL, Blow.KILL_SERVICE]
    blows += [chance.choice(kinds) for _ in range(max(0, count - len(blows)))]
    drawn = [_strike(each, chance, services, signals, facts) for each in blows]
    return tuple(sorted(drawn, key=lambda each: each.after))


def _strike(
    blow: Blow,
    chance: random.Random,
    services: Sequence[str],
    signals: Sequence[str],
    facts: int,
) -> Strike:
    signal = blow in (Blow.OPEN_SIGNAL, Blow.BREAK_SENSOR)
    service = blow in (Blow.KILL_SERVICE, Blow.SPOIL, Blow.REPEAT)
    whom = chance.choice(signals) if signal else chance.choice(services) if service else ""
    return Strike(
        after=chance.randrange(1, facts),
        blow=blow,
        whom=whom,
        how=chance.choice(SPOILS) if blow is Blow.SPOIL else "",
        seconds=round(chance.uniform(*SECONDS), 2),
        times=chance.randint(1, SPOILT_IN_A_ROW_MAX),
    )
