"""How sentences are made of explanations: plainly, with a span, with the evidence."""

from collections.abc import Callable

import msgspec

from fabloop.app.value_texts import evidence_text, name_text
from fabloop.base.instant import SECOND, Instant, span_text
from fabloop.model.explanation import Explanation

Say = Callable[[Explanation, Instant], str]


def plain(form: str) -> Say:
    """Return a sentence that names the subject and some details."""

    def say(explanation: Explanation, now: Instant) -> str:
        del now
        return form.format_map(_Words({"subject": explanation.subject, **explanation.details}))

    return say


class _Words(dict[str, str]):
    """Details by name; one that is missing shows as a dash."""

    def __missing__(self, key: str) -> str:
        return "–"


def spanning(form: str, detail: str) -> Say:
    """Return a plain sentence in which a detail that holds seconds is told as a span."""
    said = plain(form)

    def say(explanation: Explanation, now: Instant) -> str:
        try:
            span = span_text(round(float(explanation.details.get(detail, "")) * SECOND))
        except ValueError:
            return said(explanation, now)
        details = {**explanation.details, detail: span}
        return said(msgspec.structs.replace(explanation, details=details), now)

    return say


def with_evidence(form: str) -> Say:
    """Return a plain sentence followed by the evidence that supports it."""
    said = plain(form)

    def say(explanation: Explanation, now: Instant) -> str:
        shown = "; ".join(
            f"{name_text(each.parameter)} {evidence_text(each, now)}"
            for each in explanation.evidence
            if evidence_text(each, now)
        )
        return said(explanation, now) + (f" ({shown})." if shown else ".")

    return say
