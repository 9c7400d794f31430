"""The host: many callers, durable answers, time that passes by itself, jobs without polling."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.processes.shop import BEGIN, poll_for, shop, started, state_of, stepped, waiting
from fabloop.app.processes import host as host_module
from fabloop.app.processes.clocks import SteppedClock, WallClock
from fabloop.app.processes.host import Host
from fabloop.app.processes.store import open_host
from fabloop.base.errors import Conflict, NotFound, Unavailable
from fabloop.base.instant import SECOND, Instant
from fabloop.base.journal import MemoryJournal
from fabloop.process import engine as engine_module
from fabloop.process.commands import (
    AdvanceTo,
    AssignJob,
    CompleteJob,
    Deploy,
    FailJob,
    InstanceFinished,
    InstanceState,
    JobCreated,
    StartInstance,
)
from fabloop.process.engine import Engine
from fabloop.process.operations import (
    CancelEach,
    ResumeInstance,
    StartBatch,
    SuspendInstance,
)


@pytest.fixture
def stage(tmp_path):
    host, clock = stepped(tmp_path)
    yield host, clock
    host.close()


@pytest.fixture
def host(stage):
    return stage[0]


def heard(host, kind, count):
    """Return a function that waits until so many notices of a kind were told, and gives them."""
    found, enough = [], threading.Event()

    def listener(notices):
        found.extend(each for each in notices if isinstance(each, kind))
        if len(found) >= count:
            enough.set()

    host.listen(listener)

    def wait():
        assert enough.wait(30)
        return found

    return wait


def test_what_was_answered_is_there_after_opening_again(tmp_path):
    host, _ = stepped(tmp_path)
    (key,) = started(host, shop("a"))
    host.close()
    host, _ = stepped(tmp_path)
    assert state_of(host, key) is InstanceState.ACTIVE
    host.close()


def test_commands_of_many_threads_are_all_done_and_each_gets_its_own_answer(host):
    host.submit(Deploy(process=shop("a")))
    keys = [[] for _ in range(8)]

    def caller(mine):
        for number in range(25):
            keys[mine].append(
                host.submit(StartInstance(process="shop", variables={"n": [mine, number]})).instance
            )

    threads = [threading.Thread(target=caller, args=(mine,)) for mine in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for mine, own in enumerate(keys):
        found = [host.ask(lambda e, key=key: e.instance(key).variables["n"]) for key in own]
        assert found == [[mine, number] for number in range(25)]


def test_commands_of_many_tasks_are_all_done(host):
    host.submit(Deploy(process=shop("a")))

    async def main():
        starts = [host.submit_async(StartInstance(process="shop")) for _ in range(200)]
        return await asyncio.gather(*starts)

    replies = asyncio.run(main())
    assert len({each.instance for each in replies}) == 200


def test_what_is_refused_is_refused_to_who_asked_and_nobody_else(host):
    with pytest.raises(NotFound):
        host.submit(StartInstance(process="nothing"))

    async def main():
        host_answers = [
            host.submit_async(StartInstance(process="nothing")),
            host.submit_async(Deploy(process=shop("a"))),
        ]
        return await asyncio.gather(*host_answers, return_exceptions=True)

    refused, done = asyncio.run(main())
    assert isinstance(refused, NotFound)
    assert done.key.id == "shop"


def test_a_request_that_is_sent_again_is_done_once_even_after_opening_again(tmp_path):
    host, _ = stepped(tmp_path)
    host.submit(Deploy(process=shop("a")))
    first = host.submit(StartInstance(process="shop"), request="r-1")
    host.close()
    host, _ = stepped(tmp_path)
    assert host.submit(StartInstance(process="shop"), request="r-1") == first
    assert len(host.ask(lambda engine: engine.instances())) == 1
    host.close()


def test_a_notice_is_told_after_its_row_is_durable_and_in_order(stage):
    host, _ = stage
    unknown = []

    def listener(notices):
        streams = {row.stream for _, row in host._journal.read()}
        unknown.extend(each for each in notices if f"instance/{each.instance}" not in streams)

    host.listen(listener)
    told = heard(host, JobCreated, 3)
    keys = started(host, shop("a"), 3)
    assert [each.instance for each in told()] == keys
    assert unknown == []


def test_a_listener_that_raises_hears_nothing_more_and_stops_nobody(host):
    def broken(_):
        raise ValueError("mine")

    host.listen(broken)
    started(host, shop("a"), 3)
    assert [str(each) for each in host.troubles] == ["mine"]


def test_a_listener_that_would_wait_for_an_answer_is_told_so_and_may_post(host):
    answered = threading.Event()

    def listener(notices):
        host.post(StartInstance(process="shop"), lambda _: answered.set())
        host.submit(StartInstance(process="shop"))

    host.submit(Deploy(process=shop("a")))
    host.listen(listener)
    host.submit(StartInstance(process="shop"))
    assert answered.wait(30)
    assert "Use `post`" in str(host.troubles[0])


def test_a_timer_that_cannot_fire_is_told_and_stops_nobody_else(tmp_path, monkeypatch):
    def broken(step, command):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(host_module, "REST_S", 0.01)
    monkeypatch.setitem(engine_module._DECIDERS, AdvanceTo, broken)
    with open_host(tmp_path, WallClock()) as host:
        started(host, waiting("PT0S"))
        started(host, shop("a"))
        assert len(host.poll(poll_for("a"), 30)) == 1
        wait = threading.Event()
        while len(host.troubles) < 3:
            wait.wait(0.01)
        assert "ours" in str(host.troubles[0])


def test_a_listener_can_leave(host):
    found = []
    end = host.listen(found.extend)
    started(host, shop("a"))
    before = len(found)
    end()
    host.submit(StartInstance(process="shop"))
    assert len(found) == before > 0


# -- time ---------------------------------------------------------------------------------------


def test_stepped_time_passes_when_it_is_told_to(stage):
    host, clock = stage
    (key,) = started(host, waiting("PT1H"))
    clock.set(Instant(BEGIN + 3_599 * SECOND))
    host.advance()
    assert state_of(host, key) is InstanceState.ACTIVE
    clock.set(Instant(BEGIN + 3_600 * SECOND))
    host.advance()
    assert state_of(host, key) is InstanceState.COMPLETED


def test_real_time_passes_by_itself(tmp_path):
    with open_host(tmp_path, WallClock()) as host:
        ended = heard(host, InstanceFinished, 2)
        keys = started(host, waiting("PT0.05S")) + started(host, waiting("PT0.01S"))
        assert sorted(each.instance for each in ended()) == sorted(keys)


def test_what_fell_due_while_nobody_ran_happens_on_opening(tmp_path):
    host, clock = stepped(tmp_path)
    (key,) = started(host, waiting("PT1H"))
    host.close()
    clock.set(Instant(BEGIN + 7_200 * SECOND))
    host = open_host(tmp_path, clock)
    ended = host.ask(lambda engine: engine.next_due())
    host.advance()
    assert state_of(host, key) is InstanceState.COMPLETED, ended
    host.close()


def test_time_never_goes_back_for_the_engine(tmp_path):
    class Restless(SteppedClock):
        def now(self):
            self.set(Instant(super().now() + SECOND))
            return Instant(2 * BEGIN - super().now())

    host = open_host(tmp_path, Restless(BEGIN))
    started(host, shop("a"), 5)
    host.close()
    rows = [row.at for _, row in open_host(tmp_path)._journal.read()]
    assert rows == sorted(rows)


# -- jobs ---------------------------------------------------------------------------------------


def test_a_poll_gets_what_is_there_at_once(host):
    keys = started(host, shop("a"), 3)
    assert [each.instance for each in host.poll(poll_for("a", limit=2), 30)] == keys[:2]
    assert [each.instance for each in host.poll(poll_for("a", limit=2), 30)] == keys[2:]
    assert host.poll(poll_for("a"), 0) == ()


def test_a_poll_waits_until_a_job_comes(host):
    host.submit(Deploy(process=shop("a", "b")))
    found = []
    poller = threading.Thread(target=lambda: found.extend(host.poll(poll_for("b"), 30)))
    poller.start()
    key = host.submit(StartInstance(process="shop")).instance
    (first,) = host.poll(poll_for("a"), 30)
    assert found == []
    host.submit(CompleteJob(job=first.key, epoch=first.epoch))
    poller.join(30)
    assert [each.instance for each in found] == [key]


def test_a_poll_for_several_types_gets_any_of_them_and_favours_none(host):
    started(host, shop("a"), 10)
    started(host, shop("b", id="other"), 10)
    firsts = [host.poll(poll_for("a", "b", limit=1), 1)[0].type for _ in range(20)]
    assert sorted(firsts) == ["a"] * 10 + ["b"] * 10
    assert set(firsts[:4]) == {"a", "b"}
    started(host, shop("a"), 2)
    started(host, shop("b", id="other"), 2)
    assert len(host.poll(poll_for("a", "b", limit=10), 1)) == 4


def test_each_job_goes_to_one_of_those_who_wait(host):
    host.submit(Deploy(process=shop("a")))
    found = [[] for _ in range(6)]
    pollers = [
        threading.Thread(
            target=lambda mine=mine: found[mine].extend(host.poll(poll_for("a", limit=1), 30))
        )
        for mine in range(6)
    ]
    for each in pollers:
        each.start()
    keys = [host.submit(StartInstance(process="shop")).instance for _ in range(6)]
    for each in pollers:
        each.join(30)
    assert sorted(job.instance for own in found for job in own) == keys


@pytest.mark.parametrize("back", ["failed", "expired", "assigned", "resumed"])
def test_a_poll_wakes_for_a_job_that_comes_back(stage, back):
    host, clock = stage
    (key,) = started(host, shop("a"))
    (held,) = host.poll(poll_for("a", worker="first", lease_s=5), 0)
    if back == "assigned":
        host.submit(FailJob(job=held.key, retries=1, epoch=held.epoch))
        host.submit(AssignJob(job=held.key, assignee="somebody"))
    if back == "resumed":
        host.submit(FailJob(job=held.key, retries=1, epoch=held.epoch))
        host.submit(SuspendInstance(instance=key))
    found = []
    poller = threading.Thread(target=lambda: found.extend(host.poll(poll_for("a"), 30)))
    poller.start()
    match back:
        case "failed":
            host.submit(FailJob(job=held.key, retries=1, epoch=held.epoch))
        case "expired":
            clock.set(Instant(BEGIN + 6 * SECOND))
            host.advance()
        case "assigned":
            host.submit(AssignJob(job=held.key, assignee=""))
        case "resumed":
            host.submit(ResumeInstance(instance=key))
    poller.join(30)
    assert [each.key for each in found] == [held.key]
    assert found[0].epoch > held.epoch


def test_a_poll_can_be_ended_and_takes_no_job_with_it(host):
    host.submit(Deploy(process=shop("a")))
    answers = []
    answered = threading.Event()

    def sink(jobs):
        answers.append(jobs)
        answered.set()

    host.post_poll(poll_for("a"), 300, sink)()
    assert answered.wait(30)
    assert answers == [()]
    host.submit(StartInstance(process="shop"))
    assert len(host.poll(poll_for("a"), 30)) == 1


def test_polls_from_tasks(host):
    host.submit(Deploy(process=shop("a")))

    async def main():
        poll = asyncio.ensure_future(host.poll_async(poll_for("a"), 30))
        started_one = await host.submit_async(StartInstance(process="shop"))
        (found,) = await poll
        return found.instance == started_one.instance

    assert asyncio.run(main())


# -- batches ------------------------------------------------------------------------------------


def test_a_batch_runs_by_itself_and_goes_on_after_opening_again(tmp_path):
    host, clock = stepped(tmp_path)
    started(host, shop("a"), 350)
    ended = heard(host, InstanceFinished, 350)
    host.submit(StartBatch(action=CancelEach()))
    assert len(ended()) == 350
    started(host, shop("a"), 3)
    host.close()
    engine = Engine()
    with open_host(tmp_path, clock) as host:
        engine.replay(row for _, row in host._journal.read())
        engine_rows = engine.handle(StartBatch(action=CancelEach()), at=clock.now()).rows
        host._journal.wait(host._journal.append(engine_rows))
    with open_host(tmp_path, clock) as host:
        done = heard(host, InstanceFinished, 0)
        host.advance()
        while host.ask(lambda engine: engine.instances()):
            host.advance()
        assert host.ask(lambda engine: engine.batches()[-1].position) == 3, done


# -- limits and ends ----------------------------------------------------------------------------


def test_too_many_waiting_commands_are_refused_and_the_rest_is_done(host, monkeypatch):
    monkeypatch.setattr(host_module, "QUEUE_MAX", 5)
    host.submit(Deploy(process=shop("a")))
    answers, refusals = [], []
    with host._deciding:  # the thread that decides stands still
        for _ in range(300):
            try:
                host.post(StartInstance(process="shop"), answers.append)
            except Unavailable as error:
                refusals.append(str(error))
    host.close()
    assert "at most 5 commands" in refusals[0]
    assert len(answers) == 300 - len(refusals)


def test_closing_answers_what_waits_and_refuses_what_comes(host):
    host.submit(Deploy(process=shop("a")))
    answers = []
    for _ in range(50):
        host.post(StartInstance(process="shop"), answers.append)
    polled = []
    host.post_poll(poll_for("never"), 300, polled.append)
    host.close()
    assert len({each.instance for each in answers}) == 50
    assert polled == [()]
    with pytest.raises(Unavailable, match="closed"):
        host.submit(StartInstance(process="shop"))
    with pytest.raises(Unavailable):
        host.poll(poll_for("a"), 1)
    host.close()


class FailingJournal(MemoryJournal):
    """A disk that is full from a given row on."""

    def __init__(self, rows, late):
        super().__init__()
        self.left, self.late = rows, late

    def append(self, rows):
        if not self.late:
            self._check(len(rows))
        return super().append(rows)

    def wait(self, seq):
        if self.late and seq > self.left:
            raise Unavailable("the disk is full")

    def _check(self, count):
        self.left -= count
        if self.left < 0:
            raise Unavailable("the disk is full")


@pytest.mark.parametrize("late", [False, True])
def test_after_a_failed_write_nothing_is_acknowledged_any_more(late):
    host = Host(Engine(), FailingJournal(3, late), SteppedClock(BEGIN))
    host.submit(Deploy(process=shop("a")))
    starts = [StartInstance(process="shop")] * 9
    with pytest.raises(Unavailable):
        list(map(host.submit, starts))
    with pytest.raises(Unavailable):
        host.submit(StartInstance(process="shop"))
    with pytest.raises(Unavailable):
        host.ask(lambda engine: engine.instances())
    assert "the disk is full" in str(host.failure)
    host.close()


def test_a_second_host_on_the_same_folder_is_refused_by_name(tmp_path):
    with open_host(tmp_path), pytest.raises(Conflict, match=f"process {os.getpid()} "):
        open_host(tmp_path)
    open_host(tmp_path).close()


@pytest.mark.parametrize("answers", [1, 40, 400])
def test_what_a_killed_host_has_answered_is_there_and_is_done_once(tmp_path, answers):
    program = Path(__file__).with_name("busy_host.py")
    tests = str(Path(__file__).parents[2])
    busy = subprocess.Popen(
        [sys.executable, str(program), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")]),
        },
    )
    told = [busy.stdout.readline() for _ in range(answers)]
    busy.send_signal(signal.SIGKILL)
    rest, _ = busy.communicate()
    told += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    answered = {request: int(key) for request, key in map(str.split, told)}
    with open_host(tmp_path) as host:
        instances = host.ask(lambda engine: engine.instances())
        assert set(answered.values()) <= set(instances)
        assert len(instances) - len(answered) <= 8, "at most one more of each thread"
        for request, key in list(answered.items())[:20]:
            again = host.submit(StartInstance(process="shop"), request=request)
            assert again.instance == key
        assert host.ask(lambda engine: engine.instances()) == instances
