"""What lives have in common: a unit's past tells how far on its own way it is."""

import msgspec
import numpy as np
import pytest

from fabloop.base.errors import Invalid
from fabloop.base.instant import Instant
from fabloop.sense.condition.course_training import course_of
from fabloop.sense.condition.life_course import shares_of, told_by
from fabloop.sense.condition.life_file import from_file, to_file
from fabloop.sense.condition.life_training import Training, train
from fabloop.sense.condition.remaining_life import remaining_life

CAP = 80.0


def unit(seed, *, length=None):
    """Two signals that follow the part of a life that is over, each unit with its own start."""
    roll = np.random.default_rng(seed)
    count = length or int(roll.integers(60, 240))
    over = np.arange(1, count + 1) / count
    base = roll.normal(0, 0.5, 2)
    paths = np.column_stack([3.0 * over**3, -2.0 * over**2])
    return base + paths + roll.normal(0, 0.3, (count, 2))


@pytest.fixture(scope="module")
def course():
    return course_of([unit(seed) for seed in range(30)], CAP)


def test_lives_of_any_length_are_told_from_how_fast_they_go(course):
    off = []
    for seed in range(100, 130):
        values = unit(seed)
        left = min(40, len(values) // 3)
        found = told_by(course, values[:-left], CAP)[-1]
        off.append(found[0] - left)
    assert np.sqrt(np.mean(np.square(off))) < 12


def test_what_is_told_of_an_age_never_changes_with_what_comes_after(course):
    values = unit(50, length=150)
    whole, part = told_by(course, values, CAP), told_by(course, values[:70], CAP)
    np.testing.assert_allclose(whole[:70], part, rtol=1e-9)
    assert (np.diff(whole[:, 2]) != 0).any()
    assert ((whole[:, 0] >= 0) & (whole[:, 0] <= CAP)).all()


def test_an_unknown_stretch_says_nothing_rather_than_zero(course):
    values = unit(51, length=150)[:110]
    gap = values.copy()
    gap[60:100] = np.nan
    assert np.isfinite(told_by(course, gap, CAP)).all()
    assert abs(told_by(course, gap, CAP)[-1, 0] - told_by(course, values, CAP)[-1, 0]) < 20
    nothing = told_by(course, np.full_like(values, np.nan), CAP)[-1]
    assert nothing[1] > told_by(course, values, CAP)[-1, 1]


def test_a_unit_older_than_any_life_is_told_nothing_of(course):
    oldest = int(course.lives[-1])
    values = np.vstack([unit(52, length=200)] * (oldest // 200 + 2))
    found = told_by(course, values, CAP)
    assert np.isfinite(found[oldest - 1]).all()
    assert np.isnan(found[oldest:]).all()
    assert not shares_of(course, values, CAP).any()


def test_the_signal_that_moved_is_named():
    fleet = [np.column_stack([unit(n)[:, 0], np.random.default_rng(n).normal(size=len(unit(n)))])
             for n in range(30)]  # fmt: skip
    course = course_of(fleet, CAP)
    shares = shares_of(course, fleet[0][:-10], CAP)
    assert shares[0] < -5
    assert abs(shares[1]) < abs(shares[0]) / 4


def test_lives_of_many_cycles_are_looked_at_in_blocks():
    fleet = [np.repeat(unit(seed), 20, axis=0) for seed in range(25)]
    course = course_of(fleet, CAP * 20)
    assert course.block > 1
    values = np.repeat(unit(70, length=150), 20, axis=0)
    found = told_by(course, values[:2_400], CAP * 20)
    assert found[-1, 0] == pytest.approx(600, abs=250)


def test_trees_count_where_failure_comes_all_of_a_sudden():
    def sudden(seed):
        """Nothing shows for any share of a life; the last 25 cycles do, in every life."""
        roll = np.random.default_rng(seed)
        count = int(roll.integers(60, 240))
        left = np.arange(count, 0, -1)
        worn = np.maximum(0.0, 25.0 - left) / 5.0
        return worn[:, None] + roll.normal(0, 0.3, (count, 1))

    few = Training(trees=60, rate=0.1, leaves=7, cap=40.0, folds=3)
    share = train(("heat",), {f"u{n}": sudden(n) for n in range(24)}, few).share
    steady = train(("heat", "flow"), {f"u{n}": unit(n) for n in range(24)}, few).share
    assert share > 0.5 > steady


def test_signals_that_never_change_are_not_asked_for_again():
    fleet = {f"u{n}": np.column_stack([unit(n), np.full(len(unit(n)), 7.0)]) for n in range(24)}
    few = Training(trees=20, rate=0.2, leaves=7, cap=CAP, folds=4)
    model = train(("heat", "flow", "set point"), fleet, few)
    assert model.signals == ("heat", "flow")
    told = remaining_life(model, "u", ("heat", "flow"), unit(80)[:-20], Instant(0))
    assert told.cycles < CAP
    still = {name: np.ones((60, 2)) for name in fleet}
    with pytest.raises(Invalid, match="signals that change, of heat, flow, but found none"):
        train(("heat", "flow"), still, few)


def test_a_course_that_leads_nowhere_is_refused():
    fleet = {f"u{n}": unit(n) for n in range(24)}
    content = to_file(train(("a", "b"), fleet, Training(trees=5, cap=CAP, folds=3)))
    held = msgspec.msgpack.decode(content)
    for change in (
        {"spread": 0.0}, {"block": 0}, {"log_life": 1e9}, {"effects": 99},
        {"columns": {}}, {"columns": {**held["course"]["columns"], "scale": bytes(16)}},
    ):  # fmt: skip
        broken = msgspec.msgpack.encode({**held, "course": {**held["course"], **change}})
        with pytest.raises(Invalid, match="a model of the form"):
            from_file(broken, "fleet.model")
