"""Commands that are tried out one after the other, and undone."""

import pytest

from fabloop.base.errors import NotFound
from fabloop.process.commands import CompleteJob, InstanceState
from process.driver import Plant, flows, job, process

TWO_STEPS = process(job("a"), job("b"), links=flows("start a b end"))


def test_a_trial_sees_what_it_has_done_and_leaves_nothing():
    plant = Plant()
    key = plant.starts(TWO_STEPS)
    with plant.engine.trial(at=plant.now) as tries:
        for node in ("a", "b"):
            tries(CompleteJob(job=plant.job(node).key))
        assert plant.ended(key) is InstanceState.COMPLETED
    assert plant.engine.state == plant.replica.state
    assert plant.open_nodes() == ["a"]
    plant.completes("a")
    plant.completes("b")


def test_a_refused_command_undoes_itself_alone():
    plant = Plant()
    plant.starts(TWO_STEPS)
    with plant.engine.trial(at=plant.now) as tries:
        tries(CompleteJob(job=plant.job("a").key))
        with pytest.raises(NotFound):
            tries(CompleteJob(job=99))
        assert plant.open_nodes() == ["b"]
    assert plant.open_nodes() == ["a"]
