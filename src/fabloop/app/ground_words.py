"""Why wishes cannot be met, in words: what the best plan comes to, what sites lack."""

from fabloop.app.value_texts import evidence_text, name_text
from fabloop.app.wish_words import wish_demand, wish_name, wish_value
from fabloop.base.instant import SECOND, Instant, span_text
from fabloop.model.explanation import Evidence, Explanation

_BEST = {
    "cost_max_minor": ("The cheapest plan", "costs {}", "none costs less than {}"),
    "energy_max_j": ("The plan with the least energy", "takes {}", "none takes less than {}"),
    "co2_max_kg": ("The plan with the least CO2", "comes to {}", "none comes to less than {}"),
    "deadline": ("The earliest plan", "is done at {}", "none is done before {}"),
}


def wish_in_the_way(explanation: Explanation, now: Instant) -> str:
    """Return what a request demands that cannot be met."""
    del now
    name = explanation.details.get("wish", explanation.subject)
    value = explanation.evidence[0].limit if explanation.evidence else None
    limit = wish_value(name, value, explanation.details.get("currency", ""))
    return f"The request demands {wish_demand(name, limit)}."


def not_wished(explanation: Explanation, now: Instant) -> str:
    """Return that a wish keeps a work unit out."""
    del now
    wish = wish_name(explanation.details["wish"])
    return f"{explanation.subject} may not take part: the request demands {wish}."


def wish_best(explanation: Explanation, now: Instant) -> str:
    """Return what the best plan comes to and which operations make most of it."""
    del now
    whole, *others = explanation.evidence
    name, currency = explanation.details["wish"], explanation.details["currency"]
    value = wish_value(name, whole.value, currency)
    bounds = [wish_value(name, it.value, currency) for it in others if it.subject == whole.subject]
    parts = [each for each in others if each.subject != whole.subject]
    told = [f"{it.subject} on {it.source} {_much(name, it.value, currency)}" for it in parts]
    moves = float(explanation.details["moves"])
    told += [f"moving {_much(name, moves, currency)}"] if moves else []
    most = "longest on its critical path" if name == "deadline" else "most of it"
    who, comes_to, none_less = _BEST[name]
    best = f"{who} {comes_to.format(value)}"
    for bound in bounds:
        if bound != value:  # as far as it is shown
            best = f"{who} found {comes_to.format(value)} ({none_less.format(bound)})"
    return f"{best}; {most}: {', '.join(told)}."


def _much(name: str, value: float | str | None, currency: str) -> str:
    if name == "deadline" and isinstance(value, float):
        return span_text(round(value * SECOND))
    return wish_value(name, value, currency)


def site_lacks(explanation: Explanation, now: Instant) -> str:
    """Return how much of the product a site cannot make."""
    del now
    details = explanation.details
    text = f"{explanation.subject} cannot do {details['count']} of {details['of']} operations"
    return text + (f"; nobody there offers {details['skills']}." if details["skills"] else ".")


def site_misses(explanation: Explanation, now: Instant) -> str:
    """Return who at a site comes nearest to an operation."""
    site = explanation.details["site"]
    return f"{explanation.subject}: nearest at {site} is {_near(explanation.evidence, now)}."


def site_only(explanation: Explanation, now: Instant) -> str:
    """Return what one site alone can do."""
    del now
    details = explanation.details
    count, labels = int(details["count"]), details["labels"]
    more = f" and {count - labels.count('; ') - 1} more" if count > labels.count("; ") + 1 else ""
    return f"Only {explanation.subject} can do: {labels}{more}."


def wish_leaves_nobody(explanation: Explanation, now: Instant) -> str:
    """Return what nobody can do whom a wish lets take part."""
    details = explanation.details
    near = _near(explanation.evidence, now)
    end = f"the nearest is {near}" if near else f"no other work unit offers {details['skill']}"
    more = int(details["more"])
    also = f" The same goes for {more} more operation{'s' if more > 1 else ''}." if more else ""
    return f"{explanation.subject}: nobody else can do it; {end}.{also}"


def _near(evidence: tuple[Evidence, ...], now: Instant) -> str:
    if not evidence:
        return ""
    return f"{evidence[0].subject}: " + "; ".join(_miss(each, now) for each in evidence)


def _miss(each: Evidence, now: Instant) -> str:
    """Return a value against its limit; names against those that are accepted."""
    name = name_text(each.parameter)
    if isinstance(each.value, str):
        return f"{name} {each.value} is not among {each.limit}"
    known = "not known, " if each.value is None else ""
    return f"{name} {known}{evidence_text(each, now)}"
