"""How likely a deadline is missed: by plan, by experience, by estimate, or by the clock alone."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

import msgspec

from fabloop.adapt.goals.tracks import Forecast, Memory, Track
from fabloop.base.instant import Instant

SAMPLES_MIN = 8
"""Remaining times that must be known before experience is asked instead of an estimate."""

TIME_USED = 0.8
"""Share of the allowed time after which it is a risk that nobody can say anything else."""


class Remaining(msgspec.Struct, frozen=True, kw_only=True):
    """Estimated time from a mark to an event.

    `least_ns` is certain: no history takes less. `most_ns` is what is hardly ever exceeded.
    `indispensable`: the event cannot be before the node of the mark has been left once.
    """

    least_ns: int
    likely_ns: int
    most_ns: int
    indispensable: bool = False


Estimates = Mapping[str, Mapping[str, Mapping[str, Remaining]]]
"""Per definition (``process 3``), per event, per mark."""


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """How likely it is missed, when it is expected, who says so and on how many cases."""

    risk: float
    expected: Instant | None
    source: str
    mark: str = ""
    cases: int = 0


def earliest(track: Track, event: str, estimates: Estimates) -> Instant | None:
    """Return before when an event certainly cannot happen; None where nothing is certain.

    A token is at every open node; whichever comes first may bring it, but not before each one
    that it cannot do without.
    """
    known = estimates.get(track.definition, {}).get(event)
    if not known:
        return None
    places = track.places()
    found = [(mark, at + known[mark].least_ns) for mark, at in places if mark in known]
    needed = [
        bound for mark, bound in found if known[mark].indispensable and mark[1:] not in track.marks
    ]
    if len(found) == len(places):
        needed.append(min((bound for _, bound in found), default=0))
    return Instant(max(needed)) if any(needed) else None


def risk_of(
    track: Track,
    event: str,
    memory: Memory,
    estimates: Estimates,
    begun: Instant,
    deadline: Instant,
) -> Risk:
    """Return the greatest risk that somebody knows of.

    Where neither plan nor experience says anything, the clock counts as well: an estimate by the
    model may know of a part of the work only.
    """
    now = memory.now
    found = [_forecast(each, now, deadline) for each in track.expects.get(event, ())]
    known = memory.samples.get(event, {})
    guessed = estimates.get(track.definition, {}).get(event, {})
    places = track.places()
    for mark, at in places:
        samples = known.get(mark)
        if samples is not None and len(samples.spans) >= SAMPLES_MIN:
            found.append(_learned(samples.ordered, mark, at, now, deadline))
    if not found:
        found.append(_by_clock(now, begun, deadline))
        found += [
            _estimated(guessed[mark], mark, at, now, deadline)
            for mark, at in places
            if mark in guessed and guessed[mark].most_ns
        ]
    return max(found, key=lambda each: (each.risk, each.expected or 0))


def _forecast(forecast: Forecast, now: Instant, deadline: Instant) -> Risk:
    instants = forecast.instants
    if not instants:
        return Risk(risk=1.0, expected=None, source=forecast.source)
    ahead = instants[bisect_right(instants, now) :]
    if not ahead:
        risk, expected = _overdue(instants[-1], now, deadline)
        return Risk(risk=risk, expected=expected, source=forecast.source, cases=len(instants))
    late = sum(each > deadline for each in ahead) / len(ahead)
    expected = ahead[len(ahead) // 2]
    return Risk(risk=late, expected=expected, source=forecast.source, cases=len(instants))


def _learned(spans: Sequence[int], mark: str, at: int, now: Instant, deadline: Instant) -> Risk:
    """Return the risk by cases that took longer than this one has taken already."""
    ahead = spans[bisect_right(spans, now - at) :]
    if not ahead:
        risk, expected = _overdue(at, now, deadline)
        return Risk(risk=risk, expected=expected, source="experience", mark=mark, cases=len(spans))
    late = len(ahead) - bisect_right(ahead, deadline - at)
    return Risk(
        risk=late / len(ahead),
        expected=Instant(at + ahead[len(ahead) // 2]),
        source="experience",
        mark=mark,
        cases=len(ahead),
    )


def _overdue(since: int, now: Instant, deadline: Instant) -> tuple[float, Instant]:
    """Return the risk, and what is to be expected, of what has taken longer than anybody knows.

    What has taken so long takes as long again in half of all cases, three times as long in a
    quarter: nothing but its age is known.
    """
    age = now - since
    risk = min(1.0, age / (deadline - since)) if deadline > since else 1.0
    return risk, Instant(now + age)


def _estimated(own: Remaining, mark: str, at: int, now: Instant, deadline: Instant) -> Risk:
    """Return the risk by an estimate: half are done by the likely time, all by the longest."""
    before, late = _longer(own, now - at), _longer(own, deadline - at)
    if before <= 0:  # it has taken longer than the model knows of
        risk, overdue = _overdue(at, now, deadline)
        return Risk(risk=risk, expected=overdue, source="estimate", mark=mark)
    risk = late / before
    expected = Instant(max(now, at + own.likely_ns))
    return Risk(risk=risk, expected=expected, source="estimate", mark=mark)


def _longer(own: Remaining, span: int) -> float:
    """Return how likely an estimated time is longer than a span."""
    low, middle, high = own.least_ns, own.likely_ns, own.most_ns
    if span < low:
        return 1.0
    if span >= high:
        return 0.0
    if span < middle:
        return 1.0 - 0.5 * (span - low) / (middle - low)
    return 0.5 * (high - span) / (high - middle)


def _by_clock(now: Instant, begun: Instant, deadline: Instant) -> Risk:
    span = deadline - begun
    used = (now - begun) / span if span > 0 else 1.0
    risk = min(1.0, max(0.0, (used - TIME_USED) / (1.0 - TIME_USED)))
    return Risk(risk=risk, expected=None, source="clock")
