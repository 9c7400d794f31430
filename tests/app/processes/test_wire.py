"""A host serves other processes of the machine: workers, callers, and those that die."""

import os
import signal
import subprocess
import sys
import threading
from multiprocessing.connection import Client
from pathlib import Path

import pytest

from app.processes.shop import poll_for, shop, started
from fabloop import Worker, worker
from fabloop.app.processes import server as server_module
from fabloop.app.processes.questions import (
    AskBatches,
    AskDefinitions,
    AskIncidents,
    AskInstance,
    AskInstances,
    AskJobs,
    AskMigration,
    AskRehearsal,
    AskStatus,
)
from fabloop.app.processes.remote import Remote
from fabloop.app.processes.slots import Slot
from fabloop.app.processes.store import Serving, connect, open_host, reach, read_card
from fabloop.app.processes.wire import Do, raw
from fabloop.base.errors import Conflict, Invalid, NotFound, Unavailable
from fabloop.process.commands import (
    ActAt,
    Activate,
    CompleteJob,
    Deploy,
    FailJob,
    InstanceFinished,
    InstanceState,
    JobCompleted,
    Migrate,
    Modify,
    Move,
    StartInstance,
)
from fabloop.process.definition import DefinitionKey
from fabloop.process.operations import CancelEach, ModifyEach, Selection, StartBatch

WIRED = Path(__file__).with_name("wired_worker.py")


@pytest.fixture
def serving(tmp_path):
    with Serving(tmp_path / "store") as serving:
        yield serving


@pytest.fixture
def remote(serving):
    with connect(serving.path) as remote:
        assert isinstance(remote, Remote)
        yield remote


def until(host, kind, count=1):
    found, enough = [], threading.Event()

    def listener(notices):
        found.extend(each for each in notices if isinstance(each, kind))
        if len(found) >= count:
            enough.set()

    host.listen(listener)

    def wait():
        assert enough.wait(60), f"only {found}"
        return found

    return wait


def test_commands_and_questions_mean_the_same_from_elsewhere(serving, remote):
    keys = started(remote, shop("weld", "pack"), 2, seam=1)
    for question in (
        AskDefinitions(),
        AskInstances(),
        AskInstance(key=keys[0]),
        AskJobs(job_type="weld"),
        AskIncidents(),
        AskBatches(),
        AskRehearsal(action=ModifyEach(cancel=("pack-1",))),
        AskMigration(command=Migrate(instance=keys[0], target=DefinitionKey("shop", 1))),
    ):
        assert remote.query(question) == serving.host.query(question), question
    assert remote.query(AskStatus()).instances == 2


def test_every_kind_of_command_can_be_sent(serving, remote):
    (key,) = started(remote, shop("weld", "pack"), 1)
    act = serving.host.ask(lambda engine: engine.instance(key).frames[0].acts[0].key)
    move = Move(spot=ActAt(key=act), node="pack-1")
    remote.submit(Modify(instance=key, move=(move,), activate=(Activate(node="weld-0"),)))
    batch = remote.submit(StartBatch(action=CancelEach(), where=Selection(instances=(key,))))
    while remote.query(AskBatches(key=batch.batch))[0].position < 1:
        pass
    assert remote.query(AskInstance(key=key)).state is InstanceState.CANCELLED


def test_errors_arrive_as_what_they_are(remote):
    with pytest.raises(NotFound, match="nothing"):
        remote.submit(StartInstance(process="nothing"))
    with pytest.raises(Invalid) as told:
        remote.submit(Deploy(process=b"<x"))
    assert told.value.faults[0].expected == "well-formed XML"
    with pytest.raises(NotFound):
        remote.query(AskInstance(key=9))


def test_a_request_is_done_once_over_any_connection(serving, remote):
    remote.submit(Deploy(process=shop("weld")))
    first = remote.submit(StartInstance(process="shop"), request="r")
    with connect(serving.path) as other:
        assert other.submit(StartInstance(process="shop"), request="r") == first


def test_many_requests_are_under_way_at_once_over_one_connection(remote):
    remote.submit(Deploy(process=shop("weld")))
    answers, all_there = [], threading.Event()

    def sink(answer):
        answers.append(answer)
        if len(answers) == 100:
            all_there.set()

    polled = []
    remote.post_poll(poll_for("never"), 300, polled.append)
    for _ in range(100):
        remote.post(StartInstance(process="shop"), sink)
    assert all_there.wait(30)
    assert len({each.instance for each in answers}) == 100
    assert polled == []


def test_a_worker_here_does_jobs_of_a_host_there(serving, remote):
    @worker("weld")
    def weld(seam):
        return {"seam": seam + 1}

    ended = until(serving.host, InstanceFinished, 20)
    keys = started(remote, shop("weld"), 20, seam=1)
    with Worker(remote, [weld]):
        ended()
    assert {serving.host.ask(lambda e, k=k: e.instance(k).variables["seam"]) for k in keys} == {2}


@pytest.fixture
def processes(tmp_path):
    running = []

    def launch(serving, mode):
        process = subprocess.Popen(
            [sys.executable, str(WIRED), str(serving.path), str(tmp_path / "notes"), mode]
        )
        running.append(process)
        return process

    yield launch
    for each in running:
        each.kill()
        each.wait()


def noted(tmp_path):
    path = tmp_path / "notes"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def test_a_worker_in_another_process_does_the_jobs(serving, processes):
    ended = until(serving.host, InstanceFinished, 5)
    keys = started(serving.host, shop("weld"), 5, seam=1)
    processes(serving, "works")
    ended()
    for key in keys:
        variables = serving.host.ask(lambda engine, key=key: engine.instance(key).variables)
        assert variables == {"by": "works", "seam": 2}


def test_the_job_of_a_worker_that_was_killed_is_done_once_by_another(serving, processes, tmp_path):
    (key,) = started(serving.host, shop("weld", "pack"), 1, seam=1)
    hanging = processes(serving, "hangs")
    watch = threading.Event()
    while not noted(tmp_path):
        assert hanging.poll() is None
        watch.wait(0.01)
    hanging.send_signal(signal.SIGKILL)
    hanging.wait(30)
    completed = until(serving.host, JobCompleted, 1)
    processes(serving, "works")
    assert len(completed()) == 1
    attempts = noted(tmp_path)
    assert [each[0] for each in attempts] == ["hangs", "works"]
    assert len({each[1] for each in attempts}) == 1, "the same job"
    assert int(attempts[1][2]) > int(attempts[0][2])
    view = serving.host.ask(lambda engine: engine.instance(key))
    assert view.variables == {"by": "works", "seam": 2}
    assert [each.node for each in view.frames[0].acts] == ["pack-1"]


def test_a_caller_that_goes_leaves_no_poll_behind_that_takes_jobs(serving):
    serving.host.submit(Deploy(process=shop("weld")))
    gone = connect(serving.path)
    gone.post_poll(poll_for("weld"), 300, lambda _: None)
    gone.query(AskStatus())  # the poll was read before this was answered
    gone.close()
    watch = threading.Event()
    while serving._server._callers:
        watch.wait(0.01)
    serving.host.submit(StartInstance(process="shop"))
    (found,) = serving.host.poll(poll_for("weld"), 30)
    assert found.epoch == 1


def test_a_worker_connects_again_when_the_host_comes_back(tmp_path):
    store = tmp_path / "store"

    @worker("weld", lease_s=60)
    def weld():
        return {"done": True}

    with Serving(store) as serving:
        started(serving.host, shop("weld"))
        crew = Worker(connect(store), [weld], connect=lambda: reach(store))
        completed = until(serving.host, JobCompleted)
        crew.start()
        completed()
    open_host(store).close()  # it did not take the store for itself meanwhile
    with Serving(store) as serving:
        completed = until(serving.host, JobCompleted)
        serving.host.submit(StartInstance(process="shop"))
        completed()
        crew.stop()
    assert crew.done == 2


def test_a_worker_whose_host_has_gone_for_good_says_so(tmp_path):
    with Serving(tmp_path) as serving:
        crew = Worker(connect(tmp_path), [worker("weld")(lambda: None)])
        failures = []

        def run():
            try:
                crew.run()
            except Unavailable as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        serving.host.submit(Deploy(process=shop("weld")))
    thread.join(30)
    assert len(failures) == 1


# -- who may come in ----------------------------------------------------------------------------


def test_without_the_key_nothing_is_answered(serving):
    with pytest.raises(Conflict, match="key"):
        Remote(serving.address, b"wrong")
    started(serving.host, shop("weld"))


def test_nonsense_on_the_wire_ends_its_connection_and_nothing_else(serving, remote):
    key = bytes.fromhex(read_card(serving.path).key)
    rude = Client(serving.address, authkey=key)
    rude.recv_bytes()
    rude.send_bytes(b"\xc1nonsense")
    with pytest.raises(EOFError):
        rude.recv_bytes()
    rude.close()
    assert remote.query(AskStatus()).instances == 0


def test_an_unknown_command_is_refused_with_its_name(serving, remote):
    slot = Slot()
    remote._send(lambda n: Do(n, "Sabotage", raw({}), "", ""), lambda body: body, slot.put)
    with pytest.raises(Invalid, match="Sabotage"):
        slot.take()


def test_more_callers_than_allowed_are_turned_away(serving, remote, monkeypatch):
    monkeypatch.setattr(server_module, "CALLERS_MAX", 1)
    with pytest.raises((Unavailable, Conflict)):
        connect(serving.path)
    assert remote.query(AskStatus()).instances == 0


def test_only_the_owner_may_read_the_key(serving):
    assert (serving.path / "host.json").stat().st_mode & 0o077 == 0


def test_a_closed_connection_refuses(serving):
    remote = connect(serving.path)
    remote.close()
    with pytest.raises(Unavailable, match="closed"):
        remote.submit(StartInstance(process="shop"))


# -- one folder, one host -----------------------------------------------------------------------


def test_where_nobody_serves_the_folder_is_opened_here(tmp_path):
    open_host(tmp_path).close()
    with connect(tmp_path) as here:
        started(here, shop("weld"))


def test_a_folder_that_nobody_serves_is_not_opened_by_who_only_wants_to_reach_it(tmp_path):
    open_host(tmp_path).close()
    with pytest.raises(Unavailable, match="process serve"):
        reach(tmp_path)
    with pytest.raises(Unavailable):
        reach(tmp_path / "nowhere")


def test_a_folder_with_nothing_in_it_is_no_store(tmp_path):
    with pytest.raises(NotFound, match="process deploy"):
        connect(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_a_store_in_the_hands_of_another_process_is_refused_by_its_name(tmp_path):
    code = (
        "import sys; from fabloop import open_host; host = open_host(sys.argv[1]);"
        "print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(Conflict, match=f"process {holder.pid} on"):
            connect(tmp_path)
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait(30)
        connect(tmp_path).close()
    finally:
        holder.kill()
        holder.communicate()


def test_the_path_of_a_folder_may_be_long(tmp_path):
    deep = tmp_path.joinpath(*["a-rather-long-name-of-a-folder"] * 4)
    with Serving(deep) as serving, connect(deep) as remote:
        assert isinstance(remote, Remote)
        socket = Path(serving.address)
        assert socket.exists()
    assert not socket.parent.exists()


def test_a_result_that_is_reported_twice_counts_once(serving, remote):
    (key,) = started(remote, shop("weld"))
    (held,) = remote.poll(poll_for("weld"), 30)
    done = CompleteJob(job=held.key, epoch=held.epoch, variables={"n": 1})
    assert remote.submit(done, request="w/1") == remote.submit(done, request="w/1")
    with pytest.raises(NotFound):
        remote.submit(FailJob(job=held.key, retries=1, epoch=held.epoch))
    assert remote.query(AskInstance(key=key)).variables == {"n": 1}
