"""What companion specifications fix by name: states, nameplates, texts of enumerated types."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from asyncua import Client, ua

from fabloop.adapters.opcua.units import properties_of
from fabloop.sense.connections.seen import Nameplate

STATES_MAX = 1_000
STATE_MACHINES: Final = {
    "MachineryItemState": ("NotAvailable", "OutOfService", "NotExecuting", "Executing"),
    "MachineryOperationMode": ("None", "Maintenance", "Setup", "Processing"),
}
"""States of OPC 40001-1 (Machinery), which name them in their type and not in each instance."""
PRODUCTION_STATES: Final = ("Initializing", "Running", "Ended", "Interrupted", "Aborted")
"""Of programs, jobs and parts of OPC 40501-1 (Machine Tools), all called ``State``."""
NAMEPLATE: Final = (
    "ComponentName", "DeviceClass", "Manufacturer", "Model", "SerialNumber", "ProductInstanceUri",
    "ProductCode", "SoftwareRevision", "HardwareRevision", "YearOfConstruction", "Location",
    "AssetId",
)  # fmt: skip
"""Properties of an ``Identification`` (OPC 40001-1, after OPC 10000-100)."""


def fixed_states(path: Sequence[str]) -> tuple[str, ...]:
    """Return the states of a variable that a specification fixes; empty: none does."""
    owner = next((each for each in reversed(path) if each in STATE_MACHINES), "")
    if owner:
        return STATE_MACHINES[owner]
    if path[-2:] == ("State", "CurrentState") and "Production" in path:
        return PRODUCTION_STATES
    return ()


async def nameplate_of(client: Client, node: ua.NodeId, path: tuple[str, ...]) -> Nameplate:
    """Return what a machine says of itself in its ``Identification``."""
    references = await client.get_node(node).get_references(
        ua.ObjectIds.Aggregates, ua.BrowseDirection.Forward, ua.NodeClass.Variable
    )
    places = {  # in whatever namespace: most are those of OPC 10000-100
        each.BrowseName.Name: ua.NodeId(each.NodeId.Identifier, each.NodeId.NamespaceIndex)
        for each in references
        if each.BrowseName.Name in NAMEPLATE
    }
    if not places:
        return Nameplate(path=path, told={})
    values = await client.uaclient.read_attributes(list(places.values()), ua.AttributeIds.Value)
    texts = [None if each.Value is None else each.Value.Value for each in values]
    shown = {name: getattr(each, "Text", each) for name, each in zip(places, texts, strict=True)}
    told = {name: str(shown[name]) for name in NAMEPLATE if shown.get(name) not in (None, "")}
    return Nameplate(path=path, told=told)


async def enumerated(client: Client, types: Iterable[Any]) -> dict[ua.NodeId, tuple[str, ...]]:
    """Return the texts of enumerated types by their number; other types are left out."""
    asked = sorted(
        {each for each in types if isinstance(each, ua.NodeId) and each.NamespaceIndex},
        key=lambda each: each.to_string(),
    )
    if not asked:
        return {}
    texts = await properties_of(client, asked, "EnumStrings")
    values = await properties_of(client, asked, "EnumValues")
    found = {
        node: states_of(strings, numbered)
        for node, strings, numbered in zip(asked, texts, values, strict=True)
    }
    return {node: states for node, states in found.items() if states}


def states_of(strings: Any, numbered: Any) -> tuple[str, ...]:
    """Return the texts of ``EnumStrings`` or ``EnumValues``; numbers without a text stay bare."""
    if isinstance(strings, list) and strings:
        return tuple(each.Text or str(n) for n, each in enumerate(strings[:STATES_MAX]))
    if not isinstance(numbered, list) or not numbered:
        return ()
    texts = {each.Value: each.DisplayName.Text or str(each.Value) for each in numbered}
    if min(texts) < 0 or max(texts) >= STATES_MAX:
        return ()
    return tuple(texts.get(number, str(number)) for number in range(max(texts) + 1))
