"""The document that tells what may be done about deviations by itself, and who decides the rest."""

from typing import Annotated, Literal

import msgspec

from fabloop.model.documents.entries import Entry, Header
from fabloop.model.documents.texts import DurationText, Label, MoneyText

RUNGS_MAX = 20
RUNG_ATTEMPTS_MAX = 100

SeverityWord = Literal["minor", "major", "critical"]


class RungEntry(Entry, frozen=True, kw_only=True):
    """One rung of the ladder: up to which severity it is tried, and what it may do unasked.

    Beyond `automatic_up_to`, `automatic_cost` or `automatic_delay` the approver is asked; without
    an approver the next rung is tried. The rung `ask` needs an approver. Without a `budget`,
    trying again may take 2 h, and looking for a way out on another rung 2 s. For critical
    deviations `critical_budget` and `critical_answer_within` take their place.
    """

    rung: Literal["tolerate", "retry", "rebind", "re-plan", "repair", "ask"]
    up_to: SeverityWord = "critical"
    automatic_up_to: Literal["never", "minor", "major", "critical"] = "minor"
    automatic_cost: MoneyText | None = None
    automatic_delay: DurationText | None = None
    approver: Label | None = None
    answer_within: DurationText = "15 min"
    attempts: Annotated[int, msgspec.Meta(ge=1, le=RUNG_ATTEMPTS_MAX)] = 1
    budget: DurationText | None = None
    critical_budget: DurationText | None = None
    critical_answer_within: DurationText | None = None


class AdaptationPolicyDocument(
    Header, frozen=True, kw_only=True, tag_field="document", tag="adaptation-policy"
):
    """What is tried when something is not as expected, in this order, and what is safe at last."""

    rungs: Annotated[tuple[RungEntry, ...], msgspec.Meta(min_length=1, max_length=RUNGS_MAX)]
    safe_default: Literal["hold", "cancel"] = "hold"
