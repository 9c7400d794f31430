"""Compare bids by price, time, energy, CO2 and track record, and say what each is best at."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from fabloop.model.market import Bid, TrackRecord
from fabloop.plan.market.offer import offer_name


class Criterion(StrEnum):
    """What bids are compared by; for all of them less is better, so a record counts what failed."""

    PRICE = "price"
    TIME = "time"
    ENERGY = "energy"
    CO2 = "co2"
    RECORD = "record"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a bid stands among the others.

    Attributes
    ----------
    offer : the name by which it is accepted
    figures : value by criterion; the record is the least on-time share of its tenants, and None
        where nothing is known of one of them
    best_at : criteria at which no other bid is better
    dominated_by : indexes of bids that are nowhere worse and somewhere better
    score : 0 is best in everything weighed, 1 is worst in everything
    """

    bid: Bid
    offer: str
    figures: dict[Criterion, float | None]
    best_at: tuple[Criterion, ...]
    dominated_by: tuple[int, ...]
    score: float


EVEN = dict.fromkeys(Criterion, 1.0)


def record_of(bid: Bid, records: Mapping[str, TrackRecord]) -> float | None:
    """Return the least on-time share of the tenants of a bid; None where one is unknown."""
    known = [
        record.on_time_share if (record := records.get(each)) is not None else None
        for each in bid.tenants()
    ]
    shares = [each for each in known if each is not None]
    return min(shares) if shares and len(shares) == len(known) else None


def compare_bids(
    bids: Sequence[Bid],
    records: Mapping[str, TrackRecord],
    weights: Mapping[Criterion, float] = EVEN,
) -> tuple[Standing, ...]:
    """Return the bids, best score first; equal scores by price, then by time.

    Each criterion is spread from its best (0) to its worst (1) value among the bids. An unknown
    record counts as the middle: neither a reward nor a punishment for being new.
    """
    figures = [_figures(each, records) for each in bids]
    scores = _scores(figures, weights)
    order = sorted(
        range(len(bids)), key=lambda n: (scores[n], bids[n].price_minor, bids[n].ready_at)
    )
    place = {number: rank for rank, number in enumerate(order)}
    return tuple(
        Standing(
            bid=bids[number],
            offer=offer_name(bids[number]),
            figures=figures[number],
            best_at=tuple(_best_at(figures, number)),
            dominated_by=tuple(
                place[other] for other in order if _dominates(figures[other], figures[number])
            ),
            score=scores[number],
        )
        for number in order
    )


Figures = dict[Criterion, float | None]


def _figures(bid: Bid, records: Mapping[str, TrackRecord]) -> Figures:
    return {
        Criterion.PRICE: float(bid.price_minor),
        Criterion.TIME: float(bid.ready_at),
        Criterion.ENERGY: bid.energy_j,
        Criterion.CO2: bid.co2_kg,
        Criterion.RECORD: record_of(bid, records),
    }


def _loss(figures: Figures, criterion: Criterion) -> float | None:
    """Return a value of which less is better."""
    value = figures[criterion]
    return -value if value is not None and criterion is Criterion.RECORD else value


def _scores(figures: Sequence[Figures], weights: Mapping[Criterion, float]) -> list[float]:
    total = sum(weights.values())
    scores = [0.0] * len(figures)
    for criterion, weight in weights.items():
        losses = [_loss(each, criterion) for each in figures]
        known = [each for each in losses if each is not None]
        low, high = min(known, default=0.0), max(known, default=0.0)
        for number, loss in enumerate(losses):
            share = 0.5 if loss is None else (loss - low) / (high - low) if high > low else 0.0
            scores[number] += weight * share / total if total else 0.0
    return scores


def _best_at(figures: Sequence[Figures], number: int) -> Iterable[Criterion]:
    for criterion in Criterion:
        loss = _loss(figures[number], criterion)
        losses = [_loss(each, criterion) for each in figures]
        if loss is not None and all(each is None or loss <= each for each in losses):
            yield criterion


def _dominates(one: Figures, other: Figures) -> bool:
    """Tell whether `one` is nowhere worse and somewhere better; the unknown is compared to none."""
    pairs = [(_loss(one, each), _loss(other, each)) for each in Criterion]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    unknown_differs = any((a is None) != (b is None) for a, b in pairs)
    return not unknown_differs and all(a <= b for a, b in known) and any(a < b for a, b in known)
