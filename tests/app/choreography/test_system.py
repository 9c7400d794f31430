import threading

import msgspec
import pytest
from starlette.testclient import TestClient

from app.choreography.test_desk import wait
from fabloop.adapters.arrowhead.four import wire
from fabloop.adapters.arrowhead.four.executor import Task, Withdrawal
from fabloop.app.choreography.system import ApplicationSystem
from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import Refused

OWN = wire.SystemRequest(system_name="robot-a", address="127.0.0.1", port=1)


class Others:
    """Notes what a system says to the cloud and to executors."""

    def __init__(self):
        self.events = []
        self.reports = []

    def publish(self, event):
        self.events.append(event)

    def post(self, url, body):
        self.reports.append((url, body.session_step_id, body.status))

    def ends(self):
        return [each for each in self.reports if each[2] != "RUNNING"]


class Robot:
    """A system whose work goes on until it is let."""

    def __init__(self, *, fails=False, cloud_name=""):
        self.others = Others()
        self.go = threading.Event()
        self.stopped = []
        self.fails = fails
        self.system = ApplicationSystem(
            OWN, self.work, self.others, self.others, WallClock(), beat_s=0.02,
            cloud_name=cloud_name,
        )  # fmt: skip
        self.http = TestClient(self.system.app())

    def work(self, task, stopped):
        while not (self.go.wait(0.01) or stopped.is_set()):
            continue
        if stopped.is_set():
            self.stopped.append(task.session_step_id)
        if self.fails:
            raise Refused("the arm is blocked")
        return "done"

    def ask(self, step, key="job-5"):
        task = Task(
            session_id=7, session_step_id=step, service="welding", idempotency_key=key,
            report_uri=f"http://cell/{step}",
        )  # fmt: skip
        return self.http.post("/task", content=msgspec.json.encode(task))

    def abort(self, step, key="job-5"):
        told = Withdrawal(session_id=7, session_step_id=step, idempotency_key=key)
        return self.http.post("/task/abort", content=msgspec.json.encode(told))


@pytest.fixture
def robots():
    made = []

    def make(**more):
        made.append(Robot(**more))
        return made[-1]

    yield make
    for each in made:
        each.system.close()


def test_who_is_bound_says_that_it_is_ready(robots):
    robot = robots()
    assert robot.http.post("/orchestration", json={"results": []}).status_code == 200
    wait(lambda: robot.others.events, "the event")
    event = robot.others.events[0]
    assert (event.event_type, event.meta_data) == (
        "applicationSystemReady",
        {"systemName": "robot-a"},
    )


def test_a_push_of_somebody_else_is_refused(robots):
    robot = robots(cloud_name="cloud.shop.maker.arrowhead.eu")
    assert robot.http.post("/orchestration", json={"results": []}).status_code == 401


def test_a_task_is_reported_while_it_goes_on_and_at_its_end(robots):
    robot = robots()
    assert robot.ask(1).status_code == 200
    wait(lambda: ("http://cell/1", 1, "RUNNING") in robot.others.reports, "a report")
    robot.go.set()
    wait(lambda: robot.others.ends() == [("http://cell/1", 1, "SUCCESS")], "the end")


def test_the_same_work_is_done_once_and_told_to_who_asked_last(robots):
    robot = robots()
    robot.ask(1)
    robot.ask(2)
    robot.go.set()
    wait(lambda: robot.others.ends() == [("http://cell/2", 2, "SUCCESS")], "the end")
    robot.ask(3)
    wait(lambda: len(robot.others.ends()) == 2, "the end told again")
    assert robot.others.ends()[1] == ("http://cell/3", 3, "SUCCESS")
    assert robot.system.tasks == 1


def test_what_failed_may_be_tried_again(robots):
    robot = robots(fails=True)
    robot.go.set()
    robot.ask(1)
    wait(lambda: robot.others.ends() == [("http://cell/1", 1, "ERROR")], "the end")
    robot.fails = False
    robot.ask(2)
    wait(lambda: robot.others.ends()[1:] == [("http://cell/2", 2, "SUCCESS")], "the end")


def test_a_task_that_is_taken_back_is_stopped(robots):
    robot = robots()
    robot.ask(1)
    wait(lambda: robot.others.reports, "work under way")
    robot.abort(99)
    assert robot.stopped == []
    robot.abort(1)
    wait(lambda: robot.stopped == [1], "the stop")
    assert robot.others.ends() == []
