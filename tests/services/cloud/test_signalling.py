from msgspec.structs import replace

from fabloop.base.instant import SECOND, Instant
from fabloop.services.cloud.authorise import GrantAccess, GrantEntry
from fabloop.services.cloud.events import Event, EventSubscription
from fabloop.services.cloud.records import Policy, PolicyKind, TargetType
from fabloop.services.cloud.signalling import ForgetEnded, HearNoMore, HearOf, hears, published
from fabloop.services.cloud.state import State
from small_cloud import ALL, START, SmallCloud

WISH = EventSubscription(
    number=0, event_type="systemReady", subscriber="Choreographer", address="127.0.0.1",
    port=8457, notify_uri="/notify", created_at=START,
)  # fmt: skip
READY = Event(event_type="systemReady", source="Robot", payload="{}", at=START)


def whitelist(*systems):
    return Policy(kind=PolicyKind.WHITELIST, systems=systems)


def grant(cloud, target, default, target_type=TargetType.SERVICE_DEF):
    entry = GrantEntry(provider="Robot", target=target, default=default, target_type=target_type)
    cloud.does(GrantAccess(entries=(entry,), by="Robot"))


def test_the_same_subscription_again_is_the_same():
    cloud = SmallCloud()
    first = cloud.does(HearOf(wish=WISH))
    again = cloud.does(HearOf(wish=replace(WISH, port=9000)))
    assert first.number == again.number
    grant(cloud, "welding", ALL)
    assert [x.subscription.port for x in published(cloud.state, READY, START)] == [9000]


def test_without_a_grant_nobody_hears_of_another_system():
    cloud = SmallCloud()
    cloud.does(HearOf(wish=WISH))
    assert published(cloud.state, READY, START) == ()
    assert len(published(cloud.state, replace(READY, source="Choreographer"), START)) == 1


def test_who_may_use_a_service_of_a_system_may_hear_of_it():
    cloud = SmallCloud()
    grant(cloud, "welding", whitelist("Choreographer"))
    assert hears(cloud.state, "Choreographer", "Robot", "anything")
    assert not hears(cloud.state, "Spy", "Robot", "anything")


def test_a_grant_for_the_type_of_event_decides_where_there_is_one():
    cloud = SmallCloud()
    grant(cloud, "welding", ALL)
    grant(cloud, "SYSTEMREADY", whitelist("Crane"), TargetType.EVENT_TYPE)
    assert not hears(cloud.state, "Choreographer", "Robot", "systemReady")
    assert hears(cloud.state, "Crane", "Robot", "systemReady")
    assert hears(cloud.state, "Choreographer", "Robot", "other")


def test_who_unsubscribes_hears_no_more():
    cloud = SmallCloud()
    cloud.does(HearOf(wish=WISH))
    assert cloud.does(HearNoMore(event_type="SystemReady", subscriber="Crane")) == 0
    gone = HearNoMore(event_type="SystemReady", subscriber="Choreographer", port=8457)
    assert cloud.does(gone) == 1
    grant(cloud, "welding", ALL)
    assert published(cloud.state, READY, START) == ()


def test_what_has_ended_is_forgotten():
    cloud = SmallCloud()
    cloud.does(HearOf(wish=replace(WISH, ends_at=Instant(START + 10 * SECOND))))
    assert cloud.does(ForgetEnded()) == 0
    cloud.later(10)
    assert cloud.does(ForgetEnded()) == 1


def test_subscriptions_are_there_again_after_a_replay():
    cloud = SmallCloud()
    grant(cloud, "welding", ALL)
    cloud.does(HearOf(wish=WISH))
    again = State()
    for row in cloud.rows:
        again.apply(row)
    assert published(again, READY, START) == published(cloud.state, READY, START)
    assert len(published(again, READY, START)) == 1
