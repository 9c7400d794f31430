"""Rules tell the runs they are named for, however the points come."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.sense.spc.monitor import Monitor
from fabloop.sense.spc.rules import NELSON, WESTERN_ELECTRIC, fired

DISTANCES = st.lists(
    st.one_of(st.floats(-4, 4).map(lambda x: round(x, 1)), st.just(float("nan"))), max_size=40
)


def first(rule: int, points: list[float]) -> int | None:
    """Return the first point, from 1, that completes a rule of Nelson's."""
    flags = np.flatnonzero(fired(NELSON, np.array(points))[rule - 1])
    return int(flags[0]) + 1 if flags.size else None


@pytest.mark.parametrize(
    ("rule", "points", "at"),
    [
        (1, [0.0, 3.01], 2),
        (1, [0.0, -3.0], None),
        (2, [0.1] * 9, 9),
        (2, [0.1] * 8 + [-0.1], None),
        (3, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], 6),
        (3, [0.0, 0.1, 0.2, 0.3, 0.3, 0.5], None),
        (4, [0.1, -0.1] * 7, 14),
        (4, [0.1, -0.1] * 6 + [0.1], None),
        (5, [2.1, 0.0, 2.1], 3),
        (5, [2.1, 0.0, -2.1], None),
        (6, [1.1, 1.1, 0.0, 1.1, 1.1], 5),
        (7, [0.9, -0.9, 0.2] * 5, 15),
        (8, [1.1, -1.1] * 4, 8),
    ],
)
def test_a_rule_finds_its_pattern_at_the_point_that_completes_it(
    rule: int, points: list[float], at: int | None
) -> None:
    assert first(rule, points) == at


def slow(points: list[float]) -> dict[str, Callable[[int], bool]]:
    """Tell Nelson's rules in the words of the paper, by looking back at each point."""

    def back(end: int, count: int) -> list[float] | None:
        part = points[max(0, end + 1 - count) : end + 1]
        return part if len(part) == count and not np.isnan(part).any() else None

    def bits(end: int, count: int) -> list[float]:
        part: list[float] = []
        for value in reversed(points[max(0, end + 1 - count) : end + 1]):
            if np.isnan(value):
                break
            part.append(value)
        return part

    def some(end: int, count: int, enough: int, zone: float) -> bool:
        last, part = points[end], bits(end, count)
        side = np.sign(last)
        return abs(last) > zone and sum(x * side > zone for x in part) >= enough

    def moves(part: list[float]) -> list[float]:
        return [b - a for a, b in itertools.pairwise(part)]

    def same(end: int) -> bool:
        part = back(end, 9)
        return part is not None and (all(x > 0 for x in part) or all(x < 0 for x in part))

    def trend(end: int) -> bool:
        part = back(end, 6)
        return part is not None and (
            all(m > 0 for m in moves(part)) or all(m < 0 for m in moves(part))
        )

    def alternating(end: int) -> bool:
        part = back(end, 14)
        if part is None:
            return False
        steps = moves(part)
        return all(a * b < 0 for a, b in itertools.pairwise(steps))

    def close(end: int) -> bool:
        part = back(end, 15)
        return part is not None and all(abs(x) < 1 for x in part)

    def far(end: int) -> bool:
        part = back(end, 8)
        return part is not None and all(abs(x) > 1 for x in part)

    return {
        "nelson-1": lambda end: abs(points[end]) > 3,
        "nelson-2": same,
        "nelson-3": trend,
        "nelson-4": alternating,
        "nelson-5": lambda end: some(end, 3, 2, 2.0),
        "nelson-6": lambda end: some(end, 5, 4, 1.0),
        "nelson-7": close,
        "nelson-8": far,
    }


@given(
    st.one_of(
        DISTANCES,
        st.lists(st.sampled_from([-0.5, 0.5, 0.9]), max_size=30),
        st.lists(st.sampled_from([1.5, -1.5, 2.5]), max_size=30),
    )
)
def test_rules_carried_along_equal_rules_that_look_back(points: list[float]) -> None:
    flags = fired(NELSON, np.array(points))
    told = slow(points)
    for rule, row in zip(NELSON, flags, strict=True):
        assert row.tolist() == [told[rule.name](end) for end in range(len(points))], rule.name


@given(st.lists(DISTANCES.filter(bool), min_size=1, max_size=6))
def test_many_characteristics_are_judged_as_each_alone(courses: list[list[float]]) -> None:
    monitor = Monitor(np.zeros(len(courses)), np.ones(len(courses)), rules=WESTERN_ELECTRIC)
    told = {(number, rule.name): [] for number in range(len(courses)) for rule in WESTERN_ELECTRIC}
    for turn in range(max(map(len, courses))):
        which = np.array([n for n, course in enumerate(courses) if turn < len(course)])
        sweep = monitor.see([courses[n][turn] for n in which.tolist()], which)
        for place, number in enumerate(which.tolist()):
            for row, rule in enumerate(WESTERN_ELECTRIC):
                told[number, rule.name].append(bool(sweep.signals[row, place]))
    for number, course in enumerate(courses):
        alone = fired(WESTERN_ELECTRIC, np.array(course))
        for rule, row in zip(WESTERN_ELECTRIC, alone, strict=True):
            assert told[number, rule.name] == row.tolist()


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=50))
def test_a_monitor_carries_mean_and_deviation_along(values: list[float]) -> None:
    monitor = Monitor([0.0], [1.0])
    for value in values:
        monitor.see([value])
    assert monitor.means[0] == pytest.approx(np.mean(values), abs=1e-9)
    assert monitor.deviations[0] == pytest.approx(np.std(values, ddof=1), rel=1e-6, abs=1e-6)


def test_new_limits_begin_runs_anew() -> None:
    monitor = Monitor([0.0, 0.0], [1.0, 1.0])
    for _ in range(8):
        monitor.see([0.5, 0.5])
    monitor.freeze(np.array([0]), [0.5], [0.1])
    told = monitor.see([0.55, 0.5]).told()
    assert (1, "nelson-2") in told
    assert (0, "nelson-2") not in told
    assert monitor.seen.tolist() == [1, 9]


def test_limits_without_a_spread_are_refused_by_place() -> None:
    with pytest.raises(Invalid) as raised:
        Monitor([0.0, 1.0], [1.0, 0.0])
    assert [fault.path for fault in raised.value.faults] == ["$[1]"]
