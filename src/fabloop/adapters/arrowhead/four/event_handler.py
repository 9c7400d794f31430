"""The event handler of 4.6.2 over the store: subscriptions are durable, deliveries are tried."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import msgspec
from starlette.routing import Route

from fabloop.adapters.arrowhead.four import wire
from fabloop.adapters.arrowhead.four.answers import Asked, route
from fabloop.adapters.arrowhead.four.names import system_key
from fabloop.adapters.arrowhead.four.store import Store, check_speaker, entry_of
from fabloop.adapters.arrowhead.mtls import Identity, client_context, sender_of
from fabloop.base.instant import Instant
from fabloop.services.cloud.events import Delivery, Event, EventSubscription
from fabloop.services.cloud.records import System
from fabloop.services.cloud.registry import RegisterSystems
from fabloop.services.cloud.signalling import HearNoMore, HearOf, published
from fabloop.services.cloud.state import State

ROOT = "/eventhandler"
DELIVERY_S = 5.0
WAITING_MAX = 10_000
"""Deliveries that wait; more are dropped, the oldest first."""
ATTEMPTS_MAX = 3
RETRY_S = 0.5
TROUBLES_MAX = 100
SENDERS = 8


class Courier:
    """Delivers events in threads of its own, some times each; what nobody takes is dropped.

    Attributes
    ----------
    troubles : the last deliveries that were given up, as sentences
    """

    def __init__(self, identity: Identity | None) -> None:
        verify = client_context(identity) if identity is not None else True
        self._scheme = "https" if identity is not None else "http"
        self._http = httpx.Client(verify=verify, timeout=DELIVERY_S, trust_env=False)
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="events")
        self._closed = threading.Event()
        self._waiting = 0
        self._lock = threading.Lock()
        self.troubles: deque[str] = deque(maxlen=TROUBLES_MAX)

    def send(self, delivery: Delivery) -> None:
        """Deliver an event soon."""
        with self._lock:
            if self._waiting >= WAITING_MAX or self._closed.is_set():
                self.troubles.append(f"Event for '{delivery.subscription.subscriber}' was dropped.")
                return
            self._waiting += 1
        self._pool.submit(self._deliver, delivery)

    def close(self) -> None:
        """Drop what waits."""
        self._closed.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._http.close()

    def _deliver(self, delivery: Delivery) -> None:
        wish, event = delivery.subscription, delivery.event
        url = f"{self._scheme}://{wish.address}:{wish.port}/{wish.notify_uri.lstrip('/')}"
        body = msgspec.json.encode(
            wire.EventMessage(
                event_type=event.event_type,
                meta_data=event.metadata,
                payload=event.payload,
                time_stamp=wire.write_instant(event.at),
            )
        )
        found = ""
        for _ in range(ATTEMPTS_MAX):
            with suppress(httpx.HTTPError):
                headers = {"content-type": "application/json"}
                answer = self._http.post(url, content=body, headers=headers)
                if answer.is_success:
                    found = ""
                    break
                found = f"status {answer.status_code}"
            found = found or "nobody answers"
            if self._closed.wait(RETRY_S):
                break
        if found:
            self.troubles.append(f"Expected {url} to take an event, but {found}. It was dropped.")
        with self._lock:
            self._waiting -= 1


class EventHandler:
    """Answers the requests of one core system.

    Parameters
    ----------
    send : takes what is to be delivered; `Courier.send`
    """

    def __init__(self, store: Store, send: Callable[[Delivery], None]) -> None:
        self._store = store
        self._send = send

    def routes(self) -> list[Route]:
        """Return where it is reached."""
        return [
            route("GET", f"{ROOT}/echo", lambda _: wire.GOT_IT),
            route("POST", f"{ROOT}/subscribe", self._subscribe),
            route("DELETE", f"{ROOT}/unsubscribe", self._unsubscribe),
            route("POST", f"{ROOT}/publish", self._publish),
            route("POST", f"{ROOT}/publish/authupdate", self._publish),
        ]

    def _subscribe(self, asked: Asked) -> None:
        wish = asked.body(wire.SubscriptionRequest)
        told = wish.subscriber_system
        its_own = check_speaker(asked, told.system_name)
        peer = sender_of(asked.scope)
        system = self._store.query(lambda state, _: entry_of(told, state, peer, its_own=its_own))
        kept = self._store.query(lambda state, at: _subscription(state, at, wish))
        self._store.submit(RegisterSystems(entries=(system,)))
        self._store.submit(HearOf(wish=kept))

    def _unsubscribe(self, asked: Asked) -> None:
        name = asked.query("subscriber_name")
        check_speaker(asked, name)
        key = self._store.query(lambda state, _: system_key(name, state.table(System)))
        address, port = asked.query("subscriber_address"), asked.number("subscriber_port")
        self._store.submit(
            HearNoMore(
                event_type=asked.query("event_type"), subscriber=key, address=address, port=port
            )
        )

    def _publish(self, asked: Asked) -> None:
        told = asked.body(wire.PublishRequest)
        check_speaker(asked, told.source.system_name)

        def to_whom(state: State, at: Instant) -> tuple[Delivery, ...]:
            event = Event(
                event_type=told.event_type,
                source=system_key(told.source.system_name, state.table(System)),
                payload=told.payload,
                at=wire.read_instant(told.time_stamp, "timeStamp"),
                metadata=told.meta_data or {},
            )
            return published(state, event, at)

        for each in self._store.query(to_whom):
            self._send(each)


def _subscription(state: State, at: Instant, wish: wire.SubscriptionRequest) -> EventSubscription:
    systems = state.table(System)
    told = wish.subscriber_system
    return EventSubscription(
        number=0,
        event_type=wish.event_type,
        subscriber=system_key(told.system_name, systems),
        address=told.address,
        port=told.port,
        notify_uri=wish.notify_uri,
        created_at=at,
        metadata=wish.filter_meta_data or {},
        matches_metadata=wish.match_meta_data,
        starts_at=_instant(wish.start_date, "startDate"),
        ends_at=_instant(wish.end_date, "endDate"),
        sources=tuple(system_key(each.system_name, systems) for each in wish.sources or ()),
    )


def _instant(text: str | None, path: str) -> Instant | None:
    return wire.read_instant(text, path) if text else None
