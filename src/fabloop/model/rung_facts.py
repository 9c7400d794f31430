"""What a ladder of rungs tells of a plan in danger."""

from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation
from fabloop.model.fact_form import FactForm
from fabloop.model.ids import OrderId, PlanId


class RungTried(FactForm, frozen=True, kw_only=True):
    """A rung of the adaptation policy was tried for a plan in danger: whether it helps, and why.

    `severity` and `at_stake` say how bad the danger is, and what makes it so.
    """

    order: OrderId
    plan: PlanId
    rung: str
    helps: bool
    why: tuple[Explanation, ...]
    severity: str = ""
    at_stake: tuple[Explanation, ...] = ()


class PersonAsked(FactForm, frozen=True, kw_only=True):
    """The policy leaves it to a person; silence until then leaves the order as it stands."""

    order: OrderId
    plan: PlanId
    who: str
    expires_at: Instant
