"""Safety documents as they are written: controllers, their signals, and what requires them."""

from typing import Annotated

import msgspec

from fabloop.model.documents.entries import Entries, Entry, Header
from fabloop.model.documents.texts import (
    ID_MAX,
    TEXT_MAX,
    DurationText,
    Factor,
    Id,
    Label,
    Remark,
    Word,
)
from fabloop.model.duties import DoseLaw

BIT_MAX = 15
"""Signals of a controller share one register: what is read together is of one moment."""


class SafetySignalEntry(Entry, frozen=True, kw_only=True):
    """A permissive that a controller tells; `bit` is its place in the word of signals, from 0."""

    id: Id
    label: Label
    bit: Annotated[int, msgspec.Meta(ge=0, le=BIT_MAX)]


class SafetyControllerEntry(Entry, frozen=True, kw_only=True):
    """An independent safety controller; it makes its zone safe by itself.

    Its `heartbeat` has to move within this time; a safe stop that was asked for has to be confirmed
    within `stop_within`, or a person is told. What is asked again right before a command leaves has
    to be answered within `confirm_within`, or the command does not leave. One that `decides` is
    asked to grant each command.
    """

    id: Id
    label: Label
    url: Annotated[str, msgspec.Meta(max_length=TEXT_MAX)]
    heartbeat: DurationText = "1 s"
    stop_within: DurationText = "2 s"
    confirm_within: DurationText = "250 ms"
    decides: bool = False
    signals: Annotated[tuple[SafetySignalEntry, ...], Entries]


class RequiredEntry(Entry, frozen=True, kw_only=True):
    """A signal, named `controller/signal`, that has to be so, good, and no older than `fresh`."""

    signal: Word
    wanted: bool = msgspec.field(name="is", default=True)
    fresh: DurationText = "1 s"


class PermissiveEntry(Entry, frozen=True, kw_only=True):
    """What every command to a work unit, or to a service, requires.

    `only` narrows it to skills (of a work unit) or operations (of a service). Several entries add
    up. One that requires nothing says why that is right in `free_because`.
    """

    work_unit: Id | None = None
    service: Word | None = None
    only: Annotated[tuple[Word, ...], Entries] = ()
    requires: Annotated[tuple[RequiredEntry, ...], Entries] = ()
    free_because: Remark = ""


class ExposureLimitEntry(Entry, frozen=True, kw_only=True):
    """How much of one kind of strain a person may get in a shift.

    `most` is the level over eight hours (``energy``: vibration, ``decibel``: noise), or with
    ``sum`` the total of level times hours (mass lifted, hours in the heat). `unit` is for people.
    """

    kind: Id
    label: Label
    law: DoseLaw
    most: Factor
    unit: Annotated[str, msgspec.Meta(max_length=ID_MAX)] = ""


class ExposureEntry(Entry, frozen=True, kw_only=True):
    """The level of one kind of strain during a job; with ``sum`` per hour."""

    kind: Id
    level: Factor


class StrainEntry(Entry, frozen=True, kw_only=True):
    """What work at a work unit asks of a person; `only` narrows it to skills."""

    work_unit: Id
    only: Annotated[tuple[Word, ...], Entries] = ()
    qualifications: Annotated[tuple[Word, ...], Entries] = ()
    exposures: Annotated[tuple[ExposureEntry, ...], Entries] = ()


class RestEntry(Entry, frozen=True, kw_only=True):
    """After `longest_work` without one, a rest of `rest` comes before the next job."""

    longest_work: DurationText
    rest: DurationText


class SafetyDocument(Header, frozen=True, kw_only=True, tag_field="document", tag="safety"):
    """Which signals permit which commands; where there is one, what it does not name is refused."""

    controllers: Annotated[tuple[SafetyControllerEntry, ...], Entries] = ()
    permissives: Annotated[tuple[PermissiveEntry, ...], Entries]
    limits: Annotated[tuple[ExposureLimitEntry, ...], Entries] = ()
    strains: Annotated[tuple[StrainEntry, ...], Entries] = ()
    rest: RestEntry | None = None
