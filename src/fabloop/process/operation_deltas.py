"""What suspension and batches changed, as the journal keeps it; `process.deltas` holds the rest."""

import msgspec

from fabloop.process.operations import Action, BatchFailure


class InstanceSuspended(msgspec.Struct, frozen=True, array_like=True, tag=80):
    """An instance stands still, with those it called."""

    key: int


class InstanceResumed(msgspec.Struct, frozen=True, array_like=True, tag=81):
    """An instance goes on."""

    key: int


class ProcessSuspended(msgspec.Struct, frozen=True, array_like=True, tag=83):
    """A version of a process takes no new instances; version 0 stands for all."""

    id: str
    version: int


class ProcessResumed(msgspec.Struct, frozen=True, array_like=True, tag=84):
    """A version of a process takes new instances again; version 0 ends what was said for all."""

    id: str
    version: int


class BatchOpened(msgspec.Struct, frozen=True, array_like=True, tag=85):
    """A batch began; its targets have their turn in this order."""

    key: int
    action: Action
    targets: tuple[int, ...]


class BatchMoved(msgspec.Struct, frozen=True, array_like=True, tag=86):
    """The next `count` targets had their turn."""

    key: int
    count: int
    failures: tuple[BatchFailure, ...]


class BatchTurned(msgspec.Struct, frozen=True, array_like=True, tag=87):
    """A batch was paused, continued or stopped; `state` is a `BatchState`."""

    key: int
    state: int


OperationDelta = (
    InstanceSuspended
    | InstanceResumed
    | ProcessSuspended
    | ProcessResumed
    | BatchOpened
    | BatchMoved
    | BatchTurned
)
