"""A production recipe as an executable process: BPMN above, a coloured Petri net per step.

What branches is joined again, every page ends, and a rejection leaves a sub-process that holds all
steps which may still run then, so that nothing waits for a piece that will not come: a composition
is sound by construction. It is verified nevertheless before it may run. Ids follow from the
recipe's step ids alone, so that a running instance can be moved to the process of another plan.
"""

import re
from collections.abc import Mapping as Table

import msgspec

from fabloop.model.ids import SkillId
from fabloop.model.recipe import ProductionRecipe, RecipeStep
from fabloop.model.skill import SkillVocabulary
from fabloop.process.bpmn.layout import layout
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    BpmnProcess,
    EndEvent,
    ExclusiveGateway,
    FlowNode,
    Lane,
    Mapping,
    PageWork,
    ParallelGateway,
    SequenceFlow,
    ServiceTask,
    StartEvent,
    SubProcess,
    UserTask,
)
from fabloop.process.bpmn.triggers import ErrorTrigger
from fabloop.process.cpn.model import NetDocument
from fabloop.run.recipe import SHIPPING, TRANSPORT, USER_TASK
from fabloop.run.templates import headers_of, page, page_id

MANUAL = SkillId("manual")
"""Operations whose skill is a kind of this become tasks for a person, who tells the outcome."""
REJECTED = "rejected"
"""Code of the error that ends production when a person did not let a piece pass."""
PRODUCTION = "production"
"""Id of the sub-process around all steps, where one may reject while others still run."""

_XML_ID = re.compile(r"[A-Za-z_][\w.\-]*", re.ASCII)


class Composition(msgspec.Struct, frozen=True, kw_only=True):
    """A process and the net documents of its pages."""

    process: BpmnProcess
    nets: tuple[NetDocument, ...]


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a step becomes: nodes from `entry` to `exit`, flows `away` to other ends, pages."""

    step: RecipeStep
    nodes: tuple[FlowNode, ...]
    flows: tuple[SequenceFlow, ...]
    away: tuple[SequenceFlow, ...] = ()
    entry: str
    exit: str
    passes: str = ""
    nets: tuple[NetDocument, ...]


def compose(
    recipe: ProductionRecipe,
    vocabulary: SkillVocabulary | None = None,
    *,
    process_id: str,
    name: str = "",
    version_tag: str = "",
    capacities: Table[str, int] | None = None,
    lane_names: Table[str, str] | None = None,
) -> Composition:
    """Return the process that carries out the recipe, laid out, with its pages.

    An instance needs the variable ``order``. `capacities` tells how many machines provide a
    service where the recipe plans no work unit; `lane_names` labels sites and carriers by id.

    Raises
    ------
    Invalid
        A parameter of a step cannot fill its template.
    """
    parts = [_part(step, vocabulary, capacities or {}) for step in recipe.steps]
    rejecting = [part for part in parts if part.away]
    wide = not all(_is_alone(part.step, recipe) for part in rejecting)
    if rejecting and not wide:
        parts = [_boxed(part) if part.away else part for part in parts]
    nodes, flows = _all_steps(parts, f"{PRODUCTION}-" if wide else "")
    if rejecting and not wide:
        nodes.append(EndEvent(id=REJECTED, name="Order rejected"))
    lanes = _lanes(recipe, parts, nodes, lane_names or {})
    if wide:
        nodes, flows = _rejectable(nodes, flows)
    process = BpmnProcess(
        id=process_id,
        name=name or f"Production at {recipe.plant}",
        version_tag=version_tag,
        nodes=tuple(nodes),
        flows=tuple(flows),
        lanes=lanes,
    )
    process = msgspec.structs.replace(process, diagram=layout(process))
    return Composition(process=process, nets=tuple(net for part in parts for net in part.nets))


def node_id(step_id: str) -> str:
    """Return the id of a step's task; a step id that is no XML name is written as one."""
    return step_id if _XML_ID.fullmatch(step_id) else f"step-{_encoded(step_id)}"


def delivery_id(node: str) -> str:
    """Return the id of the task that brings parts to a person's task."""
    return f"deliver-{node}"


def _encoded(text: str) -> str:
    return "".join(
        c if c.isascii() and (c.isalnum() or c in "-.") else f"_{ord(c):x}_" for c in text
    )


def _flow(source: str, target: str, *, name: str = "", condition: str = "") -> SequenceFlow:
    return SequenceFlow(
        id=f"flow-{source}-{target}", source=source, target=target, name=name, condition=condition
    )


# -- one step ------------------------------------------------------------------------------------


def _part(
    step: RecipeStep, vocabulary: SkillVocabulary | None, capacities: Table[str, int]
) -> _Part:
    if not _is_manual(step, vocabulary):
        task, net = _machine_task(step, node_id(step.flow_id), step.production_step, capacities)
        return _Part(step=step, nodes=(task,), flows=(), entry=task.id, exit=task.id, nets=(net,))
    return _manual_part(step, capacities)


def _is_manual(step: RecipeStep, vocabulary: SkillVocabulary | None) -> bool:
    if step.bpmn_type == USER_TASK:
        return True
    skill = SkillId(step.parameters.get("skill", ""))
    return vocabulary is not None and skill in vocabulary.skills and vocabulary.is_a(skill, MANUAL)


def _machine_task(
    step: RecipeStep,
    id_: str,
    name: str,
    capacities: Table[str, int],
    *,
    moves_only: bool = False,
) -> tuple[ServiceTask, NetDocument]:
    task = ServiceTask(
        id=id_,
        name=name,
        work=PageWork(net=page_id(step)),
        inputs=_inputs(step),
        outputs=(Mapping(source="true", target=f"{_variable(id_)}_done"),),
    )
    return task, page(step, capacities, moves_only=moves_only)


def _inputs(step: RecipeStep) -> tuple[Mapping, ...]:
    """Return what the piece is when it enters the step's page."""
    given = step.parameters
    operation = given.get("operation", given.get("taken_by", step.flow_id))
    return (
        Mapping(source="order", target="order"),
        Mapping(source=_text(operation), target="operation"),
        Mapping(source=_text(step.flow_id), target="step"),
        Mapping(source=_text(given.get("work_unit", "")), target="work_unit"),
    )


def _text(value: str) -> str:
    """Return text as a FEEL literal."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _variable(id_: str) -> str:
    return re.sub(r"\W", "_", id_, flags=re.ASCII)


def _manual_part(step: RecipeStep, capacities: Table[str, int]) -> _Part:
    """Return delivery where parts must come first, the person's task, and the check behind it."""
    id_ = node_id(step.flow_id)
    verdict = f"{_variable(id_)}_passed"
    before: tuple[ServiceTask, ...] = ()
    nets: tuple[NetDocument, ...] = ()
    if any(each in (TRANSPORT, SHIPPING) for each in step.services):
        name = f"Deliver for {step.production_step}"
        delivery, net = _machine_task(step, delivery_id(id_), name, capacities, moves_only=True)
        before, nets = (delivery,), (net,)
    skill = step.parameters.get("person_skill", "")
    task = UserTask(
        id=id_,
        name=step.production_step,
        candidate_groups=(skill,) if skill else (),
        headers=headers_of(step, len(step.services), step.services[-1]),
        # A verdict left from an earlier task must not pass this one: ours begins as null.
        inputs=(*_inputs(step), Mapping(source="null", target="passed")),
        outputs=(
            Mapping(source="passed", target="passed"),
            Mapping(source="passed", target=verdict),
        ),
    )
    check, rejected = f"check-{id_}", f"rejected-{id_}"
    away = _flow(check, rejected, name="rejected")
    return _Part(
        step=step,
        nodes=(
            *before,
            task,
            ExclusiveGateway(id=check, name="Passed?", default=away.id),
            EndEvent(id=rejected, name="Rejected", trigger=ErrorTrigger(code=REJECTED)),
        ),
        flows=(*(_flow(each.id, id_) for each in before), _flow(id_, check)),
        away=(away,),
        entry=before[0].id if before else id_,
        exit=check,
        passes="passed = true",
        nets=nets,
    )


# -- rejection -----------------------------------------------------------------------------------


def _is_alone(step: RecipeStep, recipe: ProductionRecipe) -> bool:
    """Tell whether no other step can be in progress together with this one."""
    before = {each.flow_id: each.previous for each in recipe.steps}
    after = {each.flow_id: each.next for each in recipe.steps}
    ordered = {step.flow_id} | _reached(step.flow_id, before) | _reached(step.flow_id, after)
    return len(ordered) == len(recipe.steps)


def _reached(start: str, ways: Table[str, tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    waiting = list(ways[start])
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += ways[each]
    return found


def _boxed(part: _Part) -> _Part:
    """Return a step that may reject, and with which none runs, in a sub-process of its own."""
    task = node_id(part.step.flow_id)
    box, caught = f"judge-{task}", f"caught-{task}"
    begin, end = f"{box}-start", f"{box}-end"
    before = [each for each in part.nodes if each.id == f"deliver-{task}"]
    judged = [each for each in part.nodes if each not in before]
    inner = [each for each in part.flows if each.target != task]
    inner = [_flow(begin, task), *inner, _leaving(part, end), *part.away]
    name = part.step.production_step
    return _Part(
        step=part.step,
        nodes=(
            *before,
            SubProcess(
                id=box,
                name=name,
                nodes=(
                    StartEvent(id=begin, name="Begin"),
                    *judged,
                    EndEvent(id=end, name="Passed"),
                ),
                flows=tuple(inner),
            ),
            _catching(caught, box),
        ),
        flows=tuple(_flow(each.id, box) for each in before),
        away=(_flow(caught, REJECTED),),
        entry=before[0].id if before else box,
        exit=box,
        nets=part.nets,
    )


def _rejectable(
    nodes: list[FlowNode], flows: list[SequenceFlow]
) -> tuple[list[FlowNode], list[SequenceFlow]]:
    """Return all steps inside a sub-process that a rejection ends, whatever else still runs."""
    caught = f"caught-{REJECTED}"
    outer: list[FlowNode] = [
        StartEvent(id="start", name="Order released"),
        SubProcess(id=PRODUCTION, name="Production", nodes=tuple(nodes), flows=tuple(flows)),
        EndEvent(id="end", name="Order finished"),
        _catching(caught, PRODUCTION),
        EndEvent(id=REJECTED, name="Order rejected"),
    ]
    pairs = (("start", PRODUCTION), (PRODUCTION, "end"), (caught, REJECTED))
    return outer, [_flow(source, target) for source, target in pairs]


def _catching(id_: str, host: str) -> BoundaryEvent:
    trigger = ErrorTrigger(code=REJECTED)
    return BoundaryEvent(id=id_, name="Piece rejected", attached_to=host, trigger=trigger)


# -- how steps follow each other -----------------------------------------------------------------


def _all_steps(parts: list[_Part], prefix: str) -> tuple[list[FlowNode], list[SequenceFlow]]:
    """Return all steps between a start and an end event, whose ids begin with the prefix."""
    by_step = {part.step.flow_id: part for part in parts}
    nodes: list[FlowNode] = []
    flows: list[SequenceFlow] = []
    _begin([part for part in parts if not part.step.previous], nodes, flows, f"{prefix}start")
    for part in parts:
        _joined(part, by_step, nodes, flows)
        nodes += part.nodes
        flows += part.flows
        _split(part, nodes, flows)
    _end([part for part in parts if not part.step.next], nodes, flows, f"{prefix}end")
    return nodes, flows + [flow for part in parts for flow in part.away]


def _begin(starts: list[_Part], nodes: list[FlowNode], flows: list[SequenceFlow], id_: str) -> None:
    nodes.append(StartEvent(id=id_, name="Order released" if id_ == "start" else "Begin"))
    source = id_
    if len(starts) > 1:
        nodes.append(ParallelGateway(id="fork"))
        flows.append(_flow(id_, "fork"))
        source = "fork"
    flows += [_flow(source, part.entry) for part in starts]


def _end(ends: list[_Part], nodes: list[FlowNode], flows: list[SequenceFlow], id_: str) -> None:
    target = id_
    if len(ends) > 1:
        nodes.append(ParallelGateway(id="join-end"))
        flows.append(_flow("join-end", id_))
        target = "join-end"
    nodes.append(EndEvent(id=id_, name="Order finished" if id_ == "end" else "Made"))
    flows += [_leaving(part, target) for part in ends]


def _joined(
    part: _Part, by_step: Table[str, _Part], nodes: list[FlowNode], flows: list[SequenceFlow]
) -> None:
    """Add the flows into a step, through a gateway that waits for all where there are several."""
    target = part.entry
    if len(part.step.previous) > 1:
        target = f"join-{node_id(part.step.parameters.get('operation', part.step.flow_id))}"
        nodes.append(ParallelGateway(id=target))
    for before in part.step.previous:
        source = by_step[before]
        several = len(source.step.next) > 1
        flows.append(_flow(_split_id(source), target) if several else _leaving(source, target))
    if target != part.entry:
        flows.append(_flow(target, part.entry))


def _split(part: _Part, nodes: list[FlowNode], flows: list[SequenceFlow]) -> None:
    if len(part.step.next) > 1:
        nodes.append(ParallelGateway(id=_split_id(part)))
        flows.append(_leaving(part, _split_id(part)))


def _split_id(part: _Part) -> str:
    return f"split-{node_id(part.step.flow_id)}"


def _leaving(part: _Part, target: str) -> SequenceFlow:
    name = "passed" if part.passes else ""
    return _flow(part.exit, target, name=name, condition=part.passes)


# -- lanes ---------------------------------------------------------------------------------------


def _lanes(
    recipe: ProductionRecipe,
    parts: list[_Part],
    nodes: list[FlowNode],
    names: Table[str, str],
) -> tuple[Lane, ...]:
    """Return one lane per site and per carrier; gateways stand with the step they serve."""
    members: dict[tuple[str, str], list[str]] = {}
    owner: dict[str, tuple[str, str]] = {}
    for part in parts:
        key = _lane_key(part.step, recipe)
        members.setdefault(key, [])
        owner.update(dict.fromkeys((node.id for node in part.nodes), key))
        owner[f"join-{node_id(part.step.parameters.get('operation', part.step.flow_id))}"] = key
        owner[_split_id(part)] = key
    first, last = _lane_key(parts[0].step, recipe), _lane_key(parts[-1].step, recipe)
    owner |= {"start": first, f"{PRODUCTION}-start": first, "fork": first}
    owner |= {"end": last, f"{PRODUCTION}-end": last, "join-end": last, REJECTED: last}
    for node in nodes:
        members[owner[node.id]].append(node.id)
    return tuple(
        Lane(id=f"lane-{kind}-{_encoded(key)}", name=names.get(key, key), nodes=tuple(inside))
        for (kind, key), inside in members.items()
    )


def _lane_key(step: RecipeStep, recipe: ProductionRecipe) -> tuple[str, str]:
    if SHIPPING in step.services:
        return "carrier", step.parameters.get("carrier", SHIPPING)
    return "site", step.parameters.get("site", recipe.plant)
