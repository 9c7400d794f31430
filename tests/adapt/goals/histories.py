"""Goals and histories for tests: real engines whose rows are read as the history reads them."""

from collections.abc import Iterable

from fabloop.base.instant import HOUR, Instant, instant_of
from fabloop.base.journal import Row
from fabloop.model.documents.goal_text import read_goals
from fabloop.model.goal import GoalSet
from fabloop.process.commands import Command, Reply
from fabloop.process.engine import Engine
from fabloop.process.history.event import EventKind, HistoryEvent
from fabloop.process.history.record import Recorder

BEGIN = instant_of("2026-11-23T08:00:00+01:00")
BAKERY = """
goals bakery version 1
zone Europe/Rome
subject order: business key of process bake
subject muffin within order: qr_code of process bake
event fulfilled(order): completion of hand-over
event delivered(order): completion of deliver
event overcooked(muffin): completion of cook when bad > 0
goal G1 "fulfilled within 36 h" for each order: fulfilled(order) within 36 h of received(order)
goal G1.1 "not overcooked" for each muffin, part of G1: never overcooked(muffin)
goal G2 "delivered within 72 h" for each order: delivered within 72 h of received
kpi K1 "on time": share of orders with G2 >= 95 % over the week
"""


def goals(text: str = BAKERY) -> GoalSet:
    """Return goals written in the text form."""
    return read_goals("test.goals", text.encode())


def at(hours: float) -> Instant:
    """Return the instant so many hours after the beginning."""
    return Instant(BEGIN + round(hours * HOUR))


def event(kind: EventKind, hours: float, **more: object) -> HistoryEvent:
    """Return an event of order ``o-1`` in process ``bake``, unless told otherwise."""
    own = {"seq": round(hours * 1000) + 1, "instance": 1, "root": 1, "process": "bake"}
    own |= {"version": 1, "business_key": "o-1"}
    return HistoryEvent(kind=kind, at=at(hours), **{**own, **more})  # type: ignore[arg-type]  # a test's own words


def started(hours: float = 0.0, order: str = "o-1", instance: int = 1) -> HistoryEvent:
    """Return that an order's instance began."""
    return event(
        EventKind.INSTANCE_STARTED, hours, business_key=order, instance=instance, root=instance
    )


def done(node: str, hours: float, order: str = "o-1", instance: int = 1) -> HistoryEvent:
    """Return that a node of an order's instance is done."""
    kind = EventKind.COMPLETED
    return event(
        kind, hours, node=node, key=7, business_key=order, instance=instance, root=instance
    )


class Plant:
    """An engine whose history can be taken away piece by piece."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.events: list[HistoryEvent] = []
        self._recorder = Recorder()
        self._seq = 0

    def does(self, command: Command, when: Instant) -> Reply:
        """Let the engine decide; what happened is in `events`."""
        outcome = self.engine.handle(command, at=when)
        self.take(outcome.rows)
        return outcome.reply

    def take(self, rows: Iterable[Row]) -> None:
        """Take in rows that the engine has written."""
        for row in rows:
            self._seq += 1
            self.events += self._recorder.take(self._seq, row)

    def taken(self) -> list[HistoryEvent]:
        """Return what happened since it was asked last."""
        found, self.events = self.events, []
        return found
