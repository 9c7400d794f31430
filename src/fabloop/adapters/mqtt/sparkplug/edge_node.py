"""What a host knows of one edge node: its birth, its devices, aliases and place in the sequence."""

from dataclasses import dataclass, field
from typing import Any, Final

from fabloop.base.instant import Instant
from fabloop.sense.readings.payloads.decoded import Refusal

SEQUENCE: Final = 256
"""Sequence numbers and ``bdSeq`` count modulo it."""


NOTHING_REFUSED: Final = Refusal("", "", 0)


@dataclass(slots=True)
class Known:
    """A metric as its birth told it; `refusal` says why its readings cannot be taken."""

    name: str
    number: int
    datatype: int
    device: str
    refusal: Refusal = NOTHING_REFUSED


@dataclass(slots=True)
class EdgeNode:
    """One edge node; `online` between its birth and its death.

    Attributes
    ----------
    births : number that ties a death to its birth; None: not told
    sequence : of the last message; None: before the first
    aliases, names : metrics of the node and its devices; aliases are unique in the node
    templates : members of the templates that its birth defined, by name of both
    devices : those that were born and have not died
    asked : when it was last asked to be born again
    latest, stale_at : of its clock: the newest reading, and when its metrics expired
    lag_ns : its clock less ours, when it last spoke
    """

    group: str
    node: str
    online: bool = False
    births: int | None = None
    sequence: int | None = None
    aliases: dict[int, Known] = field(default_factory=dict)
    names: dict[tuple[str, str], Known] = field(default_factory=dict)
    templates: dict[str, dict[str, Any]] = field(default_factory=dict)
    devices: set[str] = field(default_factory=set)
    asked: Instant | None = None
    latest: int = 0
    stale_at: int = 0
    lag_ns: int = 0

    def born(self, births: int | None, sequence: int) -> None:
        """Forget all that the former birth told."""
        self.online, self.births, self.sequence = True, births, sequence
        self.aliases.clear()
        self.names.clear()
        self.templates.clear()
        self.devices.clear()

    def missed(self, sequence: int) -> int:
        """Return how many messages are missing before this one; -1: it came before."""
        if self.sequence is None:
            self.sequence = sequence
            return 0
        ahead = (sequence - self.sequence - 1) % SEQUENCE
        if ahead == SEQUENCE - 1:
            return -1
        self.sequence = sequence
        return ahead

    def expires(self, now: Instant) -> int:
        """Return when its metrics expire, by its own clock: after all that it told."""
        self.stale_at = max(self.latest + 1, now + self.lag_ns)
        return self.stale_at

    def of_device(self, device: str) -> list[Known]:
        """Return the metrics of a device, or of the node itself ("")."""
        return [each for each in self.names.values() if each.device == device]

    def forget_device(self, device: str) -> None:
        """Forget the metrics of a device, since it is born anew."""
        self.names = {key: each for key, each in self.names.items() if key[0] != device}
        self.aliases = {
            alias: each for alias, each in self.aliases.items() if each.device != device
        }
