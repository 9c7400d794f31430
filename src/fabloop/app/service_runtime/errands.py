"""Jobs on their way to services and back: what was asked, what came, when to ask again."""

from enum import StrEnum
from typing import Protocol

import msgspec

from fabloop.adapt.ladder import Docket, TryRung
from fabloop.app.processes.service import Service
from fabloop.app.service_runtime.binding import Lease
from fabloop.app.service_runtime.calls import Came
from fabloop.app.service_runtime.directory import Candidate
from fabloop.base.instant import HOUR, MINUTE, Instant
from fabloop.model.service import Literal
from fabloop.process.commands import ActiveJob
from fabloop.process.views import JobView

ATTEMPTS_MAX = 40
"""How often one job is tried at all before a person has to look at it."""

BACKOFF_NS = MINUTE
BACKOFF_NS_MAX = HOUR
BACKOFF_DOUBLINGS_MAX = 10
AWAY_NS = HOUR
"""How long a service that gave no proper answer so often is passed over, until it is heard."""

WAITS_MAX = 1_000
"""How often is looked for somebody who can do a job before a person has to."""

HOLD_NS = 15 * MINUTE
"""How long a command waits that is not permitted, until it is judged again."""


class Phase(StrEnum):
    """Where an errand is."""

    NEW = "new"
    TAKEN_ON = "taken on"
    DONE = "done"
    """Answered, but not judged yet."""
    HELD = "held"
    """Judged, but what it led to has to be settled before its process goes on."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A job in our hands; `about` is the business key of its instance."""

    key: int
    epoch: int
    type: str
    instance: int
    node: str
    headers: dict[str, str]
    variables: dict[str, object]
    about: str


class Trouble(msgspec.Struct, kw_only=True):
    """A call that has not ended well so far.

    Attributes
    ----------
    move : the rung that is tried at present; None where a person is waited for, or nothing helps
    lower : why rungs were no way out
    """

    docket: Docket
    begun_at: Instant
    move: TryRung | None = None
    lower: list[str] = msgspec.field(default_factory=list)


class Errand(msgspec.Struct, kw_only=True):
    """A job on its way.

    Attributes
    ----------
    due : when to do the next thing about it
    excluded : services that said they cannot
    tries : calls in a row without a proper answer
    attempts : calls at all
    may_have_happened : whether a service may have done it that has not said so
    waits_for : why nobody could do it when it was last looked at
    waits_on : definitions of the offers that it waits for
    withheld_for : why its command was not permitted when it was last judged; empty once it left
    trouble : what is done about calls that did not end well
    lease : what it holds of the cloud; None where its service does many at once, or has lost it
    """

    task: Task
    phase: Phase = Phase.NEW
    due: Instant = Instant(0)
    candidate: Candidate | None = None
    location: str = ""
    begun_at: Instant = Instant(0)
    given: dict[str, object] = {}
    excluded: set[str] = set()
    tries: int = 0
    attempts: int = 0
    waits_for: tuple[str, ...] = ()
    waits_on: tuple[str, ...] = ()
    withheld_for: tuple[str, ...] = ()
    lease: Lease | None = None
    result: dict[str, object] = {}
    may_have_happened: bool = False
    trouble: Trouble | None = None

    @property
    def idempotency_key(self) -> str:
        """The same at every attempt."""
        return f"job-{self.task.key}"


class Complete(msgspec.Struct, frozen=True, kw_only=True):
    """The process goes on, with these variables."""

    variables: dict[str, object] = {}


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """The process waits: what was found has to be settled first."""


Verdict = Complete | Hold


class Story(Protocol):
    """What a runtime has to be told by whoever knows what it is about."""

    @property
    def handled(self) -> tuple[str, ...]:
        """Types of jobs that the story does itself."""
        ...

    def handle(self, errand: Errand, now: Instant) -> None:
        """Take a job of such a type; it is completed by `Runtime.finish` at some time."""
        ...

    def given(self, task: Task, candidate: Candidate, now: Instant) -> dict[str, object]:
        """Return further values that a call needs, from wherever they are to be found."""
        ...

    def seen(
        self, candidate: Candidate, given: dict[str, object], result: dict[str, object]
    ) -> tuple[Literal, ...]:
        """Return what an answer tells of how things are."""
        ...

    def answered(self, errand: Errand, now: Instant) -> Verdict:
        """Judge an answer: may the process go on?"""
        ...

    def turn(self, errand: Errand, now: Instant) -> Instant:
        """Return when it is an errand's turn at whoever does it; at once where it is now."""
        ...

    def waits(self, errand: Errand, now: Instant) -> None:
        """Hear of a job that nobody can do now."""
        ...

    def troubled(self, errand: Errand, came: Came, now: Instant) -> None:
        """Hear of a call that did not end well, before it is tried again."""
        ...


def task_of(job: ActiveJob) -> Task:
    """Return a job that was given out just now."""
    return Task(
        key=job.key,
        epoch=job.epoch,
        type=job.type,
        instance=job.instance,
        node=job.node,
        headers=job.headers,
        variables=dict(job.variables),
        about=job.business_key,
    )


def task_again(job: JobView, about: str) -> Task:
    """Return a job that was given out before a crash."""
    return Task(
        key=job.key,
        epoch=job.epoch,
        type=job.type,
        instance=job.instance,
        node=job.node,
        headers=job.headers,
        variables=dict(job.variables),
        about=about,
    )


def backoff_ns(tries: int) -> int:
    """Return how long to wait after so many calls in a row without a proper answer."""
    return min(BACKOFF_NS_MAX, BACKOFF_NS << min(max(0, tries - 1), BACKOFF_DOUBLINGS_MAX))


Kernel = Service
"""The host of the processes, here or in another process."""
