"""All documents of a story, read and checked together."""

import shutil

import pytest

from app.stories import documents
from fabloop.app.demo import STORIES, documents_of
from fabloop.app.scenario import read_scenario
from fabloop.base.errors import Invalid


def faults_of(folder):
    with pytest.raises(Invalid) as caught:
        read_scenario(folder)
    return caught.value.faults


@pytest.mark.parametrize("story", STORIES)
def test_every_story_that_comes_along_is_without_fault(story):
    scenario = read_scenario(documents_of(story))
    assert scenario.order.product in scenario.knowledge.families
    assert scenario.monitored
    assert set(scenario.simulation.machines) == {each.work_unit for each in scenario.monitored}


def test_an_unknown_story_is_met_with_the_nearest_name():
    with pytest.raises(Invalid, match="wavegear"):
        documents_of("wavgear")


@pytest.mark.parametrize("kind", ["order", "simulation"])
def test_a_missing_document_is_named_with_its_kind(tmp_path, kind):
    folder = documents(tmp_path / "papers")
    (folder / f"{kind}.json").unlink()
    (fault,) = faults_of(folder)
    assert fault.expected == f"one document of kind '{kind}'"
    assert fault.found == "0"
    assert kind in fault.hint


@pytest.mark.parametrize("kind", ["order", "simulation"])
def test_two_documents_of_which_one_is_wanted_are_a_fault(tmp_path, kind):
    folder = documents(tmp_path / "papers")
    shutil.copy(folder / f"{kind}.json", folder / "second.json")
    assert [each.found for each in faults_of(folder) if each.expected.startswith("one doc")] == [
        "2"
    ]


def test_a_folder_that_is_not_there_is_a_fault(tmp_path):
    assert faults_of(tmp_path / "nowhere")


def test_without_monitoring_nothing_can_wear(tmp_path):
    folder = documents(tmp_path / "papers")
    (folder / "monitoring.json").unlink()
    (fault,) = faults_of(folder)
    assert (fault.source, fault.path) == ("simulation.json", "$.machines[0].work_unit")


def spoiled(tmp_path):
    """Documents with one fault each in knowledge, order, monitoring and simulation."""

    def site(document):
        document["time_zone"] = "Europe/Wien"

    def order(document):
        document["choices"]["load"] = "featherlight"

    def monitoring(document):
        document["units"][0]["calibration"]["vendor_error"] = "7 kg"

    def simulation(document):
        document["machines"][0]["utilisation"] = "120 %"

    return documents(
        tmp_path / "papers",
        site_linz=site,
        order=order,
        monitoring=monitoring,
        simulation=simulation,
    )


def test_faults_of_all_documents_are_told_at_once(tmp_path):
    assert {(each.source, each.path) for each in faults_of(spoiled(tmp_path))} == {
        ("site-linz.json", "$.time_zone"),
        ("order.json", "$.choices.load"),
        ("monitoring.json", "$.units[0].calibration.vendor_error"),
        ("simulation.json", "$.machines[0].utilisation"),
    }


def test_a_missing_document_does_not_hide_faults_of_others(tmp_path):
    folder = spoiled(tmp_path)
    (folder / "order.json").unlink()
    found = faults_of(folder)
    assert {each.source for each in found} == {
        str(folder),
        "site-linz.json",
        "monitoring.json",
        "simulation.json",
    }


def test_a_document_of_wrong_form_is_told_once(tmp_path):
    folder = documents(
        tmp_path / "papers", monitoring=lambda each: each["units"][0].pop("valid_for")
    )
    found = faults_of(folder)
    assert [each.source for each in found] == ["monitoring.json"]


def test_the_digest_changes_with_any_document_and_with_its_name(tmp_path):
    digest = read_scenario(documents_of("wavegear")).digest
    folder = documents(tmp_path / "papers")
    assert read_scenario(folder).digest == digest
    (folder / "shipping.json").rename(folder / "lanes.json")
    renamed = read_scenario(folder).digest
    (folder / "lanes.json").write_bytes((folder / "lanes.json").read_bytes() + b"\n")
    assert len({digest, renamed, read_scenario(folder).digest}) == 3
