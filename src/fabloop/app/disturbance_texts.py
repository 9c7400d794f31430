"""What is reported from sites and roads, as sentences."""

from collections.abc import Mapping
from typing import assert_never

from fabloop.app.account import local_text
from fabloop.base.instant import Instant
from fabloop.model.disturbance import (
    DueMoved,
    LaneClosed,
    MaterialLate,
    PersonAbsent,
    Reported,
    ShiftCancelled,
    ShipmentLate,
    StepOverran,
    ToolBroken,
    UnitClosed,
)


def disturbance_text(told: Reported, zone: str, labels: Mapping[str, str]) -> str:
    """Return what was reported, with times as in the zone."""
    at = _Times(zone)
    match told:
        case MaterialLate():
            where = f" at {_name(told.site, labels)}" if told.site else ""
            what = _name(told.material, labels)
            found = f"{what} is late{where}: it is there from {at.of(told.available_at)} on."
        case ShipmentLate():
            made, taken = _name(told.made_by, labels), _name(told.taken_by, labels)
            found = f"What {made} made for {taken} arrives only {at.of(told.arrives_at)}."
        case LaneClosed():
            found = f"Nothing leaves on lane {told.lane} {at.span(told.since, told.until)}."
        case PersonAbsent():
            found = f"{_name(told.person, labels)} is away {at.span(told.since, told.until)}."
        case ShiftCancelled():
            site = _name(told.site, labels)
            found = f"Shift {told.shift} of {site} is away {at.span(told.since, told.until)}."
        case StepOverran():
            step, ends = _name(told.operation, labels), at.of(told.ends_at)
            found = f"{step} of order {told.order} ends only {ends}."
        case ToolBroken():
            found = f"Tool {told.tool} cannot be used {at.span(told.since, told.until)}."
        case UnitClosed():
            unit, when = _name(told.work_unit, labels), at.span(told.since, told.until)
            found = f"{unit} is kept free for {told.job or 'maintenance'} {when}."
        case DueMoved():
            found = f"Order {told.order} is wanted {at.of(told.due_at)}."
        case _:
            assert_never(told)
    return found


def _name(key: str, labels: Mapping[str, str]) -> str:
    return labels.get(key, key)


class _Times:
    """Instants as text in one time zone."""

    def __init__(self, zone: str) -> None:
        self._zone = zone

    def of(self, instant: Instant) -> str:
        return local_text(instant, self._zone)

    def span(self, since: Instant, until: Instant | None) -> str:
        start = f"from {self.of(since)}"
        return start if until is None else f"{start} to {self.of(until)}"
