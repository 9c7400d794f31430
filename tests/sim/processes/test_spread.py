"""Random spans keep what their names promise."""

from random import Random
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.instant import HOUR, MINUTE, SECOND
from fabloop.sim.processes.spread import SPAN_NS_MAX, draw_of


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("90s", 90 * SECOND),
        ("1.5 min", 90 * SECOND),
        ("250ms", SECOND // 4),
        ("2h", 2 * HOUR),
        ("1d", 24 * HOUR),
        ("PT1H30M", 90 * MINUTE),
        (" 5min ", 5 * MINUTE),
    ],
)
def test_a_plain_span_is_always_the_same(text, ns):
    draw = draw_of(text, "x")
    assert {draw(Random(seed)) for seed in range(5)} == {ns}


@pytest.mark.parametrize(
    ("text", "mean_s", "deviation_s"),
    [
        ("uniform(60s, 120s)", 90, 60 / 12**0.5),
        ("normal(90s, 10s)", 90, 10),
        ("triangular(60s, 90s, 150s)", 100, 18.7),
        ("exponential(90s)", 90, 90),
        ("lognormal(90s, 30s)", 90, 30),
    ],
)
def test_a_distribution_has_the_mean_and_deviation_it_says(text, mean_s, deviation_s):
    draw, chance = draw_of(text, "x"), Random(7)
    drawn = [draw(chance) / SECOND for _ in range(20_000)]
    assert fmean(drawn) == pytest.approx(mean_s, rel=0.03)
    assert stdev(drawn) == pytest.approx(deviation_s, rel=0.05)


@given(
    st.sampled_from(
        ["uniform(0s,1h)", "normal(1s,1h)", "triangular(0s,0s,1d)", "lognormal(1s,9d)"]
    ),
    st.integers(),
)
def test_a_span_is_never_negative_nor_beyond_its_limit(text, seed):
    assert 0 <= draw_of(text, "x")(Random(seed)) <= SPAN_NS_MAX


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a span such as"),
        ("ninety", "a span such as"),
        ("-5s", "a span such as"),
        ("90", "a span such as"),
        ("norml(1s, 2s)", "Did you mean 'normal'"),
        ("normal(1s)", "normal(mean, deviation)"),
        ("uniform(9s, 1s)", "in this order"),
        ("exponential(0s)", "a positive mean"),
        ("uniform(1s, exponential(2s))", "a span such as"),
    ],
)
def test_what_is_no_distribution_is_told(text, says):
    with pytest.raises(Invalid) as told:
        draw_of(text, "--every")
    assert says in str(told.value)
    assert "--every" in str(told.value)
