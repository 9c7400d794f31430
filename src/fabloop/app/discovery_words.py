"""What finding and composing services says of itself, sentence by sentence."""

from collections.abc import Callable

from fabloop.app.value_texts import evidence_text, name_text
from fabloop.base.instant import Instant
from fabloop.model.explanation import DiscoveryCode, Explanation

_Say = Callable[[Explanation, Instant], str]


def _plain(form: str) -> _Say:
    """Return a sentence with its details; the evidence follows in brackets."""

    def say(it: Explanation, now: Instant) -> str:
        text = form.format_map({"subject": it.subject, **it.details})
        shown = "; ".join(
            f"{name_text(each.parameter)} {evidence_text(each, now)}"
            for each in it.evidence
            if evidence_text(each, now)
        )
        return f"{text} ({shown})." if shown else f"{text}."

    return say


def _meant(it: Explanation, now: Instant) -> str:
    del now
    told = it.details
    if told["how"] == "the same word":
        return f"{it.subject} speaks of '{told['given']}' itself."
    how = {"a kind of it": "a kind of", "broader": "broader than"}.get(told["how"], told["how"])
    link = f"is {how}" if how in ("a kind of", "broader than") else f"is {how} of"
    link = "means much the same as" if told["how"] == "alike" else link
    return f"In {it.subject}, '{told['given']}' {link} '{told['wanted']}' ({told['likeness']})."


DISCOVERY: dict[str, _Say] = {
    DiscoveryCode.MEANT_BY: _meant,
    DiscoveryCode.WORDS_GUESSED: _plain(
        "{subject} is not annotated: its words are guessed from names and descriptions"
    ),
    DiscoveryCode.CAPABLE: _plain("{subject} can {skill} as wanted"),
    DiscoveryCode.CAPABILITY_UNKNOWN: _plain("{subject} does not say whether it can {skill}"),
    DiscoveryCode.SKILL_UNKNOWN: _plain(
        "{amount} is of no parameter of {subject} alone, so it is not judged"
    ),
    DiscoveryCode.AMOUNT_UNJUDGED: _plain(
        "{amount} is judged for nobody, as no skill of a vocabulary is named"
    ),
    DiscoveryCode.NEAR_ENOUGH: _plain("{subject} is near {place}"),
    DiscoveryCode.TOO_FAR: _plain("{subject} is too far from {place}"),
    DiscoveryCode.PLACE_UNKNOWN: _plain("{subject} does not say where it is"),
    DiscoveryCode.IN_TIME: _plain("{subject} is done in time"),
    DiscoveryCode.ANSWERS_TOO_LATE: _plain("{subject} is done too late"),
    DiscoveryCode.DURATION_UNKNOWN: _plain("{subject} does not say how long it takes"),
    DiscoveryCode.FED_BY: _plain("{subject} gets '{input}' from '{output}' of {source}{change}"),
    DiscoveryCode.FED_BY_DATA: _plain("{subject} gets '{input}' from the data: {target}"),
    DiscoveryCode.FED_BY_NOBODY: _plain("{subject} needs '{input}', which nobody gives"),
    DiscoveryCode.ANSWERED_BEFORE: _plain("{subject} was chosen for this before, by {by}"),
}
