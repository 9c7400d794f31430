import threading
import time

import pytest

from app.choreography.small_plant import RECIPE, WORK, SmallPlant, offers
from fabloop.adapters.arrowhead.four import steps, wire
from fabloop.app.choreography.conduct import Patience
from fabloop.app.choreography.desk import Desk
from fabloop.app.choreography.ledger import Ledger
from fabloop.app.processes.clocks import WallClock
from fabloop.app.processes.questions import AskIncidents, AskJobs
from fabloop.app.processes.store import open_host
from fabloop.base.errors import Conflict
from fabloop.run.recipe_document import read_recipe, write_recipe

FAST = Patience(patience_s=0.5, again_s=0.05, suspicion_s=20.0)
DEADLINE_S = 20.0


def wait(condition, what):
    """Wait until a condition holds; fail with what was waited for."""
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"waited in vain for {what}")


class Shop:
    """A desk over a kernel in a folder, in front of a small plant."""

    def __init__(self, folder, plant, *, patience=FAST, executors=("TankInstallation",)):
        self.plant = plant
        self.messages = []
        self.notices = []
        self.kernel = open_host(folder)
        self.desk = Desk(
            self.kernel, Ledger(folder), plant, plant, WallClock(),
            notify=lambda url, notice: self.notices.append((url, notice)),
            listener=self.messages.append, patience=patience,
        )  # fmt: skip
        plant.desk = self.desk
        for name in (*executors, "transport", "welding", "assembling", "trimming"):
            self.desk.register(_executor(name))

    def run(self):
        plan = self.desk.add_recipe(read_recipe(RECIPE), "car assembly")
        return self.desk.begin(plan.number, order="car-1")

    def ends(self, session, status=steps.SessionStatus.DONE):
        wait(lambda: self.desk.session(session.number).status is status, f"{status} of a session")

    def close(self):
        self.desk.close()
        self.kernel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _executor(name, port=7000, system="Cell7"):
    system = wire.SystemRequest(system_name=system, address="127.0.0.1", port=port)
    return steps.ExecutorRequest(
        system=system, base_uri=f"/{name}", service_definition_name=name, min_version=1,
        max_version=9,
    )  # fmt: skip


def test_the_recipe_of_the_car_is_carried_out_step_by_step(tmp_path):
    plant = SmallPlant(offers())
    with Shop(tmp_path, plant) as shop:
        shop.ends(shop.run())
        assert [(step, service) for step, service, _ in plant.done] == WORK
        assert plant.locked == {}
        names = [each.name for each in shop.messages if each.step == shop.messages[1].step]
    assert names == [
        "configure", "pushOrchestration", "notifyExecutor", "notifyChoreographer", "release",
        "stepDone",
    ]  # fmt: skip


def test_the_recipe_of_the_car_is_written_as_it_was_read():
    import msgspec

    assert msgspec.json.decode(write_recipe(read_recipe(RECIPE))) == msgspec.json.decode(RECIPE)


def test_an_executor_of_the_production_step_comes_before_one_of_the_service(tmp_path):
    plant = SmallPlant(offers())
    with Shop(tmp_path, plant) as shop:
        shop.ends(shop.run())
        who = {m.step: m.receiver for m in shop.messages if m.name == "notifyExecutor"}
        assert len(who) == len(WORK)
        first = shop.desk.executors()[0]
    assert first.service_definitions[0].service_definition_name == "tankInstallation"


def test_when_a_robot_falls_silent_its_lease_ends_and_another_takes_over(tmp_path):
    plant = SmallPlant(offers())
    plant.silent = {"RobotA"}
    with Shop(tmp_path, plant) as shop:
        session = shop.run()
        shop.ends(session)
        assert plant.begun["RobotA"] == 1
        welders = {system for _, service, system in plant.done if service == "Welding"}
        assert welders == {"RobotB"}
        assert [(step, service) for step, service, _ in plant.done] == WORK
        assert plant.locked == {}
        assert len(plant.aborted) == 1
        failed = [each.text for each in shop.messages if each.name == "stepFailed"]
    assert len(failed) == 1
    assert "'RobotA' was silent" in failed[0]


def test_when_an_executor_dies_at_work_another_one_takes_over(tmp_path):
    plant = SmallPlant(offers())
    plant.dying = {"Cell8"}
    with Shop(tmp_path, plant, executors=()) as shop:
        shop.desk.register(_executor("TankInstallation", 7001, "Cell8"))
        shop.desk.register(_executor("TankInstallation", 7002, "Cell9"))
        shop.ends(shop.run())
        assert [(step, service) for step, service, _ in plant.done] == WORK
        taken = [m.receiver for m in shop.messages if m.name == "notifyExecutor"]
    assert taken[:2] == ["Cell8", "Cell9"]
    assert taken.count("Cell8") == 1


def test_a_result_that_comes_after_another_took_over_does_not_count(tmp_path):
    plant = SmallPlant(offers())
    plant.silent = {"RobotA"}
    with Shop(tmp_path, plant) as shop:
        session = shop.run()
        wait(lambda: plant.begun["RobotB"], "the other robot")
        plant.tell(plant.late[0])
        shop.ends(session)
        assert [(step, service) for step, service, _ in plant.done] == WORK


def test_a_system_that_cannot_be_told_is_passed_over(tmp_path):
    plant = SmallPlant(offers())
    plant.deaf = {"RobotA"}
    with Shop(tmp_path, plant) as shop:
        shop.ends(shop.run())
        assert plant.begun["RobotA"] == 0
        assert plant.locked == {}


def test_a_job_waits_until_somebody_offers_its_service(tmp_path):
    plant = SmallPlant(offers(trimming=[]))
    with Shop(tmp_path, plant) as shop:
        session = shop.run()
        wait(
            lambda: any("'trimming'" in m.text for m in shop.messages if m.name == "stepFailed"),
            "the complaint",
        )
        plant.offers_of["trimming"].append("Trimmer")
        shop.ends(session)
        assert [(step, service) for step, service, _ in plant.done] == WORK


def test_an_offer_that_is_given_after_its_attempt_ended_is_given_back(tmp_path):
    plant = SmallPlant(offers())
    plant.slow_s = 1.0
    with Shop(tmp_path, plant) as shop:
        shop.ends(shop.run())
        assert [(step, service) for step, service, _ in plant.done] == WORK
        assert plant.locked == {}
        silent = [each.text for each in shop.messages if each.name == "stepFailed"]
    assert "'the cloud' was silent" in silent[0]


def test_a_fatal_error_asks_for_a_person(tmp_path):
    plant = SmallPlant(offers())
    plant.status = {"Assembler": "FATAL_ERROR"}
    with Shop(tmp_path, plant) as shop:
        session = shop.run()
        wait(lambda: shop.kernel.query(AskIncidents()), "an incident")
        (incident,) = shop.kernel.query(AskIncidents())
        assert "fatal_error" in incident.text
        assert plant.locked == {}
        shop.desk.abort(session.number)
        shop.ends(session, steps.SessionStatus.ABORTED)


def test_an_error_is_tried_again_and_then_asks_for_a_person(tmp_path):
    plant = SmallPlant(offers())
    plant.status = {"Trimmer": "ERROR"}
    with Shop(tmp_path, plant) as shop:
        shop.run()
        wait(lambda: shop.kernel.query(AskIncidents()), "an incident")
        assert plant.begun["Trimmer"] == 3


def test_a_session_that_is_cancelled_takes_its_step_back(tmp_path):
    plant = SmallPlant(offers())
    plant.silent = {"RobotA"}
    slow = Patience(patience_s=15.0)
    with Shop(tmp_path, plant, patience=slow) as shop:
        session = shop.run()
        wait(lambda: plant.begun["RobotA"], "the robot at work")
        shop.desk.abort(session.number)
        shop.ends(session, steps.SessionStatus.ABORTED)
        wait(lambda: plant.aborted and not plant.locked, "the step taken back")


def test_what_was_begun_before_a_restart_counts_when_it_ends_after(tmp_path):
    plant = SmallPlant(offers())
    plant.silent = {"RobotA"}
    slow = Patience(patience_s=15.0)
    with Shop(tmp_path, plant, patience=slow) as shop:
        session = shop.run()
        wait(lambda: plant.late, "the robot at work")
    plant.silent = set()
    with Shop(tmp_path, plant) as shop:
        begun = plant.late[0].static_parameters
        plant.done.append((begun["step"], begun["skill"], "RobotA"))
        plant.tell(plant.late[0])
        shop.ends(session)
        assert [(step, service) for step, service, _ in plant.done] == WORK
        assert shop.kernel.query(AskJobs()) == ()
        wait(lambda: plant.locked == {}, "what was held before the restart to be released")


def test_what_a_dead_choreographer_held_is_free_when_its_leases_have_ended(tmp_path):
    plant = SmallPlant(offers(welding=["RobotA"]))
    plant.silent = {"RobotA"}
    with Shop(tmp_path, plant) as shop:
        session = shop.run()
        wait(lambda: plant.late, "the robot at work")
    assert plant.locked
    plant.silent = set()
    with Shop(tmp_path, plant) as shop:
        shop.ends(session)
        assert [(step, service) for step, service, _ in plant.done] == WORK
        assert plant.locked == {}


def test_who_asked_is_told_the_end_of_a_session(tmp_path):
    plant = SmallPlant(offers())
    with Shop(tmp_path, plant) as shop:
        plan = shop.desk.add_recipe(read_recipe(RECIPE), "car assembly")
        run = steps.RunRequest(
            plan_id=plan.number, notify_address="10.0.0.9", notify_port=80, notify_path="/end"
        )
        (answer,) = shop.desk.start([run])
        wait(lambda: shop.notices, "the notice")
        url, notice = shop.notices[0]
    assert url == "http://10.0.0.9:80/end"
    assert (notice.session_id, notice.status.value) == (answer.session_id, "DONE")


def test_a_plan_that_is_not_there_begins_no_session(tmp_path):
    with Shop(tmp_path, SmallPlant(offers())) as shop:
        (answer,) = shop.desk.start([steps.RunRequest(plan_id=99)])
    assert answer.status is steps.SessionStatus.ABORTED
    assert "99" in answer.error_messages[0]


def test_two_plans_of_one_name_are_refused(tmp_path):
    with Shop(tmp_path, SmallPlant(offers())) as shop:
        shop.desk.add_recipe(read_recipe(RECIPE), "car")
        with pytest.raises(Conflict):
            shop.desk.add_recipe(read_recipe(RECIPE), "car")


def test_plans_and_executors_are_there_after_a_restart(tmp_path):
    with Shop(tmp_path, SmallPlant(offers())) as shop:
        plan = shop.desk.add_recipe(read_recipe(RECIPE), "car")
        known = shop.desk.executors()
        shop.desk.unregister("127.0.0.1", 7000, "/trimming")
    with Shop(tmp_path, SmallPlant(offers()), executors=()) as shop:
        assert [each.id for each in shop.desk.plans()] == [plan.number]
        assert {each.base_uri for each in shop.desk.executors()} == {x.base_uri for x in known}
