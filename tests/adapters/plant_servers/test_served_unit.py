"""A work unit served over OPC UA, seen by a plain client; its job desk by itself."""

import asyncio
import json

import pytest
from asyncua import Client, ua

from fabloop.adapters.plant_servers.jobs import JobDesk
from fabloop.base.instant import Instant
from fabloop.model.ids import OperationId, WorkUnitId
from fabloop.run.actor import JobDone, JobNotDone, JobOrder
from opcua_machine import OpcUaMachine


class Stopped:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.at = Instant(0)

    def now(self):
        return self.at


class Scripted:
    """An actor that records what it begins and answers what it is told to."""

    def __init__(self):
        self.begun = []
        self.answers = []

    def begin(self, order):
        self.begun.append(order.job)

    def next_response_at(self):
        return None

    def responses(self, _until):
        answers, self.answers = tuple(self.answers), []
        return answers


def order(job):
    return JobOrder(
        job=job, step="s", skill="mill", operation=OperationId("o"),
        work_unit=WorkUnitId("mill"), person=None, main=True, begun_at=Instant(0), duration_ns=1,
    )  # fmt: skip


@pytest.fixture
def actor():
    return Scripted()


@pytest.fixture
def desk(actor):
    return JobDesk(actor, Stopped())


def test_a_running_job_that_is_given_again_is_not_started_again(desk, actor):
    assert desk.begin(order(1))
    assert not desk.begin(order(1))
    assert actor.begun == [1]


def test_answers_are_kept_until_they_were_fetched(desk, actor):
    desk.begin(order(1))
    done = JobDone(job=1, at=Instant(5), results={})
    actor.answers = [done]
    assert desk.responses(0) == [(1, done)]
    assert desk.responses(0) == [(1, done)]
    assert desk.responses(1) == []


def test_a_done_job_that_is_given_again_is_answered_again_and_not_started(desk, actor):
    desk.begin(order(1))
    done = JobDone(job=1, at=Instant(5), results={})
    actor.answers = [done]
    desk.responses(0)
    desk.responses(1)
    assert not desk.begin(order(1))
    assert desk.responses(1) == [(2, done)]
    assert actor.begun == [1]


def test_a_job_that_was_not_done_may_be_tried_again(desk, actor):
    desk.begin(order(1))
    actor.answers = [JobNotDone(job=1, at=Instant(5), reason="no chips")]
    desk.responses(0)
    desk.responses(1)
    assert desk.begin(order(1))
    assert actor.begun == [1, 1]


def test_after_a_restart_numbers_of_an_earlier_life_fetch_nothing_away(desk, actor):
    desk.begin(order(1))
    done = JobDone(job=1, at=Instant(5), results={})
    actor.answers = [done]
    assert desk.responses(17) == [(1, done)]


def test_a_plain_client_sees_units_ranges_states_history_and_methods(tmp_path):
    machine = OpcUaMachine(tmp_path, insecure=True)
    try:
        first = machine.tell("power", 7.0)
        second = machine.tell("power", 7.5)
        machine.tell("state", 1)
        seen = asyncio.run(_look(machine.url))
    finally:
        machine.close()
    assert seen["unit"] == (int.from_bytes(b"KWT", "big"), "kW")
    assert seen["range"] == (0.0, 60.0)
    assert seen["states"] == ["idle", "working", "broken"]
    assert seen["history"] == [7.0, 7.5]
    assert seen["times"] == [first, second]
    assert seen["begun"] == [[True, True, ""], [True, False, ""]]
    assert [each["job"] for each in seen["answers"]] == [4]
    assert seen["permitted"] is True


async def _look(url):
    async with Client(url, timeout=20) as client:
        index = await client.get_namespace_index("urn:fabloop:plant")

        def node(name):
            return client.get_node(ua.NodeId(f"mill/{name}", index))

        unit = await node("power/EngineeringUnits").read_value()
        span = await node("power/EURange").read_value()
        values = await node("power").read_raw_history(ua.get_win_epoch().replace(year=2020), None)
        mill = client.get_node(ua.NodeId("mill", index))
        times = [ua.Variant(each, ua.VariantType.Int64) for each in (0, 1)]
        job = [ua.Variant(4, ua.VariantType.UInt64), *["text"] * 4, True, *times]
        begun = [await mill.call_method(node("BeginJob"), *job) for _ in range(2)]
        _, answers = await mill.call_method(
            node("JobResponses"), ua.Variant(0, ua.VariantType.UInt64)
        )
        return {
            "unit": (unit.UnitId, unit.DisplayName.Text),
            "range": (span.Low, span.High),
            "states": [each.Text for each in await node("state/EnumStrings").read_value()],
            "history": [each.Value.Value for each in values],
            "times": [round(each.SourceTimestamp.timestamp() * 1e6) * 1000 for each in values],
            "begun": begun,
            "answers": [json.loads(each) for each in answers],
            "permitted": await node("StartPermitted").read_value(),
        }
