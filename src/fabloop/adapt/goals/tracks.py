"""What is remembered while goals are watched: per subject, per process instance, per week."""

from bisect import bisect_left, insort

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation
from fabloop.model.goal import GoalStatus
from fabloop.model.ids import GoalId

TRACKS_MAX = 100_000
"""Subjects remembered; beyond that those that are decided are forgotten, oldest first."""

SPANS_MAX = 1_000
"""Days, weeks or months remembered per KPI."""

ENDED_MAX = 10_000
"""Instances that have ended and are remembered for what comes late."""

UNCLAIMED_MAX = 1_000
"""Events of an instance remembered until it is known whose it is."""

CLOSED_MAX = 256
"""Acts of a subject remembered after they are over."""

SAMPLES_MAX = 256
"""Remaining times remembered per node and event: the latest count."""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """When an event of a subject will happen: instants that are equally likely, sorted.

    No instants: whoever says so does not expect it at all, as things are.

    `source` says who says so: ``plan``, ``simulation`` or whatever gave it. A `passing` one holds
    until the subject goes on only.
    """

    instants: tuple[Instant, ...]
    source: str
    made_at: Instant
    passing: bool = False


class Standing(msgspec.Struct, kw_only=True):
    """How a goal stands for a subject.

    Attributes
    ----------
    since : of the status
    risk : 0..1 that it will be missed, as it was judged last
    """

    status: GoalStatus = GoalStatus.IDLE
    since: Instant = Instant(0)
    risk: float = 0.0
    deadline: Instant | None = None
    expected: Instant | None = None
    because: Explanation | None = None


Address = tuple[str, str]
"""Kind and key of a subject."""


class Track(msgspec.Struct, kw_only=True):
    """What is known of one subject.

    Attributes
    ----------
    since : when it was heard of first
    times : per event when it happened, first ones first, each with what tells it from others; no
        more than goals ask for
    false_since, true_since : per goal, when its condition was first false (true)
    due : per goal, the instant by which, where an expression gives it
    marks : when nodes were begun (``>node``) and left (``node``), the last time each
    open : nodes that have begun and are not left, by the key of the act, each with its mark
    closed : keys of acts that are over, the latest ones: their beginning may be heard late
    ended_at : when its process instance ended
    within : the subject that this one is a part of
    parts : per goal on parts of this subject, how many stand how
    """

    subject: str
    key: str
    since: int | None = None
    times: dict[str, list[tuple[int, str]]] = {}
    false_since: dict[GoalId, int] = {}
    true_since: dict[GoalId, int] = {}
    due: dict[GoalId, int] = {}
    marks: dict[str, int] = {}
    open: dict[int, tuple[str, int]] = {}
    closed: dict[int, None] = {}
    latest: str = ""
    definition: str = ""
    ended_at: int | None = None
    within: Address | None = None
    parts: dict[GoalId, dict[GoalStatus, int]] = {}
    expects: dict[str, list[Forecast]] = {}
    standings: dict[GoalId, Standing] = {}
    wake: int = 0

    def places(self) -> list[tuple[str, int]]:
        """Return where it is: the marks of open nodes and since when, else of the latest."""
        if self.open:
            return list(self.open.values())
        return [(self.latest, self.marks[self.latest])] if self.latest else []

    def first(self, event: str) -> int | None:
        """Return when an event happened first."""
        found = self.times.get(event)
        return found[0][0] if found else None


class InstanceTrack(msgspec.Struct, kw_only=True):
    """What is known of a process instance: variables that goals read, and whose it is."""

    process: str
    root: int
    version: int = 0
    seq: int = 0
    variables: dict[str, object] = {}
    subjects: tuple[Address, ...] = ()
    own: tuple[Address, ...] = ()
    """Those whose end is the end of this instance."""
    unclaimed: list[tuple[str, str, int, str]] = []
    """What happened to subjects that were not known yet: kind, event, when, identity."""
    resolved: bool = False


class Bucket(msgspec.Struct, kw_only=True):
    """A span of the calendar and what a KPI counts in it."""

    start: Instant
    end: Instant
    met: int = 0
    violated: int = 0
    open: int = 0
    lost: float = 0.0
    """Sum of the risks of those that are open."""
    count: int = 0
    total_ns: int = 0
    standing: Standing = msgspec.field(default_factory=Standing)


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """What a subject adds to a bucket, so that it can be taken away again."""

    start: Instant
    met: int = 0
    violated: int = 0
    open: int = 0
    lost: float = 0.0
    count: int = 0
    total_ns: int = 0


class Samples(msgspec.Struct, kw_only=True):
    """The latest remaining times from a mark to an event, as they came and by length."""

    spans: list[int] = []
    ordered: list[int] = []
    next: int = 0

    def add(self, span: int) -> None:
        """Take in one; the oldest makes room."""
        if len(self.spans) < SAMPLES_MAX:
            self.spans.append(span)
        else:
            del self.ordered[bisect_left(self.ordered, self.spans[self.next])]
            self.spans[self.next] = span
            self.next = (self.next + 1) % SAMPLES_MAX
        insort(self.ordered, span)


class Memory(msgspec.Struct, kw_only=True):
    """All that a monitor remembers: what is written into a checkpoint."""

    goals: str
    """Id and version of the goals; another set begins anew."""
    now: Instant = Instant(0)
    tracks: dict[Address, Track] = {}
    instances: dict[int, InstanceTrack] = {}
    ended: list[int] = []
    buckets: dict[GoalId, dict[int, Bucket]] = {}
    shares: dict[Address, dict[GoalId, Contribution]] = {}
    samples: dict[str, dict[str, Samples]] = {}
    """Per event, per mark."""
