"""Machines that check permits themselves, with controller, machine and service in own processes."""

import contextlib
import json
import time
from pathlib import Path

import httpx
import pytest

from adapters.opcua.opcua_wire import PREFIX, connection
from fabloop.adapters.opcua import OpcUaActor, Pki
from fabloop.adapters.openapi.caller import Caller as PlainCaller
from fabloop.adapters.openapi.outcome import Answered as Done
from fabloop.adapters.openapi.outcome import Failed
from fabloop.app.muffin.devices import served
from fabloop.app.processes.clocks import WallClock
from fabloop.app.safety.documents import rules_in
from fabloop.app.safety.guard import SafetyGuard
from fabloop.app.safety.permit_check import PermitCheck, write_rules, written_rules
from fabloop.app.service_runtime.calls import Answered, Caller, NotPermitted
from fabloop.app.service_runtime.fleet import Fleet
from fabloop.base.instant import SECOND, Instant
from fabloop.model.explanation import SafetyCode
from fabloop.model.ids import OperationId, OperationName, ServiceId, SystemName, WorkUnitId
from fabloop.model.safety import Target
from fabloop.model.service import ServiceDescription, ServiceOperation
from fabloop.run.actor import JobDone, JobNotDone, JobOrder
from fabloop.run.gate import simulated
from fabloop.run.permissives import Permitted
from fabloop.run.permits import PERMIT_FAILED, PERMIT_REQUIRED, permits_text
from fabloop.sense.connections.model import Commands
from fabloop.sim.bakery.device import Nature
from opcua_machine import OpcUaMachine
from safety_controller import Controller

MILL = WorkUnitId("mill")
OVEN = Target(service=ServiceId("oven"), operation=OperationName("awaitOven"))
COMMANDS = Commands(
    work_unit=MILL, object=PREFIX.rstrip("/"), begin=f"{PREFIX}BeginJob",
    responses=f"{PREFIX}JobResponses", permitted=f"{PREFIX}StartPermitted",
    permitted_for_ns=60 * SECOND,
)  # fmt: skip
MEND = ServiceOperation(name=OperationName("awaitOven"), method="POST", path="/awaitOven")
LOOK = ServiceOperation(name=OperationName("overcook"), method="POST", path="/overcook")
WITHIN_S = 20.0
CLOCK = WallClock()


def document(folder: Path, url: str) -> Path:
    """Return a safety document of a mill and an oven under one controller that decides."""
    requires = [{"signal": "cell/clamped", "fresh": "10 s"}]
    said = {
        "document": "safety", "version": "1", "@context": "urn:fabloop:context:1:safety",
        "controllers": [{
            "id": "cell", "label": "Cell", "url": url, "heartbeat": "5 s",
            "confirm_within": "5 s", "decides": True,
            "signals": [
                {"id": "guard", "label": "guard closed", "bit": 0},
                {"id": "clamped", "label": "work piece clamped", "bit": 1},
            ],
        }],
        "permissives": [
            {"service": "oven", "requires": requires},
            {"work_unit": "mill", "requires": requires},
        ],
    }  # fmt: skip
    file = folder / "safety.json"
    file.write_text(json.dumps(said))
    return file


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    """A controller, a mill over OPC UA and an oven over HTTP, each a process of its own."""
    folder = tmp_path_factory.mktemp("plant")
    with contextlib.ExitStack() as ends:
        controller = Controller(watchdog_ns=60 * SECOND)
        ends.callback(controller.close)
        file = document(folder, controller.url)
        write_rules(folder / "rules.json", rules_in(file))
        machine = OpcUaMachine(folder / "mill", insecure=True, safety=str(file))
        ends.callback(machine.close)
        paths = {f"/{name}": {"post": {"operationId": name}} for name in ("awaitOven", "overcook")}
        fleet = Fleet([
            served(
                Nature(name="oven", kind="oven", seed=1), json.dumps({"paths": paths}).encode(),
                folder, folder / "rules.json",
            )
        ])  # fmt: skip
        ends.callback(fleet.close)
        guard = ends.enter_context(SafetyGuard(rules_in(file), folder / "stops"))
        assert guard.wait_until_seen(WITHIN_S)
        yield controller, machine, fleet, guard


def until(holds):
    end = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.01)


def order(job):
    return JobOrder(
        job=job, step="s", skill="mill", operation=OperationId("o"), work_unit=MILL, person=None,
        main=True, begun_at=CLOCK.now(), duration_ns=1,
    )  # fmt: skip


@contextlib.contextmanager
def milling(machine, folder, gate, **more):
    wire = connection(machine.url, secure=False, commands=(COMMANDS,))
    actor = OpcUaActor(wire, Pki(folder), CLOCK, gate=gate, **more)
    actor.start()
    try:
        yield actor
    finally:
        actor.close()


def answer(actor):
    found = []

    def came():
        found.extend(actor.responses(Instant(CLOCK.now() + SECOND)))
        return bool(found)

    until(came)
    return found[0]


def described(fleet):
    return ServiceDescription(
        id=ServiceId("oven"), system=SystemName("oven"), title="Oven", version="1",
        base_url=fleet.url("oven"), operations=(MEND, LOOK),
    )  # fmt: skip


def called(fleet, gate, operation=MEND, key="order 1"):
    caller = Caller(gate=gate)
    try:
        return caller.call(described(fleet), operation, {}, key, {})
    finally:
        caller.close()


def posted(fleet, key, permits="", path="awaitOven"):
    headers = {"Idempotency-Key": key, **({"Fabloop-Permit": permits} if permits else {})}
    return httpx.post(f"{fleet.url('oven')}/{path}", headers=headers, trust_env=False)


def granted(guard, target=OVEN):
    verdict = guard.judge(target)
    assert isinstance(verdict, Permitted)
    return permits_text(verdict.permits)


def fallen_and_back(controller, guard):
    before = granted(guard).partition("/")[0]
    controller.does("open clamped")
    until(lambda: not isinstance(guard.judge(OVEN), Permitted))
    controller.does("close clamped")
    until(lambda: isinstance(guard.judge(OVEN), Permitted))
    assert granted(guard).partition("/")[0] != before


def test_commands_over_both_wires_carry_what_their_machines_ask_for(plant, tmp_path):
    _, machine, fleet, guard = plant
    assert isinstance(called(fleet, guard.judge), Answered)
    with PlainCaller(gate=guard.judge) as caller:
        assert isinstance(caller.call(described(fleet), MEND, {}, key="order 2"), Done)
    with milling(machine, tmp_path, guard.judge) as actor:
        actor.begin(order(11))
        assert isinstance(answer(actor), JobDone)


def test_a_command_without_a_permit_is_refused_and_that_is_told(plant, tmp_path):
    _, machine, fleet, _ = plant
    came = called(fleet, simulated, key="bare")
    assert isinstance(came, NotPermitted)
    assert came.reasons[0].code == SafetyCode.PERMIT_REFUSED
    assert "permit-missing: oven/awaitOven came without a permit of Cell" in str(
        came.reasons[0].details
    )
    assert posted(fleet, "bare").status_code == PERMIT_REQUIRED
    with PlainCaller(gate=simulated) as caller:
        failed = caller.call(described(fleet), MEND, {}, key="bare 2")
    assert isinstance(failed, Failed)
    assert "permit-missing" in failed.message
    assert "Nothing was carried out." in failed.message
    with milling(machine, tmp_path, simulated, withheld_s_max=0.2) as actor:
        actor.begin(order(21))
        refused = answer(actor)
    assert isinstance(refused, JobNotDone)
    assert "permit-refused: permit-missing: mill/mill came without a permit" in refused.reason


def test_a_permit_that_is_over_is_refused_though_everything_holds_again(plant, tmp_path):
    controller, machine, fleet, guard = plant
    late = granted(guard)
    fallen_and_back(controller, guard)
    refused = posted(fleet, "late", late)
    assert refused.status_code == PERMIT_FAILED
    assert "but that is over" in refused.json()["detail"]
    stale = guard.judge(Target(work_unit=MILL, operation=OperationName("mill")))
    fallen_and_back(controller, guard)
    verdicts = [stale]

    def first_the_stale_one(target):
        return verdicts.pop() if verdicts else guard.judge(target)

    with milling(machine, tmp_path, first_the_stale_one) as actor:
        actor.begin(order(31))
        assert isinstance(answer(actor), JobDone)  # refused once, then with a new permit
        assert "permit-over" in actor.trouble


def test_a_permit_is_good_for_its_own_command_only_and_that_may_come_again(plant):
    _, _, fleet, guard = plant
    permit = granted(guard)
    assert posted(fleet, "mine", permit, "overcook").json()["detail"].startswith("permit-foreign")
    assert posted(fleet, "mine", permit).status_code == httpx.codes.OK
    assert posted(fleet, "mine", permit).status_code == httpx.codes.OK
    assert posted(fleet, "other", permit).json()["detail"].startswith("permit-used")
    number = permit.partition("/")[0]
    assert posted(fleet, "made up", f"{number}/65535").json()["detail"].startswith("permit-unknown")
    assert posted(fleet, "noise", "?").json()["detail"].startswith("permit-unreadable")


def test_a_controller_that_hangs_lets_its_machines_do_nothing(plant):
    controller, _, fleet, guard = plant
    permit = granted(guard)
    with controller.hung():
        refused = posted(fleet, "hung", permit)
    assert refused.status_code == PERMIT_FAILED
    assert refused.json()["detail"].startswith("permit-unchecked")


@pytest.mark.parametrize("written", [None, "{", '{"document": "safety"}'])
@pytest.mark.parametrize("read", [rules_in, written_rules])
def test_a_machine_whose_rules_are_gone_or_wrong_does_nothing(tmp_path, written, read):
    if written is not None:
        (tmp_path / "safety.json").write_text(written)
    check = PermitCheck(tmp_path / "safety.json", read)
    awaiting = check.against(OVEN, "cell=1/1", "order 1")
    with pytest.raises(StopIteration) as ended:
        awaiting.send(None)
    assert [each.code for each in ended.value.value] == [SafetyCode.NO_SAFETY_DOCUMENT]
