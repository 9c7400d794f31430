"""Pushed orchestrations for a system in the process of the cloud: ordered, fetched, cancelled."""

from fabloop.app.cloud.host import CloudHost
from fabloop.services.cloud.orchestrate import Bound, Rules
from fabloop.services.cloud.push import (
    LOCAL_PUSH,
    EndPush,
    Push,
    Subscribe,
    SubscriptionEntry,
    Trigger,
    Unsubscribe,
)
from fabloop.services.cloud.records import Form, Job, Subscription
from fabloop.services.cloud.state import State


class Fetching:
    """What one system has ordered, between `order` and `cancel`; nothing comes by itself.

    Orders are kept by the cloud, and what was triggered and not fetched is there after a crash.
    """

    def __init__(self, host: CloudHost, system: str, rules: Rules) -> None:
        self._host = host
        self._system = system
        self._rules = rules

    def order(self, definition: str) -> None:
        """Have it told when the offers of a definition change."""
        entry = SubscriptionEntry(
            form=Form(definition=definition), protocol=LOCAL_PUSH, properties={}
        )
        self._host.submit(Subscribe(entries=(entry,), owner=self._system, here=True))

    def cancel(self, definitions: frozenset[str] | None = None) -> None:
        """Cancel the orders for some definitions; without, all of them."""
        ids = self._host.query(
            lambda state, _: tuple(
                each.id
                for each in state.table(Subscription).values()
                if each.owner == self._system
                and each.protocol == LOCAL_PUSH
                and (definitions is None or each.form.definition in definitions)
            )
        )
        if ids:
            self._host.submit(Unsubscribe(ids=ids, owner=self._system))

    def changed(self, definitions: tuple[str, ...]) -> tuple[Bound, ...]:
        """Trigger the pushes of definitions whose offers have changed; return what is pushed."""
        self._host.submit(
            Trigger(by=self._system, targets=(self._system,), definitions=definitions)
        )
        return self.fetch()

    def fetch(self) -> tuple[Bound, ...]:
        """Return what was pushed and not fetched yet; it counts as delivered."""
        found = []
        for job in self._host.query(lambda state, _: self._open(state)):
            pushed = self._host.submit(Push(job=job.id, rules=self._rules))
            if pushed is not None:
                found.append(pushed[1])
                self._host.submit(EndPush(job=job.id))
        return tuple(found)

    def _open(self, state: State) -> tuple[Job, ...]:
        """Return the pushes of our orders that are open."""
        return tuple(
            each
            for each in state.open_jobs()
            if (order := state.find(Subscription, each.subscription)) is not None
            and order.owner == order.target == self._system
            and order.protocol == LOCAL_PUSH
        )
