"""Inclusive gateways: every flow that holds, and a join that waits for what can still come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.process.bpmn.compile import compile_process
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
    ThrowError,
    TokenAt,
)
from fabloop.process.definition import DefinitionKey
from process.driver import (
    Plant,
    both,
    error,
    first,
    flows,
    job,
    message,
    process,
    script,
    some,
    sub,
    timer,
    wait,
    xor,
)


@pytest.fixture
def plant():
    return Plant()


def fork(*more, join="j", links=()):
    return process(
        some("f", default="f-c"), job("a"), job("b"), job("c"), some(join), job("after"), *more,
        links=(*flows("start f", f"f a {join}: n > 0", f"f b {join}: n > 1", f"f c {join}",
                      f"{join} after end"), *links),
    )  # fmt: skip


@pytest.mark.parametrize(("n", "taken"), [(0, ["c"]), (1, ["a"]), (2, ["a", "b"])])
def test_it_takes_every_flow_that_holds_else_the_default(plant, n, taken):
    plant.starts(fork(), {"n": n})
    assert plant.open_nodes() == taken


@pytest.mark.parametrize("n", [0, 1, 2])
def test_the_join_waits_for_the_tokens_that_were_sent_and_no_others(plant, n):
    key = plant.starts(fork(), {"n": n})
    for node in plant.open_nodes():
        assert "after" not in plant.open_nodes()
        plant.completes(node)
    assert plant.open_nodes() == ["after"]
    plant.completes("after")
    assert plant.ended(key) is InstanceState.COMPLETED
    assert [each.node for each in plant.told(NodeCompleted)].count("j") == 1


def test_a_condition_without_a_truth_value_asks_for_a_person(plant):
    key = plant.starts(fork(), {})
    (incident,) = plant.engine.incidents(key)
    assert incident.kind == "condition"
    assert "true or false" in incident.text
    plant.does(SetVariables(target=key, variables={"n": 2}))
    plant.does(ResolveIncident(incident=incident.key))
    assert plant.open_nodes() == ["a", "b"]


def test_without_a_default_one_condition_must_hold(plant):
    p = process(
        some("f"), job("a"), job("b"), links=flows("start f", "f a end: n > 0", "f b end: n > 1")
    )
    key = plant.starts(p, {"n": 0})
    assert [each.kind for each in plant.engine.incidents(key)] == ["no flow"]


def test_a_token_that_turns_away_behind_the_split_is_not_waited_for_any_more(plant):
    p = process(
        both("f"), job("a"), job("b"), xor("x", default="x-elsewhere"), job("elsewhere"),
        some("j"), job("after"),
        links=flows("start f a j after end", "f b x elsewhere end", "x j: back"),
    )  # fmt: skip
    plant.starts(p, {"back": False})
    plant.completes("a")
    assert plant.open_nodes() == ["b"]
    plant.completes("b")
    assert plant.open_nodes() == ["after", "elsewhere"]


def test_an_activity_is_waited_for_as_long_as_an_event_on_its_boundary_leads_to_the_join(plant):
    box = sub("box", job("w"), links=flows("box.s w box.e"))
    p = process(
        both("f"), job("a"), box, timer("t", "box", "PT9S"), error("e", "box", "E"), some("j"),
        job("after"), links=flows("start f a j after end", "f box end", "t j", "e j"),
    )  # fmt: skip
    plant.starts(p)
    plant.completes("a")
    assert plant.open_nodes() == ["w"]
    plant.does(ThrowError(job=plant.job("w").key, code="E"))
    assert plant.open_nodes() == ["after"]


def test_events_that_race_are_waited_for_until_one_leads_away(plant):
    p = process(
        both("f"), job("a"), first("g"), wait("w", "PT5S"), message("m", "M", '"k"'), some("j"),
        job("after"), links=flows("start f a j after end", "f g w j", "g m end"),
    )  # fmt: skip
    plant.starts(p)
    plant.completes("a")
    assert plant.open_nodes() == []
    plant.does(PublishMessage(name="M", correlation_key="k"))
    assert plant.open_nodes() == ["after"]


def test_a_loop_back_to_an_inclusive_gateway_runs_until_its_condition_ends_it(plant):
    p = process(
        some("head"), some("f"), script("a", "i + 1", "i"), job("b"), some("j"),
        xor("again", default="again-head"),
        links=flows("start head f", "f a j again head: true", "f b j: i = 2",
                    "again end: i >= 4"),
    )  # fmt: skip
    key = plant.starts(p, {"i": 0})
    assert plant.open_nodes() == ["b"]
    assert plant.engine.instance(key).variables == {"i": 3}
    plant.completes("b")
    assert plant.result(key) == {"i": 4}


def test_two_tokens_on_one_flow_are_merged_one_at_a_time(plant):
    p = process(
        both("f"), job("a"), job("b"), xor("m"), some("j"), job("c"), job("after"),
        links=flows("start f a m j after end", "f b m", "f c j"),
    )  # fmt: skip
    key = plant.starts(p)
    plant.completes("a")
    plant.completes("b")
    assert plant.engine.instance(key).frames[0].tokens == {"m-j": 2}
    plant.completes("c")
    assert plant.open_nodes() == ["after", "after"]


def test_joins_that_wait_for_each_other_ask_for_a_person_who_can_move_a_token(plant):
    p = process(
        both("f"), some("j"), some("k"), xor("x", default="x-m"), xor("y", default="y-m"), xor("m"),
        links=flows("start f j x m end", "f k y m", "x k: false", "y j: false"),
    )  # fmt: skip
    key = plant.starts(p)
    (incident,) = plant.engine.incidents(key)
    assert incident.kind == "deadlock"
    frame = plant.engine.instance(key).frames[0]
    assert frame.tokens == {"f-j": 1, "f-k": 1}
    spot = TokenAt(frame=frame.key, flow="f-j")
    plant.does(Modify(instance=key, move=(Move(spot=spot, node="m"),)))
    assert plant.ended(key) is InstanceState.COMPLETED


def test_cancelling_what_was_waited_for_lets_the_join_go_on(plant):
    key = plant.starts(fork(), {"n": 2})
    plant.completes("a")
    (act,) = plant.engine.instance(key).frames[0].acts
    plant.does(Modify(instance=key, cancel=(ActAt(key=act.key),)))
    assert plant.open_nodes() == ["after"]


def test_a_retry_that_leads_away_lets_the_join_go_on(plant):
    p = process(
        both("f"), job("a"), xor("x", default="x-j"), job("elsewhere"), some("j"), job("after"),
        links=flows("start f a j after end", "f x", "x elsewhere end: away", "x j"),
    )  # fmt: skip
    key = plant.starts(p, {"away": None})
    plant.completes("a")
    (incident,) = plant.engine.incidents(key)
    plant.does(SetVariables(target=key, variables={"away": True}))
    plant.does(ResolveIncident(incident=incident.key))
    assert plant.open_nodes() == ["after", "elsewhere"]


def test_waiting_tokens_migrate_and_the_join_is_looked_at_anew(plant):
    key = plant.starts(fork(), {"n": 2})
    plant.completes("a")
    apart = process(
        some("f", default="f-c"), job("a"), job("b"), job("c"), some("j"), job("after"), job("d"),
        links=flows("start f", "f a j after end: n > 0", "f b d end: n > 1", "f c j"),
    )  # fmt: skip
    plant.does(Deploy(process=apart))
    plant.rehearses(Migrate(instance=key, target=DefinitionKey("p", 2)))
    plant.does(Migrate(instance=key, target=DefinitionKey("p", 2)))
    assert plant.open_nodes() == ["after", "b"]


@given(edges=st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=18))
def test_the_masks_tell_from_where_a_flow_is_reached_without_passing_the_gateway(edges):
    nodes = [job(f"n{n}") for n in range(6)] + [some("n6")]
    links = flows("start n0", "n5 n6", "n4 n6", *(f"n{a} n{b}" for a, b in sorted(edges)), "n0 end")
    definition = compile_process(process(*nodes, links=links), {}, 1)
    (merge,) = definition.scopes[0].merges
    ahead = {n: {definition.flows[f].target for f in definition.nodes[n].outgoing}
             for n in definition.scopes[0].nodes}  # fmt: skip
    for flow, mask in merge.reach.items():
        last = definition.flows[flow].source
        for number in definition.scopes[0].nodes:
            seen, waiting = set(), {number} - {merge.node}
            while waiting:
                seen |= waiting
                waiting = set().union(*(ahead[n] for n in waiting)) - seen - {merge.node}
            assert bool(mask >> number & 1) == (last in seen)
