"""The daily test through the edge: bulks of a simulated axis in, the measured KPI out."""

import json

import msgspec
import pytest

from app.edge.mill import edge, group, short_folder, told, until
from fabloop.adapters.bulks import Announcement, BulkSender
from fabloop.app.demo import documents_of
from fabloop.app.edge.deployment import DeployedApp
from fabloop.app.edge.simulated import SimulatedEdge, daily_stream
from fabloop.app.scenario import read_scenario
from fabloop.base.codec import to_json
from fabloop.base.instant import DAY, Instant
from fabloop.sense.recording import TRIGGER_OFF


@pytest.fixture(scope="module")
def scenario():
    return read_scenario(documents_of("wavegear"))


@pytest.fixture
def node():
    with short_folder() as folder, edge(folder) as found:
        found.folder = folder
        yield found


def deployed(unit):
    return DeployedApp(
        name="tpe", app="daily-test", machine=unit.work_unit, reads=("*",), writes=("*",),
        settings=msgspec.to_builtins(unit),
    )  # fmt: skip


def send(node, unit, stream, *, leave_out=()):
    machine, bulks = str(unit.work_unit), list(stream)
    sender = BulkSender(
        f"unix:{node.folder}/run/g.sock",
        Announcement(machine=machine, series=bulks[0].series),
        patience_s=30.0,
    )
    sender.await_listener(30.0)
    for bulk in bulks:
        if bulk.sequence not in leave_out:
            assert sender.send(
                sequence=bulk.sequence, start=bulk.start, step_ns=bulk.step_ns,
                trigger=bulk.trigger, values=bulk.values,
            )  # fmt: skip
    sender.close()
    return bulks


def test_the_edge_measures_exactly_what_the_evaluation_in_one_piece_measures(node, scenario):
    unit = scenario.monitored[0]
    at = Instant(scenario.simulation.begins_at + DAY)
    node.deploy(group(deployed(unit), machines=(str(unit.work_unit),)), {})
    send(node, unit, daily_stream(unit, scenario.simulation, seed=1, started_at=at))
    (fact,) = until(lambda: [each for each in told(node) if each[1] == "test"])
    simulated = SimulatedEdge(
        monitored=scenario.monitored, simulation=scenario.simulation, seed=1
    ).measure(unit.work_unit, at)
    assert simulated.value is not None
    assert json.loads(fact[2]) == json.loads(to_json(simulated))
    readings = {name: value for _, name, value in told(node) if name != "test"}
    assert readings == {"tpe": simulated.value.value, "tpe.upper": simulated.value.upper}
    assert sum(each.bulks_not_passed_on for each in node.health().lanes) == 0


def test_a_bulk_that_is_lost_spoils_the_test_and_no_value_is_told(node, scenario):
    unit = scenario.monitored[0]
    at = Instant(scenario.simulation.begins_at + 2 * DAY)
    node.deploy(group(deployed(unit), machines=(str(unit.work_unit),)), {})
    stream = daily_stream(unit, scenario.simulation, seed=1, started_at=at)
    bulks = send(node, unit, stream, leave_out={300})
    assert (bulks[300].trigger != TRIGGER_OFF).any()
    until(lambda: len(told(node)) == 3)
    fact = json.loads(next(each[2] for each in told(node) if each[1] == "test"))
    assert fact["value"] is None
    assert "1 bulks lost before bulk 301" in fact["rejected"]
