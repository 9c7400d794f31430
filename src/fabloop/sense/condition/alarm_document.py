"""Alarm documents: which signals are worth an alarm, read into the rules of the desk."""

from collections.abc import Mapping

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.model.documents.alarm_structs import AlarmEntry, AlarmsDocument
from fabloop.model.documents.collect import Sheet
from fabloop.model.documents.values import duration_ns
from fabloop.sense.condition.alarm_facts import (
    AlarmRule,
    Escalation,
    Priority,
    Side,
    checked_rules,
)


class AlarmPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The rules by id, and which alarms a signal of a machine feeds."""

    rules: Mapping[str, AlarmRule]
    fed_by: Mapping[tuple[str, str], tuple[str, ...]]


def alarms_of(document: AlarmsDocument, sheet: Sheet) -> AlarmPlan:
    """Return what a document says; faults of texts are noted on the sheet.

    Raises
    ------
    Invalid
        Rules that cannot be kept: a release on the wrong side, a root that nobody knows.
    """
    entries = document.alarms
    rules = [_rule(each, sheet.at("alarms", number)) for number, each in enumerate(entries)]
    fed: dict[tuple[str, str], list[str]] = {}
    for each in entries:
        fed.setdefault((each.work_unit, each.signal), []).append(each.id)
    try:
        checked = checked_rules(rules)
    except Invalid as error:
        places = {each.id: str(sheet.at("alarms", n)) for n, each in enumerate(entries)}
        raise Invalid([_placed(each, places) for each in error.faults]) from error
    return AlarmPlan(rules=checked, fed_by={key: tuple(ids) for key, ids in fed.items()})


def _placed(fault: Fault, places: Mapping[str, str]) -> Fault:
    """Return the fault with the place of its rule in the document."""
    name = next((each for each in places if repr(each) in fault.source), "")
    place = places.get(name, "")
    return msgspec.structs.replace(fault, source=f"{place} {fault.source}".strip())


def _rule(entry: AlarmEntry, sheet: Sheet) -> AlarmRule:
    return AlarmRule(
        id=entry.id,
        subject=entry.work_unit,
        limit=entry.limit,
        release=entry.release,
        action=entry.action,
        role=entry.role,
        side=Side(entry.side),
        priority=Priority(entry.priority),
        on_delay_ns=duration_ns(entry.on_delay, sheet.at("on_delay"), zero_allowed=True),
        off_delay_ns=duration_ns(entry.off_delay, sheet.at("off_delay"), zero_allowed=True),
        latching=entry.latching,
        suppressed_in=frozenset(entry.suppressed_in),
        root=entry.root,
        escalations=tuple(
            Escalation(
                after_ns=duration_ns(each.after, sheet.at("escalations", number, "after")),
                role=each.role,
            )
            for number, each in enumerate(entry.escalations)
        ),
    )
