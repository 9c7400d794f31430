"""A process that runs is repaired, goes on by the repair, and can be taken back."""

import pytest
from msgspec.structs import replace

from adapt.repair.bakery import (
    action,
    actions,
    baking,
    burnt,
    domain,
    shop_floor,
    situation,
    so,
    work,
)
from fabloop.adapt.repair.domain import Step
from fabloop.adapt.repair.enact import compensation, enact, undo
from fabloop.adapt.repair.fragment import steps_of
from fabloop.adapt.repair.proposal import NoRepair, NotNeeded, Proposal
from fabloop.adapt.repair.propose import repair
from fabloop.adapt.repair.reality import after, unmet
from fabloop.adapt.repair.rehearse import rehearse
from fabloop.adapt.repair.remaining import Place
from fabloop.adapt.repair.task import counted
from fabloop.adapt.repair.weave import How
from fabloop.base.errors import Invalid
from fabloop.process.bpmn.model import ParallelGateway, SubProcess
from fabloop.process.commands import InstanceState
from process.driver import Plant, flows, job, process

BUDGET = 20_000


@pytest.fixture
def plant():
    return Plant()


def at_toppings(plant):
    key = plant.starts(baking())
    plant.completes("cook")
    return situation(instance=key)


def enters(plant, enactment):
    target = plant.does(enactment.deploy).key
    for request, command in enactment.commands(target):
        plant.does(command, request=request)


def carries_out(plant, situation, option, physical):
    """Complete the jobs of a repair as they come, checking what each needs; return what is so."""
    by_node = {f"{option.id}-{n}": step for n, step in enumerate(option.course.steps, 1)}
    reality = dict(physical)
    while any(each.node in by_node for each in plant.engine.jobs()):
        view = next(each for each in plant.engine.jobs() if each.node in by_node)
        step = by_node[view.node]
        known = situation.domain.action(step.action)
        requires = [bind(each, step.values) for each in known.requires]
        assert unmet(requires, reality) == ()
        assert {f"?{k}": v for k, v in view.variables.items() if f"?{k}" in step.values} == (
            step.values
        )
        reality = after(reality, [bind(each, step.values) for each in known.effects])
        plant.completes(view.node)
    return reality


def bind(literal, values):
    return replace(literal, arguments=tuple(values.get(a, a) for a in literal.arguments),
                   value=values.get(literal.value, literal.value)
                   if isinstance(literal.value, str) else literal.value)  # fmt: skip


def test_a_burnt_batch_is_recovered_before_the_toppings(plant):
    asked = at_toppings(plant)
    answer = repair(asked, counted(BUDGET))
    assert isinstance(answer, Proposal)
    best = answer.options[0]
    assert best.spot.how is How.BEFORE
    assert all(each.verdict == "holds" for each in best.properties)
    assert best.id in best.changes.added
    assert best.changes.removed == ()
    enters(plant, enact(best, asked))
    assert "top" not in plant.open_nodes()
    reality = carries_out(plant, asked, best, asked.physical)
    assert plant.open_nodes() == ["top"]
    plant.completes("top")
    plant.completes("pack")
    assert plant.ended(asked.instance) is InstanceState.COMPLETED
    assert reality["baked", "b1"] is True
    assert reality["burnt", "b1"] is False


def test_new_instances_go_by_the_process_as_it_was(plant):
    asked = at_toppings(plant)
    best = repair(asked, counted(BUDGET)).options[0]
    enters(plant, enact(best, asked))
    assert plant.engine.definition("baking").version == 1
    assert plant.engine.instance(asked.instance).definition.id == "baking.r1.1"


def test_alternatives_differ_and_say_what_they_cost(plant):
    answer = repair(at_toppings(plant), counted(BUDGET))
    used = [{step.action for step in each.course.steps} for each in answer.options]
    assert any("bakery.cook" in each for each in used)
    assert any("oven.repair" in each for each in used)
    assert len({(each.course.key, each.spot) for each in answer.options}) == len(answer.options)
    for each in answer.options:
        assert each.reasons[0].details["cost_minor"] == str(each.cost_minor)


def test_reasons_name_who_needs_what(plant):
    answer = repair(at_toppings(plant), counted(BUDGET))
    assert [(each.subject, each.details["condition"]) for each in answer.reasons] == [
        ("top", "burnt(b1) = false")
    ]


def test_what_does_not_matter_for_the_rest_is_tolerated():
    dirty = shop_floor() | {("dirty", "oven-1"): True, ("works", "oven-1"): False}
    answer = repair(situation(physical=dirty), counted(BUDGET))
    assert isinstance(answer, NotNeeded)
    assert [each.atom for each in answer.differences] == [
        ("dirty", "oven-1"),
        ("works", "oven-1"),
    ]


def test_what_a_later_step_brings_about_itself_is_no_need():
    unpacked = shop_floor() | {("topped", "b1"): False}
    assert isinstance(repair(situation(physical=unpacked), counted(BUDGET)), NotNeeded)


def test_no_way_out_is_an_answer_with_its_reason():
    few = replace(domain(), actions=tuple(e for e in actions() if e.name != "waste.discard"))
    answer = repair(situation(domain=few), counted(BUDGET))
    assert isinstance(answer, NoRepair)
    assert answer.proven
    assert answer.why == "nothing brings about 'burnt(b1) = false'"


def test_no_budget_is_no_repair_and_no_hang():
    answer = repair(situation(), lambda: 0.0)
    assert isinstance(answer, NoRepair)
    assert not answer.proven


def test_what_the_engine_objects_to_is_rejected_and_the_next_is_offered(plant):
    asked = at_toppings(plant)
    first = repair(asked, counted(BUDGET)).options[0]

    def tried(option):
        if option.course.key == first.course.key:
            return "the bakery has closed"
        return rehearse(option, asked, plant.engine, plant.now)

    before = plant.engine.state == plant.replica.state
    answer = repair(asked, counted(BUDGET), tried=tried)
    assert before
    assert plant.engine.state == plant.replica.state
    assert [each.why for each in answer.rejected][:1] == ["the bakery has closed"]
    assert answer.options
    assert answer.options[0].course.key != first.course.key


def test_a_rehearsal_finds_a_plan_that_reality_has_overtaken(plant):
    asked = at_toppings(plant)
    best = repair(asked, counted(BUDGET)).options[0]
    closed = replace(asked, physical={**asked.physical, ("open", "nearby"): False})
    assert "begins without 'open(nearby) = true'" in rehearse(best, closed, plant.engine, plant.now)
    assert rehearse(best, asked, plant.engine, plant.now) == ""
    assert plant.engine.state == plant.replica.state


def courier_story(plant):
    """Return a process in which the courier must know before packing, but not before toppings."""
    drawn = process(
        job("invoice"), job("pack"), links=flows("start invoice pack end"), id="packing"
    )
    key = plant.starts(drawn)
    values = {"?b": "b1"}
    done = {
        "invoice": Step(action="office.invoice"),
        "pack": Step(action="line.pack", values=values),
    }
    ready = shop_floor() | {("topped", "b1"): True}
    return situation(
        instance=key,
        process=drawn,
        places=(Place(node="invoice", again=False),),
        work=done,
        expected=ready,
        physical=ready | {("told", "b1"): False},
    )


def test_what_nobody_waits_for_yet_goes_on_beside_the_work(plant):
    asked = courier_story(plant)
    answer = repair(asked, counted(BUDGET))
    best = answer.options[0]
    assert best.spot.how is How.BESIDE
    assert best.delay_ns == 0
    enters(plant, enact(best, asked))
    assert plant.open_nodes() == ["invoice", "r1.1-1"]
    plant.completes("invoice")
    assert "pack" not in plant.open_nodes()
    carries_out(plant, asked, best, asked.physical)
    plant.completes("pack")
    assert plant.ended(asked.instance) is InstanceState.COMPLETED


def cooking(plant):
    """Return an instance that is about to cook in an oven that has broken down."""
    key = plant.starts(baking())
    ready = {name: value for name, value in shop_floor().items() if name[0] != "baked"} | {
        ("dough", "b1"): True,
        ("paper", "b1"): True,
    }
    values = {"?b": "b1", "?o": "oven-1", "?p": "home"}
    return situation(
        instance=key,
        places=(Place(node="cook"),),
        work=work() | {"cook": Step(action="oven.cook", values=values)},
        expected=ready,
        physical=ready | {("works", "oven-1"): False},
    )


def test_a_step_is_replaced_where_another_way_is_cheaper(plant):
    asked = cooking(plant)
    answer = repair(asked, counted(BUDGET))
    best = answer.options[0]
    assert best.spot.how is How.INSTEAD
    assert best.spot.nodes[0] == "cook"
    assert best.saved_minor > 0
    enters(plant, enact(best, asked))
    assert "cook" not in plant.open_nodes()
    reality = carries_out(plant, asked, best, asked.physical)
    assert reality["baked", "b1"] is True
    while plant.engine.jobs():
        plant.completes(plant.open_nodes()[0])
    assert plant.ended(asked.instance) is InstanceState.COMPLETED


def test_a_repair_is_taken_back_with_what_it_has_done(plant):
    asked = at_toppings(plant)
    best = repair(asked, counted(BUDGET)).options[0]
    enters(plant, enact(best, asked))
    done = []
    for wanted in ("waste.discard", "mixer.dough"):
        number = next(n for n, s in enumerate(best.course.steps, 1) if s.action == wanted)
        done.append(f"{best.id}-{number}")
        plant.completes(done[-1])
    back = undo(best, asked, done)
    assert [step.action for step in back.course.steps] == ["waste.dough"]
    assert [each.step.action for each in back.lasting] == ["waste.discard"]
    enters(plant, back.enactment)
    assert plant.open_nodes() == ["r1.1.back-1"]
    plant.completes("r1.1.back-1")
    assert plant.open_nodes() == ["top"]


def test_a_repair_that_has_done_nothing_leaves_no_trace(plant):
    asked = at_toppings(plant)
    best = repair(asked, counted(BUDGET)).options[0]
    enters(plant, enact(best, asked))
    enters(plant, undo(best, asked, ()).enactment)
    assert plant.open_nodes() == ["top"]
    assert plant.engine.instance(asked.instance).definition.id == "baking"


def test_steps_at_the_same_time_are_drawn_as_such(plant):
    best = repair(at_toppings(plant), counted(BUDGET)).options[0]
    fragment = next(e for e in best.woven.process.nodes if isinstance(e, SubProcess))
    assert any(isinstance(each, ParallelGateway) for each in fragment.nodes)
    assert set(best.woven.process.diagram.shapes) >= {each.id for each in fragment.nodes}


def test_a_goal_of_the_whole_is_repaired_as_well():
    free = situation(work={}, goals=(so("packed", "b1"),), places=(Place(node="pack"),))
    answer = repair(free, counted(BUDGET))
    assert isinstance(answer, Proposal)
    assert answer.reasons[0].details["condition"] == "packed(b1) = true"


def test_an_option_that_takes_too_long_comes_last_and_says_so():
    asked = situation(time_left_ns=160 * 60_000_000_000, physical=burnt())
    answer = repair(asked, counted(BUDGET))
    late = [each.late for each in answer.options]
    assert late == sorted(late)
    assert any(late)
    assert all(
        any(reason.code == "too-slow" for reason in each.reasons) is each.late
        for each in answer.options
    )


def test_every_fault_of_a_situation_is_told():
    values = {"?b": "oven-1"}
    odd = situation(
        repair="7 burnt",
        places=(Place(node="topp"),),
        work={"top": Step(action="line.topping", values=values), "pack": Step(action="line.pak")},
        goals=(so("baked", "?b"),),
        tokens=("b77",),
    )
    with pytest.raises(Invalid) as caught:
        repair(odd, counted(BUDGET))
    assert [(each.path, each.found) for each in caught.value.faults] == [
        ("repair", "'7 burnt'"),
        ("places", "'topp'"),
        ("work of 'top' ?b", "'oven-1'"),
        ("work of 'pack'", "'line.pak'"),
        ("goals", "'baked(?b) = true'"),
        ("tokens", "'b77'"),
    ]


def test_two_deviations_at_once_are_repaired_together(plant):
    asked = at_toppings(plant)
    both = replace(asked, physical={**asked.physical, ("told", "b1"): False})
    answer = repair(both, counted(BUDGET))
    assert [each.details["condition"] for each in answer.reasons] == [
        "burnt(b1) = false",
        "told(b1) = true",
    ]
    assert {"courier.tell", "waste.discard"} <= {e.action for e in answer.options[0].course.steps}


def test_a_repair_that_goes_wrong_itself_is_repaired(plant):
    asked = at_toppings(plant)
    first = repair(asked, counted(BUDGET)).options[0]
    enters(plant, enact(first, asked))
    tasks = steps_of(first.course, first.id)
    reality = dict(asked.physical)
    while not any(step.action == "bakery.cook" for step in map(tasks.get, plant.open_nodes())):
        node = plant.open_nodes()[0]
        known = asked.domain.action(tasks[node].action)
        reality = after(reality, [bind(each, tasks[node].values) for each in known.effects])
        plant.completes(node)
    (here,) = plant.open_nodes()
    again = replace(
        asked,
        repair="r2",
        process=first.woven.process,
        places=(Place(node=here),),
        work=asked.work | tasks,
        expected=reality,
        physical=reality | {("works", "oven-2"): False, ("works", "oven-1"): True},
    )
    answer = repair(again, counted(BUDGET))
    assert isinstance(answer, Proposal), answer
    second = answer.options[0]
    assert rehearse(second, again, plant.engine, plant.now) == ""
    enters(plant, enact(second, again))
    reality = carries_out(plant, again, second, again.physical)
    for node in (n for n in list(tasks) for _ in range(1) if n in plant.open_nodes()):
        known = asked.domain.action(tasks[node].action)
        assert unmet([bind(e, tasks[node].values) for e in known.requires], reality) == ()


def test_a_repair_beside_running_work_is_taken_back_without_touching_it(plant):
    asked = courier_story(plant)
    best = repair(asked, counted(BUDGET)).options[0]
    enters(plant, enact(best, asked))
    enters(plant, undo(best, asked, ()).enactment)
    assert plant.open_nodes() == ["invoice"]
    plant.completes("invoice")
    assert plant.open_nodes() == ["pack"]


def test_what_a_repair_has_done_is_compensated_after_it_is_over(plant):
    asked = at_toppings(plant)
    best = repair(asked, counted(BUDGET)).options[0]
    enters(plant, enact(best, asked))
    carries_out(plant, asked, best, asked.physical)
    done = steps_of(best.course, best.id)
    back = undo(best, asked, done, at="top")
    assert [step.action for step in back.course.steps] == ["waste.dough"]
    assert len(back.lasting) == len(done) - 1
    enters(plant, back.enactment)
    assert plant.open_nodes() == ["r1.1.back-1"]
    plant.completes("r1.1.back-1")
    plant.completes("top")
    plant.completes("pack")
    assert plant.ended(asked.instance) is InstanceState.COMPLETED


def test_the_last_thing_done_is_the_first_to_be_compensated():
    values = {"?b": "b1"}
    whole = domain()
    folded = replace(
        whole,
        actions=(
            *(
                replace(each, compensation="fold.back") if each.name == "printer.paper" else each
                for each in whole.actions
            ),
            action("fold.back", {"b": "batch"}, [], [so("dough", "?b", value=False)]),
        ),
    )
    steps = (
        Step(action="mixer.dough", values=values | {"?m": "mixer-1"}),
        Step(action="printer.paper", values=values),
    )
    course, lasting = compensation(steps, folded)
    assert [each.action for each in course.steps] == ["fold.back", "waste.dough"]
    assert course.waits_for == ((), (0,))
    assert lasting == ()


def test_commands_that_are_asked_for_again_after_a_crash_do_no_harm(plant):
    asked = at_toppings(plant)
    enactment = enact(repair(asked, counted(BUDGET)).options[0], asked)
    enters(plant, enactment)
    open_before = plant.open_nodes()
    enters(plant, enactment)
    assert plant.open_nodes() == open_before
