"""What a person wants in a sentence: keywords, quantities with units, a place, a deadline."""

import re
from collections.abc import Mapping

import msgspec

from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant, instant_of
from fabloop.base.quantity import Dimension, dimension_of, quantity_of
from fabloop.base.zones import at_clock, local_day
from fabloop.model.service import Place
from fabloop.services.words import STOPWORDS, telling, words_of

NEAR_M = 50_000.0
"""What ``near`` means where no distance is said."""
TEXT_MAX = 2_000
DAY_NS = 24 * HOUR
AHEAD_NS_MAX = 3_660 * DAY_NS
"""A deadline further ahead than ten years is none."""

_DISTANCE = re.compile(
    r"\bwithin\s+(?P<n>\d{1,15}(?:[.,]\d{1,15})?)\s*(?P<unit>km|m|mi|miles?|kilometres?|kilometers?)"
    r"\s+(?:of|from|around)\s+",
    re.IGNORECASE,
)
_NEAR = re.compile(r"\b(?:near|nearby|close to|around|in|at|from)\s+(?=\S)", re.IGNORECASE)
_CLOCK = re.compile(
    r"\b(?:before|by|until|till|not later than|no later than)\s+"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:\s*(?P<day>today|tomorrow))?\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:before|by|until|till)\s+(?P<at>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2}))",
    re.IGNORECASE,
)
_SPAN = re.compile(
    r"\b(?:within|in|in less than|in under)\s+(?:the next\s+)?(?P<n>\d{1,15}(?:[.,]\d{1,15})?)\s*"
    r"(?P<unit>s|sec|seconds?|min|minutes?|h|hours?|d|days?)\b",
    re.IGNORECASE,
)
_QUANTITY = re.compile(
    r"(?P<relation>\b(?:at least|at most|up to|more than|less than|over|under|minimum|maximum)\s+)?"
    r"(?<![\w.])(?P<n>[+-]?\d{1,15}(?:[.,]\d{1,15})?)\s*(?P<unit>°\s?[CF]|%|[A-Za-zµ][\w/*²³^-]*)?",
    re.IGNORECASE,
)
_JUST_COUNTED = frozenset({"", "piece", "pieces", "pcs", "pc", "item", "items", "units"})
_NS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY_NS}
_METRES = {"k": 1_000.0, "m": 1.0}
_MILE_M = 1_609.344


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity in the sentence: an SI value, or a number of things called `unit`."""

    value: float
    unit: str = ""
    dimension: Dimension | None = None
    relation: str = ""


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted; the text is kept as it was said.

    Attributes
    ----------
    inputs, outputs : concepts that can be given and that are wanted, where these are known
    place, within_m : where, and how far from there at most
    deadline : when it has to be done
    remarks : what could not be understood, for people
    """

    text: str
    keywords: tuple[str, ...] = ()
    amounts: tuple[Amount, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    place: Place | None = None
    within_m: float = NEAR_M
    deadline: Instant | None = None
    remarks: tuple[str, ...] = ()


def understood(
    text: str, *, now: Instant, places: Mapping[str, Place], time_zone: str = "UTC"
) -> Intent:
    """Return what a sentence wants; names of places are looked up in `places` (in lower case)."""
    remarks: list[str] = []
    if len(text) > TEXT_MAX:
        remarks.append(f"Only the first {TEXT_MAX} characters are read.")
    left = text[:TEXT_MAX]
    place, within_m, left = _place(left, places, remarks)
    deadline, left = _deadline(left, now, time_zone, remarks)
    amounts, left = _amounts(left)
    counted = tuple(
        each.unit for each in amounts if each.dimension is None and each.unit not in _JUST_COUNTED
    )
    words = telling(words_of(" ".join((left, *counted))))
    return Intent(
        text=text[:TEXT_MAX],
        keywords=tuple(dict.fromkeys(words)),
        amounts=amounts,
        place=place,
        within_m=within_m,
        deadline=deadline,
        remarks=tuple(remarks),
    )


def _place(
    text: str, places: Mapping[str, Place], remarks: list[str]
) -> tuple[Place | None, float, str]:
    """Return the place with how far from it, and the text without them."""
    said = _DISTANCE.search(text)
    if said is not None:
        name, place = _name_at(text, said.end(), places)
        unit = said["unit"].lower()
        scale = _MILE_M if unit.startswith("mi") else _METRES[unit[0]]
        within = float(said["n"].replace(",", ".")) * scale
        if place is None:
            remarks.append(_unknown(text[said.end() :], places))
            return None, NEAR_M, text[: said.start()] + text[said.end() :]
        return place, within, text[: said.start()] + text[said.end() + len(name) :]
    for near in _NEAR.finditer(text):
        name, place = _name_at(text, near.end(), places)
        if place is not None:
            return place, NEAR_M, text[: near.start()] + " " + text[near.end() + len(name) :]
    close = re.search(r"\b(?:near|close to)\s+(?=[A-Z])", text)
    if close is not None:
        remarks.append(_unknown(text[close.end() :], places))
    return None, NEAR_M, text


def _name_at(text: str, start: int, places: Mapping[str, Place]) -> tuple[str, Place | None]:
    """Return the longest known name that stands at a position."""
    rest = text[start:].lower()
    found = max(
        (name for name in places if re.match(rf"{re.escape(name)}\b", rest)), key=len, default=""
    )
    return found, places.get(found)


def _unknown(rest: str, places: Mapping[str, Place]) -> str:
    word = re.match(r"[\w'-]+", rest.strip())
    known = ", ".join(sorted(each.name for each in places.values())[:8]) or "none"
    return (
        f"Expected a known place, but found {word[0] if word else rest!r}: distance is not judged. "
        f"Known are: {known}."
    )


def _deadline(
    text: str, now: Instant, time_zone: str, remarks: list[str]
) -> tuple[Instant | None, str]:
    """Return when it has to be done, and the text without that."""
    said = _DATE.search(text)
    if said is not None:
        return _dated(said["at"], now, remarks), text[: said.start()] + text[said.end() :]
    said = _CLOCK.search(text)
    if said is not None:
        at = int(said["hour"]) * HOUR + int(said["minute"]) * MINUTE
        rest = text[: said.start()] + text[said.end() :]
        if at > DAY_NS or int(said["minute"]) >= 60:
            remarks.append(f"Expected a time of day, but found {said['hour']}:{said['minute']}.")
            return None, rest
        day = local_day(now, time_zone)
        today = at_clock(day, at, time_zone)
        tomorrow = (said["day"] or "").lower() == "tomorrow"
        if today <= now and not tomorrow and not said["day"]:
            remarks.append(f"{said['hour']}:{said['minute']} is over: tomorrow is meant.")
            tomorrow = True
        return (at_clock(day, at + DAY_NS, time_zone) if tomorrow else today), rest
    said = _SPAN.search(text)
    if said is not None:
        span = float(said["n"].replace(",", ".")) * _NS[said["unit"][0].lower()]
        rest = text[: said.start()] + text[said.end() :]
        if span > AHEAD_NS_MAX:
            remarks.append(f"{said[0]!r} is more than ten years ahead: it is no deadline.")
            return None, rest
        return Instant(now + round(span)), rest
    return None, text


def _dated(text: str, now: Instant, remarks: list[str]) -> Instant | None:
    """Return an instant that is written out; None, and a remark, where there is no such one."""
    try:
        found = instant_of(text)
    except (ValueError, OverflowError):
        remarks.append(f"Expected a date and time that exist, but found {text!r}.")
        return None
    if found > now + AHEAD_NS_MAX:
        remarks.append(f"{text!r} is more than ten years ahead: it is no deadline.")
        return None
    return found


def _amounts(text: str) -> tuple[tuple[Amount, ...], str]:
    """Return the quantities, and the text without them."""
    found: list[Amount] = []

    def take(match: re.Match[str]) -> str:
        relation = (match["relation"] or "").strip().lower()
        unit = (match["unit"] or "").replace(" ", "")
        word = unit if unit in STOPWORDS else ""
        unit = unit.removeprefix(word)
        try:
            dimension = dimension_of(unit) if unit else None
            value = (
                quantity_of(f"{match['n']} {unit}", dimension)
                if dimension is not None
                else float(match["n"].replace(",", "."))
            )
        except ValueError:
            dimension, value = None, float(match["n"].replace(",", "."))
        found.append(Amount(value=value, unit=unit, dimension=dimension, relation=relation))
        return f" {word} "

    left = _QUANTITY.sub(take, text)
    return tuple(found), left
