"""Compensation: what was completed is undone in reverse order, once, on what it knew then."""

import pytest

from fabloop.base.errors import Invalid
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    BpmnProcess,
    CallActivity,
    EndEvent,
    Mapping,
    MultiInstance,
    SubProcess,
    SubProcessKind,
)
from fabloop.process.bpmn.triggers import CancelTrigger, CompensateTrigger
from fabloop.process.commands import (
    ActAt,
    CancelInstance,
    CompleteJob,
    Deploy,
    FailJob,
    InstanceState,
    Migrate,
    Modify,
    Move,
    ResolveIncident,
    SetVariables,
    StartInstance,
    ThrowError,
)
from fabloop.process.state import Role
from process.driver import (
    Plant,
    both,
    error,
    flows,
    job,
    on,
    process,
    script,
    sub,
    timer,
    undo,
    undoing,
    undone_by,
    xor,
)


def worked(name: str) -> tuple:
    """Return a job ``name``, with job ``-name`` to undo it."""
    return job(name), undone_by(f"c-{name}", name, f"-{name}"), undoing(f"-{name}")


def carried_out(plant: Plant, instance: int) -> list[str]:
    """Complete the oldest job again and again; return the nodes in this order."""
    done = []
    while jobs := plant.engine.jobs(instance=instance):
        done.append(jobs[0].node)
        plant.does(CompleteJob(job=jobs[0].key, variables={"by": jobs[0].node}))
    return done


def left(plant: Plant) -> bool:
    state = plant.engine.state
    return any((state.instances, state.frames, state.acts, state.jobs, state.timers,
                state.subscriptions, state.incidents))  # fmt: skip


def test_what_was_completed_is_undone_last_first_before_the_throw_event_is_left():
    model = process(*worked("a"), *worked("b"), undo("u"), job("after"),
                    links=flows("start a b u after end"))  # fmt: skip
    plant = Plant()
    key = plant.starts(model)
    assert carried_out(plant, key) == ["a", "b", "-b", "-a", "after"]
    assert plant.ended(key) is InstanceState.COMPLETED
    assert not left(plant)


def test_an_end_event_undoes_one_named_activity():
    end = EndEvent(id="end2", trigger=CompensateTrigger(activity="a"))
    model = process(*worked("a"), *worked("b"), end, links=flows("start a b end2"))
    model = BpmnProcess(id="p", nodes=tuple(n for n in model.nodes if n.id != "end"),
                        flows=model.flows)  # fmt: skip
    plant = Plant()
    key = plant.starts(model)
    assert carried_out(plant, key) == ["a", "b", "-a"]
    assert plant.ended(key) is InstanceState.COMPLETED


def test_nothing_is_undone_that_was_not_completed_and_nothing_twice():
    model = process(both("f"), *worked("a"), *worked("b"), undo("u"), undo("v"), both("j"),
                    links=flows("start f a u v j end", "f b j"))  # fmt: skip
    plant = Plant()
    key = plant.starts(model)
    plant.completes("a")
    assert plant.open_nodes() == ["-a", "b"]
    plant.completes("b")
    plant.completes("-a")
    assert plant.open_nodes() == ["-b"]  # by v: b was completed after u had begun
    plant.completes("-b")
    assert plant.ended(key) is InstanceState.COMPLETED


def test_an_activity_in_a_loop_is_undone_once_per_round_with_what_it_knew():
    inputs = (Mapping(source="n", target="round"),)
    outputs = (Mapping(source="slot", target="slot"),)
    a = job("a", inputs=inputs, outputs=outputs)
    model = process(a, undone_by("c-a", "a", "-a"), undoing("-a"), script("inc", "n + 1", "n"),
                    xor("g", default="g-u"), xor("m"), undo("u"),
                    links=flows("start m a inc g", "g m: n < 3", "g u end"))  # fmt: skip
    plant = Plant()
    key = plant.starts(model, {"n": 0})
    for slot in ("x", "y", "z"):
        plant.completes("a", {"slot": slot})
    seen = []
    while plant.open_nodes():
        seen.append((plant.job("-a").variables["round"], plant.job("-a").variables["slot"]))
        plant.completes("-a", {"slot": f"freed {seen[-1][1]}"})
    assert seen == [(2, "z"), (1, "y"), (0, "x")]
    assert plant.result(key)["slot"] == "freed x"


def test_a_sub_process_is_undone_on_its_own_variables_as_it_was_completed():
    box = sub("box", *worked("a"), *worked("b"), links=flows("box.s a b box.e"),
              inputs=(Mapping(source="n", target="size"),))  # fmt: skip
    model = process(box, *worked("c"), undo("u"), links=flows("start box c u end"))
    plant = Plant()
    key = plant.starts(model, {"n": 7})
    for each in ("a", "b"):
        plant.completes(each, {"size": 8})
    plant.does(SetVariables(target=key, variables={"n": 9, "size": -1}))
    plant.completes("c")
    plant.completes("-c")
    assert plant.job("-b").variables["size"] == 8
    plant.completes("-b")
    plant.completes("-a")
    assert plant.ended(key) is InstanceState.COMPLETED
    assert not left(plant)


def test_a_handler_of_its_own_takes_the_place_of_those_inside():
    box = sub("box", *worked("a"), links=flows("box.s a box.e"),
              inputs=(Mapping(source="1", target="inside"),))  # fmt: skip
    model = process(box, undone_by("cb", "box", "-box"), undoing("-box"), undo("u"),
                    links=flows("start box u end"))  # fmt: skip
    plant = Plant()
    key = plant.starts(model)
    plant.completes("a")
    assert plant.open_nodes() == ["-box"]
    assert plant.job("-box").variables["inside"] == 1
    assert carried_out(plant, key) == ["-box"]
    assert not left(plant)


def test_an_event_sub_process_undoes_its_scope_and_may_have_the_rest_undone():
    own = on("own", CompensateTrigger(), job("x"), undo("u2"), job("y"))
    box = sub("box", *worked("a"), *worked("b"), own, links=flows("box.s a b box.e"))
    model = process(box, undo("u"), links=flows("start box u end"))
    plant = Plant()
    key = plant.starts(model)
    assert carried_out(plant, key) == ["a", "b", "x", "-b", "-a", "y"]
    assert plant.ended(key) is InstanceState.COMPLETED
    assert not left(plant)


def test_a_handler_may_be_a_sub_process_or_a_call():
    box = sub("-a", job("x"), job("y"), links=flows("-a.s x y -a.e"), for_compensation=True)
    called = process(job("z"), links=flows("start z end"), id="called")
    call = CallActivity(id="-b", process="called", for_compensation=True)
    model = process(
        job("a"),
        undone_by("ca", "a", "-a"),
        box,
        job("b"),
        undone_by("cb", "b", "-b"),
        call,
        undo("u"),
        links=flows("start a b u end"),
    )
    plant = Plant()
    plant.does(Deploy(process=called))
    key = plant.starts(model)
    nodes = []
    while jobs := plant.engine.jobs():
        nodes.append(jobs[0].node)
        plant.does(CompleteJob(job=jobs[0].key))
    assert nodes == ["a", "b", "z", "x", "y"]
    assert plant.ended(key) is InstanceState.COMPLETED


def test_a_called_process_is_undone_by_a_handler_of_its_call_only():
    called = process(*worked("a"), links=flows("start a end"), id="called")
    call = CallActivity(id="c", process="called")
    plant = Plant()
    plant.does(Deploy(process=called))
    key = plant.starts(process(call, undo("u"), links=flows("start c u end")))
    plant.completes("a")
    assert plant.ended(key) is InstanceState.COMPLETED
    model = process(call, undone_by("cc", "c", "-c"), undoing("-c"), undo("u"),
                    links=flows("start c u end"), id="q")  # fmt: skip
    key = plant.starts(model)
    plant.completes("a")
    assert plant.open_nodes() == ["-c"]


def test_a_handler_that_fails_is_an_incident_and_one_that_throws_is_caught_outside():
    box = sub("box", *worked("a"), undo("u"), links=flows("box.s a u box.e"))
    model = process(box, error("e", "box", "E"), job("caught"),
                    links=flows("start box end", "e caught end"))  # fmt: skip
    plant = Plant()
    key = plant.starts(model)
    plant.completes("a")
    handler = plant.job("-a")
    plant.does(FailJob(job=handler.key, retries=0, message="stuck"))
    assert [each.kind for each in plant.engine.incidents(key)] == ["job"]
    plant.does(ResolveIncident(incident=plant.engine.incidents(key)[0].key))
    plant.does(ThrowError(job=handler.key, code="E"))
    assert plant.open_nodes() == ["caught"]
    plant.completes("caught")
    assert not left(plant)


def transaction(*nodes, links: tuple) -> SubProcess:
    cancel = EndEvent(id="cancel", trigger=CancelTrigger())
    made = sub("tx", *nodes, cancel, links=links)
    return SubProcess(id="tx", nodes=made.nodes, flows=made.flows,
                      kind=SubProcessKind.TRANSACTION)  # fmt: skip


def cancelled(id: str = "x"):  # noqa: A002
    return BoundaryEvent(id=id, attached_to="tx", trigger=CancelTrigger())


def booking() -> BpmnProcess:
    tx = transaction(
        both("f"),
        *worked("a"),
        *worked("b"),
        job("slow"),
        job("ask"),
        xor("g", default="g-cancel"),
        both("j"),
        links=flows("tx.s f a b ask g", "f slow j", "g j: ok", "g cancel", "j tx.e"),
    )
    return process(tx, cancelled(), error("h", "tx"), job("no"), job("hazard"),
                   links=flows("start tx end", "x no end", "h hazard end"))  # fmt: skip


def test_cancel_ends_what_runs_undoes_what_was_completed_and_leaves_the_transaction():
    plant = Plant()
    key = plant.starts(booking())
    for each in ("a", "b", "ask"):
        plant.completes(each, {"ok": False})
    assert plant.open_nodes() == ["-b"]
    assert carried_out(plant, key) == ["-b", "-a", "no"]
    assert plant.ended(key) is InstanceState.COMPLETED
    assert not left(plant)


def test_a_transaction_that_completes_is_left_as_usual_and_a_hazard_undoes_nothing():
    plant = Plant()
    key = plant.starts(booking())
    plant.completes("slow")
    for each in ("a", "b"):
        plant.completes(each)
    plant.completes("ask", {"ok": True})
    assert plant.ended(key) is InstanceState.COMPLETED
    key = plant.starts(booking())
    plant.completes("a")
    plant.does(ThrowError(job=plant.job("b").key, code="any"))
    assert carried_out(plant, key) == ["hazard"]
    assert not left(plant)


def test_a_transaction_in_which_nothing_was_completed_is_left_at_once():
    tx = transaction(
        links=flows(
            "tx.s cancel",
        )
    )
    tx = SubProcess(id="tx", kind=tx.kind, flows=tx.flows,
                    nodes=tuple(n for n in tx.nodes if n.id != "tx.e"))  # fmt: skip
    plant = Plant()
    plant.starts(process(tx, cancelled(), job("no"), links=flows("start tx end", "x no end")))
    assert plant.open_nodes() == ["no"]


def undoing_instance() -> tuple[Plant, int]:
    plant = Plant()
    box = sub("box", *worked("a"), *worked("b"), links=flows("box.s a b box.e"))
    model = process(box, *worked("c"), undo("u"), job("after"),
                    links=flows("start box c u after end"))  # fmt: skip
    key = plant.starts(model)
    for each in ("a", "b", "c"):
        plant.completes(each)
    return plant, key


def test_an_operator_sees_what_can_be_undone_and_what_is_being_undone():
    plant, key = undoing_instance()
    roles = [(each.owner, each.role, each.undoable) for each in plant.engine.instance(key).frames]
    assert roles == [("p", Role.RUNS, ()), ("p", Role.UNDOES, ())]
    plant.completes("-c")
    roles = [(each.owner, each.role, each.undoable) for each in plant.engine.instance(key).frames]
    assert roles == [("p", Role.RUNS, ()), ("box", Role.REOPENED, ()), ("box", Role.UNDOES, ())]
    other = plant.does(StartInstance(process="p")).instance
    for _ in range(3):
        plant.does(CompleteJob(job=plant.engine.jobs(instance=other)[0].key))
    assert plant.engine.instance(other).frames[0].undoable == ()  # taken over by the throw event
    third = plant.does(StartInstance(process="p")).instance
    for _ in range(2):
        plant.does(CompleteJob(job=plant.engine.jobs(instance=third)[0].key))
    assert plant.engine.instance(third).frames[0].undoable == ("box",)


def test_an_instance_is_cancelled_while_it_undoes():
    plant, key = undoing_instance()
    plant.completes("-c")
    plant.rehearses(CancelInstance(instance=key))
    plant.does(CancelInstance(instance=key))
    assert not left(plant)


def test_a_handler_that_an_operator_cancels_makes_room_for_the_next():
    plant, key = undoing_instance()
    for node in ("-c", "-b", "-a"):
        acts = [a for f in plant.engine.instance(key).frames for a in f.acts if a.node == node]
        plant.does(Modify(instance=key, cancel=(ActAt(key=acts[0].key),)))
    assert plant.open_nodes() == ["after"]


def test_a_handler_is_moved_out_of_the_compensation_into_the_flow():
    plant, key = undoing_instance()
    acts = [a for f in plant.engine.instance(key).frames for a in f.acts if a.node == "-c"]
    plant.does(Modify(instance=key, move=(Move(spot=ActAt(key=acts[0].key), node="after"),)))
    assert plant.open_nodes() == ["-b", "after"]
    plant.completes("after")
    assert carried_out(plant, key) == ["-b", "-a", "after"]
    assert not left(plant)


def longer(*names: str) -> BpmnProcess:
    box = sub("box", job("new"), *worked("a"), *worked("b"), links=flows("box.s new a b box.e"))
    nodes = [each for name in names for each in worked(name)]
    return process(job("first"), box, *nodes, undo("u"), job("after"),
                   links=flows(" ".join(["start first box", *names, "u after end"])))  # fmt: skip


@pytest.mark.parametrize("before", [("a", "b"), ("a", "b", "c"), ("a", "b", "c", "-c"),
                                    ("a", "b", "c", "-c", "-b")])  # fmt: skip
def test_what_can_be_undone_migrates_with_its_instance(before):
    plant = Plant()
    box = sub("box", *worked("a"), *worked("b"), links=flows("box.s a b box.e"))
    model = process(box, *worked("c"), undo("u"), job("after"),
                    links=flows("start box c u after end"))  # fmt: skip
    key = plant.starts(model)
    for each in before:
        plant.completes(each)
    target = plant.does(Deploy(process=longer("c"))).key
    plant.rehearses(Migrate(instance=key, target=target))
    plant.does(Migrate(instance=key, target=target))
    rest = ["a", "b", "c", "-c", "-b", "-a", "after"][len(before) :]
    assert carried_out(plant, key) == rest
    assert not left(plant)


def test_migration_is_refused_where_nothing_undoes_what_was_completed():
    plant = Plant()
    model = process(*worked("a"), job("b"), undo("u"), links=flows("start a b u end"))
    key = plant.starts(model)
    plant.completes("a")
    bare = process(job("a"), job("b"), undo("u"), links=flows("start a b u end"))
    target = plant.does(Deploy(process=bare)).key
    with pytest.raises(Invalid, match="may have to be undone"):
        plant.does(Migrate(instance=key, target=target))
    gone = process(job("b"), undo("u"), links=flows("start b u end"))
    target = plant.does(Deploy(process=gone)).key
    with pytest.raises(Invalid, match="'a'"):
        plant.does(Migrate(instance=key, target=target))


def several(collection: str = "[1, 2, 3]", **more: object) -> MultiInstance:
    return MultiInstance(collection=collection, element="item", **more)


@pytest.mark.parametrize("sequential", [True, False])
def test_each_round_of_an_activity_is_undone_on_its_item_the_last_completed_first(sequential):
    a = job("a", loop=several(sequential=sequential))
    model = process(a, undone_by("ca", "a", "-a"), undoing("-a"), job("b"), undo("u"),
                    links=flows("start a b u end"))  # fmt: skip
    plant = Plant()
    key = plant.starts(model)
    for item in (1, 2, 3) if sequential else (2, 3, 1):
        jobs = {each.variables["item"]: each.key for each in plant.engine.jobs()}
        plant.does(CompleteJob(job=jobs[item], variables={"slot": f"s{item}"}))
    plant.completes("b")
    seen = []
    while plant.open_nodes():
        seen.append((plant.job("-a").variables["item"], plant.job("-a").variables["slot"]))
        plant.completes("-a")
    order = (3, 2, 1) if sequential else (1, 3, 2)
    assert seen == [(item, f"s{item}") for item in order]
    assert plant.ended(key) is InstanceState.COMPLETED
    assert not left(plant)


def test_each_round_of_a_sub_process_is_undone_inside_and_a_handler_may_have_rounds():
    box = sub("box", *worked("a"), *worked("b"), links=flows("box.s a b box.e"),
              loop=several("[1, 2]", sequential=True))  # fmt: skip
    handler = job("-c", for_compensation=True, loop=several("[7, 8]"))
    model = process(box, job("c"), undone_by("cc", "c", "-c"), handler, undo("u"),
                    links=flows("start box c u end"))  # fmt: skip
    plant = Plant()
    key = plant.starts(model)
    done = []
    while jobs := plant.engine.jobs():
        done.append((jobs[0].node, jobs[0].variables.get("item")))
        plant.rehearses(CompleteJob(job=jobs[0].key))
        plant.does(CompleteJob(job=jobs[0].key))
    assert done == [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("c", None), ("-c", 7), ("-c", 8),
                    ("-b", 2), ("-a", 2), ("-b", 1), ("-a", 1)]  # fmt: skip
    assert plant.ended(key) is InstanceState.COMPLETED
    assert not left(plant)


def test_rounds_that_were_interrupted_are_not_undone():
    a = job("a", loop=several())
    model = process(a, undone_by("ca", "a", "-a"), undoing("-a"), timer("t", "a", "PT1S"),
                    undo("u"), job("after"), links=flows("start a u after end", "t u"))  # fmt: skip
    plant = Plant()
    key = plant.starts(model)
    plant.does(CompleteJob(job=plant.engine.jobs()[0].key))
    plant.passes(1)
    assert plant.open_nodes() == ["after"]
    plant.completes("after")
    assert plant.ended(key) is InstanceState.COMPLETED


@pytest.mark.parametrize("done", [0, 2, 3, 4, 5])
def test_rounds_that_can_be_undone_migrate(done):
    def model(*more: str) -> BpmnProcess:
        box = sub("box", *map(job, more), *worked("a"),
                  links=flows(" ".join(["box.s", *more, "a box.e"])),
                  loop=several(sequential=True))  # fmt: skip
        return process(box, job("b"), undo("u"), links=flows("start box b u end"))

    plant = Plant()
    key = plant.starts(model())
    for _ in range(done):
        plant.does(CompleteJob(job=plant.engine.jobs()[0].key))
    target = plant.does(Deploy(process=model("new"))).key
    plant.rehearses(Migrate(instance=key, target=target))
    plant.does(Migrate(instance=key, target=target))
    undone = []
    while jobs := plant.engine.jobs():
        undone += [jobs[0].variables["item"]] if jobs[0].node == "-a" else []
        plant.does(CompleteJob(job=jobs[0].key))
    assert undone == [3, 2, 1][max(0, done - 4) :]
    assert not left(plant)


REFUSED = {
    "no handler": (
        process(job("a"), undone_by("c", "a", ""), undo("u"), links=flows("start a u end")),
        "for compensation",
    ),
    "handler in the flow": (process(*worked("a"), links=flows("start a -a end")), "no flow into"),
    "handler of nothing": (
        process(job("a"), undoing("-a"), links=flows("start a end")),
        "undoes another for",
    ),
    "unknown activity": (
        process(*worked("a"), undo("u", "b"), links=flows("start a u end")),
        "'b'",
    ),
    "activity inside": (
        process(
            sub("box", *worked("a"), links=flows("box.s a box.e")),
            undo("u", "a"),
            links=flows("start box u end"),
        ),
        "same scope",
    ),
    "second handler": (
        process(*worked("a"), undone_by("c2", "a", "-a"), links=flows("start a end")),
        "one compensation event",
    ),
    "timer on a handler": (
        process(*worked("a"), timer("t", "-a", "PT1S"), links=flows("start a end", "t end")),
        "no event on the boundary",
    ),
    "flow out of a compensation event": (
        process(*worked("a"), links=flows("start a end", "c-a end")),
        "no flow out",
    ),
    "two ways": (
        process(
            sub(
                "box",
                *worked("a"),
                on("own", CompensateTrigger(), job("x")),
                links=flows("box.s a box.e"),
            ),
            undone_by("c", "box", "-box"),
            undoing("-box"),
            links=flows("start box end"),
        ),
        "one way",
    ),
    "cancel outside": (
        BpmnProcess(
            id="p",
            nodes=(
                *process(job("a"), links=()).nodes[:-1],
                EndEvent(id="x", trigger=CancelTrigger()),
            ),
            flows=flows("start a x"),
        ),
        "directly in a transaction",
    ),
    "cancel event on a task": (
        process(job("tx"), cancelled(), links=flows("start tx end", "x end")),
        "attached to a transaction",
    ),
    "transaction without cancel event": (
        process(
            transaction(
                job("a"),
                xor("g", default="g-cancel"),
                links=flows("tx.s a g", "g tx.e: ok", "g cancel"),
            ),
            links=flows("start tx end"),
        ),
        "a cancel event on the boundary",
    ),
    "start in a process": (
        process(job("a"), on("own", CompensateTrigger(), job("x")), links=flows("start a end")),
        "in a sub-process",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_refused_when_it_is_deployed(case):
    model, text = case
    with pytest.raises(Invalid, match=text):
        Plant().does(Deploy(process=model))
