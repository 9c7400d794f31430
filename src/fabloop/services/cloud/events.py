"""The event handler: who wants to hear of what, and who hears of an event that was published."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import SECOND, Instant, iso_of

EVENT_TYPE_CHARACTERS_MAX = 63
PAYLOAD_CHARACTERS_MAX = 1_000_000
METADATA_MAX = 100
TOLERANCE_NS = 120 * SECOND
"""How far the time of an event may be from the present: later it is no news, earlier a lie."""

MayHear = Callable[[str, str], bool]
"""Whether a subscriber, named first, may hear of what a publisher tells."""


class EventSubscription(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=50):
    """A system that wants to hear of events of a type.

    Attributes
    ----------
    address, port : where the subscriber listens; `notify_uri` is the path that events are sent to
    metadata : what the metadata of an event must have where `matches_metadata` is set
    sources : names of the publishers it wants to hear; none are all
    """

    number: int
    event_type: str
    subscriber: str
    address: str
    port: int
    notify_uri: str
    created_at: Instant
    secure: bool = True
    metadata: dict[str, str] = {}
    matches_metadata: bool = False
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    sources: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What it is found by."""
        return f"{kind_of(self.event_type)} {self.subscriber} {self.notify_uri}"

    def holds(self, at: Instant) -> bool:
        """Tell whether it has begun and not ended at an instant."""
        if self.starts_at is not None and at < self.starts_at:
            return False
        return self.ends_at is None or at < self.ends_at


class Event(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Something that a system tells to whom it may concern."""

    event_type: str
    source: str
    payload: str
    at: Instant
    metadata: dict[str, str] = {}


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """An event on its way to one subscriber."""

    subscription: EventSubscription
    event: Event


def kind_of(event_type: str) -> str:
    """Return an event type as it is compared: capitals do not count."""
    return event_type.strip().upper()


def check_subscription(wish: EventSubscription, now: Instant) -> None:
    """Refuse a subscription that can never be served.

    Raises
    ------
    Invalid
        With all that is wrong.
    """
    faults = [
        *_type_faults("subscription", wish.event_type),
        *_metadata_faults("subscription", "filterMetaData", wish.metadata),
    ]
    if not wish.notify_uri.strip():
        faults.append(_fault("subscription", "notifyUri", "a path", "nothing"))
    if not 0 < wish.port < 65_536:
        faults.append(_fault("subscription", "port", "1 to 65535", str(wish.port)))
    if wish.matches_metadata and not wish.metadata:
        expected = "metadata to match, because matchMetaData is set"
        faults.append(_fault("subscription", "filterMetaData", expected, "none"))
    begins = wish.starts_at if wish.starts_at is not None else now
    if wish.ends_at is not None and wish.ends_at <= max(begins, now):
        expected = f"an instant after {iso_of(max(begins, now))}"
        faults.append(_fault("subscription", "endDate", expected, iso_of(wish.ends_at)))
    if faults:
        raise Invalid(faults)


def check_event(event: Event, now: Instant) -> None:
    """Refuse an event that is too long, has no type, or is of another time.

    Raises
    ------
    Invalid
        With all that is wrong.
    """
    faults = [
        *_type_faults("event", event.event_type),
        *_metadata_faults("event", "metaData", event.metadata),
    ]
    if len(event.payload) > PAYLOAD_CHARACTERS_MAX:
        expected = f"at most {PAYLOAD_CHARACTERS_MAX} characters"
        faults.append(_fault("event", "payload", expected, str(len(event.payload))))
    if abs(event.at - now) > TOLERANCE_NS:
        expected = f"an instant within {TOLERANCE_NS // SECOND} s of {iso_of(now)}"
        faults.append(_fault("event", "timeStamp", expected, iso_of(event.at)))
    if faults:
        raise Invalid(faults)


def deliveries(
    event: Event, subscriptions: Iterable[EventSubscription], may_hear: MayHear
) -> Iterator[Delivery]:
    """Yield an event for each subscription that holds at its time and that it fits."""
    for each in subscriptions:
        if fits(event, each) and may_hear(each.subscriber, event.source):
            yield Delivery(subscription=each, event=event)


def fits(event: Event, wish: EventSubscription) -> bool:
    """Tell whether a subscription is about an event; not whether its subscriber may hear of it."""
    if kind_of(event.event_type) != kind_of(wish.event_type) or not wish.holds(event.at):
        return False
    if wish.sources and event.source not in wish.sources:
        return False
    return not wish.matches_metadata or wish.metadata.items() <= event.metadata.items()


def _type_faults(source: str, event_type: str) -> list[Fault]:
    if event_type.strip() and len(event_type) <= EVENT_TYPE_CHARACTERS_MAX:
        return []
    expected = f"1 to {EVENT_TYPE_CHARACTERS_MAX} characters"
    return [_fault(source, "eventType", expected, repr(event_type[:80]))]


def _metadata_faults(source: str, path: str, metadata: dict[str, str]) -> list[Fault]:
    if len(metadata) <= METADATA_MAX:
        return []
    return [_fault(source, path, f"at most {METADATA_MAX} entries", str(len(metadata)))]


def _fault(source: str, path: str, expected: str, found: str) -> Fault:
    return Fault(source=source, path=path, expected=expected, found=found)
