"""Simulation documents: the world as it really is; every fault with its place."""

import json
from copy import deepcopy

import pytest

from fabloop.app.demo import documents_of
from fabloop.base.errors import Fault
from fabloop.base.instant import HOUR, Instant, instant_of
from fabloop.model.documents import resolve
from fabloop.model.documents.collect import Sheet
from fabloop.model.documents.structure import decode
from fabloop.sense.monitoring import monitored_units
from fabloop.sim.scenario import simulation_of

FOLDER = documents_of("wavegear")
FILES = {each.name: each.read_bytes() for each in FOLDER.glob("*.json")}


@pytest.fixture(scope="module")
def known():
    units = resolve(FILES).network.work_units()
    faults: list[Fault] = []
    monitoring = decode("monitoring.json", FILES["monitoring.json"], faults)
    (unit,) = monitored_units(monitoring, Sheet("monitoring.json", faults), units)
    return units, {unit.work_unit: unit.calibration.axes}


@pytest.fixture
def document():
    return json.loads(FILES["simulation.json"])


def read(content, units, calibrated):
    faults: list[Fault] = []
    decoded = decode("simulation.json", json.dumps(content).encode(), faults)
    assert not faults
    return simulation_of(decoded, Sheet("simulation.json", faults), units, calibrated), faults


def test_a_document_is_read_in_si_units(document, known):
    simulation, faults = read(document, *known)
    assert faults == []
    assert simulation.begins_at == instant_of("2026-11-23T06:00:00+01:00")
    assert simulation.plant.duration_spread == pytest.approx(0.02)
    assert simulation.plant.results == {"inspect": {"passed": True}}
    x = simulation.machines["graz-u630"].axes["X"]
    assert (x.new.table_mass_kg, x.new.motor_mass_kg) == (320.0, 180.0)
    assert x.new.gap_m == pytest.approx(0.4e-6)
    assert x.wear.gap_m_per_h == pytest.approx(66e-9)


def test_a_machine_wears_with_its_use_and_never_backwards(document, known):
    machine = read(document, *known)[0].machines["graz-u630"]
    new = machine.axes["X"].new
    assert machine.axes_at(Instant(0))["X"] == new
    assert machine.axes_at(machine.wears_since)["X"] == new
    later = [
        machine.axes_at(Instant(machine.wears_since + hours * HOUR))["X"] for hours in range(10)
    ]
    assert [each.gap_m for each in later] == sorted(each.gap_m for each in later)
    assert later[-1].gap_m == pytest.approx(0.4e-6 + 9 * 0.9 * 66e-9)
    assert later[-1].stiffness_n_per_m < new.stiffness_n_per_m
    assert later[-1].coulomb_n > new.coulomb_n


def changed(document, place, value):
    content = deepcopy(document)
    target = content
    *steps, last = place.split("/")
    for step in steps:
        target = target[int(step)] if isinstance(target, list) else target[step]
    target[last] = value
    return content


@pytest.mark.parametrize(
    ("place", "value", "path"),
    [
        ("begins_at", "2026-11-23T06:00:00", "$.begins_at"),
        ("duration_spread", "2 m", "$.duration_spread"),
        ("machines/0/work_unit", "graz-u63", "$.machines[0].work_unit"),
        ("machines/0/work_unit", "vienna-emco", "$.machines[0].work_unit"),
        ("machines/0/utilisation", "101 %", "$.machines[0].utilisation"),
        ("machines/0/wears_since", "yesterday", "$.machines[0].wears_since"),
        ("machines/0/axes/X/stiffness", "120 N", "$.machines[0].axes.X.stiffness"),
        ("machines/0/axes/Y/gap", "-1 µm", "$.machines[0].axes.Y.gap"),
    ],
)
def test_a_wrong_entry_is_one_fault_at_its_place(document, known, place, value, path):
    _, faults = read(changed(document, place, value), *known)
    assert [each.path for each in faults] == [path]


def test_an_axis_that_was_never_calibrated_cannot_be_simulated(document, known):
    axis = document["machines"][0]["axes"]["X"]
    _, (fault,) = read(changed(document, "machines/0/axes/Z", axis), *known)
    assert fault.path == "$.machines[0].axes.Z"


def test_all_faults_are_told_not_the_first(document, known):
    content = changed(document, "begins_at", "2026-11-23T06:00:00")
    content = changed(content, "machines/0/axes/X/gap", "1 s")
    content = changed(content, "machines/0/axes/Y/gap", "1 s")
    assert len(read(content, *known)[1]) == 3


def test_faults_of_an_unknown_machine_do_not_hide_its_other_faults(document, known):
    content = changed(document, "machines/0/work_unit", "vienna-emco")
    content = changed(content, "machines/0/utilisation", "101 %")
    assert len(read(content, *known)[1]) == 2


def test_where_other_documents_could_not_be_read_names_are_not_judged(document, known):
    units, calibrated = known
    content = changed(document, "machines/0/work_unit", "nobody")
    assert read(content, None, None)[1] == []
    assert [each.path for each in read(content, units, None)[1]] == ["$.machines[0].work_unit"]
    assert read(document, None, calibrated)[1] == []
