"""Lanes say who may do the tasks for people in them."""

import pytest

from fabloop.process.bpmn.model import Lane
from process.driver import Plant, flows, person, process, sub

TASK, INSIDE = person("task"), person("inside")
NESTED = sub("nest", INSIDE, links=flows("nest.s inside nest.e"))


def candidates(lanes, task=TASK):
    plant = Plant()
    drawn = process(task, NESTED, links=flows("start task nest end"))
    plant.starts(type(drawn)(id="p", nodes=drawn.nodes, flows=drawn.flows, lanes=lanes))
    found = [plant.job("task").candidates]
    plant.completes("task")
    return [*found, plant.job("inside").candidates]


def lane(id, name, *nodes):  # noqa: A002
    return Lane(id=id, name=name, nodes=nodes)


def test_a_task_is_for_the_lane_it_stands_in():
    lanes = (lane("l1", "welders", "start", "task"), lane("l2", "", "nest"))
    assert candidates(lanes) == [("welders",), ("l2",)]


def test_the_innermost_lane_counts():
    lanes = (lane("l1", "plant", "task", "nest"), lane("l2", "crew", "task"))
    assert candidates(lanes) == [("crew",), ("plant",)]


@pytest.mark.parametrize("given", [{"assignee": "kim"}, {"candidate_groups": ("fitters",)}])
def test_what_a_task_says_itself_goes_before_its_lane(given):
    task = person("task", **given)
    assert candidates((lane("l1", "welders", "task"),), task)[0] == given.get(
        "candidate_groups", ()
    )


def test_a_lane_is_a_name_and_no_expression():
    assert candidates((lane("l1", "=> 'out'", "task"),))[0] == ("=> 'out'",)


def test_without_lanes_a_task_is_for_anyone():
    assert candidates(()) == [(), ()]
