from app.pictures.reading import outside, signs, titles, words
from fabloop.app.pictures import Version, change_picture, process_picture
from fabloop.app.pictures.change import changed_nodes
from fabloop.process.bpmn.model import (
    BpmnProcess,
    ManualTask,
    MultiInstance,
    SequenceFlow,
    StandardLoop,
    StartEvent,
    SubProcess,
    SubProcessKind,
)
from fabloop.process.bpmn.triggers import TimerTrigger
from fabloop.run.compose import compose
from fabloop.run.recipe import recipe_of
from process.bpmn.test_write import everything
from run.wave_gear import network, plan_in_graz, plan_over_vienna, product, vocabulary


def version(plan):
    made = compose(recipe_of(plan, product(), network()), vocabulary(), process_id="gear")
    return Version(plan=plan, process=made.process)


HERE, THERE = version(plan_in_graz()), version(plan_over_vienna())


def test_every_node_of_every_kind_is_drawn_with_its_name():
    made = everything()
    told = titles(process_picture(made))
    for node in made.nodes:
        assert (node.name or node.id) in told
    assert {"Part ready", "Broken"} <= set(told)


def test_states_show_as_sign_and_word():
    svg = process_picture(HERE.process, states={"op-mill-base": "running", "start": "done"})
    assert "Mill base: running" in titles(svg)
    assert "Order released: done" in titles(svg)
    assert signs(svg) == ["done", "running", "done", "running"]  # nodes, then the legend
    assert words(svg).count("running") == 2


def test_a_state_without_a_sign_of_its_own_is_still_told():
    svg = process_picture(HERE.process, states={"op-mill-base": "suspended"})
    assert "Mill base: suspended" in titles(svg)
    assert signs(svg) == ["other"]


def test_ids_that_the_process_does_not_have_are_ignored():
    assert process_picture(HERE.process, states={"gone": "done"}) == process_picture(HERE.process)


def test_a_process_without_a_diagram_is_laid_out():
    made = everything()
    bare = type(made)(id=made.id, name=made.name, nodes=made.nodes, flows=made.flows,
                      lanes=made.lanes)  # fmt: skip
    assert process_picture(bare) == process_picture(made)


def test_conditions_are_told_on_their_flow():
    assert "passed: passed = true" in titles(process_picture(HERE.process))


def test_a_change_names_what_is_added_and_moved():
    changes = changed_nodes(HERE, THERE)
    assert changes["ship-drill-generator-ream-generator"] == "added"
    assert changes["op-ream-generator"] == "moved"
    assert "op-mill-base" not in changes


def test_a_change_backwards_names_what_is_removed():
    changes = changed_nodes(THERE, HERE)
    assert changes["ship-ream-generator-clean-generator"] == "removed"


def test_removed_nodes_are_marked_before_and_added_ones_after():
    svg = change_picture(THERE, HERE, product(), network())
    assert signs(svg).count("removed") == 2 + 1  # two shipments and the legend
    assert "added" not in signs(svg)
    assert outside(svg) == []
    assert {"Plan before", "Plan after", "Process before", "Process after"} <= set(words(svg))


def test_no_change_marks_nothing_in_the_processes():
    assert changed_nodes(HERE, HERE) == {}


def test_how_an_activity_is_carried_out_shows_as_bpmn_draws_it():
    def drawn(**more):
        task = ManualTask(id="t", **more)
        links = (SequenceFlow(id="f", source="s", target="t"),)
        return process_picture(BpmnProcess(id="p", nodes=(StartEvent(id="s"), task), flows=links))

    plain = drawn()
    marked = [
        drawn(loop=MultiInstance(cardinality="2")),
        drawn(loop=MultiInstance(cardinality="2", sequential=True)),
        drawn(loop=StandardLoop(condition="x")),
        drawn(for_compensation=True),
    ]
    assert len({plain, *marked}) == 5
    assert all(each.count("<path") > plain.count("<path") for each in marked)


def test_what_does_not_interrupt_and_what_responds_is_dashed():
    def drawn(kind, *, interrupting):
        begins = StartEvent(
            id="on", trigger=TimerTrigger(duration="PT1S"), interrupting=interrupting
        )
        inner = SubProcess(id="sub", kind=kind, nodes=(begins,), flows=())
        return process_picture(BpmnProcess(id="p", nodes=(StartEvent(id="s"), inner), flows=()))

    dashed = "<g stroke-dasharray="
    assert dashed not in drawn(SubProcessKind.EMBEDDED, interrupting=True)
    assert drawn(SubProcessKind.EVENT, interrupting=True).count(dashed) == 1
    assert drawn(SubProcessKind.EVENT, interrupting=False).count(dashed) == 2
