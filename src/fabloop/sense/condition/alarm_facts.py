"""What alarms are made of: rules, what is told to the desk of alarms, and what it tells."""

import math
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant
from fabloop.model.explanation import Explanation

SHELF_MAX = 12 * HOUR
"""Longest span for which an alarm is put on the shelf: one shift and its handover."""
RULES_MAX = 10_000
ESCALATIONS_MAX = 8


class Priority(StrEnum):
    """How soon a person has to do something; the first is the most urgent."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """Return 0 for the most urgent."""
        return tuple(Priority).index(self)


class Side(StrEnum):
    """On which side of the limit something is wrong."""

    ABOVE = "above"
    BELOW = "below"


class Escalation(msgspec.Struct, frozen=True, kw_only=True):
    """Who else is told when nobody has acknowledged an alarm for so long."""

    after_ns: int
    role: str


class AlarmRule(msgspec.Struct, frozen=True, kw_only=True):
    """When a signal is worth an alarm, for whom, and when it is not.

    Attributes
    ----------
    subject : the machine; its state may suppress the alarm
    release : the value at which the alarm may go, on the good side of `limit` (hysteresis)
    on_delay_ns, off_delay_ns : how long the value has to stay beyond the limit, or good again
    latching : the alarm stays until somebody resets it
    suppressed_in : states of the machine in which the alarm means nothing (off, setup)
    root : the alarm of which this one is a consequence
    action : what the person is to do; an alarm without one is no alarm (ISA-18.2)
    """

    id: str
    subject: str
    limit: float
    release: float
    action: str
    role: str
    side: Side = Side.ABOVE
    priority: Priority = Priority.MEDIUM
    on_delay_ns: int = 5 * SECOND
    off_delay_ns: int = 30 * SECOND
    latching: bool = False
    suppressed_in: frozenset[str] = frozenset()
    root: str | None = None
    escalations: tuple[Escalation, ...] = ()


class _Told(msgspec.Struct, frozen=True, kw_only=True, tag_field="told", tag=True):
    """Base of what the desk is told."""

    at: Instant


class Measured(_Told, frozen=True, kw_only=True):
    """A value of the signal; NaN is unknown, and changes nothing."""

    alarm: str
    value: float


class StateEntered(_Told, frozen=True, kw_only=True):
    """A machine is in another state."""

    subject: str
    state: str


class Acknowledged(_Told, frozen=True, kw_only=True):
    """A person has taken notice."""

    alarm: str
    by: str


class Shelved(_Told, frozen=True, kw_only=True):
    """A person does not want to hear of an alarm until an instant, for a reason."""

    alarm: str
    until: Instant
    by: str
    reason: str


class Unshelved(_Told, frozen=True, kw_only=True):
    """A person wants to hear of it again."""

    alarm: str
    by: str


class Reset(_Told, frozen=True, kw_only=True):
    """A person lets go of a latched alarm whose cause is gone."""

    alarm: str
    by: str


class TimePassed(_Told, frozen=True, kw_only=True):
    """Nothing happened until now."""


ToDesk = Measured | StateEntered | Acknowledged | Shelved | Unshelved | Reset | TimePassed


class Hiding(StrEnum):
    """Why an alarm that is on is not told by itself."""

    SHELVED = "shelved"
    SUPPRESSED = "suppressed by the state of the machine"
    GROUPED = "a consequence of another alarm"


class _Tells(msgspec.Struct, frozen=True, kw_only=True, tag_field="tells", tag=True):
    """Base of what the desk tells."""

    at: Instant
    because: Explanation


class AlarmRaised(_Tells, frozen=True, kw_only=True):
    """A person has to do something; `members` are alarms that are on as its consequences."""

    alarm: str
    priority: Priority
    role: str
    members: tuple[str, ...] = ()


class AlarmHidden(_Tells, frozen=True, kw_only=True):
    """An alarm is on, and not told by itself (any more)."""

    alarm: str
    why: Hiding


class AlarmCleared(_Tells, frozen=True, kw_only=True):
    """What the alarm was told for is over."""

    alarm: str
    acknowledged: bool


class AlarmEscalated(_Tells, frozen=True, kw_only=True):
    """Nobody has acknowledged the alarm in time; `role` is told now."""

    alarm: str
    role: str


class ShelfExpired(_Tells, frozen=True, kw_only=True):
    """The alarm is no longer on the shelf; if it is on, it is raised."""

    alarm: str


class Declined(_Tells, frozen=True, kw_only=True):
    """What a person asked for cannot be done."""

    alarm: str


class FloodBegan(_Tells, frozen=True, kw_only=True):
    """More alarms are raised than a person can answer."""

    raised: int


class FloodEnded(_Tells, frozen=True, kw_only=True):
    """Alarms are few enough again; `raised` came during the flood."""

    raised: int


FromDesk = (
    AlarmRaised
    | AlarmHidden
    | AlarmCleared
    | AlarmEscalated
    | ShelfExpired
    | Declined
    | FloodBegan
    | FloodEnded
)


def checked_rules(rules: Iterable[AlarmRule]) -> dict[str, AlarmRule]:
    """Return the rules by id.

    Raises
    ------
    Invalid
        Rules contradict themselves or each other; every fault is told.
    """
    found: dict[str, AlarmRule] = {}
    faults: list[Fault] = []
    for rule in rules:
        faults += _faults(rule)
        if rule.id in found:
            faults.append(_fault(rule, "id", "an id of its own", repr(rule.id)))
        found[rule.id] = rule
    for rule in found.values():
        if rule.root is not None and (rule.root not in found or found[rule.root].root is not None):
            expected = "an alarm that is itself no consequence of another one"
            faults.append(_fault(rule, "root", expected, repr(rule.root)))
    if len(found) > RULES_MAX:
        expected = f"at most {RULES_MAX} alarms at one desk"
        faults.append(Fault(source="alarms", path="$", expected=expected, found=str(len(found))))
    if faults:
        raise Invalid(faults)
    return found


def _faults(rule: AlarmRule) -> list[Fault]:
    wrong = []
    bounds = (rule.limit, rule.release)
    room = rule.limit - rule.release if rule.side is Side.ABOVE else rule.release - rule.limit
    if not all(map(math.isfinite, bounds)) or room < 0:
        expected = f"a finite value on the good side of the limit {rule.limit:g}"
        wrong.append(_fault(rule, "release", expected, f"{rule.release:g}"))
    delays = {"on_delay_ns": rule.on_delay_ns, "off_delay_ns": rule.off_delay_ns}
    wrong += [
        _fault(rule, name, "0 to 24 h", f"{delay / MINUTE:g} min")
        for name, delay in delays.items()
        if not 0 <= delay <= 24 * HOUR
    ]
    wrong += [
        _fault(rule, name, "what to do, and who does it", "nothing")
        for name, text in {"action": rule.action, "role": rule.role}.items()
        if not text.strip()
    ]
    steps = [each.after_ns for each in rule.escalations]
    if steps != sorted(set(steps)) or any(each <= 0 for each in steps):
        wrong.append(_fault(rule, "escalations", "delays above 0 that ascend", str(steps)))
    if len(steps) > ESCALATIONS_MAX:
        expected = f"at most {ESCALATIONS_MAX} steps"
        wrong.append(_fault(rule, "escalations", expected, str(len(steps))))
    return wrong


def _fault(rule: AlarmRule, path: str, expected: str, found: str) -> Fault:
    return Fault(source=f"alarm {rule.id!r}", path=path, expected=expected, found=found)
