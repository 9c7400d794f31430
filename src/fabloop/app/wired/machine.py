"""A machine in a process of its own: jobs in over OPC UA, readings out, its test to the edge."""

import math
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from fabloop.adapters.bulks import Announcement, BulkSender
from fabloop.adapters.plant_servers.opcua import OpcUaWire
from fabloop.adapters.plant_servers.serve import ServedMachine, serve_unit
from fabloop.adapters.plant_servers.served import (
    ServedKind,
    ServedUnit,
    ServedValue,
    ServedVariable,
)
from fabloop.app.edge.simulated import daily_stream
from fabloop.app.simulated_line.wires import mqtt_plant
from fabloop.app.wired.children import Ties
from fabloop.app.wired.story_time import StoryTime, WallClock
from fabloop.base.instant import SECOND, Instant
from fabloop.run.actor import JobDone, JobNotDone, JobOrder, JobResponse
from fabloop.sense.monitoring import MonitoredUnit
from fabloop.sim.plant import PlantBehaviour, SimulatedPlant
from fabloop.sim.scenario import Simulation

TEST_SKILL = "daily-test"
"""What a machine is told that it shall run its test program."""
STATES = ("idle", "executing", "testing")
VARIABLES = (
    ServedVariable(name="state", kind=ServedKind.STATE, states=STATES),
    ServedVariable(name="job", kind=ServedKind.COUNTER),
    ServedVariable(name="power", unit="kW", least=0.0, greatest=60.0),
)
READINGS_EVERY_NS = SECOND // 5
POWER_KW = (0.8, 11.0, 3.5)
EDGE_PATIENCE_S = 60.0


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine's process is started with.

    Attributes
    ----------
    port : of its OPC UA server; 0: any free one
    edge : where bulks of its test go to; empty where it has none
    mqtt : ``mqtt://HOST:PORT/PREFIX`` where its readings are published too; empty: nowhere
    """

    id: str
    label: str
    equipment_type: str
    behaviour: PlantBehaviour
    seed: int
    story_time: StoryTime
    folder: Path
    port: int = 0
    edge: str = ""
    mqtt: str = ""
    monitored: MonitoredUnit | None = None
    simulation: Simulation | None = None


def be_machine(ties: Ties, given: Machine) -> None:
    """Be a machine until the story is over."""
    doing = Doing(given)
    unit = ServedUnit(
        id=given.id, label=given.label, equipment_type=given.equipment_type, variables=VARIABLES
    )
    beside = [mqtt_plant([unit], given.mqtt, client_id=given.id)] if given.mqtt else []
    serve_unit(
        ServedMachine(unit=unit, values=doing.values, actor=doing),
        OpcUaWire(folder=given.folder, port=given.port, history=0),
        clock=WallClock(),
        beside=beside,
        ready=ties.ready,
        stopped=ties.is_over,
    )


class Doing:
    """Does a machine's jobs on the time of the story, and tells its readings in real time.

    As an actor it is asked with real time, and answers what is due by the time of the story.
    """

    def __init__(self, given: Machine) -> None:
        self._given = given
        self._plant = SimulatedPlant(given.behaviour, given.seed)
        self._running: dict[int, JobOrder] = {}
        self._tested: list[JobResponse] = []
        self._tests: dict[int, threading.Thread] = {}
        self._next_readings = 0

    def begin(self, order: JobOrder) -> None:
        """Start a job, or the test program."""
        if order.skill == TEST_SKILL:
            if order.job not in self._tests:
                run = threading.Thread(target=self._test, args=(order,), daemon=True)
                self._tests[order.job] = run
                run.start()
            return
        self._running[order.job] = order
        self._plant.begin(order)

    def next_response_at(self) -> Instant | None:
        """Return when the next job ends, by the time of the story."""
        return self._plant.next_response_at()

    def responses(self, until: Instant) -> tuple[JobResponse, ...]:
        """Return what has ended by now."""
        del until
        ended = self._plant.responses(self._given.story_time.now())
        for each in ended:
            self._running.pop(each.job, None)
        tested, self._tested = self._tested, []
        return (*ended, *tested)

    def values(self, now: Instant) -> Iterator[ServedValue]:
        """Yield readings, now and then."""
        if now < self._next_readings:
            return
        self._next_readings = now + READINGS_EVERY_NS
        testing = any(each.is_alive() for each in self._tests.values())
        state = 2 if testing else 1 if self._running else 0
        wave = 0.1 * math.sin(now / SECOND)
        told = (float(state), float(max(self._running, default=0)), POWER_KW[state] * (1 + wave))
        for variable, value in zip(VARIABLES, told, strict=True):
            yield ServedValue(self._given.id, variable.name, now, (value,))

    def _test(self, order: JobOrder) -> None:
        """Run the test program and send its samples to the edge, as fast as that takes them."""
        given = self._given
        if given.monitored is None or given.simulation is None or not given.edge:
            reason = f"Machine '{given.id}' has no test program."
            self._tested.append(JobNotDone(job=order.job, at=order.begun_at, reason=reason))
            return
        at = order.begun_at
        stream = list(daily_stream(given.monitored, given.simulation, given.seed, at))
        announcement = Announcement(machine=given.id, series=stream[0].series)
        sender = BulkSender(given.edge, announcement, patience_s=EDGE_PATIENCE_S)
        for bulk in stream:
            sender.send(
                sequence=bulk.sequence,
                start=bulk.start,
                step_ns=bulk.step_ns,
                trigger=bulk.trigger,
                values=bulk.values,
            )
            at = Instant(bulk.start + len(bulk.values) * bulk.step_ns)
        sender.close()
        results = {"bulks": sender.counts.sent, "dropped": sender.counts.dropped}
        self._tested.append(JobDone(job=order.job, at=at, results=results))
