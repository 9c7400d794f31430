"""Subscriptions to events and their publication, as commands and questions of a local cloud."""

import msgspec
from msgspec.structs import replace

from fabloop.base.instant import Instant
from fabloop.services.cloud.authorise import Access, is_granted
from fabloop.services.cloud.changes import Put, drop_of
from fabloop.services.cloud.command import Decided, Moment, check_room
from fabloop.services.cloud.events import (
    Delivery,
    Event,
    EventSubscription,
    check_event,
    check_subscription,
    deliveries,
    kind_of,
)
from fabloop.services.cloud.records import Grant, TargetType
from fabloop.services.cloud.state import State


class HearOf(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription that holds from now on; the reply is its record.

    One of the same subscriber for the same events to the same path is replaced.
    """

    wish: EventSubscription

    def decide(self, state: State, moment: Moment) -> Decided[EventSubscription]:
        """Raise Invalid with all that is wrong with it."""
        check_subscription(self.wish, moment.at)
        check_room(state, EventSubscription)
        old = state.find(EventSubscription, self.wish.key)
        kept = replace(
            self.wish,
            number=old.number if old is not None else moment.number(),
            created_at=old.created_at if old is not None else moment.at,
        )
        return Decided(kept, (Put(kept),))


class HearNoMore(msgspec.Struct, frozen=True, kw_only=True):
    """Subscriptions of a subscriber at an address to a type of events go; the reply is how many.

    Without an address those at all of its addresses.
    """

    event_type: str
    subscriber: str
    address: str = ""
    port: int = 0

    def decide(self, state: State, moment: Moment) -> Decided[int]:  # noqa: ARG002  # as all do
        """Drop those that there are."""
        found = [
            each
            for each in state.table(EventSubscription).values()
            if kind_of(each.event_type) == kind_of(self.event_type)
            and each.subscriber == self.subscriber
            and self.address in ("", each.address)
            and self.port in (0, each.port)
        ]
        return Decided(len(found), tuple(drop_of(each) for each in found))


class ForgetEnded(msgspec.Struct, frozen=True, kw_only=True):
    """Subscriptions that have ended go; the reply is how many."""

    def decide(self, state: State, moment: Moment) -> Decided[int]:
        """Drop those whose end is past."""
        found = [
            each
            for each in state.table(EventSubscription).values()
            if each.ends_at is not None and each.ends_at <= moment.at
        ]
        return Decided(len(found), tuple(drop_of(each) for each in found))


def published(state: State, event: Event, at: Instant) -> tuple[Delivery, ...]:
    """Return to whom an event goes; raises Invalid where it is none of now."""
    check_event(event, at)

    def may_hear(subscriber: str, publisher: str) -> bool:
        return hears(state, subscriber, publisher, event.event_type)

    return tuple(deliveries(event, state.table(EventSubscription).values(), may_hear))


def hears(state: State, subscriber: str, publisher: str, event_type: str = "") -> bool:
    """Tell whether a system may hear of another one.

    Everybody hears of itself. A grant for the type of event decides where there is one; as in
    4.x, who may use any service of a system may hear of it too.
    """
    if subscriber == publisher:
        return True
    grants = [each for each in state.table(Grant).values() if each.provider == publisher]
    about = [
        each
        for each in grants
        if each.target_type is TargetType.EVENT_TYPE and kind_of(each.target) == kind_of(event_type)
    ]
    services = [each for each in grants if each.target_type is TargetType.SERVICE_DEF]
    return any(
        is_granted(
            state,
            Access(
                provider=publisher,
                consumer=subscriber,
                target=each.target,
                target_type=each.target_type,
                cloud=each.cloud,
            ),
        )
        for each in about or services
    )
