"""Five weeks in which everything around fabloop fails, and fabloop itself is killed."""

import pytest

from fabloop.app.chaos.harness import run
from fabloop.sim.chaos import Blow


@pytest.mark.parametrize("seed", [2, 3, 5, 6, 9])
def test_whatever_fails_orders_end_and_nothing_unsafe_lost_or_doubled_happens(seed, tmp_path):
    ran = run(seed, tmp_path)
    assert ran.breaches == ()
    assert ran.struck[Blow.KILL_FABLOOP] >= 1
    assert ran.struck[Blow.KILL_SERVICE] >= 1
    assert ran.orders >= 2
    assert ran.commands > 10
