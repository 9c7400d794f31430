"""The edge of a wired story: a process of its own that measures, and tells what it measured."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from fabloop.app.edge.apps.daily_test import FACT
from fabloop.app.edge.centre import Centre
from fabloop.app.edge.control import Control
from fabloop.app.edge.deployment import DeployedApp, Deployment, Group
from fabloop.app.edge.evaluation import rejected_test
from fabloop.app.edge.health import Health
from fabloop.app.edge.link import FactTold
from fabloop.app.edge.node import Node
from fabloop.app.edge.requests import Address
from fabloop.app.edge.results import RESULTS_FILE, Results
from fabloop.app.wired.children import Child, Ties
from fabloop.base.instant import Instant
from fabloop.model.facts import TestMeasured
from fabloop.model.ids import WorkUnitId
from fabloop.sense.monitoring import MonitoredUnit

GROUP = "monitored"
APP = "tpe"
MEASURED_S_MAX = 180.0
ASK_S = 5.0


def be_edge(ties: Ties, folder: Any) -> None:
    """Be an edge until the story is over; the parent is told how it is asked.

    The folder above its own is that of all wires, and goes with the last who needs it.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    results = Results(Path(folder) / RESULTS_FILE)
    node = Node(Path(folder), results)
    control = Control(node, Path(folder))
    try:
        ties.ready(control.address)
        ties.wait_until_over()
    finally:
        control.close()
        node.close()
        results.close()
        # The parent removes it as well, if it can still do so.
        shutil.rmtree(Path(folder).parent, ignore_errors=True)


class EdgeLink:
    """Deploys the daily test beside each monitored machine, and waits for what it measures.

    Parameters
    ----------
    run_test : lets a machine run its test program, from an instant of the story on
    """

    def __init__(
        self,
        folder: Path,
        monitored: tuple[MonitoredUnit, ...],
        run_test: Callable[[WorkUnitId, Instant], None],
    ) -> None:
        self._run_test = run_test
        self._child = Child("edge", be_edge, str(folder))
        self._units = {each.work_unit: each for each in monitored}
        self._heard = 0
        self._measured: list[TestMeasured] = []
        self.address = f"unix:{folder}/run/{GROUP}.sock"
        try:
            address: Address = self._child.told()
            self._centre = Centre(address)
            self._centre.deploy(_deployment(monitored), {})
        except BaseException:
            self._child.end()
            raise

    def measure(self, work_unit: WorkUnitId, started_at: Instant) -> TestMeasured:
        """Let a machine run its test program; return what the edge has made of its samples."""
        self._run_test(work_unit, started_at)
        deadline = time.monotonic() + MEASURED_S_MAX
        while time.monotonic() < deadline:
            for each in self._measured:
                if each.work_unit == work_unit and each.at >= started_at:
                    return each
            self._listen()
        reason = f"nothing came from the edge within {MEASURED_S_MAX:.0f} s"
        return rejected_test(self._units[work_unit], started_at, reason)

    def health(self) -> Health:
        """Return how the edge is doing."""
        return self._centre.health()

    def close(self) -> None:
        """End the edge."""
        self._centre.close()
        self._child.end()

    def _listen(self) -> None:
        for each in self._centre.results(self._heard, wait_s=ASK_S):
            self._heard = each.number
            if isinstance(each.result, FactTold) and each.result.name == FACT:
                self._measured.append(msgspec.json.decode(each.result.json, type=TestMeasured))
        self._centre.acknowledge(self._heard)


def _deployment(monitored: tuple[MonitoredUnit, ...]) -> Deployment:
    apps = tuple(
        DeployedApp(
            name=f"{APP}-{each.work_unit}",
            app="daily-test",
            machine=each.work_unit,
            reads=("trigger", *(f"{axis}.*" for axis in each.calibration.axes)),
            writes=("test", "tpe", "tpe.upper"),
            settings=msgspec.to_builtins(each),
        )
        for each in monitored
    )
    machines = tuple(each.work_unit for each in monitored)
    return Deployment(groups=(Group(group=GROUP, machines=machines, apps=apps),))
