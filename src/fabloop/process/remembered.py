"""Records of what outlives instances: messages that are kept, and how instances ended."""

import msgspec

from fabloop.base.instant import Instant
from fabloop.process.commands import InstanceState, Variables
from fabloop.process.definition import DefinitionKey

FINISHED_REMEMBERED_MAX = 10_000


class Message(msgspec.Struct, frozen=True):
    """A published message that may still be taken, by processes other than `takers`."""

    key: int
    name: str
    correlation: str
    id: str
    until: Instant
    variables: Variables
    takers: tuple[str, ...]


class Finished(msgspec.Struct, frozen=True):
    """How an instance ended; the last `FINISHED_REMEMBERED_MAX` are kept."""

    key: int
    definition: DefinitionKey
    business_key: str
    state: InstanceState
    started_at: Instant
    ended_at: Instant
    variables: Variables
