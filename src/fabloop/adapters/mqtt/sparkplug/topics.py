"""Topics of Sparkplug B: ``spBv1.0/group/type/node[/device]``."""

from enum import StrEnum
from typing import NamedTuple

NAMESPACE = "spBv1.0"


class Kind(StrEnum):
    """Message types that a host hears."""

    NBIRTH = "NBIRTH"
    NDATA = "NDATA"
    NDEATH = "NDEATH"
    DBIRTH = "DBIRTH"
    DDATA = "DDATA"
    DDEATH = "DDEATH"


class Topic(NamedTuple):
    """What a topic says."""

    kind: Kind
    group: str
    node: str
    device: str = ""


def topic_of(name: bytes) -> Topic | None:
    """Return what a topic says; None: it is not one that a host reads."""
    try:
        parts = name.decode().split("/")
        kind = Kind(parts[2])
    except (UnicodeDecodeError, IndexError, ValueError):
        return None
    of_device = kind.value[0] == "D"
    if parts[0] != NAMESPACE or len(parts) != (5 if of_device else 4):
        return None
    return Topic(kind, parts[1], parts[3], parts[4] if of_device else "")


def command(group: str, node: str) -> str:
    """Return the topic of commands to an edge node."""
    return f"{NAMESPACE}/{group}/NCMD/{node}"


def state(host_id: str) -> str:
    """Return the topic where a host tells whether it is there."""
    return f"{NAMESPACE}/STATE/{host_id}"


def filters(groups: tuple[str, ...]) -> list[tuple[str, int]]:
    """Return what a host subscribes to, with its QoS."""
    wanted = groups or ("+",)
    return [
        (f"{NAMESPACE}/{group}/{kind}/+" + ("/+" if kind.value[0] == "D" else ""), 1)
        for group in wanted
        for kind in Kind
    ]
