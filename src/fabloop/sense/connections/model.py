"""Connections and their variables, with every text read."""

import msgspec

from fabloop.model.ids import WorkUnitId
from fabloop.sense.readings.series import Series


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """A variable of a machine and the series that its values are.

    Attributes
    ----------
    series : of a scalar, or of samples; of an array of elements the name without the index
    elements : an array of so many series; 0: none
    sample_interval_ns : an array of samples so far apart; 0: none
    every_ns : how often it is sampled or asked for
    queue : values that the machine holds for us between two sendings
    """

    series: Series
    elements: int = 0
    sample_interval_ns: int = 0
    every_ns: int
    queue: int = 100

    @property
    def address(self) -> str:
        """Where the machine has it."""
        return self.series.address


class Commands(msgspec.Struct, frozen=True, kw_only=True):
    """Where a work unit takes jobs: addresses of an object, its methods and its permissive."""

    work_unit: WorkUnitId
    object: str
    begin: str
    responses: str
    permitted: str
    permitted_for_ns: int


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """A value in the registers of a device; see `RegisterEntry`."""

    id: str
    table: str
    at: int
    type: str
    words: str
    bytes: str
    scale: float
    offset: float
    unit: str
    kind: str
    states: tuple[str, ...]
    bad: tuple[float, ...]
    every_ns: int | None

    @property
    def size(self) -> int:
        """How many registers, coils or inputs it takes."""
        return SIZES[self.type]


SIZES = {
    "bool": 1, "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2,
    "int64": 4, "uint64": 4, "float64": 4,
}  # fmt: skip
"""Registers of 16 bits that a value of a type takes."""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One machine, line or gateway on a wire; see `ConnectionEntry`."""

    id: str
    url: str
    secure: bool = True
    user: str = ""
    password_from: str = ""
    user_certificate: str = ""
    user_key: str = ""
    every_ns: int
    ahead_ns: int
    history: bool = True
    alarms: bool = False
    variables: tuple[Variable, ...] = ()
    registers: tuple[Register, ...] = ()
    commands: tuple[Commands, ...] = ()
