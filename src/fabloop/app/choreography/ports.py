"""What a choreographer needs of a local cloud, and how it tells what went to and fro."""

from collections.abc import Callable, Collection
from typing import Protocol

import msgspec

from fabloop.adapters.arrowhead.four import steps, wire
from fabloop.adapters.arrowhead.profiles import pascal_of
from fabloop.base.instant import Instant
from fabloop.services.cloud.choreography import Executor

READY_EVENT = "applicationSystemReady"
"""Published by an application system when it was told that it is bound."""
PROGRESS_EVENT = "stepProgress"
"""Published by an executor while a step goes on; its metadata has the step."""
STEP_KEY = "sessionStepId"
SYSTEM_KEY = "systemName"
"""Metadata of these events: which step goes on, which system is ready."""
PUSH_PATH_KEY = "pushPath"
"""Metadata of an offer: where its provider takes pushed orchestrations."""
REPORTING = "resultReporting"
"""The service of an executor that application systems report to."""


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """An offer that is held for us: who makes it, and how it is reached and used."""

    provider: str
    offer: str
    result: wire.OrchestrationResult


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a workflow execution; `step` is 0 where it is about no step."""

    at: Instant
    name: str
    sender: str
    receiver: str
    step: int = 0
    text: str = ""


Listener = Callable[[Message], None]


class Bindings(Protocol):
    """Late binding in a local cloud: offers are held, pushed, kept and released."""

    def providers(self, definition: str) -> frozenset[str]:
        """Return who offers a service, held or not."""
        ...

    def hold(self, definition: str, avoided: Collection[str], for_s: int) -> Bound | None:
        """Hold an offer of none of the avoided providers; None: none is free.

        Raises
        ------
        Unavailable
            The cloud does not answer.
        """
        ...

    def keep(self, offer: str, for_s: int) -> None:
        """Hold an offer longer; raises Conflict where it is lost."""
        ...

    def release(self, offer: str) -> None:
        """Let others have an offer; one that is not held counts for nothing."""
        ...

    def held(self) -> frozenset[str]:
        """Return the offers that are held for us, whoever of us asked for them."""
        ...

    def push(self, bound: Bound, executor: str) -> bool:
        """Have a provider told which executor it works for; False: it is not one to be told.

        Raises
        ------
        Unavailable
            It cannot be told.
        """
        ...


class Hands(Protocol):
    """How a choreographer reaches executors."""

    def start(self, executor: Executor, wish: steps.ExecuteRequest) -> None:
        """Hand over a step; raises FabloopError where it is not taken."""
        ...

    def abort(self, executor: Executor, wish: steps.AbortRequest) -> None:
        """Take a step back; raises FabloopError where nobody answers."""
        ...


def store_name(system: str) -> str:
    """Return a system as 5.x names it: 4.x tells of ``welding-robot``."""
    return system if system[:1].isupper() else pascal_of(system)
