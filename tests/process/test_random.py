"""Random block-structured processes end on random paths, and every step replays and undoes."""

from collections.abc import Callable
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fabloop.base.instant import Instant
from fabloop.process.bpmn.model import (
    BpmnProcess,
    EndEvent,
    FlowNode,
    MultiInstance,
    SequenceFlow,
    StandardLoop,
    Task,
)
from fabloop.process.commands import (
    ActivateJobs,
    AdvanceTo,
    CompleteJob,
    Deploy,
    FailJob,
    InstanceState,
    Migrate,
    PublishMessage,
    ThrowError,
)
from fabloop.process.cpn.net import Net
from fabloop.process.definition import ScopeKind
from process.driver import (
    END,
    START,
    Plant,
    both,
    call,
    error,
    first,
    flows,
    hear,
    job,
    kill,
    message,
    page,
    process,
    script,
    some,
    sub,
    tell,
    timer,
    wait,
    xor,
)
from process.test_pages import station

STEPS_MAX = 300
Block = tuple  # nested: (kind, *parts)

CONDITIONS = {"xor": "modulo(n, {1}) = {0}", "or": "modulo(n + {0}, 2) = 0", "and": ""}

LOOPS = {
    "each": MultiInstance(
        collection="for i in 1..modulo(n, 3) return i", element="i",
        output_collection="made", output_element="n + i",
    ),
    "after": MultiInstance(
        sequential=True, cardinality="3", completion_condition="numberOfCompletedInstances = 2"
    ),
    "again": StandardLoop(condition="loopCounter < modulo(n, 3)", maximum="3"),
}  # fmt: skip

LEAVES = st.sampled_from(["job", "task", "script", "wait", "message", "page", "call"]).map(
    lambda kind: (kind,)
)


def grown(parts: st.SearchStrategy) -> st.SearchStrategy:
    several = st.lists(parts, min_size=1, max_size=3)
    return st.one_of(
        st.tuples(st.sampled_from(["seq", "xor", "and", "or", "race"]), several),
        st.tuples(st.just("sub"), parts),
        st.tuples(st.sampled_from(["each", "after", "again"]), parts),
        st.tuples(st.just("kill"), parts, parts),
        st.tuples(st.just("tell"), st.booleans(), parts, parts),
        st.tuples(st.sampled_from(["late", "remind", "error"]), st.booleans(), parts, parts),
    )


BLOCKS = st.recursive(LEAVES, grown, max_leaves=8)


class Builder:
    """Turns a block into nodes and flows of one scope; nested scopes get their own."""

    def __init__(self, names: Callable[[str], str]) -> None:
        self.names = names
        self.nodes: list[FlowNode] = []
        self.flows: list[SequenceFlow] = []

    def link(self, source: str, target: str, condition: str = "") -> str:
        name = self.names("f")
        self.flows.append(SequenceFlow(id=name, source=source, target=target, condition=condition))
        return name

    def add(self, node: FlowNode) -> tuple[str, str]:
        self.nodes.append(node)
        return node.id, node.id

    def build(self, block: Block) -> tuple[str, str]:
        """Add a block; return the ids of its first and last node."""
        kind, *parts = block
        match kind:
            case "seq":
                ends = [self.build(part) for part in parts[0]]
                for (_, last), (begin, _) in pairwise(ends):
                    self.link(last, begin)
                return ends[0][0], ends[-1][1]
            case "race":
                return self.race(parts[0])
            case "xor" | "and" | "or":
                return self.fork(kind, parts[0])
            case "sub" | "each" | "after" | "again":
                return self.add(replace(self.scope(parts[0]), loop=LOOPS.get(kind)))
            case "kill":
                return self.add(self.contest(*parts))
            case "tell":
                return self.told(*parts)
            case "late" | "remind" | "error":
                return self.guard(kind, *parts)
        return self.leaf(kind)

    def leaf(self, kind: str) -> tuple[str, str]:
        name = self.names(kind)
        match kind:
            case "job":
                return self.add(job(name))
            case "task":
                return self.add(Task(id=name))
            case "script":
                return self.add(script(name, "n + 1", "n"))
            case "wait":
                return self.add(wait(name, "PT3S"))
            case "message":
                return self.add(message(name, "M", '"k"'))
            case "call":
                return self.add(call(name, "called"))
        return self.add(page(name, "n"))

    def fork(self, kind: str, parts: list[Block]) -> tuple[str, str]:
        split, merge = self.names("split"), self.names("merge")
        default = ""
        for number, part in enumerate(parts):
            begin, last = self.build(part)
            condition = CONDITIONS[kind].format(number, len(parts)) if number else ""
            flow = self.link(split, begin, condition)
            default = default or flow
            self.link(last, merge)
        deciding = {"xor": xor, "or": some}.get(kind)
        self.nodes.append(deciding(split, default=default) if deciding else both(split))
        self.nodes.append({"xor": xor, "or": some, "and": both}[kind](merge))
        return split, merge

    def race(self, parts: list[Block]) -> tuple[str, str]:
        """Add a timer and messages of which the first decides the way."""
        gateway, merge = self.names("race"), self.names("merge")
        late = self.names("late")
        self.nodes += [first(gateway), xor(merge), wait(late, "PT4S")]
        self.link(gateway, late)
        self.link(late, merge)
        for number, part in enumerate(parts):
            event = self.names("heard")
            self.nodes.append(message(event, "M" if number == 0 else "N", '"k"'))
            self.link(gateway, event)
            begin, last = self.build(part)
            self.link(event, begin)
            self.link(last, merge)
        return gateway, merge

    def guard(self, kind: str, boxed: bool, body: Block, handler: Block) -> tuple[str, str]:
        host = self.scope(body) if boxed else job(self.names("job"))
        event = self.names(kind)
        self.nodes.append(host)
        if kind == "error":
            self.nodes.append(error(event, host.id, "E"))
        else:
            self.nodes.append(timer(event, host.id, "PT2S", interrupting=kind == "late"))
        begin, last = self.build(handler)
        self.link(event, begin)
        if kind == "remind":
            self.nodes.append(EndEvent(id=self.names("done")))
            self.link(last, self.nodes[-1].id)
            return host.id, host.id
        merge = self.names("merge")
        self.nodes.append(xor(merge))
        self.link(host.id, merge)
        self.link(last, merge)
        return host.id, merge

    def told(self, interrupting: bool, body: Block, handler: Block) -> tuple[str, str]:
        """Add a sub-process that escalates in the midst of its work."""
        inner, name, event = Builder(self.names), self.names("box"), self.names("tell")
        begin, last = inner.build(body)
        after, final = inner.build(("job",))
        inner.nodes.append(tell(event))
        for pair in ((f"{name}.s", begin), (last, event), (event, after), (final, f"{name}.e")):
            inner.link(*pair)
        heard, merge = self.names("heard"), self.names("merge")
        self.nodes.append(sub(name, *inner.nodes, links=tuple(inner.flows)))
        self.nodes.append(hear(heard, name, "H", interrupting=interrupting))
        begin, last = self.build(handler)
        self.link(heard, begin)
        self.nodes.append(xor(merge) if interrupting else EndEvent(id=merge))
        self.link(last, merge)
        if not interrupting:
            return name, name
        self.link(name, merge)
        return name, merge

    def contest(self, slow: Block, quick: Block) -> FlowNode:
        """Add a sub-process in which the end of one branch ends the other."""
        inner = Builder(self.names)
        name, split, end = self.names("box"), self.names("split"), self.names("kill")
        inner.nodes += [both(split), kill(end)]
        inner.link(f"{name}.s", split)
        for part, last in ((slow, f"{name}.e"), (quick, end)):
            begin, final = inner.build(part)
            inner.link(split, begin)
            inner.link(final, last)
        return sub(name, *inner.nodes, links=tuple(inner.flows))

    def scope(self, block: Block) -> FlowNode:
        inner = Builder(self.names)
        name = self.names("box")
        begin, last = inner.build(block)
        inner.link(f"{name}.s", begin)
        inner.link(last, f"{name}.e")
        return sub(name, *inner.nodes, links=tuple(inner.flows))


def built(block: Block) -> BpmnProcess:
    count = [0]

    def names(prefix: str) -> str:
        count[0] += 1
        return f"{prefix}{count[0]}"

    builder = Builder(names)
    begin, last = builder.build(block)
    builder.link("start", begin)
    builder.link(last, "end")
    return BpmnProcess(id="p", nodes=(START, *builder.nodes, END), flows=tuple(builder.flows))


def migrate(plant: Plant, key: int, target: BpmnProcess) -> None:
    """Move an instance to a definition with everything of its own and more; nothing is lost."""
    reply = plant.does(Deploy(process=target, nets=(NET.document(),)))
    before = in_progress(plant, key)
    command = Migrate(instance=key, target=reply.key)
    assert plant.engine.plan_migration(command).faults == ()
    plant.rehearses(command)
    plant.does(command)
    assert in_progress(plant, key) == before


def in_progress(plant: Plant, key: int) -> tuple:
    """Return acts by key and node, timers by due date, jobs and waiting tokens."""
    state, view = plant.engine.state, plant.engine.instance(key)
    acts = sorted((act.key, act.node) for frame in view.frames for act in frame.acts)
    timers = sorted((each.key, each.due) for each in state.timers.values())
    tokens = sorted((frame.key, sorted(frame.tokens.items())) for frame in view.frames)
    return acts, timers, tokens, dict(state.jobs), dict(state.subscriptions)


def next_commands(plant: Plant) -> list:
    """Return what may happen next: work is done, fails, throws; time passes; a message comes."""
    commands: list = []
    for each in plant.engine.jobs():
        commands.append(CompleteJob(job=each.key, variables={"n": each.key}, epoch=each.epoch))
        commands.append(ThrowError(job=each.key, code="E", epoch=each.epoch))
        commands.append(ActivateJobs(type=each.type, worker="w", lease_ns=10**9))
        commands.append(FailJob(job=each.key, retries=1, epoch=each.epoch))
    commands = [each for each in commands if may(plant, each)]
    if plant.engine.next_due() is not None:
        commands.append(AdvanceTo(now=plant.engine.next_due()))
    if plant.engine.state.subscriptions:
        commands.append(PublishMessage(name="M", correlation_key="k", time_to_live_ns=10**9))
        commands.append(PublishMessage(name="N", correlation_key="k"))
    return commands


def may(plant: Plant, command: object) -> bool:
    """Whether an error would be caught: an uncaught one would stop the process for good."""
    if not isinstance(command, ThrowError):
        return True
    state = plant.engine.state
    act = state.acts[command.job]
    while True:
        if act.transition < 0 and state.node_of(act).catches:
            return True
        frame = state.frames[act.frame]
        caller = frame.act or state.instances[frame.instance].caller
        if not caller:
            return False
        act = state.acts[caller]


def check_resources(plant: Plant, key: int) -> None:
    """The shared robot is in its place or in the hands of exactly one firing."""
    state = plant.engine.state
    instance = state.instances.get(key)
    if instance is None or not instance.shared:
        return
    frames = [state.frames[each] for each in instance.frames]
    pages = [each for each in frames if state.scope_of(each).kind is ScopeKind.PAGE]
    held = sum(len(frame.acts) for frame in pages)
    assert len(instance.shared[0]) + held == 1


NET: Net = station("n")
CALLED = process(
    script("more", "n + 1", "n"), job("w"), timer("t", "w", "PT1S"),
    links=flows("start more w end", "t end"), id="called",
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    block=BLOCKS, n=st.integers(0, 5), moment=st.integers(0, 12), rests=st.booleans(),
    data=st.data(),
)  # fmt: skip
def test_a_random_process_ends_on_a_random_path_and_replays_at_every_step(
    block, n, moment, rests, data
):
    plant = Plant()
    plant.rests = rests
    plant.does(Deploy(process=CALLED))
    key = plant.starts(built(block), {"n": n}, (NET.document(),))
    for step in range(STEPS_MAX):
        check_resources(plant, key)
        if key not in plant.engine.instances():
            break
        if step == moment:
            plant.restores()
            migrate(plant, key, built(("seq", [block, ("job",)])))
        commands = next_commands(plant)
        assert commands, f"stuck: {plant.engine.instance(key)}"
        progress = [each for each in commands if isinstance(each, CompleteJob | AdvanceTo)]
        choices = commands if step < 40 else (progress or commands)
        command = data.draw(st.sampled_from(choices)) if step < 60 else choices[0]
        if isinstance(command, AdvanceTo):
            plant.now = Instant(max(plant.now, command.now))
        plant.rehearses(command)
        plant.does(command)
    assert plant.ended(key) is InstanceState.COMPLETED
    assert plant.engine.incidents() == ()
    state = plant.engine.state
    left = (
        state.instances,
        state.acts,
        state.frames,
        state.jobs,
        state.timers,
        state.subscriptions,
        state.repetitions,
        state.ready,
    )
    assert not any(left)
