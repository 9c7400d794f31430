"""Figures and spans too large to be counted are refused by name, and never taken for a no."""

import pytest
from msgspec.structs import replace

from fabloop.base.errors import Invalid
from fabloop.base.instant import DAY
from fabloop.model.plan import NotDecided
from fabloop.plan.countable import COST_MAX
from fabloop.plan.orders import plan_orders
from fabloop.plan.producible import check
from fabloop.plan.tradeoffs.front import front
from plan.crewed import with_operations
from plan.instances import NOW, gear, graz_and_vienna, vocabulary

PIECES = 100_000


def asked(order, question, **more):
    plant, values = graz_and_vienna()
    return question(order, plant, vocabulary(), values, NOW, **more)


def together(order, plant, words, values, now):
    return plan_orders([order], plant, words, values, now, effort=0.1)


@pytest.mark.parametrize("question", [check, front, together])
def test_an_operation_that_takes_more_than_can_be_counted_is_named(question):
    """The first one does on every work unit, the second where pieces are dear already."""
    dear = with_operations(
        replace(gear(), quantity=PIECES),
        lambda number, each: replace(each, cost_minor=COST_MAX // PIECES * (number < 2) + 1),
    )
    with pytest.raises(Invalid) as refused:
        asked(dear, question)
    told = [fault.sentence() for fault in refused.value.faults]
    assert len(told) == 2
    assert told[0].startswith("operation 'mill-a' cost: Expected at most 1e+13 minor units")


def test_energy_that_cannot_be_counted_is_named_too():
    hot = with_operations(gear(), lambda _, each: replace(each, energy_j=1e18))
    with pytest.raises(Invalid, match="energy: Expected at most 1e\\+17 J"):
        asked(hot, check)


def test_what_would_take_longer_than_centuries_is_not_decided():
    """No work unit has a calendar, so nothing but the length is in the way."""
    long = with_operations(
        replace(gear(), quantity=PIECES), lambda _, each: replace(each, duration_ns=300 * DAY)
    )
    answer = asked(long, check)
    assert isinstance(answer, NotDecided)
    assert "36500" in answer.limit
    answer = asked(long, together)
    assert isinstance(answer.refused[long.id], NotDecided)
