"""A fleet teaches how long a unit lasts; the file that holds it needs nothing that trained it."""

import subprocess
import sys
from contextlib import suppress

import lightgbm
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.app.sentences import sentence
from fabloop.base.errors import Invalid
from fabloop.base.instant import Instant
from fabloop.sense.condition.life_file import from_file, to_file
from fabloop.sense.condition.life_training import Training, train
from fabloop.sense.condition.remaining_life import remaining_life
from fabloop.sense.condition.trees import trees_of
from fabloop.sense.condition.trend_features import feature_names, features_of

SIGNALS = ("heat", "flow")
NOW = Instant(0)
SMALL = Training(trees=60, rate=0.1, leaves=15, cap=60.0)


def engine(seed):
    """Two signals that drift ever faster until the unit fails."""
    roll = np.random.default_rng(seed)
    count = int(roll.integers(80, 160))
    worn = np.exp(-np.arange(count, 0, -1) / 20)
    base = roll.normal(size=2)
    return base + worn[:, None] * [4.0, -3.0] + roll.normal(0, 0.2, (count, 2))


@pytest.fixture(scope="module")
def model():
    return train(SIGNALS, {f"u{n}": engine(n) for n in range(40)}, SMALL)


def test_units_it_never_saw_are_told_within_the_promised_bounds(model):
    inside, off = [], []
    for seed in range(100, 160):
        values = engine(seed)
        left = int(np.random.default_rng(seed).integers(5, 60))
        told = remaining_life(model, "u", SIGNALS, values[: len(values) - left], NOW)
        assert 0 <= told.low <= told.cycles
        assert told.high is None or told.high >= told.cycles
        inside.append(told.low <= left and (told.high is None or left <= told.high))
        off.append(told.cycles - left)
    assert np.sqrt(np.mean(np.square(off))) < 12
    assert np.mean(inside) > 0.75


def test_the_order_in_which_signals_are_given_makes_no_difference(model):
    values = engine(200)[:-20]
    one = remaining_life(model, "u", SIGNALS, values, NOW)
    assert remaining_life(model, "u", SIGNALS[::-1], values[:, ::-1], NOW) == one
    said = sentence(one.because, NOW)
    assert said.startswith(f"u has about {one.cycles:.0f} cycles left (")
    assert "heat" in said


def test_a_signal_that_is_lost_for_a_while_changes_little_and_never_counts_as_zero(model):
    values = engine(201)[:-20]
    gap = values.copy()
    gap[-15:-5, 0] = np.nan
    one = remaining_life(model, "u", SIGNALS, values, NOW)
    other = remaining_life(model, "u", SIGNALS, gap, NOW)
    assert abs(one.cycles - other.cycles) < 15


def test_what_is_missing_is_told_by_name(model):
    with pytest.raises(Invalid) as told:
        remaining_life(model, "u", ("heat",), np.zeros((2, 1)), NOW)
    assert [each.path for each in told.value.faults] == ["flow", "$"]


def test_the_file_gives_the_same_model_back(model):
    read = from_file(to_file(model), "fleet.model")
    values = engine(202)[:-30]
    assert remaining_life(read, "u", SIGNALS, values, NOW) == remaining_life(
        model, "u", SIGNALS, values, NOW
    )


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_or_still_answers(model, data):
    content = bytearray(to_file(model))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Invalid):
        read = from_file(bytes(content), "fleet.model")
        values = np.zeros((10, len(read.signals)))
        assert remaining_life(read, "u", read.signals, values, NOW).cycles >= 0


def test_a_file_of_another_kind_is_refused():
    with pytest.raises(Invalid, match="a model of the form"):
        from_file(msgspec.msgpack.encode({"format": "x"}), "fleet.model")


def test_using_a_model_needs_nothing_that_trained_it():
    code = (
        "import sys; import fabloop.sense.condition.remaining_life, "
        "fabloop.sense.condition.life_training; "
        "sys.exit(any(n.split('.')[0] in ('lightgbm', 'sklearn') for n in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_plain_trees_say_what_lightgbm_says_and_their_parts_add_up():
    roll = np.random.default_rng(3)
    rows = roll.normal(size=(400, 5))
    rows[roll.random((400, 5)) < 0.1] = np.nan
    truth = np.nan_to_num(rows[:, 0]) * 3 + np.nan_to_num(rows[:, 1]) ** 2
    settings = {"verbose": -1, "num_threads": 1, "num_leaves": 12}
    booster = lightgbm.train(settings, lightgbm.Dataset(rows, truth), 40)
    trees = trees_of(booster.dump_model())
    np.testing.assert_allclose(trees.predict(rows), booster.predict(rows), rtol=1e-9)
    for row in rows[:20]:
        found, base, parts = trees.explain(row)
        assert base + parts.sum() == pytest.approx(found)


def test_too_small_a_fleet_is_sent_to_the_weibull_distribution():
    with pytest.raises(Invalid, match="at least 20 units that ran to failure, but found 3"):
        train(SIGNALS, {f"u{n}": engine(n) for n in range(3)}, SMALL)


def test_features_are_those_of_plain_arithmetic_and_never_look_ahead():
    values = engine(5)
    values[30:33, 1] = np.nan
    table, names = features_of(values), feature_names(SIGNALS)
    assert table.shape[1] == len(names)
    part = values[31:41, 0]
    at = names.index("heat: slope over 10")
    assert table[40, at] == pytest.approx(np.polyfit(np.arange(10), part, 1)[0])
    level = table[40, names.index("flow: level over 10")]
    assert level == pytest.approx(np.nanmean(values[31:41, 1]))
    np.testing.assert_allclose(features_of(values[:41]), table[:41], rtol=1e-9, atol=1e-12)
