"""The marketplace: what leaks, what is offered, what a contract holds, what becomes of promises."""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.codec import to_json
from fabloop.base.errors import Conflict, Invalid
from fabloop.base.instant import DAY, HOUR, MINUTE, Instant
from fabloop.model.disclosure import Disclosure
from fabloop.model.explanation import MarketCode
from fabloop.model.ids import MaterialId, OperationId, SiteId
from fabloop.model.market import (
    Bid,
    DeclineCode,
    Declined,
    Delivery,
    Quotation,
    Reached,
    RequestForQuotation,
    TrackRecord,
)
from fabloop.model.plan import NotProducible
from fabloop.model.product import Material, Purchase
from fabloop.model.site import Stock
from fabloop.model.skill import LiveRating
from fabloop.plan.market.blinding import is_sealed_by, pseudonyms, seal
from fabloop.plan.market.buyer import compose, inquire, negotiate, unanswered
from fabloop.plan.market.comparison import Criterion, compare_bids
from fabloop.plan.market.contract import accept, renewed, track_records, watch
from fabloop.plan.market.disclosure import asked_of, view_of
from fabloop.plan.market.offer import offer_name
from fabloop.plan.market.tenant import HAND_OVER, Premises, PricePolicy, Quoted, answer, quote
from fabloop.plan.producible import check
from plan.instances import NOW, gear, graz_and_vienna, random_instance, vocabulary

SECRET = b"0123456789abcdef0123456789abcdef"
UNTIL = Instant(NOW + DAY)
SEEDS = st.integers(0, 1_000_000)


def premises(site, values, **more):
    own = {key: each for key, each in values.items() if key[0] in {u.id for u in site.work_units}}
    return Premises(
        tenant=f"tenant-{site.id}",
        site=site,
        vocabulary=vocabulary(),
        kpis=own,
        now=NOW,
        valid_for_ns=2 * HOUR,
        **more,
    )


def market(plant, values, **more):
    return {key: premises(each, values, **more) for key, each in plant.sites.items()}


def exchange_for(order, name="x-1", stocked=()):
    return inquire(
        order, secret=SECRET, exchange=name, currency="EUR", expires_at=UNTIL, stocked=stocked
    )


def zones(plant):
    return {key: each.time_zone for key, each in plant.sites.items()}


def bids(order, plant, values, *, most=4, heard=None, name="x-1", **more):
    """Return all bids that a buyer gets, and note every message in `heard`."""
    tenants = market(plant, values, **more)
    heard = [] if heard is None else heard
    stocked = {each.material for site in plant.sites.values() for each in site.stock}
    exchange = exchange_for(order, name=name, stocked=stocked)
    answers = [answer(exchange.asked, each) for each in tenants.values()]
    heard += [("to tenants", exchange.asked), *(("to buyer", each) for each in answers)]

    def ask(request):
        quoted = quote(request, tenants[request.site])
        reply = quoted.quotation if isinstance(quoted, Quoted) else quoted
        heard.extend([("to tenants", request), ("to buyer", reply)])
        return reply

    found = [
        negotiate(exchange, each, ask, expires_at=UNTIL, time_zones=zones(plant))
        for each in compose(exchange, answers, plant.lanes, now=NOW, most=most)
    ]
    return [each for each in found if isinstance(each, Bid)]


def test_the_market_makes_the_gear_in_graz_while_its_reamer_is_good_and_in_both_when_it_wears():
    plant, values = graz_and_vienna(graz_tpe=12e-6)
    best, *_ = sorted(bids(gear(), plant, values), key=lambda each: each.price_minor)
    assert best.tenants() == ("tenant-graz",)
    assert not best.carriages
    plant, values = graz_and_vienna(graz_tpe=16.2e-6)
    best, *_ = sorted(bids(gear(), plant, values), key=lambda each: each.price_minor)
    assert set(best.tenants()) == {"tenant-graz", "tenant-vienna"}
    (reamed,) = [
        each.quotation.site
        for each in best.parts
        if OperationId("ream-a") in each.operations.values()
    ]
    assert reamed == "vienna"


def test_no_message_tells_a_tenant_about_the_order_or_a_buyer_about_the_site():
    plant, values = graz_and_vienna(graz_tpe=16.2e-6)
    order, heard = gear(), []
    assert bids(order, plant, values, heard=heard)
    of_the_order = [order.id, order.product.product, order.product.label, "mill-a", "ream-a-out"]
    of_a_site = [unit.id for site in plant.sites.values() for unit in site.work_units]
    of_a_site += ["hall", "16.2e-06", "1.62e-05", "tpe/1"]
    for towards, message in heard:
        text = to_json(message).decode()
        leaked = of_the_order if towards == "to tenants" else of_a_site
        assert not [each for each in leaked if f'"{each}"' in text or f"{each}" == text]
        if towards == "to tenants":
            assert not [each for each in of_the_order if each in text]


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_pseudonyms_are_distinct_and_say_nothing_across_exchanges(seed):
    names = [OperationId(f"o{seed}-{number}") for number in range(20)]
    one, other = pseudonyms(SECRET, "a", names), pseudonyms(SECRET, "b", names)
    assert len(set(one.values()) | set(other.values())) == 40


def test_a_price_cannot_be_changed_once_it_is_sealed():
    plant, values = graz_and_vienna()
    quotation = bids(gear(), plant, values)[0].parts[0].quotation
    sealed = seal(quotation, SECRET)
    assert is_sealed_by(sealed, quotation, SECRET)
    cheaper = msgspec.structs.replace(quotation, price_minor=quotation.price_minor - 1)
    assert not is_sealed_by(sealed, cheaper, SECRET)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_whoever_sees_everything_never_pays_more_than_on_the_market_without_margins(seed):
    order, plant, values = random_instance(seed)
    found = bids(order, plant, values)
    seen = check(order, plant, vocabulary(), values, NOW, plans_max=1)
    if not hasattr(seen, "plans"):
        assert not found
        return
    for each in found:
        assert seen.plans[0].totals.cost_minor <= each.price_minor


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, margin=st.floats(0.0, 1.0))
def test_a_margin_raises_the_price_and_nothing_else(seed, margin):
    order, plant, values = random_instance(seed)
    heard = []
    bids(order, plant, values, most=2, heard=heard)
    cheap = market(plant, values)
    dear = market(plant, values, policy=PricePolicy(margin=margin))
    for _, request in heard:
        if isinstance(request, RequestForQuotation):
            one, other = quote(request, cheap[request.site]), quote(request, dear[request.site])
            if isinstance(one, Declined):
                assert one == other
                continue
            price = round(one.quotation.price_minor * (1.0 + margin))
            assert other.quotation == msgspec.structs.replace(one.quotation, price_minor=price)
            assert other.plan == one.plan


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_an_offer_keeps_its_name_when_asked_again_and_changes_it_with_what_is_offered(seed):
    order, plant, values = random_instance(seed)
    found = bids(order, plant, values, most=20)
    again = bids(order, plant, values, most=20, name="x-2")
    names = [offer_name(each) for each in found]
    assert sorted(names) == sorted(offer_name(each) for each in again)
    for bid, name in zip(found, names, strict=True):
        part, replace = bid.parts[0], msgspec.structs.replace
        made = (
            replace(part.quotation, price_minor=part.quotation.price_minor + 1),
            replace(part.quotation, ready_at=part.quotation.ready_at + 1),
            replace(part.quotation, expires_at=part.quotation.expires_at + 1),
            replace(part.quotation, tenant="another"),
        )
        for each in made:
            parts = (replace(part, quotation=each), *bid.parts[1:])
            assert offer_name(replace(bid, parts=parts)) != name


BAR = MaterialId("bar")


def of_bars(order, *, pieces=1, supply=()):
    """Return the gear whose first milling step takes bars."""
    milled = Material(id=MaterialId("mill-a-out"), label="a", made_of=(BAR,), amounts={BAR: pieces})
    bar = Material(id=BAR, label="Bar", third_party=True, supply=supply)
    product = msgspec.structs.replace(order.product, materials=(milled, bar))
    return msgspec.structs.replace(order, product=product)


def with_bars(plant, **sites):
    """Return the network with so many bars from an instant on, by site."""
    held = {
        key: Stock(material=BAR, quantity=quantity, available_at=Instant(at))
        for key, (quantity, at) in sites.items()
    }
    changed = {
        key: msgspec.structs.replace(site, stock=(held[key],) if key in held else ())
        for key, site in plant.sites.items()
    }
    return msgspec.structs.replace(plant, sites=changed)


def test_bought_parts_are_in_the_price_and_waited_for():
    plant, values = graz_and_vienna()
    buy = Purchase(supplier="steelworks", lead_ns=6 * HOUR, cost_minor=700, co2_kg=3.0)
    (plain, *_), (bid, *_) = (
        sorted(bids(order, plant, values), key=lambda each: each.price_minor)
        for order in (gear(), of_bars(gear(), pieces=2, supply=(buy,)))
    )
    assert bid.price_minor == plain.price_minor + 1_400
    assert bid.co2_kg == pytest.approx(plain.co2_kg + 6.0)
    assert plain.ready_at < NOW + 6 * HOUR < bid.ready_at


def test_who_has_no_material_and_can_buy_none_does_not_bid_for_the_step():
    plant, values = graz_and_vienna()
    found = bids(of_bars(gear()), with_bars(plant, vienna=(1, NOW + 3 * HOUR)), values)
    assert found
    for bid in found:
        (milled,) = [p for p in bid.parts if OperationId("mill-a") in p.operations.values()]
        assert milled.quotation.site == "vienna"
        assert milled.quotation.ready_at > NOW + 3 * HOUR
    assert not bids(of_bars(gear(), pieces=2), with_bars(plant, vienna=(1, NOW)), values)


def test_shipments_of_a_bid_leave_with_a_departure_that_they_reach():
    plant, values = graz_and_vienna(graz_tpe=16.2e-6)
    lanes = tuple(
        msgspec.structs.replace(each, departures=(9 * HOUR, 17 * HOUR), cut_off_ns=HOUR)
        for each in plant.lanes
    )
    found = bids(gear(), msgspec.structs.replace(plant, lanes=lanes), values)
    shipped = [each for bid in found for each in bid.carriages]
    assert shipped
    for each in shipped:
        local = datetime.fromtimestamp(each.start / 1e9, ZoneInfo(zones(plant)[each.origin]))
        assert (local.hour, local.minute) in {(9, 0), (17, 0)}
        made = [p.quotation for bid in found for p in bid.parts if p.quotation.site == each.origin]
        assert any(quoted.ready_at <= each.start - HOUR for quoted in made)


def test_what_nobody_can_do_is_named_and_no_bid_is_made():
    plant, values = graz_and_vienna(graz_tpe=20e-6, vienna_tpe=19e-6)
    exchange = exchange_for(gear())
    answers = [answer(exchange.asked, each) for each in market(plant, values).values()]
    assert unanswered(exchange, answers) == (OperationId("ream-a"),)
    assert compose(exchange, answers, plant.lanes, now=NOW) == ()


def test_a_tenant_declines_what_it_cannot_do_in_time_and_requests_that_make_no_sense():
    plant, values = graz_and_vienna()
    asked = []
    bids(gear(), plant, values, heard=asked)
    request = next(message for way, message in asked if hasattr(message, "arrivals"))
    own = market(plant, values)[request.site]

    def code(**changes):
        reply = quote(msgspec.structs.replace(request, **changes), own)
        return reply.code if isinstance(reply, Declined) else None

    assert code() is None
    assert code(wanted_by=Instant(NOW + MINUTE)) is DeclineCode.NOT_IN_TIME
    assert code(expires_at=NOW) is DeclineCode.EXPIRED
    assert code(currency="CHF") is DeclineCode.NOT_UNDERSTOOD
    assert code(steps=()) is DeclineCode.NOT_UNDERSTOOD
    assert code(steps=request.steps * 2) is DeclineCode.NOT_UNDERSTOOD
    circle = tuple(
        msgspec.structs.replace(each, after=(each.inquiry.id,)) for each in request.steps[:1]
    )
    assert code(steps=circle) is DeclineCode.NOT_UNDERSTOOD
    tight = request.steps[0].inquiry.operation
    needs = msgspec.structs.replace(tight.requirement, constraints={"size": 99.0})
    impossible = msgspec.structs.replace(
        request.steps[0],
        inquiry=msgspec.structs.replace(
            request.steps[0].inquiry, operation=msgspec.structs.replace(tight, requirement=needs)
        ),
    )
    assert code(steps=(impossible, *request.steps[1:])) is DeclineCode.NOT_ABLE


def test_a_buyer_refuses_answers_to_another_question():
    plant, values = graz_and_vienna()
    exchange, other = exchange_for(gear()), exchange_for(gear(), "x-2")
    answers = [answer(other.asked, each) for each in market(plant, values).values()]
    with pytest.raises(Invalid, match="exchange 'x-1'"):
        compose(exchange, answers, plant.lanes, now=NOW)
    answers = [answer(exchange.asked, each) for each in market(plant, values).values()]
    (first, *_) = compose(exchange, answers, plant.lanes, now=NOW)

    def lie(request):
        quoted = quote(request, market(plant, values)[request.site])
        return msgspec.structs.replace(quoted.quotation, price_minor=-1, request="another")

    with pytest.raises(Invalid) as caught:
        negotiate(exchange, first, lie, expires_at=UNTIL, time_zones=zones(plant))
    assert {each.path for each in caught.value.faults} == {"request", "price_minor"}


def a_contract(**instance):
    plant, values = graz_and_vienna(**instance)
    order = gear()
    bid = min(bids(order, plant, values), key=lambda each: each.price_minor)
    return accept(bid, order, "buyer", Instant(NOW + HOUR))


def test_a_quotation_that_expired_is_not_accepted():
    plant, values = graz_and_vienna()
    bid = bids(gear(), plant, values)[0]
    with pytest.raises(Conflict, match="expired"):
        accept(bid, gear(), "buyer", Instant(NOW + 3 * HOUR))


def codes(contract, deliveries, at):
    return [each.code for each in watch(contract, deliveries, Instant(at))]


def test_a_late_part_is_told_as_soon_as_it_is_expected_and_again_when_it_is_late():
    contract = a_contract()
    (part,) = contract.bid.parts
    ready = part.quotation.ready_at
    warned = Delivery(quotation=part.quotation.id, at=NOW, expected_at=Instant(ready + HOUR))
    assert codes(contract, [], NOW) == []
    assert codes(contract, [warned], NOW) == [MarketCode.DELIVERY_ENDANGERED]
    assert codes(contract, [warned], ready + 1) == [MarketCode.DELIVERY_LATE]


def test_a_promise_is_kept_broken_or_unproven_and_silence_is_no_proof():
    contract = a_contract()
    (part,) = contract.bid.parts
    (promise,) = part.quotation.promises
    assert (promise.parameter, promise.limit) == ("tpe", 15e-6)
    assert part.operations[promise.step] == "ream-a"
    ready = part.quotation.ready_at

    def told(*values):
        return Delivery(
            quotation=part.quotation.id,
            at=Instant(ready - 1),
            handed_over=True,
            reached=tuple(
                Reached(step=promise.step, parameter="tpe", value=each, at=NOW, source="tpe/1")
                for each in values
            ),
        )

    assert codes(contract, [told(14e-6)], ready) == []
    assert codes(contract, [told(14e-6, 15.1e-6)], ready) == [MarketCode.PROMISE_BROKEN]
    assert codes(contract, [told(float("nan"))], ready) == [MarketCode.PROMISE_BROKEN]
    assert codes(contract, [told()], ready) == [MarketCode.PROMISE_UNPROVEN]
    assert codes(contract, [], ready) == []
    records = track_records([contract], [told(14e-6)], ready)["tenant-graz"]
    assert (records.on_time_share, records.kept_share) == (1.0, 1.0)
    records = track_records([contract], [told()], ready)["tenant-graz"]
    assert (records.on_time_share, records.kept_share, records.promises_unproven) == (1.0, 0.0, 1)
    assert track_records([contract], [], ready) == {}
    assert track_records([contract], [], Instant(ready + 1))["tenant-graz"].on_time_share == 0.0
    assert TrackRecord(tenant="new").on_time_share is None


def test_bids_are_ranked_and_each_knows_what_it_is_best_at():
    plant, values = graz_and_vienna()
    found = bids(gear(), plant, values)
    assert len(found) > 1
    standings = compare_bids(found, {}, {Criterion.PRICE: 1.0})
    prices = [each.bid.price_minor for each in standings]
    assert prices == sorted(prices)
    assert Criterion.PRICE in standings[0].best_at
    assert standings[0].dominated_by == ()
    for each in standings:
        assert each.figures[Criterion.RECORD] is None
        for other in each.dominated_by:
            assert standings[other].bid.price_minor <= each.bid.price_minor


def test_a_good_record_counts_and_an_unknown_one_is_neither_good_nor_bad():
    plant, values = graz_and_vienna()
    one, two, *_ = bids(gear(), plant, values)
    known = {
        each: TrackRecord(tenant=each, parts=10, on_time=9 if each == "tenant-graz" else 2)
        for each in (*one.tenants(), *two.tenants())
    }
    best = compare_bids([one, two], known, {Criterion.RECORD: 1.0})[0].bid
    assert best.tenants() == ("tenant-graz",)
    even = compare_bids([one, two], {}, {Criterion.RECORD: 1.0})
    assert [each.score for each in even] == [0.5, 0.5]


def test_what_changed_since_a_bid_is_said_before_the_order():
    plant, values = graz_and_vienna(graz_tpe=12e-6)
    before = min(bids(gear(), plant, values), key=lambda each: each.price_minor)
    plant, values = graz_and_vienna(graz_tpe=16.2e-6)
    after = min(bids(gear(), plant, values), key=lambda each: each.price_minor)
    change = renewed(before, after)
    assert change.price_minor > 0
    assert change.tenants_new == ("tenant-vienna",)
    assert renewed(before, before).ready_ns == 0


def test_a_tenant_sees_its_own_and_open_sites_and_may_ask_those_that_make_offers():
    plant, _ = graz_and_vienna()
    graz, vienna = plant.sites.values()
    sites = {
        SiteId("graz"): msgspec.structs.replace(graz, tenant="a", disclosure=Disclosure.NONE),
        SiteId("vienna"): msgspec.structs.replace(vienna, tenant="b", disclosure=Disclosure.OFFERS),
    }
    shared = msgspec.structs.replace(plant, sites=sites)
    seen = view_of(shared, "a")
    assert (list(seen.network.sites), [each.id for each in seen.asked]) == (["graz"], ["vienna"])
    assert seen.network.lanes == ()
    seen = view_of(shared, "b")
    assert (list(seen.network.sites), seen.asked) == (["vienna"], ())


def test_single_offers_and_kpi_values_are_withheld_from_other_tenants():
    plant, values = graz_and_vienna()
    hidden = {"v-ream": Disclosure.OFFERS, "g-mill": Disclosure.NONE}

    def disclosing(unit):
        how = hidden.get(unit.id, Disclosure.FULL)
        offers = tuple(msgspec.structs.replace(each, disclosure=how) for each in unit.offers)
        return msgspec.structs.replace(unit, offers=offers)

    sites = {
        key: msgspec.structs.replace(
            site, tenant=key, work_units=tuple(disclosing(each) for each in site.work_units)
        )
        for key, site in plant.sites.items()
    }
    shared = msgspec.structs.replace(plant, sites=sites)
    kpis = [msgspec.structs.replace(each, disclosure=Disclosure.OFFERS) for each in values.values()]
    for tenant, others in (("graz", {"v-ream"}), ("vienna", {"g-mill"}), ("c", set(hidden))):
        seen = view_of(shared, tenant, kpis)
        units = seen.network.work_units()
        assert {name for name in hidden if not units[name].offers} == others
        assert all(units[each.work_unit].site == tenant for each in seen.kpis)
    assert view_of(shared, "graz", values.values()).kpis == tuple(values.values())
    asked = {unit.id: unit for site in sites.values() for unit in asked_of(site).work_units}
    assert asked["v-ream"].offers
    assert not asked["g-mill"].offers


def test_a_vendors_value_does_not_stand_in_for_a_measured_one_that_is_withheld():
    plant, values = graz_and_vienna(graz_tpe=90e-6, vienna_tpe=90e-6)
    kpis = [msgspec.structs.replace(each, disclosure=Disclosure.NONE) for each in values.values()]
    seen = view_of(without_monitoring(plant), "c", kpis)
    assert seen.kpis == ()
    answer = check(gear(), seen.network, vocabulary(), {}, NOW)
    assert isinstance(answer, NotProducible)


def without_monitoring(plant):
    """Return the plant with work units whose makers' values may stand in until one is measured."""

    def bare(offer):
        live = {
            name: msgspec.structs.replace(each, monitored=False)
            for name, each in offer.values.items()
            if isinstance(each, LiveRating)
        }
        return msgspec.structs.replace(offer, values={**offer.values, **live})

    sites = {}
    for key, site in plant.sites.items():
        units = tuple(
            msgspec.structs.replace(each, offers=tuple(bare(it) for it in each.offers))
            for each in site.work_units
        )
        sites[key] = msgspec.structs.replace(site, work_units=units)
    return msgspec.structs.replace(plant, sites=sites)


def test_the_plan_behind_a_quotation_ends_with_the_hand_over_at_the_gate():
    plant, values = graz_and_vienna()
    asked = []
    bids(gear(), plant, values, heard=asked)
    request = next(message for way, message in asked if hasattr(message, "arrivals"))
    quoted = quote(request, market(plant, values)[request.site])
    assert isinstance(quoted, Quoted)
    last = quoted.plan.step(OperationId(HAND_OVER))
    assert last.end == max(each.end for each in quoted.plan.steps)
    assert isinstance(quoted.quotation, Quotation)
    assert quoted.quotation.ready_at == last.end


def test_a_lot_is_quoted_for_all_its_pieces():
    plant, values = graz_and_vienna()
    one, three = gear(), msgspec.structs.replace(gear(), quantity=3)
    cheap, dear = (
        min(each.price_minor for each in bids(order, plant, values)) for order in (one, three)
    )
    seen = check(three, plant, vocabulary(), values, NOW, plans_max=1).plans[0]
    assert dear == seen.totals.cost_minor > cheap
