"""What a work unit does with its time, and versioned tables from the words of machines to it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec


class Activity(StrEnum):
    """Kinds of time of a work unit (time elements of ISO 22400-2)."""

    PRODUCING = "producing"
    """Actual production time (APT)."""
    SETUP = "setup"
    """Actual unit set-up time (AUST)."""
    WAITING = "waiting"
    """Ready, but starved, blocked or without an operator: the cause is outside the unit (ADET)."""
    STOPPED = "stopped"
    """Stands still for a cause of its own that is no failure (ADET)."""
    FAILED = "failed"
    """Out of order: unscheduled down (ADET, and what MTTR counts)."""
    PLANNED = "planned"
    """Maintenance or a pause that was planned: no planned busy time."""
    UNKNOWN = "unknown"
    """Nobody told. Never counted as good or bad."""


ACTIVITIES: Final = tuple(Activity)


class StateMapping(msgspec.Struct, frozen=True, kw_only=True):
    """A table from a machine's states to activities; specifications differ, so it has a version.

    Attributes
    ----------
    rules : by the state, or by ``state/mode`` where the mode of operation matters; the longer wins
    reasons : by the reason that somebody booked; wins over the state
    """

    id: str
    version: int
    rules: Mapping[str, Activity]
    reasons: Mapping[str, Activity] = {}

    def activity(self, state: str, mode: str = "", reason: str = "") -> Activity:
        """Return what a unit does; a state that the table does not know is unknown."""
        if reason and reason in self.reasons:
            return self.reasons[reason]
        found = self.rules.get(f"{state}/{mode}") if mode else None
        return found or self.rules.get(state, Activity.UNKNOWN)


OWN: Final = StateMapping(
    id="fabloop",
    version=1,
    rules={each.value: each for each in Activity}
    | {
        "working": Activity.PRODUCING,
        "off": Activity.STOPPED,
        "starved": Activity.WAITING,
        "blocked": Activity.WAITING,
        "micro-stop": Activity.STOPPED,
        "tool-change": Activity.SETUP,
        "broken": Activity.FAILED,
    },
)
"""Our own words, and those of the simulated line."""

MACHINERY: Final = StateMapping(
    id="opc-40001-1",
    version=1,
    rules={
        "Executing/Processing": Activity.PRODUCING,
        "Executing/Setup": Activity.SETUP,
        "Executing/Maintenance": Activity.PLANNED,
        "Executing": Activity.PRODUCING,
        "NotExecuting/Setup": Activity.SETUP,
        "NotExecuting/Maintenance": Activity.PLANNED,
        "NotExecuting": Activity.STOPPED,
        "OutOfService": Activity.FAILED,
        "NotAvailable": Activity.STOPPED,
    },
)
"""MachineryItemState and -OperationMode of OPC 40001-1 (Machinery), annex C.2."""

MACHINE_TOOLS: Final = StateMapping(
    id="opc-40501",
    version=1,
    rules={
        "Executing/Processing": Activity.PRODUCING,
        "Executing/Setup": Activity.SETUP,
        "Executing": Activity.PRODUCING,
        "NotExecuting": Activity.WAITING,
        "OutOfService": Activity.FAILED,
    },
)
"""OPC 40501 (Machine Tools), annex C, which disagrees with OPC 40001-1 on NotExecuting."""

PACKML: Final = StateMapping(
    id="packml",
    version=1,
    rules={
        "Execute": Activity.PRODUCING,
        "Completing": Activity.PRODUCING,
        "Suspending": Activity.WAITING,
        "Suspended": Activity.WAITING,
        "Unsuspending": Activity.WAITING,
        "Idle": Activity.WAITING,
        "Complete": Activity.WAITING,
        "Holding": Activity.STOPPED,
        "Held": Activity.STOPPED,
        "Unholding": Activity.STOPPED,
        "Stopping": Activity.STOPPED,
        "Stopped": Activity.STOPPED,
        "Clearing": Activity.STOPPED,
        "Resetting": Activity.STOPPED,
        "Starting": Activity.STOPPED,
        "Aborting": Activity.FAILED,
        "Aborted": Activity.FAILED,
        "Execute/Maintenance": Activity.PLANNED,
        "Stopped/Maintenance": Activity.PLANNED,
        "Execute/Manual": Activity.SETUP,
    },
)
"""ANSI/ISA-TR88.00.02: Suspended has its cause outside of the unit, Held inside."""

MAPPINGS: Final = {each.id: each for each in (OWN, MACHINERY, MACHINE_TOOLS, PACKML)}
