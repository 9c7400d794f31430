"""Explanations and options with what people call things in place of ids."""

from collections.abc import Mapping

import msgspec

from fabloop.app.labels import Labels
from fabloop.app.value_texts import instant_text
from fabloop.app.wish_words import wish_labelled
from fabloop.base.instant import Instant
from fabloop.model.explanation import Evidence, Explanation, Option, ReliefCode


def labelled(explanation: Explanation, labels: Mapping[str, str]) -> Explanation:
    """Return the explanation with labels in place of ids; options are labelled where shown."""
    return msgspec.structs.replace(
        explanation,
        subject=labels.get(explanation.subject, explanation.subject),
        details={key: _called(key, value, labels) for key, value in explanation.details.items()},
        evidence=tuple(
            msgspec.structs.replace(
                each,
                subject=labels.get(each.subject, each.subject),
                limit=_shown_instant(explanation.details.get("wish", ""), each.limit, labels),
                value=_shown_instant(_wish_of(explanation, each), each.value, labels),
                source=labels.get(each.source, each.source),
            )
            for each in explanation.evidence
        ),
    )


def _called(key: str, value: str, labels: Mapping[str, str]) -> str:
    """Return a detail as people call it; of a wish that is about something, what that is."""
    if key == "wish":
        return wish_labelled(value, labels)
    return labels.get(value, value) if key in NAMING else value


def _wish_of(explanation: Explanation, evidence: Evidence) -> str:
    """Return which wish a value is about, where it is one of the whole request."""
    return explanation.details.get("wish", "") if evidence.subject == "request" else ""


def _shown_instant(
    name: str, value: float | str | None, labels: Mapping[str, str]
) -> float | str | None:
    """Return the limit of a deadline, and who is asked for, as people read them."""
    if name.startswith("pinned.") and isinstance(value, str):
        return labels.get(value, value)
    if name != "deadline" or isinstance(value, str) or value is None:
        return value
    zone = labels.zone if isinstance(labels, Labels) else "UTC"
    return instant_text(Instant(round(value)), zone)


NAMING = frozenset(
    {"work_unit", "made_by", "taken_by", "operation", "before", "first", "second"}
    | {"origin", "destination", "place", "site"}
)
"""Details that hold ids of things with labels."""


def option_labelled(option: Option, labels: Mapping[str, str]) -> Option:
    """Return the option with labels in place of ids; those beside it are as they are."""
    lifted = option.code == ReliefCode.LIFT_WISH
    return msgspec.structs.replace(
        option,
        subject=labels.get(option.subject, option.subject),
        parameter=wish_labelled(option.parameter, labels) if lifted else option.parameter,
        before=_shown_instant(option.parameter, option.before, labels),
        after=_shown_instant(option.parameter, option.after, labels),
    )
