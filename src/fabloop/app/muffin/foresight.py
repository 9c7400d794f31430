"""How long the steps of the bakery's processes take by what its services promise."""

from collections.abc import Iterable, Mapping, Sequence

from fabloop.adapt.goals.reach import Durations, Ways
from fabloop.adapt.goals.risk import Remaining
from fabloop.model.service import ServiceDescription, ServiceOperation
from fabloop.process.definition import NOWHERE, Await, Definition, Job, Node, Receive, SendMessage
from fabloop.process.trigger import OnMessage

JOIN = "join-batch"


def promised(
    definition: Definition,
    services: Iterable[ServiceDescription],
    others: Iterable[Definition],
    batching_ns: int,
) -> Durations:
    """Return how long each node takes, where descriptions tell it.

    A step that any of several services can do takes what the one in the middle promises, at most
    what the slowest does. One that waits for a message takes what the process does that sends it.
    Nothing is certain: work that is promised may be done sooner.

    Parameters
    ----------
    others : processes that may send what this one waits for
    batching_ns : how long an order waits at most until its batch is closed
    """
    operations = [(each, one) for each in services for one in each.operations]
    found: dict[str, Remaining] = {}
    for node in definition.nodes:
        span = _of_job(node, operations, batching_ns) or _of_message(node, others, operations)
        if span is not None:
            found[node.id] = span
    return found


Offered = Sequence[tuple[ServiceDescription, ServiceOperation]]


def _of_job(node: Node, offered: Offered, batching_ns: int) -> Remaining | None:
    if not isinstance(node.action, Job):
        return None
    if node.action.type == JOIN:
        return Remaining(least_ns=0, likely_ns=batching_ns // 2, most_ns=batching_ns)
    headers = node.action.headers
    spans = sorted(
        operation.duration_ns
        for service, operation in offered
        if operation.duration_ns is not None and _does(service, operation, headers)
    )
    if not spans:
        return None
    return Remaining(least_ns=0, likely_ns=spans[len(spans) // 2], most_ns=spans[-1])


def _does(
    service: ServiceDescription, operation: ServiceOperation, headers: Mapping[str, str]
) -> bool:
    skill, name, own = (headers.get(each, "") for each in ("skill", "operation", "service"))
    if own and own != service.id:
        return False
    if skill:
        return operation.offer is not None and operation.offer.skill == skill
    return bool(name) and operation.name == name


def _of_message(node: Node, others: Iterable[Definition], offered: Offered) -> Remaining | None:
    if not isinstance(node.action, Receive | Await):
        return None
    trigger = node.action.trigger
    if not isinstance(trigger, OnMessage):
        return None
    spans = [span for each in others for span in _to_message(each, trigger.name.literal, offered)]
    return min(spans, key=lambda each: each.likely_ns, default=None)


def _to_message(definition: Definition, message: str, offered: Offered) -> Iterable[Remaining]:
    """Yield how long it takes from the start of a process until it sends a message."""
    durations = {
        node.id: span
        for node in definition.nodes
        if (span := _of_job(node, offered, 0)) is not None
    }
    ways, start = Ways(definition, durations), definition.scopes[0]
    begins = [(each, False) for each in (*start.starts, start.start) if each != NOWHERE]
    for node in definition.nodes:
        if isinstance(node.action, SendMessage) and node.action.name.literal == message:
            to = {kind: ways.to((node.number, True), kind) for kind in ("likely_ns", "most_ns")}
            reached = [each for each in begins if each in to["likely_ns"]]
            if reached:
                likely, most = (min(spans[each] for each in reached) for spans in to.values())
                yield Remaining(least_ns=0, likely_ns=likely, most_ns=most)
