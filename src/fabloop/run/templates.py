"""The coloured Petri net pages under a recipe's steps, filled from the step's parameters.

Every transition with work takes at most one resource and gives it back in the same firing, so
pages that share resources cannot block each other.

Each job carries the headers ``step``, ``skill``, ``service`` (its number in the step), ``main``
(``true`` for the operation itself, ``false`` for what serves it), ``operation`` (the one that is
carried out or served; the step where the recipe tells none), ``duration_ns`` and, where they are
known, ``work_unit`` (the planned one) or ``lane``, ``site``, ``person_skill``, ``constraints``
(JSON), ``from``, ``to`` and ``from_operation``.
"""

from collections.abc import Mapping

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import duration_of_iso
from fabloop.model.recipe import RecipeStep
from fabloop.process.cpn.model import NetDocument, TransitionWork
from fabloop.process.cpn.net import Named, Net, PlaceRef, any_plain, record
from fabloop.run.recipe import SHIPPING, TRANSPORT

_JOB_TYPE = {TRANSPORT: "transport", SHIPPING: "shipping"}
_PIECE = "piece"
_COLOUR = Named("Piece")
_FREE = "()"
CAPACITY_MAX = 1_000


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One service of a step as its transition needs it.

    Attributes
    ----------
    number : position in the step, from 1
    moves : it is a transport or shipment
    resource : fusion name of what it holds while it works; empty for nothing
    capacity : how many of that resource there are
    """

    number: int
    name: str
    moves: bool
    resource: str
    capacity: int
    delay_ns: int
    work: TransitionWork


def page_id(step: RecipeStep) -> str:
    """Return the name of the page that carries out the step."""
    return f"page-{step.flow_id}"


def services_of(step: RecipeStep, capacities: Mapping[str, int]) -> tuple[Service, ...]:
    """Return the services of a step with their resources, delays and jobs.

    A planned vehicle is the resource ``unit:<id>``, of which there is one. A planned work unit is
    no resource of the page: who works on it, and in which order, is decided by the plan's
    sequence and the registry's reservations when the job is given out. So are the vehicles of a
    shipment, which may be sent another way while the piece is on it. Where the recipe names
    nobody, the service itself is the resource ``service:<name>``, of which there are as many as
    `capacities` says (1 where it does not).

    Raises
    ------
    Invalid
        A duration of the step is no ISO 8601 duration, or a capacity is out of range.
    """
    faults = [*_duration_faults(step), *_capacity_faults(step, capacities)]
    if faults:
        raise Invalid(faults)
    return tuple(
        _service(step, number, name, capacities)
        for number, name in enumerate(step.services, start=1)
    )


def _service(step: RecipeStep, number: int, name: str, capacities: Mapping[str, int]) -> Service:
    given = step.parameters
    moves = name in _JOB_TYPE
    unit = given.get(f"by_{number}") if moves else given.get("work_unit")
    delay_ns = duration_of_iso(given.get(f"duration_{number}", "PT0S"))
    if name == SHIPPING or (unit and (not moves or SHIPPING in step.services)):
        resource, capacity = "", 0
    elif unit:
        resource, capacity = f"unit:{unit}", 1
    else:
        resource, capacity = f"service:{name}", capacities.get(name, 1)
    person = not moves and "person_skill" in given
    return Service(
        number=number,
        name=name,
        moves=moves,
        resource=resource,
        capacity=capacity,
        delay_ns=delay_ns,
        work=TransitionWork(
            type=_JOB_TYPE.get(name, name),
            headers=headers_of(step, number, name),
            person=person,
        ),
    )


def headers_of(step: RecipeStep, number: int, name: str) -> dict[str, str]:
    """Return what the job of a service must know; see the module's docstring."""
    given = step.parameters
    moves = name in _JOB_TYPE
    headers = {
        "step": step.flow_id,
        "skill": _JOB_TYPE.get(name, name),
        "service": str(number),
        "main": "false" if moves else "true",
    }
    operation = given.get("operation", given.get("taken_by", step.flow_id))
    if name == SHIPPING:
        wanted = {
            "operation": operation,
            "lane": given.get(f"lane_{number}", given.get("lane", "")),
        }
    elif moves:
        wanted = {"operation": operation, "work_unit": given.get(f"by_{number}", "")}
    else:
        wanted = {"operation": operation}
        wanted |= {k: given.get(k, "") for k in ("work_unit", "person_skill", "constraints")}
    if moves:
        wanted |= {
            "from": given.get(f"from_{number}", ""),
            "to": given.get(f"to_{number}", ""),
            "from_operation": given.get(f"from_operation_{number}", ""),
        }
    wanted["site"] = given.get("site", "")
    wanted["duration_ns"] = str(duration_of_iso(given.get(f"duration_{number}", "PT0S")))
    return headers | {name: value for name, value in wanted.items() if value}


def page(
    step: RecipeStep, capacities: Mapping[str, int], *, moves_only: bool = False
) -> NetDocument:
    """Return the page of a step from the template that fits its services.

    A shipment gets the *carrier* template: its legs one after the other. A step with several
    transports gets the *assembly station*: parts arrive in any order and are joined to one kit.
    Every other step is a *workstation*: its services one after the other. With `moves_only` the
    page ends where the piece stands at the station, because a person's task goes on from there.
    """
    services = services_of(step, capacities)
    moves = tuple(each for each in services if each.moves)
    works = () if moves_only else tuple(each for each in services if not each.moves)
    net = Net(page_id(step))
    net.colour(
        _COLOUR.name, record(further=True, order=any_plain, operation=str, step=str, work_unit=str)
    )
    entry = net.place("entry", _COLOUR, port="in")
    waiting = net.place("waiting", _COLOUR, timed=True)
    free = {
        each.resource: _resource(net, each)
        for each in {each.resource: each for each in (*moves, *works)}.values()
        if each.resource
    }
    if len(moves) > 1 and SHIPPING not in step.services:
        at = _kitted(net, entry, waiting, moves, free)
    else:
        net.transition("enter", take={entry: _PIECE}, put={waiting: _PIECE})
        at = _in_turn(net, waiting, moves, free)
    at = _in_turn(net, at, works, free)
    left = net.place("left", _COLOUR, port="out")
    net.transition("release", take={at: _PIECE}, put={left: _PIECE})
    return net.document()


def _resource(net: Net, service: Service) -> PlaceRef:
    """Add the shared place of a resource: one token for each unit that is free."""
    name = "free " + service.resource.partition(":")[2]
    return net.place(
        name,
        initial=[()] * service.capacity,
        timed=True,
        fusion=service.resource,
        capacity=service.capacity,
    )


def _in_turn(
    net: Net, at: PlaceRef, services: tuple[Service, ...], free: Mapping[str, PlaceRef]
) -> PlaceRef:
    """Add services one after the other, and return where the piece stands then."""
    for each in services:
        behind = net.place(f"after {each.number}", _COLOUR, timed=True)
        _carried_out(net, each, at, behind, free)
        at = behind
    return at


def _carried_out(
    net: Net, service: Service, source: PlaceRef, target: PlaceRef, free: Mapping[str, PlaceRef]
) -> None:
    held = {free[service.resource]: _FREE} if service.resource else {}
    net.transition(
        f"{service.name} {service.number}",
        take={source: _PIECE, **held},
        put={target: _PIECE, **held},
        delay=service.delay_ns,
        work=service.work,
    )


def _kitted(
    net: Net,
    entry: PlaceRef,
    kit: PlaceRef,
    moves: tuple[Service, ...],
    free: Mapping[str, PlaceRef],
) -> PlaceRef:
    """Add one transport per part, in any order, and the kit that waits for all of them."""
    called = [net.place(f"called {each.number}", _COLOUR, timed=True) for each in moves]
    arrived = [net.place(f"arrived {each.number}", _COLOUR, timed=True) for each in moves]
    net.transition("enter", take={entry: _PIECE}, put=dict.fromkeys(called, _PIECE))
    for each, source, target in zip(moves, called, arrived, strict=True):
        _carried_out(net, each, source, target, free)
    net.transition("kit", take=dict.fromkeys(arrived, _PIECE), put={kit: _PIECE})
    return kit


def _duration_faults(step: RecipeStep) -> list[Fault]:
    faults: list[Fault] = []
    for number in range(1, len(step.services) + 1):
        text = step.parameters.get(f"duration_{number}", "PT0S")
        try:
            duration_of_iso(text)
        except ValueError:
            path = f"Parameters.duration_{number}"
            expected = "an ISO 8601 duration such as 'PT15M'"
            faults.append(_fault(step, path, expected, repr(text)))
    return faults


def _capacity_faults(step: RecipeStep, capacities: Mapping[str, int]) -> list[Fault]:
    return [
        _fault(step, f"capacity of {name}", f"1 to {CAPACITY_MAX}", str(capacities[name]))
        for name in dict.fromkeys(step.services)
        if name in capacities and not 1 <= capacities[name] <= CAPACITY_MAX
    ]


def _fault(step: RecipeStep, path: str, expected: str, found: str) -> Fault:
    return Fault(source=f"recipe step '{step.flow_id}'", path=path, expected=expected, found=found)
