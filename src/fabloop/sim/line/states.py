"""What a station does, and the words that OPC UA Machinery and PackML have for it."""

from enum import StrEnum
from typing import Final


class Activity(StrEnum):
    """What a station does; the first word of its own states is what others map from."""

    OFF = "off"
    STARVED = "starved"
    """Waits for a part from the station before."""
    BLOCKED = "blocked"
    """Waits for room behind it."""
    WORKING = "working"
    MICRO_STOP = "micro-stop"
    """A jam or a false alarm that clears within minutes and that nobody books."""
    TOOL_CHANGE = "tool-change"
    BROKEN = "broken"


ACTIVITIES: Final = tuple(Activity)

MACHINERY_STATES: Final = ("NotAvailable", "OutOfService", "NotExecuting", "Executing")
"""MachineryItemState of OPC 40001-1 (Machinery), by number."""
MACHINERY_MODES: Final = ("None", "Maintenance", "Setup", "Processing")
"""MachineryOperationMode of OPC 40001-1, by number."""
PACKML_STATES: Final = (
    "Undefined", "Clearing", "Stopped", "Starting", "Idle", "Suspended", "Execute", "Stopping",
    "Aborting", "Aborted", "Holding", "Held", "Unholding", "Suspending", "Unsuspending",
    "Resetting", "Completing", "Complete",
)  # fmt: skip
"""Unit states of PackML (ANSI/ISA-TR88.00.02), by number."""

_MACHINERY: Final = {
    Activity.OFF: "NotAvailable",
    Activity.STARVED: "NotExecuting",
    Activity.BLOCKED: "NotExecuting",
    Activity.WORKING: "Executing",
    Activity.MICRO_STOP: "NotExecuting",
    Activity.TOOL_CHANGE: "NotExecuting",
    Activity.BROKEN: "OutOfService",
}
_MODE: Final = {
    Activity.OFF: "None",
    Activity.TOOL_CHANGE: "Setup",
    Activity.BROKEN: "Maintenance",
}
_PACKML: Final = {
    Activity.OFF: "Stopped",
    Activity.STARVED: "Suspended",
    Activity.BLOCKED: "Suspended",
    Activity.WORKING: "Execute",
    Activity.MICRO_STOP: "Held",
    Activity.TOOL_CHANGE: "Held",
    Activity.BROKEN: "Aborted",
}


def machinery_state(activity: Activity) -> int:
    """Return the number of the MachineryItemState."""
    return MACHINERY_STATES.index(_MACHINERY[activity])


def machinery_mode(activity: Activity) -> int:
    """Return the number of the MachineryOperationMode."""
    return MACHINERY_MODES.index(_MODE.get(activity, "Processing"))


def packml_state(activity: Activity) -> int:
    """Return the number of the PackML state."""
    return PACKML_STATES.index(_PACKML[activity])
