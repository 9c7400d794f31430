"""Prints how long the edge takes for a bulk of 100 ms: 50 signals of 50 samples, all condensed.

A control in a process of its own sends bulks over a local socket, 10 a second for each machine, to
an edge that runs the app `features` (eight statistics, spectrum in eight bands, EWMA, CUSUM of each
signal). The figures are those that the edge measures itself and tells in its metrics: `handling`
from the arrival of a bulk until its results are handed over, `path` from its sending on.

Run: ``python bench/edge.py [--seconds N] [--machines N] [--contend]``.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from fabloop.adapters.bulks import Announcement, BulkSender
from fabloop.app.edge.deployment import DeployedApp, Deployment, Group, Limits
from fabloop.app.edge.health import LaneHealth
from fabloop.app.edge.node import Node
from fabloop.app.edge.results import RESULTS_FILE, Results
from fabloop.base.instant import Instant

SIGNALS, SAMPLES, STEP_NS = 50, 50, 2_000_000
PERIOD_S = 0.1
WARM_UP_BULKS = 30


def produce(address: str, machines: int, bulks: int) -> None:
    """Be the controls: send at the pace of the machines."""
    dice = np.random.default_rng(1)
    series = tuple(f"s{number}" for number in range(SIGNALS))
    senders = [
        BulkSender(address, Announcement(machine=f"m{number}", series=series), patience_s=0.05)
        for number in range(machines)
    ]
    for each in senders:
        each.await_listener(30.0)
    values = dice.standard_normal((SAMPLES, SIGNALS)).astype(np.float32)
    trigger = np.zeros(SAMPLES, dtype=np.int64)
    begun, begun_ns = time.monotonic(), time.time_ns()  # noqa: TID251  # a control has a clock
    for number in range(bulks):
        for place, each in enumerate(senders):
            due = begun + (number + (place + 1) / len(senders)) * PERIOD_S
            time.sleep(max(0.0, due - time.monotonic()))
            each.send(
                sequence=number,
                start=Instant(begun_ns + number * SAMPLES * STEP_NS),
                step_ns=STEP_NS,
                trigger=trigger,
                values=values,
            )
    for each in senders:
        each.variables()
    time.sleep(0.5)


def measured(machines: int, seconds: float, priority: int) -> LaneHealth:
    """Run an edge and its controls, and return what the edge tells of itself."""
    folder = Path(tempfile.mkdtemp(prefix="fe-"))
    names = tuple(f"m{number}" for number in range(machines))
    apps = tuple(
        DeployedApp(name=f"f-{name}", app="features", machine=name, reads=("*",), writes=("*",))
        for name in names
    )
    limits = Limits(realtime_priority=priority)
    results = Results(folder / RESULTS_FILE)
    node = Node(folder, results)
    try:
        group = Group(group="g", machines=names, apps=apps, limits=limits)
        node.deploy(Deployment(groups=(group,)), {})
        address = f"unix:{folder}/run/g.sock"
        for bulks in (WARM_UP_BULKS, round(seconds / PERIOD_S)):
            subprocess.run(
                [sys.executable, __file__, "--produce", address, str(machines), str(bulks)],
                check=True,
            )
            if bulks == WARM_UP_BULKS:
                node.forget_latencies()
        time.sleep(0.5)
        return node.health().lanes[0]
    finally:
        node.close()
        results.close()
        shutil.rmtree(folder)


def row(lane: LaneHealth, machines: int) -> str:
    """Return one line of figures, in milliseconds."""
    scheduling = "SCHED_FIFO" if lane.realtime else "normal"
    figures = [
        f"{1e3 * value:6.2f}" if value is not None else "     -"
        for found in (lane.handling, lane.path)
        for value in (found.p50_s, found.p99_s, found.max_s)
    ]
    lost = sum(each.lost for each in lane.streams)
    return (
        f"{scheduling:<11}{machines:>9}{lane.handling.count:>7}{lost:>6}   "
        f"{' '.join(figures[:3])}   {' '.join(figures[3:])}"
    )


def main() -> None:
    """Print the figures for real-time and ordinary scheduling."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--produce", nargs=3, default=None)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--machines", type=int, default=0)
    parser.add_argument("--contend", action="store_true", help="keep all processors busy meanwhile")
    given = parser.parse_args()
    if given.produce is not None:
        address, machines, bulks = given.produce
        produce(address, int(machines), int(bulks))
        return
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range((os.cpu_count() or 1) if given.contend else 0)
    ]
    print(f"bulks of {SIGNALS} signals x {SAMPLES} samples, one in {PERIOD_S * 1e3:.0f} ms; ms")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors", end="")
    print(f"; {len(busy)} processes of ours keep them busy" if busy else "")
    print("                                     handling               path from the control")
    print("scheduling  machines  bulks  lost     p50    p99    max      p50    p99    max")
    try:
        for machines in (given.machines,) if given.machines else (1, 20):
            for priority in (5, 0):
                found = measured(machines, given.seconds, priority)
                if priority and not found.realtime:
                    print(found.warning)
                else:
                    print(row(found, machines))
    finally:
        for each in busy:
            each.kill()
            each.wait()


if __name__ == "__main__":
    main()
