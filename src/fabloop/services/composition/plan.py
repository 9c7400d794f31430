"""Compositions: calls one after another, and where each of their inputs comes from."""

from typing import Any

import msgspec

from fabloop.model.explanation import Explanation
from fabloop.model.ids import OperationName, ServiceId
from fabloop.services.composition.values import Change
from fabloop.services.discovery import Entry


class FromGiven(msgspec.Struct, frozen=True, kw_only=True, tag="given"):
    """A value that is known beforehand."""

    name: str


class FromStep(msgspec.Struct, frozen=True, kw_only=True, tag="step"):
    """An output of an earlier call; `part` is a value in each item of a list."""

    step: int
    output: str
    part: str = ""


class FromData(msgspec.Struct, frozen=True, kw_only=True, tag="data"):
    """A variable of a target that the data space fills."""

    need: int
    variable: str


class FromNobody(msgspec.Struct, frozen=True, kw_only=True, tag="nobody"):
    """Nothing gives it: a person has to."""


Source = FromGiven | FromStep | FromData | FromNobody


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """Where an input comes from, how sure that is, and what has to be done to the value."""

    input: str
    source: Source
    confidence: float
    change: Change = Change()


class DataNeed(msgspec.Struct, frozen=True, kw_only=True):
    """What no service gives: targets of triples, the likeliest first; one of them is to be filled.

    Attributes
    ----------
    targets : as the data space reads them, such as ``(type, has ingredient, ?h), (?h, name, ?x)``
    given : what may be handed in, by the name that targets use for it
    variables : what is wanted: variables, and what is calculated as it stands in the target
    units : in which units, by variable
    many : all values that are found; else one value is enough
    """

    targets: tuple[str, ...]
    given: dict[str, Source]
    variables: tuple[str, ...]
    units: dict[str, str] = {}
    many: bool = False


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A call with its bindings.

    `each_of` names the list in an earlier output for each item of which the call is made; the
    step it comes from is that of `over`.
    """

    entry: Entry
    bindings: tuple[Binding, ...] = ()
    needs: tuple[DataNeed, ...] = ()
    over: int | None = None
    each_of: str = ""


class Composition(msgspec.Struct, frozen=True, kw_only=True):
    """A chain of calls that reaches a goal.

    Attributes
    ----------
    confidence : that of its weakest part, 0 to 1
    certain : nothing has to be asked: it may be carried out without a person
    cost_minor, duration_ns : of all calls; None where one of them does not tell
    """

    steps: tuple[Step, ...]
    confidence: float
    certain: bool
    cost_minor: int | None = None
    currency: str = ""
    duration_ns: int | None = None
    because: tuple[Explanation, ...] = ()

    @property
    def signature(self) -> tuple[str, ...]:
        """Return what it consists of, by which answers are remembered."""
        return tuple(each.entry.name for each in self.steps)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was made, with what went in and what came out."""

    service: ServiceId
    operation: OperationName
    values: dict[str, Any]
    outputs: dict[str, Any]
