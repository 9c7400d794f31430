"""Stops of a zone: asked for or seen, latched, and ended by a person and nobody else."""

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.explanation import Evidence, Explanation, SafetyCode
from fabloop.model.ids import ControllerId
from fabloop.model.safety import (
    ControllerState,
    SafetyController,
    SafetyRules,
    SafetyView,
    Sight,
    Stop,
    StopCause,
)
from fabloop.run.permissives import troubles_of


class ResetRefused(msgspec.Struct, frozen=True, kw_only=True):
    """The stop stands on, for these reasons."""

    reasons: tuple[Explanation, ...]


class ResetDone(msgspec.Struct, frozen=True, kw_only=True):
    """The stop is over. Nothing starts by it: whatever is commanded next is judged anew."""

    stop: Stop
    by: str
    at: Instant


def requested(
    controller: ControllerId, standing: Stop | None, *, number: int, by: str, why: str, now: Instant
) -> Stop:
    """Return the stop that stands once a safe stop was asked for; the first cause is kept."""
    if standing is not None:
        return msgspec.structs.replace(standing, number=number, confirmed_at=None)
    return Stop(
        controller=controller, cause=StopCause.REQUESTED, since=now, by=by, why=why, number=number
    )


def latched(
    controller: SafetyController, standing: Stop | None, sight: Sight | None, now: Instant
) -> Stop | None:
    """Return the stop that stands after what was seen; what stands is never taken away here.

    A controller that was never seen leaves nothing to stop: its signals are missing.
    """
    if sight is None:
        return standing
    if standing is not None:
        if standing.confirmed_at is None and sight.state is ControllerState.STOPPED:
            return msgspec.structs.replace(standing, confirmed_at=now)
        return standing
    if sight.state is not ControllerState.RUNS:
        confirmed = now if sight.state is ControllerState.STOPPED else None
        return Stop(
            controller=controller.id, cause=StopCause.TRIPPED, since=now, by=controller.label,
            why=f"it is {sight.state}", confirmed_at=confirmed,
        )  # fmt: skip
    if now - sight.beat_at > controller.heartbeat_ns:
        return Stop(
            controller=controller.id, cause=StopCause.HEARTBEAT_LOST, since=now, by="watchdog",
            why="its heartbeat was not heard in time",
        )  # fmt: skip
    return None


def unconfirmed(controller: SafetyController, stop: Stop, now: Instant) -> Explanation | None:
    """Return what a person has to know where a safe stop that was asked for is not confirmed."""
    late = now - stop.since > controller.stop_within_ns
    if not stop.number or stop.confirmed_at is not None or not late:
        return None
    return Explanation(
        code=SafetyCode.STOP_NOT_CONFIRMED,
        subject=controller.label,
        details={"why": stop.why},
        evidence=(Evidence(subject=controller.id, parameter="asked for", at=stop.since),),
    )


def reset(
    controller: ControllerId, rules: SafetyRules, view: SafetyView, *, by: str, now: Instant
) -> ResetDone | ResetRefused:
    """End a stop in the name of a person, where the zone itself has been released before.

    The controller is reset by a person at the controller; here only our own latch is opened, and
    only while the controller runs and its heartbeat is heard. Signals are not looked at: each
    command looks at its own.
    """
    known = rules.controllers[controller]
    stop = view.stops.get(controller)
    against: list[Explanation] = []
    if not by.strip():
        against.append(Explanation(code=SafetyCode.PERSON_NOT_NAMED, subject=known.label))
    if stop is None:
        against.append(Explanation(code=SafetyCode.NOTHING_TO_RESET, subject=known.label))
    if controller not in view.sights:
        against.append(
            Explanation(
                code=SafetyCode.SIGNAL_MISSING,
                subject=known.label,
                details={"signal": "state", "wanted": ControllerState.RUNS},
            )
        )
    without = msgspec.structs.replace(view, stops={})
    against += troubles_of(known, without, now)
    if against or stop is None:
        return ResetRefused(reasons=tuple(against))
    return ResetDone(stop=stop, by=by, at=now)
