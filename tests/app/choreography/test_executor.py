import pytest
from starlette.testclient import TestClient

from app.choreography.test_desk import wait
from fabloop.adapters.arrowhead.four import steps, wire
from fabloop.adapters.arrowhead.four.executor import TaskReport, executor_app
from fabloop.adapters.arrowhead.mtls import Peer
from fabloop.adapters.arrowhead.profiles import subject_of
from fabloop.app.choreography.executor import UNREACHABLE, Executor
from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import NotFound, NotPermitted, Refused, Unavailable


class Speech:
    """Notes what an executor says; `deaf` are answers that the choreographer fails to give."""

    def __init__(self, error=None, deaf=0):
        self.error = error
        self.deaf = deaf
        self.tasks = []
        self.withdrawn = []
        self.alive = []
        self.ends = []

    def execute(self, result, task):
        self.tasks.append(task)
        if self.error is not None:
            raise self.error

    def withdraw(self, result, withdrawal):
        self.withdrawn.append(withdrawal)

    def progress(self, session, step):
        self.alive.append(step)

    def done(self, result):
        if self.deaf:
            self.deaf -= 1
            raise Unavailable("nobody answers")
        self.ends.append(result)


def wish(step=1):
    return steps.ExecuteRequest(
        session_id=7,
        session_step_id=step,
        main_orchestration_result=wire.OrchestrationResult(
            provider=wire.SystemResponse(system_name="RobotA"),
            service=wire.DefinitionResponse(service_definition="welding"),
            interfaces=[wire.InterfaceResponse(interface_name="HTTP-SECURE-JSON")],
        ),
        quantity=2,
        static_parameters={"idempotencyKey": "job-5"},
    )


@pytest.fixture
def made():
    found = []

    def make(speech):
        executor = Executor({"welding": (1, 9)}, speech, "https://cell/report", WallClock())
        found.append(executor)
        return executor

    yield make
    for each in found:
        each.close()


def report(status, step=1):
    return TaskReport(session_id=7, session_step_id=step, status=status, message=status)


def test_a_step_becomes_a_task_and_its_last_report_the_end(made):
    speech = Speech()
    executor = made(speech)
    executor.start(wish())
    wait(lambda: speech.tasks, "the task")
    task = speech.tasks[0]
    assert (task.service, task.quantity, task.idempotency_key) == ("welding", 2, "job-5")
    assert task.report_uri == "https://cell/report"
    executor.report(report("RUNNING"), None)
    wait(lambda: speech.alive == [1], "the progress")
    executor.report(report("SUCCESS"), None)
    executor.report(report("SUCCESS"), None)
    wait(lambda: speech.ends, "the end")
    assert [(x.session_step_id, x.status) for x in speech.ends] == [(1, "SUCCESS")]


def test_the_same_step_twice_is_one_task(made):
    speech = Speech()
    executor = made(speech)
    executor.start(wish())
    executor.start(wish())
    wait(lambda: speech.tasks, "the task")
    assert len(speech.tasks) == 1


def test_the_end_is_told_again_until_somebody_hears_it(made):
    speech = Speech(deaf=2)
    executor = made(speech)
    executor.start(wish())
    executor.report(report("SUCCESS"), None)
    wait(lambda: speech.ends, "the end")


def test_a_system_that_does_not_answer_is_told_apart_from_one_that_refuses(made):
    for error, told in ((Unavailable("gone"), UNREACHABLE), (Refused("busy"), None)):
        speech = Speech(error)
        executor = made(speech)
        executor.start(wish())
        wait(lambda speech=speech: speech.ends, "the end")
        assert (speech.ends[0].status, speech.ends[0].exception) == ("ERROR", told)


def test_a_step_that_is_taken_back_is_withdrawn_and_not_reported(made):
    speech = Speech()
    executor = made(speech)
    executor.start(wish())
    executor.abort(steps.AbortRequest(session_id=7, session_step_id=1))
    wait(lambda: speech.withdrawn, "the withdrawal")
    assert speech.withdrawn[0].idempotency_key == "job-5"
    executor.report(report("SUCCESS"), None)
    assert speech.ends == []


def test_an_unknown_status_is_an_error(made):
    speech = Speech()
    executor = made(speech)
    executor.start(wish())
    executor.report(report("MAYBE"), None)
    wait(lambda: speech.ends, "the end")
    assert speech.ends[0].status == "ERROR"


def _peer(label):
    name = f"{label}.shop.maker.arrowhead.eu"
    return Peer(subject=subject_of(name, "sy"), common_name=name, public_key="")


def test_only_who_does_a_task_reports_on_it(made):
    executor = made(Speech())
    executor.start(wish())
    with pytest.raises(NotPermitted, match="robot-b"):
        executor.report(report("SUCCESS"), _peer("robot-b"))
    executor.report(report("SUCCESS"), _peer("robot-a"))


def test_it_says_what_it_carries_out(made):
    executor = made(Speech())
    asked = steps.ServiceInfoRequest(service_definition="welding", min_version=3)
    told = executor.info(asked)
    assert (told.min_version, told.max_version, told.dependencies) == (3, 9, [])
    with pytest.raises(NotFound):
        executor.info(steps.ServiceInfoRequest(service_definition="painting"))


def test_steps_are_taken_from_the_choreographer_alone(made):
    executor = made(Speech())
    client = TestClient(executor_app(executor, "/cell", "choreographer.shop.maker.arrowhead.eu"))
    body = {"sessionId": 7, "sessionStepId": 1}
    answer = client.post("/cell/abort", json=body)
    assert answer.status_code == 401
    assert "choreographer" in answer.json()["errorMessage"]
    assert client.get("/cell/echo").text == "Got it!"
    told = client.post("/cell/service-info", json={"serviceDefinition": "welding"}).json()
    assert told["serviceDefinition"] == "welding"
