"""Few failures give a life with honest bounds; many give what the classical estimate gives."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import CensoredData, weibull_min

from fabloop.base.errors import Invalid
from fabloop.sense.condition.weibull import Life, lifetime_of

B10 = -math.log(0.9)


def drawn(roll, count, shape=2.5, scale=100.0):
    lived = scale * roll.weibull(shape, count)
    stopped = scale * roll.uniform(0.3, 2.0, count)
    lives = [
        Life(lived=float(min(a, b)), failed=bool(a <= b))
        for a, b in zip(lived, stopped, strict=True)
    ]
    return lives if any(each.failed for each in lives) else drawn(roll, count, shape, scale)


def test_with_many_lives_it_agrees_with_the_most_likely_distribution():
    lives = drawn(np.random.default_rng(1), 4_000, shape=1.7)
    censored = CensoredData(
        uncensored=[each.lived for each in lives if each.failed],
        right=[each.lived for each in lives if not each.failed],
    )
    shape, _, scale = weibull_min.fit(censored, floc=0)
    found = lifetime_of(lives)
    assert found.shape().value == pytest.approx(shape, rel=0.01)
    assert found.life(0.1).value == pytest.approx(scale * B10 ** (1 / shape), rel=0.01)
    assert found.reliability(scale) == pytest.approx(math.exp(-1), rel=0.01)


@pytest.mark.parametrize(("count", "error"), [(3, 0.32), (5, 0.29), (10, 0.22)])
def test_from_three_lives_on_b10_is_near_and_its_interval_holds_the_truth(count, error):
    roll = np.random.default_rng(count)
    truth = 100 * B10 ** (1 / 2.5)
    found = [lifetime_of(drawn(roll, count)).life(0.1) for _ in range(100)]
    off = [abs(each.value / truth - 1) for each in found]
    held = np.mean([each.low <= truth <= each.high for each in found])
    assert np.median(off) < error
    assert 0.82 <= held <= 1.0


@settings(max_examples=30, deadline=None)
@given(
    lived=st.lists(st.floats(0.01, 1e4), min_size=1, max_size=12),
    factor=st.floats(1e-3, 1e6),
)
def test_the_unit_of_life_makes_no_difference(lived, factor):
    lives = [Life(lived=each, failed=n % 2 == 0) for n, each in enumerate(lived)]
    same = [Life(lived=each.lived * factor, failed=each.failed) for each in lives]
    one, other = lifetime_of(lives).life(0.1), lifetime_of(same).life(0.1)
    assert other.value == pytest.approx(one.value * factor, rel=1e-9)
    assert one.low <= one.value <= one.high


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(1.0, 1e3), min_size=2, max_size=8), st.floats(0.1, 2e3))
def test_a_life_that_goes_on_makes_parts_last_longer(lived, more):
    failed = [Life(lived=each, failed=True) for each in lived]
    longer = max(lived) + more
    before = lifetime_of(failed).life(0.5).value
    assert lifetime_of([*failed, Life(lived=longer, failed=False)]).life(0.5).value >= before


def test_reliability_and_quantile_are_of_one_distribution():
    found = lifetime_of(drawn(np.random.default_rng(4), 500))
    assert found.reliability(found.life(0.3).value) == pytest.approx(0.7, abs=0.01)
    assert found.reliability(0.0) == pytest.approx(1.0)
    assert found.risk(50.0, 0.0) == 0.0
    assert found.risk(50.0, 20.0) > found.risk(10.0, 20.0)  # it wears out


def test_a_part_that_wears_out_is_replaced_at_the_age_of_least_cost():
    """Shape 2.5, a failure five times as dear: 0.5145 of the scale by the known distribution."""
    found = lifetime_of(drawn(np.random.default_rng(5), 20_000)).replacement(1.0, 5.0)
    grid = np.linspace(1e-3, 3.0, 30_001)
    alive = np.exp(-(grid**2.5))
    rate = (alive + 5 * (1 - alive)) / np.cumsum(alive * (grid[1] - grid[0]))
    assert found.age == pytest.approx(100 * grid[rate.argmin()], rel=0.03)
    assert found.cost_rate < 0.8 * found.cost_rate_to_failure


def test_a_part_is_never_replaced_early_where_that_costs_as_much_as_a_failure():
    found = lifetime_of(drawn(np.random.default_rng(6), 50)).replacement(1.0, 1.0)
    assert found.age is None
    assert found.cost_rate == found.cost_rate_to_failure


def test_every_fault_of_the_lives_is_told():
    with pytest.raises(Invalid) as told:
        lifetime_of([Life(lived=0.0, failed=False), Life(lived=math.nan, failed=False)])
    assert [each.path for each in told.value.faults] == ["$[0].lived", "$[1].lived", "$"]
