"""The choreographer as a server of its own, in a local cloud."""

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from starlette.applications import Starlette

from fabloop.adapters.arrowhead.four import wire
from fabloop.adapters.arrowhead.four.choreographer import NOTIFY, choreographer_routes
from fabloop.adapters.arrowhead.four.client import FourClient
from fabloop.adapters.arrowhead.profiles import Generation
from fabloop.adapters.arrowhead.serving import Serving, listening, port_of
from fabloop.app.choreography.conduct import Patience
from fabloop.app.choreography.desk import Desk
from fabloop.app.choreography.five_bindings import FiveBindings
from fabloop.app.choreography.four_bindings import FourBindings
from fabloop.app.choreography.ledger import Ledger
from fabloop.app.choreography.network import Line, NetworkHands, notify_sessions
from fabloop.app.choreography.ports import (
    PROGRESS_EVENT,
    READY_EVENT,
    Bindings,
    Listener,
    Message,
)
from fabloop.app.choreography.posts import Post
from fabloop.app.processes.clocks import WallClock
from fabloop.app.processes.store import Serving as KernelServing


class ChoreographerPost:
    """A choreographer that serves its interface and hears events, until closed.

    Parameters
    ----------
    folder : with its kernel and ledger; `fabloop process` may be used on it meanwhile
    """

    def __init__(
        self, post: Post, folder: Path, listener: Listener, patience: Patience | None = None
    ) -> None:
        clock = WallClock()
        with ExitStack() as stack:
            line = stack.enter_context(post.line)
            cloud = stack.enter_context(post.four())
            socket = listening(post.host, post.port)
            stack.callback(socket.close)
            own = post.told(port_of(socket))
            kernel = stack.enter_context(KernelServing(folder))
            self.troubles: list[Exception] = []
            self.desk = Desk(
                kernel.host, Ledger(folder), _bindings(post, line, cloud, own), NetworkHands(line),
                clock, notify=notify_sessions(line, self.troubles.append),
                listener=listener, patience=patience,
            )  # fmt: skip
            stack.callback(self.desk.close)
            teller = post.shown_by(post.cores.get("eventhandler", post.url))
            app = Starlette(routes=choreographer_routes(self.desk, teller))
            self.serving = stack.enter_context(Serving(app, post.identity, at=socket))
            for event_type in (READY_EVENT, PROGRESS_EVENT):
                wish = wire.SubscriptionRequest(
                    event_type=event_type,
                    subscriber_system=own,
                    notify_uri=NOTIFY,
                )
                cloud.subscribe(wish)
                listener(
                    Message(
                        at=clock.now(),
                        name="signalingSubscribe",
                        sender=post.name,
                        receiver="EventHandler",
                        text=event_type,
                    )
                )
            self._stack = stack.pop_all()
        self.url = f"{line.scheme}://{post.host}:{self.serving.port}"

    def close(self) -> None:
        """Stop serving and conducting; what runs goes on at the next start."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _bindings(post: Post, line: Line, cloud: FourClient, own: wire.SystemRequest) -> Bindings:
    if post.generation is Generation.FOUR:
        return FourBindings(cloud, own)
    return FiveBindings(line, post.url, post.name, WallClock())
