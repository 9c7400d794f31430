"""The error tree: one sentence each, and what follows from its class.

::

    FabloopError
    ├── Invalid        the input is wrong; carries every fault found
    ├── Refused        the input is well formed, but may not be done now
    │   ├── NotFound
    │   ├── Conflict
    │   └── NotPermitted
    ├── Unavailable    something outside does not answer; trying again may help
    └── Broken         a bug of ours or a damaged store

An outcome that a caller must handle (not producible, say) is a return value, never an error.
"""

from collections.abc import Iterable
from enum import IntEnum

import msgspec


class ExitCode(IntEnum):
    """What the command line returns to the shell."""

    FINE = 0
    NOT_PRODUCIBLE = 1
    BAD_INPUT = 2
    INTERNAL = 3
    UNDECIDED = 4


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with an input: where it stands, what stands there, what should.

    Attributes
    ----------
    source : the file or message, as the user knows it
    path : JSON path (``$.operations[3].duration``), XML element and line, or expression position
    found : the value that was met, as text
    expected : what would have been right, with its limit and unit
    hint : what to do about it; near names where a name is unknown
    """

    source: str
    path: str
    expected: str
    found: str
    hint: str = ""

    def sentence(self) -> str:
        """Return ``file path: Expected x, but found y. Hint.``."""
        place = " ".join(part for part in (self.source, self.path) if part)
        text = f"{place}: Expected {self.expected}, but found {self.found}."
        return f"{text} {self.hint}" if self.hint else text


class FabloopError(Exception):
    """Root of the house's errors; `exit_code` and `http_status` follow from the class."""

    exit_code = ExitCode.INTERNAL
    http_status = 500


class Invalid(FabloopError):
    """The input is wrong. Every fault of the document is carried, not the first."""

    exit_code = ExitCode.BAD_INPUT
    http_status = 422

    def __init__(self, faults: Fault | Iterable[Fault]) -> None:
        self.faults = (faults,) if isinstance(faults, Fault) else tuple(faults)
        assert self.faults, "an Invalid without a fault says nothing"
        super().__init__("\n".join(fault.sentence() for fault in self.faults))


class Refused(FabloopError):
    """A well-formed request that may not be carried out in the present state."""

    exit_code = ExitCode.BAD_INPUT
    http_status = 409


class NotFound(Refused):
    """The thing named does not exist."""

    http_status = 404


class Conflict(Refused):
    """The state has moved on: a stale lease, a second completion, a taken name."""


class NotPermitted(Refused):
    """The caller, or the safety controller, does not allow it."""

    http_status = 403


class Unavailable(FabloopError):
    """Something outside does not answer; the same request may succeed later."""

    http_status = 503


class Broken(FabloopError):
    """A bug of ours, or a store that does not hold what we wrote."""
