"""The week of the bakery: everything is opened, played until every order has come to its end."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from fabloop.adapt.goals.reach import Durations
from fabloop.app.cloud.folder import open_cloud
from fabloop.app.durable import draft_of, write_durably
from fabloop.app.muffin.answers import Mailbox
from fabloop.app.muffin.blackouts import Blackouts
from fabloop.app.muffin.cases import Aids
from fabloop.app.muffin.chains import Chains
from fabloop.app.muffin.data import BakeryData
from fabloop.app.muffin.devices import served
from fabloop.app.muffin.documents import Bakery, read_bakery
from fabloop.app.muffin.folders import LOG_FILE
from fabloop.app.muffin.foresight import promised
from fabloop.app.muffin.goals import GOALS_FILE, Goals
from fabloop.app.muffin.machines import Machines
from fabloop.app.muffin.partners import Partners
from fabloop.app.muffin.policy import bakery_policy
from fabloop.app.muffin.recovery import Recovery
from fabloop.app.muffin.story import Muffins
from fabloop.app.processes.store import open_host
from fabloop.app.service_runtime.binding import Binder
from fabloop.app.service_runtime.calls import Caller
from fabloop.app.service_runtime.clock import StoryClock
from fabloop.app.service_runtime.facts import RuntimeFact, ServiceFound, ServiceRestarted
from fabloop.app.service_runtime.fleet import Fleet
from fabloop.app.service_runtime.log import FactLog
from fabloop.app.service_runtime.mending import Approve, Mender
from fabloop.app.service_runtime.runtime import Runtime
from fabloop.base.codec import from_json, to_json_pretty
from fabloop.base.errors import Broken, Conflict, NotFound, Unavailable
from fabloop.base.instant import Instant
from fabloop.model.service import ServiceDescription
from fabloop.process.definition import Definition
from fabloop.run.gate import Gate, simulated

SETTINGS_FILE = "demo.json"
CLOUD_FOLDER = "cloud"
CONSUMER = "MyMuffin"
"""The system that has the bakery's work done, as its local cloud knows it."""
PAGES_FILE, RECIPES_FILE = "yellow-pages.json", "recipes.json"
ROSTER_FILE = "services.json"
OPENING_TRIES = 10
"""How often a service is asked, while a story opens, before that is given up."""
ANSWER_LOOK_S = 0.5
"""Real seconds after which is looked for an answer to a question while time passes."""
TURNS_MAX = 1_000_000
"""Turns after which a story is taken to be going in circles."""

Asked = TypeVar("Asked")
Told = Callable[[Instant, Sequence[RuntimeFact]], None]


class MuffinSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a story the one it is; kept beside its journal, so that it can be resumed."""

    story: str
    seed: int
    documents: str
    scenario: str


class Week:
    """A story that is open: host, services, runtime.

    Parameters
    ----------
    checks : the file of rules by which the services check permits themselves; None: they do not
    """

    def __init__(
        self,
        folder: Path,
        settings: MuffinSettings,
        *,
        told: Told | None = None,
        times_real: float | None = None,
        approve: Approve | None = None,
        gate: Gate = simulated,
        checks: Path | None = None,
    ) -> None:
        self.settings = settings
        self.folder = folder
        self.bakery: Bakery = read_bakery(
            Path(settings.documents), settings.scenario, settings.seed
        )
        self.log = FactLog(folder / LOG_FILE, told)
        begun = self.log.history[-1][0] if self.log.history else self.bakery.begins_at
        self.clock = StoryClock(begun, times_real)
        self.host = open_host(folder, self.clock)
        self.fleet = Fleet(
            [
                served(each, self.bakery.documents[each.name], folder, checks)
                for each in self.bakery.natures
            ],
            preload=("fabloop.app.muffin.devices",),
        )
        (folder / ROSTER_FILE).write_bytes(self.fleet.roster())
        self.cloud = open_cloud(folder / CLOUD_FOLDER, self.clock)
        self.binder = Binder(self.cloud, CONSUMER, self.bakery.vocabulary)
        self.caller = Caller(gate=gate)
        self.story = Muffins(self.bakery, self.host, self.log)
        self.policy = bakery_policy(self.bakery.folder)
        self.runtime = Runtime(
            self.host,
            self.binder,
            self.caller,
            self.log,
            self.story,
            described=self._described_anew,
            fleet=self.fleet,
            policy=self.policy,
        )
        self.machines = Machines(self.runtime, [each.name for each in self.bakery.natures])
        self.blackouts = Blackouts(self.bakery.blackouts, self.fleet, self.runtime.leases, self.log)
        self.mailbox = Mailbox(folder, self.log.history)
        self.goals = Goals(folder, self.bakery.folder / GOALS_FILE, self.log, self._promised)
        self.mender = Mender(self.host, self.log, gate=gate)
        self._approve = approve
        self.story.runtime, self.story.machines = self.runtime, self.machines

    def _promised(self, one: Definition, among: Sequence[Definition]) -> Durations:
        """Return how long the nodes of a process take by what the services promise."""
        services = self.runtime.directory.services.values()
        return promised(one, services, among, self.bakery.policy.wait_ns)

    def _open_data(self, now: Instant) -> BakeryData:
        """Publish where companies are called, and open the data space."""
        pages = self.fleet.url("yellow-pages")
        known = msgspec.json.decode((self.bakery.folder / PAGES_FILE).read_bytes())
        listed = [{**each, "call": self.fleet.url(each["company"])} for each in known]
        where = f"{pages}/companies"
        self._persisted("yellow-pages", lambda: self.caller.put(where, {"companies": listed}))
        recipes = self.bakery.folder / RECIPES_FILE
        return BakeryData(
            self.folder / "data", recipes, where, self.log, now,
            again=lambda: self._revived("yellow-pages"),
        )  # fmt: skip

    def play(self, until: Instant | None = None, *, to_question: bool = False) -> None:
        """Play on until nothing more happens, up to an instant, or until a question is open."""
        now = self.clock.now()
        self._find_services(now)
        if self.story.data is None:
            self.story.data = data = self._open_data(now)
            self.story.chains = Chains(self.runtime, self.bakery.vocabulary)
            aids = Aids(
                lots=self.story.lots,
                machines=self.machines,
                data=data,
                partners=Partners(self.binder.directory, self.bakery.vocabulary, self.log),
                chains=self.story.chains,
                goals=self.goals,
                policy=self.policy,
                approve=self._approve,
            )
            self.story.recovery = Recovery(self.host, self.runtime, self.mender, aids)
        self.story.open(now)
        self.runtime.recover()
        self.blackouts.recover(now)
        for _ in range(TURNS_MAX):
            while self._happened(self.clock.now()):
                pass
            self.goals.catch_up(self.clock.now())
            at = self.next_at()
            if at is None or (until is not None and at > until):
                return
            if to_question and self.questions():
                return
            if not self._moved_to(at):
                continue
            self.host.advance()
        raise Broken(f"Expected a story to end within {TURNS_MAX} turns.")

    def _moved_to(self, at: Instant) -> bool:
        """Let time pass up to an instant; less where somebody answers meanwhile."""
        if not self.questions():
            self.clock.move_to(at)
            return True
        while self.clock.now() < at:
            self.clock.move_to(min(at, self.clock.after(ANSWER_LOOK_S)))
            if self.clock.now() < at and self.mailbox.has_news():
                return False
        return True

    def _happened(self, now: Instant) -> bool:
        self.blackouts.happen(now)
        self.machines.look_after(now)
        received = self.story.receive(now)
        turned = self.runtime.turn(now)
        closed = self.story.close_batches(now)
        return received or turned or closed or self._asked_of_people(now)

    def _asked_of_people(self, now: Instant) -> bool:
        """Take up what people have answered, and do what is safe where they have not in time."""
        recovery = self.story.recovery
        if recovery is None:
            return False
        given = self.mailbox.news()
        for each in given:
            recovery.cases.answer(each, now)
        again = recovery.look_again(now)
        expired = recovery.expire(now)
        return bool(given) or again or expired

    def questions(self) -> tuple[str, ...]:
        """Return the deviations that people were asked about and have not answered."""
        recovery = self.story.recovery
        return () if recovery is None else recovery.cases.ladder.questions()

    def next_at(self) -> Instant | None:
        """Return when something happens next; services are looked at while somebody needs them."""
        times = [
            self.story.next_order_at(),
            self.story.next_batch_at(),
            self.runtime.next_at(),
            self.blackouts.next_at(),
            None if self.story.recovery is None else self.story.recovery.next_due(),
        ]
        if self.runtime.errands or any(each is not None for each in times):
            times += (self.machines.next_look_at(), self.runtime.leases.next_look_at())
        return min((each for each in times if each is not None), default=None)

    def _find_services(self, now: Instant) -> None:
        """Read every service as it describes itself."""
        known = {f.service for _, f in self.log.history if isinstance(f, ServiceFound)}
        for name, listening in self.fleet.listening().items():
            where = f"{listening.url}/openapi.json"
            data = self._persisted(name, partial(self.caller.fetch, where))
            found = self.bakery.described(name, data, listening.url)
            self.binder.add(found.service)
            if name not in known:
                self.log.tell(
                    now,
                    ServiceFound(
                        service=str(found.service.id),
                        title=found.service.title,
                        operations=tuple(str(each.name) for each in found.service.operations),
                        remarks=tuple(each.said for each in found.remarks),
                    ),
                )

    def _described_anew(self, name: str) -> ServiceDescription:
        """Return how a service describes itself now; raises Unavailable where it says nothing."""
        url = self.fleet.url(name)
        try:
            data = self.caller.fetch(f"{url}/openapi.json")
        except Unavailable:
            if not self._revived(name):
                raise
            data = self.caller.fetch(f"{url}/openapi.json")
        return self.bakery.described(name, data, url).service

    def _persisted(self, name: str, ask: Callable[[], Asked]) -> Asked:
        """Return what a service says at last; one whose process has died, in a new one."""
        for _ in range(OPENING_TRIES - 1):
            try:
                return ask()
            except Unavailable:
                self._revived(name)
        return ask()

    def _revived(self, name: str) -> bool:
        """Start a service again if its process has died; what it was told, it has in its file."""
        revived = self.fleet.revive(name)
        if revived:
            self.log.tell(self.clock.now(), ServiceRestarted(service=name))
        return revived

    def close(self) -> None:
        """End the services and release the journals; everything told is durable already."""
        self.runtime.close()
        if self.story.data is not None:
            self.story.data.close()
        self.caller.close()
        self.fleet.close()
        self.host.close()
        self.cloud.close()
        self.log.close()


def begin_week(
    folder: Path,
    settings: MuffinSettings,
    *,
    told: Told | None = None,
    times_real: float | None = None,
    approve: Approve | None = None,
    gate: Gate = simulated,
    checks: Path | None = None,
) -> Week:
    """Open a new story in an empty folder; raises Invalid or Conflict."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(each.name != draft_of(folder / SETTINGS_FILE).name for each in folder.iterdir()):
        raise Conflict(
            f"Expected '{folder}' to be new or empty, but found files in it. Name another folder, "
            "or go on with its story by --resume."
        )
    read_bakery(Path(settings.documents), settings.scenario, settings.seed)
    bakery_policy(Path(settings.documents))
    write_durably(folder / SETTINGS_FILE, to_json_pretty(settings))
    return Week(
        folder,
        settings,
        told=told,
        times_real=times_real,
        approve=approve,
        gate=gate,
        checks=checks,
    )


def resume_week(
    folder: Path,
    *,
    told: Told | None = None,
    times_real: float | None = None,
    approve: Approve | None = None,
    gate: Gate = simulated,
    checks: Path | None = None,
) -> Week:
    """Open the story of a folder where its log ends; raises NotFound."""
    settings = settings_in(folder)
    return Week(
        folder,
        settings,
        told=told,
        times_real=times_real,
        approve=approve,
        gate=gate,
        checks=checks,
    )


def zone_of(settings: MuffinSettings) -> str:
    """Return the time zone of the bakery."""
    return read_bakery(Path(settings.documents), settings.scenario, settings.seed).zone


def settings_in(folder: Path) -> MuffinSettings:
    """Return what a story in a folder began with; raises NotFound."""
    file = folder / SETTINGS_FILE
    if not file.is_file():
        raise NotFound(
            f"Expected a story in '{folder}' (its {SETTINGS_FILE}), but found none. Begin one with "
            f"`fabloop demo muffin --keep {folder}`."
        )
    return from_json(file.read_bytes(), MuffinSettings)
