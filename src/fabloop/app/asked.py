"""What a folder of documents asks: its order, configured, with all that is known around it."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

from fabloop.adapters.documents import documents_in
from fabloop.app.scenario import order_in
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.model.documents import resolve, resolve_order
from fabloop.model.documents.collect import raise_if_any
from fabloop.model.documents.structure import kind_in
from fabloop.model.knowledge import Knowledge
from fabloop.model.order import OrderRequest, ProductionOrder
from fabloop.model.product import ChoiceConflict, ConfiguredProduct, NotConfigurable
from fabloop.model.site import Network
from fabloop.plan.configure import configure
from fabloop.plan.market.disclosure import view_of
from fabloop.services.matching import KpiValues


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """An order with the knowledge to plan it by.

    `hidden` are sites and work units that their tenants do not disclose, each with its tenant.
    """

    knowledge: Knowledge
    order: ProductionOrder
    hidden: Mapping[str, str] = MappingProxyType({})

    @property
    def kpis(self) -> KpiValues:
        """The KPI values of the documents, by work unit and kind."""
        return {(each.work_unit, each.kpi): each for each in self.knowledge.kpis}


class Contradicted(msgspec.Struct, frozen=True, kw_only=True):
    """An order whose choices do not fit together, and the document that it stands in."""

    source: str
    found: NotConfigurable


class AskedTogether(msgspec.Struct, frozen=True, kw_only=True):
    """Several orders with the knowledge to plan them by; they are planned at `now`."""

    knowledge: Knowledge
    orders: tuple[ProductionOrder, ...]

    @property
    def now(self) -> Instant:
        """The receipt of the last order: until then they cannot be planned together."""
        return max(each.received_at for each in self.orders)

    @property
    def kpis(self) -> KpiValues:
        """The KPI values of the documents, by work unit and kind."""
        return {(each.work_unit, each.kpi): each for each in self.knowledge.kpis}


def seen_by(knowledge: Knowledge, tenant: str | None) -> Knowledge:
    """Return what a tenant may plan with: its own sites and those that disclose everything.

    With None, all of it: the market asks each site for itself.
    """
    if tenant is None:
        return knowledge
    seen = view_of(knowledge.network, tenant, knowledge.kpis)
    return msgspec.structs.replace(knowledge, network=seen.network, kpis=seen.kpis)


def orders_in(folder: Path, tenant: str | None = None) -> AskedTogether | None:
    """Return the orders of a folder where it holds more than one; None where it does not.

    Of the sites there is what `seen_by` the tenant.

    Raises
    ------
    Invalid
        Every fault of every document, and every choice that contradicts its feature model.
    """
    documents = documents_in(folder)
    names = [name for name, data in documents.items() if kind_in(data) == "order"]
    if len(names) < 2:  # more than one
        return None
    knowledge = resolve(documents)
    orders: list[ProductionOrder] = []
    faults: list[Fault] = []
    for name in names:
        request = resolve_order(name, documents[name], knowledge.families)
        configured = configure(knowledge.families[request.product], request.choices)
        if isinstance(configured, NotConfigurable):
            faults += contradictions(name, configured)
        else:
            orders.append(ordered(request, configured.product))
    raise_if_any(faults)
    return AskedTogether(knowledge=seen_by(knowledge, tenant), orders=tuple(orders))


def read_asked(folder: Path, tenant: str | None = None) -> Asked | Contradicted:
    """Read and check a folder; its order's choices may contradict the feature model.

    Of the sites there is what `seen_by` the tenant.

    Raises
    ------
    Invalid
        Every fault of every document, or there is not exactly one order.
    """
    documents: Mapping[str, bytes] = documents_in(folder)
    knowledge = resolve(documents)
    request = order_in(documents, knowledge, folder)
    configured = configure(knowledge.families[request.product], request.choices)
    if isinstance(configured, NotConfigurable):
        name = next(name for name, data in documents.items() if kind_in(data) == "order")
        return Contradicted(source=name, found=configured)
    seen = seen_by(knowledge, tenant)
    return Asked(
        knowledge=seen,
        order=ordered(request, configured.product),
        hidden=_hidden(knowledge.network, seen.network),
    )


def _hidden(whole: Network, seen: Network) -> dict[str, str]:
    """Return whose each site and work unit is that is not seen."""
    sites = [site for key, site in whole.sites.items() if key not in seen.sites]
    found: dict[str, str] = {site.id: site.tenant for site in sites}
    found.update((unit.id, site.tenant) for site in sites for unit in site.work_units)
    return found


def asked_in(folder: Path, tenant: str | None = None) -> Asked:
    """Read a folder whose choices have to fit together.

    Raises
    ------
    Invalid
        As `read_asked`, or with every contradiction of the choices.
    """
    found = read_asked(folder, tenant)
    if isinstance(found, Contradicted):
        raise Invalid(contradictions(found.source, found.found))
    return found


def contradictions(source: str, found: NotConfigurable) -> list[Fault]:
    """Return the contradictions of an order's choices as faults."""
    return [_contradiction(source, each) for each in found.conflicts]


def _contradiction(source: str, each: ChoiceConflict) -> Fault:
    if not each.feature:
        expected, path = "a product of which something can be chosen", "$.product"
        return Fault(source=source, path=path, expected=expected, found="none", hint=each.reason)
    possible = f"Possible: {', '.join(map(repr, each.allowed))}." if each.allowed else ""
    return Fault(
        source=source,
        path=f"$.choices.{each.feature}",
        expected="choices that fit together",
        found=repr(each.option) if each.option else "no choice",
        hint=" ".join(part for part in (each.reason, possible) if part),
    )


def ordered(request: OrderRequest, product: ConfiguredProduct) -> ProductionOrder:
    """Return the order for a configured product."""
    return ProductionOrder(
        id=request.id,
        product=product,
        received_at=request.received_at,
        due_at=request.due_at,
        priority=request.priority,
        quantity=request.quantity,
    )
