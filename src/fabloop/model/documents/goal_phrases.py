"""Phrases of the goal language to nouns: statements, events, measures, spans."""

import re
from collections.abc import Callable

import msgspec

from fabloop.base.errors import Invalid, Refused
from fabloop.base.instant import SECOND
from fabloop.base.period import Period
from fabloop.base.quantity import Dimension, quantity_of
from fabloop.feel import compile_expression
from fabloop.model.documents.collect import Sheet, short
from fabloop.model.goal import (
    Always,
    AtMost,
    By,
    CalendarSpan,
    Count,
    HoldsAt,
    MeanTime,
    Measure,
    NotBefore,
    Parts,
    Precedes,
    Relation,
    Share,
    Source,
    Statement,
    Within,
)
from fabloop.model.ids import GoalId

SPAN_DAYS_MAX = 3_660
"""Longest span of a goal: ten years."""

TIMES_MAX = 1_000
"""Most occurrences that a goal may allow: so many are remembered per subject."""

_EVENT = r"([A-Za-z][\w-]*(?:\s*\(\s*[A-Za-z][\w-]*\s*\))?)"
_NAME = r"(\"[^\"]+\"|[^\s\"]+)"
_WITHIN = re.compile(rf"{_EVENT}\s+within\s+(.+?)\s+(?:of|after)\s+{_EVENT}$", re.DOTALL)
_NOT_BEFORE = re.compile(rf"{_EVENT}\s+at\s+least\s+(.+?)\s+after\s+{_EVENT}$", re.DOTALL)
_BEFORE = re.compile(rf"{_EVENT}\s+before\s+{_EVENT}$")
_BY = re.compile(rf"{_EVENT}\s+by\s+(.+)$", re.DOTALL)
_NEVER = re.compile(rf"never\s+{_EVENT}$")
_AT_MOST = re.compile(rf"{_EVENT}\s+at\s+most\s+(\d+)\s+times?$")
_ALWAYS = re.compile(r"always\s+(.+)$", re.DOTALL)
_HOLDS = re.compile(rf"at\s+{_EVENT}\s*[,:]\s*(.+)$", re.DOTALL)
_PARTS = re.compile(r"(?:(all|any)|at\s+least\s+(\d+))\s+(?:of\s+(?:the\s+)?)?parts?$")
_SPAN = re.compile(r"(\d+)\s+(?:calendar\s+)(days?|weeks?|months?)$")
_HAPPENS = re.compile(
    rf"(start|completion|end|cancellation|failure|incident)\s+(?:of|at|in)\s+"
    rf"(?:(process)\s+)?{_NAME}(?:\s+(?:in|of)\s+(?:process\s+)?{_NAME})?$"
)
_LIMIT = re.compile(
    r"(.+?)\s*(>=|<=|>|<|at\s+least|at\s+most|above|below)\s*(\S.*?)\s+over\s+"
    r"(?:(?:the|each|every|a)\s+)?(day|week|month)$",
    re.DOTALL,
)
_SHARE = re.compile(r"share\s+of\s+([A-Za-z][\w-]*)\s+with\s+([A-Za-z][\w.-]*)$")
_COUNT = re.compile(rf"(?:number|count)\s+of\s+{_EVENT}$")
_MEAN = re.compile(rf"(?:mean|average)\s+time\s+from\s+{_EVENT}\s+to\s+{_EVENT}$")
_RELATIONS = {
    ">=": Relation.AT_LEAST,
    "<=": Relation.AT_MOST,
    ">": Relation.ABOVE,
    "<": Relation.BELOW,
    "at least": Relation.AT_LEAST,
    "at most": Relation.AT_MOST,
    "above": Relation.ABOVE,
    "below": Relation.BELOW,
}
FORMS = (
    "'EVENT within SPAN of EVENT'",
    "'EVENT by FEEL'",
    "'EVENT at least SPAN after EVENT'",
    "'EVENT before EVENT'",
    "'EVENT at most N times'",
    "'never EVENT'",
    "'always FEEL'",
    "'at EVENT, FEEL'",
    "'all parts'",
    "'any part'",
    "'at least N parts'",
)
"""What a statement may look like."""


class Happens(msgspec.Struct, frozen=True):
    """What of which node an event is."""

    source: Source
    node: str
    process: str


class Limited(msgspec.Struct, frozen=True):
    """A measure, how it stands to its limit, and over which span; `plural` as it was written."""

    measure: Measure
    relation: Relation
    limit: float
    over: CalendarSpan
    plural: str


Made = Callable[[re.Match[str], Sheet], Statement]
_FORMS: tuple[tuple[re.Pattern[str], Made], ...] = (
    (
        _WITHIN,
        lambda it, at: Within(what=event(it[1]), span=span_of(it[2], at), after=event(it[3])),
    ),
    (
        _NOT_BEFORE,
        lambda it, at: NotBefore(what=event(it[1]), span=span_of(it[2], at), after=event(it[3])),
    ),
    (_AT_MOST, lambda it, at: AtMost(what=event(it[1]), times=_times(it[2], at))),
    (_NEVER, lambda it, _: AtMost(what=event(it[1]))),
    (_BEFORE, lambda it, _: Precedes(what=event(it[1]), before=event(it[2]))),
    (_PARTS, lambda it, _: Parts(least=int(it[2]) if it[2] else 1 if it[1] == "any" else None)),
    (_ALWAYS, lambda it, at: Always(condition=feel(it[1], at))),
    (_HOLDS, lambda it, at: HoldsAt(what=event(it[1]), condition=feel(it[2], at))),
    (_BY, lambda it, at: By(what=event(it[1]), by=feel(it[2], at))),
)
"""Forms of a statement, the first that fits counts."""


def statement_of(text: str, sheet: Sheet) -> Statement:
    """Read a statement; its events are names as they were written."""
    for pattern, made in _FORMS:
        found = pattern.match(text.strip())
        if found is not None:
            return made(found, sheet)
    sheet.fault(f"a statement: {', '.join(FORMS)}", short(repr(text)))
    return Parts()


def happens_of(text: str, sheet: Sheet) -> Happens:
    """Read ``completion of cook in my-muffin``, ``start of process my-muffin`` or ``fact``."""
    text = text.strip()
    if text == "fact":
        return Happens(Source.FACT, "", "")
    found = _HAPPENS.match(text)
    if found is None:
        sheet.fault(
            "'start of NODE', 'completion of NODE', 'cancellation of NODE', 'failure of NODE' or "
            "'incident at NODE', each with 'in PROCESS' where that is meant; 'start of process "
            "NAME'; or 'fact'",
            short(repr(text)),
        )
        return Happens(Source.FACT, "", "")
    source = Source(found[1].replace("end", "completion"))
    name, process = found[3].strip('"'), (found[4] or "").strip('"')
    return Happens(source, "", name) if found[2] else Happens(source, name, process)


def limited_of(text: str, sheet: Sheet) -> Limited | None:
    """Read ``share of orders with G2 >= 95 % over each week``; None after noting what is wrong."""
    found = _LIMIT.match(text.strip())
    measured = _measure(found[1].strip()) if found is not None else None
    if found is None or measured is None:
        sheet.fault(
            "'share of ORDERS with GOAL', 'number of EVENT' or 'mean time from EVENT to EVENT', "
            "then '>=', '<=', '>' or '<', a limit, and 'over each day', 'week' or 'month'",
            short(repr(text)),
        )
        return None
    measure, plural = measured
    relation = _RELATIONS[" ".join(found[2].split())]
    limit = _limit(found[3], measure, sheet)
    return Limited(measure, relation, limit, CalendarSpan(found[4]), plural)


def _measure(text: str) -> tuple[Measure, str] | None:
    if found := _SHARE.match(text):
        return Share(goal=GoalId(found[2])), found[1]
    if found := _COUNT.match(text):
        return Count(event=event(found[1])), ""
    if found := _MEAN.match(text):
        return MeanTime(after=event(found[1]), what=event(found[2])), ""
    return None


def _limit(text: str, measure: Measure, sheet: Sheet) -> float:
    dimension = Dimension.TIME if isinstance(measure, MeanTime) else Dimension.RATIO
    try:
        value = quantity_of(text, dimension)
    except ValueError as error:
        sheet.fault(f"a limit of the measure: {error}", repr(text))
        return 0.0
    if value < 0 or (isinstance(measure, Share) and value > 1):
        sheet.fault("a limit from 0 % to 100 %" if value > 1 else "no negative limit", repr(text))
        return 0.0
    return value


def span_of(text: str, sheet: Sheet) -> Period:
    """Read ``36 h``, or ``2 calendar days``, which keep the time that clocks show."""
    found = _SPAN.match(text.strip())
    if found is not None:
        count, unit = int(found[1]), found[2].rstrip("s")
        days = count * {"day": 1, "week": 7, "month": 31}[unit]
        if not 0 < days <= SPAN_DAYS_MAX:
            sheet.fault(f"a span of at most {SPAN_DAYS_MAX} days", repr(text))
            return Period(days=1)
        return Period(months=count) if unit == "month" else Period(days=days)
    try:
        seconds = quantity_of(text, Dimension.TIME)
    except ValueError as error:
        sheet.fault(f"a span such as '36 h' or '2 calendar days' ({error})", repr(text))
        return Period(days=1)
    if not 0 < seconds <= SPAN_DAYS_MAX * 86_400:
        sheet.fault(f"a span above zero and of at most {SPAN_DAYS_MAX} days", repr(text))
        return Period(days=1)
    return Period(duration_ns=round(seconds * SECOND))


def event(text: str) -> str:
    """Return the name of an event without blanks: ``done(order)`` or ``done``."""
    return "".join(text.split())


def feel(text: str, sheet: Sheet) -> str:
    """Return a FEEL expression after noting what is wrong with it."""
    try:
        compile_expression(text)
    except Invalid as error:
        for each in error.faults:
            sheet.fault(f"FEEL with {each.expected} at {each.path}", each.found, each.hint)
    except Refused as error:
        sheet.fault("FEEL within its limits", str(error))
    return text.strip()


def _times(text: str, sheet: Sheet) -> int:
    count = int(text)
    if count > TIMES_MAX:
        sheet.fault(f"at most {TIMES_MAX} times", text, "The limit is TIMES_MAX.")
        return TIMES_MAX
    return count
