"""The apps of one process: made as deployed, in the order in which they read each other."""

import itertools
from collections.abc import Collection, Mapping
from pathlib import Path

from fabloop.app.edge.app import App, Lane, Manifest, Message
from fabloop.app.edge.deployment import DeployedApp, Group, in_order
from fabloop.app.edge.hosted import Hosted, Mark
from fabloop.app.edge.link import AppReport
from fabloop.app.edge.loading import load
from fabloop.app.edge.outgoing import Outgoing, Result, SetVariable
from fabloop.base.errors import Fault, Invalid

MESSAGES_PER_BULK_MAX = 10_000


class Crew:
    """Apps side by side; `results` and what is delivered are taken away after each bulk.

    Parameters
    ----------
    code : folder of the files that were deployed
    """

    def __init__(self, lane: Lane, code: Path, mark: Mark, set_variable: SetVariable) -> None:
        self.apps: tuple[Hosted, ...] = ()
        self.results: list[Result] = []
        self.messages_dropped = 0
        self._lane = lane
        self._code = code
        self._mark = mark
        self._set_variable = set_variable
        self._messages: list[Message] = []
        self._numbers = itertools.count()

    def configure(
        self, group: Group, suspended: Mapping[str, str], renewed: Collection[str], now_ns: int
    ) -> dict[str, tuple[Fault, ...]]:
        """Run what is deployed and started, and return why apps could not be made, by name.

        An app that has not changed goes on as it is, unless it is among the renewed ones.
        """
        known = {
            each.deployed.name: each for each in self.apps if each.deployed.name not in renewed
        }
        faults: dict[str, tuple[Fault, ...]] = {}
        made: dict[str, App] = {}
        manifests: dict[str, Manifest] = {}
        for deployed in group.apps:
            name = deployed.name
            if not deployed.started:
                continue
            if name in known and known[name].deployed == deployed:
                manifests[name] = known[name].manifest
                continue
            known.pop(name, None)
            try:
                made[name] = load(deployed, self._code)
                manifests[name] = made[name].manifest
            except Invalid as error:
                faults[name] = error.faults
        heard = [topic for each in manifests.values() for topic in each.inputs]
        apps: list[Hosted] = []
        for deployed in in_order(group, manifests):
            name = deployed.name
            if name not in manifests or manifests[name].lane is not self._lane:
                continue
            old = known.get(name)
            apps.append(old or self._hosted(deployed, made[name], heard, group, now_ns))
            if name in suspended:
                apps[-1].suspend(suspended[name])
        self.apps = tuple(apps)
        return faults

    def deliver(self, messages: list[Message]) -> None:
        """Hand messages to the apps that read them, and what they tell upon that as well."""
        self._messages += messages
        self.delivered()

    def delivered(self) -> list[Message]:
        """Deliver what apps have told since the last call, and return it."""
        at = 0
        while at < len(self._messages):  # apps do not read each other in a circle, so this ends
            message = self._messages[at]
            at += 1
            if at > MESSAGES_PER_BULK_MAX:
                self.messages_dropped += len(self._messages) - at + 1
                break
            for each in self.apps:
                if message.topic in each.topics:
                    each.hear(message)
        told = self._messages[:]
        self._messages.clear()
        return told

    def reports(self, now_ns: int) -> tuple[AppReport, ...]:
        """Return how the apps are doing, and stop those that take too much."""
        for each in self.apps:
            each.account(now_ns)
        return tuple(each.report() for each in self.apps)

    def _hosted(
        self, deployed: DeployedApp, app: App, heard: list[str], group: Group, now_ns: int
    ) -> Hosted:
        prefix = f"{deployed.name}:"
        outgoing = Outgoing(
            deployed,
            app.manifest,
            heard=[each.removeprefix(prefix) for each in heard if each.startswith(prefix)],
            results=self.results,
            numbers=self._numbers,
            messages=self._messages,
            set_variable=self._set_variable,
        )
        return Hosted(
            deployed,
            app,
            outgoing,
            app_cpu=group.limits.app_cpu,
            mark=self._mark,
            now_ns=now_ns,
        )
