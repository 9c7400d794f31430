"""A story played round the whole loop: documents in, a finished and traceable product out."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from fabloop.adapters.sqlite import SqliteJournal
from fabloop.app.asked import ordered
from fabloop.app.drive import (
    Approve,
    Awaited,
    Choose,
    Driver,
    Maintain,
    Measure,
    PacedClock,
    TestSchedule,
)
from fabloop.app.durable import draft_of, write_durably
from fabloop.app.edge.simulated import SimulatedEdge
from fabloop.app.house import House, Listener
from fabloop.app.scenario import Scenario, read_scenario
from fabloop.base.codec import from_json, to_json_pretty
from fabloop.base.errors import Conflict, Fault, Invalid, NotFound
from fabloop.base.instant import Instant
from fabloop.base.journal import Journal
from fabloop.base.names import did_you_mean
from fabloop.model.facts import KnowledgeRead
from fabloop.model.order import ProductionOrder
from fabloop.model.product import NotConfigurable
from fabloop.plan.configure import configure
from fabloop.run.actor import Actor
from fabloop.run.gate import simulated
from fabloop.sim.clock import VirtualClock
from fabloop.sim.guards import SimulatedGuards
from fabloop.sim.plant import SimulatedPlant

STORIES = ("wavegear",)
SETTINGS_FILE = "demo.json"
JOURNAL_FILE = "journal.db"

OpenJournal = Callable[[Path], Journal]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a story the one it is; kept beside its journal, so that it can be resumed."""

    story: str
    seed: int
    documents: str
    choices: dict[str, str] = {}


class World(msgspec.Struct, kw_only=True):
    """What stands around a house: time, whoever does the jobs, whoever measures."""

    clock: PacedClock
    actor: Actor
    measure: Measure
    awaited: Awaited | None = None


class Demo(msgspec.Struct, kw_only=True):
    """A story that is ready to be played, or to be played on."""

    settings: Settings
    scenario: Scenario
    order: ProductionOrder | NotConfigurable
    house: House
    journal: Journal
    clock: VirtualClock

    def play(
        self,
        choose: Choose,
        approve: Approve,
        until: Instant | None = None,
        world: World | None = None,
        maintain: Maintain | None = None,
    ) -> None:
        """Play on until the order is finished, refused or stuck; nothing to do without an order.

        With `until`, what would happen after that instant is left for another time. Without a
        `world`, machines are simulated in this process; without `maintain`, nobody is asked about
        stops.
        """
        if isinstance(self.order, NotConfigurable):
            return
        begun = self.scenario.simulation.begins_at
        if not self.house.history:
            fact = KnowledgeRead(digest=self.scenario.digest, seed=self.settings.seed)
            self.house.hears(fact, begun)
        around = world or self._simulated()
        Driver(
            house=self.house,
            clock=around.clock,
            actor=around.actor,
            orders=(self.order,),
            schedules=schedules(self.scenario),
            measure=around.measure,
            awaited=around.awaited,
            maintain=maintain,
            choose=choose,
            approve=approve,
            begun=begun,
            until=until,
            safety=self._guards(),
            unguarded=simulated,
        ).run()

    def _simulated(self) -> World:
        scenario, seed = self.scenario, self.settings.seed
        edge = SimulatedEdge(
            monitored=scenario.monitored, simulation=scenario.simulation, seed=seed
        )
        actor = SimulatedPlant(scenario.simulation.plant, seed)
        return World(clock=self.clock, actor=actor, measure=edge.measure)

    def _guards(self) -> SimulatedGuards | None:
        rules = self.scenario.knowledge.safety
        return SimulatedGuards(rules, self.scenario.simulation.openings) if rules else None

    def close(self) -> None:
        """Release the journal; everything told is durable already."""
        self.journal.close()


def schedules(scenario: Scenario) -> tuple[TestSchedule, ...]:
    """Return when the monitored work units run their tests, in the time zones of their sites."""
    network = scenario.knowledge.network
    units = network.work_units()
    return tuple(
        TestSchedule(
            work_unit=each.work_unit,
            time_zone=network.sites[units[each.work_unit].site].time_zone,
            times_ns=each.times_ns,
        )
        for each in scenario.monitored
    )


def documents_of(story: str) -> Path:
    """Return the folder with a story's documents.

    Raises
    ------
    Invalid
        There is no such story.
    """
    if story not in STORIES:
        raise Invalid(
            Fault(
                source="fabloop demo",
                path="STORY",
                expected="a story",
                found=repr(story),
                hint=did_you_mean(story, STORIES),
            )
        )
    return Path(__file__).parent / "demos" / story


def begin(
    folder: Path,
    settings: Settings,
    *,
    told: Listener | None = None,
    times_real: float | None = None,
    open_journal: OpenJournal = SqliteJournal,
) -> Demo:
    """Open a new story in an empty folder.

    Raises
    ------
    Invalid
        The documents, or the choices, have faults.
    Conflict
        The folder holds something already.
    """
    documents = Path(settings.documents).resolve()
    settings = msgspec.structs.replace(settings, documents=str(documents))
    scenario = read_scenario(documents)
    folder.mkdir(parents=True, exist_ok=True)
    if any(each.name != draft_of(folder / SETTINGS_FILE).name for each in folder.iterdir()):
        raise Conflict(
            f"Expected '{folder}' to be new or empty, but found files in it. Name another folder, "
            "or go on with its story by --resume."
        )
    order = order_of(scenario, settings.choices)
    write_durably(folder / SETTINGS_FILE, to_json_pretty(settings))
    return _open(folder, settings, scenario, order, told, times_real, open_journal)


def resume(
    folder: Path,
    *,
    told: Listener | None = None,
    times_real: float | None = None,
    open_journal: OpenJournal = SqliteJournal,
) -> Demo:
    """Open the story of a folder where its journal ends.

    Raises
    ------
    NotFound
        The folder holds no story.
    Conflict
        The documents have changed since the story began.
    """
    file = folder / SETTINGS_FILE
    if not file.is_file():
        raise NotFound(
            f"Expected a story in '{folder}' (its {SETTINGS_FILE}), but found none. Begin one with "
            f"`fabloop demo --keep {folder}`."
        )
    try:
        settings = from_json(file.read_bytes(), Settings)
    except msgspec.MsgspecError as error:
        raise Invalid(
            Fault(source=str(file), path="$", expected="a story's settings", found=str(error))
        ) from error
    scenario = read_scenario(Path(settings.documents))
    order = order_of(scenario, settings.choices)
    demo = _open(folder, settings, scenario, order, told, times_real, open_journal)
    begun_with = demo.house.snapshot.digest
    if begun_with and begun_with != scenario.digest:
        demo.close()
        raise Conflict(
            f"Expected the documents that the story in '{folder}' began with, but they have "
            "changed since. Restore them, or begin a new story."
        )
    return demo


def _open(
    folder: Path,
    settings: Settings,
    scenario: Scenario,
    order: ProductionOrder | NotConfigurable,
    told: Listener | None,
    times_real: float | None,
    open_journal: OpenJournal,
) -> Demo:
    journal = open_journal(folder / JOURNAL_FILE)
    house = House(scenario.knowledge, journal, told=told)
    start = Instant(max(house.snapshot.now, scenario.simulation.begins_at))
    return Demo(
        settings=settings,
        scenario=scenario,
        order=order,
        house=house,
        journal=journal,
        clock=VirtualClock(start, times_real),
    )


def order_of(scenario: Scenario, choices: Mapping[str, str]) -> ProductionOrder | NotConfigurable:
    """Return the scenario's order with other choices where given, or why they do not fit."""
    request = scenario.order
    family = scenario.knowledge.families[request.product]
    configured = configure(family, {**request.choices, **choices})
    if isinstance(configured, NotConfigurable):
        return configured
    return ordered(request, configured.product)
