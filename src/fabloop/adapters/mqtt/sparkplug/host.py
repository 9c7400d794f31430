"""The host: messages of edge nodes to readings, and what it has to say to them (Sparkplug B 3.0).

It computes and never waits. A metric whose sender died is there as a reading of quality
`NOT_CONNECTED` without a value, so that a last value is never shown as live.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from fabloop.adapters.mqtt.mapping import Mapping, SparkplugHost
from fabloop.adapters.mqtt.packets import Publication
from fabloop.adapters.mqtt.sparkplug import topics
from fabloop.adapters.mqtt.sparkplug.datatypes import BOOLEAN
from fabloop.adapters.mqtt.sparkplug.edge_node import EdgeNode
from fabloop.adapters.mqtt.sparkplug.metrics import UNKNOWN_ALIAS, Metrics
from fabloop.adapters.mqtt.sparkplug.topics import Kind, Topic
from fabloop.adapters.mqtt.sparkplug.wire import parsed, payload_class
from fabloop.base.errors import Invalid
from fabloop.base.instant import SECOND, Instant
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.payloads.decoded import MALFORMED, Refusal
from fabloop.sense.readings.series import Catalogue
from fabloop.sense.readings.tally import Tally

NODES_MAX = 10_000
"""Edge nodes of one source."""

REBIRTH = "Node Control/Rebirth"
CONTROLS = ("Node Control/", "Device Control/")
BIRTHS = "bdSeq"
UNBORN = "unborn"
REPEATED = "repeated"
OUTDATED_DEATH = "outdated-death"
TOO_MANY_NODES = "too-many-nodes"


class Saying(NamedTuple):
    """Something to publish."""

    topic: str
    payload: bytes
    retain: bool = False


class Host:
    """All edge nodes that were heard of; `said` is to be published."""

    def __init__(
        self, mapping: Mapping, host: SparkplugHost, catalogue: Catalogue, tally: Tally
    ) -> None:
        self._host = host
        self._tally = tally
        self._metrics = Metrics(mapping, host, catalogue, tally)
        self._nodes: dict[tuple[str, str], EdgeNode] = {}
        self._topics: dict[bytes, Topic | None] = {}
        self._own_state = topics.state(host.host_id).encode()
        self.born_at = Instant(0)
        self.said: list[Saying] = []

    def state(self, *, online: bool) -> Saying:
        """Return what tells edge nodes whether we are there; it stays with the broker."""
        payload = {"online": online, "timestamp": self.born_at // 1_000_000}
        return Saying(topics.state(self._host.host_id), msgspec.json.encode(payload), retain=True)

    def read(self, messages: Sequence[Publication], now: Instant) -> Batch:
        """Return the readings of several messages; what is refused is counted."""
        for message in messages:
            topic = self._topic(message.topic)
            if topic is not None:
                self._hear(topic, message.payload, now)
            elif message.topic == self._own_state:
                self._insist(message.payload)
            else:
                self._tally.refuse([_unknown_topic(message.topic)])
        return self._metrics.batch(now)

    def lost(self, now: Instant) -> Batch:
        """Return that nothing is known any more, since the broker is gone."""
        for node in self._nodes.values():
            self._die(node, now)
        return self._metrics.batch(now)

    def _topic(self, name: bytes) -> Topic | None:
        if name not in self._topics:
            topic = topics.topic_of(name)
            if len(self._topics) >= NODES_MAX * len(Kind):
                return topic
            self._topics[name] = topic
        return self._topics[name]

    def _insist(self, payload: bytes) -> None:
        """Say that we are there when someone says that we are not, such as our own will."""
        try:
            online = msgspec.json.decode(payload, type=dict[str, bool | int]).get("online")
        except msgspec.DecodeError:
            online = None
        if online is not True and self._host.primary:
            self.said.append(self.state(online=True))

    def _hear(self, topic: Topic, data: bytes, now: Instant) -> None:
        try:
            payload = parsed(data)
        except Invalid as error:
            self._tally.refuse([Refusal(MALFORMED, str(error))])
            return
        node = self._node(topic)
        if node is None:
            self._tally.refuse([_too_many_nodes(len(payload.metrics))])
            return
        if payload.timestamp and topic.kind is not Kind.NDEATH:
            node.lag_ns = payload.timestamp * 1_000_000 - now
            self._tally.skew(node.lag_ns)
        match topic.kind:
            case Kind.NBIRTH:
                self._node_birth(node, payload, now)
            case Kind.NDEATH:
                self._node_death(node, payload, now)
            case Kind.DBIRTH | Kind.NDATA | Kind.DDATA | Kind.DDEATH:
                self._in_sequence(node, topic, payload, now)

    def _node(self, topic: Topic) -> EdgeNode | None:
        key = topic.group, topic.node
        if key not in self._nodes:
            if len(self._nodes) >= NODES_MAX:
                return None
            self._nodes[key] = EdgeNode(*key)
        return self._nodes[key]

    def _node_birth(self, node: EdgeNode, payload: Any, now: Instant) -> None:
        births = next((_integer(each) for each in payload.metrics if each.name == BIRTHS), None)
        if node.online:  # its devices are gone until they are born again
            self._expire(node, sorted(node.devices), now)
        node.born(births, payload.seq)
        self._bear(node, "", payload)

    def _node_death(self, node: EdgeNode, payload: Any, now: Instant) -> None:
        births = next((_integer(each) for each in payload.metrics if each.name == BIRTHS), None)
        if node.online and births is not None and node.births not in (None, births):
            self._tally.amend(OUTDATED_DEATH, 1)  # the will of an older connection
            return
        self._die(node, now)

    def _die(self, node: EdgeNode, now: Instant) -> None:
        if node.online:
            self._expire(node, ["", *sorted(node.devices)], now)
        node.online = False
        node.sequence = None

    def _expire(self, node: EdgeNode, devices: Sequence[str], now: Instant) -> None:
        at = node.expires(now)
        for device in devices:
            self._metrics.expire(node.of_device(device), at)

    def _in_sequence(self, node: EdgeNode, topic: Topic, payload: Any, now: Instant) -> None:
        count = len(payload.metrics)
        if not node.online:
            self._tally.refuse([_unborn(node, topic.device, count)])
            self._ask_for_birth(node, now)
            return
        missed = node.missed(payload.seq)
        if missed < 0:
            self._tally.amend(REPEATED, 1)
            return
        if missed:
            self._tally.gap(missed, _gap(node, missed))
            self._ask_for_birth(node, now)
        match topic.kind:
            case Kind.DBIRTH:
                node.forget_device(topic.device)
                node.devices.add(topic.device)
                self._bear(node, topic.device, payload)
            case Kind.DDEATH:
                if topic.device in node.devices:
                    self._expire(node, [topic.device], now)
                    node.devices.discard(topic.device)
            case _:
                self._data(node, topic.device, payload, now)

    def _bear(self, node: EdgeNode, device: str, payload: Any) -> None:
        for metric in payload.metrics:
            if metric.name and metric.name != BIRTHS and not metric.name.startswith(CONTROLS):
                self._metrics.bear(node, device, metric, payload.timestamp)

    def _data(self, node: EdgeNode, device: str, payload: Any, now: Instant) -> None:
        if device and device not in node.devices:
            self._tally.refuse([_unborn(node, device, len(payload.metrics))])
            self._ask_for_birth(node, now)
            return
        strange = [
            metric
            for metric in payload.metrics
            if not self._metrics.take(node, device, metric, payload.timestamp)
        ]
        if strange:
            self._tally.refuse([_unknown_alias(node, strange[0], len(strange))])
            self._ask_for_birth(node, now)

    def _ask_for_birth(self, node: EdgeNode, now: Instant) -> None:
        """Ask an edge node to tell all it has anew; not more often than agreed."""
        if node.asked is not None and now - node.asked < self._host.rebirth_every_s * SECOND:
            return
        node.asked = now
        payload = payload_class()(timestamp=now // 1_000_000)
        payload.metrics.add(name=REBIRTH, datatype=BOOLEAN, boolean_value=True)
        self.said.append(Saying(topics.command(node.group, node.node), payload.SerializeToString()))


def _integer(metric: Any) -> int:
    return int(metric.long_value or metric.int_value)


def _place(node: EdgeNode, device: str = "") -> str:
    return "/".join(filter(None, (node.group, node.node, device)))


def _gap(node: EdgeNode, missed: int) -> str:
    return (
        f"Expected messages of '{_place(node)}' without a gap, but found {missed} missing before "
        f"{node.sequence}. It is asked to tell everything anew."
    )


def _unborn(node: EdgeNode, device: str, count: int) -> Refusal:
    return Refusal(
        UNBORN,
        f"Expected the birth of '{_place(node, device)}' before its data, but found none. "
        "It is asked to tell everything anew.",
        max(1, count),
    )


def _unknown_alias(node: EdgeNode, metric: Any, count: int) -> Refusal:
    found = f"'{metric.name}'" if metric.name else f"alias {metric.alias}"
    return Refusal(
        UNKNOWN_ALIAS,
        f"Expected metrics that the birth of '{_place(node)}' told, but found {found}. "
        "It is asked to tell everything anew.",
        count,
    )


def _unknown_topic(topic: bytes) -> Refusal:
    found = topic.decode(errors="replace")
    return Refusal(
        "unknown-topic",
        f"Expected a topic of Sparkplug B, but found '{found:.200}'. Look for who publishes there.",
    )


def _too_many_nodes(count: int) -> Refusal:
    return Refusal(
        TOO_MANY_NODES,
        f"Expected at most {NODES_MAX} edge nodes, but found more. Divide the source by groups.",
        max(1, count),
    )
