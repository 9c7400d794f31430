"""Roles: what a source is to the broker, a reader of plain topics or a host of Sparkplug B."""

from collections.abc import Sequence
from typing import Protocol

from fabloop.adapters.mqtt.link import Link
from fabloop.adapters.mqtt.mapping import Mapping, lacking
from fabloop.adapters.mqtt.packets import Publication, Will
from fabloop.adapters.mqtt.reading import Reading
from fabloop.adapters.mqtt.sparkplug import topics
from fabloop.base.instant import Instant
from fabloop.sense.readings.batch import Batch, empty
from fabloop.sense.readings.series import Catalogue
from fabloop.sense.readings.tally import Tally


class Role(Protocol):
    """What differs between the two."""

    anew: bool
    """Whether each connection begins a new session."""
    filters: list[tuple[str, int]]
    """Topic filters to subscribe to, with their QoS."""

    def will(self, now: Instant) -> Will | None:
        """Return what the broker says when we are gone."""
        ...

    def enter(self, link: Link) -> None:
        """Say that we are there."""
        ...

    def read(self, messages: Sequence[Publication], now: Instant) -> Batch:
        """Return the readings in messages."""
        ...

    def speak(self, link: Link) -> None:
        """Say what follows from what was read."""
        ...

    def leave(self, link: Link) -> None:
        """Say that we go."""
        ...

    def lost(self, now: Instant) -> Batch:
        """Return what is known no more without a connection."""
        ...


class Reader:
    """Reads plain topics; the broker keeps for us what we did not acknowledge."""

    def __init__(self, mapping: Mapping, catalogue: Catalogue, tally: Tally) -> None:
        self.anew = False
        self.filters = [(each.filter, each.qos) for each in mapping.topics]
        self.read = Reading(mapping, catalogue, tally).read

    def will(self, now: Instant) -> None:
        """Nobody waits for a reader."""

    def enter(self, link: Link) -> None:
        """Nobody waits for a reader."""

    def speak(self, link: Link) -> None:
        """Return without a word."""

    def leave(self, link: Link) -> None:
        """Go without a word."""

    def lost(self, now: Instant) -> Batch:  # noqa: ARG002
        """Return nothing: what senders of plain topics last said, still holds."""
        return empty()


class HostRole:
    """A host application: its state is known to edge nodes, which wait for it if they want to."""

    def __init__(self, mapping: Mapping, catalogue: Catalogue, tally: Tally) -> None:
        try:
            from fabloop.adapters.mqtt.sparkplug.host import Host  # noqa: PLC0415  # an extra
        except ModuleNotFoundError as error:
            raise lacking("Sparkplug B") from error

        assert mapping.sparkplug is not None
        self.anew = True
        self.filters = [
            (topics.state(mapping.sparkplug.host_id), 1),
            *topics.filters(mapping.sparkplug.groups),
        ]
        self._primary = mapping.sparkplug.primary
        self._host = Host(mapping, mapping.sparkplug, catalogue, tally)
        self.read = self._host.read
        self.lost = self._host.lost

    def will(self, now: Instant) -> Will | None:
        """Return that we are gone, with the time at which we came."""
        self._host.born_at = now
        gone = self._host.state(online=False)
        return Will(gone.topic, gone.payload, 1, retain=True) if self._primary else None

    def enter(self, link: Link) -> None:
        """Say that we are there."""
        self._tell(link, online=True)

    def speak(self, link: Link) -> None:
        """Send the commands that follow from what was read."""
        for said in self._host.said:
            if said.retain:
                link.tell(said.topic, said.payload, retain=True)
            else:
                link.say(said.topic, said.payload)
        self._host.said.clear()

    def leave(self, link: Link) -> None:
        """Say that we go."""
        self._tell(link, online=False)

    def _tell(self, link: Link, *, online: bool) -> None:
        if self._primary:
            said = self._host.state(online=online)
            link.tell(said.topic, said.payload, retain=True)


def role_of(mapping: Mapping, catalogue: Catalogue, tally: Tally) -> Role:
    """Return what a mapping makes of us."""
    if mapping.sparkplug is not None:
        return HostRole(mapping, catalogue, tally)
    return Reader(mapping, catalogue, tally)
