"""All core systems of 4.6.2 in one application, over one store."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from fabloop.adapters.arrowhead.four.authorization import Authorization, Issuer
from fabloop.adapters.arrowhead.four.event_handler import Courier, EventHandler
from fabloop.adapters.arrowhead.four.orchestrator import Orchestrator
from fabloop.adapters.arrowhead.four.registry import Reaches, Registry, reaches
from fabloop.adapters.arrowhead.four.store import Store


def four_routes(
    store: Store, issuer: Issuer | None, courier: Courier, ping: Reaches = reaches
) -> Sequence[BaseRoute]:
    """Return the routes of registry, authorisation, orchestrator and event handler.

    Their paths differ from those of 5.x, but for ``/serviceregistry``, below which no path is in
    both. Without an issuer (a cloud without certificates) there are no tokens.
    """
    return [
        *Registry(store, ping).routes(),
        *Authorization(store, issuer).routes(),
        *Orchestrator(store, issuer, ping).routes(),
        *EventHandler(store, courier.send).routes(),
    ]
