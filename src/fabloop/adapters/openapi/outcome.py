"""How a call ended: with an answer as described, or with a reason why not."""

from enum import StrEnum
from typing import Any

import msgspec

from fabloop.base.errors import Fault
from fabloop.model.explanation import Explanation


class Failure(StrEnum):
    """Why there is no answer to go on with."""

    UNREACHABLE = "unreachable"
    """Nobody listens there: nothing has happened."""
    NEVER_ANSWERED = "never answered"
    """The request arrived, perhaps; what happened is not known."""
    OUT_OF_ORDER = "out of order"
    """The service said that it failed (5xx)."""
    REFUSED = "refused"
    """The service does not do it for us (4xx, or it sent us elsewhere)."""
    WITHHELD = "withheld"
    """A permissive did not hold when the command would have left; nothing was sent by then."""
    NOT_AS_DESCRIBED = "not as described"
    """It answered, but not what its description promises."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The values of an answer, by the names of the operation's outputs.

    `remembered` tells that the call had been answered before under the same idempotency key.
    """

    values: dict[str, Any]
    status: int
    attempts: int
    remembered: bool = False


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """A call without a usable answer.

    Attributes
    ----------
    message : one sentence for people, with the service, the value met and what to do
    may_have_happened : whether the operation may have been carried out all the same
    reasons : of a command that was withheld
    """

    failure: Failure
    message: str
    attempts: int
    may_have_happened: bool
    status: int | None = None
    faults: tuple[Fault, ...] = ()
    reasons: tuple[Explanation, ...] = ()


Outcome = Answered | Failed
