"""A course as a BPMN sub-process: its steps as tasks, gateways where it forks and joins."""

import json
from collections.abc import Callable, Sequence

import msgspec

from fabloop.adapt.repair.course import Course
from fabloop.adapt.repair.domain import Action, Domain, Step
from fabloop.adapt.repair.reality import VARIABLE
from fabloop.process.bpmn.model import (
    EndEvent,
    FlowNode,
    JobWork,
    Mapping,
    ParallelGateway,
    SequenceFlow,
    ServiceTask,
    StartEvent,
    SubProcess,
    UserTask,
)

REPAIR_HEADER = "fabloop:repair"
"""The header by which a job tells of which repair it is a step."""


def fragment_of(course: Course, domain: Domain, id_: str, name: str) -> SubProcess:
    """Return a sub-process that carries a course out; its tasks are ``ID-1``, ``ID-2`` and so on.

    A step's values become local variables of its job, named as the parameters are.
    """
    tasks = [
        _task(step, domain.action(step.action), task_id(id_, number), id_)
        for number, step in enumerate(course.steps)
    ]
    nodes, flows = _net(tasks, course.waits_for, id_)
    return SubProcess(id=id_, name=name, nodes=nodes, flows=flows)


def task_id(fragment: str, step: int) -> str:
    """Return the id of the task that carries out a step, by its number from 0."""
    return f"{fragment}-{step + 1}"


def steps_of(course: Course, fragment: str) -> dict[str, Step]:
    """Return the step that each task of a fragment carries out, as `Situation.work` has it."""
    return {task_id(fragment, number): step for number, step in enumerate(course.steps)}


def title_of(step: Step, action: Action) -> str:
    """Return what a step is called: its action and what it is done to."""
    values = ", ".join(step.values.values())
    return f"{action.title or action.name} ({values})" if values else action.title or action.name


def _task(step: Step, action: Action, id_: str, repair: str) -> ServiceTask | UserTask:
    title = title_of(step, action)
    headers = {**action.headers, REPAIR_HEADER: repair}
    inputs = tuple(
        Mapping(source=json.dumps(value), target=name.removeprefix(VARIABLE))
        for name, value in step.values.items()
    )
    if action.job_type:
        work = JobWork(type=action.job_type, headers=headers)
        return ServiceTask(id=id_, name=title, work=work, inputs=inputs)
    groups = (action.group,) if action.group else ()
    return UserTask(id=id_, name=title, candidate_groups=groups, headers=headers, inputs=inputs)


def _net(
    tasks: Sequence[ServiceTask | UserTask], waits: Sequence[tuple[int, ...]], id_: str
) -> tuple[tuple[FlowNode, ...], tuple[SequenceFlow, ...]]:
    """Connect tasks by who waits for whom, with gateways where several ways part or meet."""
    sketch = _Sketch(id_)
    start, end = f"{id_}-start", f"{id_}-end"
    followed = {number for each in waits for number in each}
    for number, task in enumerate(tasks):
        sketch.nodes.append(task)
        for other in waits[number]:
            sketch.link(tasks[other].id, task.id)
        if not waits[number]:
            sketch.link(start, task.id)
    for number, task in enumerate(tasks):
        if number not in followed:
            sketch.link(task.id, end)
    if not tasks:
        sketch.link(start, end)
    return sketch.closed(StartEvent(id=start), EndEvent(id=end))


class _Sketch:
    """Nodes with links between them; several into or out of a node become gateways."""

    def __init__(self, id_: str) -> None:
        self.id = id_
        self.nodes: list[FlowNode] = []
        self.links: list[tuple[str, str]] = []

    def link(self, source: str, target: str) -> None:
        self.links.append((source, target))

    def closed(
        self, start: StartEvent, end: EndEvent
    ) -> tuple[tuple[FlowNode, ...], tuple[SequenceFlow, ...]]:
        nodes: list[FlowNode] = [start, *self.nodes, end]
        split = self._gateways([source for source, _ in self.links], "split")
        join = self._gateways([target for _, target in self.links], "join")
        pairs = [(node, gate.id) for node, gate in split.items()]
        pairs += [(gate.id, node) for node, gate in join.items()]
        for source, target in self.links:
            out = split[source].id if source in split else source
            into = join[target].id if target in join else target
            pairs.append((out, into))
        flows = tuple(
            SequenceFlow(id=f"{self.id}-flow-{number}", source=source, target=target)
            for number, (source, target) in enumerate(pairs, 1)
        )
        return (*nodes, *split.values(), *join.values()), flows

    @staticmethod
    def _gateways(ends: Sequence[str], word: str) -> dict[str, ParallelGateway]:
        several = [each for each in dict.fromkeys(ends) if ends.count(each) > 1]
        return {each: ParallelGateway(id=f"{each}-{word}") for each in several}


Edit = Callable[
    [tuple[FlowNode, ...], tuple[SequenceFlow, ...]],
    tuple[tuple[FlowNode, ...], tuple[SequenceFlow, ...]],
]


def edited(
    nodes: tuple[FlowNode, ...], flows: tuple[SequenceFlow, ...], inside: str, edit: Edit
) -> tuple[tuple[FlowNode, ...], tuple[SequenceFlow, ...]]:
    """Return a scope in which the scope that node `inside` stands in is edited."""
    if any(each.id == inside for each in nodes):
        return edit(nodes, flows)
    made = list[FlowNode]()
    for node in nodes:
        if isinstance(node, SubProcess):
            inner, arrows = edited(node.nodes, node.flows, inside, edit)
            made.append(msgspec.structs.replace(node, nodes=inner, flows=arrows))
        else:
            made.append(node)
    return tuple(made), flows
