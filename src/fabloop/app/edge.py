"""The edge of a monitored machine: bulks of samples come in, a measured KPI goes out."""

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.facts import TestMeasured
from fabloop.model.ids import WorkUnitId
from fabloop.sense.daily_test import measure
from fabloop.sense.edge import Edge, Finished, Spoiled, advance
from fabloop.sense.kpi import to_kpi
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
            case Finished(recording=recording):
                at = Instant(int(recording.segments[-1].time_ns[-1]))
                error = measure(
                    recording,
                    unit.calibration,
                    unit.requirement,
                    at,
                    valid_for_ns=unit.valid_for_ns,
                )
                rejected = "; ".join(reason.text for reason in error.reasons)
                value = None if rejected else to_kpi(error, unit.work_unit)
                return TestMeasured(work_unit=unit.work_unit, at=at, value=value, rejected=rejected)
            case Spoiled(at=at, reason=reason):
                return TestMeasured(work_unit=unit.work_unit, at=at, value=None, rejected=reason)
            case None:
                continue
    return TestMeasured(
        work_unit=unit.work_unit,
        at=edge.due or started_at,
        value=None,
        rejected="the stream ended before the test program did",
    )


class SimulatedEdge(msgspec.Struct, frozen=True, kw_only=True):
    """The edges of all monitored machines, in front of simulated axes."""

    monitored: tuple[MonitoredUnit, ...]
    simulation: Simulation
    seed: int

    def measure(self, work_unit: WorkUnitId, started_at: Instant) -> TestMeasured:
        """Let a machine run its test program and evaluate it; the same call gives the same."""
        unit = next(each for each in self.monitored if each.work_unit == work_unit)
        machine = self.simulation.machines[work_unit]
        program = daily_program(tuple(unit.calibration.axes))
        told_apart = f"{self.seed}/{work_unit}/{started_at}".encode()
        noise = int.from_bytes(sha256(told_apart).digest()[:8])
        recording = run_test(machine.axes_at(started_at), program, noise, started_at=started_at)
        return evaluate(unit, program, bulks(recording), started_at)
