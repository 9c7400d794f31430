"""Late binding by the interfaces of 4.6.2, which know neither locks nor pushes.

What is held is held here alone: no other step of this choreographer gets it, but other consumers
may. Systems are not told that they are bound, so they count as ready at once.
"""

import threading
from collections.abc import Collection

from fabloop.adapters.arrowhead.four import wire
from fabloop.adapters.arrowhead.four.client import FourClient
from fabloop.adapters.arrowhead.profiles import Generation, label_of
from fabloop.app.choreography.ports import Bound, store_name
from fabloop.base.errors import Conflict
from fabloop.services.cloud.names import instance_id

FLAGS = {"overrideStore": True, "pingProviders": True}
"""Bound by what is asked, to those who answer."""


class FourBindings:
    """Binds in the cloud of a client.

    Parameters
    ----------
    own : how the choreographer tells of itself
    """

    def __init__(self, cloud: FourClient, own: wire.SystemRequest) -> None:
        self._cloud = cloud
        self._own = own
        self._held: set[str] = set()
        self._lock = threading.Lock()

    def providers(self, definition: str) -> frozenset[str]:
        """Query the registry."""
        found = self._cloud.query(_form(definition)).service_query_data
        return frozenset(store_name(each.provider.system_name) for each in found)

    def hold(self, definition: str, avoided: Collection[str], for_s: int) -> Bound | None:  # noqa: ARG002  # it is held until released
        """Orchestrate, and keep the first that no other step of ours has."""
        asked = wire.OrchestrationRequest(
            requester_system=self._own,
            requested_service=_form(definition),
            orchestration_flags=FLAGS,
        )
        for result in self._cloud.orchestrate(asked):
            provider = store_name(result.provider.system_name)
            offer = instance_id(provider, definition, f"{result.version or 1}.0.0")
            with self._lock:
                if provider in avoided or offer in self._held:
                    continue
                self._held.add(offer)
            return Bound(provider=provider, offer=offer, result=result)
        return None

    def keep(self, offer: str, for_s: int) -> None:  # noqa: ARG002  # it is held until released
        """Keep what is held."""
        if offer not in self._held:
            raise Conflict(f"Expected '{offer}' to be held, but it was released. Ask anew.")

    def release(self, offer: str) -> None:
        """Let other steps have an offer."""
        with self._lock:
            self._held.discard(offer)

    def held(self) -> frozenset[str]:
        """Return nothing: what an earlier choreographer held is free."""
        return frozenset()

    def push(self, bound: Bound, executor: str) -> bool:  # noqa: ARG002  # nobody is told
        """Tell nobody."""
        return False


def _form(definition: str) -> wire.QueryForm:
    name = label_of(definition, Generation.FIVE)
    return wire.QueryForm(service_definition_requirement=name)
