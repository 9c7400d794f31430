"""The week in figures: how many orders were fulfilled and delivered in time, and what it took."""

from collections.abc import Iterable, Sequence

import msgspec

from fabloop.app.muffin.documents import Bakery
from fabloop.app.service_runtime.facts import (
    CallAnswered,
    CallTroubled,
    RepairEnacted,
    RuntimeFact,
    ServiceRestarted,
    StoryTold,
)
from fabloop.base.instant import HOUR, Instant

FULFILLED_NS = 36 * HOUR
DELIVERED_NS = 72 * HOUR
CARRIED_NS = 24 * HOUR
SHARE_MIN = 0.95
WAITS = "nobody"
"""The trouble of a job that waits for its turn: none that a call had."""

History = Sequence[tuple[Instant, RuntimeFact]]


class OrderCourse(msgspec.Struct, frozen=True, kw_only=True):
    """When an order came and how far it got; None is not yet."""

    order: str
    qr: str
    pieces: int
    received_at: Instant
    batch: str = ""
    fulfilled_at: Instant | None = None
    picked_up_at: Instant | None = None
    delivered_at: Instant | None = None
    refused: str = ""
    burnt: bool = False


class WeekFigures(msgspec.Struct, frozen=True, kw_only=True):
    """KPIs of the week; shares are None where nothing could be counted.

    Attributes
    ----------
    g1, g2, g1_1 : shares of orders fulfilled within 36 h, delivered within 72 h, not overcooked
    carried : share of orders that took less than 24 h from pick-up to delivery
    kept : whether at least `SHARE_MIN` of the orders met G1, and G2; None without orders
    """

    orders: int
    fulfilled: int
    delivered: int
    refused: int
    pieces: int
    burnt_pieces: int
    batches: int
    pieces_per_batch: float
    g1: float | None
    g2: float | None
    g1_1: float | None
    carried: float | None
    kept: bool | None
    longest_to_fulfil_h: float
    longest_to_deliver_h: float
    cost_minor: int
    calls: int
    troubles: int
    restarts: int
    adaptations: int


def courses_of(history: History, bakery: Bakery) -> tuple[OrderCourse, ...]:
    """Return the course of every order that has come."""
    known = {each.id: each for each in bakery.orders}
    courses: dict[str, dict[str, object]] = {}
    order_of = {each.qr: each.id for each in bakery.orders}
    for at, fact in history:
        match fact:
            case StoryTold(what="order received", about=order):
                courses[order] = {"received_at": at}
            case StoryTold(what="batch closed", about=lot, details=details):
                for order in _texts(details["orders"]):
                    courses[order]["batch"] = lot
            case StoryTold(what="order refused", about=order, details=details):
                courses[order]["refused"] = str(details["why"])
            case CallAnswered(operation="overcook", result=result):
                for each in _contexts(result["overcooked"]):
                    courses[order_of[str(each["QRCode"])]]["burnt"] = True
            case CallAnswered(about=order, node=node) if node in _MARKS and order in courses:
                courses[order].setdefault(_MARKS[node], at)
            case _:
                pass
    return tuple(
        msgspec.convert(
            {"order": order, "qr": known[order].qr, "pieces": known[order].pieces, **course},
            OrderCourse,
        )
        for order, course in courses.items()
    )


_MARKS = {"ready": "fulfilled_at", "pick-up": "picked_up_at", "deliver": "delivered_at"}


def figures_of(history: History, bakery: Bakery) -> WeekFigures:
    """Return the KPIs of all orders that have come so far."""
    courses = courses_of(history, bakery)
    facts = [fact for _, fact in history]
    answered = [each for each in facts if isinstance(each, CallAnswered)]
    lots = [e for e in facts if isinstance(e, StoryTold) and e.what == "batch closed"]
    baked = sum(int(str(each.details["pieces"])) for each in lots)
    burnt = sum(
        int(str(part["num"]))
        for each in answered
        if each.operation == "overcook"
        for part in _contexts(each.result["overcooked"])
    )
    to_fulfil = [_span(each.received_at, each.fulfilled_at) for each in courses]
    to_deliver = [_span(each.received_at, each.delivered_at) for each in courses]
    carried = [_span(each.picked_up_at, each.delivered_at) for each in courses if each.picked_up_at]
    g1, g2 = _share(to_fulfil, FULFILLED_NS), _share(to_deliver, DELIVERED_NS)
    return WeekFigures(
        orders=len(courses),
        fulfilled=sum(each.fulfilled_at is not None for each in courses),
        delivered=sum(each.delivered_at is not None for each in courses),
        refused=sum(bool(each.refused) for each in courses),
        pieces=sum(each.pieces for each in courses),
        burnt_pieces=burnt,
        batches=len(lots),
        pieces_per_batch=round(baked / len(lots), 1) if lots else 0.0,
        g1=g1,
        g2=g2,
        g1_1=round(1 - sum(each.burnt for each in courses) / len(courses), 4) if courses else None,
        carried=_share(carried, CARRIED_NS),
        kept=None if g1 is None or g2 is None else min(g1, g2) >= SHARE_MIN,
        longest_to_fulfil_h=_hours(to_fulfil),
        longest_to_deliver_h=_hours(to_deliver),
        cost_minor=_cost(answered, bakery),
        calls=len(answered),
        troubles=sum(isinstance(e, CallTroubled) and e.trouble != WAITS for e in facts),
        restarts=sum(isinstance(each, ServiceRestarted) for each in facts),
        adaptations=sum(isinstance(each, RepairEnacted) for each in facts),
    )


def _span(begin: Instant | None, end: Instant | None) -> int | None:
    return None if begin is None or end is None else end - begin


def _share(spans: Sequence[int | None], limit_ns: int) -> float | None:
    """Return the share within a limit; what has not ended counts as late."""
    if not spans:
        return None
    met = sum(each is not None and each <= limit_ns for each in spans)
    return round(met / len(spans), 4)


def _hours(spans: Iterable[int | None]) -> float:
    return round(max((each for each in spans if each is not None), default=0) / HOUR, 2)


def _cost(answered: Sequence[CallAnswered], bakery: Bakery) -> int:
    prices = {
        (str(service.id), str(each.name)): each.cost_minor or 0
        for name, data in bakery.documents.items()
        for service in (bakery.described(name, data, "").service,)
        for each in service.operations
    }
    return sum(prices.get((each.service, each.operation), 0) for each in answered)


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _contexts(value: object) -> list[dict[str, object]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
