"""One thing that happened in a process instance, as people and process mining want it told."""

from enum import StrEnum

import msgspec

from fabloop.base.instant import Instant
from fabloop.process.commands import Variables


class EventKind(StrEnum):
    """What happened."""

    INSTANCE_STARTED = "instance started"
    INSTANCE_COMPLETED = "instance completed"
    INSTANCE_CANCELLED = "instance cancelled"
    INSTANCE_MIGRATED = "instance migrated"
    INSTANCE_SUSPENDED = "instance suspended"
    INSTANCE_RESUMED = "instance resumed"
    STARTED = "started"
    """A node, or a transition of a page, began to wait or to be carried out."""
    ASSIGNED = "assigned"
    TAKEN = "taken"
    """A worker took its job."""
    FAILED = "failed"
    """An attempt of its job failed."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    PASSED = "passed"
    """A token ran through a node, or a transition fired, without waiting."""
    VARIABLES_SET = "variables set"
    INCIDENT_RAISED = "incident raised"
    INCIDENT_CLEARED = "incident cleared"


class HistoryEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened.

    Attributes
    ----------
    seq : number of the journal row that tells of it
    root : instance in whose stream it stands: the caller's, for a called process
    node, name, element : id, name and BPMN element of the node (all empty for an instance's own
        events)
    transition : name of the page's transition, for a firing
    key : the act, job and firing it belongs to; 0 for what does not wait
    resource : who did it: the worker of a job, else who gave the command
    variables : those that were set, or seen first
    text : why, for incidents and failures
    """

    seq: int
    at: Instant
    kind: EventKind
    instance: int
    root: int
    process: str
    version: int
    business_key: str = ""
    node: str = ""
    name: str = ""
    element: str = ""
    transition: str = ""
    key: int = 0
    resource: str = ""
    variables: Variables = {}
    text: str = ""
