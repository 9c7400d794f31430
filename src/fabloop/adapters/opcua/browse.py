"""A look at a server: which variables and methods it has, with units, ranges and states."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asyncua import Client, ua

from fabloop.adapters.opcua.companion import enumerated, fixed_states, nameplate_of, states_of
from fabloop.adapters.opcua.history import with_history
from fabloop.adapters.opcua.pki import Pki
from fabloop.adapters.opcua.session import Namespaces, namespaces_of, opened
from fabloop.adapters.opcua.units import ToldUnit, properties_of, told_units
from fabloop.base.errors import Unavailable
from fabloop.base.instant import Clock
from fabloop.base.quantity import dimension_of
from fabloop.sense.connections.model import Connection
from fabloop.sense.connections.seen import Nameplate, Seen, SeenMethod, SeenVariable

VARIABLES_MAX = 20_000
DEPTH_MAX = 12
NODES_PER_REQUEST = 200
IDENTIFICATION = "Identification"
SERVER = ua.NodeId(ua.ObjectIds.Server)
NUMBERS = frozenset(range(1, 12))
"""Built-in types from Boolean to Double (OPC 10000-6, 5.1.2)."""
NUMERIC_SUBTYPES = {26: True, 27: True, 28: True, 29: True, 290: True}
TEXTS = frozenset((12, 21))


@dataclass(frozen=True, slots=True)
class _Found:
    node: ua.NodeId
    parent: ua.NodeId
    path: tuple[str, ...]
    kind: int
    about: tuple[str, ...] = ()


async def browse(connection: Connection, pki: Pki, clock: Clock) -> Seen:
    """Return what the server of a connection has; nothing is written or subscribed to.

    Raises
    ------
    Unavailable
        Nobody answers, or the connection breaks.
    NotPermitted
        The server is not trusted, or does not let us in.
    """
    session = await opened(connection, pki, clock)
    try:
        return await _seen(session.client, session.warning)
    except (OSError, TimeoutError, ua.UaError) as error:
        raise Unavailable(
            f"Expected {connection.url} to be browsed, but found: {error}. Try again."
        ) from error
    finally:
        with contextlib.suppress(OSError, TimeoutError, ua.UaError):
            await session.client.disconnect()


async def _seen(client: Client, warning: str) -> Seen:
    spaces = await namespaces_of(client)
    found, plates, left_out = await _walk(client)
    variables = [each for each in found if each.kind == ua.NodeClass.Variable]
    methods = [each for each in found if each.kind == ua.NodeClass.Method]
    return Seen(
        variables=tuple(await _variables(client, spaces, variables)),
        methods=tuple(
            SeenMethod(
                address=spaces.address(each.node), object=spaces.address(each.parent),
                path=each.path,
            )
            for each in methods
        ),
        nameplates=tuple(plates),
        tells_events=await _tells_events(client),
        left_out=left_out,
        warning=warning,
    )  # fmt: skip


async def _tells_events(client: Client) -> bool:
    (told,) = await client.uaclient.read_attributes([SERVER], ua.AttributeIds.EventNotifier)
    return told.Value is not None and bool(told.Value.Value & 1)


async def _walk(client: Client) -> tuple[list[_Found], list[Nameplate], int]:
    """Return variables and methods from the objects folder on, nameplates, and how many more."""
    root = _Found(ua.NodeId(ua.ObjectIds.ObjectsFolder), ua.NodeId(), (), ua.NodeClass.Object)
    known = {root.node, SERVER}
    level = [root]
    found: list[_Found] = []
    plates: list[Nameplate] = []
    left_out = 0
    for _ in range(DEPTH_MAX):
        below: list[_Found] = []
        for start in range(0, len(level), NODES_PER_REQUEST):
            some = level[start : start + NODES_PER_REQUEST]
            for parent, references in zip(some, await _children(client, some), strict=True):
                about: tuple[str, ...] = ()
                for each in references:
                    if each.BrowseName.Name == IDENTIFICATION:
                        plates.append(await nameplate_of(client, each.NodeId, parent.path))
                        about += tuple(plates[-1].told.values())
                for each in references:
                    if each.NodeId in known:
                        continue
                    known.add(each.NodeId)
                    name = each.BrowseName.Name or ""
                    child = _Found(
                        each.NodeId, parent.node, (*parent.path, name), each.NodeClass,
                        (*parent.about, *about),
                    )  # fmt: skip
                    if each.ReferenceTypeId == ua.NodeId(ua.ObjectIds.HasProperty):
                        continue
                    below.append(child)
        found.extend(each for each in below if each.kind != ua.NodeClass.Object)
        level = [each for each in below if each.kind != ua.NodeClass.Method]
        if len(found) > VARIABLES_MAX:
            left_out = len(found) - VARIABLES_MAX + len(level)
            break
        if not level:
            break
    return found[:VARIABLES_MAX], plates, left_out


async def _children(client: Client, parents: Sequence[_Found]) -> list[list[Any]]:
    params = ua.BrowseParameters()
    params.View = ua.ViewDescription()
    params.RequestedMaxReferencesPerNode = 0
    params.NodesToBrowse = [_wanted(each.node) for each in parents]
    results = await client.uaclient.browse(params)
    found = []
    for result in results:
        references = list(result.References or [])
        point = result.ContinuationPoint
        while point:
            more = ua.BrowseNextParameters()
            more.ReleaseContinuationPoints = False
            more.ContinuationPoints = [point]
            (page,) = await client.uaclient.browse_next(more)
            references.extend(page.References or [])
            point = page.ContinuationPoint
        found.append(references)
    return found


def _wanted(node: ua.NodeId) -> ua.BrowseDescription:
    wanted = ua.BrowseDescription()
    wanted.NodeId = node
    wanted.BrowseDirection = ua.BrowseDirection.Forward
    wanted.ReferenceTypeId = ua.NodeId(ua.ObjectIds.HierarchicalReferences)
    wanted.IncludeSubtypes = True
    wanted.NodeClassMask = ua.NodeClass.Object | ua.NodeClass.Variable | ua.NodeClass.Method
    wanted.ResultMask = ua.BrowseResultMask.All
    return wanted


async def _variables(
    client: Client, spaces: Namespaces, found: Sequence[_Found]
) -> list[SeenVariable]:
    nodes = [each.node for each in found]
    if not nodes:
        return []
    types = await _attribute(client, nodes, ua.AttributeIds.DataType)
    labels = await _attribute(client, nodes, ua.AttributeIds.Description)
    values = await _attribute(client, nodes, ua.AttributeIds.Value)
    ranks = await _attribute(client, nodes, ua.AttributeIds.ValueRank)
    units = await told_units(client, nodes)
    ranges = await properties_of(client, nodes, "EURange")
    own = zip(
        await properties_of(client, nodes, "EnumStrings"),
        await properties_of(client, nodes, "EnumValues"),
        strict=True,
    )
    by_type = await enumerated(client, types)
    states = [
        states_of(*each) or by_type.get(kind, ()) for each, kind in zip(own, types, strict=True)
    ]
    intervals = await properties_of(client, nodes, "SampleInterval")
    history = await with_history(client, nodes)
    return [
        _variable(spaces, each, cells)
        for each, *cells in zip(
            found, types, labels, values, ranks, units, ranges, states, intervals, history,
            strict=True,
        )
    ]  # fmt: skip


async def _attribute(
    client: Client, nodes: Sequence[ua.NodeId], attribute: ua.AttributeIds
) -> list[Any]:
    found: list[Any] = []
    for start in range(0, len(nodes), NODES_PER_REQUEST):
        some = list(nodes[start : start + NODES_PER_REQUEST])
        told = await client.uaclient.read_attributes(some, attribute)
        found.extend(None if each.Value is None else each.Value.Value for each in told)
    return found


def _variable(spaces: Namespaces, found: _Found, cells: Sequence[Any]) -> SeenVariable:
    kind, label, value, rank, unit, span, states, interval, history = cells
    number = isinstance(kind, ua.NodeId) and kind.NamespaceIndex == 0 and (
        kind.Identifier in NUMBERS or kind.Identifier in NUMERIC_SUBTYPES
    )  # fmt: skip
    text = isinstance(kind, ua.NodeId) and kind.NamespaceIndex == 0 and kind.Identifier in TEXTS
    array = isinstance(value, list) or (isinstance(rank, int) and rank >= 1)
    told: ToldUnit | None = unit
    names = states or (fixed_states(found.path) if text else ())
    return SeenVariable(
        address=spaces.address(found.node),
        path=found.path,
        label=getattr(label, "Text", None) or "",
        number=number or bool(names),
        text=text,
        unit="" if told is None else told.unit,
        unit_known=told is None or _known(told.unit),
        least=span.Low if isinstance(span, ua.Range) else None,
        greatest=span.High if isinstance(span, ua.Range) else None,
        states=names,
        length=len(value) if isinstance(value, list) else int(array),
        sample_interval_ns=round(interval * 1e6) if isinstance(interval, int | float) else 0,
        history=history,
        about=found.about,
    )


def _known(unit: str) -> bool:
    try:
        return not unit or dimension_of(unit) is not None
    except ValueError:
        return False
