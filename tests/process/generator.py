"""Random block-structured processes of every construct, and how to bring them to their end.

``random_process(seed)`` is one process, ``deployments(chance)`` what a kill harness deploys, and
``drive(engine, seed)`` runs one to its end with whatever may happen on the way.
"""

from random import Random

from hypothesis import strategies as st
from msgspec.structs import replace

from fabloop.base.instant import SECOND, Instant
from fabloop.process.awaited import Condition, SignalWait, Subscription
from fabloop.process.bpmn.model import (
    BpmnProcess,
)
from fabloop.process.commands import (
    ActivateJobs,
    AdvanceTo,
    BroadcastSignal,
    Command,
    CompleteJob,
    Deploy,
    FailJob,
    InstanceCreated,
    PublishMessage,
    ReportKpis,
    StartInstance,
    ThrowError,
)
from fabloop.process.cpn.net import Net
from fabloop.process.definition import Await, Receive
from fabloop.process.engine import Engine
from fabloop.process.state import Phase, Role, State
from fabloop.process.thrown import hearer_of
from process.blocks import EVENTS, Block, built
from process.driver import (
    flows,
    job,
    process,
    script,
    timer,
)
from process.test_pages import station

STEPS_MAX = 2_000
DEPTH = 3
BEGIN = Instant(SECOND)

KINDS = ("seq", "seq", "xor", "and", "or", "race", "sub", "each", "after", "again", "tx", "turns",
    "ways", "any", "kill", "begun", "begun", "tell", "late", "remind", "error", "ring",
    "notice")  # fmt: skip

LEAVES = ("job", "asked", "task", "script", "wait", "message", "page", "call", "signal",
    "condition", "send", "shout")  # fmt: skip
MORE_LEAVES = (*LEAVES, "kept", "undo", "receive", "sign")


def leaves(kinds: tuple[str, ...]) -> st.SearchStrategy:
    return st.sampled_from(kinds).map(lambda kind: (kind,))


def grown(parts: st.SearchStrategy) -> st.SearchStrategy:
    several = st.lists(parts, min_size=1, max_size=3)
    return st.one_of(
        st.tuples(st.sampled_from(["seq", "xor", "and", "or", "ways", "race"]), several),
        st.tuples(st.just("sub"), parts),
        st.tuples(st.sampled_from(["each", "after", "again"]), parts),
        st.tuples(st.just("kill"), parts, parts),
        st.tuples(st.just("tell"), st.booleans(), parts, parts),
        st.tuples(st.sampled_from(["late", "remind", "error"]), st.booleans(), parts, parts),
    )


def grown_more(parts: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(
        grown(parts),
        st.tuples(st.just("begun"), st.sampled_from(list(EVENTS)), st.booleans(), parts, parts),
        st.tuples(st.just("tx"), parts),
        st.tuples(st.just("any"), st.booleans(), st.lists(parts, min_size=1, max_size=3)),
        st.tuples(st.just("turns"), st.integers(1, 3), parts),
        st.tuples(st.sampled_from(["ring", "notice"]), st.booleans(), parts, parts),
    )


BLOCKS = st.recursive(leaves(LEAVES), grown, max_leaves=8)
"""Blocks of what the verification has a mapping for."""

ALL_BLOCKS = st.recursive(leaves(MORE_LEAVES), grown_more, max_leaves=8)
"""Blocks of everything."""


def random_block(chance: Random, depth: int) -> Block:
    """Return a random nest of blocks of everything."""
    if not depth or chance.random() < 0.15:
        return (chance.choice(MORE_LEAVES),)
    parts = [random_block(chance, depth - 1) for _ in range(chance.randrange(1, 4))]
    one, other, flag = parts[0], parts[-1], chance.random() < 0.5
    kind = chance.choice(KINDS)
    match kind:
        case "seq" | "xor" | "and" | "or" | "ways" | "race":
            return (kind, parts)
        case "any":
            return (kind, flag, parts)
        case "sub" | "each" | "after" | "again" | "tx":
            return (kind, one)
        case "turns":
            return (kind, chance.randrange(1, 4), one)
        case "kill":
            return (kind, one, other)
        case "begun":
            return (kind, chance.choice(list(EVENTS)), flag, one, other)
        case _:
            return (kind, flag, one, other)


NET: Net = station("n")
"""The page that a ``page`` block runs."""

CALLED = process(
    script("more", "n + 1", "n"), job("w"), timer("t", "w", "PT1S"),
    links=flows("start more w end", "t end"), id="called",
)  # fmt: skip
"""The process that a ``call`` block runs."""


def random_process(seed: int) -> BpmnProcess:
    """Return a process with id ``p``; its page is `NET`, and it calls `CALLED`."""
    return built(random_block(Random(seed), DEPTH))


def deployments(chance: Random) -> list[Deploy]:
    """Return what has to be deployed to run some random processes, ``p0`` and so on."""
    made = [replace(built(random_block(chance, DEPTH)), id=f"p{number}") for number in range(4)]
    return [Deploy(process=each, nets=(NET.document(),)) for each in (CALLED, *made)]


# -- what may happen ----------------------------------------------------------------------------


def next_commands(engine: Engine) -> list[Command]:
    """Return what may happen next: work is done, fails, throws; time passes; a message comes."""
    commands: list[Command] = []
    for each in engine.jobs():
        commands.append(CompleteJob(job=each.key, variables={"n": each.key}, epoch=each.epoch))
        if may_throw(engine.state, each.key):
            commands.append(ThrowError(job=each.key, code="E", epoch=each.epoch))
        commands.append(ActivateJobs(type=each.type, worker="w", lease_ns=SECOND))
        commands.append(FailJob(job=each.key, retries=1, epoch=each.epoch))
    due = engine.next_due()
    if due is not None:
        commands.append(AdvanceTo(now=due))
    if engine.state.subscriptions:
        commands.append(PublishMessage(name="M", correlation_key="k", time_to_live_ns=SECOND))
        commands.append(PublishMessage(name="N", correlation_key="k"))
        commands.append(PublishMessage(name="R", correlation_key="k"))
    if engine.state.signals:
        commands += [BroadcastSignal(name="S"), BroadcastSignal(name="Z")]
    for kpi in ("go", "zap") if engine.state.conditions else ():
        commands.append(ReportKpis(values={kpi: 1 - int(bool(engine.state.kpis.get(kpi)))}))
    return commands


def awaited(state: State) -> list[Command]:
    """Return what the outside may tell that a token waits for; nothing new begins with it."""
    waits = (*state.subscriptions.values(), *state.signals.values(), *state.conditions.values())
    commands: list[Command] = []
    for each in waits:
        definition = state.definition_of(state.frames[state.acts[each.act].frame])
        if not isinstance(definition.nodes[each.node].action, Await | Receive):
            continue
        match each:
            case Subscription():
                commands.append(PublishMessage(name=each.name, correlation_key=each.correlation))
            case SignalWait():
                commands.append(BroadcastSignal(name=each.name))
            case Condition():
                commands.append(ReportKpis(values={"go": 1}))
    return commands


def onwards(engine: Engine) -> list[Command]:
    """Return what brings a process nearer to its end: work and time, else what is waited for."""
    commands = next_commands(engine)
    work = [each for each in commands if isinstance(each, CompleteJob | AdvanceTo)]
    return work or awaited(engine.state)


def may_throw(state: State, job: int) -> bool:
    """Whether an error would be caught: an uncaught one would stop the process for good."""
    act = state.acts[job]
    return hearer_of(state, state.frames[act.frame], act, "E", "catches") is not None


def drive(engine: Engine, seed: int, now: Instant = BEGIN) -> int:
    """Deploy and start the process of a seed, and run it to its end; return the instance."""
    chance = Random(seed)
    model, nets = random_process(seed), (NET.document(),)
    for each in (CALLED, model):
        engine.handle(Deploy(process=each, nets=nets), at=now)
    start = StartInstance(process=model.id, variables={"n": chance.randrange(6)})
    reply = engine.handle(start, at=now).reply
    assert isinstance(reply, InstanceCreated)
    for step in range(STEPS_MAX):
        if reply.instance not in engine.instances():
            return reply.instance
        early = step < STEPS_MAX // 10
        command = chance.choice(next_commands(engine) if early else onwards(engine))
        now = Instant(max(now, command.now)) if isinstance(command, AdvanceTo) else now
        engine.handle(command, at=now)
        check_rest(engine.state)
    raise AssertionError(f"seed {seed} did not end: {engine.instance(reply.instance)}")


# -- what must hold at rest ---------------------------------------------------------------------


def check_rest(state: State) -> None:
    """Nothing is lost: whatever is open waits for something, and whatever waits is open."""
    for act in state.acts.values():
        frame = state.frames[act.frame]
        assert act.key in frame.acts
        waits = (act.child, act.called, act.timers, act.subscriptions, act.incident,
            act.signals, act.conditions)  # fmt: skip
        works = act.key in state.jobs or act.key in state.repetitions
        listens = act.phase in (Phase.LISTENING, Phase.QUEUED)
        assert any(waits) or works or listens, f"{act} waits for nothing"
        assert act.phase is not Phase.UNDOING or act.child, f"{act} undoes nothing"
        if act.child:
            assert state.frames[act.child].act == act.key
    for key, frame in state.frames.items():
        busy = [k for k in frame.acts if state.acts[k].phase is not Phase.LISTENING]
        page = bool(frame.bags)
        assert busy or frame.tokens or page, f"frame {key} is over, but open"
        assert frame.role is Role.RUNS or frame.act, "only acts have things undone"
        assert len({id(each) for each in frame.done.values()}) == len(frame.done)
    for each in state.timers.values():
        assert each.key in state.acts[each.act].timers
    for waits in state.subscriptions.values():
        assert waits.key in state.acts[waits.act].subscriptions
    for hears in state.signals.values():
        assert hears.key in state.acts[hears.act].signals
    for looks in state.conditions.values():
        assert looks.key in state.acts[looks.act].conditions
        assert all(looks.key in state.readers[each] for each in looks.reads)
