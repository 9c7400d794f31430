"""What a repair has to know of the bakery: things, actions, what each task does."""

import json
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from fabloop.adapt.repair.domain import Action, Domain, Step, Thing, action_name, actions_of
from fabloop.adapt.repair.proposal import Situation
from fabloop.adapt.repair.remaining import Place
from fabloop.app.service_runtime.directory import Directory
from fabloop.app.service_runtime.reality import Atom, Reality
from fabloop.app.service_runtime.wanted import SERVICE_JOBS
from fabloop.model.service import Constant, Literal
from fabloop.process.bpmn.model import BpmnProcess, JobWork, ServiceTask
from fabloop.process.bpmn.outline import all_nodes

HOME = "mymuffin"
"""Where loads are made and passed on."""

LOAD, PLACE, ORDER_CODE = "load", "place", "order code"
_SORTING, _PASSING_GOOD, _PASSING = "read-codes", "pass-good", "pass-rest"
"""Tasks whose work no service could do in another way."""


OF_THE_PROCESS = frozenset((_SORTING, _PASSING_GOOD, _PASSING))


def ready_to_pass(lot: str) -> tuple[Literal, ...]:
    """Return what has to be so of a load whose muffins are passed on."""
    return (
        Literal(fluent="cooked", arguments=(lot,)),
        Literal(fluent="place", arguments=(lot,), value=HOME),
        Literal(fluent="read", arguments=(lot,)),
    )


def told(code: str) -> Literal:
    """Return that the courier of an order knows that it comes later."""
    return Literal(fluent="told", arguments=(code,))


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """An instance that stands at a node with loads of which something is not as it should.

    Attributes
    ----------
    lots : the load of the batch, and those that are made again for it; all have to be ready
    codes : orders whose couriers have to be told
    partners : services at whose place a load may be baked
    back : how long it takes until machines that do not work are back, by service
    again : what had begun at the node begins anew after the repair
    drawn : what the composed chains do; nothing else may do the same. Empty: no chain was composed
    beside : where else something of the same batch is not as it should be
    """

    repair: str
    instance: int
    process: BpmnProcess
    node: str
    lots: tuple[str, ...]
    codes: tuple[str, ...]
    partners: tuple[str, ...]
    back: dict[str, int]
    left_ns: int
    again: bool
    drawn: tuple[str, ...] = ()
    beside: tuple[Place, ...] = ()


def situation_of(damage: Damage, directory: Directory, reality: Reality) -> Situation:
    """Return what a repair is asked with."""
    lots, codes, partners = damage.lots, damage.codes, damage.partners
    services = [e for e in directory.services.values() if str(e.id) in partners or _is_own(e.id)]
    actions = [
        _live(each, damage.back)
        for each in drawn_on(actions_of(services, job_type=SERVICE_JOBS), damage.drawn)
    ]
    things = (
        *(Thing(name=each, kind=LOAD) for each in lots),
        *(Thing(name=each, kind=PLACE) for each in (HOME, *partners)),
        *(Thing(name=each, kind=ORDER_CODE) for each in codes),
    )
    return Situation(
        repair=damage.repair,
        instance=damage.instance,
        process=damage.process,
        places=(Place(node=damage.node, again=damage.again), *damage.beside),
        work=_work(damage.process, lots[0], directory),
        expected=_about(reality.expected),
        physical=_about(reality.physical),
        goals=(*(told(each) for each in codes), *_done(lots)),
        domain=Domain(things=things, actions=(*actions, *_of_the_process(lots))),
        time_left_ns=damage.left_ns,
        drawn=damage.drawn,
    )


def drawn_on(actions: Iterable[Action], drawn: Sequence[str]) -> list[Action]:
    """Return the actions that a repair may take: of those that do what a chain does, the chain's.

    So the chain says by which service it is done, and the plan when and beside what.
    """
    every = list(actions)
    made = {fluent for each in every if each.name in drawn for fluent in _makes(each)}
    return [each for each in every if each.name in drawn or not made & _makes(each)]


def _makes(action: Action) -> set[str]:
    return {each.fluent for each in action.effects if each.value is not False}


def _of_the_process(lots: Sequence[str]) -> tuple[Action, ...]:
    """Return what tasks do that no service does: sort a load by its codes, and pass it on."""
    own = lots[0]
    sorted_ = Literal(fluent="sorted", arguments=(own,))
    read = Literal(fluent="read", arguments=(own,))
    cooked, at_home, _ = ready_to_pass(own)
    return (
        Action(name=_SORTING, requires=(cooked, at_home), effects=(read, sorted_)),
        Action(
            name=_PASSING_GOOD,
            requires=(*ready_to_pass(own), sorted_),
            effects=(Literal(fluent="passed-good", arguments=(own,)),),
        ),
        Action(
            name=_PASSING,
            requires=(sorted_, *(each for lot in lots for each in ready_to_pass(lot))),
            effects=tuple(_passed(lot) for lot in lots),
        ),
    )


def _done(lots: Sequence[str]) -> tuple[Literal, ...]:
    """Return what is so once all muffins were passed on."""
    return (
        Literal(fluent="passed-good", arguments=(lots[0],)),
        *(_passed(lot) for lot in lots),
    )


def _passed(lot: str) -> Literal:
    return Literal(fluent="passed", arguments=(lot,))


def _is_own(service: object) -> bool:
    return not str(service).startswith("bakery-")


def _live(action: Action, back: Mapping[str, int]) -> Action:
    """Return an action that waits for a machine with the time that this takes now."""
    if action.service in back and action.name.endswith("awaitOven"):
        return replace(action, duration_ns=back[action.service])
    return action


def _work(process: BpmnProcess, lot: str, directory: Directory) -> dict[str, Step]:
    """Return which step each task is: service tasks by what they would be bound to."""
    found: dict[str, Step] = {}
    for node in all_nodes(process):
        if node.id in (_SORTING, _PASSING_GOOD, _PASSING):
            found[node.id] = Step(action=node.id)
        elif isinstance(node, ServiceTask) and isinstance(node.work, JobWork):
            step = _step(node, node.work.headers, lot, directory)
            if step is not None:
                found[node.id] = step
    return found


def _step(
    node: ServiceTask, headers: Mapping[str, str], lot: str, directory: Directory
) -> Step | None:
    values = {f"?{each.target}": _literal(each.source, lot) for each in node.inputs}
    if "operation" in headers:
        operation = directory.operation(headers["service"], headers["operation"])
    else:
        offered = list(directory.candidates(headers.get("skill", "")))
        if not offered:
            return None
        operation = min(offered, key=lambda each: each.operation.cost_minor or 0)
    if not operation.operation.effects:
        return None
    mentioned = {
        name
        for literal in (*operation.operation.requires, *operation.operation.effects)
        for name in (*literal.arguments, literal.value)
        if isinstance(name, str) and name.startswith("?")
    }
    action = action_name(operation.service.id, operation.operation.name)
    return Step(action=action, values={n: v for n, v in values.items() if n in mentioned})


def _literal(source: str, lot: str) -> str:
    """Return the value of an input: a text that stands there, or the load of the batch."""
    try:
        value = json.loads(source)
    except ValueError:
        return lot
    return str(value)


def _about(reality: Mapping[Atom, Constant]) -> dict[Atom, Constant]:
    return dict(reality)
