"""Runs random commands in a child, kills it with -9, and checks what is left.

Run as a program: ``killed_kernel.py STORE SEED KILLS [MODULE:FUNCTION]``. `STORE` is a folder, or
the URL of a PostgreSQL database. The function is given a ``random.Random`` and returns `Deploy`
commands; `deployments` is the default. Every round has a fresh partition or file, is killed up to
`KILLS_MAX` times at random moments and goes on each time. What was seen is printed.
"""

import base64
import importlib
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from fabloop.adapters.sqlite import SqliteArchive, SqliteJournal, SqliteReader, SqliteSnapshots
from fabloop.base.errors import FabloopError
from fabloop.base.instant import SECOND, Instant
from fabloop.base.journal import Archive, Journal, JournalReader
from fabloop.base.snapshots import Snapshots
from fabloop.process.commands import (
    ActivateJobs,
    AdvanceTo,
    BroadcastSignal,
    CancelInstance,
    Command,
    CompleteJob,
    Deploy,
    FailJob,
    PublishMessage,
    ReportKpis,
    ResolveIncident,
    SetVariables,
    StartInstance,
    ThrowError,
)
from fabloop.process.deltas import ROW_KIND, decode_body
from fabloop.process.engine import Engine
from fabloop.process.passive import lay_down
from fabloop.process.recovery import recover, save_snapshot
from fabloop.process.retention import archive_ended
from fabloop.process.snapshot import read_snapshot
from process.generator import awaited, deployments

Processes = Callable[[random.Random], Sequence[Deploy]]

KILLS_MAX = 4
IN_FLIGHT_MAX = 8
INSTANCES_MAX = 30
COMMANDS_PER_SNAPSHOT = 60
STEPS_TO_END_MAX = 5_000


# -- what is run --------------------------------------------------------------------------------


def next_command(engine: Engine, now: Instant, chance: random.Random) -> Command:
    """Return something that may happen now; many of these are refused, which is fine."""
    state = engine.state
    draw = chance.random()
    if draw < 0.1 and len(state.instances) < INSTANCES_MAX:
        name = chance.choice(sorted(state.versions))
        return StartInstance(process=name, variables={"n": chance.randrange(6)})
    if state.jobs and draw < 0.6:
        one = state.jobs[chance.choice(list(state.jobs))]
        return chance.choice([
            CompleteJob(job=one.key, variables={"n": one.key % 7}, epoch=one.epoch),
            CompleteJob(job=one.key, variables={"n": one.key % 5}, epoch=one.epoch),
            ActivateJobs(type=one.type, worker="w", lease_ns=SECOND, limit=3),
            FailJob(job=one.key, retries=chance.randrange(3), epoch=one.epoch),
            ThrowError(job=one.key, code="E", epoch=one.epoch),
        ])  # fmt: skip
    due = engine.next_due()
    if due is not None and draw < 0.75:
        return AdvanceTo(now=Instant(max(now, due)))
    if state.subscriptions and draw < 0.85:
        one = state.subscriptions[chance.choice(list(state.subscriptions))]
        lives = chance.choice([0, SECOND])
        return PublishMessage(name=one.name, correlation_key=one.correlation, time_to_live_ns=lives)
    if (state.signals or state.conditions) and draw < 0.88:
        zap, go = (1 - int(bool(state.kpis.get(kpi))) for kpi in ("zap", "go"))
        told = (
            BroadcastSignal(name="Z"),
            ReportKpis(values={"zap": zap}),
            ReportKpis(values={"go": go}),
        )
        return chance.choice([*awaited(state), *told])
    if state.incidents and draw < 0.95:
        return ResolveIncident(incident=chance.choice(list(state.incidents)))
    if state.instances and (draw > 0.98 or len(state.instances) >= INSTANCES_MAX):
        one = chance.choice(list(state.instances))
        change = SetVariables(target=one, variables={"n": chance.randrange(9)})
        return chance.choice([CancelInstance(instance=one), change])
    name = chance.choice(sorted(state.versions))
    return StartInstance(process=name, variables={"n": chance.randrange(6)})


def to_the_end(engine: Engine, now: Instant, chance: random.Random) -> int:
    """Let every instance end; return the number of commands that took."""
    for number in range(STEPS_TO_END_MAX):
        state = engine.state
        if not state.instances:
            return number
        command: Command
        due = engine.next_due()
        free = [each for each in state.jobs.values() if each.retries]
        if state.incidents:
            stuck = engine.incidents()[0]
            command = CancelInstance(instance=state.frames[stuck.frame].instance)
        elif free and chance.random() < 0.7:
            one = chance.choice(free)
            command = CompleteJob(job=one.key, variables={"n": number % 7}, epoch=one.epoch)
        elif (told := awaited(state)) and chance.random() < 0.7:
            command = chance.choice(told)
        elif due is not None:
            now = Instant(max(now, due))
            command = AdvanceTo(now=now)
        else:
            continue
        try:
            engine.handle(command, at=now)
        except FabloopError:
            if isinstance(command, CancelInstance):
                called = state.instances[command.instance].caller
                above = state.instance_of(state.acts[called]).key
                engine.handle(CancelInstance(instance=above), at=now)
    raise AssertionError(f"{len(engine.instances())} instances did not end")


# -- the child ----------------------------------------------------------------------------------


class Store:
    """Where one round keeps its rows and snapshots: SQLite files, or a partition of PostgreSQL."""

    def __init__(self, place: str, number: int) -> None:
        self.place = place
        self.number = number
        self.remote = place.startswith("postgresql:")

    @property
    def partition(self) -> int:
        return self.number if self.remote else 0

    def _file(self, kind: str) -> Path:
        return Path(self.place) / f"{self.number}.{kind}"

    def journal(self) -> Journal:
        if self.remote:
            from fabloop.adapters.postgres import PostgresJournal

            return PostgresJournal(self.place, self.number, wait_s=20)
        return SqliteJournal(self._file("journal"))

    def reader(self) -> JournalReader:
        if self.remote:
            from fabloop.adapters.postgres import PostgresReader

            return PostgresReader(self.place, self.number)
        return SqliteReader(self._file("journal"))

    def archive(self) -> Archive:
        if self.remote:
            from fabloop.adapters.postgres import PostgresArchive

            return PostgresArchive(self.place, self.number)
        return SqliteArchive(self._file("journal"))

    def snapshots(self) -> Snapshots:
        if self.remote:
            from fabloop.adapters.postgres import PostgresSnapshots

            return PostgresSnapshots(self.place, self.number)
        return SqliteSnapshots(self._file("snapshots"))


def live(store: Store, seed: str, processes: Processes, tell: int) -> None:
    """Recover, then decide commands for ever; acknowledge each on `tell` once it is durable."""
    chance = random.Random(seed)
    journal, snapshots, archive = store.journal(), store.snapshots(), store.archive()
    engine = recover(journal, snapshots, store.partition).engine
    now = Instant(max((row.at for _, row in journal.read()), default=0) + SECOND)
    todo: list[Command] = list(processes(random.Random(f"{store.number}")))
    waiting: list[tuple[int, str, bytes]] = []
    for number in range(1_000_000):
        now = Instant(now + chance.randrange(SECOND // 4))
        command = todo.pop(0) if todo else next_command(engine, now, chance)
        if isinstance(command, AdvanceTo):
            now = command.now
        request = f"{seed}/{number}"
        try:
            outcome = engine.handle(command, at=now, actor="random", request=request)
        except FabloopError:
            continue
        if outcome.rows:
            seq = journal.append(outcome.rows)
            reply = base64.b64encode(msgspec.msgpack.encode(outcome.reply))
            waiting.append((seq, request, reply))
        while waiting and (len(waiting) >= IN_FLIGHT_MAX or chance.random() < 0.3):
            seq, request, reply = waiting.pop(0)
            journal.wait(seq)
            os.write(tell, b"%d %s %s\n" % (seq, request.encode(), reply))
        if chance.random() < 0.1:
            lay_down(engine.state, chance.randrange(INSTANCES_MAX))
        if number % COMMANDS_PER_SNAPSHOT == COMMANDS_PER_SNAPSHOT - 1:
            save_snapshot(engine, _durable(journal), snapshots)
            archive_ended(journal, snapshots, archive, Instant(now - SECOND), store.partition)


def _durable(journal: Journal) -> int:
    """Wait for all that was appended, and return its last number."""
    last = journal.append(())
    journal.wait(last)
    return last


def killed(store: Store, seed: str, processes: Processes, chance: random.Random) -> list[bytes]:
    """Let a child live until it is killed; return the lines that it has acknowledged."""
    ears, mouth = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ears)
        try:
            live(store, seed, processes, mouth)
        finally:
            os._exit(1)
    os.close(mouth)
    heard = b""
    wanted = chance.randrange(1, 250)
    while heard.count(b"\n") < wanted and (data := os.read(ears, chance.choice([64, 4096]))):
        heard += data
    os.kill(child, signal.SIGKILL)
    while data := os.read(ears, 65_536):
        heard += data
    os.close(ears)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the child ended by itself in round {seed}: {status}"
    return heard[: heard.rfind(b"\n") + 1].splitlines()


# -- what must be true afterwards ---------------------------------------------------------------


class Seen(msgspec.Struct):
    """What a number of rounds have shown."""

    kills: int = 0
    acknowledged: int = 0
    rows: int = 0
    snapshots: int = 0
    live: int = 0
    to_the_end: int = 0


def check(store: Store, lines: list[bytes], seen: Seen, chance: random.Random) -> None:
    """Compare the journal with what was acknowledged, and the recovered engine with a replay."""
    reader, snapshots = store.reader(), store.snapshots()
    rows = list(reader.read())
    assert [seq for seq, _ in rows] == list(range(1, len(rows) + 1)), "numbers have gaps"
    requests = Counter(row.request for _, row in rows if row.request)
    assert max(requests.values(), default=1) == 1, "a request was carried out twice"
    check_once([row for _, row in rows])

    replayed = Engine(store.partition)
    known = snapshots.known()
    for seq, row in rows:
        replayed.replay((row,))
        if seq in known:
            assert read_snapshot(snapshots.parts(seq)) == replayed.state, "live was not as replayed"
            seen.snapshots += 1
    found = recover(reader, snapshots, store.partition)
    assert found.refused == {}
    assert found.engine.state == replayed.state, "recovery differs from replay"
    for line in lines:
        seq, request, reply = line.split()
        assert int(seq) <= len(rows), "an acknowledged row is lost"
        again = found.engine.handle(Deploy(process=b""), at=Instant(1), request=request.decode())
        assert again.rows == (), "an acknowledged command was carried out again"
        assert msgspec.msgpack.encode(again.reply) == base64.b64decode(reply), "another reply"
    now = max((row.at for _, row in rows), default=Instant(1))
    alive = len(found.engine.instances())
    seen.to_the_end += to_the_end(found.engine, now, chance)
    seen.kills += 1
    seen.acknowledged += len(lines)
    seen.rows = max(seen.rows, len(rows))
    seen.live += alive
    snapshots.close()


def check_once(rows: Sequence) -> None:
    """Nothing began twice under one key, and nothing ended twice."""
    for kind, keys in _deltas(rows).items():
        if kind in ONCE:
            twice = [key for key, count in Counter(keys).items() if count > 1]
            assert not twice, f"{kind} happened twice for {twice}"


ONCE = ("InstanceStarted", "InstanceEnded", "FrameOpened", "FrameClosed", "ActOpened", "ActClosed",
    "Called", "FiringStarted", "FiringEnded", "TimerSet", "TimerCleared", "IncidentRaised",
    "IncidentCleared", "MessageKept", "MessageDropped")  # fmt: skip


def _deltas(rows: Sequence) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row in rows:
        if row.kind == ROW_KIND:
            for delta in decode_body(row.body).deltas:
                key = getattr(delta, "key", None)
                if key is not None:
                    found.setdefault(type(delta).__name__, []).append(key)
    return found


def rounds(place: str, seed: int, kills: int, processes: Processes = deployments) -> Seen:
    """Kill `kills` times, over as many fresh stores as that takes; raises what is wrong."""
    seen, number = Seen(), 0
    while seen.kills < kills:
        number += 1
        chance = random.Random(f"{seed}/{number}")
        store, lines = Store(place, number), []
        for life in range(min(chance.randrange(1, KILLS_MAX + 1), kills - seen.kills)):
            lines += killed(store, f"{seed}/{number}/{life}", processes, chance)
            check(store, lines, seen, chance)
    return seen


def main() -> None:
    """Run rounds as told on the command line."""
    place, seed, kills, *named = sys.argv[1:]
    processes = deployments
    if named:
        module, _, name = named[0].partition(":")
        processes = getattr(importlib.import_module(module), name)
    sys.stdout.write(f"{rounds(place, int(seed), int(kills), processes)}\n")


if __name__ == "__main__":
    main()
