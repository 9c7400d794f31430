"""Goals on the history of processes: engine events per second, and what is told of them.

Cases of a bakery are played by the real engine; their history is heard by a monitor with goals on
orders and muffins, conditions, roll-up, experience and a KPI over the week.

    python bench/goals.py [--cases 2000]
"""

import argparse
import time
from collections import Counter
from random import Random

from fabloop.adapt.goals.monitor import Monitor, restored
from fabloop.base.collector import settle
from fabloop.base.instant import MINUTE, Instant, instant_of
from fabloop.base.journal import Row
from fabloop.model.documents.goal_text import read_goals
from fabloop.process.commands import (
    ActivateJobs,
    Command,
    CompleteJob,
    Deploy,
    JobsActivated,
    Reply,
    StartInstance,
)
from fabloop.process.engine import Engine
from fabloop.process.history.event import HistoryEvent
from fabloop.process.history.record import Recorder

GOALS = b"""
goals bakery version 1
zone Europe/Rome
subject order: business key of process bakery
subject muffin within order: qr of process bakery
event fulfilled(order): completion of pack
event overcooked(muffin): completion of cook when bad > 0
goal G1 "fulfilled within 36 h" for each order: fulfilled within 36 h of received
goal G1.1 "not overcooked" for each muffin, part of G1: never overcooked
goal G2 "done within 72 h" for each order: done within 72 h of received
goal G3 "by the date" for each order: done by due
goal G4 "warm enough" for each order: at fulfilled, temperature >= 150
kpi K1 "on time": share of orders with G2 >= 95 % over the week
kpi K2 "lead time": mean time from received to fulfilled <= 24 h over each day
"""
WORK = ("dough", "liners", "cook", "top", "pack", "ship")
TOP = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="bench">'
    '<process id="bakery" isExecutable="true"><startEvent id="start"/>'
    '<parallelGateway id="split"/><parallelGateway id="join"/><endEvent id="end"/>'
)


def model() -> bytes:
    """Return the bakery: dough and liners side by side, then one step after the other."""
    flows = [("start", "split"), ("split", "dough"), ("split", "liners"), ("dough", "join")]
    flows += [("liners", "join"), ("join", "cook"), ("cook", "top"), ("top", "pack")]
    flows += [("pack", "ship"), ("ship", "end")]
    tasks = "".join(
        f'<serviceTask id="{each}"><extensionElements><zeebe:taskDefinition type="{each}"/>'
        "</extensionElements></serviceTask>"
        for each in WORK
    )
    lines = "".join(
        f'<sequenceFlow id="f{number}" sourceRef="{source}" targetRef="{target}"/>'
        for number, (source, target) in enumerate(flows)
    )
    return (TOP + tasks + lines + "</process></definitions>").encode()


class Played:
    """The engine with its history."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.rows: list[tuple[int, Row]] = []
        self.recorder = Recorder()
        self.events: list[HistoryEvent] = []

    def does(self, command: Command, at: Instant) -> Reply:
        """Let the engine decide, and keep what happened."""
        outcome = self.engine.handle(command, at=at)
        for row in outcome.rows:
            self.rows.append((len(self.rows) + 1, row))
            self.events += self.recorder.take(len(self.rows), row)
        return outcome.reply


def play(cases: int, seed: int = 1) -> Played:
    """Return the history of so many cases that overlap; some steps take long, some muffins burn."""
    chance, played = Random(seed), Played()
    now = instant_of("2026-11-23T06:00:00+01:00")
    played.does(Deploy(process=model()), now)
    for number in range(cases):
        now = Instant(now + 5 * MINUTE)
        variables = {
            "qr": [f"m-{number}-{each}" for each in range(4)],
            "due": "2026-11-27T06:00:00+01:00",
            "temperature": 180,
            "bad": 0,
        }
        command = StartInstance(process="bakery", variables=variables, business_key=f"o-{number}")
        played.does(command, now)
        for kind in WORK:
            reply = played.does(ActivateJobs(type=kind, worker="w", lease_ns=10**15), now)
            assert isinstance(reply, JobsActivated)
            for job in reply.jobs:
                bad = int(chance.random() < 0.02) if kind == "cook" else 0
                now = Instant(now + chance.randrange(1, 3) * MINUTE)
                done = CompleteJob(job=job.key, epoch=job.epoch, variables={"bad": bad})
                played.does(done, now)
    return played


def main() -> None:
    """Play, hear, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    played = play(given.cases)
    goals = read_goals("bench.goals", GOALS)
    settle()  # as a program that serves does, too
    rates, cpu, facts = [], [], Counter[str]()
    for _ in range(given.runs):
        watch = Monitor(goals)
        begun, used = time.perf_counter(), time.process_time()
        found = list(watch.hear(played.events))
        rates.append(len(played.events) / (time.perf_counter() - begun))
        cpu.append(time.process_time() - used)
        facts = Counter(f"{type(each).__name__} {each.goal}" for each in found)
    begun, used = time.perf_counter(), time.process_time()
    watch, recorder = Monitor(goals), Recorder()
    for number, row in played.rows:
        watch.hear(recorder.take(number, row))
    whole = len(played.events) / (time.perf_counter() - begun)
    read_cpu = time.process_time() - used
    kept = watch.checkpoint()
    begun = time.perf_counter()
    restored(goals, kept)
    again = time.perf_counter() - begun
    rates.sort()
    cpu.sort()
    count = len(played.events)
    print(f"{given.cases} cases, {count} events, {len(goals.goals)} goals, 2 KPIs")
    print(
        f"events/s: {rates[len(rates) // 2]:,.0f} (median; least {rates[0]:,.0f}); "
        f"per CPU second {count / cpu[len(cpu) // 2]:,.0f}; aim 20,000"
    )
    print(f"journal rows to facts: {whole:,.0f} events/s; per CPU second {count / read_cpu:,.0f}")
    print(f"checkpoint: {len(kept) / 1e6:.1f} MB, read again in {again:.2f} s")
    for name, count in sorted(facts.items()):
        print(f"  {name}: {count}")


if __name__ == "__main__":
    main()
