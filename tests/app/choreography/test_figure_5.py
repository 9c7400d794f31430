"""The message sequence of a workflow execution, between processes of their own over mutual TLS."""

import pytest

from app.choreography.shop import AssemblyShop
from app.choreography.small_plant import RECIPE, WORK

STEPS = ("TankInstallation", "SeatInstallation", "GearInstallation")
SHORT = b"""{
  "PriorityId": 1, "Plant": "AssemblyShop",
  "Steps": [{"BpmnType": "servicetask", "FlowId": 1, "ProductionStep": "Finishing",
             "PreviousStepId": "start", "NextStepId": "end",
             "Services": {"Service1": "Transport", "Service2": "Trimming"}}]}"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    made = AssemblyShop(tmp_path_factory.mktemp("shop"))
    for name, service in (("Crane", "Transport"), ("Fitter", "Assembling"), ("Cutter", "Trimming")):
        made.system(name, service, 0.3)
    yield made
    made.close()


def test_a_car_is_assembled_although_a_robot_dies_at_work(shop):
    slow = shop.system("WeldingRobotA", "Welding", 60)
    shop.system("WeldingRobotB", "Welding", 0.3)
    fabloop = shop.run(RECIPE, "car-1", patience=2)
    workstation = shop.executor("Workstation", STEPS, fabloop.url())

    def at_work(told):
        return (told["name"], told.get("sender"), told.get("text")) == (
            "reportResult", "WeldingRobotA", "RUNNING",
        )  # fmt: skip

    interrupted = workstation.wait_for("the slow robot at work", at_work)["step"]
    slow.kill()  # kill -9 in the middle of the step
    ended = fabloop.wait_for("the end of the session", lambda each: "session" in each)
    assert ended["status"] == "DONE"
    assert fabloop.exit_code() == 0

    done = [each["text"] for each in fabloop.messages("stepDone")]
    assert len(done) == len(WORK)
    assert "WeldingRobotA" not in done
    failed = {each["step"]: each["text"] for each in fabloop.messages("stepFailed")}
    assert "WeldingRobotA" in failed[interrupted]
    after = [each for each in fabloop.messages("notifyExecutor") if each["step"] > interrupted]
    assert after[0]["text"] == "WeldingRobotB"

    first = fabloop.messages("stepDone")[0]["step"]
    names = [each["name"] for each in fabloop.said if each.get("step") == first]
    assert [each for each in names if each != "signalingPublish"] == [
        "configure", "pushOrchestration", "notifyExecutor", "notifyChoreographer", "release",
        "stepDone",
    ]  # fmt: skip
    assert [each["text"] for each in fabloop.messages("signalingSubscribe")] == [
        "applicationSystemReady", "stepProgress",
    ]  # fmt: skip
    ready = [each["sender"] for each in fabloop.messages("signalingPublish")]
    assert ready[0] == "Crane"
    tasks = [each["name"] for each in workstation.said if each.get("step") == first]
    assert tasks[0] == "executeTask"
    assert tasks[-1] == "reportResult"


def test_a_killed_choreographer_goes_on_where_it_was(shop):
    fabloop = shop.run(SHORT, "gear-1", patience=2)
    url = fabloop.url()
    port = int(url.rpartition(":")[2])
    workstation = shop.executor("OtherWorkstation", ("Finishing",), url)
    workstation.wait_for("a task", lambda each: each["name"] == "executeTask")
    fabloop.kill()
    again = shop.run(SHORT, "gear-1", patience=2, port=port)
    ended = again.wait_for("the end of the session", lambda each: "session" in each)
    assert ended["status"] == "DONE"
    assert again.exit_code() == 0
    tasks = [each for each in workstation.said if each["name"] == "executeTask"]
    assert {each["receiver"] for each in tasks} == {"Crane", "Cutter"}
