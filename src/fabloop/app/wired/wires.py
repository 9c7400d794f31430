"""Puts a story on wires: starts its processes, connects them, and ends them with the story."""

import itertools
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from fabloop.adapters.opcua import OpcUaActor, Pki
from fabloop.app.edge.app import Lane
from fabloop.app.edge.health import LaneHealth
from fabloop.app.edge.link import StreamReport
from fabloop.app.scenario import Scenario
from fabloop.app.wired.broker import be_broker, binary
from fabloop.app.wired.children import Child, prepare
from fabloop.app.wired.edge_link import EdgeLink
from fabloop.app.wired.machine import TEST_SKILL, Machine, be_machine
from fabloop.app.wired.plant import WiredPlant
from fabloop.app.wired.readings import PREFIX, Following
from fabloop.app.wired.story_time import StoryClock, StoryTime, WallClock
from fabloop.base.instant import SECOND, Instant
from fabloop.model.ids import OperationId, WorkUnitId
from fabloop.model.plan import Plan
from fabloop.run.actor import JobOrder
from fabloop.run.gate import simulated
from fabloop.sense.connections.model import Commands, Connection
from fabloop.sim.plant import SimulatedPlant

PRELOADED = ("fabloop.app.wired.machine", "fabloop.app.wired.edge_link")
FIRST_TEST_JOB = 2**40
"""Numbers of test programs are beyond those of any process instance's jobs."""
CARRIES = frozenset({"supply", "transport"})
"""A work unit that does nothing else is a store or a carrier, and no machine."""
PERMITTED_FOR_NS = 5 * SECOND


class Wires:
    """Everything between a house and its machines; `clock`, `plant` and `measure` go to the driver.

    Parameters
    ----------
    begins_at, times_real : when the story begins, or goes on, and how fast
    """

    def __init__(
        self, scenario: Scenario, seed: int, begins_at: Instant, times_real: float
    ) -> None:
        prepare(PRELOADED)
        self._folder = Path(tempfile.mkdtemp(prefix="fabloop-wire-"))
        self._scenario = scenario
        self._seed = seed
        self._units = scenario.knowledge.network.work_units()
        self._monitored = {each.work_unit: each for each in scenario.monitored}
        self._tests = itertools.count(FIRST_TEST_JOB)
        self._pki = Pki(self._folder / "ours")
        self._pki.ensure_own(WallClock().now())
        self.machines = tuple(
            unit for unit, each in self._units.items()
            if any(offer.skill not in CARRIES for offer in each.offers)
        )  # fmt: skip
        self._broker: Child | None = None
        self._following: Following | None = None
        self._mqtt = ""
        try:
            self._publish()
            self.edge = EdgeLink(self._folder / "edge", scenario.monitored, self._run_test)
        except BaseException:
            self._silence()
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._time = StoryTime(
            begins_at=begins_at, begun_ns=time.monotonic_ns(), times_real=times_real
        )
        self.clock = StoryClock(self._time)
        self.plant = WiredPlant(
            self.machines,
            self._switch_on,
            self._connect,
            SimulatedPlant(scenario.simulation.plant, seed),
            self._time,
        )
        self.plant.switch_on(self._monitored)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def needed(self, plan: Plan) -> None:
        """Switch the machines of a plan on, before their first jobs."""
        self.plant.switch_on(step.work_unit for step in plan.steps)

    def told(self) -> tuple[str, ...]:
        """Return what went over the wires, as sentences."""
        counts = self.plant.counts()
        first = f"{counts.machines} machines as processes, {counts.answers} jobs over OPC UA, "
        lines = [f"{first}{self._time.times_real:g} times real time"]
        for lane in self.edge.health().lanes:
            if lane.lane == Lane.FAST:
                lines += [_stream_told(lane, each) for each in lane.streams]
        return (*lines, self._published())

    def _publish(self) -> None:
        """Start a broker, and follow what will be published."""
        if binary() is None:
            return
        self._broker = Child("broker", be_broker, str(self._folder))
        port = self._broker.told()
        self._mqtt = f"mqtt://127.0.0.1:{port}/{PREFIX}"
        self._following = Following(port)

    def _published(self) -> str:
        if self._following is None:
            return "no readings over MQTT: Mosquitto is not installed here"
        health = self._following.health()
        return (
            f"{health.received} readings of {self._following.machines()} machines over MQTT "
            f"(Mosquitto), {sum(health.refused.values())} refused, {health.gaps} lost"
        )

    def _silence(self) -> None:
        if self._following is not None:
            self._following.close()
        if self._broker is not None:
            self._broker.end()

    def close(self) -> None:
        """End all processes."""
        self.plant.close()
        self.edge.close()
        self._silence()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _switch_on(self, work_unit: WorkUnitId) -> Child:
        unit = self._units[work_unit]
        monitored = self._monitored.get(work_unit)
        machine = Machine(
            id=work_unit,
            label=unit.label,
            equipment_type=unit.equipment_type,
            behaviour=self._scenario.simulation.plant,
            seed=self._seed,
            story_time=self._time,
            folder=self._folder / "machines" / work_unit,
            edge=self.edge.address if monitored else "",
            mqtt=self._mqtt,
            monitored=monitored,
            simulation=self._scenario.simulation if monitored else None,
        )
        return Child(f"machine {work_unit}", be_machine, machine)

    def _connect(self, work_unit: WorkUnitId, url: str, wake: Callable[[], None]) -> OpcUaActor:
        """Trust the certificate that the machine has made for itself, and command it."""
        trusted = self._pki.folder / "trusted"
        trusted.mkdir(parents=True, exist_ok=True)
        made = self._folder / "machines" / work_unit / "server.der"
        shutil.copyfile(made, trusted / f"{work_unit}.der")
        at = f"nsu=urn:fabloop:plant;s={work_unit}"
        commands = Commands(
            work_unit=work_unit,
            object=at,
            begin=f"{at}/BeginJob",
            responses=f"{at}/JobResponses",
            permitted=f"{at}/StartPermitted",
            permitted_for_ns=PERMITTED_FOR_NS,
        )
        connection = Connection(
            id=work_unit, url=url, every_ns=SECOND, ahead_ns=SECOND, commands=(commands,)
        )
        return OpcUaActor(
            connection, self._pki, WallClock(), gate=simulated, wake=wake
        )  # the driver has asked the gate of the story, in the story's time

    def _run_test(self, work_unit: WorkUnitId, started_at: Instant) -> None:
        order = JobOrder(
            job=next(self._tests),
            step=TEST_SKILL,
            skill=TEST_SKILL,
            operation=OperationId(""),
            work_unit=work_unit,
            person=None,
            main=False,
            begun_at=started_at,
            duration_ns=0,
        )
        self.plant.test(work_unit, order)


def _stream_told(lane: LaneHealth, stream: StreamReport) -> str:
    scheduling = "real-time priority" if lane.realtime else "ordinary priority"
    slowest_ms = (lane.handling.p99_s or 0.0) * 1e3
    return (
        f"{stream.machine} over the edge: {stream.taken} bulks, {stream.lost} lost, handled within "
        f"{slowest_ms:.2f} ms (p99, {scheduling})"
    )
