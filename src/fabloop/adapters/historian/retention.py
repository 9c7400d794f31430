"""Retention classes as somebody gives them, checked together."""

import re
from collections.abc import Sequence
from typing import Final

from fabloop.adapters.historian.layout import CHUNK_NS, CLASSES_MAX, Retention
from fabloop.base.errors import Fault, Invalid

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}$")


def checked(rules: Sequence[Retention]) -> tuple[Retention, ...]:
    """Return retention classes that can be followed.

    Raises
    ------
    Invalid
        There are too many or none, two share a name, a name cannot be part of a file name, or
        something would be kept for less than an hour.
    """
    faults = [fault for place, rule in enumerate(rules) for fault in _faults(place, rule, rules)]
    if not 1 <= len(rules) <= CLASSES_MAX:
        faults.append(_fault("classes", f"1 to {CLASSES_MAX} classes", str(len(rules))))
    if faults:
        raise Invalid(faults)
    return tuple(rules)


def _faults(place: int, rule: Retention, rules: Sequence[Retention]) -> list[Fault]:
    found = []
    path = f"class {place + 1}"
    if _NAME.match(rule.name) is None:
        found.append(_fault(path, "a name of at most 40 small letters, digits, -", repr(rule.name)))
    if any(other.name == rule.name for other in rules[:place]):
        found.append(_fault(path, "a name of its own", repr(rule.name)))
    for what, span in (("raw", rule.raw_ns), ("rollup", rule.rollup_ns)):
        if span is not None and span < CHUNK_NS:
            found.append(_fault(f"{path} {what}", "at least one hour (PT1H)", f"{span} ns"))
    return found


def _fault(path: str, expected: str, found: str) -> Fault:
    return Fault(
        source="retention",
        path=path,
        expected=expected,
        found=found,
        hint="See `fabloop readings retention --help`.",
    )
