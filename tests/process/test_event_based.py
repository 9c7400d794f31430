"""An event-based gateway goes on behind the event that happens first."""

import pytest

from fabloop.base.errors import Invalid
from fabloop.base.instant import SECOND
from fabloop.process.bpmn.model import Mapping
from fabloop.process.commands import (
    ActAt,
    Deploy,
    InstanceState,
    Migrate,
    Modify,
    Move,
    NodeCompleted,
    PublishMessage,
    ResolveIncident,
    SetVariables,
    TimerFired,
)
from fabloop.process.definition import DefinitionKey
from process.driver import Plant, first, flows, job, message, process, wait

TWO = DefinitionKey("p", 2)


@pytest.fixture
def plant():
    return Plant()


def race(*more, key='"k"', late="PT9S", links=()):
    return process(
        first("g"), message("m", "M", key, outputs=(Mapping(source="lot", target="heard"),)),
        wait("w", late), job("on"), job("off"), *more,
        links=(*flows("start g m on end", "g w off end"), *links),
    )  # fmt: skip


def publish(plant, name="M", **more):
    return plant.does(PublishMessage(name=name, correlation_key="k", **more))


def left_over(plant):
    state = plant.engine.state
    return [*state.timers, *state.subscriptions, *state.waiting]


def test_a_message_that_comes_first_ends_the_timer(plant):
    key = plant.starts(race())
    (act,) = plant.engine.instance(key).frames[0].acts
    assert (act.node, act.message, act.timers[0].node) == ("g", "M", "w")
    assert publish(plant, variables={"lot": 7}).instances == (key,)
    assert plant.open_nodes() == ["on"]
    assert plant.engine.instance(key).variables == {"heard": 7}
    assert left_over(plant) == []
    plant.passes(10)
    assert plant.open_nodes() == ["on"]
    assert [each.node for each in plant.told(NodeCompleted)] == ["start", "g", "m"]


def test_a_timer_that_is_due_first_ends_the_wait_for_the_message(plant):
    plant.starts(race())
    plant.passes(9)
    assert plant.open_nodes() == ["off"]
    assert [each.node for each in plant.told(TimerFired)] == ["w"]
    assert publish(plant).instances == ()
    assert left_over(plant) == []


def test_a_message_that_is_kept_is_there_first(plant):
    publish(plant, time_to_live_ns=5 * SECOND, variables={"lot": 1})
    plant.starts(race())
    assert plant.open_nodes() == ["on"]
    assert left_over(plant) == []


def test_of_several_messages_one_decides_and_the_others_are_not_heard(plant):
    p = race(message("n", "N", '"k"'), job("other"), links=flows("g n other end"))
    plant.starts(p)
    publish(plant, "N")
    assert plant.open_nodes() == ["other"]
    assert publish(plant).instances == ()


def test_an_event_whose_time_or_key_has_no_value_holds_the_token_before_the_gateway(plant):
    key = plant.starts(race(key="missing"))
    (incident,) = plant.engine.incidents(key)
    assert (incident.kind, left_over(plant)) == ("correlation", [])
    plant.does(SetVariables(target=key, variables={"missing": "k"}))
    plant.does(ResolveIncident(incident=incident.key))
    publish(plant)
    assert plant.open_nodes() == ["on"]


def test_outputs_that_fail_hold_the_token_at_the_event_with_what_it_brought(plant):
    p = process(
        first("g"), wait("w", "PT9S"), job("on"),
        message("m", "M", '"k"', outputs=(Mapping(source="for i in 1..n return i", target="y"),)),
        links=flows("start g m on end", "g w end"),
    )  # fmt: skip
    key = plant.starts(p, {"n": 10**9})
    publish(plant)
    (incident,) = plant.engine.incidents(key)
    assert plant.at_nodes(key) == ["m"]
    plant.does(SetVariables(target=key, variables={"n": 2}))
    plant.does(ResolveIncident(incident=incident.key))
    assert plant.engine.instance(key).variables["y"] == [1, 2]
    assert plant.open_nodes() == ["on"]


def test_an_operator_moves_the_token_on(plant):
    key = plant.starts(race())
    (act,) = plant.engine.instance(key).frames[0].acts
    plant.does(Modify(instance=key, move=(Move(spot=ActAt(key=act.key), node="off"),)))
    assert (plant.open_nodes(), left_over(plant)) == (["off"], [])
    plant.completes("off")
    assert plant.ended(key) is InstanceState.COMPLETED


def test_migration_keeps_events_with_their_due_times_and_adds_new_ones(plant):
    key = plant.starts(race())
    plant.passes(5)
    more = race(message("n", "N", '"k"'), wait("soon", "PT2S"), job("x"), late="PT1H",
                links=flows("g n x end", "g soon x"))  # fmt: skip
    plant.does(Deploy(process=more))
    plant.rehearses(Migrate(instance=key, target=TWO))
    plant.does(Migrate(instance=key, target=TWO))
    (act,) = plant.engine.instance(key).frames[0].acts
    assert sorted((each.node, each.due - plant.now) for each in act.timers) == [
        ("soon", 2 * SECOND), ("w", 4 * SECOND)]  # fmt: skip
    publish(plant, "N")
    assert plant.open_nodes() == ["x"]


def test_migration_takes_a_kept_message_for_a_new_event(plant):
    key = plant.starts(race())
    publish(plant, "N", time_to_live_ns=SECOND)
    plant.does(Deploy(process=race(message("n", "N", '"k"'), job("x"), links=flows("g n x end"))))
    plant.does(Migrate(instance=key, target=TWO))
    assert plant.open_nodes() == ["x"]


def test_migration_is_refused_where_an_awaited_event_is_gone_or_stands_elsewhere(plant):
    key = plant.starts(race())
    plant.does(Deploy(process=process(
        first("g"), wait("w", "PT9S"), wait("v", "PT9S"), message("m", "M", '"k"'),
        links=flows("start g w end", "g v m end"))))  # fmt: skip
    with pytest.raises(Invalid) as refused:
        plant.does(Migrate(instance=key, target=TWO))
    assert [fault.path for fault in refused.value.faults] == ["'m'"]
