"""Workers do jobs with plain functions and coroutines: once, held while they run, within limits."""

import asyncio
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

import fabloop
from app.processes.shop import BEGIN, guarded, poll_for, shop, started, state_of, stepped
from fabloop import BusinessError, Job, NoRetry, Worker, worker
from fabloop.app.processes.clocks import WallClock
from fabloop.app.processes.store import open_host
from fabloop.app.processes.worker import Task, backoff_ns, tasks_of
from fabloop.base.errors import Invalid
from fabloop.base.instant import SECOND, Instant
from fabloop.process.commands import (
    CancelInstance,
    CompleteJob,
    Deploy,
    IncidentOpened,
    InstanceFinished,
    InstanceState,
    JobCompleted,
    LeaseExpired,
    StartInstance,
)
from fabloop.process.operations import SuspendInstance


@pytest.fixture
def stage(tmp_path):
    host, clock = stepped(tmp_path)
    yield host, clock
    host.close()


@pytest.fixture
def host(stage):
    return stage[0]


def until(host, kind, count=1):
    """Return a function that waits for so many notices of a kind."""
    found, enough = [], threading.Event()

    def listener(notices):
        found.extend(each for each in notices if isinstance(each, kind))
        if len(found) >= count:
            enough.set()

    host.listen(listener)

    def wait():
        assert enough.wait(30), f"only {found}"
        return found

    return wait


def results(host, key):
    view = host.ask(lambda engine: engine.instance(key))
    assert view.state is InstanceState.COMPLETED
    return view.variables


def test_a_function_gets_variables_by_name_and_its_dict_completes_the_job(host):
    @worker("weld")
    def weld(seam, job, depth=2):
        assert isinstance(job, Job)
        return {"strength": seam * depth, "by": job.type}

    ended = until(host, InstanceFinished)
    (key,) = started(host, shop("weld"), seam=4)
    with Worker(host, [weld]):
        ended()
    assert results(host, key) == {"seam": 4, "strength": 8, "by": "weld"}


def test_a_coroutine_does_jobs_beside_each_other(host):
    together = asyncio.Barrier(5)

    @worker("heat", result="warm")
    async def heat(**variables):
        await together.wait()
        return variables["n"] + 1

    ended = until(host, InstanceFinished, 5)
    keys = started(host, shop("heat"), 5, n=1)
    with Worker(host, [heat], concurrency=5):
        ended()
    assert [results(host, key)["warm"] for key in keys] == [2] * 5


def test_one_worker_does_several_types_and_one_function_too(host):
    @worker("cut")
    @worker("bend")
    def either(job):
        return {job.type: job.attempt}

    @worker("ship")
    async def ship():
        return None

    ended = until(host, InstanceFinished)
    (key,) = started(host, shop("cut", "bend", "ship"))
    with Worker(host, [either, ship]) as crew:
        ended()
    assert results(host, key) == {"cut": 1, "bend": 1}
    assert (crew.done, crew.failed, crew.lost) == (3, 0, 0)


def test_no_more_functions_run_at_once_than_allowed(host):
    running, most = set(), []
    lock, gate = threading.Lock(), threading.Barrier(3, timeout=30)

    @worker("weld")
    def weld(job):
        with lock:
            running.add(job.key)
            most.append(len(running))
        gate.wait()
        with lock:
            running.discard(job.key)

    ended = until(host, InstanceFinished, 9)
    started(host, shop("weld"), 9)
    with Worker(host, [weld], concurrency=3):
        ended()
    assert max(most) == 3


def test_a_failed_attempt_is_repeated_after_a_pause_and_keeps_its_idempotency_key(stage):
    host, clock = stage
    seen = []

    @worker("weld", backoff_s=10)
    def weld(job):
        seen.append((job.attempt, job.retries, job.idempotency_key))
        if job.attempt < 3:
            raise RuntimeError("arc lost")

    (key,) = started(host, shop("weld"))
    ended = until(host, InstanceFinished)
    with Worker(host, [weld]) as crew:
        for attempt, pause_s in ((1, 10), (2, 20)):
            while crew.failed < attempt:
                host.advance()
            job = host.ask(lambda engine: engine.jobs()[0])
            assert job.until == clock.now() + pause_s * SECOND
            assert job.message == "RuntimeError: arc lost"
            clock.set(job.until)
            host.advance()
        ended()
    assert [each[:2] for each in seen] == [(1, 3), (2, 2), (3, 1)]
    assert len({each[2] for each in seen}) == 1
    assert state_of(host, key) is InstanceState.COMPLETED


def test_the_last_failed_attempt_calls_a_person(host):
    @worker("weld", backoff_s=0)
    def weld():
        raise RuntimeError("arc lost")

    stuck = until(host, IncidentOpened)
    started(host, shop("weld"))
    with Worker(host, [weld]) as crew:
        (incident,) = stuck()
    assert "arc lost" in incident.text
    assert crew.failed == 3


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda: (_ for _ in ()).throw(NoRetry("no such tool")), "no such tool"),
        (lambda missing: None, "'missing'"),
        (lambda: [1, 2], "returned list"),
        (lambda: {"n": object()}, "plain data"),
    ],
)
def test_what_no_retry_can_help_calls_a_person_at_once(host, function, says):
    stuck = until(host, IncidentOpened)
    started(host, shop("weld"))
    with Worker(host, [worker("weld")(function)]) as crew:
        (incident,) = stuck()
    assert says in incident.text
    assert crew.failed == 1


def test_a_business_error_goes_on_at_the_event_that_catches_it(host):
    @worker("weld")
    async def weld():
        raise BusinessError("cold", "below 20 degC", degrees=12)

    @worker("heat")
    def heat(degrees):
        return {"heated": degrees}

    ended = until(host, InstanceFinished)
    (key,) = started(host, guarded("weld"))
    with Worker(host, [weld, heat]):
        ended()
    assert results(host, key)["heated"] == 12


def test_the_lease_is_extended_for_as_long_as_the_function_runs(tmp_path):
    release = threading.Event()
    epochs = []

    @worker("weld", lease_s=0.2)
    def weld(job):
        epochs.append(job.attempt)
        release.wait(30)

    with open_host(tmp_path, WallClock()) as host:
        lost = []
        host.listen(lambda ns: lost.extend(n for n in ns if isinstance(n, LeaseExpired)))
        started(host, shop("weld"))
        ended = until(host, InstanceFinished)
        extended = threading.Event()
        leases = []

        def watch():
            job = host.ask(lambda engine: engine.jobs()[0])
            if not leases or leases[-1] != job.until:
                leases.append(job.until)
            return len(leases) > 3

        with Worker(host, [weld]):
            while not watch():
                extended.wait(0.01)
            release.set()
            ended()
        assert epochs == [1]
        assert lost == []


def test_a_result_that_comes_after_the_job_went_to_another_does_not_count(stage):
    host, clock = stage
    entered, release = threading.Event(), threading.Event()

    @worker("weld", lease_s=5)
    def slow():
        entered.set()
        release.wait(30)
        return {"by": "slow"}

    (key,) = started(host, shop("weld", "pack"))
    crew = Worker(host, [slow], concurrency=1).start()
    assert entered.wait(30)
    clock.set(Instant(BEGIN + 60 * SECOND))  # in one leap: no extension could come in time
    host.advance()
    (mine,) = host.poll(poll_for("weld", worker="other"), 30)
    host.submit(CompleteJob(job=mine.key, epoch=mine.epoch, variables={"by": "other"}))
    release.set()
    crew.stop()
    assert (crew.done, crew.lost) == (0, 1)
    assert host.ask(lambda engine: engine.instance(key).variables) == {"by": "other"}


def test_a_function_can_tell_that_its_result_will_not_count(host):
    seen = []

    @worker("weld", lease_s=0.1)
    def weld(job):
        host.submit(CancelInstance(instance=job.instance))
        seen.append(job.lost.wait(30))

    started(host, shop("weld"))
    with Worker(host, [weld]) as crew:
        while not seen:
            threading.Event().wait(0.01)
    assert seen == [True]
    assert crew.lost == 1


def test_stopping_lets_running_functions_end_and_fetches_no_more(host):
    entered, release = threading.Event(), threading.Event()

    @worker("weld")
    def weld():
        entered.set()
        release.wait(30)

    keys = started(host, shop("weld"), 2)
    crew = Worker(host, [weld], concurrency=1).start()
    assert entered.wait(30)
    assert crew.stop(timeout_s=0.01) is False
    release.set()
    assert crew.stop() is True
    assert [state_of(host, key) for key in keys] == [InstanceState.COMPLETED, InstanceState.ACTIVE]
    assert len(host.poll(poll_for("weld"), 0)) == 1, "the other job was not taken"


def test_an_idle_worker_stops_at_once_and_takes_no_job_with_it(host):
    @worker("weld")
    def weld():
        return None

    host.submit(Deploy(process=shop("weld")))
    with Worker(host, [weld]):
        pass
    host.submit(StartInstance(process="shop"))
    assert len(host.poll(poll_for("weld"), 0)) == 1


def test_a_result_for_a_suspended_instance_is_kept(host):
    entered, release = threading.Event(), threading.Event()

    @worker("weld")
    def weld():
        entered.set()
        release.wait(30)
        return {"done": True}

    (key,) = started(host, shop("weld", "pack"))
    completed = until(host, JobCompleted)
    with Worker(host, [weld]) as crew:
        assert entered.wait(30)
        host.submit(SuspendInstance(instance=key))
        release.set()
        completed()
    assert crew.done == 1
    assert host.ask(lambda engine: engine.jobs()) == ()


# -- what a worker is made of -------------------------------------------------------------------


def test_the_tasks_of_a_module_are_its_marked_functions_each_once():
    module = ModuleType("mine")
    module.weld = module.again = worker("weld")(lambda: None)
    module.other, module.number = len, 3
    assert [each.type for each in tasks_of(module)] == ["weld"]


@pytest.mark.parametrize(
    ("functions", "says"),
    [
        ([], "marked with @worker"),
        ([len], "marked with @worker"),
        ([worker("a")(lambda: 1), worker("a")(lambda: 2)], "one function for type 'a'"),
    ],
)
def test_a_worker_without_a_clear_function_per_type_is_refused(functions, says):
    with pytest.raises(Invalid, match=says):
        tasks_of(functions)


@pytest.mark.parametrize("wrong", [{"job_type": ""}, {"lease_s": 0}, {"backoff_s": -1}])
def test_a_mark_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(Invalid):
        worker(**{"job_type": "a", **wrong})


def test_a_worker_without_hands_is_refused(host):
    with pytest.raises(Invalid):
        Worker(host, [worker("a")(lambda: 1)], concurrency=0)


def test_pauses_double_up_to_an_hour():
    task = Task(type="a", function=len, lease_s=1, backoff_s=2, result="")
    assert [backoff_ns(task, n) // SECOND for n in (1, 2, 3, 50)] == [2, 4, 8, 3600]
    assert backoff_ns(Task(type="a", function=len, lease_s=1, backoff_s=0, result=""), 9) == 0


def test_every_public_name_is_there():
    assert {name for name in fabloop.__all__ if getattr(fabloop, name, None) is None} == set()
    with pytest.raises(AttributeError):
        fabloop.nothing  # noqa: B018


# -- the page about it --------------------------------------------------------------------------

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "write-a-worker.md"


def shown():
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_module_that_the_page_shows_does_what_the_page_says(host):
    module = ModuleType("shop")
    exec(compile(shown()[0], "shop.py", "exec"), vars(module))
    ended, stuck = until(host, InstanceFinished), until(host, IncidentOpened)
    (key,) = started(host, shop("weld", "measure"), seam_mm=120)
    with Worker(host, module):
        ended()
        started(host, shop("weld"), seam_mm=600)
        stuck()
    assert results(host, key) == {
        "seam_mm": 120, "welded": True, "by": "any", "hardness": 202.0,
    }  # fmt: skip


def test_the_program_that_the_page_shows_runs(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", shown()[1]],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "{'seam_mm': 120, 'welded': True}"
