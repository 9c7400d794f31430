"""Multi-instance activities and standard loops: what runs, what is collected, what ends them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Conflict, Invalid
from fabloop.process.bpmn.model import (
    AdHoc,
    BusinessRuleTask,
    Mapping,
    MultiInstance,
    ReceiveTask,
    SendTask,
    StandardLoop,
    SubProcess,
    Task,
)
from fabloop.process.bpmn.triggers import MessageTrigger
from fabloop.process.commands import (
    ActAt,
    Activate,
    AdvanceTo,
    CompleteJob,
    Deploy,
    InstanceState,
    JobCancelled,
    Migrate,
    Modify,
    NodeCompleted,
    PublishMessage,
    ResolveIncident,
    SetVariables,
    StartInstance,
    ThrowError,
)
from fabloop.process.definition import DefinitionKey
from fabloop.process.deltas import decode_body
from fabloop.process.events import next_due
from fabloop.process.operations import ResumeInstance, SuspendInstance
from fabloop.process.round_deltas import RoundOpened
from fabloop.process.rounds import ROUNDS_MAX
from fabloop.process.snapshot import read_snapshot, write_snapshot
from fabloop.process.step import INSTRUCTIONS_PER_TRIGGER_MAX, ROUNDS_PER_COMMAND_MAX
from process.driver import (
    Plant,
    both,
    call,
    error,
    flows,
    hear,
    job,
    page,
    person,
    process,
    script,
    sub,
    tell,
    timer,
)
from process.test_decide import discount
from process.test_pages import station

COME = MessageTrigger(name="M", correlation_key='"k"')


def each(collection: str = "parts", **more: object) -> MultiInstance:
    """Return a loop over parts that collects what is made of them."""
    return MultiInstance(
        collection=collection, element="part", output_collection="all", output_element="made",
        **more,
    )  # fmt: skip


def alone(node, *more, links: tuple[str, ...] = ()):
    return process(node, *more, links=flows(f"start {node.id} end", *links))


def finish_all(plant: Plant, made=lambda part: part * 10) -> None:
    for each_job in plant.engine.jobs():
        done = {"made": made(each_job.variables["part"])}
        plant.does(CompleteJob(job=each_job.key, variables=done))


# -- multi-instance -----------------------------------------------------------------------------


@pytest.mark.parametrize("sequential", [False, True])
def test_every_item_gets_a_round_and_results_stand_in_the_order_of_the_items(sequential):
    plant = Plant()
    key = plant.starts(alone(job("a", loop=each(sequential=sequential))), {"parts": [3, 1, 2]})
    assert len(plant.engine.jobs()) == (1 if sequential else 3)
    while jobs := plant.engine.jobs():
        last = jobs[-1]
        assert last.node == "a"
        done = {"made": last.variables["part"] * 10}
        plant.does(CompleteJob(job=last.key, variables=done))
    assert plant.result(key) == {"parts": [3, 1, 2], "all": [30, 10, 20]}
    assert [told.node for told in plant.told(NodeCompleted)].count("a") == 1


@pytest.mark.parametrize("sequential", [False, True])
def test_rounds_see_their_number_and_a_count_can_stand_for_items(sequential):
    plant = Plant()
    loop = MultiInstance(sequential=sequential, cardinality="n + 1", output_collection="seen",
                         output_element="loopCounter")  # fmt: skip
    key = plant.starts(alone(script("s", "1", "one", loop=loop)), {"n": 3})
    assert plant.result(key)["seen"] == [1, 2, 3, 4]


@pytest.mark.parametrize("collection", ["[]", "for x in [] return x"])
def test_an_empty_list_passes_at_once(collection):
    plant = Plant()
    key = plant.starts(alone(job("a", loop=each(collection))))
    assert plant.result(key) == {"all": []}


def test_results_of_rounds_at_once_do_not_meet():
    plant = Plant()
    key = plant.starts(alone(job("a", loop=each())), {"parts": [1, 2], "other": 0})
    one, two = plant.engine.jobs()
    plant.does(CompleteJob(job=one.key, variables={"made": "one", "other": 1}))
    assert plant.job("a").variables["made"] is None
    plant.does(CompleteJob(job=two.key, variables={"other": 2}))
    result = plant.result(key)
    assert (result["all"], result["other"]) == (["one", None], 2)
    assert "made" not in result


def test_mappings_are_read_in_every_round():
    plant = Plant()
    node = job(
        "a", loop=MultiInstance(collection="parts", element="part", output_collection="all",
                                output_element="given + made"),
        inputs=(Mapping(source="part + loopCounter", target="given"),),
        outputs=(Mapping(source="raw * 2", target="made"),),
    )  # fmt: skip
    key = plant.starts(alone(node), {"parts": [10, 20]})
    for number, each_job in enumerate(plant.engine.jobs(), 1):
        assert each_job.variables["given"] == 10 * number + number
        plant.does(CompleteJob(job=each_job.key, variables={"raw": number}))
    assert plant.result(key)["all"] == [13, 26]


@pytest.mark.parametrize(("value", "found"), [(None, "null"), (3, "3"), ("x", "'x'")])
def test_what_is_no_list_becomes_an_incident_and_is_tried_again(value, found):
    plant = Plant()
    key = plant.starts(alone(job("a", loop=each())), {"parts": value})
    (incident,) = plant.engine.incidents()
    assert f"Expected a list from 'parts', but found {found}" in incident.text
    plant.does(SetVariables(target=key, variables={"parts": [1]}))
    plant.does(ResolveIncident(incident=incident.key))
    finish_all(plant)
    assert plant.result(key)["all"] == [10]


@pytest.mark.parametrize("count", ["-1", "null", '"3"', "1.5", str(ROUNDS_MAX + 1)])
def test_what_is_no_number_of_rounds_becomes_an_incident(count):
    plant = Plant()
    plant.starts(alone(job("a", loop=MultiInstance(cardinality=count))))
    assert len(plant.engine.incidents()) == 1


def test_a_condition_ends_the_rounds_that_are_left():
    plant = Plant()
    loop = each(completion_condition="numberOfCompletedInstances >= 2 and made > 1")
    key = plant.starts(alone(job("a", loop=loop)), {"parts": [1, 2, 3, 4]})
    for number, each_job in enumerate(plant.engine.jobs()[:2], 1):
        plant.does(CompleteJob(job=each_job.key, variables={"made": number}))
    assert plant.result(key)["all"] == [1, 2, None, None]
    assert len(plant.told(JobCancelled)) == 2


def test_a_condition_sees_the_counters_and_what_is_collected():
    plant = Plant()
    counters = "[numberOfInstances, numberOfActiveInstances, numberOfCompletedInstances, {}]"
    loop = each(completion_condition=f"{counters.format('numberOfTerminatedInstances')} = "
                                     "[3, 1, 2, 0] and all = [7, null, 9]")  # fmt: skip
    key = plant.starts(alone(job("a", loop=loop)), {"parts": [1, 2, 3]})
    first_job, second_job, third_job = plant.engine.jobs()
    plant.does(CompleteJob(job=first_job.key, variables={"made": 7}))
    plant.does(CompleteJob(job=third_job.key, variables={"made": 9}))
    assert plant.result(key)["all"] == [7, None, 9]
    assert [told.job for told in plant.told(JobCancelled)] == [second_job.key]


def test_a_condition_that_is_neither_true_nor_false_holds_its_round():
    plant = Plant()
    loop = each(completion_condition="done")
    key = plant.starts(alone(job("a", loop=loop)), {"parts": [1, 2]})
    plant.does(CompleteJob(job=plant.engine.jobs()[0].key, variables={"made": 5}))
    (incident,) = plant.engine.incidents()
    assert "'done'" in incident.text
    plant.does(SetVariables(target=key, variables={"done": True}))
    plant.does(ResolveIncident(incident=incident.key))
    assert plant.result(key)["all"] == [5, None]


def test_rounds_nest():
    plant = Plant()
    cells = MultiInstance(collection="row", element="part", output_collection="made",
                          output_element="cell")  # fmt: skip
    rows = MultiInstance(collection="rows", element="row", output_collection="all",
                         output_element="made")  # fmt: skip
    outer = sub("box", job("a", loop=cells), links=flows("box.s a box.e"), loop=rows)
    key = plant.starts(alone(outer), {"rows": [[1, 2], [], [3]]})
    for each_job in plant.engine.jobs():
        done = {"cell": each_job.variables["part"] * 10}
        plant.does(CompleteJob(job=each_job.key, variables=done))
    assert plant.result(key)["all"] == [[10, 20], [], [30]]


KINDS = ["job", "person", "script", "task", "rule", "page", "sub", "call", "receive", "send", "any"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sequential", [False, True])
def test_every_kind_of_activity_can_be_repeated(kind, sequential):
    plant = Plant()
    loop = MultiInstance(sequential=sequential, cardinality="2")
    plant.does(Deploy(process=process(job("w"), links=flows("start w end"), id="other"),
                      decisions=(discount(1),)))  # fmt: skip
    made = {
        "job": lambda: job("a", loop=loop),
        "person": lambda: person("a", assignee='=string(loopCounter)', loop=loop),
        "script": lambda: script("a", "loopCounter", "n", loop=loop),
        "page": lambda: page("a", "n", loop=loop),
        "sub": lambda: sub("a", job("w"), links=flows("a.s w a.e"), loop=loop),
        "call": lambda: call("a", "other", loop=loop),
        "task": lambda: Task(id="a", loop=loop),
        "rule": lambda: BusinessRuleTask(id="a", decision="discount", result_variable="x",
                                         loop=loop),
        "receive": lambda: ReceiveTask(id="a", message=COME, loop=loop),
        "send": lambda: SendTask(id="a", message=COME, loop=loop),
        "any": lambda: SubProcess(id="a", nodes=(job("w"),), flows=(), loop=loop,
                                  ad_hoc=AdHoc(activities='["w"]')),
    }[kind]()  # fmt: skip
    key = plant.starts(alone(made), {"pieces": 1}, (station("n").document(),))
    for _ in range(8):
        for each_job in plant.engine.jobs()[:1]:
            plant.does(CompleteJob(job=each_job.key, variables={"seam_mm": 1}))
        if plant.engine.state.subscriptions:
            plant.does(PublishMessage(name="M", correlation_key="k"))
        if plant.engine.next_due() is not None:
            plant.passes(60)
    assert plant.ended(key) is InstanceState.COMPLETED
    assert plant.engine.incidents() == ()


# -- what ends rounds from outside --------------------------------------------------------------


@pytest.mark.parametrize("sequential", [False, True])
def test_a_receive_task_waits_for_a_message_in_each_round(sequential):
    plant = Plant()
    loop = each(sequential=sequential)
    takes = ReceiveTask(id="a", message=MessageTrigger(name="M", correlation_key="part"), loop=loop)
    key = plant.starts(alone(takes), {"parts": ["x", "y"]})
    for part in ("x", "y"):
        assert plant.ended(key) is InstanceState.ACTIVE
        taken = plant.does(PublishMessage(name="M", correlation_key=part))
        assert taken.instances == (key,)
    assert plant.ended(key) is InstanceState.COMPLETED


def test_an_error_in_one_round_is_caught_for_all():
    plant = Plant()
    box = sub("box", job("a"), links=flows("box.s a box.e"), loop=each())
    model = alone(box, error("err", "box", "E"), job("b"), links=("err b end",))
    plant.starts(model, {"parts": [1, 2, 3]})
    plant.does(ThrowError(job=plant.engine.jobs()[1].key, code="E"))
    assert plant.open_nodes() == ["b"]
    assert len(plant.told(JobCancelled)) == 2
    plant.completes("b")


def test_a_late_timer_ends_all_rounds_and_an_early_one_reminds_once():
    plant = Plant()
    model = alone(
        job("a", loop=each()), timer("t", "a", "PT9S"), job("b"),
        timer("r", "a", "PT1S", interrupting=False), job("c"), links=("t b end", "r c end"),
    )  # fmt: skip
    plant.starts(model, {"parts": [1, 2, 3]})
    plant.passes(1)
    assert plant.open_nodes() == ["a", "a", "a", "c"]
    plant.passes(9)
    assert plant.open_nodes() == ["b", "c"]


def test_an_escalation_from_a_round_is_heard_at_the_activity():
    plant = Plant()
    box = sub("box", tell("t"), job("a"), links=flows("box.s t a box.e"), loop=each())
    model = alone(box, hear("h", "box", interrupting=False), script("s", "n + 1", "n"),
                  links=("h s end",))  # fmt: skip
    key = plant.starts(model, {"parts": [1, 2, 3], "n": 0})
    finish_all(plant)
    assert plant.result(key)["n"] == 3


def test_a_cancelled_round_is_not_done_again_and_the_others_go_on():
    plant = Plant()
    key = plant.starts(alone(job("a", loop=each())), {"parts": [1, 2, 3]})
    plant.does(Modify(instance=key, cancel=(ActAt(key=plant.engine.jobs()[1].key),)))
    finish_all(plant)
    assert plant.result(key)["all"] == [10, None, 30]


def test_cancelling_all_rounds_cancels_the_activity():
    plant = Plant()
    key = plant.starts(alone(job("a", loop=each())), {"parts": [1, 2]})
    spots = tuple(ActAt(key=each_job.key) for each_job in plant.engine.jobs())
    plant.does(Modify(instance=key, cancel=spots))
    assert plant.ended(key) is InstanceState.CANCELLED


def test_a_cancelled_round_of_a_sequence_is_followed_by_the_next():
    plant = Plant()
    key = plant.starts(alone(job("a", loop=each(sequential=True))), {"parts": [1, 2]})
    plant.does(Modify(instance=key, cancel=(ActAt(key=plant.job("a").key),)))
    finish_all(plant)
    assert plant.result(key)["all"] == [None, 20]


def test_no_round_can_be_added():
    plant = Plant()
    box = sub("box", job("a"), job("b"), links=flows("box.s a b box.e"), loop=each())
    key = plant.starts(alone(box), {"parts": [1, 2]})
    inside = plant.engine.instance(key).frames[-1].key
    plant.does(Modify(instance=key, activate=(Activate(node="b", frame=inside),)))
    assert plant.open_nodes() == ["a", "a", "b"]
    with pytest.raises(Conflict):
        plant.does(Modify(instance=key, activate=(Activate(node="b"),)))


# -- large ones ---------------------------------------------------------------------------------


def begun_per_row(plant: Plant) -> list[int]:
    deltas = [decode_body(row.body).deltas for row in plant.rows]
    return [n for each in deltas if (n := sum(isinstance(d, RoundOpened) for d in each))]


@pytest.mark.parametrize("sequential", [False, True])
def test_many_rounds_begin_in_portions(sequential):
    plant = Plant()
    count = 2 * ROUNDS_PER_COMMAND_MAX + 10
    loop = MultiInstance(sequential=sequential, cardinality=str(count), output_collection="all",
                         output_element="loopCounter")  # fmt: skip
    key = plant.starts(alone(script("s", "loopCounter", "n", loop=loop)))
    portions = 1
    while (due := plant.engine.next_due()) is not None:
        assert plant.ended(key) is InstanceState.ACTIVE
        plant.now = due
        plant.does(AdvanceTo(now=due))
        portions += 1
    assert plant.result(key)["all"] == list(range(1, count + 1))
    assert portions == 3
    assert max(begun_per_row(plant)) <= ROUNDS_PER_COMMAND_MAX


def test_rounds_that_do_much_begin_in_smaller_portions_and_are_no_endless_loop():
    plant = Plant()
    steps = [script(f"s{n}", "1", "x") for n in range(98)]
    box = sub("box", *steps, links=flows(" ".join(["box.s", *(s.id for s in steps), "box.e"])),
              loop=MultiInstance(cardinality="250"))  # fmt: skip
    key = plant.starts(alone(box))
    while (due := plant.engine.next_due()) is not None:
        plant.now = due
        plant.does(AdvanceTo(now=due))
    assert plant.ended(key) is InstanceState.COMPLETED
    assert sum(begun_per_row(plant)) == 250
    assert max(begun_per_row(plant)) <= ROUNDS_PER_COMMAND_MAX * 10 // 100 + 1
    assert INSTRUCTIONS_PER_TRIGGER_MAX < 250 * 100


def test_other_instances_go_on_between_the_portions():
    plant = Plant()
    count = ROUNDS_PER_COMMAND_MAX + 5
    loop = MultiInstance(cardinality=str(count), completion_condition="loopCounter = 2")
    key = plant.starts(alone(job("a", loop=loop)))
    other = plant.starts(process(job("b"), links=flows("start b end"), id="other"))
    plant.completes("b")
    assert plant.ended(other) is InstanceState.COMPLETED
    plant.does(SuspendInstance(instance=key))
    plant.passes(1)
    assert plant.engine.state.repetitions
    assert len(plant.engine.jobs()) == ROUNDS_PER_COMMAND_MAX
    plant.does(ResumeInstance(instance=key))
    plant.passes(1)
    first_job, second_job, *rest = plant.engine.jobs()
    assert len(rest) == count - 2
    plant.does(CompleteJob(job=first_job.key))
    plant.does(CompleteJob(job=second_job.key))
    assert plant.ended(key) is InstanceState.COMPLETED
    assert not plant.engine.state.acts


def test_a_condition_can_end_it_before_all_have_begun():
    plant = Plant()
    count = ROUNDS_PER_COMMAND_MAX + 5
    loop = MultiInstance(cardinality=str(count), completion_condition="true")
    key = plant.starts(alone(job("a", loop=loop)))
    plant.does(CompleteJob(job=plant.engine.jobs()[7].key))
    assert plant.ended(key) is InstanceState.COMPLETED
    assert plant.engine.next_due() is None


def test_a_snapshot_between_the_portions_is_what_the_rows_replay_to():
    plant = Plant()
    count = ROUNDS_PER_COMMAND_MAX + 5
    key = plant.starts(alone(job("a", loop=MultiInstance(cardinality=str(count)))))
    plant.does(CompleteJob(job=plant.engine.jobs()[3].key))
    state = read_snapshot(list(write_snapshot(plant.engine.state)))
    assert state == plant.engine.state
    assert state.repetitions
    assert next_due(state) == plant.engine.next_due()
    plant.engine.state = state
    plant.passes(1)
    assert len(plant.engine.jobs(instance=key)) == count - 1


# -- migration ----------------------------------------------------------------------------------


@pytest.mark.parametrize("sequential", [False, True])
def test_migration_midway_keeps_done_and_open_rounds(sequential):
    plant = Plant()
    old = alone(job("a", loop=each(sequential=sequential)))
    key = plant.starts(old, {"parts": [1, 2, 3]})
    plant.does(CompleteJob(job=plant.engine.jobs()[0].key, variables={"made": "old"}))
    new = process(script("s", "1", "n"), job("a", loop=each(sequential=sequential)), job("z"),
                  timer("t", "a", "PT5S"), links=flows("start s a z end", "t z"))  # fmt: skip
    plant.does(Deploy(process=new))
    plant.does(Migrate(instance=key, target=DefinitionKey("p", 2)))
    while jobs := [each_job for each_job in plant.engine.jobs() if each_job.node == "a"]:
        plant.does(CompleteJob(job=jobs[-1].key, variables={"made": "new"}))
    assert plant.open_nodes() == ["z"]
    plant.completes("z")
    assert plant.result(key)["all"] == ["old", "new", "new"]


def test_tokens_that_wait_in_several_rounds_migrate():
    plant = Plant()

    def version(last: str):
        box = sub("box", both("f"), job("a"), job("b"), both("j"),
                  links=flows("box.s f a j box.e", "f b j"), loop=each())  # fmt: skip
        return process(box, job(last), links=flows(f"start box {last} end"))

    key = plant.starts(version("y"), {"parts": [1, 2]})
    for each_job in [j for j in plant.engine.jobs() if j.node == "a"]:
        plant.does(CompleteJob(job=each_job.key))
    plant.does(Deploy(process=version("z")))
    plant.does(Migrate(instance=key, target=DefinitionKey("p", 2)))
    for each_job in plant.engine.jobs():
        plant.does(CompleteJob(job=each_job.key))
    assert plant.open_nodes() == ["z"]


def test_a_sequence_that_becomes_parallel_begins_what_is_left():
    plant = Plant()
    key = plant.starts(alone(job("a", loop=each(sequential=True))), {"parts": [1, 2, 3]})
    plant.does(Deploy(process=alone(job("a", loop=each()))))
    plant.does(Migrate(instance=key, target=DefinitionKey("p", 2)))
    assert len(plant.engine.jobs()) == 3
    finish_all(plant)
    assert plant.result(key)["all"] == [10, 20, 30]


def test_an_activity_can_not_become_a_repeated_one():
    plant = Plant()
    key = plant.starts(alone(job("a")))
    plant.does(Deploy(process=alone(job("a", loop=each()))))
    with pytest.raises(Invalid, match="Job"):
        plant.does(Migrate(instance=key, target=DefinitionKey("p", 2)))
    plant.does(SetVariables(target=key, variables={"parts": [1, 2]}))
    plant.does(Migrate(instance=key, target=DefinitionKey("p", 2), restart={"a": "a"}))
    assert len(plant.engine.jobs()) == 2


def test_a_running_repetition_can_be_restarted():
    plant = Plant()
    key = plant.starts(alone(job("a", loop=each())), {"parts": [1, 2]})
    plant.does(Deploy(process=alone(job("a", name="again", loop=each()))))
    plant.does(SetVariables(target=key, variables={"parts": [1, 2, 3]}))
    plant.does(Migrate(instance=key, target=DefinitionKey("p", 2), restart={"a": "a"}))
    assert len(plant.engine.jobs()) == 3


# -- standard loops -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loop", "rounds"),
    [
        (StandardLoop(condition="n < 3"), 3),
        (StandardLoop(condition="n < 0"), 1),
        (StandardLoop(condition="n < 0", before=True), 0),
        (StandardLoop(condition="n < 3", before=True), 3),
        (StandardLoop(condition="true", maximum="4"), 4),
        (StandardLoop(maximum="2"), 2),
        (StandardLoop(condition="loopCounter < 5"), 5),
        (StandardLoop(condition="loopCounter < 5", before=True), 5),
        (StandardLoop(condition="true", maximum="0"), 0),
    ],
)
def test_a_loop_runs_as_often_as_its_condition_says(loop, rounds):
    plant = Plant()
    key = plant.starts(alone(script("s", "n + 1", "n", loop=loop)), {"n": 0})
    assert plant.result(key)["n"] == rounds


def test_a_loop_waits_for_the_work_of_each_round():
    plant = Plant()
    key = plant.starts(alone(job("a", loop=StandardLoop(condition="not(good)"))), {"good": False})
    for good in (False, False, True):
        plant.completes("a", {"good": good})
    assert plant.ended(key) is InstanceState.COMPLETED


def test_a_loop_that_neither_waits_nor_ends_is_stopped():
    plant = Plant()
    key = plant.starts(alone(script("s", "n + 1", "n", loop=StandardLoop(condition="true"))),
                       {"n": 0})  # fmt: skip
    for _ in range(20):
        if plant.engine.next_due() is not None:
            plant.now = plant.engine.next_due()
            plant.does(AdvanceTo(now=plant.now))
    assert plant.ended(key) is InstanceState.ACTIVE
    assert len(plant.rows) > 10, "others had their turn in between"


# -- refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loop", "found"),
    [
        (MultiInstance(), "neither"),
        (MultiInstance(collection="x", cardinality="3"), "both"),
        (MultiInstance(cardinality="3", element="x"), "'x'"),
        (MultiInstance(cardinality="3", output_collection="x"), "'x' alone"),
        (MultiInstance(collection="x", element="1x"), "'1x'"),
        (StandardLoop(), "neither"),
    ],
)
def test_a_loop_that_says_too_little_or_too_much_is_refused(loop, found):
    with pytest.raises(Invalid, match=found):
        Plant().does(Deploy(process=alone(job("a", loop=loop))))


# -- laws ---------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.integers(0, 9), max_size=6),
    sequential=st.booleans(),
    stop=st.integers(0, 60),
    data=st.data(),
)
def test_what_is_collected_is_what_was_done(parts, sequential, stop, data):
    plant = Plant()
    loop = each(sequential=sequential, completion_condition=f"made > {stop}")
    key = plant.starts(alone(job("a", loop=loop)), {"parts": parts})
    done: list = [None] * len(parts)
    while plant.ended(key) is InstanceState.ACTIVE:
        chosen = data.draw(st.sampled_from(plant.engine.jobs()))
        made = data.draw(st.integers(0, 90))
        index = chosen.variables["loopCounter"] - 1
        assert chosen.variables["part"] == parts[index]
        command = CompleteJob(job=chosen.key, variables={"made": made})
        plant.rehearses(command)
        done[index] = made
        plant.does(command)
        if made > stop:
            break
    assert plant.result(key)["all"] == done
    assert plant.does(StartInstance(process="p", variables={"parts": []})).instance
