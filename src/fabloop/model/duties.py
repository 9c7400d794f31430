"""What work asks of a person: qualifications, strain against limits, and rests."""

from enum import StrEnum

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import WorkUnitId


class DoseLaw(StrEnum):
    """How levels and times add up to a dose.

    ``energy``: with the square of the level, as vibration does (A(8), Directive 2002/44/EC).
    ``decibel``: doubling with every 3 dB, as noise does (L_EX,8h, Directive 2003/10/EC).
    ``sum``: level times hours, as lifted mass or time in the heat do.
    """

    ENERGY = "energy"
    DECIBEL = "decibel"
    SUM = "sum"


class ExposureLimit(msgspec.Struct, frozen=True, kw_only=True):
    """How much of one kind of strain a person may get in a shift.

    `most` is a level over eight hours, or with ``sum`` the total; `unit` is for people.
    """

    kind: str
    label: str
    law: DoseLaw
    most: float
    unit: str = ""


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """The level of one kind of strain while somebody works; with ``sum`` per hour."""

    kind: str
    level: float


class Strain(msgspec.Struct, frozen=True, kw_only=True):
    """What working at a work unit asks of a person; `only` these skills, empty is all."""

    work_unit: WorkUnitId
    only: tuple[str, ...] = ()
    qualifications: tuple[str, ...] = ()
    exposures: tuple[Exposure, ...] = ()

    def speaks_of(self, work_unit: WorkUnitId | None, skill: str) -> bool:
        """Tell whether it holds for a job."""
        return self.work_unit == work_unit and (not self.only or skill in self.only)


class RestRule(msgspec.Struct, frozen=True, kw_only=True):
    """After so much work without one, a rest of that length comes before the next job."""

    longest_work_ns: int
    rest_ns: int


class Duties(msgspec.Struct, frozen=True, kw_only=True):
    """All that is declared about what work asks of persons."""

    limits: tuple[ExposureLimit, ...] = ()
    strains: tuple[Strain, ...] = ()
    rest: RestRule | None = None


NO_DUTIES = Duties()


class Qualification(msgspec.Struct, frozen=True, kw_only=True):
    """A person may do something up to the end of a date (ISO 8601, local); None: for good."""

    name: str
    valid_until: str | None = None


class Worked(msgspec.Struct, frozen=True, kw_only=True):
    """A job that a person did or does in the running shift."""

    work_unit: WorkUnitId | None
    skill: str
    start: Instant
    end: Instant
