"""Why nothing can make it: each conflict with its demands, and values against their limits."""

from collections.abc import Mapping, Sequence

from fabloop.app.labels import NO_LABELS
from fabloop.app.pictures.svg import Picture, badge, box, document, group, line, text, wrapped
from fabloop.app.sentences import sentence, value_text
from fabloop.base.instant import Instant
from fabloop.model.explanation import Evidence, Explanation, ReasonCode
from fabloop.model.plan import NotProducible

WIDTH = 900.0
_LINE = 17.0
_BAR = 12.0
_NAMES = 300.0
_SCALE = 420.0
_LINES_MAX = 4


def conflict_picture(
    refused: NotProducible,
    now: Instant,
    labels: Mapping[str, str] = NO_LABELS,
    *,
    title: str = "",
) -> str:
    """Return the conflicts as SVG: what cannot hold together, and how far each value is off."""
    parts: list[str] = []
    y = 8.0
    for number, conflict in enumerate(refused.conflicts, 1):
        drawn, height = _conflict(number, conflict, now, labels)
        parts.append(group(drawn, y=y))
        y += height + 12
    if refused.grounds:
        drawn, height = _framed(
            "Why the wishes cannot be met", "note", refused.grounds, now, labels
        )
        parts.append(group(drawn, y=y))
        y += height + 12
    drawn_all = Picture(width=WIDTH, height=y + 4, body="".join(parts))
    return document(drawn_all, title or "What cannot hold together")


def _conflict(
    number: int, conflict: Sequence[Explanation], now: Instant, labels: Mapping[str, str]
) -> tuple[str, float]:
    alone = len(conflict) == 1
    words = (
        f"Conflict {number}: one demand that nothing meets"
        if alone
        else f"Conflict {number}: {len(conflict)} demands that cannot hold together"
    )
    return _framed(words, "failed", conflict, now, labels)


def _framed(
    words: str,
    mark: str,
    reasons: Sequence[Explanation],
    now: Instant,
    labels: Mapping[str, str],
) -> tuple[str, float]:
    parts = [badge(mark, 22, 18), text(38, 22, words, "strong")]
    y = 44.0
    for each in reasons:
        for told in wrapped(sentence(each, now, labels), WIDTH - 60, _LINES_MAX):
            parts.append(text(38, y, told))
            y += _LINE
        sums = each.code == ReasonCode.WISH_BEST  # of a whole plan, not of work units
        bars, height = _bars(() if sums else each.evidence, labels)
        parts.append(group(bars, y=y))
        y += height + 6
    frame = box(4, 0, WIDTH - 8, y, "lane", radius=4)
    return group(frame, *parts, title=words), y


def _bars(evidence: Sequence[Evidence], labels: Mapping[str, str]) -> tuple[str, float]:
    """Return values as bars against their common limit; one that is not known has no bar."""
    shown = [each for each in evidence if _is_number(each.limit)]
    values = [_float(each.value) for each in shown if _is_number(each.value)]
    if not values:
        return "", 0.0
    top = max(map(abs, [*values, *(_float(each.limit) for each in shown)])) or 1.0
    parts = []
    for row, each in enumerate(shown):
        y = row * (_BAR + 8)
        known, named = _is_number(each.value), labels.get(each.subject, each.subject)
        length = _SCALE * abs(_float(each.value)) / top if known else 0.0
        limit = _NAMES + _SCALE * abs(_float(each.limit)) / top
        words = value_text(each.value, each.dimension) if known else "not known"
        parts += [
            text(_NAMES - 8, y + _BAR - 2, named, "small", anchor="end"),
            box(_NAMES, y, length, _BAR, "bar", radius=0) if known else "",
            line([(limit, y - 3), (limit, y + _BAR + 3)], "limit"),
            text(_NAMES + max(length, limit - _NAMES) + 8, y + _BAR - 2, words, "small"),
        ]
    last = shown[-1]
    told = f"limit {value_text(last.limit, last.dimension)}"
    x = _NAMES + _SCALE * abs(_float(last.limit)) / top
    parts.append(text(x, len(shown) * (_BAR + 8) + 8, told, "small failed", anchor="middle"))
    return "".join(parts), len(shown) * (_BAR + 8) + 24


def _is_number(value: float | str | None) -> bool:
    return isinstance(value, int | float)


def _float(value: float | str | None) -> float:
    assert isinstance(value, int | float), "asked only of numbers"
    return float(value)
