"""Units as a server tells them, against the units of the mapping."""

from collections.abc import Sequence
from typing import Any

import msgspec
from asyncua import Client, ua

from fabloop.base.quantity import dimension_of
from fabloop.sense.readings.series import Series
from fabloop.sense.readings.unece import UNECE_NAMESPACE, code_of_unit_id, unit_of_code

PATHS_PER_REQUEST = 200


class ToldUnit(msgspec.Struct, frozen=True):
    """A unit as the server tells it; `unit` is ours for it, or its own text."""

    unit: str
    code: str = ""


async def told_units(client: Client, nodes: Sequence[ua.NodeId]) -> list[ToldUnit | None]:
    """Return the unit of each variable, None where the server tells none."""
    properties = await properties_of(client, nodes, "EngineeringUnits")
    return [None if each is None else unit_of(each) for each in properties]


async def properties_of(client: Client, nodes: Sequence[ua.NodeId], name: str) -> list[Any]:
    """Return the value of a standard property of each node, None where it has none."""
    found: list[Any] = []
    for start in range(0, len(nodes), PATHS_PER_REQUEST):
        some = nodes[start : start + PATHS_PER_REQUEST]
        paths = [_path(each, name) for each in some]
        results = await client.uaclient.translate_browsepaths_to_nodeids(paths)
        places = [
            each.Targets[0].TargetId if each.StatusCode.is_good() and each.Targets else None
            for each in results
        ]
        known = [place for place in places if place is not None]
        values = iter(
            await client.uaclient.read_attributes(known, ua.AttributeIds.Value) if known else []
        )
        for place in places:
            value = None if place is None else next(values)
            good = value is not None and value.StatusCode.is_good() and value.Value is not None
            found.append(value.Value.Value if good and value is not None else None)
    return found


def _path(node: ua.NodeId, name: str) -> ua.BrowsePath:
    element = ua.RelativePathElement()
    element.ReferenceTypeId = ua.NodeId(ua.ObjectIds.HasProperty)
    element.IsInverse = False
    element.IncludeSubtypes = True
    element.TargetName = ua.QualifiedName(name, 0)
    path = ua.BrowsePath()
    path.StartingNode = node
    path.RelativePath.Elements = [element]
    return path


def unit_of(told: Any) -> ToldUnit | None:
    """Return the unit of an `EUInformation`: by its UNECE code where it has one, else its text."""
    if not isinstance(told, ua.EUInformation):
        return None
    text = (told.DisplayName.Text or "") if told.DisplayName is not None else ""
    code = code_of_unit_id(told.UnitId) if told.NamespaceUri == UNECE_NAMESPACE else ""
    by_code = unit_of_code(code) if code else None
    if by_code is None and not text:
        return None
    return ToldUnit(text if by_code is None else by_code, code)


def unit_trouble(series: Series, told: ToldUnit) -> str:
    """Return why values cannot be believed any more; empty where the unit is the mapped one.

    A unit of the same kind is as much of a trouble as another one: the mapping says what was
    agreed, and limits and history are in it. Whoever changes the unit changes the mapping too.
    A mapping without a unit takes bare numbers, whatever they are told in.
    """
    if series.unit in ("", told.unit):
        return ""
    return (
        f"Expected the unit '{series.unit}' of '{series.address}', but found '{told.unit}'"
        f"{_kind(told.unit)}. Correct the connection, or the machine."
    )


def _kind(unit: str) -> str:
    try:
        return f" ({dimension_of(unit)})" if unit else ""
    except ValueError:
        return ""
