"""Compiles the pages of a process: their ports, and the places that they share."""

from collections.abc import Mapping

from fabloop.base.names import did_you_mean
from fabloop.process.bpmn.compile_expressions import Expressions
from fabloop.process.bpmn.outline import Outline, net_of
from fabloop.process.cpn.colour import ColourSet
from fabloop.process.cpn.compiled import CompiledNet, Place
from fabloop.process.definition import NOWHERE, Scope, ScopeKind, SharedPlace


def page_of(
    outline: Outline,
    nets: Mapping[str, CompiledNet],
    expressions: Expressions,
) -> Scope:
    """Return the scope of a task that a page carries out."""
    owner = outline.owner
    name = net_of(owner)
    assert owner is not None, "the process is no page"
    assert name is not None, "only what runs a net owns a page"
    scope = Scope(
        number=outline.number,
        kind=ScopeKind.PAGE,
        owner=outline.host,
        parent=outline.parent,
    )
    net = nets.get(name)
    if net is None:
        hint = did_you_mean(name, nets)
        expressions.fault(owner.id, "the id of a deployed net", f"'{name}'", hint)
        return scope
    entry = _port(owner.id, net, "in", expressions)
    leave = _port(owner.id, net, "out", expressions)
    return Scope(
        number=scope.number,
        kind=scope.kind,
        owner=scope.owner,
        parent=scope.parent,
        net=net,
        entry=entry,
        exit=leave,
    )


def _port(element: str, net: CompiledNet, port: str, expressions: Expressions) -> int:
    numbers = [number for number, place in enumerate(net.places) if place.port == port]
    if len(numbers) != 1:
        expected = f"net '{net.id}' to have exactly one place with port '{port}'"
        expressions.fault(element, expected, f"{len(numbers)} of them")
        return NOWHERE
    return numbers[0]


def share(
    scopes: tuple[Scope, ...], ids: Mapping[int, str], expressions: Expressions
) -> tuple[tuple[SharedPlace, ...], tuple[Scope, ...]]:
    """Number the fusion places of all pages; equal names must mean equal places.

    `ids` gives the id of each node by its number.
    """
    shared: dict[str, SharedPlace] = {}
    firsts: dict[str, Place] = {}
    linked: list[Scope] = []
    for scope in scopes:
        fusion: list[int] = []
        for number, place in enumerate(scope.net.places if scope.net else ()):
            if not place.fusion:
                fusion.append(NOWHERE)
                continue
            if place.fusion not in shared:
                shared[place.fusion] = SharedPlace(
                    name=place.fusion, page=scope.number, place=number
                )
                firsts[place.fusion] = place
            elif not _agree(firsts[place.fusion], place):
                _disagreement(ids[scope.owner], place, expressions)
            fusion.append(list(shared).index(place.fusion))
        linked.append(_with_fusion(scope, tuple(fusion)))
    return tuple(shared.values()), tuple(linked)


def _disagreement(element: str, place: Place, expressions: Expressions) -> None:
    expected = f"every page to declare shared place '{place.fusion}' alike"
    found = f"another colour or other initial tokens at place '{place.name}'"
    expressions.fault(element, expected, found)


def _agree(one: Place, other: Place) -> bool:
    return (
        _same_colour(one.colour, other.colour)
        and one.timed == other.timed
        and one.initial == other.initial
    )


def _same_colour(one: ColourSet, other: ColourSet) -> bool:
    """Whether two nets mean the same colour; names of declared parts may differ."""
    if not one.parts and not other.parts:
        return one.colour == other.colour
    return (
        type(one.colour) is type(other.colour)
        and one.parts.keys() == other.parts.keys()
        and all(_same_colour(part, other.parts[name]) for name, part in one.parts.items())
    )


def _with_fusion(scope: Scope, fusion: tuple[int, ...]) -> Scope:
    if scope.net is None:
        return scope
    return Scope(
        number=scope.number,
        kind=scope.kind,
        owner=scope.owner,
        parent=scope.parent,
        net=scope.net,
        entry=scope.entry,
        exit=scope.exit,
        fusion=fusion,
    )
