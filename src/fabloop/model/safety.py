"""Safety as declared data: which signals of which controller permit which command, how fresh."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from fabloop.base.instant import SECOND, Instant
from fabloop.model.duties import Duties
from fabloop.model.ids import ControllerId, OperationName, ServiceId, SignalId, WorkUnitId


class SafetySignal(msgspec.Struct, frozen=True, kw_only=True):
    """A permissive of a controller; `bit` is its place in the word of signals, from 0."""

    id: SignalId
    label: str
    bit: int


class SafetyController(msgspec.Struct, frozen=True, kw_only=True):
    """An independent safety controller: it alone makes a zone safe, we ask and obey.

    Attributes
    ----------
    heartbeat_ns : its counter has to move within this time, or nothing it says counts
    stop_within_ns : a request for a safe stop that is not confirmed by then is told to a person
    confirm_ns : what is asked again before a command leaves has to be answered within this time
    decides : whether it grants or refuses each command itself, by its own moment
    """

    id: ControllerId
    label: str
    url: str
    heartbeat_ns: int
    stop_within_ns: int
    confirm_ns: int = SECOND // 4
    decides: bool = False
    signals: tuple[SafetySignal, ...]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a command is for: a work unit and a skill, or a service and one of its operations."""

    work_unit: WorkUnitId | None = None
    service: ServiceId | None = None
    operation: OperationName = OperationName("")

    @property
    def name(self) -> str:
        """What people call it."""
        whole = str(self.work_unit or self.service or "")
        return f"{whole}/{self.operation}" if self.operation else whole


class Required(msgspec.Struct, frozen=True, kw_only=True):
    """A signal that has to be `wanted`, good, and told no longer than `fresh_ns` ago."""

    signal: SignalId
    wanted: bool = True
    fresh_ns: int


class Permissive(msgspec.Struct, frozen=True, kw_only=True):
    """What commands to a work unit or service require; `only` these operations, empty is all.

    One that requires nothing is free, for the reason given.
    """

    work_unit: WorkUnitId | None = None
    service: ServiceId | None = None
    only: tuple[str, ...] = ()
    requires: tuple[Required, ...] = ()
    free_because: str = ""

    def speaks_of(self, target: Target) -> bool:
        """Tell whether it holds for a command."""
        same = (self.work_unit, self.service) == (target.work_unit, target.service)
        return same and (not self.only or target.operation in self.only)


class SafetyRules(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is declared; what is not declared is not permitted."""

    controllers: Mapping[ControllerId, SafetyController]
    permissives: tuple[Permissive, ...]
    duties: Duties = Duties()

    def controller_of(self, signal: SignalId) -> SafetyController:
        """Return who tells a signal."""
        return self.controllers[ControllerId(signal.rpartition("/")[0])]

    def label(self, signal: SignalId) -> str:
        """Return what people call a signal."""
        found = (each.label for each in self.controller_of(signal).signals if each.id == signal)
        return next(found, str(signal))


class ControllerState(StrEnum):
    """What a controller says of its zone."""

    RUNS = "runs"
    STOPPING = "stopping"
    STOPPED = "stopped"


class SignalValue(msgspec.Struct, frozen=True, kw_only=True):
    """What was told of a signal and when; `good` is the controller's own judgement."""

    value: bool
    good: bool
    at: Instant


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What was last seen of a controller; `beat_at` is when its counter last moved."""

    state: ControllerState
    beat_at: Instant
    signals: Mapping[SignalId, SignalValue]


class Permit(msgspec.Struct, frozen=True, kw_only=True):
    """What a command carries of a controller that decides by itself.

    Attributes
    ----------
    number : of the permit; the controller gives another one as soon as anything has fallen
    claim : number of the claim that it granted
    """

    controller: ControllerId
    number: int
    claim: int


class StopCause(StrEnum):
    """Why a zone stands."""

    REQUESTED = "requested"
    TRIPPED = "tripped"
    HEARTBEAT_LOST = "heartbeat-lost"


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """A zone was stopped; it stands until a person has reset it, whatever the signals say.

    Attributes
    ----------
    by : who or what asked for it
    number : of the request, as it was sent to the controller; 0 where none was sent
    confirmed_at : when the controller said that its zone has stopped
    """

    controller: ControllerId
    cause: StopCause
    since: Instant
    by: str
    why: str
    number: int = 0
    confirmed_at: Instant | None = None


class SafetyView(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of all controllers at a moment, and the stops that stand."""

    sights: Mapping[ControllerId, Sight] = {}
    stops: Mapping[ControllerId, Stop] = {}
