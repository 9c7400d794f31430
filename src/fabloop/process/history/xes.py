"""The history as an event log for process mining: XES (IEEE 1849)."""

from collections.abc import Iterable, Iterator
from io import BytesIO

from lxml import etree

from fabloop.base.instant import Instant, iso_of
from fabloop.process.commands import Variables
from fabloop.process.history.event import EventKind, HistoryEvent

NAMESPACE = "http://www.xes-standard.org/"
_EXTENSIONS = (
    ("Concept", "concept", "http://www.xes-standard.org/concept.xesext"),
    ("Time", "time", "http://www.xes-standard.org/time.xesext"),
    ("Lifecycle", "lifecycle", "http://www.xes-standard.org/lifecycle.xesext"),
    ("Organizational", "org", "http://www.xes-standard.org/org.xesext"),
)
_NO_XML = {number: "\ufffd" for number in range(32) if chr(number) not in "\t\n\r"}

_Attribute = tuple[str, str, str]
"""Element (string, int, date ...), key, value."""


def xes_of(events: Iterable[HistoryEvent]) -> bytes:
    """Return the log as XML: a trace per instance that nobody called, with what it called.

    Every node and transition is an activity (``concept:name`` is its name, else its id). Its
    ``lifecycle:transition`` follows the standard model: ``schedule`` when a job is offered,
    ``assign``, ``start`` when a worker takes it, ``complete``, ``ate_abort`` when it is cancelled
    in work or an attempt fails, ``withdraw`` when it is cancelled before. What is no work only
    starts and completes. Variables become attributes of the trace, with their last value.

    Notes
    -----
    Source: IEEE 1849-2016, extensions Concept, Time, Lifecycle, Organizational.
    """
    traces: dict[int, list[HistoryEvent]] = {}
    for event in events:
        traces.setdefault(event.root, []).append(event)
    made = BytesIO()
    with etree.xmlfile(made, encoding="UTF-8") as file:
        file.write_declaration()
        head = {"xes.version": "1849.2016", "xes.features": "nested-attributes"}
        with file.element("log", head, nsmap={None: NAMESPACE}):
            for name, prefix, uri in _EXTENSIONS:
                file.write(etree.Element("extension", name=name, prefix=prefix, uri=uri))
            classifier = {"name": "Activity", "keys": "concept:name"}
            file.write(etree.Element("classifier", classifier))
            for root, found in traces.items():
                file.write(_trace(root, found))
    return made.getvalue()


def _trace(root: int, events: list[HistoryEvent]) -> etree._Element:
    trace = etree.Element("trace")
    first = next((event for event in events if event.instance == root), events[0])
    told: list[_Attribute] = [
        ("string", "concept:name", str(root)),
        ("string", "fabloop:process", first.process),
        ("int", "fabloop:version", str(first.version)),
    ]
    if first.business_key:
        told.append(("string", "fabloop:businessKey", first.business_key))
    variables: Variables = {}
    for event in events:
        if event.instance == root and event.key == 0:
            variables |= event.variables
    told += [_typed(f"variable:{name}", value) for name, value in variables.items()]
    _write(trace, told)
    for event, transition in _lifecycle(events):
        _write(etree.SubElement(trace, "event"), _told(event, transition))
    return trace


def _lifecycle(events: list[HistoryEvent]) -> Iterator[tuple[HistoryEvent, str]]:
    """Yield the events of nodes with their transition in XES' lifecycle."""
    taken: set[int] = set()
    works = {event.key for event in events if event.kind in (EventKind.TAKEN, EventKind.ASSIGNED)}
    for event in events:
        match event.kind:
            case EventKind.STARTED:
                yield event, "schedule" if event.key in works else "start"
            case EventKind.ASSIGNED:
                yield event, "assign" if event.resource else "unknown"
            case EventKind.TAKEN:
                taken.add(event.key)
                yield event, "start"
            case EventKind.FAILED:
                taken.discard(event.key)
                yield event, "ate_abort"
            case EventKind.COMPLETED | EventKind.PASSED:
                yield event, "complete"
            case EventKind.CANCELLED:
                waits = event.key in works and event.key not in taken
                yield event, "withdraw" if waits else "ate_abort"
            case _:
                pass


def _told(event: HistoryEvent, transition: str) -> list[_Attribute]:
    own = event.transition or event.name or event.node
    told = [
        ("string", "concept:name", own),
        ("string", "lifecycle:transition", transition),
        ("date", "time:timestamp", iso_of(Instant(event.at))),
        ("string", "fabloop:node", event.node),
        ("string", "fabloop:element", event.element),
    ]
    if event.key:
        told.append(("string", "concept:instance", str(event.key)))
    if event.resource:
        told.append(("string", "org:resource", event.resource))
    if event.instance != event.root:
        told.append(("string", "fabloop:called", str(event.instance)))
    if event.text:
        told.append(("string", "fabloop:text", event.text))
    told += [_typed(f"variable:{name}", value) for name, value in event.variables.items()]
    return told


def _typed(key: str, value: object) -> _Attribute:
    match value:
        case bool():
            return "boolean", key, "true" if value else "false"
        case int():
            return "int", key, str(value)
        case float():
            return "float", key, repr(value)
        case str():
            return "string", key, value
        case _:
            return "string", key, "null" if value is None else str(value)


def _write(parent: etree._Element, told: list[_Attribute]) -> None:
    for kind, key, value in told:
        clean = {"key": key.translate(_NO_XML), "value": value.translate(_NO_XML)}
        etree.SubElement(parent, kind, clean)
