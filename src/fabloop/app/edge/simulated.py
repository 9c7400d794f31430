"""The edge of a monitored machine: bulks of samples come in, a measured KPI goes out."""

from collections.abc import Iterable, Iterator
from hashlib import sha256

import msgspec

from fabloop.app.edge.evaluation import evaluated, rejected_test
from fabloop.base.instant import Instant
from fabloop.model.facts import TestMeasured
from fabloop.model.ids import WorkUnitId
from fabloop.sense.edge import Edge, Finished, Spoiled, advance
from fabloop.sense.monitoring import MonitoredUnit
from fabloop.sense.program import TestProgram, daily_program
from fabloop.sense.recording import Bulk
from fabloop.sim.axis.daily_test import bulks, run_test
from fabloop.sim.scenario import Simulation


def evaluate(
    unit: MonitoredUnit, program: TestProgram, stream: Iterable[Bulk], started_at: Instant
) -> TestMeasured:
    """Follow a stream of bulks until the test program has ended, and evaluate what it recorded.

    `started_at` stands in for the end of a stream that brought nothing.
    """
    edge = Edge(program=program)
    for bulk in stream:
        edge, ended = advance(edge, bulk)
        match ended:
            case Finished() | Spoiled():
                return evaluated(unit, ended)
            case None:
                continue
    ended_at = edge.due or started_at
    return rejected_test(unit, ended_at, "the stream ended before the test program did")


class SimulatedEdge(msgspec.Struct, frozen=True, kw_only=True):
    """The edges of all monitored machines, in front of simulated axes."""

    monitored: tuple[MonitoredUnit, ...]
    simulation: Simulation
    seed: int

    def measure(self, work_unit: WorkUnitId, started_at: Instant) -> TestMeasured:
        """Let a machine run its test program and evaluate it; the same call gives the same."""
        unit = next(each for each in self.monitored if each.work_unit == work_unit)
        stream = daily_stream(unit, self.simulation, self.seed, started_at)
        return evaluate(unit, program_of(unit), stream, started_at)


def program_of(unit: MonitoredUnit) -> TestProgram:
    """Return the test program of a unit's axes."""
    return daily_program(tuple(unit.calibration.axes))


def daily_stream(
    unit: MonitoredUnit, simulation: Simulation, seed: int, started_at: Instant
) -> Iterator[Bulk]:
    """Yield what the control of a simulated machine forwards while it runs its test program.

    The same call gives the same bytes.
    """
    told_apart = f"{seed}/{unit.work_unit}/{started_at}".encode()
    noise = int.from_bytes(sha256(told_apart).digest()[:8])
    axes = simulation.machines[unit.work_unit].axes_at(started_at)
    return bulks(run_test(axes, program_of(unit), noise, started_at=started_at))
