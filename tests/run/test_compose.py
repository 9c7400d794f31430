import json

import bpmn_io
import msgspec
import pytest
from hypothesis import given, settings

from fabloop.base.errors import Invalid
from fabloop.base.instant import DAY, MINUTE, Instant
from fabloop.process.bpmn.compile import compile_process
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    EndEvent,
    ExclusiveGateway,
    ServiceTask,
    SubProcess,
    UserTask,
)
from fabloop.process.bpmn.read import read_bpmn
from fabloop.process.bpmn.triggers import ErrorTrigger
from fabloop.process.bpmn.write import write
from fabloop.process.cpn.document import compile_net
from fabloop.process.cpn.simulate import simulate
from fabloop.process.cpn.token import freeze
from fabloop.run.compose import compose, node_id
from fabloop.run.recipe import recipe_of
from fabloop.run.recipe_document import read_recipe
from fabloop.run.release import compose_and_verify
from run.test_recipe_document import CAR, PRINTABLE, recipes
from run.wave_gear import network, plan_in_graz, plan_over_vienna, product, vocabulary


def composed(plan, words=None):
    recipe = recipe_of(plan, product(), network())
    return compose(recipe, words or vocabulary(), process_id="wave-gear")


def cleaned_by_hand():
    """Return a vocabulary in which an operation that runs beside others is manual, too."""
    words = vocabulary()
    clean = msgspec.structs.replace(words.skills["clean"], broader="manual")
    return msgspec.structs.replace(words, skills={**words.skills, "clean": clean})


def car():
    recipe = read_recipe(json.dumps(CAR))
    return compose(recipe, process_id="car", capacities={"Welding": 2, "Assembling": 2})


def all_nodes(composition):
    nodes = list(composition.process.nodes)
    for each in nodes:
        if isinstance(each, SubProcess):
            nodes += each.nodes
    return nodes


def all_flows(composition):
    flows = list(composition.process.flows)
    for each in composition.process.nodes:
        if isinstance(each, SubProcess):
            flows += each.flows
    return flows


def node(composition, id_):
    return next(each for each in all_nodes(composition) if each.id == id_)


def flows(composition):
    return {(flow.source, flow.target) for flow in all_flows(composition)}


def page(composition, id_):
    return next(each for each in composition.nets if each.id == id_)


def test_leaves_begin_together_and_an_operation_waits_for_all_its_inputs():
    made = composed(plan_in_graz())
    assert {
        ("start", "fork"),
        ("fork", "op-mill-base"),
        ("fork", "op-mill-generator"),
    } <= flows(made)
    assert {
        ("op-mill-base", "join-assemble"),
        ("op-clean-generator", "join-assemble"),
        ("join-assemble", "op-assemble"),
    } <= flows(made)


def test_flow_ids_follow_from_their_ends():
    for flow in all_flows(composed(plan_over_vienna(), cleaned_by_hand())):
        assert flow.id == f"flow-{flow.source}-{flow.target}"


def test_a_manual_operation_becomes_a_task_for_a_person_and_a_check():
    made = composed(plan_in_graz())
    task = node(made, "op-inspect")
    assert isinstance(task, UserTask)
    assert task.candidate_groups == ("inspector",)
    check = node(made, "check-op-inspect")
    assert isinstance(check, ExclusiveGateway)
    assert check.default == "flow-check-op-inspect-rejected-op-inspect"
    rejected = node(made, "rejected-op-inspect")
    assert isinstance(rejected, EndEvent)
    assert isinstance(rejected.trigger, ErrorTrigger)
    assert rejected.trigger.code == "rejected"
    passed = next(
        f for f in all_flows(made) if (f.source, f.target) == (check.id, "judge-op-inspect-end")
    )
    assert passed.condition == "passed = true"


def test_machine_steps_are_bound_to_their_page():
    made = composed(plan_over_vienna())
    tasks = [each for each in all_nodes(made) if isinstance(each, ServiceTask)]
    assert {task.work.net for task in tasks} == {net.id for net in made.nets}
    assert node(made, "op-ream-generator").work.net == "page-op-ream-generator"


def test_every_site_and_carrier_has_a_lane_and_every_node_stands_in_one():
    made = composed(plan_over_vienna())
    assert [lane.name for lane in made.process.lanes] == ["graz", "Alpine Cargo", "vienna"]
    inside = [each for lane in made.process.lanes for each in lane.nodes]
    assert sorted(inside) == sorted(each.id for each in made.process.nodes)


def test_what_stays_in_the_plan_keeps_its_ids_in_the_process():
    here, there = composed(plan_in_graz()), composed(plan_over_vienna())
    assert {each.id for each in all_nodes(here)} <= {each.id for each in all_nodes(there)}


def caught_on(composition):
    """Return where each rejection is caught."""
    events = [e for e in composition.process.nodes if isinstance(e, BoundaryEvent)]
    assert all(each.trigger.code == "rejected" for each in events)
    assert {(each.id, "rejected") for each in events} <= flows(composition)
    return [each.attached_to for each in events]


def test_a_rejection_that_nothing_runs_beside_is_caught_around_its_task():
    assert caught_on(composed(plan_in_graz())) == ["judge-op-inspect"]


def test_a_rejection_beside_other_work_ends_all_of_it():
    made = composed(plan_in_graz(), cleaned_by_hand())
    assert caught_on(made) == ["production"]
    assert {each.id for each in made.process.nodes} == {
        "start", "production", "end", "caught-rejected", "rejected",
    }  # fmt: skip


def test_parts_are_delivered_before_a_person_is_asked():
    made = composed(plan_in_graz(), cleaned_by_hand())
    assert ("deliver-op-clean-generator", "op-clean-generator") in flows(made)
    works = [e.work for e in page(made, "page-op-clean-generator").transitions if e.work]
    assert [work.type for work in works] == ["transport"]


PLANS = pytest.mark.parametrize(
    ("plan", "words"),
    [
        (plan_in_graz(), vocabulary()),
        (plan_over_vienna(), vocabulary()),
        (plan_over_vienna(), cleaned_by_hand()),
    ],
    ids=["graz", "vienna", "cleaned by hand"],
)


@PLANS
def test_what_is_composed_of_a_plan_is_proven_sound(plan, words):
    checked = compose_and_verify(
        recipe_of(plan, product(), network()), network(), words, "wave-gear"
    )
    assert {each.name: each.verdict for each in checked.properties if each.verdict != "holds"} == {}
    assert checked.released


@PLANS
def test_what_is_composed_comes_back_from_xml_and_satisfies_an_independent_reader(plan, words):
    process = composed(plan, words).process
    assert read_bpmn(write(process))[0] == process
    report = bpmn_io.check(write(process).decode())
    assert (report.errors, report.warnings) == ([], [])


@given(recipes(PRINTABLE, steps=5, services=3))
@settings(max_examples=20, deadline=None)
def test_what_is_composed_of_any_recipe_is_proven_sound(recipe):
    assert compose_and_verify(recipe, network(), vocabulary(), "p").released


def test_jobs_carry_what_late_binding_needs():
    net = page(composed(plan_over_vienna()), "page-op-ream-generator")
    work = next(each.work for each in net.transitions if each.work)
    assert work.type == "ream"
    assert work.headers["work_unit"] == "maxxmill"
    assert work.headers["main"] == "true"
    assert work.headers["duration_ns"] == str(25 * MINUTE)
    assert json.loads(work.headers["constraints"])["position_error"] == 15e-6


def test_a_shipment_goes_by_vehicle_lane_and_vehicle():
    net = page(composed(plan_over_vienna()), "page-ship-drill-generator-ream-generator")
    works = [each.work for each in net.transitions if each.work]
    assert [work.type for work in works] == ["transport", "shipping", "transport"]
    assert works[1].headers["lane"] == "graz-vienna"
    assert [work.headers.get("work_unit") for work in works] == ["agv-graz", None, "agv-vienna"]
    assert {work.headers["operation"] for work in works} == {"ream-generator"}


def test_parts_of_an_assembly_arrive_in_any_order_and_are_joined():
    net = page(composed(plan_in_graz()), "page-op-assemble")
    kit = next(each for each in net.transitions if each.name == "kit")
    assert {take.place for take in kit.take} == {"arrived 1", "arrived 2"}
    assemble = next(each for each in net.transitions if each.name == "assemble 3")
    assert assemble.work is not None
    assert assemble.work.person


def test_pages_share_vehicles_and_leave_planned_machines_to_dispatch():
    fused = {
        net.id: {place.fusion for place in net.places if place.fusion}
        for net in composed(plan_in_graz()).nets
    }
    assert fused["page-op-drill-generator"] == {"unit:agv-graz"}
    assert fused["page-op-assemble"] == {"unit:agv-graz"}
    assert fused["page-op-mill-base"] == set()


def test_the_published_recipe_is_a_plain_sequence():
    made = car()
    assert [each.id for each in made.process.nodes] == [
        "start", "step-1", "step-2", "step-3", "end",
    ]  # fmt: skip
    assert [lane.name for lane in made.process.lanes] == ["AssemblyShop"]
    welding = {
        (place.fusion, len(place.initial), place.capacity)
        for net in made.nets
        for place in net.places
        if place.fusion == "service:Welding"
    }
    assert welding == {("service:Welding", 2, 2)}


def simulated(net, pieces=1):
    """Run a page alone with so many pieces on its entry."""
    compiled = compile_net(net)
    marking = list(compiled.initial_marking())
    names = [place.name for place in net.places]
    for number in range(pieces):
        piece = {"order": number, "operation": "o", "step": "s", "work_unit": "u"}
        marking[names.index("entry")].add(freeze(piece), Instant(0))
    run = simulate(compiled, until_ns=DAY, seed=1, marking=marking)
    return run, dict(zip(names, (len(bag) for bag in run.marking), strict=True))


def test_a_piece_leaves_each_page_after_the_planned_time_and_everything_is_free_again():
    for net in composed(plan_over_vienna()).nets:
        run, left = simulated(net)
        free = {place.name: len(place.initial) for place in net.places if place.fusion}
        planned = sum(int(each.delay) for each in net.transitions)
        assert {name: count for name, count in left.items() if count} == {"left": 1, **free}
        assert run.at == planned, net.id


def test_both_parts_of_an_assembly_wait_for_the_one_vehicle():
    run, _ = simulated(page(composed(plan_in_graz()), "page-op-assemble"))
    begun = [each.at for each in run.occurrences if each.transition.startswith("Transport")]
    assert begun == [0, 5 * MINUTE]


def test_pieces_share_the_machines_of_a_service():
    net = page(
        compose(
            read_recipe(json.dumps(CAR)), process_id="car", capacities={"Welding": 2}
        ),
        "page-2",
    )  # fmt: skip
    run, left = simulated(net, pieces=5)
    assert left["left"] == 5
    assert left["free Welding"] == 2
    assert run.ended == "dead"


def test_step_ids_that_are_no_xml_names_get_one_of_their_own():
    assert node_id("op-mill") == "op-mill"
    assert len({node_id(each) for each in ("1", "01", "a b", "a_b", "a-b", "ä")}) == 6


def test_durations_that_cannot_be_read_are_all_told():
    recipe = read_recipe(
        json.dumps({**CAR, "Steps": [{**CAR["Steps"][0], "NextStepId": "end",
                                      "Parameters": {"duration_1": "5 min", "duration_3": "x"}}]})
    )  # fmt: skip
    with pytest.raises(Invalid) as caught:
        compose(recipe, process_id="car")
    assert [fault.path for fault in caught.value.faults] == [
        "Parameters.duration_1",
        "Parameters.duration_3",
    ]


@given(recipes(PRINTABLE))
@settings(max_examples=30, deadline=None)
def test_every_recipe_composes_to_a_process_that_compiles_and_is_written(recipe):
    made = compose(recipe, process_id="p")
    compile_process(made.process, {net.id: compile_net(net) for net in made.nets}, version=1)
    assert write(made.process) == write(compose(recipe, process_id="p").process)
