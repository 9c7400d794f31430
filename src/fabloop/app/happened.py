"""What has happened, from documents: disturbances, measured KPIs, orders that go before others."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from fabloop.app.asked import contradictions, ordered
from fabloop.app.reports import REPORT_BYTES_MAX, Known, disturbance_in, with_instants
from fabloop.app.underway import Underway
from fabloop.base.codec import from_json_once
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant, iso_of
from fabloop.model.disturbance import Disturbance, KpiMoved, RushOrder
from fabloop.model.documents import resolve_kpi_values, resolve_order
from fabloop.model.documents.structure import kind_in
from fabloop.model.ids import KpiId, WorkUnitId
from fabloop.model.knowledge import Knowledge
from fabloop.model.kpi import KpiTrend, KpiValue
from fabloop.model.order import ProductionOrder
from fabloop.model.product import NotConfigurable
from fabloop.plan.configure import configure
from fabloop.sense.condition.foresight import kpi_trend

FACTS_MAX = 1_000
"""Reports in one file."""


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """What is told: disturbances, values of KPIs (oldest first), and orders that go first."""

    told: tuple[Disturbance, ...] = ()
    values: tuple[KpiValue, ...] = ()
    rush: tuple[ProductionOrder, ...] = ()

    def series(self) -> dict[tuple[WorkUnitId, KpiId], list[KpiValue]]:
        """Return the values by work unit and KPI, oldest first."""
        found: dict[tuple[WorkUnitId, KpiId], list[KpiValue]] = {}
        for each in self.values:
            found.setdefault((each.work_unit, each.kpi), []).append(each)
        return found

    def disturbances(self) -> tuple[Disturbance, ...]:
        """Return the disturbances, the latest value of each KPI among them."""
        moved = (KpiMoved(value=each[-1]) for each in self.series().values())
        return (*self.told, *moved)

    def trends(self) -> tuple[KpiTrend, ...]:
        """Return where KPIs are going, of which there are values enough."""
        found = (kpi_trend(each) for each in self.series().values())
        return tuple(each for each in found if each is not None)


def joined(several: Sequence[Happened]) -> Happened:
    """Return all of it together."""
    values = [value for each in several for value in each.values]
    return Happened(
        told=tuple(fact for each in several for fact in each.told),
        values=tuple(sorted(values, key=lambda it: it.at)),
        rush=tuple(order for each in several for order in each.rush),
    )


def known_of(knowledge: Knowledge, carried: Sequence[Underway], now: Instant) -> Known:
    """Return what may be named of orders that are carried out."""
    legs = {each.order.id: each.carried(now) for each in carried}
    return Known(
        network=knowledge.network,
        materials={part.id for each in carried for part in each.order.product.materials},
        at_work={each.order.id: set(each.running) for each in carried},
        on_way={key: each.left - each.arrived for key, each in legs.items()},
    )


def happened_in(
    source: str, data: bytes, known: Known, knowledge: Knowledge, now: Instant
) -> Happened:
    """Return what a document tells: a report or a list of them, KPI values, or an order.

    Raises
    ------
    Invalid
        It is none of these, it names what nobody knows, or it tells what has not come yet.
    """
    if len(data) > REPORT_BYTES_MAX:
        raise _invalid(source, "$", f"at most {REPORT_BYTES_MAX} bytes", str(len(data)))
    kind = kind_in(data)
    if kind == "order":
        return Happened(rush=(_rush(source, data, known, knowledge, now),))
    if kind == "kpi-values":
        units = knowledge.network.work_units()
        values = resolve_kpi_values(source, data, units, knowledge.kpi_definitions)
        for each in values:
            if each.at > now:
                found = f"{each.kpi} of {each.work_unit} at {iso_of(each.at)}"
                raise _invalid(source, "$.values", f"values measured by {iso_of(now)}", found)
        return Happened(values=values)
    return Happened(told=tuple(_reports(source, data, known)))


def _reports(source: str, data: bytes, known: Known) -> Iterator[Disturbance]:
    try:
        found = from_json_once(data, object)
    except msgspec.DecodeError as error:
        raise _invalid(source, "$", "a report (JSON object), or a list", str(error)) from error
    several = found if isinstance(found, list) else [found]
    if not 1 <= len(several) <= FACTS_MAX:
        raise _invalid(source, "$", f"1 to {FACTS_MAX} reports", str(len(several)))
    for place, each in enumerate(several):
        name = f"{source} [{place}]" if isinstance(found, list) else source
        if not isinstance(each, dict):
            raise _invalid(name, "$", "a report (JSON object)", type(each).__name__)
        yield report_of(name, each, known)


def report_of(source: str, fields: Mapping[str, object], known: Known) -> Disturbance:
    """Return the disturbance that a report tells.

    Raises
    ------
    Invalid
        It is none, or it names what nobody knows.
    """
    told = disturbance_in(source, with_instants(source, dict(fields)), known)
    if isinstance(told, RushOrder | KpiMoved):
        hint = "Give the order document, or a document of kind 'kpi-values'."
        found = type(told).__name__
        raise _invalid(source, "$.disturbance", "what somebody can report", found, hint)
    return told


def _rush(
    source: str, data: bytes, known: Known, knowledge: Knowledge, now: Instant
) -> ProductionOrder:
    request = resolve_order(source, data, knowledge.families)
    if request.id in known.at_work:
        expected = "an order that is not carried out yet"
        raise _invalid(source, "$.id", expected, repr(request.id))
    configured = configure(knowledge.families[request.product], request.choices)
    if isinstance(configured, NotConfigurable):
        raise Invalid(contradictions(source, configured))
    order = ordered(request, configured.product)
    return msgspec.structs.replace(order, received_at=now)


def _invalid(source: str, path: str, expected: str, found: str, hint: str = "") -> Invalid:
    return Invalid(Fault(source=source, path=path, expected=expected, found=found, hint=hint))
