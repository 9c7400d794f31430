"""What a verification assumes of the outside."""

from enum import StrEnum

import msgspec


class Openness(StrEnum):
    """Whether the outside may do something at any time, or never does."""

    OPEN = "open"
    CLOSED = "closed"


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What is assumed of the outside; part of every report."""

    messages: Openness = Openness.OPEN
    signals: Openness = Openness.OPEN
    conditions: Openness = Openness.OPEN
    timers: Openness = Openness.OPEN
    errors: Openness = Openness.OPEN


OPEN = Environment()
CLOSED = Environment(messages=Openness.CLOSED, signals=Openness.CLOSED, errors=Openness.CLOSED)
"""Nobody sends a message or signal or answers with an error; time passes, and data change."""
