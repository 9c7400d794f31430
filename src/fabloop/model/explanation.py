"""Explanations: why something was decided, as codes and values; sentences are made at the edge."""

import msgspec

from fabloop.base.instant import Instant
from fabloop.base.quantity import Dimension


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A value against its limit. `relation` is how value should stand to limit (``at most``)."""

    subject: str
    parameter: str
    relation: str = ""
    value: float | str | None = None
    limit: float | str | None = None
    dimension: Dimension | None = None
    at: Instant | None = None
    source: str = ""


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """Something that would help: a code, what it changes, from and to, and what it then costs."""

    code: str
    subject: str
    parameter: str = ""
    before: float | str | None = None
    after: float | str | None = None
    dimension: Dimension | None = None
    cost_minor: int | None = None
    currency: str = ""
    verified: bool = False


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """One claim with what supports it, what follows and what could be done.

    `code` names the sentence; `subject` and `details` fill its gaps.
    """

    code: str
    subject: str
    details: dict[str, str] = {}
    evidence: tuple[Evidence, ...] = ()
    consequence: str = ""
    options: tuple[Option, ...] = ()
