"""Alarms and conditions of a server: subscribed to, refreshed, and kept as series of states."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from asyncua import Client, ua

from fabloop.adapters.opcua.reading import nanoseconds
from fabloop.adapters.opcua.session import Namespaces
from fabloop.base.instant import Instant
from fabloop.model.ids import WorkUnitId
from fabloop.sense.connections.model import Connection
from fabloop.sense.readings.batch import Batch, batch_of, empty
from fabloop.sense.readings.intake import REFUSED, Intake
from fabloop.sense.readings.ports import StandingAlarm
from fabloop.sense.readings.series import Catalogue, Kind, Series
from fabloop.sense.readings.tally import Tally

ALARM_STATES: Final = ("normal", "active", "acknowledged", "returned", "disabled")
"""Returned: over, and nobody has acknowledged it; acknowledged: it still lasts."""
STANDING: Final = frozenset((1, 2, 3))
CONDITION_TYPE: Final = ua.NodeId(ua.ObjectIds.ConditionType)
REFRESH: Final = ua.NodeId(ua.ObjectIds.ConditionType_ConditionRefresh)
REFRESH_STARTS: Final = ua.NodeId(ua.ObjectIds.RefreshStartEventType)
REFRESH_ENDS: Final = ua.NodeId(ua.ObjectIds.RefreshEndEventType)
_FIELDS: Final = {
    ua.ObjectIds.BaseEventType: (
        "EventType", "SourceNode", "SourceName", "Time", "Message", "Severity",
    ),
    ua.ObjectIds.ConditionType: ("ConditionName", "BranchId", "EnabledState/Id"),
    ua.ObjectIds.AcknowledgeableConditionType: ("AckedState/Id",),
    ua.ObjectIds.AlarmConditionType: ("ActiveState/Id",),
}  # fmt: skip
CONDITION_ID: Final = "NodeId"


def event_filter() -> ua.EventFilter:
    """Return what of each event we want to know (OPC 10000-9, 5.5)."""
    clauses = [
        _clause(kind, ua.AttributeIds.Value, field.split("/"))
        for kind, fields in _FIELDS.items()
        for field in fields
    ]
    clauses.append(_clause(ua.ObjectIds.ConditionType, ua.AttributeIds.NodeId, []))
    wanted = ua.EventFilter()
    wanted.SelectClauses = clauses
    return wanted


def _clause(
    kind: int, attribute: ua.AttributeIds, path: Sequence[str]
) -> ua.SimpleAttributeOperand:
    clause = ua.SimpleAttributeOperand()
    clause.TypeDefinitionId = ua.NodeId(kind)
    clause.AttributeId = attribute
    clause.BrowsePath = [ua.QualifiedName(name, 0) for name in path]
    return clause


async def refresh(client: Client, subscription: int) -> None:
    """Ask for all conditions that stand; a server that cannot tells changes only."""
    with contextlib.suppress(ua.UaError, OSError, TimeoutError):
        await client.get_node(CONDITION_TYPE).call_method(
            REFRESH, ua.Variant(subscription, ua.VariantType.UInt32)
        )


class _Known(msgspec.Struct):
    """What is known of a condition."""

    numbers: tuple[int, int]
    alarm: StandingAlarm
    state: int


class AlarmBook:
    """Turns events of conditions into readings, and knows which alarms stand.

    A condition is a series of states ``alarm.SOURCE.NAME`` beside one of its severity. Events that
    are no conditions, and branches of older states, are passed over.
    """

    def __init__(self, connection: Connection, catalogue: Catalogue, tally: Tally) -> None:
        self._connection = connection
        self._intake = Intake(catalogue, tally)
        self._units = _units_by_address(connection)
        self._known: dict[str, _Known] = {}
        self._refreshed: set[str] | None = None

    def standing(self) -> tuple[StandingAlarm, ...]:
        """Return the alarms that are active, or not yet acknowledged, the gravest first."""
        found = [each.alarm for each in self._known.values() if each.state in STANDING]
        return tuple(sorted(found, key=lambda each: (-each.severity, each.since, each.name)))

    def read(self, events: Sequence[Mapping[str, Any]], spaces: Namespaces, now: Instant) -> Batch:
        """Return the readings that events are: a state and a severity for each change."""
        rows: list[tuple[int, int, float]] = []
        for event in events:
            if event.get("EventType") == REFRESH_STARTS:
                self._refreshed = set()
            elif event.get("EventType") == REFRESH_ENDS:
                rows += self._gone(now)
            elif isinstance(event.get(CONDITION_ID), ua.NodeId) and not _is_branch(event):
                rows += self._changed(event, spaces, now)
        if not rows:
            return empty()
        times, numbers, values = zip(*rows, strict=True)
        return self._intake.fitted(batch_of(times, numbers, values), now, live=False)

    def _changed(
        self, event: Mapping[str, Any], spaces: Namespaces, now: Instant
    ) -> list[tuple[int, int, float]]:
        key = spaces.address(event[CONDITION_ID])
        at = nanoseconds(event["Time"]) if event.get("Time") is not None else now
        known = self._known.get(key) or self._enter(key, event, spaces)
        if known is None:
            return []
        if self._refreshed is not None:
            self._refreshed.add(key)
        state = _state(event)
        before = known.state
        since = known.alarm.since if before in STANDING else Instant(at)
        severity = event.get("Severity") or 0
        known.state = state
        known.alarm = msgspec.structs.replace(
            known.alarm, since=since, severity=severity, message=_text(event.get("Message")),
            acknowledged=state == 2,  # its place among the states
        )  # fmt: skip
        if before == state and self._refreshed is not None:
            return []  # told again only because we asked
        return [(at, known.numbers[0], float(state)), (at, known.numbers[1], float(severity))]

    def _gone(self, now: Instant) -> list[tuple[int, int, float]]:
        """End what stood before a refresh and was not told in it: it ended unseen."""
        seen, self._refreshed = self._refreshed, None
        rows: list[tuple[int, int, float]] = []
        for key, known in self._known.items():
            if seen is not None and key not in seen and known.state in STANDING:
                known.state = 0
                rows.append((now, known.numbers[0], 0.0))
        return rows

    def _enter(self, key: str, event: Mapping[str, Any], spaces: Namespaces) -> _Known | None:
        source = _text(event.get("SourceName"))
        name = _text(event.get("ConditionName")) or key
        unit = self._unit(event.get("SourceNode"), source, spaces)
        called = ".".join(each for each in ("alarm", source, name) if each)
        state = Series(
            source=self._connection.id, address=f"{key}#state", work_unit=unit, name=called,
            kind=Kind.STATE, states=ALARM_STATES,
        )  # fmt: skip
        severity = Series(
            source=self._connection.id, address=f"{key}#severity", work_unit=unit,
            name=f"{called}.severity",
        )  # fmt: skip
        numbers = self._intake.enter(state), self._intake.enter(severity)
        if REFUSED in numbers:
            return None
        alarm = StandingAlarm(
            source=self._connection.id, work_unit=unit, name=called.removeprefix("alarm."),
            since=Instant(0), severity=0,
        )  # fmt: skip
        known = self._known[key] = _Known(numbers, alarm, 0)
        return known

    def _unit(self, node: Any, name: str, spaces: Namespaces) -> WorkUnitId:
        """Return whose alarm it is: by its node, by its name, or because there is only one."""
        if isinstance(node, ua.NodeId):
            place = spaces.address(node)
            for address, unit in self._units.items():
                if address == place or address.startswith((f"{place}/", f"{place}.")):
                    return unit
        units = set(self._units.values())
        if WorkUnitId(name) in units:
            return WorkUnitId(name)
        return units.pop() if len(units) == 1 else WorkUnitId("")


def _units_by_address(connection: Connection) -> dict[str, WorkUnitId]:
    return {each.address: each.series.work_unit for each in connection.variables}


def _is_branch(event: Mapping[str, Any]) -> bool:
    branch = event.get("BranchId")
    return isinstance(branch, ua.NodeId) and not branch.is_null()


def _state(event: Mapping[str, Any]) -> int:
    if event.get("EnabledState/Id") is False:
        return 4
    active, acknowledged = event.get("ActiveState/Id"), event.get("AckedState/Id")
    if active:
        return 2 if acknowledged else 1
    return 3 if acknowledged is False else 0


def _text(value: Any) -> str:
    return str(getattr(value, "Text", value) or "")
