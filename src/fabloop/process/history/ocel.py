"""The history as an object-centric event log: OCEL 2.0 in JSON.

An instance is an object of its process's type, with its variables as attributes that change in
time. Who does the work is an object of type ``resource``. Variables may name further objects: an
order, a lot, a tool; every event of the instance from then on is related to them.
"""

from collections.abc import Iterable, Mapping

import msgspec

from fabloop.base.instant import Instant, iso_of
from fabloop.process.history.event import EventKind, HistoryEvent

RESOURCE = "resource"
_KINDS = {
    EventKind.STARTED: "start",
    EventKind.TAKEN: "take",
    EventKind.ASSIGNED: "assign",
    EventKind.FAILED: "fail",
    EventKind.COMPLETED: "complete",
    EventKind.PASSED: "complete",
    EventKind.CANCELLED: "cancel",
    EventKind.INCIDENT_RAISED: "incident",
    EventKind.INSTANCE_MIGRATED: "migrate",
}
_EVENT_ATTRIBUTES = ("lifecycle", "node", "text")


class Log(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An OCEL 2.0 log; its fields are those of the standard's JSON form."""

    object_types: tuple[dict[str, object], ...]
    event_types: tuple[dict[str, object], ...]
    objects: tuple[dict[str, object], ...]
    events: tuple[dict[str, object], ...]


def ocel_of(events: Iterable[HistoryEvent], named: Mapping[str, str] | None = None) -> Log:
    """Return the log; `named` gives the object type of each variable that holds an object's id.

    Notes
    -----
    Source: OCEL 2.0 specification (2023), section JSON format.
    """
    making = _Making(named or {})
    for event in events:
        making.take(event)
    return making.log()


class _Object:
    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.attributes: list[dict[str, object]] = []
        self.related: dict[tuple[str, str], None] = {}


class _Making:
    def __init__(self, named: Mapping[str, str]) -> None:
        self.named = named
        self.objects: dict[str, _Object] = {}
        self.of_instance: dict[int, dict[str, str]] = {}
        self.events: list[dict[str, object]] = []
        self.event_types: dict[str, None] = {}
        self.attribute_types: dict[str, dict[str, str]] = {}

    def take(self, event: HistoryEvent) -> None:
        """Add what an event tells of objects, and the event itself where it is of a node."""
        known = self.of_instance.setdefault(event.instance, {})
        instance = f"instance:{event.instance}"
        if instance not in self.objects:
            self.objects[instance] = _Object(event.process)
            if event.root != event.instance:
                self.objects[instance].related[f"instance:{event.root}", "called by"] = None
        if event.key == 0:
            self._vary(event, instance)
        self._name(event, known, instance)
        if event.kind in _KINDS:
            self._add(event, instance, known)

    def _vary(self, event: HistoryEvent, instance: str) -> None:
        """Note the values of an instance's variables, as they are from now on."""
        for name, value in event.variables.items():
            kind, text = _typed(value)
            types = self.attribute_types.setdefault(event.process, {})
            before = types.setdefault(name, kind)
            types[name] = before if before == kind else "string"
            attribute = {"name": name, "time": iso_of(Instant(event.at)), "value": text}
            self.objects[instance].attributes.append(attribute)

    def _name(self, event: HistoryEvent, known: dict[str, str], instance: str) -> None:
        for name, value in event.variables.items():
            kind = self.named.get(name)
            for each in value if isinstance(value, list) else [value]:
                if kind is None or not isinstance(each, str | int) or isinstance(each, bool):
                    continue
                id_ = f"{kind}:{each}"
                self.objects.setdefault(id_, _Object(kind))
                self.objects[instance].related[id_, name] = None
                known[id_] = name

    def _add(self, event: HistoryEvent, instance: str, known: Mapping[str, str]) -> None:
        activity = event.transition or event.name or event.node or event.kind.value
        self.event_types[activity] = None
        related = [{"objectId": instance, "qualifier": "instance"}]
        related += [{"objectId": id_, "qualifier": name} for id_, name in known.items()]
        if event.resource:
            id_ = f"{RESOURCE}:{event.resource}"
            self.objects.setdefault(id_, _Object(RESOURCE))
            related.append({"objectId": id_, "qualifier": RESOURCE})
        values = (_KINDS[event.kind], event.node, event.text)
        attributes = [
            {"name": name, "value": value}
            for name, value in zip(_EVENT_ATTRIBUTES, values, strict=True)
            if value
        ]
        self.events.append(
            {
                "id": f"event:{len(self.events) + 1}",
                "type": activity,
                "time": iso_of(Instant(event.at)),
                "attributes": attributes,
                "relationships": related,
            }
        )

    def log(self) -> Log:
        """Return all that was taken."""
        kinds = dict.fromkeys(each.kind for each in self.objects.values())
        texts = [{"name": name, "type": "string"} for name in _EVENT_ATTRIBUTES]
        return Log(
            object_types=tuple(
                {"name": kind, "attributes": self._attributes(kind)} for kind in kinds
            ),
            event_types=tuple({"name": name, "attributes": texts} for name in self.event_types),
            objects=tuple(
                {
                    "id": id_,
                    "type": each.kind,
                    "attributes": self._values(each),
                    "relationships": [
                        {"objectId": other, "qualifier": how} for other, how in each.related
                    ],
                }
                for id_, each in self.objects.items()
            ),
            events=tuple(self.events),
        )

    def _attributes(self, kind: str) -> list[dict[str, str]]:
        types = self.attribute_types.get(kind, {})
        return [{"name": name, "type": type_} for name, type_ in types.items()]

    def _values(self, each: _Object) -> list[dict[str, object]]:
        """Return attribute values; where a variable had several types they are text."""
        types = self.attribute_types.get(each.kind, {})
        return [
            {**one, "value": str(one["value"])} if types[str(one["name"])] == "string" else one
            for one in each.attributes
        ]


def _typed(value: object) -> tuple[str, object]:
    match value:
        case bool():
            return "boolean", value
        case int():
            return "integer", value
        case float():
            return "float", value
        case None:
            return "string", "null"
        case _:
            return "string", value if isinstance(value, str) else str(value)
