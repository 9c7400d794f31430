"""A market in one process: every site of a folder of documents answers as a tenant of its own."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from fabloop.app.pictures.report import Table
from fabloop.app.sentences import money_text, name_text, value_text
from fabloop.base.instant import Instant, iso_of, span_text
from fabloop.base.quantity import Dimension, quantity_text
from fabloop.model.disclosure import Disclosure
from fabloop.model.ids import OperationId, SiteId
from fabloop.model.knowledge import Knowledge
from fabloop.model.market import (
    Bid,
    Contract,
    Declined,
    Promise,
    Quotation,
    RequestForQuotation,
    TrackRecord,
)
from fabloop.model.order import ProductionOrder
from fabloop.model.site import Site
from fabloop.plan.market.buyer import Ask, compose, inquire, negotiate, unanswered
from fabloop.plan.market.comparison import Criterion, Standing, compare_bids
from fabloop.plan.market.tenant import Premises, PricePolicy, Quoted, answer, quote


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How an order is put to the market.

    `valid_for_ns` is how long quotations bind, `most` how many bids are wanted.
    """

    buyer: str
    secret: bytes
    now: Instant
    valid_for_ns: int
    policy: PricePolicy = PricePolicy()
    most: int = 4


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the market said: bids, best first; operations nobody can do; who declined."""

    standings: tuple[Standing, ...]
    impossible: tuple[OperationId, ...]
    declined: tuple[Declined, ...]
    asked: tuple[str, ...]


def tenant_of(site: Site) -> str:
    """Return whose factory a site is; one that belongs to nobody is its own tenant."""
    return site.tenant or site.id


def trade(
    knowledge: Knowledge,
    order: ProductionOrder,
    terms: Terms,
    records: Mapping[str, TrackRecord] | None = None,
) -> Outcome:
    """Ask every tenant that makes offers for an order, and have the best ways quoted."""
    tenants = {site.id: _premises(site, knowledge, terms) for site in _askable(knowledge, terms)}
    expires_at = Instant(terms.now + terms.valid_for_ns)
    exchange = inquire(
        order,
        secret=terms.secret,
        exchange=f"{terms.buyer}-{terms.now}",
        currency=knowledge.currency,
        expires_at=expires_at,
    )
    answers = [answer(exchange.asked, each) for each in tenants.values()]
    bids: list[Bid] = []
    declined: list[Declined] = []
    lanes = knowledge.network.lanes
    for composition in compose(exchange, answers, lanes, now=terms.now, most=terms.most):
        found = negotiate(exchange, composition, _asking(tenants), expires_at=expires_at)
        if isinstance(found, Bid):
            bids.append(found)
        else:
            declined += found
    return Outcome(
        standings=compare_bids(bids, records or {}),
        impossible=unanswered(exchange, answers),
        declined=tuple(dict.fromkeys(declined)),
        asked=tuple(dict.fromkeys(each.tenant for each in tenants.values())),
    )


def _askable(knowledge: Knowledge, terms: Terms) -> Iterator[Site]:
    for site in knowledge.network.sites.values():
        if site.disclosure is not Disclosure.NONE or tenant_of(site) == terms.buyer:
            yield site


def _premises(site: Site, knowledge: Knowledge, terms: Terms) -> Premises:
    units = {each.id for each in site.work_units}
    own = tenant_of(site) == terms.buyer
    return Premises(
        tenant=tenant_of(site),
        site=site,
        vocabulary=knowledge.vocabulary,
        kpis={(k.work_unit, k.kpi): k for k in knowledge.kpis if k.work_unit in units},
        now=terms.now,
        valid_for_ns=terms.valid_for_ns,
        policy=PricePolicy() if own else terms.policy,
    )


def _asking(tenants: Mapping[SiteId, Premises]) -> Ask:
    def ask(request: RequestForQuotation) -> Quotation | Declined:
        found = quote(request, tenants[request.site])
        return found.quotation if isinstance(found, Quoted) else found

    return ask


# -- as people read it --------------------------------------------------------------------------


def bid_table(outcome: Outcome) -> Table:
    """Return the bids in figures, best first."""
    return Table(
        caption="Bids, best first",
        heads=("Bid", "Price", "Ready", "Energy", "CO2", "Tenants", "On time", "Best at"),
        rows=tuple(_bid_row(number, each) for number, each in enumerate(outcome.standings, 1)),
        numeric=(0, 1, 3, 4, 6),
    )


def _bid_row(number: int, standing: Standing) -> tuple[str, ...]:
    bid, share = standing.bid, standing.figures[Criterion.RECORD]
    return (
        str(number),
        money_text(bid.price_minor, bid.currency),
        iso_of(bid.ready_at),
        quantity_text(bid.energy_j, Dimension.ENERGY),
        quantity_text(bid.co2_kg, Dimension.MASS),
        ", ".join(bid.tenants()),
        "–" if share is None else f"{share:.0%}",
        ", ".join(standing.best_at),
    )


def refusals(outcome: Outcome, order: ProductionOrder) -> Iterator[str]:
    """Yield why there are no bids, or fewer than there could be."""
    asked = ", ".join(outcome.asked) or "nobody"
    for each in outcome.impossible:
        label = order.product.operation(each).label
        yield f"No tenant can do {label} (asked: {asked})."
    for refused in outcome.declined:
        yield f"{refused.site} declined to quote: {name_text(refused.code)}."
    if not outcome.standings and not outcome.impossible and not outcome.declined:
        yield "No lanes lead between the sites that could do the operations."


def contract_text(contract: Contract, order: ProductionOrder) -> str:
    """Return a contract as a document in Markdown: who makes what by when, and what is promised."""
    bid = contract.bid
    lines = [
        f"# Contract {contract.id}",
        "",
        (
            f"Buyer: {contract.buyer}. Accepted {iso_of(contract.accepted_at)}. "
            f"Price {money_text(bid.price_minor, bid.currency)}. Ready {iso_of(bid.ready_at)}, "
            f"due {iso_of(contract.due_at)}{_lateness(contract)}."
        ),
        "",
        f"{order.quantity} × {order.product.label}",
    ]
    for part in bid.parts:
        quotation = part.quotation
        lines += [
            "",
            f"## {quotation.tenant}, at {quotation.site}",
            "",
            (
                f"Ready at the gate {iso_of(quotation.ready_at)} for "
                f"{money_text(quotation.price_minor, quotation.currency)} "
                f"(quotation {quotation.id})."
            ),
            "",
            *(f"- {order.product.operation(each).label}" for each in part.operations.values()),
        ]
        lines += ["", "Promised:", ""] if quotation.promises else []
        lines += [_promise_text(each, part.operations, order) for each in quotation.promises]
    lines += ["", "## Shipments", ""] if bid.carriages else []
    lines += [
        f"- {each.origin} to {each.destination} with {each.carrier}, {iso_of(each.start)} to "
        f"{iso_of(each.end)}, {money_text(each.cost_minor, bid.currency)}"
        for each in bid.carriages
    ]
    return "\n".join(lines) + "\n"


def _lateness(contract: Contract) -> str:
    late = contract.bid.ready_at - contract.due_at
    return f" ({span_text(late)} late)" if late > 0 else ""


def _promise_text(
    promise: Promise, operations: Mapping[str, OperationId], order: ProductionOrder
) -> str:
    label = order.product.operation(operations[promise.step]).label
    limit = value_text(promise.limit, promise.dimension)
    return f"- {label}: {name_text(promise.parameter)} {promise.rule} {limit}"


def contract_sentences(found: Iterable[str]) -> list[str]:
    """Return what watching a contract found, or that all is well."""
    return list(found) or ["Everything is as promised so far."]
