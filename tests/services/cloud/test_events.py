import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fabloop.base.errors import Invalid
from fabloop.base.instant import SECOND, Instant
from fabloop.services.cloud.events import (
    TOLERANCE_NS,
    Event,
    EventSubscription,
    check_event,
    check_subscription,
    deliveries,
    fits,
)

NOW = Instant(1_000 * SECOND)
READY = Event(
    event_type="systemReady", source="WeldingRobot", payload="{}", at=NOW, metadata={"cell": "7"}
)
WISH = EventSubscription(
    number=1, event_type="SYSTEMREADY", subscriber="Choreographer", address="127.0.0.1",
    port=8457, notify_uri="/notify", created_at=NOW,
)  # fmt: skip


def everybody(subscriber, source):
    return True


def test_capitals_of_an_event_type_do_not_count():
    assert fits(READY, WISH)
    assert not fits(replace(READY, event_type="systemGone"), WISH)


def test_a_subscription_to_some_publishers_hears_no_others():
    assert fits(READY, replace(WISH, sources=("WeldingRobot",)))
    assert not fits(READY, replace(WISH, sources=("Crane",)))


def test_metadata_counts_only_where_it_is_to_match():
    other = replace(WISH, metadata={"cell": "8"})
    assert fits(READY, other)
    assert not fits(READY, replace(other, matches_metadata=True))
    assert fits(READY, replace(WISH, metadata={"cell": "7"}, matches_metadata=True))


@pytest.mark.parametrize(("at", "heard"), [(9, False), (10, True), (19, True), (20, False)])
def test_a_subscription_holds_from_its_start_until_before_its_end(at, heard):
    wish = replace(WISH, starts_at=Instant(10), ends_at=Instant(20))
    assert fits(replace(READY, at=Instant(at)), wish) is heard


def test_who_may_not_hear_of_a_publisher_gets_nothing():
    def only_the_choreographer(subscriber, source):
        return subscriber == "Choreographer"

    both = (WISH, replace(WISH, number=2, subscriber="Spy"))
    told = list(deliveries(READY, both, only_the_choreographer))
    assert [each.subscription.subscriber for each in told] == ["Choreographer"]


@given(st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xy")), st.data())
def test_more_metadata_in_an_event_never_loses_a_subscriber(metadata, data):
    wanted = data.draw(st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xy"), min_size=1))
    wish = replace(WISH, metadata=wanted, matches_metadata=True)
    less = replace(READY, metadata=metadata)
    more = replace(READY, metadata=metadata | wanted)
    assert fits(more, wish)
    assert not fits(less, wish) or metadata == metadata | wanted


def test_all_that_is_wrong_with_a_subscription_is_told():
    wrong = replace(WISH, event_type=" ", notify_uri="", port=0, matches_metadata=True, ends_at=NOW)
    with pytest.raises(Invalid) as error:
        check_subscription(wrong, NOW)
    assert [each.path for each in error.value.faults] == [
        "eventType",
        "notifyUri",
        "port",
        "filterMetaData",
        "endDate",
    ]
    check_subscription(WISH, NOW)


def test_an_event_of_another_time_is_refused():
    check_event(replace(READY, at=Instant(NOW - TOLERANCE_NS)), NOW)
    for at in (NOW - TOLERANCE_NS - 1, NOW + TOLERANCE_NS + 1):
        with pytest.raises(Invalid, match="timeStamp"):
            check_event(replace(READY, at=Instant(at)), NOW)
