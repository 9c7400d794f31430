"""What may be done about a deviation by itself, up to what, and who decides beyond that."""

from enum import IntEnum, StrEnum

import msgspec

from fabloop.base.instant import HOUR, MINUTE, SECOND


class Rung(StrEnum):
    """What can be done about a deviation, the mildest first."""

    TOLERATE = "tolerate"
    RETRY = "retry"
    REBIND = "rebind"
    REPLAN = "re-plan"
    REPAIR = "repair"
    ASK = "ask"


BUDGET_NS = 2 * SECOND
RETRY_BUDGET_NS = 2 * HOUR
"""Calls are tried again with pauses, as long as this after the first one."""


class Severity(IntEnum):
    """How bad a deviation is; below the first nothing is automatic."""

    NONE = 0
    MINOR = 1
    MAJOR = 2
    CRITICAL = 3


class Instead(StrEnum):
    """What is safe when every rung has failed or nobody answers."""

    HOLD = "hold"
    CANCEL = "cancel"


class RungRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rung.

    Attributes
    ----------
    up_to : it is tried for deviations up to this severity
    automatic_up_to, cost_minor_max, delay_ns_max : what it may do unasked; None is no limit
    approver : who is asked beyond that; empty for nobody: the next rung is tried
    answer_within_ns : after that, silence is taken for the safe default
    attempts : how often it is tried
    budget_ns : how long looking for a way out may take; trying again, since the first try
    critical_budget_ns, critical_answer_ns : the same for critical deviations; None: no other
    """

    rung: Rung
    up_to: Severity = Severity.CRITICAL
    automatic_up_to: Severity = Severity.MINOR
    cost_minor_max: int | None = None
    delay_ns_max: int | None = None
    approver: str = ""
    answer_within_ns: int = 15 * MINUTE
    attempts: int = 1
    budget_ns: int = BUDGET_NS
    critical_budget_ns: int | None = None
    critical_answer_ns: int | None = None

    def budget_for(self, severity: Severity) -> int:
        """Return how long looking may take for a deviation as bad as that."""
        own = self.critical_budget_ns if severity is Severity.CRITICAL else None
        return self.budget_ns if own is None else own

    def answer_for(self, severity: Severity) -> int:
        """Return how long an answer may take for a deviation as bad as that."""
        own = self.critical_answer_ns if severity is Severity.CRITICAL else None
        return self.answer_within_ns if own is None else own


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The rungs in the order in which they are tried, and what is done when all have failed."""

    rungs: tuple[RungRule, ...]
    safe_default: Instead = Instead.HOLD
    currency: str = "EUR"
