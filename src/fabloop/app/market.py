"""A market in one process: every site of a folder of documents answers as a tenant of its own."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import msgspec

from fabloop.app.pictures.report import Table
from fabloop.app.sentences import instant_text, money_text, name_text, value_text
from fabloop.base.instant import Instant, span_text
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
from fabloop.model.routing import routings
from fabloop.model.site import Network, Site
from fabloop.plan.market.buyer import Ask, compose, inquire, negotiate, unanswered
from fabloop.plan.market.comparison import Criterion, Standing, compare_bids
from fabloop.plan.market.disclosure import asked_of
from fabloop.plan.market.tenant import Premises, PricePolicy, Quoted, answer, quote

WAYS_ASKED_MAX = 16
"""Ways of working, by the alternatives of a product, that are put out to tender."""


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
    """What the market said: bids, best first; operations nobody can do; who declined.

    `all_ways` tells whether all ways that the alternatives of the product leave were asked for.
    """

    standings: tuple[Standing, ...]
    impossible: tuple[OperationId, ...]
    declined: tuple[Declined, ...]
    asked: tuple[str, ...]
    all_ways: bool = True


def tenant_of(site: Site) -> str:
    """Return whose factory a site is; one that belongs to nobody is its own tenant."""
    return site.tenant or site.id


def trade(
    knowledge: Knowledge,
    order: ProductionOrder,
    terms: Terms,
    records: Mapping[str, TrackRecord] | None = None,
) -> Outcome:
    """Ask every tenant that makes offers for an order, and have the best ways quoted.

    Where the product has alternatives, each way of working is a question of its own, and the
    cheapest complete bids of all of them are kept.
    """
    tenants = {site.id: _premises(site, knowledge, terms) for site in _askable(knowledge, terms)}
    ways = tuple(islice(routings(order.product), WAYS_ASKED_MAX + 1))
    bids: list[Bid] = []
    declined: list[Declined] = []
    impossible: list[OperationId] = []
    for number, product in enumerate(ways[:WAYS_ASKED_MAX]):
        way = msgspec.structs.replace(order, product=product)
        name = f"{terms.buyer}-{terms.now}" + (f"-{number}" if len(ways) > 1 else "")
        made, refused, undone = _traded(knowledge, way, terms, tenants, name)
        bids += made
        declined += refused
        impossible += undone
    cheapest = sorted(bids, key=lambda each: (each.price_minor, each.ready_at))[: terms.most]
    return Outcome(
        standings=compare_bids(cheapest, records or {}),
        impossible=() if bids else tuple(dict.fromkeys(impossible)),
        declined=tuple(dict.fromkeys(declined)),
        asked=tuple(dict.fromkeys(each.tenant for each in tenants.values())),
        all_ways=len(ways) <= WAYS_ASKED_MAX,
    )


def _traded(
    knowledge: Knowledge,
    order: ProductionOrder,
    terms: Terms,
    tenants: Mapping[SiteId, Premises],
    name: str,
) -> tuple[list[Bid], list[Declined], tuple[OperationId, ...]]:
    """Return the bids for one way of working, who declined, and what nobody can do."""
    expires_at = Instant(terms.now + terms.valid_for_ns)
    sites = knowledge.network.sites
    exchange = inquire(
        order,
        secret=terms.secret,
        exchange=name,
        currency=knowledge.currency,
        expires_at=expires_at,
        stocked={each.material for it in tenants.values() for each in it.site.stock},
    )
    answers = [answer(exchange.asked, each) for each in tenants.values()]
    bids: list[Bid] = []
    declined: list[Declined] = []
    lanes = knowledge.network.lanes
    for composition in compose(exchange, answers, lanes, now=terms.now, most=terms.most):
        found = negotiate(
            exchange,
            composition,
            _asking(tenants),
            expires_at=expires_at,
            time_zones={key: each.time_zone for key, each in sites.items()},
        )
        if isinstance(found, Bid):
            bids.append(found)
        else:
            declined += found
    return bids, declined, unanswered(exchange, answers)


def _askable(knowledge: Knowledge, terms: Terms) -> Iterator[Site]:
    for site in knowledge.network.sites.values():
        if site.disclosure is not Disclosure.NONE or tenant_of(site) == terms.buyer:
            yield site


def _premises(site: Site, knowledge: Knowledge, terms: Terms) -> Premises:
    units = {each.id for each in site.work_units}
    own = tenant_of(site) == terms.buyer
    return Premises(
        tenant=tenant_of(site),
        site=site if own else asked_of(site),
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


def bid_table(outcome: Outcome, order: ProductionOrder, network: Network) -> Table:
    """Return the bids in figures, best first; instants in the time of the site that hands over."""
    return Table(
        caption="Bids, best first",
        heads=(
            *("Offer", "Price", "Ready", "Energy", "CO2", "Tenants", "On time", "Best at"),
            *(["Way"] if order.product.alternatives else []),
        ),
        rows=tuple(_bid_row(each, order, network) for each in outcome.standings),
        numeric=(1, 3, 4, 6),
    )


def _bid_row(standing: Standing, order: ProductionOrder, network: Network) -> tuple[str, ...]:
    bid, share = standing.bid, standing.figures[Criterion.RECORD]
    return (
        standing.offer,
        money_text(bid.price_minor, bid.currency),
        _at(bid.ready_at, bid.parts[-1].quotation.site, network),
        quantity_text(bid.energy_j, Dimension.ENERGY),
        quantity_text(bid.co2_kg, Dimension.MASS),
        ", ".join(bid.tenants()),
        "–" if share is None else f"{share:.0%}",
        ", ".join(standing.best_at),
        *([_way(bid, order)] if order.product.alternatives else []),
    )


def _way(bid: Bid, order: ProductionOrder) -> str:
    """Return which options of the product's alternatives a bid carries out."""
    made = {each for part in bid.parts for each in part.operations.values()}
    return ", ".join(
        option.label
        for each in order.product.alternatives
        for option in each.options
        if made & set(option.operations)
    )


def refusals(outcome: Outcome, order: ProductionOrder) -> Iterator[str]:
    """Yield why there are no bids, or fewer than there could be."""
    asked = ", ".join(outcome.asked) or "nobody"
    for each in outcome.impossible:
        label = order.product.operation(each).label
        yield f"No tenant can do {label} (asked: {asked})."
    for refused in outcome.declined:
        yield f"{refused.site} declined to quote: {name_text(refused.code)}."
    if not outcome.all_ways:
        yield f"Only {WAYS_ASKED_MAX} ways of working were put out to tender; there are more."
    if not outcome.standings and not outcome.impossible and not outcome.declined:
        yield "No lanes lead between the sites that could do the operations."


def not_offered(offer: str, outcome: Outcome) -> str:
    """Return that an offer is not among those that are made now, and what to do."""
    return (
        f"Expected one of the {len(outcome.standings)} offers that are made now, but '{offer}' is "
        "none of them. A price, a machine or an instant has changed since it was read, or "
        "--buyer, --margin or --valid-for differ. Nothing was accepted. Read what is offered "
        "now: fabloop order quote FOLDER."
    )


def contract_text(contract: Contract, order: ProductionOrder, network: Network) -> str:
    """Return a contract as a document in Markdown: who makes what by when, and what is promised."""
    bid = contract.bid
    site = bid.parts[-1].quotation.site
    lines = [
        f"# Contract {contract.id}",
        "",
        (
            f"Buyer: {contract.buyer}. Accepted {_at(contract.accepted_at, site, network)}. "
            f"Price {money_text(bid.price_minor, bid.currency)}. "
            f"Ready {_at(bid.ready_at, site, network)}, "
            f"due {_at(contract.due_at, site, network)}{_lateness(contract)}."
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
                f"Ready at the gate {_at(quotation.ready_at, quotation.site, network)} for "
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
        f"- {each.origin} to {each.destination} with {each.carrier}, "
        f"{_at(each.start, each.origin, network)} to {_at(each.end, each.destination, network)}, "
        f"{money_text(each.cost_minor, bid.currency)}"
        for each in bid.carriages
    ]
    return "\n".join(lines) + "\n"


def _at(instant: Instant, site: SiteId, network: Network) -> str:
    """Return an instant in the time of a site; in UTC where the site is not known."""
    known = network.sites.get(site)
    return instant_text(instant, "UTC" if known is None else known.time_zone)


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
