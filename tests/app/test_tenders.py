"""A tender for a product with alternatives: each way is asked for, the cheapest bids are kept."""

import msgspec
import pytest

from fabloop.app.asked import asked_in
from fabloop.app.demo import documents_of
from fabloop.app.market import WAYS_ASKED_MAX, Terms, bid_table, refusals, trade
from fabloop.base.instant import DAY
from fabloop.model.product import Alternative, RoutingOption
from fabloop.plan.market.contract import accept

DEAR = 50_000


@pytest.fixture(scope="module")
def asked():
    return asked_in(documents_of("wavegear"))


def terms(asked, **more):
    now = asked.order.received_at
    return Terms(buyer="us", secret=b"s" * 64, now=now, valid_for_ns=DAY, **more)


def with_a_dear_way(order, operation, count=1, **changes):
    """Return the order with dearer ways to do one operation beside its own."""
    product = order.product
    own = next(each for each in product.operations if each.id == operation)
    others = [
        msgspec.structs.replace(
            own, id=f"{operation}-{number}", cost_minor=own.cost_minor + DEAR, label=f"Way {number}"
        )
        for number in range(count)
    ]
    plain = msgspec.structs.replace(own, **changes)
    operations = [
        msgspec.structs.replace(each, inputs=(*each.inputs, *(other.id for other in others)))
        if own.id in each.inputs
        else each
        for each in (*(plain if each is own else each for each in product.operations), *others)
    ]
    options = tuple(
        RoutingOption(id=each.id, label=f"by {each.id}", operations=(each.id,))
        for each in (own, *others)
    )
    way = Alternative(id="way", label="Way", options=options)
    product = msgspec.structs.replace(product, operations=tuple(operations), alternatives=(way,))
    return msgspec.structs.replace(order, product=product)


def last_but_one(order):
    return order.product.final().inputs[0]


def made(bid):
    return {each for part in bid.parts for each in part.operations.values()}


def test_the_cheapest_bid_is_that_of_the_cheapest_way(asked):
    plain = trade(asked.knowledge, asked.order, terms(asked))
    operation = last_but_one(asked.order)
    order = with_a_dear_way(asked.order, operation)
    found = trade(asked.knowledge, order, terms(asked))
    prices = [min(each.bid.price_minor for each in out.standings) for out in (plain, found)]
    assert prices[0] == prices[1]
    best = min(found.standings, key=lambda each: each.bid.price_minor)
    assert operation in made(best.bid)
    assert f"{operation}-0" not in made(best.bid)
    assert f"by {operation}" in bid_table(found, order, asked.knowledge.network).rows[0][-1]
    assert accept(best.bid, order, "us", order.received_at).bid == best.bid


def test_where_one_way_cannot_be_made_bids_are_for_the_other(asked):
    operation = last_but_one(asked.order)
    own = asked.order.product.operation(operation)
    odd = msgspec.structs.replace(own.requirement, skill="no-such-skill")
    order = with_a_dear_way(asked.order, operation, requirement=odd)
    found = trade(asked.knowledge, order, terms(asked))
    assert found.standings
    assert found.impossible == ()
    assert all(f"{operation}-0" in made(each.bid) for each in found.standings)


def test_more_ways_than_are_asked_for_are_said(asked):
    operation = last_but_one(asked.order)
    order = with_a_dear_way(asked.order, operation, count=WAYS_ASKED_MAX)
    found = trade(asked.knowledge, order, terms(asked, most=1))
    assert not found.all_ways
    assert "ways of working" in " ".join(refusals(found, order))
