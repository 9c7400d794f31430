"""What tenants of a marketplace say to each other: inquiries, quotations, contracts, deliveries.

A message names operations by pseudonyms and never a work unit, an area, a product or a KPI value
of the other side.
"""

from enum import StrEnum

import msgspec

from fabloop.base.instant import Instant
from fabloop.base.quantity import Dimension
from fabloop.model.ids import LaneId, MaterialId, OperationId, OrderId, SiteId
from fabloop.model.product import Operation, Purchase
from fabloop.model.skill import Rule


class PartNeeded(msgspec.Struct, frozen=True, kw_only=True):
    """Pieces of a material that one piece takes: whoever does the step has them, or buys them."""

    material: MaterialId
    pieces: int
    supply: tuple[Purchase, ...] = ()


class Inquiry(msgspec.Struct, frozen=True, kw_only=True):
    """One operation, asked for without saying what it is for.

    Of `operation` there is what its work takes; its id, label and output are the pseudonym, and
    its inputs are left out. `parts` are materials that are in stock somewhere, or sold.
    """

    operation: Operation
    parts: tuple[PartNeeded, ...] = ()

    @property
    def id(self) -> str:
        """The pseudonym, which only the buyer can trace."""
        return self.operation.id


class Inquiries(msgspec.Struct, frozen=True, kw_only=True):
    """A buyer's blind question to every tenant: which of these could you do, at what price?"""

    exchange: str
    currency: str
    expires_at: Instant
    quantity: int
    inquiries: tuple[Inquiry, ...]


class Capable(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant can do what an inquiry asks for; figures are indicative, not yet binding."""

    inquiry: str
    price_minor: int
    duration_ns: int
    energy_j: float
    co2_kg: float


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant's answer for one site. An inquiry that is not among them is answered with no.

    `uncounted` are inquiries that the site could do, but whose figures are too large to be counted.
    """

    exchange: str
    tenant: str
    site: SiteId
    currency: str
    able: tuple[Capable, ...]
    uncounted: tuple[str, ...] = ()


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A work piece that is handed over at the gate for a step; `piece` is a pseudonym."""

    piece: str
    step: str
    at: Instant


class RequestedStep(msgspec.Struct, frozen=True, kw_only=True):
    """An inquiry of the same exchange, and the requested steps whose output it takes."""

    inquiry: Inquiry
    after: tuple[str, ...] = ()


class RequestForQuotation(msgspec.Struct, frozen=True, kw_only=True):
    """Connected steps that one site is asked to carry out, from gate to gate."""

    id: str
    exchange: str
    site: SiteId
    currency: str
    steps: tuple[RequestedStep, ...]
    arrivals: tuple[Arrival, ...]
    quantity: int
    wanted_by: Instant
    expires_at: Instant


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that a step keeps: ``position tolerance at most 15 µm``, by the KPI's upper bound."""

    step: str
    parameter: str
    rule: Rule
    limit: float
    dimension: Dimension | None = None


class Quotation(msgspec.Struct, frozen=True, kw_only=True):
    """A binding offer until `expires_at`: price, when it is ready at the gate, what is promised."""

    id: str
    request: str
    tenant: str
    site: SiteId
    price_minor: int
    currency: str
    ready_at: Instant
    energy_j: float
    co2_kg: float
    promises: tuple[Promise, ...]
    expires_at: Instant


class DeclineCode(StrEnum):
    """Why there is no quotation; a tenant owes no more than that."""

    NOT_ABLE = "not-able"
    NOT_IN_TIME = "not-in-time"
    EXPIRED = "expired"
    NOT_UNDERSTOOD = "not-understood"
    NOT_COUNTABLE = "not-countable"


class Declined(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant makes no offer for a request."""

    request: str
    site: SiteId
    code: DeclineCode


class Carriage(msgspec.Struct, frozen=True, kw_only=True):
    """A shipment between two parts of a bid, or of a contract."""

    lane: LaneId
    carrier: str
    origin: SiteId
    destination: SiteId
    start: Instant
    end: Instant
    cost_minor: int
    energy_j: float
    co2_kg: float


class BidPart(msgspec.Struct, frozen=True, kw_only=True):
    """What one tenant would do: the buyer's operations behind the steps of its quotation."""

    quotation: Quotation
    operations: dict[str, OperationId]
    """Pseudonym to operation; stays with the buyer."""


class Bid(msgspec.Struct, frozen=True, kw_only=True):
    """A way to have an order made by tenants: binding quotations and the carriage between them."""

    order: OrderId
    parts: tuple[BidPart, ...]
    carriages: tuple[Carriage, ...]
    currency: str
    price_minor: int
    ready_at: Instant
    energy_j: float
    co2_kg: float
    expires_at: Instant

    def tenants(self) -> tuple[str, ...]:
        """Return who takes part, each once."""
        return tuple(dict.fromkeys(each.quotation.tenant for each in self.parts))


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted bid: who makes what by when at what price, and which KPIs they promised."""

    id: str
    buyer: str
    bid: Bid
    accepted_at: Instant
    due_at: Instant


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant reports of a quotation: pieces handed over, or values reached so far.

    `reached` holds for each step and parameter the upper (for ``at least``: lower) bound of the
    value that held while the step was carried out, its instant and its source.
    """

    quotation: str
    at: Instant
    handed_over: bool = False
    expected_at: Instant | None = None
    reached: tuple["Reached", ...] = ()


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """The value that held while a step was carried out."""

    step: str
    parameter: str
    value: float
    at: Instant
    source: str


class TrackRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a tenant from its contracts; a share of nothing is None, never 0.

    `promises_unproven` are promises of ended parts for which no value was reported.
    """

    tenant: str
    parts: int = 0
    on_time: int = 0
    promises: int = 0
    promises_kept: int = 0
    promises_unproven: int = 0

    @property
    def on_time_share(self) -> float | None:
        """Share of parts handed over in time, 0..1."""
        return self.on_time / self.parts if self.parts else None

    @property
    def kept_share(self) -> float | None:
        """Share of promises that were kept and shown, 0..1; unproven ones count as not kept."""
        return self.promises_kept / self.promises if self.promises else None
