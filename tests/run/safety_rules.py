"""Rules of a press cell for tests: a guard and a clamp permit pressing; measuring is free."""

from fabloop.base.instant import SECOND, Instant
from fabloop.model.ids import ControllerId, OperationName, ServiceId, SignalId, WorkUnitId
from fabloop.model.safety import (
    ControllerState,
    Permissive,
    Required,
    SafetyController,
    SafetyRules,
    SafetySignal,
    SafetyView,
    Sight,
    SignalValue,
    Target,
)

CELL = ControllerId("cell")
GUARD, CLAMPED = SignalId("cell/guard"), SignalId("cell/clamped")
NOW = Instant(1_000 * SECOND)
PRESS = Target(work_unit=WorkUnitId("press"), operation=OperationName("press"))
GAUGE = Target(work_unit=WorkUnitId("gauge"), operation=OperationName("measure"))
OVEN = Target(service=ServiceId("oven"), operation=OperationName("bake"))


def rules(url="modbus://127.0.0.1:1502/1", heartbeat_ns=SECOND, fresh_ns=SECOND, **more):
    cell = SafetyController(
        id=CELL, label="Press cell", url=url, heartbeat_ns=heartbeat_ns,
        stop_within_ns=2 * SECOND, **more,
        signals=(
            SafetySignal(id=GUARD, label="guard closed", bit=0),
            SafetySignal(id=CLAMPED, label="work piece clamped", bit=1),
        ),
    )  # fmt: skip
    both = tuple(Required(signal=each, fresh_ns=fresh_ns) for each in (GUARD, CLAMPED))
    return SafetyRules(
        controllers={CELL: cell},
        permissives=(
            Permissive(work_unit=WorkUnitId("press"), requires=both),
            Permissive(work_unit=WorkUnitId("gauge"), free_because="it touches nothing"),
            Permissive(service=ServiceId("oven"), only=("bake",), requires=both[:1]),
        ),
    )


def value(told=True, good=True, at=NOW):
    return SignalValue(value=told, good=good, at=at)


def view(stops=None, state=ControllerState.RUNS, beat_at=NOW, **signals):
    told = {GUARD: value(), CLAMPED: value()}
    told.update({SignalId(f"cell/{name}"): each for name, each in signals.items()})
    known = {key: each for key, each in told.items() if each is not None}
    sight = Sight(state=state, beat_at=beat_at, signals=known)
    return SafetyView(sights={CELL: sight}, stops=stops or {})
