"""Condensed rows come back from their bytes as they were."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adapters.historian.plant import NOON
from fabloop.adapters.historian.layout import TREND_NS
from fabloop.adapters.historian.trend_bodies import DECIMAL, PLAIN, bodies_of, rows_of
from fabloop.base.instant import SECOND
from fabloop.sense.readings.batch import batch_of, joined
from fabloop.sense.readings.settle import settled
from fabloop.sense.readings.summary import NAMES, Counters, summarise

COUNTERS = Counters(np.array([False, False, True]), np.array([np.nan, np.nan, np.nan]))
VALUES = st.one_of(
    st.integers(-(10**6), 10**6).map(lambda n: n / 1_000),
    st.integers(-(10**6), 10**6).map(lambda n: n / 1_000),
    st.floats(-1e12, 1e12),
    st.just(np.nan),
)


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 3_599_999), VALUES), min_size=1, max_size=40
    ),
    st.sampled_from([1, 10**6]),
)
def test_rows_come_back_as_they_were(readings, unit):
    batch = batch_of(
        [NOON + place * unit for _, place, _ in readings],
        [number for number, _, _ in readings],
        [value for _, _, value in readings],
    )
    rows = summarise(settled(batch).batch, TREND_NS, 0, COUNTERS)
    bodies = dict(bodies_of(rows, NOON))
    assert list(bodies) == np.unique(batch.series).tolist()
    for number, body in bodies.items():
        again, mine = rows_of(NOON, body), rows.where(rows.series == number)
        for name in NAMES[1:]:
            np.testing.assert_allclose(
                getattr(again, name), getattr(mine, name), rtol=1e-11, atol=1e-300, err_msg=name
            )


def test_decimal_values_take_few_bytes_and_others_stay_as_they_are():
    chance = np.random.default_rng(1)
    times = NOON + np.arange(400) * 9 * SECOND
    walk = (np.cumsum(chance.integers(-60, 61, 400)) + 50_000) / 1_000
    rows = summarise(batch_of(times, 0, walk), TREND_NS)
    ((_, body),) = bodies_of(rows, NOON)
    assert body[0] == DECIMAL
    assert len(body) < 20 * len(rows)
    ((_, plain),) = bodies_of(summarise(batch_of(times, 0, walk * np.pi), TREND_NS), NOON)
    assert plain[0] == PLAIN


def test_decimal_series_beside_each_other_do_not_mix():
    times = NOON + np.arange(4) * 400 * SECOND
    told = [batch_of(times, n, np.array([1.5, 2.5, 3.5, 4.25]) + 100 * n) for n in range(3)]
    rows = summarise(settled(joined(told)).batch, TREND_NS)
    for number, body in bodies_of(rows, NOON):
        assert body[0] == DECIMAL
        assert rows_of(NOON, body).first.tolist() == told[number].values.tolist()
