"""The choreographer as a server of its own, in a local cloud."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
from starlette.applications import Starlette

from fabloop.adapters.arrowhead.four import wire
from fabloop.adapters.arrowhead.four.choreographer import NOTIFY, choreographer_routes
from fabloop.adapters.arrowhead.profiles import Generation
from fabloop.app.choreography.conduct import Patience
from fabloop.app.choreography.desk import Desk
from fabloop.app.choreography.five_bindings import FiveBindings
from fabloop.app.choreography.four_bindings import FourBindings
from fabloop.app.choreography.ledger import Ledger
from fabloop.app.choreography.network import NetworkHands, notify_sessions
from fabloop.app.choreography.ports import (
    PROGRESS_EVENT,
    READY_EVENT,
    Bindings,
    Listener,
    Message,
)
from fabloop.app.choreography.posts import Post, Standing, standing
from fabloop.app.processes.clocks import WallClock
from fabloop.app.processes.store import Serving as KernelServing


class Conducting(msgspec.Struct, frozen=True, kw_only=True):
    """A choreographer that is asked at `url`; `troubles` are ends that nobody took note of."""

    desk: Desk
    url: str
    troubles: list[Exception]


@contextmanager
def choreographer_post(
    post: Post, folder: Path, listener: Listener, patience: Patience | None = None
) -> Iterator[Conducting]:
    """Be a choreographer that serves its interface and hears events; what runs goes on next time.

    Parameters
    ----------
    folder : with its kernel and ledger; `fabloop process` may be used on it meanwhile
    """
    troubles: list[Exception] = []
    with standing(post) as stands, KernelServing(folder) as kernel:
        desk = Desk(
            kernel.host, Ledger(folder), _bindings(stands), NetworkHands(stands.line), WallClock(),
            notify=notify_sessions(stands.line, troubles.append),
            listener=listener, patience=patience,
        )  # fmt: skip
        teller = post.shown_by(post.cores.get("eventhandler", post.url))
        app = Starlette(routes=choreographer_routes(desk, teller))
        with closing(desk), stands.serving(app):
            for event_type in (READY_EVENT, PROGRESS_EVENT):
                _hears(stands, event_type, listener)
            yield Conducting(desk=desk, url=stands.url, troubles=troubles)


def _hears(stands: Standing, event_type: str, listener: Listener) -> None:
    """Have events of a type told to us."""
    stands.cloud.subscribe(
        wire.SubscriptionRequest(
            event_type=event_type, subscriber_system=stands.told, notify_uri=NOTIFY
        )
    )
    listener(
        Message(
            at=WallClock().now(),
            name="signalingSubscribe",
            sender=stands.post.name,
            receiver="EventHandler",
            text=event_type,
        )
    )


def _bindings(stands: Standing) -> Bindings:
    post = stands.post
    if post.generation is Generation.FOUR:
        return FourBindings(stands.cloud, stands.told)
    return FiveBindings(stands.line, post.url, post.name, WallClock())
