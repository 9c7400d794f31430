"""Measures scenario (a) beside SpiffWorkflow: CPU per instance, both durable in SQLite.

Start, script, exclusive gateway, external job, task for a person, end: three durable commands.
Both keep what they need to go on after a crash, with ``synchronous=FULL``, one commit per command
at one in flight; ours also runs with 256 in flight, where commits are shared. SpiffWorkflow has no
store: its state is saved as JSON at each rest and loaded again before the next command, as
applications do.

Run: ``python bench/spiff.py [instances]``. Needs ``pip install 'fabloop[bench]'``.
"""

import json
import sqlite3
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

from kernel import Load  # type: ignore[import-not-found]  # it stands beside this script
from lxml import etree

from fabloop.adapters.sqlite import SqliteJournal
from fabloop.base.collector import settle

ROUNDS = 3
MODEL = b"""<?xml version="1.0"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d">
 <bpmn:process id="a" isExecutable="true">
  <bpmn:startEvent id="start"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
  <bpmn:scriptTask id="script"><bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing>
   <bpmn:script>priced = amount * 1.5</bpmn:script></bpmn:scriptTask>
  <bpmn:exclusiveGateway id="gate" default="f4"><bpmn:incoming>f2</bpmn:incoming>
   <bpmn:outgoing>f3</bpmn:outgoing><bpmn:outgoing>f4</bpmn:outgoing></bpmn:exclusiveGateway>
  <bpmn:manualTask id="job"><bpmn:incoming>f3</bpmn:incoming><bpmn:outgoing>f5</bpmn:outgoing>
   </bpmn:manualTask>
  <bpmn:userTask id="person"><bpmn:incoming>f5</bpmn:incoming><bpmn:outgoing>f6</bpmn:outgoing>
   </bpmn:userTask>
  <bpmn:endEvent id="end"><bpmn:incoming>f4</bpmn:incoming><bpmn:incoming>f6</bpmn:incoming>
   </bpmn:endEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="script"/>
  <bpmn:sequenceFlow id="f2" sourceRef="script" targetRef="gate"/>
  <bpmn:sequenceFlow id="f3" sourceRef="gate" targetRef="job">
   <bpmn:conditionExpression>priced &gt; 100</bpmn:conditionExpression></bpmn:sequenceFlow>
  <bpmn:sequenceFlow id="f4" sourceRef="gate" targetRef="end"/>
  <bpmn:sequenceFlow id="f5" sourceRef="job" targetRef="person"/>
  <bpmn:sequenceFlow id="f6" sourceRef="person" targetRef="end"/>
 </bpmn:process>
</bpmn:definitions>"""


class Peer:
    """SpiffWorkflow with a table of states in SQLite."""

    def __init__(self, path: Path) -> None:
        from SpiffWorkflow.bpmn.parser import BpmnParser
        from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer

        parser = BpmnParser()
        parser.add_bpmn_xml(etree.parse(BytesIO(MODEL)))
        self.spec = parser.get_spec("a")
        self.serializer = BpmnWorkflowSerializer()
        self.store = sqlite3.connect(path)
        self.store.execute("PRAGMA journal_mode = wal")
        self.store.execute("PRAGMA synchronous = FULL")
        self.store.execute("CREATE TABLE state (id INTEGER PRIMARY KEY, body TEXT)")
        self.store.commit()

    def save(self, number: int, workflow: object) -> None:
        """Write the state of an instance durably."""
        body = json.dumps(self.serializer.to_dict(workflow))
        self.store.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (number, body))
        self.store.commit()

    def run(self, number: int) -> None:
        """Run one instance from start to end, in three durable commands."""
        from SpiffWorkflow import TaskState
        from SpiffWorkflow.bpmn import BpmnWorkflow

        workflow = BpmnWorkflow(self.spec)
        workflow.get_next_task().data["amount"] = 100 + number % 7
        workflow.do_engine_steps()
        self.save(number, workflow)
        for result in ({"seam_mm": 3}, {"ok": True}):
            [body] = self.store.execute("SELECT body FROM state WHERE id = ?", (number,)).fetchone()
            workflow = self.serializer.from_dict(json.loads(body))
            [task] = workflow.get_tasks(state=TaskState.READY, manual=True)
            task.data.update(result)
            task.run()
            workflow.do_engine_steps()
            self.save(number, workflow)
        assert workflow.is_completed(), "every instance has ended"


def of_peer(instances: int, folder: Path) -> float:
    """Return the CPU seconds per instance of the peer."""
    peer = Peer(folder / "peer.db")
    cpu = time.process_time()
    for number in range(instances):
        peer.run(number)
    return (time.process_time() - cpu) / instances


def of_ours(instances: int, in_flight: int, folder: Path) -> tuple[float, float]:
    """Return CPU seconds per instance, and instances per second of wall time."""
    journal = SqliteJournal(folder / f"ours-{in_flight}.db")
    load = Load(journal, in_flight)
    wall, cpu = time.perf_counter(), time.process_time()
    load.run(instances)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    journal.close()
    return cpu / instances, instances / wall


def main() -> None:
    """Print every figure: medians of some rounds, taken in turn."""
    settle()  # as a host does that serves a store
    instances = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000
    rounds: dict[str, list[float]] = {"peer": [], "one": [], "many": [], "wall": []}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            one, _ = of_ours(instances // 10, 1, folder)
            many, wall = of_ours(instances, 256, folder)
            rounds["peer"].append(of_peer(max(10, instances // 100), folder))
        rounds["one"].append(one)
        rounds["many"].append(many)
        rounds["wall"].append(wall)
    peer, one, many, wall = (statistics.median(rounds[name]) for name in rounds)
    spiff = f"SpiffWorkflow {version('SpiffWorkflow')}"
    print(f"{spiff} + SQLite, one in flight: {peer * 1e6:,.0f} us CPU/instance")
    print(f"fabloop, one in flight: {one * 1e6:,.0f} us CPU/instance, {peer / one:.0f} x less")
    print(
        f"fabloop, 256 in flight: {many * 1e6:,.0f} us CPU/instance, {peer / many:.0f} x less, "
        f"{wall:,.0f} instances/s wall"
    )


if __name__ == "__main__":
    main()
