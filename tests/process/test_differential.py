"""Random processes in two engines: after every completed task, the same tasks wait in both.

The other engine is SpiffWorkflow, on what both of them take: tasks for people, exclusive, parallel
and inclusive gateways, loops, embedded sub-processes, several ends. It reads the XML that we write,
with conditions in Python instead of FEEL, so that the writer is compared as well.
"""

from collections.abc import Callable
from io import BytesIO
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser

from fabloop.process.bpmn.model import BpmnProcess, EndEvent, FlowNode, SequenceFlow, SubProcess
from fabloop.process.bpmn.write import write
from fabloop.process.commands import CompleteJob
from process.driver import END, START, Plant, both, person, some, sub, xor

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
ROUNDS_MAX = 3
STEPS_MAX = 200
NUMBERS = {f"n{number}": number for number in range(6)}
"""Variables of the instance: conditions compare them with constants."""

Block = tuple

CONDITIONS = st.tuples(st.sampled_from(sorted(NUMBERS)), st.integers(0, 5)).map(
    lambda each: f"{each[0]} > {each[1]}"
)
LEAVES = st.just(("task",))


def grown(parts: st.SearchStrategy) -> st.SearchStrategy:
    several = st.lists(parts, min_size=2, max_size=3)
    chosen = st.lists(st.tuples(CONDITIONS, parts), min_size=1, max_size=2)
    return st.one_of(
        st.tuples(st.just("seq"), several),
        st.tuples(st.just("and"), several),
        st.tuples(st.sampled_from(["xor", "or"]), chosen, parts),
        st.tuples(st.just("loop"), parts),
        st.tuples(st.just("sub"), parts),
        st.tuples(st.just("stop"), CONDITIONS, parts),
    )


BLOCKS = st.recursive(LEAVES, grown, max_leaves=7)


def unjoined(block: Block) -> Block:
    """Return a block without joins: in the second round of a loop the other's fire too early."""
    kind, *parts = block
    match kind:
        case "seq" | "and":
            return ("seq", [unjoined(part) for part in parts[0]])
        case "xor" | "or":
            chosen = [(condition, unjoined(part)) for condition, part in parts[0]]
            return ("xor", chosen, unjoined(parts[1]))
        case "loop" | "sub":
            return (kind, unjoined(parts[0]))
        case "stop":
            return (kind, parts[0], unjoined(parts[1]))
    return block


class Builder:
    """Adds blocks to one scope; each returns the ids of its first and last node."""

    def __init__(self, names: Callable[[str], str]) -> None:
        self.names = names
        self.nodes: list[FlowNode] = []
        self.flows: list[SequenceFlow] = []

    def link(self, source: str, target: str, condition: str = "") -> str:
        flow = SequenceFlow(id=self.names("f"), source=source, target=target, condition=condition)
        self.flows.append(flow)
        return flow.id

    def add(self, node: FlowNode) -> tuple[str, str]:
        self.nodes.append(node)
        return node.id, node.id

    def build(self, block: Block) -> tuple[str, str]:
        match block:
            case ("task",):
                return self.add(person(self.names("t")))
            case ("seq", parts):
                ends = [self.build(part) for part in parts]
                for (_, last), (begin, _) in pairwise(ends):
                    self.link(last, begin)
                return ends[0][0], ends[-1][1]
            case ("and", parts):
                return self.parallel(parts)
            case ("xor" | "or" as kind, chosen, other):
                return self.choice(kind, chosen, other)
            case ("loop", part):
                return self.loop(part)
            case ("sub", part):
                return self.add(self.scope(part))
            case ("stop", condition, part):
                return self.stop(condition, part)
        raise AssertionError(block)

    def parallel(self, parts: list[Block]) -> tuple[str, str]:
        fork, join = self.names("fork"), self.names("join")
        self.nodes += [both(fork), both(join)]
        for part in parts:
            begin, last = self.build(part)
            self.link(fork, begin)
            self.link(last, join)
        return fork, join

    def choice(self, kind: str, chosen: list, other: Block) -> tuple[str, str]:
        split, merge = self.names("split"), self.names("merge")
        for condition, part in chosen:
            begin, last = self.build(part)
            self.link(split, begin, condition)
            self.link(last, merge)
        begin, last = self.build(other)
        default = self.link(split, begin)
        self.link(last, merge)
        gateway = xor if kind == "xor" else some
        self.nodes += [gateway(split, default=default), gateway(merge)]
        return split, merge

    def loop(self, part: Block) -> tuple[str, str]:
        """Go round while the task at the end says so: variable ``again_TASK``."""
        enter, asked, leave = self.names("enter"), self.names("t"), self.names("leave")
        begin, last = self.build(unjoined(part))
        self.nodes += [xor(enter), person(asked)]
        self.link(enter, begin)
        self.link(last, asked)
        self.link(asked, leave)
        self.link(leave, enter, f"again_{asked} > 0")
        out = self.names("out")
        self.nodes += [xor(leave, default=self.link(leave, out)), xor(out)]
        return enter, out

    def stop(self, condition: str, part: Block) -> tuple[str, str]:
        """Leave by an end of its own, which ends nothing else."""
        split, end = self.names("split"), self.names("end")
        begin, last = self.build(part)
        self.link(split, end, condition)
        default = self.link(split, begin)
        self.nodes += [xor(split, default=default), EndEvent(id=end)]
        return split, last

    def scope(self, part: Block) -> SubProcess:
        name = self.names("s")
        inner = Builder(self.names)
        begin, last = inner.build(part)
        inner.link(f"{name}.s", begin)
        inner.link(last, f"{name}.e")
        return sub(name, *inner.nodes, links=tuple(inner.flows))


def built(block: Block) -> BpmnProcess:
    count = iter(range(10_000))
    builder = Builder(lambda kind: f"{kind}{next(count)}")
    begin, last = builder.build(block)
    builder.link("start", begin)
    builder.link(last, "end")
    return BpmnProcess(id="p", nodes=(START, *builder.nodes, END), flows=tuple(builder.flows))


class Other:
    """The same process in SpiffWorkflow."""

    def __init__(self, process: BpmnProcess) -> None:
        tree = etree.parse(BytesIO(write(process)))
        for condition in tree.iter(f"{BPMN}conditionExpression"):
            condition.text = condition.text.removeprefix("=")
        parser = BpmnParser()
        parser.add_bpmn_xml(tree)
        self.workflow = BpmnWorkflow(parser.get_spec("p"), parser.get_subprocess_specs("p"))
        self.workflow.get_next_task().data.update(NUMBERS)
        self.workflow.do_engine_steps()

    def waiting(self) -> list[str]:
        return sorted(task.task_spec.bpmn_id for task in self._tasks())

    def completes(self, node: str, values: dict) -> None:
        task = next(task for task in self._tasks() if task.task_spec.bpmn_id == node)
        task.data.update(values)
        task.run()
        self.workflow.do_engine_steps()

    def _tasks(self) -> list:
        return self.workflow.get_tasks(state=TaskState.READY, manual=True)

    @property
    def completed(self) -> bool:
        return self.workflow.is_completed()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(BLOCKS, st.data())
def test_the_same_tasks_wait_in_both_engines(block, data):
    process = built(block)
    ours, other = Plant(), Other(process)
    key = ours.starts(process, dict(NUMBERS))
    rounds: dict[str, int] = {}
    for _ in range(STEPS_MAX):
        waiting = ours.open_nodes()
        assert waiting == other.waiting()
        if not waiting:
            break
        node = data.draw(st.sampled_from(sorted(set(waiting))))
        rounds[node] = rounds.get(node, 0) + 1
        more = data.draw(st.integers(0, 1)) if rounds[node] < ROUNDS_MAX else 0
        values = {f"again_{node}": more}
        oldest = min(each.key for each in ours.engine.jobs() if each.node == node)
        ours.does(CompleteJob(job=oldest, variables=values))
        other.completes(node, values)
    assert other.completed == (ours.ended(key).name == "COMPLETED")
