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
)


def disturbance_text(told: Reported, zone: str, labels: Mapping[str, str]) -> str:
    """Return what was reported, with times as in the zone."""
    at = _Times(zone)
    match told:
        case MaterialLate():
            where = f" at {_name(told.site, labels)}" if told.site else ""
            what = _name(told.material, labels)
            return f"{what} is late{where}: it is there from {at.of(told.available_at)} on."
        case ShipmentLate():
            made, taken = _name(told.made_by, labels), _name(told.taken_by, labels)
            return f"What {made} made for {taken} arrives only {at.of(told.arrives_at)}."
        case LaneClosed():
            return f"Nothing leaves on lane {told.lane} {at.span(told.since, told.until)}."
        case PersonAbsent():
            return f"{_name(told.person, labels)} is away {at.span(told.since, told.until)}."
        case ShiftCancelled():
            site = _name(told.site, labels)
            return f"Shift {told.shift} of {site} is away {at.span(told.since, told.until)}."
        case StepOverran():
            step, ends = _name(told.operation, labels), at.of(told.ends_at)
            return f"{step} of order {told.order} ends only {ends}."
        case ToolBroken():
            return f"Tool {told.tool} cannot be used {at.span(told.since, told.until)}."
        case DueMoved():
            return f"Order {told.order} is wanted {at.of(told.due_at)}."
        case _:
            assert_never(told)


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
