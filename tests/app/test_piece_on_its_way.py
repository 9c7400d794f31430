"""A machine wears out while a work piece is being brought to it: the piece turns round."""

import pytest

from app import stories
from fabloop.model.facts import (
    AdaptationProposed,
    IncidentRaised,
    JobBound,
    JobWithdrawn,
    LotMade,
    OrderFinished,
    ProcessMigrated,
)


def drilled_elsewhere(equipment):
    """Let the turning centre drill, so that the stabilizer is brought to the U630 for reaming."""
    types = {each["id"]: each for each in equipment["equipment_types"]}
    u630, centre = types["spinner-u630"], types["dmg-mori-nlx-2500-700"]
    centre["offers"] += [each for each in u630["offers"] if each["skill"] == "drill"]
    u630["offers"] = [each for each in u630["offers"] if each["skill"] != "drill"]


def measured_on_the_way(monitoring):
    """Let the test end between 15:36:39 and 15:39:36, while the vehicle is under way."""
    monitoring["units"][0]["times"] = ["06:00", "15:37", "22:00"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("turned")
    papers = stories.documents(
        folder / "papers", equipment=drilled_elsewhere, monitoring=measured_on_the_way
    )
    return stories.told(folder / "data", papers=papers)


def test_the_transport_under_way_is_withdrawn_and_the_piece_is_shipped_instead(demo):
    withdrawn = stories.the(demo, JobWithdrawn)
    bound = {each.job: each for each in stories.facts(demo, JobBound)}
    assert bound[withdrawn.job].step == "op-ream-stabilizer"
    assert bound[withdrawn.job].skill == "transport"
    later = [each for each in bound.values() if each.job > withdrawn.job]
    steps = list(dict.fromkeys(each.step for each in later if "stabilizer" in each.step))
    assert steps[:3] == [
        "ship-drill-stabilizer-ream-stabilizer",
        "op-ream-stabilizer",
        "op-clean-stabilizer",
    ]


def test_nothing_is_lost_and_nothing_is_done_twice(demo):
    migrated = stories.the(demo, ProcessMigrated)
    assert migrated.tokens_before == migrated.tokens_after
    assert stories.facts(demo, IncidentRaised) == []
    made = [each.record.operation for each in stories.facts(demo, LotMade)]
    assert len(made) == len(set(made)) == 27
    assert stories.the(demo, OrderFinished).passed


def test_the_reamed_lot_was_never_on_the_worn_machine(demo):
    assert stories.the(demo, AdaptationProposed).comparison.moved
    reamed = [
        each.record
        for each in stories.facts(demo, LotMade)
        if each.record.operation == "ream-stabilizer"
    ]
    assert [each.work_unit for each in reamed] == ["vienna-emco"]
