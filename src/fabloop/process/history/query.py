"""Questions to the history: which events of whom, and when."""

from collections.abc import Iterable, Iterator

import msgspec

from fabloop.base.instant import Instant
from fabloop.process.history.event import EventKind, HistoryEvent


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are wanted; what is left out restricts nothing.

    Attributes
    ----------
    instance : this instance, and those it called
    since, until : from the one instant up to, but not including, the other
    kinds : one of these
    """

    instance: int = 0
    business_key: str = ""
    process: str = ""
    node: str = ""
    resource: str = ""
    kinds: tuple[EventKind, ...] = ()
    since: Instant | None = None
    until: Instant | None = None


def chosen(events: Iterable[HistoryEvent], query: HistoryQuery) -> Iterator[HistoryEvent]:
    """Yield the events that a query wants, in their order."""
    return (event for event in events if _wanted(event, query))


def _wanted(event: HistoryEvent, query: HistoryQuery) -> bool:
    return (
        (not query.instance or query.instance in (event.instance, event.root))
        and (not query.business_key or event.business_key == query.business_key)
        and (not query.process or event.process == query.process)
        and (not query.node or event.node == query.node)
        and (not query.resource or event.resource == query.resource)
        and (not query.kinds or event.kind in query.kinds)
        and (query.since is None or event.at >= query.since)
        and (query.until is None or event.at < query.until)
    )
