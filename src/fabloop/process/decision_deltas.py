"""What changed about decision models."""

import msgspec


class DecisionsDeployed(msgspec.Struct, frozen=True, array_like=True, tag=43):
    """A decision model became known, with the version that each of its decisions has by it."""

    key: int
    digest: str
    tag: str
    source: bytes
    decisions: dict[str, int]


DecisionDelta = DecisionsDeployed
