"""What the description of a method at a machine says of its arguments."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from asyncua import Client, ua

from fabloop.run.permits import PERMIT_ARGUMENT

INPUT = "InputArguments"
ENUMERATION: Final = 29


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """What a method takes or gives; an array where `array`."""

    name: str
    type: str
    array: bool = False
    description: str = ""


def permit_place(takes: Sequence[Parameter]) -> int | None:
    """Return which input argument takes the permits of a command; None where there is none."""
    places = (
        place
        for place, each in enumerate(takes)
        if (each.name, each.type, each.array) == (PERMIT_ARGUMENT, "String", False)
    )
    return next(places, None)


async def parameters(client: Client, method: Any, name: str) -> tuple[Parameter, ...]:
    """Return what ``InputArguments`` or ``OutputArguments`` of a method describe, in order."""
    for each in await client.get_node(method).get_properties():
        if (await each.read_browse_name()).Name == name:
            told = await each.read_value() or []
            return tuple([await _parameter(client, argument) for argument in told])
    return ()


async def _parameter(client: Client, told: Any) -> Parameter:
    kind = await _built_in(client, told.DataType)
    return Parameter(
        name=told.Name or "", type=kind, array=told.ValueRank is not None and told.ValueRank >= 0,
        description=(told.Description.Text or "") if told.Description else "",
    )  # fmt: skip


async def _built_in(client: Client, kind: ua.NodeId) -> str:
    """Return the built-in type that a type of data is sent as; enumerations are Int32."""
    for _ in range(10):
        if kind.NamespaceIndex == 0 and kind.Identifier == ENUMERATION:
            return str(ua.VariantType.Int32.name)
        if kind.NamespaceIndex == 0 and kind.Identifier in _BUILT_IN:
            return str(ua.VariantType(kind.Identifier).name)
        parents = await client.get_node(kind).get_references(
            ua.ObjectIds.HasSubtype, ua.BrowseDirection.Inverse
        )
        if not parents:
            break
        kind = parents[0].NodeId
    return str(kind.to_string())


_BUILT_IN: Final = frozenset(range(1, 22))
