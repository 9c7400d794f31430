"""The scheduling problem as data: integer ticks, indices into tuples, nothing of products."""

from enum import StrEnum

import msgspec

TASKS_MAX = 20_000
MODES_MAX = 400_000
RESOURCES_MAX = 10_000
ARCS_MAX = 400_000
OPTIONS_MAX = 20_000
DEPTH_MAX = 100
"""Choices in options of choices."""
TICKS_MAX = 10**9


class Objective(StrEnum):
    """What is minimised: the last end, weighted lateness beyond due dates, or what modes cost."""

    MAKESPAN = "makespan"
    TARDINESS = "tardiness"
    COST = "cost"


class Span(msgspec.Struct, frozen=True):
    """Ticks from `start` up to, not with, `end`."""

    start: int
    end: int


class SetUp(msgspec.Struct, frozen=True, kw_only=True):
    """Ticks between the end of a task of one family and the start of the next of another.

    An empty `before` is the state in which the resource begins.
    """

    before: str
    after: str
    ticks: int


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """A machine, a person, a tool, or a number of equal ones.

    Attributes
    ----------
    capacity : how much may be in use at once
    closed : when nothing may be in use; a task fits between, it is not interrupted
    setups : between consecutive tasks of a resource of capacity 1; a pair not listed takes none
    batch_max : how much of one batch family a resource of capacity 1 takes at once; the tasks of a
        batch start and end together, and each brings its demand
    """

    name: str
    capacity: int = 1
    closed: tuple[Span, ...] = ()
    setups: tuple[SetUp, ...] = ()
    batch_max: int = 1


class Use(msgspec.Struct, frozen=True):
    """So much of a resource, as long as the task takes."""

    resource: int
    demand: int = 1


class Mode(msgspec.Struct, frozen=True, kw_only=True):
    """One way to carry a task out; one of no ticks takes up no resource."""

    ticks: int
    uses: tuple[Use, ...] = ()
    cost: int = 0


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Something to do, without interruption, in exactly one of its modes.

    Attributes
    ----------
    option : the innermost option that it belongs to; None: it is always done
    family : for set-ups
    batch : tasks of one resource with equal text, family and ticks may share a batch; empty: none
    """

    name: str
    job: int
    modes: tuple[Mode, ...]
    option: int | None = None
    family: str = ""
    batch: str = ""


class PairLag(msgspec.Struct, frozen=True, kw_only=True):
    """The lag of an arc for one pair of modes; None: they do not go together."""

    before_mode: int
    after_mode: int
    ticks: int | None


class Arc(msgspec.Struct, frozen=True, kw_only=True):
    """`after` starts at least `lag` ticks after the end of `before`, where both are done."""

    before: int
    after: int
    lag: int = 0
    pairs: tuple[PairLag, ...] = ()


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly one of its options is taken if `within` is (None: always), else none is."""

    within: int | None = None


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to a choice; tasks and choices name it as theirs."""

    choice: int
    name: str = ""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What belongs together: a part, an order.

    Attributes
    ----------
    serial : its tasks do not overlap in time, since there is one work piece
    """

    name: str
    release: int = 0
    due: int | None = None
    weight: int = 1
    serial: bool = False


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduling problem; indices are positions in these tuples."""

    name: str
    tasks: tuple[Task, ...]
    resources: tuple[Resource, ...]
    jobs: tuple[Job, ...]
    arcs: tuple[Arc, ...] = ()
    choices: tuple[Choice, ...] = ()
    options: tuple[Option, ...] = ()


class Schedule(msgspec.Struct, frozen=True):
    """An answer: per task its mode (None: not done) and start, and which options are taken."""

    modes: tuple[int | None, ...]
    starts: tuple[int, ...]
    taken: tuple[bool, ...] = ()
