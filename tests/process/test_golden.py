"""Histories that a release has recorded replay to the state that it had; they never change.

A new format version gets a new file beside the old ones (``python tests/process/test_golden.py``
writes the one of this version, once).
"""

from pathlib import Path
from typing import get_args

import msgspec
import pytest

from fabloop.base.codec import from_json, from_msgpack, to_json, to_json_pretty, to_msgpack
from fabloop.base.instant import SECOND
from fabloop.base.journal import Row
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    BpmnProcess,
    Mapping,
    MultiInstance,
    StandardLoop,
    StartEvent,
)
from fabloop.process.bpmn.triggers import (
    ConditionTrigger,
    MessageTrigger,
    SignalTrigger,
    TimerTrigger,
)
from fabloop.process.commands import (
    ActAt,
    Activate,
    AssignJob,
    BroadcastSignal,
    CancelInstance,
    CompleteJob,
    Deploy,
    ExtendLease,
    FailJob,
    Migrate,
    Modify,
    Move,
    PublishMessage,
    ReportKpis,
    ResolveIncident,
    SetVariables,
    StartInstance,
    TokenAt,
)
from fabloop.process.cpn.net import Net, any_plain
from fabloop.process.definition import DefinitionKey
from fabloop.process.deltas import FORMAT, Delta, decode_body
from fabloop.process.engine import Engine
from fabloop.process.operations import (
    AdvanceBatch,
    CancelEach,
    PauseBatch,
    ResumeInstance,
    ResumeProcess,
    Selection,
    SetEach,
    StartBatch,
    SuspendInstance,
    SuspendProcess,
)
from fabloop.process.snapshot import read_snapshot, write_snapshot
from process.driver import (
    END,
    Plant,
    both,
    call,
    first,
    flows,
    job,
    message,
    on,
    page,
    person,
    process,
    script,
    some,
    sub,
    timer,
    undo,
    undoing,
    undone_by,
    wait,
    xor,
)
from process.test_decide import discount
from process.test_pages import station

GOLDEN = Path(__file__).parent / "golden"


def version(last: str):
    box = sub("box", script("inc", "n + 1", "n"), job("w"), timer("t", "w", "PT9S"),
              links=flows("box.s inc w box.e", "t box.e"),
              inputs=(Mapping(source="count", target="n"),),
              outputs=(Mapping(source="n", target="total"),))  # fmt: skip
    weld = page("weld", "n", inputs=(Mapping(source="count", target="lot"),))
    return process(
        both("f"), box, weld, message("m", "M", '"k"'), wait("pause", "PT30S"), person("sign"),
        timer("remind", "sign", "PT2S", interrupting=False), both("j"), xor("g", default="g-end"),
        job(last),
        links=flows("start f box j", "f weld j", "f m j", "f pause sign j", "j g",
                    f"g {last}: total > 0", "g end", f"{last} end", "remind end"),
    )  # fmt: skip


def history() -> Plant:  # noqa: PLR0915  # one scenario for all deltas
    """Run through every delta of the format once."""
    plant = Plant()
    net = station("n").document()
    plant.does(PublishMessage(name="M", correlation_key="k", time_to_live_ns=5 * SECOND,
                              message_id="early", variables={"from": "kept"}))  # fmt: skip
    one = plant.starts(version("pack"), {"count": 4}, (net,))
    second = plant.does(StartInstance(process="p", variables={"count": 1}), request="r2").instance
    frame = plant.engine.instance(one).frames[0]
    plant.does(Modify(instance=one, move=(Move(spot=TokenAt(frame=frame.key, flow="m-j"),
                                                 node="m"),)))  # fmt: skip
    for held in plant.takes("do-w", "cell-1", seconds=5):
        if held.instance == one:
            plant.does(ExtendLease(job=held.key, epoch=held.epoch, lease_ns=7 * SECOND))
        else:
            plant.does(FailJob(job=held.key, retries=0, message="worn", epoch=held.epoch))
    plant.does(ResolveIncident(incident=plant.engine.incidents()[0].key))
    for each in [each for each in plant.engine.jobs() if each.type == "weld"]:
        plant.does(AssignJob(job=each.key, assignee="robot-7"))
    plant.passes(8)
    plant.does(SetVariables(target=second, variables={"note": ["x", 1.5, None, {"a": True}]}))
    weld = next(j for j in plant.engine.jobs(instance=one) if j.type == "weld")
    plant.does(SetVariables(target=weld.key, variables={"mine": 1}))
    plant.does(CompleteJob(job=weld.key, variables={"seam_mm": 3}))
    plant.does(Deploy(process=version("ship"), nets=(net,)))
    plant.does(Migrate(instance=one, target=DefinitionKey("p", 2)))
    plant.passes(30)
    stuck = process(job("s", outputs=(Mapping(source="for i in 1..n return i", target="y"),)),
                    links=flows("start s end"), id="q")  # fmt: skip
    third = plant.starts(stuck, {"n": 10**9})
    plant.completes("s", {"raw": 1})
    assert plant.engine.incidents(third)
    net = Net("cool")
    slow = process(page("cool", "cool"), links=flows("start cool end"), id="r")
    inlet, hot = net.place("in", any_plain, port="in"), net.place("hot", any_plain, timed=True)
    outlet = net.place("out", any_plain, port="out")
    net.transition("lay", take={inlet: "o"}, put={hot: "o"}, delay=10 * SECOND)
    net.transition("pick", take={hot: "o"}, put={outlet: "o"})
    plant.starts(slow, {}, (net.document(),))
    plant.does(Modify(instance=second, activate=(Activate(node="pack"),)))
    sign = next(a.key for f in plant.engine.instance(second).frames for a in f.acts
                if a.node == "sign")  # fmt: skip
    plant.does(Modify(instance=second, cancel=(ActAt(key=sign),)))
    fourth = plant.does(StartInstance(process="p", version=1, variables={"count": 0})).instance
    plant.does(CancelInstance(instance=fourth))
    plain = process(both("f"), script("a", "1", "x"), script("b", "2", "y"), both("j"),
                    links=flows("start f a j end", "f b j"), id="joined")  # fmt: skip
    plant.starts(plain)
    kept = process(first("race"), message("m", "M", '"k2"'), wait("w", "PT1H"), job("a"), job("b"),
                   links=flows("start race m a end", "race w b end"), id="raced")  # fmt: skip
    plant.starts(kept)
    plant.does(PublishMessage(name="M", correlation_key="k2", variables={"won": True}))
    chosen = process(some("f", default="f-c"), job("a"), script("b", "1", "x"), job("c"), some("j"),
                     links=flows("start f", "f a j: n > 0", "f b j: n > 1", "f c j", "j end"),
                     id="chosen")  # fmt: skip
    fifth = plant.starts(chosen, {"n": 2})
    plant.does(CompleteJob(job=plant.engine.jobs(instance=fifth)[0].key))
    plant.starts(process(call("c", "chosen"), links=flows("start c end"), id="caller"), {"n": 1})
    suspension_and_batches(plant)
    compensation(plant)
    rounds(plant)
    plant.does(Deploy(decisions=(discount(10),)))
    events(plant)
    return plant


def events(plant: Plant) -> None:
    """Let events of every kind happen, at every position."""
    oee = ConditionTrigger(condition="kpi.oee < 0.5")
    starts = [
        StartEvent(id="msg", trigger=MessageTrigger(name="go")),
        StartEvent(id="sig", trigger=SignalTrigger(name="all")),
        StartEvent(id="tim", trigger=TimerTrigger(cycle="R3/PT9S")),
        StartEvent(id="kpi", trigger=oee),
    ]
    work = job("w")
    links = flows(*(f"{each.id} w" for each in starts), "w end")
    plant.does(Deploy(process=BpmnProcess(id="begun", nodes=(*starts, work, END), flows=links)))
    plant.does(PublishMessage(name="go", correlation_key="g"))
    plant.does(PublishMessage(name="go", correlation_key="g", time_to_live_ns=SECOND))
    plant.does(BroadcastSignal(name="all", variables={"n": 1}))
    plant.does(ReportKpis(values={"oee": 0.4}))
    plant.passes(9)
    guarded = heeded("n > 3")
    key = plant.starts(guarded, {"n": 1})
    plant.does(SetVariables(target=key, variables={"n": 5}))
    plant.does(SuspendInstance(instance=key))
    plant.does(BroadcastSignal(name="all"))
    plant.does(ResumeInstance(instance=key))
    plant.passes(2)
    target = plant.does(Deploy(process=heeded("n > 4"))).key
    plant.does(Migrate(instance=key, target=target))
    plant.does(Deploy(process=process(work, links=flows("start w end"), id="begun")))


def heeded(condition: str) -> BpmnProcess:
    events = [
        BoundaryEvent(id=name, attached_to="a", trigger=trigger, interrupting=False)
        for name, trigger in (
            ("edge", ConditionTrigger(condition=condition)),
            ("heard", SignalTrigger(name="all")),
            ("often", TimerTrigger(cycle="R/PT2S")),
        )
    ]
    count = script("count", "n + 1", "n")
    return process(
        job("a"),
        *events,
        count,
        id="heeded",
        links=flows("start a end", "edge count end", "heard count", "often count"),
    )


def rounds(plant: Plant) -> None:
    """Carry activities out several times: with an early end, and more than one command begins."""
    some_jobs = MultiInstance(collection="[1, 2, 3]", element="x", output_collection="ys",
                              output_element="y", completion_condition="y > 1")  # fmt: skip
    key = plant.starts(process(job("a", loop=some_jobs), links=flows("start a end"), id="several"))
    first_job, second_job, _ = plant.engine.jobs(instance=key)
    plant.does(CompleteJob(job=first_job.key, variables={"y": 1}))
    plant.does(CompleteJob(job=second_job.key, variables={"y": 2}))
    many = script("s", "loopCounter", "n", loop=MultiInstance(cardinality="1001"))
    plant.starts(process(many, links=flows("start s end"), id="many"))
    plant.passes(1)
    plant.starts(process(job("anew", loop=StandardLoop(condition="true")),
                         links=flows("start anew end"), id="again"))  # fmt: skip
    plant.completes("anew")


def suspension_and_batches(plant: Plant) -> None:
    waits = process(message("m", "N", '"k"'), job("z"), links=flows("start m z end"), id="waits")
    key = plant.starts(waits)
    plant.does(SuspendInstance(instance=key))
    plant.does(PublishMessage(name="N", correlation_key="k", variables={"late": True}))
    plant.does(ResumeInstance(instance=key))
    plant.does(SuspendProcess(process="waits"))
    plant.does(ResumeProcess(process="waits"))
    where = Selection(process="waits")
    for action in (SetEach(variables={"n": 1}), CancelEach()):
        batch = plant.does(StartBatch(action=action, where=where)).batch
        plant.does(AdvanceBatch(batch=batch))
    plant.starts(waits)
    plant.does(PauseBatch(batch=plant.does(StartBatch(action=CancelEach(), where=where)).batch))


def compensation(plant: Plant) -> None:
    twice = MultiInstance(cardinality="2", sequential=True)
    box = sub("box", job("a", loop=twice), undone_by("ca", "a", "-a"), undoing("-a"),
              links=flows("box.s a box.e"))  # fmt: skip
    ears = on("m", MessageTrigger(name="N", correlation_key='"u"'), job("y"), interrupting=False)
    model = process(box, job("b"), undone_by("cb", "b", "-b"), undoing("-b"), undo("u"), ears,
                    links=flows("start box b u end"), id="undone")  # fmt: skip
    key = plant.starts(model)
    for each in ("a", "a", "b", "-b"):
        (work,) = plant.engine.jobs(instance=key)
        plant.does(CompleteJob(job=work.key, variables={"by": each}))
    plant.does(PublishMessage(name="N", correlation_key="u", variables={"lot": 1}))
    plant.does(StartInstance(process="undone"))


def summary(engine: Engine) -> dict:
    """Return all that queries tell, as plain data."""
    keys = [*engine.instances(), *engine.state.finished]
    return {
        "instances": [msgspec.to_builtins(engine.instance(key), str_keys=True) for key in keys],
        "jobs": msgspec.to_builtins(engine.jobs(), str_keys=True),
        "incidents": msgspec.to_builtins(engine.incidents()),
        "definitions": msgspec.to_builtins(engine.definitions()),
        "next_due": engine.next_due(),
        "requests": {k: msgspec.to_builtins(v) for k, v in engine.state.requests.items()},
        "batches": msgspec.to_builtins(engine.batches()),
        "last_key": engine.state.last_key,
    }


def test_the_recorded_scenario_uses_every_delta_of_the_format():
    found = {type(delta) for row in history().rows for delta in decode_body(row.body).deltas}
    assert {kind.__name__ for kind in get_args(Delta)} - {kind.__name__ for kind in found} == set()


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.jsonl")), ids=lambda file: file.stem)
def test_a_recorded_history_replays_to_the_state_it_had(file):
    engine = Engine()
    for line in file.read_bytes().splitlines():
        engine.replay([from_json(line, Row)])
    assert to_json(summary(engine)) == to_json(msgspec.json.decode(
        file.with_suffix(".json").read_bytes()))  # fmt: skip


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.snapshot")), ids=lambda file: file.stem)
def test_a_recorded_snapshot_is_what_its_history_replays_to(file):
    engine = Engine()
    lines = file.with_suffix(".jsonl").read_bytes().splitlines()
    engine.replay(from_json(line, Row) for line in lines)
    assert read_snapshot(from_msgpack(file.read_bytes(), list[bytes])) == engine.state


def record() -> None:
    plant = history()
    GOLDEN.mkdir(exist_ok=True)
    file = GOLDEN / f"format-{FORMAT}.jsonl"
    assert not file.exists(), "a recorded history never changes"
    file.write_bytes(b"".join(to_json(row) + b"\n" for row in plant.rows))
    file.with_suffix(".json").write_bytes(to_json_pretty(summary(plant.engine)))
    file.with_suffix(".snapshot").write_bytes(to_msgpack(list(write_snapshot(plant.engine.state))))


if __name__ == "__main__":
    record()
