"""From an accepted bid to a contract whose promises are watched, and to a track record."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import assert_never

import msgspec

from fabloop.base.errors import Conflict
from fabloop.base.instant import SECOND, Instant
from fabloop.model.explanation import Evidence, Explanation, MarketCode
from fabloop.model.market import (
    Bid,
    BidPart,
    Contract,
    Delivery,
    Promise,
    Quotation,
    Reached,
    TrackRecord,
)
from fabloop.model.order import ProductionOrder
from fabloop.model.skill import Rule


def accept(bid: Bid, order: ProductionOrder, buyer: str, now: Instant) -> Contract:
    """Return the contract over a bid.

    Raises
    ------
    Conflict
        A quotation has expired; it has to be asked for again.
    """
    late = [each.quotation for each in bid.parts if now > each.quotation.expires_at]
    if late:
        told = ", ".join(f"'{each.id}' of '{each.tenant}'" for each in late)
        raise Conflict(
            f"Expected quotations that still bind, but {told} expired. Ask for quotations again."
        )
    assert bid.order == order.id, "a bid is accepted for the order that it was made for"
    return Contract(
        id=f"{buyer}/{order.id}", buyer=buyer, bid=bid, accepted_at=now, due_at=order.due_at
    )


def watch(
    contract: Contract, deliveries: Iterable[Delivery], now: Instant
) -> tuple[Explanation, ...]:
    """Return what of the contract is broken, in danger or not shown at `now`.

    A part is late when its instant has passed, and endangered when its tenant expects to miss it.
    A promise is broken when a reported value misses its limit, and unproven when the part was
    handed over without a value: silence is no proof.
    """
    reported = _by_quotation(deliveries, now)
    found: list[Explanation] = []
    for part in contract.bid.parts:
        told = reported.get(part.quotation.id, ())
        found += _punctuality(part.quotation, told, now)
        found += _promises(part, told)
    return tuple(found)


def track_records(
    contracts: Iterable[Contract], deliveries: Iterable[Delivery], now: Instant
) -> dict[str, TrackRecord]:
    """Return what contracts tell of their tenants; parts that are still open and in time don't."""
    reported = _by_quotation(deliveries, now)
    records: dict[str, TrackRecord] = {}
    for contract in contracts:
        for part in contract.bid.parts:
            quotation = part.quotation
            told = reported.get(quotation.id, ())
            ended = _handed_over(told)
            if ended is None and now <= quotation.ready_at:
                continue
            before = records.get(quotation.tenant, TrackRecord(tenant=quotation.tenant))
            records[quotation.tenant] = _counted(before, quotation, told, ended)
    return records


def _counted(
    before: TrackRecord, quotation: Quotation, told: Sequence[Delivery], ended: Instant | None
) -> TrackRecord:
    verdicts = [_kept(each, told) for each in quotation.promises]
    on_time = ended is not None and ended <= quotation.ready_at
    return TrackRecord(
        tenant=before.tenant,
        parts=before.parts + 1,
        on_time=before.on_time + on_time,
        promises=before.promises + len(verdicts),
        promises_kept=before.promises_kept + verdicts.count(True),
        promises_unproven=before.promises_unproven + verdicts.count(None),
    )


def _by_quotation(
    deliveries: Iterable[Delivery], now: Instant
) -> Mapping[str, tuple[Delivery, ...]]:
    """Return reports in their order; one from the future is not believed yet."""
    found: dict[str, list[Delivery]] = {}
    for each in sorted(deliveries, key=lambda each: each.at):
        if each.at <= now:
            found.setdefault(each.quotation, []).append(each)
    return {key: tuple(each) for key, each in found.items()}


def _handed_over(told: Sequence[Delivery]) -> Instant | None:
    return next((each.at for each in told if each.handed_over), None)


def _punctuality(
    quotation: Quotation, told: Sequence[Delivery], now: Instant
) -> Iterator[Explanation]:
    ended = _handed_over(told)
    expected = next((each.expected_at for each in reversed(told) if each.expected_at), None)
    if (ended or now) > quotation.ready_at:
        yield _late(MarketCode.DELIVERY_LATE, quotation, ended or now)
    elif ended is None and expected is not None and expected > quotation.ready_at:
        yield _late(MarketCode.DELIVERY_ENDANGERED, quotation, expected)


def _late(code: MarketCode, quotation: Quotation, at: Instant) -> Explanation:
    evidence = Evidence(
        subject=quotation.id,
        parameter="ready",
        relation=Rule.AT_MOST,
        value=(at - quotation.ready_at) / SECOND,
        limit=0.0,
        at=at,
        source=quotation.tenant,
    )
    return Explanation(
        code=code,
        subject=quotation.id,
        details={"tenant": quotation.tenant, "site": quotation.site},
        evidence=(evidence,),
        consequence="re-plan",
    )


def _promises(part: BidPart, told: Sequence[Delivery]) -> Iterator[Explanation]:
    for promise in part.quotation.promises:
        verdict = _kept(promise, told)
        if verdict is False or (verdict is None and _handed_over(told) is not None):
            code = MarketCode.PROMISE_BROKEN if verdict is False else MarketCode.PROMISE_UNPROVEN
            yield _told_of(code, part, promise, _worst(promise, told))


def _told_of(
    code: MarketCode, part: BidPart, promise: Promise, reached: Reached | None
) -> Explanation:
    evidence = Evidence(
        subject=part.operations.get(promise.step, promise.step),
        parameter=promise.parameter,
        relation=promise.rule,
        value=None if reached is None else reached.value,
        limit=promise.limit,
        dimension=promise.dimension,
        at=None if reached is None else reached.at,
        source="" if reached is None else reached.source,
    )
    return Explanation(
        code=code,
        subject=part.quotation.id,
        details={
            "tenant": part.quotation.tenant,
            "site": part.quotation.site,
            "operation": part.operations.get(promise.step, promise.step),
            "parameter": promise.parameter,
        },
        evidence=(evidence,),
    )


def _kept(promise: Promise, told: Sequence[Delivery]) -> bool | None:
    """Tell whether a promise was kept by all values reported; None without any."""
    worst = _worst(promise, told)
    if worst is None:
        return None
    return _keeps(worst.value, promise)


def _keeps(value: float, promise: Promise) -> bool:
    match promise.rule:
        case Rule.AT_MOST:
            return value <= promise.limit
        case Rule.AT_LEAST:
            return value >= promise.limit
        case Rule.WITHIN | Rule.AMONG:
            raise AssertionError("only limits are promised")
        case _:
            assert_never(promise.rule)


def _worst(promise: Promise, told: Sequence[Delivery]) -> Reached | None:
    """Return the reported value that is nearest to breaking the promise; NaN breaks it."""
    values = [
        each
        for delivery in told
        for each in delivery.reached
        if (each.step, each.parameter) == (promise.step, promise.parameter)
    ]
    return next(
        (each for each in values if not _keeps(each.value, promise)), values[-1] if values else None
    )


def withdrawn(contract: Contract, tenant: str) -> tuple[BidPart, ...]:
    """Return the parts of a contract that have to be given to others when a tenant drops out."""
    return tuple(each for each in contract.bid.parts if each.quotation.tenant == tenant)


class Renewal(msgspec.Struct, frozen=True, kw_only=True):
    """What is different about a bid that was asked for again: price and instant, after - before."""

    price_minor: int
    ready_ns: int
    tenants_gone: tuple[str, ...]
    tenants_new: tuple[str, ...]


def renewed(before: Bid, after: Bid) -> Renewal:
    """Return what changed since a bid was made: said before an order is placed on the new one."""
    old, new = before.tenants(), after.tenants()
    return Renewal(
        price_minor=after.price_minor - before.price_minor,
        ready_ns=after.ready_at - before.ready_at,
        tenants_gone=tuple(each for each in old if each not in new),
        tenants_new=tuple(each for each in new if each not in old),
    )
