"""Monitoring documents: what is measured when; every fault with its place."""

import json
from copy import deepcopy

import pytest

from fabloop.app.demo import documents_of
from fabloop.base.errors import Fault
from fabloop.base.instant import HOUR, instant_of
from fabloop.model.documents import resolve
from fabloop.model.documents.collect import Sheet
from fabloop.model.documents.structure import decode
from fabloop.model.kpi import TOTAL_POSITION_ERROR
from fabloop.sense.monitoring import monitored_units
from fabloop.sense.position_error import Approach, SkillClass, Zone

FOLDER = documents_of("wavegear")


@pytest.fixture(scope="module")
def units():
    files = {each.name: each.read_bytes() for each in FOLDER.glob("*.json")}
    return resolve(files).network.work_units()


@pytest.fixture
def document():
    return json.loads((FOLDER / "monitoring.json").read_bytes())


def read(content, units):
    faults: list[Fault] = []
    decoded = decode("monitoring.json", json.dumps(content).encode(), faults)
    assert not faults
    return monitored_units(decoded, Sheet("monitoring.json", faults), units), faults


def test_a_document_is_read_in_si_units_and_instants(document, units):
    (unit,), faults = read(document, units)
    assert faults == []
    assert (unit.work_unit, unit.kpi) == ("graz-u630", TOTAL_POSITION_ERROR)
    assert unit.times_ns == (6 * HOUR, 14 * HOUR, 22 * HOUR)
    assert unit.valid_for_ns == 36 * HOUR
    requirement = unit.requirement
    assert (requirement.skill, requirement.approach, requirement.zone) == (
        SkillClass("point positioning"),
        Approach("bidirectional"),
        Zone("diametral"),
    )
    assert requirement.axes == ("X", "Y")
    assert (requirement.process_force_n, requirement.temperature_departure_k) == (40.0, 0.5)
    calibration = unit.calibration
    assert calibration.at == instant_of("2026-10-26T07:00:00+01:00")
    assert calibration.vendor_radial_m == pytest.approx(7.5e-6)
    x = calibration.axes["X"]
    assert x.systematic_m == pytest.approx(2.1e-6)
    assert x.growth_m_per_day == pytest.approx(3e-9)
    assert x.structure_n_per_m == pytest.approx(60e6)
    assert x.expansion_per_k == pytest.approx(11e-6)
    assert (x.drive.motor_mass_kg, x.drive.pitch_m) == (180.0, pytest.approx(0.01))


def changed(document, place, value):
    content = deepcopy(document)
    target = content["units"][0]
    *steps, last = place.split("/")
    for step in steps:
        target = target[int(step)] if isinstance(target, list) else target[step]
    target[int(last) if isinstance(target, list) else last] = value
    return content


@pytest.mark.parametrize(
    ("place", "value", "path"),
    [
        ("work_unit", "graz-u63", "$.units[0].work_unit"),
        ("kpi", "spindle-temperature", "$.units[0].kpi"),
        ("times/1", "25:00", "$.units[0].times[1]"),
        ("valid_for", "0 h", "$.units[0].valid_for"),
        ("requirement/process_force", "40 kg", "$.units[0].requirement.process_force"),
        (
            "requirement/temperature_departure",
            "1 m",
            "$.units[0].requirement.temperature_departure",
        ),
        ("calibration/at", "2026-10-26T07:00:00", "$.units[0].calibration.at"),
        ("calibration/vendor_error", "-7 µm", "$.units[0].calibration.vendor_error"),
        ("calibration/axes/Y/systematic", "2 s", "$.units[0].calibration.axes.Y.systematic"),
        ("calibration/axes/X/pitch", "10 kg", "$.units[0].calibration.axes.X.pitch"),
    ],
)
def test_a_wrong_entry_is_one_fault_at_its_place(document, units, place, value, path):
    _, faults = read(changed(document, place, value), units)
    assert [each.path for each in faults] == [path]
    assert faults[0].source == "monitoring.json"
    assert faults[0].expected


def test_a_name_that_is_nearly_right_is_proposed(document, units):
    _, (fault,) = read(changed(document, "work_unit", "graz-u63"), units)
    assert "graz-u630" in fault.hint


def test_all_faults_are_told_not_the_first(document, units):
    content = changed(document, "work_unit", "nobody")
    content = changed(content, "times/0", "noon o'clock"[:5])
    content = changed(content, "calibration/axes/X/length", "1 K")
    _, faults = read(content, units)
    assert len(faults) == 3


def test_where_the_sites_could_not_be_read_names_are_not_judged(document):
    _, faults = read(changed(document, "work_unit", "nobody"), None)
    assert faults == []


def test_a_unit_that_no_offer_ties_to_the_kpi_is_a_fault(document, units):
    _, (fault,) = read(changed(document, "work_unit", "graz-turning"), units)
    assert fault.path == "$.units[0].kpi"
    assert "graz-turning" in fault.expected
