"""What is told of goals: endangered, restored, met, violated."""

from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation
from fabloop.model.fact_form import FactForm
from fabloop.model.ids import GoalId


class GoalEndangered(FactForm, frozen=True, kw_only=True):
    """A goal will be missed for `key` (an order, a week) with this risk unless something is done.

    `deadline` is the last instant, `expected` when it is likely to happen as things are.
    """

    goal: GoalId
    subject: str
    key: str
    at: Instant
    risk: float
    deadline: Instant | None
    expected: Instant | None
    because: Explanation


class GoalRestored(FactForm, frozen=True, kw_only=True):
    """A goal is out of danger, or can be met after all."""

    goal: GoalId
    subject: str
    key: str
    at: Instant
    because: Explanation


class GoalMet(FactForm, frozen=True, kw_only=True):
    """A goal is met; `at` is since when."""

    goal: GoalId
    subject: str
    key: str
    at: Instant
    because: Explanation


class GoalViolated(FactForm, frozen=True, kw_only=True):
    """A goal is missed, or it is certain that it will be; `at` is since when that is certain."""

    goal: GoalId
    subject: str
    key: str
    at: Instant
    because: Explanation


GoalFact = GoalEndangered | GoalRestored | GoalMet | GoalViolated
"""What is told of goals."""
