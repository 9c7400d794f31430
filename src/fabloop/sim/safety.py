"""A simulated safety controller: guards and buttons in, a state and permissives out.

It stands in for a certified device in tests and stories, and is none.
"""

import msgspec

from fabloop.base.instant import SECOND, Instant
from fabloop.model.safety import ControllerState
from fabloop.run.safety_words import GRANTS_MAX, Claim, Grant, Told, next_beat


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """What people and sensors do at the zone; `reset_presses` counts how often that was pressed."""

    signals: int
    sound: int
    emergency_stop: bool = False
    reset_presses: int = 0
    beats: bool = True


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What the registers that fabloop writes hold."""

    beat: int = 0
    stop_asked: int = 0
    claim: Claim = Claim()


class ControllerMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What the controller remembers from one step to the next.

    `grants` are of the present permit, the latest first: with it they are over.
    """

    told: Told
    grants: tuple[Grant, ...] = ()
    heard: Heard = Heard()
    heard_at: Instant | None = None
    stopped_since: Instant | None = None
    reset_presses: int = 0


class ControllerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How it behaves.

    Attributes
    ----------
    watchdog_ns : without a beat of fabloop for so long it stops; before the first beat it waits
    stopping_ns : how long its zone takes to stand still
    guards : bits of the signals that stop the zone when they fall
    """

    watchdog_ns: int = SECOND
    stopping_ns: int = SECOND // 5
    guards: int = 0


def begin(panel: Panel, permit: int = 1) -> ControllerMemory:
    """Return a controller that was switched on: it stands until its reset was pressed.

    Its first `permit` should be none that it has given before it was switched off.
    """
    told = Told(
        beat=0,
        state=ControllerState.STOPPED,
        signals=panel.signals,
        sound=panel.sound,
        stop_taken=0,
        permit=permit,
    )
    return ControllerMemory(told=told, reset_presses=panel.reset_presses)


def step(
    memory: ControllerMemory, panel: Panel, heard: Heard, settings: ControllerSettings, now: Instant
) -> ControllerMemory:
    """Return the controller after one cycle.

    It stops by itself on an open guard, an emergency stop, a safe stop that is asked for, and when
    fabloop's heartbeat ends. It runs again only after its own reset button was pressed while
    nothing of that holds. Whatever falls makes its permit another one; a claim is granted where it
    rests on the present permit, the zone runs, and everything that it requires holds.
    """
    beaten = heard.beat != memory.heard.beat
    heard_at = now if beaten else memory.heard_at
    asked = heard.stop_asked != memory.told.stop_taken
    silent = heard_at is not None and now - heard_at > settings.watchdog_ns
    open_guard = settings.guards & ~(panel.signals & panel.sound) != 0
    cause = panel.emergency_stop or open_guard
    pressed = panel.reset_presses != memory.reset_presses
    state, since = memory.told.state, memory.stopped_since
    if state is ControllerState.RUNS and (cause or silent or asked):
        state, since = ControllerState.STOPPING, now
    elif state is ControllerState.STOPPING and since is not None:
        if now - since >= settings.stopping_ns:
            state = ControllerState.STOPPED
    elif state is ControllerState.STOPPED and pressed and not cause and not asked:
        state, since = ControllerState.RUNS, None
        heard_at = now if heard_at is not None else None
    told = Told(
        beat=next_beat(memory.told.beat) if panel.beats else memory.told.beat,
        state=state,
        signals=panel.signals,
        sound=panel.sound,
        stop_taken=heard.stop_asked,
        permit=memory.told.permit,
        claim=memory.told.claim,
        granted=memory.told.granted,
    )
    grants = memory.grants
    if _is_less(memory.told, told):
        told = msgspec.structs.replace(told, permit=next_beat(told.permit), granted=False)
        grants = ()
    if panel.beats and heard.claim != memory.heard.claim:
        granted = _grants(told, heard.claim)
        told = msgspec.structs.replace(told, claim=heard.claim.number, granted=granted)
        new = (Grant(claim=heard.claim.number, command=heard.claim.command),) if granted else ()
        grants = (*new, *grants)[:GRANTS_MAX]
    return ControllerMemory(
        told=told,
        grants=grants,
        heard=heard,
        heard_at=heard_at,
        stopped_since=since,
        reset_presses=panel.reset_presses,
    )


def _is_less(before: Told, after: Told) -> bool:
    """Tell whether something changed that a command may have rested on."""
    same = (before.signals, before.sound) == (after.signals, after.sound)
    left = before.state is ControllerState.RUNS and after.state is not ControllerState.RUNS
    return left or not same


def _grants(told: Told, claim: Claim) -> bool:
    known = claim.true | claim.false
    return (
        told.state is ControllerState.RUNS
        and claim.permit == told.permit
        and told.sound & known == known
        and told.signals & claim.true == claim.true
        and told.signals & claim.false == 0
    )
