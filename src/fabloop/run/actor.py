"""The actor port: machines, persons' task lists and simulated plants take jobs the same way."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import OperationId, PersonId, WorkUnitId


class JobOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What an actor is told to do (IEC 62264 job order); `job` identifies it for ever.

    `duration_ns` is the planned duration on this work unit; `main` tells the operation itself
    from the transports around it.
    """

    job: int
    step: str
    skill: str
    operation: OperationId
    work_unit: WorkUnitId | None
    person: PersonId | None
    main: bool
    begun_at: Instant
    duration_ns: int


class JobDone(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    """The job was carried out; results such as lot numbers or verdicts, by name."""

    job: int
    at: Instant
    results: Mapping[str, str | int | float | bool | None]


class JobNotDone(msgspec.Struct, frozen=True, kw_only=True, tag="not-done"):
    """The job could not be carried out."""

    job: int
    at: Instant
    reason: str


JobResponse = JobDone | JobNotDone


class Actor(Protocol):
    """Takes job orders and reports on them later.

    After a restart every unanswered job is given again: `begin` with a known job number must
    not start it a second time. Once a job was answered as not done, its number may come again:
    that is another attempt.
    """

    def begin(self, order: JobOrder) -> None:
        """Start a job, or go on with the one of that number."""
        ...

    def next_response_at(self) -> Instant | None:
        """Return when the next response is due, None where only the future can tell."""
        ...

    def responses(self, until: Instant) -> tuple[JobResponse, ...]:
        """Return, once each and in order of time, the responses due up to an instant."""
        ...
