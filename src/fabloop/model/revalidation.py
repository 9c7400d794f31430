"""What has become of a plan between when it was made and when it is to be ordered."""

from enum import StrEnum

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation
from fabloop.model.ids import PlanId
from fabloop.model.plan import NotDecided, NotProducible, Plan, PlanComparison


class Verdict(StrEnum):
    """Whether a plan still holds; `REPLACED` has another one in its place."""

    VALID = "valid"
    RETIMED = "retimed"
    REPLACED = "replaced"
    IMPOSSIBLE = "impossible"
    NOT_DECIDED = "not decided"


class Revalidation(msgspec.Struct, frozen=True, kw_only=True):
    """A plan asked again under the condition of today.

    Attributes
    ----------
    changes : which KPI values that it rested on moved, from what to what
    reasons : why it cannot be carried out as it stands
    instead : the plan that can be, with the least change; None where it is valid or impossible
    comparison : of the plan and `instead`
    refusal : why there is none
    better : a plan that would be better today for what this one was made for
    """

    plan: PlanId
    at: Instant
    verdict: Verdict
    changes: tuple[Explanation, ...] = ()
    reasons: tuple[Explanation, ...] = ()
    instead: Plan | None = None
    comparison: PlanComparison | None = None
    refusal: NotProducible | NotDecided | None = None
    better: Plan | None = None
    better_because: Explanation | None = None
