"""A mill's control, and the folder of an edge, for tests."""

import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from fabloop.adapters.bulks import Announcement, BulkSender
from fabloop.app.edge.deployment import DeployedApp, Deployment, Group, Limits
from fabloop.app.edge.node import Node
from fabloop.app.edge.results import RESULTS_FILE, Results
from fabloop.base.instant import Instant

SERIES = ("x.force", "x.velocity", "y.force", "y.velocity")
UNITS = ("N", "m/s", "N", "m/s")
STEP_NS = 2_000_000
START = 1_780_000_000_000_000_000
PATIENCE_S = 30.0


@contextmanager
def short_folder():
    """A folder whose path is short enough for sockets, wherever tests run."""
    folder = Path(tempfile.mkdtemp(prefix="fe-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def edge(folder):
    results = Results(folder / RESULTS_FILE)
    node = Node(folder, results)
    try:
        yield node
    finally:
        node.close()
        results.close()


def until(holds, what="it"):
    """Return what `holds` gives as soon as it is true."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come to be within {PATIENCE_S:.0f} s")


def group(*apps, machines=("mill",), name="g", **limits):
    return Deployment(
        groups=(Group(group=name, machines=machines, apps=apps, limits=Limits(**limits)),)
    )


def of_file(name, kind, *, machine="mill", file="shop.py", **granted):
    return DeployedApp(name=name, app=f"{file}:{kind}", machine=machine, **granted)


class Control:
    """Sends bulks of a mill, counting on by itself."""

    def __init__(self, address, series=SERIES, units=UNITS, machine="mill", dtype=np.float64):
        announcement = Announcement(machine=machine, series=series, units=units)
        self.sender = BulkSender(address, announcement, patience_s=PATIENCE_S)
        self.sender.await_listener(PATIENCE_S)
        self.next = 0
        self._signals = len(series)
        self._dtype = dtype

    def send(self, value=1.0, *, sequence=None, count=1, trigger=0, arrives=True):
        for _ in range(count):
            number = self.next if sequence is None else sequence
            values = np.full((50, self._signals), value, dtype=self._dtype)
            sent = self.sender.send(
                sequence=number,
                start=Instant(START + number * 50 * STEP_NS),
                step_ns=STEP_NS,
                trigger=np.full(50, trigger, dtype=np.int64),
                values=values,
            )
            assert sent or not arrives
            self.next = number + 1

    def close(self):
        self.sender.close()


@contextmanager
def control(folder, name="g", **known):
    found = Control(f"unix:{folder}/run/{name}.sock", **known)
    try:
        yield found
    finally:
        found.close()


def told(node, app=None):
    """Return what apps told: (app, name, value) of readings, (app, name, JSON) of facts."""
    found = []
    for each in node.results.after(0, 10**6, 0.0):
        result = each.result
        if app is not None and result.app != app:
            continue
        if hasattr(result, "json"):
            found.append((result.app, result.name, result.json.decode()))
        else:
            values = np.frombuffer(result.values)
            found += [(result.app, *each) for each in zip(result.names, values, strict=True)]
    return found


def state_of(node, app):
    return next(each for each in node.health().apps if each.app == app)


def stream(node, lane="fast"):
    """Return the report on the mill's stream, once there is one."""
    for each in node.health().lanes:
        if each.lane == lane and each.streams:
            return each.streams[0]
    return None


def awaits(node, name, wanted, lane="fast"):
    """Wait until a count of the mill's stream is what it should be."""
    return until(
        lambda: (found := stream(node, lane)) is not None and getattr(found, name) == wanted,
        f"{name} = {wanted}",
    )
