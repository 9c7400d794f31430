"""Jobs over OPC UA: begun once, permitted first, answered in the end whatever breaks."""

import contextlib
import socket
import socketserver
import threading
import time
from urllib.parse import urlsplit

import pytest

from adapters.opcua.opcua_wire import PREFIX, connection
from fabloop.adapters.opcua import OpcUaActor, Pki
from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import Invalid
from fabloop.base.instant import SECOND, Instant
from fabloop.model.explanation import Explanation, SafetyCode
from fabloop.model.ids import OperationId, WorkUnitId
from fabloop.run.actor import JobDone, JobNotDone, JobOrder
from fabloop.run.gate import simulated
from fabloop.run.permissives import Withheld
from fabloop.sense.connections.model import Commands
from opcua_machine import OpcUaMachine

WITHIN_S = 30.0
MILL = WorkUnitId("mill")
COMMANDS = Commands(
    work_unit=MILL, object=PREFIX.rstrip("/"), begin=f"{PREFIX}BeginJob",
    responses=f"{PREFIX}JobResponses", permitted=f"{PREFIX}StartPermitted",
    permitted_for_ns=5 * SECOND,
)  # fmt: skip
CLOCK = WallClock()


def order(job, work_unit=MILL, lasts_ns=1):
    return JobOrder(
        job=job, step="s", skill="mill", operation=OperationId("o"), work_unit=work_unit,
        person=None, main=True, begun_at=CLOCK.now(), duration_ns=lasts_ns,
    )  # fmt: skip


def until(condition):
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.01)


class Jobs:
    """Collects the answers of an actor."""

    def __init__(self, actor):
        self.actor = actor
        self.answers = []

    def answered(self, *jobs):
        def all_of_them():
            self.answers += self.actor.responses(Instant(CLOCK.now() + SECOND))
            return {each.job for each in self.answers} >= set(jobs)

        until(all_of_them)
        return [each for each in self.answers if each.job in jobs]


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    machine = OpcUaMachine(tmp_path_factory.mktemp("machine"), insecure=True)
    yield machine
    machine.close()


def actor_of(machine, tmp_path, **more):
    wire = connection(machine.url, secure=False, commands=(COMMANDS,))
    return OpcUaActor(wire, Pki(tmp_path), CLOCK, **{"gate": simulated, **more})


@pytest.fixture
def jobs(machine, tmp_path):
    actor = actor_of(machine, tmp_path)
    actor.start()
    yield Jobs(actor)
    actor.close()
    machine.permit(allowed=True)


def test_a_job_is_begun_at_the_machine_and_answered_once(jobs):
    job = order(11)
    jobs.actor.begin(job)
    jobs.actor.begin(job)
    (answer,) = jobs.answered(11)
    assert isinstance(answer, JobDone)
    assert answer.at >= job.begun_at
    assert jobs.actor.next_response_at() is None
    assert jobs.actor.responses(Instant(2**62)) == ()


def test_a_job_that_is_given_again_after_a_restart_gets_the_same_answer(machine, jobs, tmp_path):
    jobs.actor.begin(order(21))
    (first,) = jobs.answered(21)
    again = actor_of(machine, tmp_path)
    again.start()
    try:
        again.begin(order(21, lasts_ns=3600 * SECOND))
        assert Jobs(again).answered(21) == [first]
    finally:
        again.close()


def test_without_permission_nothing_is_begun_until_it_is_given(machine, jobs):
    machine.permit(allowed=False)
    jobs.actor.begin(order(31))
    until(lambda: "found that it does not" in jobs.actor.trouble)
    assert jobs.actor.responses(Instant(2**62)) == ()
    machine.permit(allowed=True)
    (answer,) = jobs.answered(31)
    assert isinstance(answer, JobDone)


def test_a_job_that_is_never_permitted_is_answered_as_not_done_and_may_come_again(
    machine, tmp_path
):
    machine.permit(allowed=False)
    actor = actor_of(machine, tmp_path, withheld_s_max=0.2)
    actor.start()
    try:
        jobs = Jobs(actor)
        actor.begin(order(41))
        (answer,) = jobs.answered(41)
        assert isinstance(answer, JobNotDone)
        assert "to permit jobs of 'mill'" in answer.reason
        jobs.answers.clear()
        machine.permit(allowed=True)
        actor.begin(order(41))
        assert isinstance(jobs.answered(41)[0], JobDone)
    finally:
        actor.close()


def test_a_machine_that_is_killed_gets_its_running_jobs_again(tmp_path):
    machine = OpcUaMachine(tmp_path / "machine", insecure=True)
    actor = actor_of(machine, tmp_path)
    actor.start()
    try:
        jobs = Jobs(actor)
        actor.begin(order(51, lasts_ns=3600 * SECOND))
        actor.begin(order(52))
        jobs.answered(52)
        machine.kill()
        until(lambda: actor.trouble.startswith("Expected "))
        machine.start()
        actor.begin(order(53))
        jobs.answered(53)
        assert {each.job for each in jobs.answers} == {52, 53}
        assert actor.trouble == ""
    finally:
        actor.close()
        machine.close()


NONSENSE = (
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"MSGF\x20\x00\x00\x00" + bytes(24),
    b"ERRF\x10\x00\x00\x00\x00\x00\x7f\x80\xff\xff\xff\xff",
)


class Between(socketserver.ThreadingTCPServer):
    """Stands between an actor and its machine; says nonsense, then passes all on."""

    daemon_threads = True

    def __init__(self, machine, nonsense):
        self.machine = urlsplit(machine.url)
        self.nonsense = list(nonsense)
        self.url = ""
        super().__init__(("127.0.0.1", 0), Passing)
        self.url = f"opc.tcp://127.0.0.1:{self.server_address[1]}{self.machine.path}"


class Passing(socketserver.BaseRequestHandler):
    def handle(self):
        if self.server.nonsense:
            self.request.sendall(self.server.nonsense.pop())
            return
        machine = self.server.machine
        with socket.create_connection((machine.hostname, machine.port)) as other:
            back = threading.Thread(target=self.copy, args=(other, self.request), daemon=True)
            back.start()
            self.copy(self.request, other)
            back.join()

    @staticmethod
    def copy(source, target):
        with contextlib.suppress(OSError):
            while block := source.recv(65_536):
                target.sendall(block)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def test_nonsense_on_the_wire_does_not_end_the_work_of_an_actor(machine, tmp_path):
    with Between(machine, NONSENSE) as between:
        threading.Thread(target=between.serve_forever, daemon=True).start()
        actor = actor_of(between, tmp_path)
        actor.start()
        try:
            actor.begin(order(81))
            (answer,) = Jobs(actor).answered(81)
            assert isinstance(answer, JobDone)
            assert not between.nonsense
        finally:
            actor.close()
            between.shutdown()


def test_a_machine_that_cannot_be_reached_is_given_up_in_time(tmp_path):
    wire = connection("opc.tcp://127.0.0.1:9", secure=False, commands=(COMMANDS,))
    actor = OpcUaActor(wire, Pki(tmp_path), CLOCK, gate=simulated, withheld_s_max=0.1)
    actor.start()
    try:
        actor.begin(order(61))
        (answer,) = Jobs(actor).answered(61)
        assert isinstance(answer, JobNotDone)
        assert "Expected an OPC UA server" in answer.reason
    finally:
        actor.close()


def test_a_work_unit_without_commands_is_refused_by_name(jobs):
    with pytest.raises(Invalid, match="commands of work unit 'lathe'"):
        jobs.actor.begin(order(71, WorkUnitId("lathe")))
    assert jobs.actor.work_units == (MILL,)


def test_what_the_gate_withholds_reaches_no_machine_until_it_lets_it_pass(machine, tmp_path):
    held = {"is": True}
    because = Explanation(code=SafetyCode.SIGNAL_CONTRARY, subject="Press cell")

    def gate(target):
        assert target.work_unit == "mill"
        return Withheld(reasons=(because,)) if held["is"] else simulated(target)

    actor = actor_of(machine, tmp_path, gate=gate)
    actor.start()
    try:
        actor.begin(order(71))
        until(lambda: "is withheld: signal-contrary Press cell" in actor.trouble)
        assert actor.responses(Instant(2**62)) == ()
        held["is"] = False
        assert isinstance(Jobs(actor).answered(71)[0], JobDone)
    finally:
        actor.close()


def test_a_gate_that_fails_lets_nothing_pass_and_does_not_end_the_work(machine, tmp_path):
    asked = []

    def gate(target):
        asked.append(target)
        if len(asked) == 1:
            raise RuntimeError("the safety controller said something else")
        return simulated(target)

    actor = actor_of(machine, tmp_path, gate=gate)
    actor.start()
    try:
        actor.begin(order(91))
        (answer,) = Jobs(actor).answered(91)
        assert isinstance(answer, JobDone)
        assert len(asked) == 2
    finally:
        actor.close()
