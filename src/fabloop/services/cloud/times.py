"""Instants as a local cloud writes them: UTC with a ``Z``, to the second where it is one."""

from datetime import UTC, datetime

from fabloop.base.instant import SECOND, Instant, instant_of

_SECONDS = "%Y-%m-%dT%H:%M:%S"


def iso(at: Instant) -> str:
    """Return the text of an instant, to the nanosecond where it has any."""
    seconds, rest = divmod(at, SECOND)
    text = datetime.fromtimestamp(seconds, UTC).strftime(_SECONDS)
    return f"{text}.{rest:09d}Z" if rest else f"{text}Z"


def iso_seconds(at: Instant) -> str:
    """Return the text of an instant to the second, as records of a cloud have it."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime(_SECONDS) + "Z"


def instant_or_none(text: str | None) -> Instant | None:
    """Return the instant of a text, which may be left out; raises ValueError."""
    if text is None or not text.strip():
        return None
    return instant_of(text.strip())
