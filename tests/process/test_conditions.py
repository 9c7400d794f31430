"""Conditional events: they happen when what they read makes them true, and only then."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.process import watch
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    CatchEvent,
    EndEvent,
    Mapping,
    StartEvent,
    SubProcess,
    SubProcessKind,
)
from fabloop.process.bpmn.triggers import ConditionTrigger
from fabloop.process.commands import InstanceState, ReportKpis, SetVariables
from fabloop.process.operations import ResumeInstance, SuspendInstance
from process.driver import Plant, both, first, flows, job, process, script, sub, wait


@pytest.fixture
def plant():
    return Plant()


def when(id: str, condition: str, **more: object) -> CatchEvent:  # noqa: A002
    return CatchEvent(id=id, trigger=ConditionTrigger(condition=condition), **more)


def once(id: str, host: str, condition: str, **more: object) -> BoundaryEvent:  # noqa: A002
    trigger = ConditionTrigger(condition=condition)
    return BoundaryEvent(id=id, attached_to=host, trigger=trigger, **more)


def sets(plant: Plant, key: int, **values: object) -> None:
    plant.does(SetVariables(target=key, variables=values))


def test_a_token_waits_until_its_condition_holds(plant):
    key = plant.starts(process(when("c", "temperature > 80"), links=flows("start c end")))
    sets(plant, key, temperature=70)
    sets(plant, key, other=100)
    assert plant.ended(key) is InstanceState.ACTIVE
    sets(plant, key, temperature=81)
    assert plant.ended(key) is InstanceState.COMPLETED
    assert not plant.engine.state.conditions
    assert not plant.engine.state.readers


def test_a_condition_that_holds_on_arrival_is_passed_at_once(plant):
    p = process(when("c", "n > 1"), links=flows("start c end"))
    assert plant.ended(plant.starts(p, {"n": 2})) is InstanceState.COMPLETED


def test_a_boundary_condition_that_does_not_interrupt_happens_on_each_edge(plant):
    p = process(
        job("a"),
        once("hot", "a", "t > 80", interrupting=False),
        script("count", "n + 1", "n"),
        links=flows("start a end", "hot count end"),
    )
    key = plant.starts(p, {"n": 0, "t": 90})
    for t in (95, 70, 60, 85, 99, 10):
        sets(plant, key, t=t)
    assert plant.engine.instance(key).variables["n"] == 2


def test_the_result_of_other_work_interrupts_an_activity(plant):
    p = process(both("f"), job("a"), job("b"), once("stop", "a", "broken"), job("c"),
                links=flows("start f a end", "f b end", "stop c end"))  # fmt: skip
    plant.starts(p)
    plant.completes("b", {"broken": True})
    assert plant.open_nodes() == ["c"]


def test_a_condition_reads_inner_and_outer_variables_of_its_host(plant):
    box = sub("box", job("a"), links=flows("box.s a box.e"),
              inputs=(Mapping(source="1", target="level"),))  # fmt: skip
    p = process(box, once("stop", "box", "level > limit"), links=flows("start box end", "stop end"))
    key = plant.starts(p, {"limit": 5})
    frame = plant.engine.instance(key).frames[1].key
    sets(plant, frame, level=4)
    assert plant.ended(key) is InstanceState.ACTIVE
    sets(plant, key, limit=3)
    assert plant.ended(key) is InstanceState.COMPLETED


def test_locals_of_a_job_are_read(plant):
    p = process(job("a"), once("stop", "a", "progress > 9"), links=flows("start a end", "stop end"))
    key = plant.starts(p)
    sets(plant, plant.job("a").key, progress=10)
    assert plant.ended(key) is InstanceState.COMPLETED


def test_the_first_of_several_events_may_be_a_condition(plant):
    p = process(first("g"), when("c", "n > 1"), wait("w", "PT5S"), job("a"), job("b"),
                links=flows("start g c a end", "g w b end"))  # fmt: skip
    key = plant.starts(p, {"n": 0})
    sets(plant, key, n=2)
    assert plant.open_nodes() == ["a"]


def test_kpis_are_read_by_those_who_read_them_only(plant, monkeypatch):
    looked: list[int] = []
    real = watch.recheck
    monkeypatch.setattr("fabloop.process.walk.recheck", lambda s, k: (looked.append(k), real(s, k)))
    plant.does(ReportKpis(values={"oee": 0.9, "scrap": 0.0}))
    for name in ("oee", "scrap"):
        p = process(when("c", f"kpi.{name} > 0.95"), links=flows("start c end"), id=name)
        plant.starts(p)
    looked.clear()
    plant.does(ReportKpis(values={"scrap": 0.5, "other": 1}))
    assert len(looked) == 1
    plant.does(ReportKpis(values={"oee": 0.99}))
    assert len(plant.engine.instances()) == 1


def test_an_event_sub_process_is_begun_by_a_condition(plant):
    box = SubProcess(
        id="box", kind=SubProcessKind.EVENT,
        nodes=(StartEvent(id="hot", trigger=ConditionTrigger(condition="t > kpi.limit")),
               job("cool"), EndEvent(id="done")),
        flows=flows("hot cool done"),
    )  # fmt: skip
    plant.does(ReportKpis(values={"limit": 80}))
    key = plant.starts(process(job("a"), box, links=flows("start a end")), {"t": 20})
    sets(plant, key, t=90)
    assert plant.open_nodes() == ["cool"]


def test_what_changed_while_an_instance_was_suspended_is_looked_at_when_it_goes_on(plant):
    key = plant.starts(process(when("c", "kpi.oee < 0.5 and n = 1"), links=flows("start c end")))
    plant.does(SuspendInstance(instance=key))
    plant.does(ReportKpis(values={"oee": 0.4}))
    sets(plant, key, n=1)
    assert plant.ended(key) is InstanceState.ACTIVE
    plant.does(ResumeInstance(instance=key))
    assert plant.ended(key) is InstanceState.COMPLETED


@pytest.mark.parametrize("condition", ["n", "missing.path > 3", '"text"', "1 / 0 > 3"])
def test_what_is_not_true_is_taken_for_false(plant, condition):
    key = plant.starts(process(when("c", condition), links=flows("start c end")), {"n": 1})
    assert plant.at_nodes(key) == ["c"]
    assert not plant.engine.incidents(key)


CONDITIONS = ("x > 2", "x > y", "y + kpi.k > 4", "kpi.k = x", "x > 0 and kpi.j > 1", "count > 3")
CHANGES = st.lists(
    st.tuples(st.sampled_from(["x", "y", "kpi.k", "kpi.j", "box"]), st.integers(0, 4)),
    min_size=1, max_size=12,
)  # fmt: skip


def watched() -> object:
    counts = [script(f"s{n}", "count + 1", "count") for n in range(len(CONDITIONS))]
    events = [once(f"e{n}", "box", text, interrupting=False) for n, text in enumerate(CONDITIONS)]
    ends = [f"e{n} s{n} end" for n in range(len(CONDITIONS))]
    box = sub("box", job("a"), once("in", "a", "x < y", interrupting=False),
              script("inner", "count + 10", "count"),
              links=flows("box.s a box.e", "in inner box.e"),
              inputs=(Mapping(source="0", target="y"),))  # fmt: skip
    return process(box, *events, *counts, links=flows("start box end", *ends))


@settings(max_examples=40, deadline=None)
@given(changes=CHANGES)
def test_looking_at_what_changed_is_as_good_as_looking_at_everything(changes):
    """The model looks at every condition after every change, whatever it reads."""
    counted = []
    for naive in (False, True):
        plant = Plant()
        key = plant.starts(watched(), {"x": 0, "y": 1, "count": 0})
        frame = plant.engine.instance(key).frames[1].key
        for name, value in changes:
            if naive:
                _look_at_all(plant)
            if name.startswith("kpi."):
                plant.does(ReportKpis(values={name[4:]: value}))
            elif name == "box":
                sets(plant, frame, y=value)
            else:
                sets(plant, key, **{name: value})
            if naive:
                _look_at_all(plant)
        held = [each.holds for each in plant.engine.state.conditions.values()]
        counted.append((plant.engine.instance(key).variables, held))
    assert counted[0] == counted[1]


def _look_at_all(plant: Plant) -> None:
    """Check that no condition differs from what it was last found to be."""
    state = plant.engine.state
    for key, condition in state.conditions.items():
        act = state.acts[condition.act]
        event = watch.event_of(state, act, condition.node)
        now = watch.holds(event.action.trigger, state, watch.seen_at(state, act), plant.now)
        assert now == condition.holds, key
