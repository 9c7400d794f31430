"""A terminate end event ends everything else in its scope, and nothing outside of it."""

import pytest

from fabloop.process.commands import InstanceState, JobCancelled, ThrowError
from process.driver import (
    Plant,
    both,
    error,
    flows,
    job,
    kill,
    message,
    page,
    process,
    script,
    sub,
    timer,
    wait,
)
from process.test_pages import station


@pytest.fixture
def plant():
    return Plant()


def test_an_instance_ends_with_all_that_is_in_progress_in_it(plant):
    box = sub("box", job("deep"), links=flows("box.s deep box.e"))
    p = process(
        both("f"), job("a"), timer("t", "a", "PT9S"), box, message("m", "M", '"k"'),
        wait("w", "P1D"), page("mill", "n"), job("last"), kill("stop"), both("j"), job("after"),
        links=flows("start f a j", "f box j", "f m j", "f w j", "f mill end", "f last stop",
                    "f j after end", "t end"),
    )  # fmt: skip
    key = plant.starts(p, {"lot": 1}, (station("n").document(),))
    plant.completes("a")
    plant.completes("last")
    assert plant.ended(key) is InstanceState.COMPLETED
    assert {each.node for each in plant.told(JobCancelled)} == {"deep", "mill"}
    state = plant.engine.state
    assert not any((state.acts, state.frames, state.jobs, state.timers, state.subscriptions))


def test_tokens_that_are_on_their_way_in_its_scope_end_with_it(plant):
    p = process(
        both("f"), kill("stop"), script("s", "1", "x"), job("never"),
        links=flows("start f stop", "f s never end"),
    )  # fmt: skip
    key = plant.starts(p)
    assert plant.result(key) == {}


def test_only_the_sub_process_it_stands_in_ends(plant):
    box = sub("box", both("f"), job("slow"), job("quick"), kill("stop"),
              links=flows("box.s f slow box.e", "f quick stop"))  # fmt: skip
    p = process(both("g"), box, job("beside"), both("j"),
                links=flows("start g box j end", "g beside j"))  # fmt: skip
    key = plant.starts(p)
    plant.completes("quick")
    assert plant.open_nodes() == ["beside"]
    assert plant.engine.instance(key).frames[0].tokens == {"box-j": 1}
    plant.completes("beside")
    assert plant.ended(key) is InstanceState.COMPLETED


def test_an_incident_in_its_scope_ends_with_it(plant):
    p = process(
        both("f"), job("a"), job("b"), kill("stop"), links=flows("start f a end", "f b stop")
    )
    key = plant.starts(p)
    plant.does(ThrowError(job=plant.job("a").key, code="E"))
    assert plant.engine.incidents(key)
    plant.completes("b")
    assert plant.ended(key) is InstanceState.COMPLETED
    assert plant.engine.incidents() == ()


def test_a_page_beside_it_gives_back_what_its_firing_took(plant):
    box = sub("box", both("f"), page("mill", "n"), job("quick"), kill("stop"),
              links=flows("box.s f mill box.e", "f quick stop"))  # fmt: skip
    p = process(both("g"), box, error("e", "box"), page("again", "n"), both("j"),
                links=flows("start g box j end", "g again j", "e end"))  # fmt: skip
    plant.starts(p, {"lot": 1}, (station("n").document(),))
    assert len(plant.engine.jobs()) == 2
    plant.completes("quick")
    assert plant.open_nodes() == ["again"]
