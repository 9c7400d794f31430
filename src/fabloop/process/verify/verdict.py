"""What a verification says: a verdict on each property, with counts and the way to a fault."""

from enum import StrEnum

import msgspec

from fabloop.process.verify.environment import Environment
from fabloop.process.verify.explore import Property


class Verdict(StrEnum):
    """The answer for one property."""

    HOLDS = "holds"
    VIOLATED = "violated"
    UNKNOWN = "unknown"


class LeftOut(StrEnum):
    """What a run obeys and the verification does not look at: it allows more than can happen.

    A fault that is found may then be out of reach in a run. In return, the proof of an option to
    complete trusts that what is left out does not always forbid the way to the end. Rounds of a
    parallel multi-instance are looked at one after the other, as many as there may be: they share
    no places. What undoes may do so in any order and number; that it does at all is not looked at.
    """

    TIME = "time"
    PRIORITY = "priority"
    DATA = "data"
    CALLS = "calls"
    EXECUTION = "execution"
    AT_ONCE = "rounds at once"
    UNDOING = "undoing"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one property.

    Attributes
    ----------
    reason : why it fails or is not known; empty where it holds
    counterexample : occurrence sequence from the start that ends in the failure; found by
        firing the net itself, or replayed against the plain firing rule before it was reported
    """

    property: Property
    verdict: Verdict
    reason: str = ""
    counterexample: tuple[str, ...] = ()


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a process or net.

    Attributes
    ----------
    sound : whether every property holds; None where none is refuted, but not all are decided
    markings, arcs, dead_markings : counted as `explored` says; a marking is dead where nothing
        can happen, be it final or not
    dead_transitions : elements, or transitions of a net, that can never happen
    bounds : the most tokens on each place, flow or activity; empty where the net was reduced
    exhaustive : whether all that is counted was looked at; verdicts other than ``unknown`` are
        final in any case
    counterexample : the way to the first property that is violated, a deadlock before others
    explored : what was counted: every marking, a part of them, or those of a smaller net
    reduced : whether the verdicts come from a smaller net with the same verdicts
    environment : what was assumed of the outside; None for a stand-alone net
    left_out : what the subject has and the verification does not look at
    """

    subject: str
    sound: bool | None
    markings: int
    arcs: int
    dead_markings: int
    dead_transitions: tuple[str, ...]
    bounds: dict[str, int]
    exhaustive: bool
    counterexample: tuple[str, ...]
    explored: str
    reduced: bool
    environment: Environment | None = None
    left_out: tuple[LeftOut, ...] = ()
    findings: tuple[Finding, ...]

    @property
    def released(self) -> bool:
        """Whether every property was proven, so that the process may go live."""
        return self.sound is True

    def finding(self, which: Property) -> Finding:
        """Return the finding on a property."""
        return next(each for each in self.findings if each.property is which)


def undecided(subject: str, reason: str, environment: Environment | None) -> Verification:
    """Return the report of what could not be looked at, and why."""
    findings = tuple(
        Finding(property=which, verdict=Verdict.UNKNOWN, reason=reason) for which in Property
    )
    return Verification(
        subject=subject, sound=None, markings=0, arcs=0, dead_markings=0, dead_transitions=(),
        bounds={}, exhaustive=False, counterexample=(), explored=f"nothing: {reason}",
        reduced=False, environment=environment, findings=findings,
    )  # fmt: skip
