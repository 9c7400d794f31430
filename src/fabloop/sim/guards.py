"""Guards of a simulated plant in virtual time: when a signal falls, and when a person resets."""

from collections.abc import Sequence

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import ControllerId, SignalId
from fabloop.model.safety import (
    ControllerState,
    SafetyRules,
    SafetyView,
    Sight,
    SignalValue,
    Stop,
    StopCause,
)


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """A signal is false for a while; with a reset its zone stands until that, by that person."""

    signal: SignalId
    since: Instant
    until: Instant
    reset_at: Instant | None = None


class SimulatedGuards:
    """What the controllers of a story say at any instant; everything else is well."""

    def __init__(self, rules: SafetyRules, openings: Sequence[Opening]) -> None:
        self._rules = rules
        self._openings = tuple(openings)

    def view(self, at: Instant) -> SafetyView:
        """Return what is known at an instant."""
        fallen = {each.signal for each in self._openings if each.since <= at < each.until}
        sights = {}
        for key, controller in self._rules.controllers.items():
            signals = {
                each.id: SignalValue(value=each.id not in fallen, good=True, at=at)
                for each in controller.signals
            }
            sights[key] = Sight(state=ControllerState.RUNS, beat_at=at, signals=signals)
        return SafetyView(sights=sights, stops=self._stops(at))

    def next_change(self, after: Instant) -> Instant | None:
        """Return when something changes next."""
        times = [
            time
            for each in self._openings
            for time in (each.since, each.until, each.reset_at)
            if time is not None and time > after
        ]
        return min(times, default=None)

    def _stops(self, at: Instant) -> dict[ControllerId, Stop]:
        found = {}
        for each in self._openings:
            if each.reset_at is None or not each.since <= at < each.reset_at:
                continue
            controller = self._rules.controller_of(each.signal)
            found[controller.id] = Stop(
                controller=controller.id,
                cause=StopCause.TRIPPED,
                since=each.since,
                by=controller.label,
                why=f"{self._rules.label(each.signal)} fell",
                confirmed_at=each.since,
            )
        return found
