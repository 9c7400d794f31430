"""Node ids of OPC UA as texts that stay true when a server numbers its namespaces anew."""

import re
from typing import Final

import msgspec

_NODE: Final = re.compile(r"(?:nsu=(?P<uri>[^;]+);)?(?P<kind>[isgb])=(?P<id>.+)", re.DOTALL)
CORE_NAMESPACE: Final = "http://opcfoundation.org/UA/"


class NodeAddress(msgspec.Struct, frozen=True):
    """A node by the URI of its namespace, the kind of its identifier, and the identifier."""

    namespace: str
    kind: str
    identifier: str

    def __str__(self) -> str:
        space = "" if self.namespace == CORE_NAMESPACE else f"nsu={self.namespace};"
        return f"{space}{self.kind}={self.identifier}"


def node_address(text: str) -> NodeAddress:
    """Read ``nsu=urn:plant;s=mill/power``; without ``nsu`` it is a node of OPC UA itself.

    Raises
    ------
    ValueError
        It is no such text; the message says what was expected.
    """
    found = _NODE.fullmatch(text)
    if found is None:
        if text.startswith("ns="):
            raise ValueError(
                "the namespace by its URI (nsu=URI;...), since its number may change at any restart"
            )
        raise ValueError("a node id such as 'nsu=urn:plant;s=mill/power'")
    if found["kind"] == "i" and not found["id"].isdigit():
        raise ValueError("a number after 'i='")
    return NodeAddress(found["uri"] or CORE_NAMESPACE, found["kind"], found["id"])


def node_fault(text: str) -> str:
    """Return what was expected instead of a text that is no node id; empty: it is one."""
    try:
        node_address(text)
    except ValueError as error:
        return str(error)
    return ""
