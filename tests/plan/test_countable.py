"""Figures and spans too large to be counted are refused by name, and never taken for a no."""

import pytest
from msgspec.structs import replace

from fabloop.base.errors import Invalid
from fabloop.base.instant import DAY, HOUR, Instant
from fabloop.model.market import DeclineCode, RequestedStep, RequestForQuotation
from fabloop.model.plan import NotDecided
from fabloop.plan.countable import COST_MAX
from fabloop.plan.market.buyer import compose, inquire
from fabloop.plan.market.tenant import Premises, answer, quote
from fabloop.plan.orders import plan_orders
from fabloop.plan.producible import check, replan
from fabloop.plan.tradeoffs.front import front
from plan.crewed import with_operations
from plan.instances import NOW, gear, graz_and_vienna, vocabulary

PIECES = 100_000


def asked(order, question, **more):
    plant, values = graz_and_vienna()
    return question(order, plant, vocabulary(), values, NOW, **more)


def together(order, plant, words, values, now):
    return plan_orders([order], plant, words, values, now, effort=0.1)


def changed(order, plant, words, values, now):
    """Ask to change the plan of the same order when its figures could still be counted."""
    plan = check(gear(), plant, words, values, now).plans[0]
    return replan(order, plan, {}, {}, plant, words, values, now)


def put_out(order, plant, words, values, now):
    """Put the order to every site of the network."""
    until = Instant(now + DAY)
    exchange = inquire(order, secret=b"s" * 32, exchange="x", currency="EUR", expires_at=until)
    tenants = [
        Premises(str(each.id), each, words, values, now, valid_for_ns=HOUR)
        for each in plant.sites.values()
    ]
    answers = [answer(exchange.asked, each) for each in tenants]
    return compose(exchange, answers, plant.lanes, now=now)


def dear_order():
    return with_operations(
        replace(gear(), quantity=PIECES),
        lambda number, each: replace(each, cost_minor=COST_MAX // PIECES * (number < 2) + 1),
    )


def test_the_market_names_what_it_cannot_count_too():
    with pytest.raises(Invalid) as refused:
        asked(dear_order(), put_out)
    told = [fault.sentence() for fault in refused.value.faults]
    assert len(told) == 2
    assert told[0].startswith("operation 'mill-a' figures: Expected figures for all pieces")


def test_a_tenant_does_not_quote_what_it_cannot_count():
    plant, values = graz_and_vienna()
    graz = Premises("graz", plant.sites["graz"], vocabulary(), values, NOW, valid_for_ns=HOUR)
    until = Instant(NOW + DAY)
    dear = with_operations(gear(), lambda number, each: replace(each, cost_minor=2 * COST_MAX))
    exchange = inquire(dear, secret=b"s" * 32, exchange="x", currency="EUR", expires_at=until)
    told = answer(exchange.asked, graz)
    mill = exchange.inquiry("mill-a")
    assert mill.id in told.uncounted
    assert not told.able
    request = RequestForQuotation(
        id="r",
        exchange="x",
        site=graz.site.id,
        currency="EUR",
        quantity=1,
        steps=(RequestedStep(inquiry=mill, after=()),),
        arrivals=(),
        wanted_by=until,
        expires_at=until,
    )
    assert quote(request, graz).code is DeclineCode.NOT_COUNTABLE


@pytest.mark.parametrize("question", [check, front, together, changed])
def test_an_operation_that_takes_more_than_can_be_counted_is_named(question):
    """The first one does on every work unit, the second where pieces are dear already."""
    with pytest.raises(Invalid) as refused:
        asked(dear_order(), question)
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
