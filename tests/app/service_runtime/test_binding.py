"""Jobs are bound by the rules of a local cloud: who was considered, who is held, why this one."""

import msgspec
import pytest

from app.service_runtime.print_shop import VOCABULARY, WANTED, Shop, printer
from fabloop.app.cloud.host import host_of
from fabloop.app.sentences import sentence
from fabloop.app.service_runtime.binding import LEASE_NS, Binder, Choice, NoChoice
from fabloop.app.service_runtime.reality import Reality
from fabloop.app.service_runtime.wanted import Wanted
from fabloop.base.instant import HOUR, MINUTE, Instant
from fabloop.model.explanation import BindingCode
from fabloop.model.ids import SystemName
from fabloop.model.service import Literal, ServiceDescription
from fabloop.services.cloud.people import Ban, Blacklist
from fabloop.services.cloud.records import Subscription
from small_cloud import SeededCrypto


@pytest.fixture
def shop():
    opened: list[Shop] = []

    def opens(*printers: ServiceDescription) -> Shop:
        opened.append(Shop(*printers))
        return opened[-1]

    yield opens
    for each in opened:
        each.cloud.close()


def reasons(found: Choice | NoChoice) -> dict[str, str]:
    told = found.others if isinstance(found, Choice) else found.reasons
    return {each.subject: each.code for each in told}


def test_the_cheapest_is_taken_and_held_and_the_next_one_gets_the_dearer(shop):
    it = shop(printer("near", 700), printer("cheap", 600), printer("dear", 900))
    first, second = it.asks("batch-1"), it.asks("batch-2")
    assert first.candidate.name == "cheap.printLiners"
    assert first.lease.until - it.clock.now() >= LEASE_NS
    assert reasons(first) == {
        "near.printLiners": BindingCode.DEARER,
        "dear.printLiners": BindingCode.DEARER,
    }
    assert second.candidate.name == "near.printLiners"
    held = next(each for each in second.others if each.code == BindingCode.HELD)
    assert sentence(held, it.clock.now()) == "cheap.printLiners is held for batch-1."


def test_who_waits_hears_by_a_push_that_an_offer_was_let_go_of(shop):
    it = shop(printer("cheap", 600))
    first = it.asks("batch-1")
    none = it.asks("batch-2")
    assert reasons(none) == {"cheap.printLiners": BindingCode.HELD}
    it.binder.wait_for(frozenset(none.definitions))
    assert it.binder.pushed(("print",)) == frozenset(), "it is held still"
    changed = it.binder.release((first.lease,))
    assert it.binder.pushed(changed) == {"print"}
    assert it.binder.pushed(("other",)) == frozenset()
    assert it.asks("batch-2").candidate.name == "cheap.printLiners"
    it.binder.wait_for(frozenset())
    assert not it.cloud.query(lambda state, _: state.table(Subscription))


def test_a_lease_that_is_not_renewed_ends_and_another_one_may_take_over(shop):
    it = shop(printer("cheap", 600))
    lease = it.asks("batch-1").lease
    it.binder.renew(lease, Instant(lease.until + HOUR))
    it.after(LEASE_NS + MINUTE)
    assert isinstance(it.asks("batch-2"), NoChoice), "it was renewed"
    it.after(HOUR)
    assert it.asks("batch-2").candidate.name == "cheap.printLiners"


def test_a_service_that_is_away_is_told_so_and_bound_again_when_it_is_back(shop):
    near = printer("near", 900)
    it = shop(printer("cheap", 600), near)
    it.binder.withdraw("cheap")
    assert reasons(it.asks()) == {"cheap.printLiners": BindingCode.AWAY}
    it.binder.wait_for(frozenset({"print"}))
    assert it.binder.pushed(it.binder.add(printer("cheap", 600))) == {"print"}
    assert it.asks().candidate.name == "cheap.printLiners"


def test_who_does_not_serve_us_or_is_refused_is_not_bound_with_the_reason(shop):
    it = shop(
        printer("cheap", 600, serves=(SystemName("rival-bakery"),)),
        printer("banned", 650),
        printer("dirty", 660, requires=(Literal(fluent="clean", arguments=("dirty",)),)),
        printer("near", 700),
    )
    ban = Ban(system="Banned", reason="it lied")
    it.cloud.submit(Blacklist(entries=(ban,), by="Sysop"))
    found = it.asks()
    assert found.candidate.name == "near.printLiners"
    assert reasons(found) == {
        "cheap.printLiners": BindingCode.NOT_GRANTED,
        "banned.printLiners": BindingCode.BLACKLISTED,
        "dirty.printLiners": BindingCode.CONDITION_NOT_MET,
    }
    for each in (found.because, *found.others):
        assert each.code not in sentence(each, it.clock.now()), "it has a sentence"


def test_what_serves_many_at_once_is_not_held(shop):
    it = shop(printer("cheap", 600, exclusive_ns=None))
    assert it.asks("batch-1").lease is None
    assert it.asks("batch-2").candidate.name == "cheap.printLiners"


def test_nobody_is_told_where_nobody_offers_it(shop):
    it = shop()
    assert reasons(it.asks()) == {"print": BindingCode.NOBODY_OFFERS}
    only = Wanted(service="nowhere", operation="printLiners")
    assert reasons(it.asks(wanted=only)) == {"printLiners": BindingCode.NOBODY_OFFERS}


def test_a_service_that_describes_itself_anew_is_bound_as_it_is_now(shop):
    it = shop(printer("cheap", 600), printer("near", 700))
    dearer = msgspec.structs.replace(printer("cheap", 800), base_url="http://127.0.0.1:2")
    it.binder.add(dearer)
    assert it.asks().candidate.name == "near.printLiners"
    assert it.binder.directory.services["cheap"] == dearer


def test_what_was_held_before_a_crash_is_known_to_the_cloud_after_it(shop):
    it = shop(printer("cheap", 600))
    lease = it.asks("batch-1").lease
    it.cloud.close()
    again = host_of(it.journal, it.clock, SeededCrypto(2))
    try:
        binder = Binder(again, "MyMuffin", VOCABULARY)
        assert binder.held() == (lease,)
        binder.recall(lease, "batch-1")
        none = binder.choose(WANTED, {}, Reality(), it.clock.now(), lambda _: (), "batch-2")
        assert none.reasons[0].details["by"] == "batch-1"
        binder.release(binder.held())
        assert binder.held() == ()
    finally:
        again.close()
