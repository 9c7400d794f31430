"""The production recipe as JSON, as an order management system writes it.

A recipe is an object with ``PriorityId`` (integer), an optional ``DocumentVersion`` (integer),
``Plant`` (text) and ``Steps``. A step has ``BpmnType`` (``servicetask`` or ``usertask``),
``FlowId`` (integer), ``ProductionStep`` (text), ``PreviousStepId`` and ``NextStepId`` (the other
step's FlowId as text, or ``"start"`` and ``"end"``), and ``Services``: an object
``{"Service1": name, "Service2": name ...}`` without gaps.

Three things are ours, and a recipe that is a plain sequence needs none of them:

- ``FlowId`` may be text that is no number, such as ``"op-mill"``.
- ``PreviousStepId`` and ``NextStepId`` may be lists of such texts, where a step waits for several
  steps or several follow it. ``["start"]`` marks a step as one of several that begin together.
- ``Parameters`` of a step, an object of texts, fills the templates (see `fabloop.run.recipe`).
"""

import re

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.names import did_you_mean
from fabloop.model.recipe import ProductionRecipe, RecipeStep
from fabloop.run.recipe import SERVICE_TASK, USER_TASK

STEPS_MAX = 1_000
SERVICES_MAX = 99
START, END = "start", "end"

_RECIPE_KEYS = ("PriorityId", "DocumentVersion", "Plant", "Steps")
_STEP_KEYS = (
    "BpmnType",
    "FlowId",
    "ProductionStep",
    "PreviousStepId",
    "NextStepId",
    "Services",
    "Parameters",
)
_NUMBER = re.compile(r"0|[1-9]\d{0,8}")
_SERVICE = re.compile(r"Service([1-9]\d*)")


class _Faults:
    """Collects what is wrong, so that a reader sees all of it at once."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.all: list[Fault] = []

    def add(self, path: str, expected: str, found: object, hint: str = "") -> None:
        text = found if isinstance(found, str) else _json(found)
        self.all.append(
            Fault(source=self.source, path=path, expected=expected, found=text, hint=hint)
        )


class _Ends(msgspec.Struct, frozen=True):
    """How a step's neighbour field was written: ids without start and end, and in which form."""

    ids: tuple[str, ...]
    terminal: bool
    listed: bool


class _Read(msgspec.Struct, frozen=True):
    path: str
    step: RecipeStep
    previous: _Ends
    next: _Ends


def read_recipe(data: bytes | str, *, source: str = "recipe") -> ProductionRecipe:
    """Return the recipe that the JSON text holds.

    Raises
    ------
    Invalid
        With every fault: wrong types and unknown names, gaps in the numbering of services, unknown
        step ids, neighbours that contradict each other, cycles, no or several starts or ends.
    """
    faults = _Faults(source)
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        faults.add("$", "JSON text", str(error))
        raise Invalid(faults.all) from error
    recipe = _recipe(document, faults)
    if recipe is None or faults.all:
        raise Invalid(faults.all)
    return recipe


def write_recipe(recipe: ProductionRecipe) -> bytes:
    """Return the recipe as indented JSON; numbers and plain sequences are written as such."""
    document: dict[str, object] = {"PriorityId": recipe.priority_id}
    if recipe.document_version is not None:
        document["DocumentVersion"] = recipe.document_version
    document["Plant"] = recipe.plant
    starts = sum(not step.previous for step in recipe.steps)
    ends = sum(not step.next for step in recipe.steps)
    document["Steps"] = [
        {
            "BpmnType": step.bpmn_type,
            "FlowId": int(step.flow_id) if _NUMBER.fullmatch(step.flow_id) else step.flow_id,
            "ProductionStep": step.production_step,
            "PreviousStepId": _neighbours_text(step.previous, START, several=starts > 1),
            "NextStepId": _neighbours_text(step.next, END, several=ends > 1),
            "Services": {f"Service{n}": name for n, name in enumerate(step.services, start=1)},
            **({"Parameters": step.parameters} if step.parameters else {}),
        }
        for step in recipe.steps
    ]
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _neighbours_text(ids: tuple[str, ...], terminal: str, *, several: bool) -> str | list[str]:
    if not ids:
        return [terminal] if several else terminal
    return ids[0] if len(ids) == 1 else list(ids)


def _recipe(document: object, faults: _Faults) -> ProductionRecipe | None:
    if not isinstance(document, dict):
        faults.add("$", "an object", document)
        return None
    _refuse_unknown(document, "$", _RECIPE_KEYS, faults)
    version = document.get("DocumentVersion")
    if "DocumentVersion" in document:
        version = _integer(document, "$", "DocumentVersion", faults)
    priority = _integer(document, "$", "PriorityId", faults)
    plant = _text(document, "$", "Plant", faults)
    listed = document.get("Steps")
    if not isinstance(listed, list) or not 1 <= len(listed) <= STEPS_MAX:
        found = f"{len(listed)} steps" if isinstance(listed, list) else listed
        faults.add("$.Steps", f"a list of 1 to {STEPS_MAX} steps", found)
        return None
    read = [_step(each, f"$.Steps[{n}]", faults) for n, each in enumerate(listed)]
    steps = [each for each in read if each is not None]
    if len(steps) == len(read):
        _check_ids(steps, faults)
        _check_ends(steps, faults)
        _check_cycles(steps, faults)
    return ProductionRecipe(
        plant=plant,
        priority_id=priority,
        document_version=version,
        steps=tuple(each.step for each in steps),
    )


def _step(document: object, path: str, faults: _Faults) -> _Read | None:
    if not isinstance(document, dict):
        faults.add(path, "an object", document)
        return None
    before = len(faults.all)
    _refuse_unknown(document, path, _STEP_KEYS, faults)
    kind = document.get("BpmnType")
    if kind not in (SERVICE_TASK, USER_TASK):
        faults.add(f"{path}.BpmnType", f"{SERVICE_TASK!r} or {USER_TASK!r}", kind)
    previous = _neighbours(document, path, "PreviousStepId", START, faults)
    following = _neighbours(document, path, "NextStepId", END, faults)
    step = RecipeStep(
        flow_id=_flow_id(document, path, faults),
        production_step=_text(document, path, "ProductionStep", faults),
        bpmn_type=str(kind),
        previous=previous.ids,
        next=following.ids,
        services=_services(document.get("Services"), f"{path}.Services", faults),
        parameters=_parameters(document.get("Parameters", {}), f"{path}.Parameters", faults),
    )
    if len(faults.all) > before:
        return None
    return _Read(path=path, step=step, previous=previous, next=following)


def _refuse_unknown(
    document: dict[str, object], path: str, known: tuple[str, ...], faults: _Faults
) -> None:
    for name in document.keys() - set(known):
        faults.add(f"{path}.{name}", "a known field", repr(name), did_you_mean(name, known))


def _integer(document: dict[str, object], path: str, name: str, faults: _Faults) -> int:
    value = document.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    faults.add(f"{path}.{name}", "an integer", value)
    return 0


def _text(document: dict[str, object], path: str, name: str, faults: _Faults) -> str:
    value = document.get(name)
    if isinstance(value, str) and value:
        return value
    faults.add(f"{path}.{name}", "text that is not empty", value)
    return ""


def _flow_id(document: dict[str, object], path: str, faults: _Faults) -> str:
    value = document.get("FlowId")
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    if isinstance(value, str) and value and value not in (START, END):
        return value
    faults.add(f"{path}.FlowId", "an integer from 0, or text but 'start' and 'end'", value)
    return ""


def _neighbours(
    document: dict[str, object], path: str, name: str, terminal: str, faults: _Faults
) -> _Ends:
    value = document.get(name)
    if isinstance(value, str) and value:
        given, listed = (value,), False
    elif isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        given, listed = tuple(value), True
    else:
        expected = f"a step's FlowId as text, a list of such, or {terminal!r}"
        faults.add(f"{path}.{name}", expected, value)
        return _Ends((), terminal=False, listed=False)
    if len(set(given)) < len(given) or (terminal in given and len(given) > 1):
        faults.add(f"{path}.{name}", f"each step once, or {terminal!r} alone", value)
    return _Ends(tuple(e for e in given if e != terminal), terminal in given, listed)


def _services(value: object, path: str, faults: _Faults) -> tuple[str, ...]:
    if not isinstance(value, dict) or not 1 <= len(value) <= SERVICES_MAX:
        faults.add(path, f"an object of 1 to {SERVICES_MAX} services", value)
        return ()
    numbered: dict[int, str] = {}
    for name, service in value.items():
        number = _SERVICE.fullmatch(name)
        if number is None:
            faults.add(f"{path}.{name}", "a name such as 'Service1'", repr(name))
        elif not isinstance(service, str) or not service:
            faults.add(f"{path}.{name}", "the name of a service", service)
        else:
            numbered[int(number[1])] = service
    wanted = range(1, len(value) + 1)
    missing = [number for number in wanted if f"Service{number}" not in value]
    if missing:
        gap = ", ".join(f"Service{number}" for number in missing)
        faults.add(path, "services numbered from 1 without gaps", f"no {gap}")
    return tuple(service for _, service in sorted(numbered.items()))


def _parameters(value: object, path: str, faults: _Faults) -> dict[str, str]:
    if isinstance(value, dict) and all(isinstance(each, str) for each in value.values()):
        return dict(value)
    faults.add(path, "an object of texts", value)
    return {}


def _check_ids(steps: list[_Read], faults: _Faults) -> None:
    """Check that ids are unique, that neighbours exist, and that both sides name each other."""
    by_id: dict[str, _Read] = {}
    for each in steps:
        twin = by_id.setdefault(each.step.flow_id, each)
        if twin is not each:
            found = f"{each.step.flow_id!r} as in {twin.path}"
            faults.add(f"{each.path}.FlowId", "an id of its own", found)
    for each in steps:
        me = each.step.flow_id
        _check_neighbours(each, "PreviousStepId", by_id, faults)
        for other in each.step.next:
            if other in by_id and me not in by_id[other].step.previous:
                path = f"{by_id[other].path}.PreviousStepId"
                found = _listing(by_id[other].step.previous, START)
                faults.add(path, f"{me!r}, whose NextStepId names this step", found)
        _check_neighbours(each, "NextStepId", by_id, faults)
        for other in each.step.previous:
            if other in by_id and me not in by_id[other].step.next:
                path = f"{by_id[other].path}.NextStepId"
                found = _listing(by_id[other].step.next, END)
                faults.add(path, f"{me!r}, whose PreviousStepId names this step", found)


def _check_neighbours(each: _Read, name: str, by_id: dict[str, _Read], faults: _Faults) -> None:
    ids = each.step.previous if name == "PreviousStepId" else each.step.next
    for other in ids:
        if other not in by_id:
            hint = did_you_mean(other, by_id)
            faults.add(f"{each.path}.{name}", "the FlowId of a step", repr(other), hint)


def _listing(ids: tuple[str, ...], terminal: str) -> str:
    return ", ".join(repr(each) for each in ids) or repr(terminal)


def _check_ends(steps: list[_Read], faults: _Faults) -> None:
    """Check that there is one start and one end, or several that are all marked as lists."""
    for name, terminal in (("PreviousStepId", START), ("NextStepId", END)):
        ends = {
            each.path: each.previous if terminal == START else each.next
            for each in steps
            if (each.previous if terminal == START else each.next).terminal
        }
        if not ends:
            faults.add("$.Steps", f"a step whose {name} is {terminal!r}", "none")
        plain = [path for path, end in ends.items() if not end.listed]
        if plain and len(ends) > 1:
            hint = f'Write ["{terminal}"] in each of them if they are meant to run in parallel.'
            faults.add("$.Steps", f"one step with {name} {terminal!r}", ", ".join(ends), hint)


def _check_cycles(steps: list[_Read], faults: _Faults) -> None:
    waiting = {each.step.flow_id: set(each.step.previous) for each in steps}
    waiting = {me: previous & waiting.keys() for me, previous in waiting.items()}
    while ready := {me for me, previous in waiting.items() if not previous}:
        waiting = {me: prev - ready for me, prev in waiting.items() if me not in ready}
    if waiting:
        found = ", ".join(repr(each) for each in _cycle(waiting))
        faults.add("$.Steps", "steps that come to an end", f"a cycle of {found}")


def _cycle(waiting: dict[str, set[str]]) -> list[str]:
    """Return one cycle, following from any step that waits what it waits for."""
    way = [min(waiting)]
    while (before := min(waiting[way[-1]])) not in way:
        way.append(before)
    return sorted(way[way.index(before) :])


def _json(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else text[:57] + "..."
