"""A driver for tests: an engine and a replica that replays every row; the two must stay equal."""

from itertools import pairwise

from fabloop.base.errors import FabloopError
from fabloop.base.instant import SECOND, Instant
from fabloop.base.journal import Row
from fabloop.process import engine as engine_module
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    BpmnProcess,
    CallActivity,
    CatchEvent,
    EndEvent,
    EventBasedGateway,
    ExclusiveGateway,
    FlowNode,
    InclusiveGateway,
    JobWork,
    PageWork,
    ParallelGateway,
    ScriptTask,
    SequenceFlow,
    ServiceTask,
    StartEvent,
    SubProcess,
    SubProcessKind,
    ThrowEvent,
    UserTask,
)
from fabloop.process.bpmn.triggers import (
    CompensateTrigger,
    ErrorTrigger,
    EscalationTrigger,
    MessageTrigger,
    Started,
    TerminateTrigger,
    TimerTrigger,
)
from fabloop.process.commands import (
    ActivateJobs,
    AdvanceTo,
    Command,
    CompleteJob,
    Deploy,
    Done,
    InstanceCreated,
    InstanceState,
    JobsActivated,
    Notice,
    Reply,
    StartInstance,
)
from fabloop.process.engine import Engine
from fabloop.process.passive import lay_down
from fabloop.process.snapshot import read_snapshot, write_snapshot
from fabloop.process.step import Step
from fabloop.process.views import JobView


class Plant:
    """Handles commands, moves a clock by hand, and checks the replica after every command.

    When it `rests`, everything that can is at rest before every command.
    """

    rests = False

    def __init__(self) -> None:
        self.engine = Engine()
        self.replica = Engine()
        self.now = Instant(1_000 * SECOND)
        self.rows: list[Row] = []
        self.notices: list[Notice] = []

    def does(self, command: Command, *, request: str = "") -> Reply:
        self.lies_down()
        before = self.engine.state.last_key
        try:
            outcome = self.engine.handle(command, at=self.now, actor="test", request=request)
        except FabloopError:
            assert self.engine.state == self.replica.state, "a refused command left a trace"
            assert self.engine.state.last_key == before
            raise
        self.rows += outcome.rows
        self.notices += outcome.notices
        self.replica.replay(outcome.rows)
        assert self.engine.state == self.replica.state, f"replay differs after {command}"
        assert self.engine.next_due() == self.replica.next_due()
        return outcome.reply

    def lies_down(self) -> None:
        if self.rests:
            lay_down(self.engine.state, len(self.engine.state.touched))

    def rehearses(self, command: Command) -> None:
        """Decide a command, undo it, and check that nothing has changed."""
        self.lies_down()
        step = Step(self.engine.state, self.now, "")
        engine_module._DECIDERS[type(command)](step, command)
        step.rows("", "rehearsal", Done())
        self.engine.state.rollback()
        assert self.engine.state == self.replica.state, f"{command} cannot be undone"
        assert self.engine.next_due() == self.replica.next_due()

    def restores(self) -> None:
        """Let the replica go on from a snapshot of the engine."""
        self.lies_down()
        self.replica.state = read_snapshot(write_snapshot(self.engine.state))
        assert self.engine.state == self.replica.state, "a snapshot differs"
        assert self.engine.next_due() == self.replica.next_due()

    def starts(self, process: BpmnProcess, variables: dict | None = None, nets: tuple = ()) -> int:
        self.does(Deploy(process=process, nets=nets))
        reply = self.does(StartInstance(process=process.id, variables=variables or {}))
        assert isinstance(reply, InstanceCreated)
        return reply.instance

    def passes(self, seconds: float) -> None:
        self.now = Instant(self.now + int(seconds * SECOND))
        self.does(AdvanceTo(now=self.now))

    def job(self, node: str) -> JobView:
        found = [each for each in self.engine.jobs() if each.node == node]
        assert len(found) == 1, f"{len(found)} jobs at {node}"
        return found[0]

    def completes(self, node: str, variables: dict | None = None) -> None:
        self.does(CompleteJob(job=self.job(node).key, variables=variables or {}))

    def completes_job(self, key: int, variables: dict | None = None) -> None:
        self.does(CompleteJob(job=key, variables=variables or {}))

    def takes(self, job_type: str, worker: str = "w", seconds: int = 60, limit: int = 10) -> list:
        reply = self.does(
            ActivateJobs(type=job_type, worker=worker, limit=limit, lease_ns=seconds * SECOND)
        )
        assert isinstance(reply, JobsActivated)
        return list(reply.jobs)

    def open_nodes(self) -> list[str]:
        """Return the nodes with an open job, sorted."""
        return sorted(each.node for each in self.engine.jobs())

    def at_nodes(self, instance: int) -> list[str]:
        """Return the nodes in progress, sorted."""
        frames = self.engine.instance(instance).frames
        return sorted(act.node for frame in frames for act in frame.acts)

    def ended(self, instance: int) -> InstanceState:
        return self.engine.instance(instance).state

    def result(self, instance: int) -> dict:
        assert self.ended(instance) is InstanceState.COMPLETED
        return self.engine.instance(instance).variables

    def told(self, kind: type) -> list:
        return [notice for notice in self.notices if isinstance(notice, kind)]


# -- short forms of nodes -----------------------------------------------------------------------

START, END = StartEvent(id="start"), EndEvent(id="end")


def flows(*lines: str) -> tuple[SequenceFlow, ...]:
    """Return flows from lines such as ``a b`` or ``a b c: x > 3``; ids are ``a-b``.

    A condition belongs to the first flow of its line.
    """
    made = []
    for line in lines:
        ends, _, condition = line.partition(":")
        names = ends.split()
        for source, target in pairwise(names):
            stated = "" if source != names[0] else condition.strip()
            flow = SequenceFlow(
                id=f"{source}-{target}", source=source, target=target, condition=stated
            )
            made.append(flow)
    return tuple(made)


def process(*nodes: FlowNode, links: tuple[SequenceFlow, ...], id: str = "p") -> BpmnProcess:  # noqa: A002
    return BpmnProcess(id=id, nodes=(START, *nodes, END), flows=links)


def job(id: str, **more: object) -> ServiceTask:  # noqa: A002
    return ServiceTask(id=id, work=JobWork(type=f"do-{id}"), **more)


def page(id: str, net: str, **more: object) -> ServiceTask:  # noqa: A002
    return ServiceTask(id=id, work=PageWork(net=net, headers={"step": id}), **more)


def script(id: str, expression: str, result: str, **more: object) -> ScriptTask:  # noqa: A002
    return ScriptTask(id=id, expression=expression, result_variable=result, **more)


def timer(id: str, host: str, duration: str, **more: object) -> BoundaryEvent:  # noqa: A002
    return BoundaryEvent(id=id, attached_to=host, trigger=TimerTrigger(duration=duration), **more)


def error(id: str, host: str, code: str = "", **more: object) -> BoundaryEvent:  # noqa: A002
    return BoundaryEvent(id=id, attached_to=host, trigger=ErrorTrigger(code=code), **more)


def message(id: str, name: str, key: str, **more: object) -> CatchEvent:  # noqa: A002
    return CatchEvent(id=id, trigger=MessageTrigger(name=name, correlation_key=key), **more)


def wait(id: str, duration: str) -> CatchEvent:  # noqa: A002
    return CatchEvent(id=id, trigger=TimerTrigger(duration=duration))


def xor(id: str, default: str = "") -> ExclusiveGateway:  # noqa: A002
    return ExclusiveGateway(id=id, default=default)


def some(id: str, default: str = "") -> InclusiveGateway:  # noqa: A002
    return InclusiveGateway(id=id, default=default)


def first(id: str) -> EventBasedGateway:  # noqa: A002
    return EventBasedGateway(id=id)


def both(id: str) -> ParallelGateway:  # noqa: A002
    return ParallelGateway(id=id)


def kill(id: str) -> EndEvent:  # noqa: A002
    return EndEvent(id=id, trigger=TerminateTrigger())


def tell(id: str, code: str = "H") -> ThrowEvent:  # noqa: A002
    return ThrowEvent(id=id, trigger=EscalationTrigger(code=code))


def hear(id: str, host: str, code: str = "", **more: object) -> BoundaryEvent:  # noqa: A002
    return BoundaryEvent(id=id, attached_to=host, trigger=EscalationTrigger(code=code), **more)


def undoing(id: str) -> ServiceTask:  # noqa: A002
    """Return an activity for compensation."""
    return job(id, for_compensation=True)


def undone_by(id: str, host: str, handler: str) -> BoundaryEvent:  # noqa: A002
    return BoundaryEvent(id=id, attached_to=host, trigger=CompensateTrigger(), handler=handler)


def undo(id: str, activity: str = "") -> ThrowEvent:  # noqa: A002
    return ThrowEvent(id=id, trigger=CompensateTrigger(activity=activity))


def on(id: str, trigger: Started, *nodes: FlowNode, links: tuple[SequenceFlow, ...] = (),  # noqa: A002
       interrupting: bool = True, outputs: tuple = ()) -> SubProcess:  # fmt: skip
    """Return an event sub-process; without links its start leads straight to its end."""
    start = StartEvent(id=f"{id}.s", trigger=trigger, interrupting=interrupting, outputs=outputs)
    inner = (start, *nodes, EndEvent(id=f"{id}.e"))
    links = links or flows(" ".join([f"{id}.s", *(node.id for node in nodes), f"{id}.e"]))
    return SubProcess(id=id, nodes=inner, flows=links, kind=SubProcessKind.EVENT)


def call(id: str, process: str, **more: object) -> CallActivity:  # noqa: A002
    return CallActivity(id=id, process=process, **more)


def person(id: str, **more: object) -> UserTask:  # noqa: A002
    return UserTask(id=id, **more)


def sub(id: str, *nodes: FlowNode, links: tuple[SequenceFlow, ...], **more: object) -> SubProcess:  # noqa: A002
    inner = (StartEvent(id=f"{id}.s"), *nodes, EndEvent(id=f"{id}.e"))
    return SubProcess(id=id, nodes=inner, flows=links, **more)
