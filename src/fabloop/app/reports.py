"""A report from a document: which fact it is, with every name checked against what is known."""

from collections.abc import Collection, Iterator, Mapping

import msgspec

from fabloop.app.asked import contradictions, ordered
from fabloop.app.snapshot import Snapshot
from fabloop.base.codec import from_json_once
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant, instant_of
from fabloop.base.names import did_you_mean
from fabloop.model.disturbance import (
    Disturbance,
    DueMoved,
    KpiExpired,
    KpiMoved,
    LaneClosed,
    MaterialLate,
    PersonAbsent,
    RushOrder,
    ShiftCancelled,
    ShipmentLate,
    StepOverran,
    ToolBroken,
    UnitBroken,
    UnitClosed,
    UnitRepaired,
)
from fabloop.model.documents import resolve_order
from fabloop.model.documents.structure import kind_in
from fabloop.model.facts import (
    DisturbanceReported,
    Fact,
    KpiChanged,
    MaintenanceReported,
    OrderReceived,
    WorkUnitBroke,
    WorkUnitRepaired,
)
from fabloop.model.ids import OperationId, OrderId
from fabloop.model.maintenance import MaintenanceDone
from fabloop.model.product import NotConfigurable
from fabloop.model.site import Network
from fabloop.plan.configure import configure
from fabloop.plan.running.dangers import LegKey

TIMES = (
    "since",
    "until",
    "available_at",
    "arrives_at",
    "ends_at",
    "planned_end",
    "due_at",
    "installed_at",
    "at",
)
"""Fields of a report that are instants: written as text with an offset."""

REPORT_BYTES_MAX = 1 << 20
"""Bytes of one report."""


def fact_of(source: str, data: bytes, at: Snapshot, now: Instant) -> Fact:
    """Return the fact that a report tells: a disturbance, or an order to be received.

    Raises
    ------
    Invalid
        It is neither, or it names something that nobody knows.
    """
    if len(data) > REPORT_BYTES_MAX:
        raise _invalid(source, "$", f"at most {REPORT_BYTES_MAX} bytes", str(len(data)))
    if kind_in(data) == "order":
        return _received(source, data, at, now)
    if "installed_at" in _fields(source, data):
        return _maintained(source, data, at)
    told = disturbance_in(source, _fields(source, data), _known(at))
    match told:
        case UnitBroken():
            return WorkUnitBroke(work_unit=told.work_unit, at=now, until=told.until)
        case UnitRepaired():
            return WorkUnitRepaired(work_unit=told.work_unit, at=now)
        case KpiMoved():
            known = at.kpis.get((told.value.work_unit, told.value.kpi))
            return KpiChanged(value=told.value, previous=known)
        case KpiExpired() | RushOrder():
            hint = "Report an order document of higher priority, or measure the KPI."
            found = type(told).__name__
            raise _invalid(source, "$.disturbance", "what somebody can report", found, hint)
        case _:
            return DisturbanceReported(disturbance=told, at=now)


def _received(source: str, data: bytes, at: Snapshot, now: Instant) -> OrderReceived:
    request = resolve_order(source, data, at.knowledge.families)
    if request.id in at.orders:
        raise _invalid(source, "$.id", "an order that is not known yet", repr(request.id))
    configured = configure(at.knowledge.families[request.product], request.choices)
    if isinstance(configured, NotConfigurable):
        raise Invalid(contradictions(source, configured))
    order = ordered(request, configured.product)
    return OrderReceived(order=msgspec.structs.replace(order, received_at=now))


def _maintained(source: str, data: bytes, at: Snapshot) -> MaintenanceReported:
    """Return what was found and left when a machine was maintained."""
    try:
        done = msgspec.convert(_fields(source, data), MaintenanceDone)
    except msgspec.ValidationError as error:
        raise _invalid(source, "$", "a report of maintenance", str(error)) from error
    units = _units(at.knowledge.network)
    if done.work_unit not in units:
        hint = did_you_mean(done.work_unit, units)
        raise _invalid(source, "$.work_unit", "a work unit", repr(done.work_unit), hint)
    if done.installed_at > done.at:
        raise _invalid(source, "$.installed_at", "an instant that is not after `at`", "a later one")
    return MaintenanceReported(done=done)


def _fields(source: str, data: bytes) -> dict[str, object]:
    """Return the fields of a report; times are instants."""
    try:
        fields = from_json_once(data, dict[str, object])
    except msgspec.DecodeError as error:
        raise _invalid(source, "$", "a report (JSON object)", str(error)) from error
    return with_instants(source, fields)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a report may name.

    Attributes
    ----------
    at_work : per order that is carried out, the operations that somebody is doing
    on_way : per order, the legs of movements that have left and not arrived
    """

    network: Network
    materials: Collection[str]
    at_work: Mapping[OrderId, Collection[OperationId]]
    on_way: Mapping[OrderId, Collection[LegKey]]


def disturbance_in(source: str, fields: dict[str, object], known: Known) -> Disturbance:
    """Return the disturbance that the fields of a report tell; their times are read already.

    Raises
    ------
    Invalid
        It is none, it names something that nobody knows, or its span ends first.
    """
    told = _decoded(source, fields)
    faults = [*_faults(source, told, known)]
    if faults:
        raise Invalid(faults)
    return told


def with_instants(source: str, fields: dict[str, object]) -> dict[str, object]:
    """Return the fields of a report with their times as instants.

    Raises
    ------
    Invalid
        A time is no date and time with an offset.
    """
    texts = {name: fields[name] for name in TIMES if isinstance(fields.get(name), str)}
    return {**fields, **{name: _instant(source, name, str(text)) for name, text in texts.items()}}


def _known(at: Snapshot) -> Known:
    carried = [
        key for key, each in at.orders.items() if each.instance is not None and not each.finished_at
    ]
    busy = [(each.order, each.operation) for each in at.running()]
    return Known(
        network=at.knowledge.network,
        materials={each.id for it in at.orders.values() for each in it.order.product.materials},
        at_work={key: {what for order, what in busy if order == key} for key in carried},
        on_way={key: at.carried(key).left - at.carried(key).arrived for key in carried},
    )


def _decoded(source: str, fields: dict[str, object]) -> Disturbance:
    try:
        told: Disturbance = msgspec.convert(fields, Disturbance)
    except msgspec.ValidationError as error:
        kinds = ", ".join(kind.__name__ for kind in Disturbance.__args__)
        hint = f"`disturbance` is one of: {kinds}."
        raise _invalid(source, "$", "a report", str(error), hint) from error
    return told


def _instant(source: str, name: str, text: str) -> Instant:
    try:
        return instant_of(text)
    except ValueError as error:
        path = f"$.{name}"
        raise _invalid(source, path, "a date and time with an offset", repr(text)) from error


def _faults(source: str, told: Disturbance, known: Known) -> Iterator[Fault]:
    """Yield each name of the report that nobody knows, and each span that ends first."""
    for path, name, names in _names(told, known):
        if name not in names:
            yield Fault(
                source=source,
                path=f"$.{path}",
                expected=f"a known {path.replace('_', ' ')}",
                found=repr(name),
                hint=did_you_mean(name, names),
            )
    since, until = getattr(told, "since", None), getattr(told, "until", None)
    if since is not None and until is not None and until < since:
        yield Fault(
            source=source,
            path="$.until",
            expected="an instant that is not before `since`",
            found="an earlier one",
        )


def _names(told: Disturbance, known: Known) -> Iterator[tuple[str, str, Collection[str]]]:
    """Yield each name of the report: its path, the name, and which ones are known."""
    network = known.network
    sites = network.sites.values()
    match told:
        case UnitBroken() | UnitClosed() | UnitRepaired() | KpiExpired():
            yield "work_unit", told.work_unit, _units(network)
        case KpiMoved():
            yield "value.work_unit", told.value.work_unit, _units(network)
        case MaterialLate():
            yield "material", told.material, known.materials
            if told.site is not None:
                yield "site", told.site, network.sites.keys()
        case LaneClosed():
            yield "lane", told.lane, {each.id for each in network.lanes}
        case PersonAbsent():
            yield "person", told.person, {each.id for site in sites for each in site.persons}
        case ShiftCancelled():
            yield "site", told.site, network.sites.keys()
            yield "shift", told.shift, {each.id for site in sites for each in site.shifts}
        case ToolBroken():
            yield "tool", told.tool, {n for site in sites for t in site.tools for n in t.names()}
        case DueMoved() | StepOverran() | ShipmentLate():
            yield "order", told.order, known.at_work
            if told.order in known.at_work:
                yield from _of_an_order(told, known)
        case RushOrder():
            return


def _of_an_order(
    told: DueMoved | StepOverran | ShipmentLate, known: Known
) -> Iterator[tuple[str, str, Collection[str]]]:
    """Yield what must be on its way; what has not begun can still be planned otherwise."""
    if isinstance(told, StepOverran):
        yield "operation", told.operation, known.at_work[told.order]
    if not isinstance(told, ShipmentLate):
        return
    on_way = known.on_way[told.order]
    yield "made_by", told.made_by, {made_by for made_by, _, _ in on_way}
    yield "taken_by", told.taken_by, {by for made, by, _ in on_way if made == told.made_by}


def _units(network: Network) -> Collection[str]:
    carriers = {link.by for site in network.sites.values() for link in site.transport}
    return network.work_units().keys() | carriers


def _invalid(source: str, path: str, expected: str, found: str, hint: str = "") -> Invalid:
    return Invalid(Fault(source=source, path=path, expected=expected, found=found, hint=hint))
