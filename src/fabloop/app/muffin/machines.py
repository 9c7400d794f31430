"""How the machines are: asked when they may have failed, and when they should be back."""

from collections.abc import Iterable

from fabloop.app.service_runtime.calls import Answered, story_headers
from fabloop.app.service_runtime.runtime import Runtime
from fabloop.base.instant import HOUR, MINUTE, Instant, instant_of
from fabloop.model.service import Literal

LOOK_AGAIN_NS = 10 * MINUTE
STANDING_NS = HOUR
"""How often a machine that stands is asked when it will be back: that may have changed."""
STATUS = "status"


class Machines:
    """Asks services that have a status how they are; all of them once, at first."""

    def __init__(self, runtime: Runtime, services: Iterable[str]) -> None:
        self._runtime = runtime
        self._look_at: dict[str, Instant] = {each: Instant(0) for each in services}
        self._back: dict[str, Instant] = {}

    def may_have_failed(self, service: str, now: Instant) -> None:
        """Have a machine looked at."""
        self._look_at[service] = now

    def back_at(self, service: str) -> Instant | None:
        """Return when a machine that does not work should be back; None where it works."""
        return self._back.get(service)

    def look_after(self, now: Instant) -> None:
        """Look at the machines whose time has come."""
        for service in [each for each, at in self._look_at.items() if at <= now]:
            self.look_at(service, now)

    def next_look_at(self) -> Instant | None:
        """Return when a machine is asked next."""
        return min(self._look_at.values(), default=None)

    def look_at(self, service: str, now: Instant) -> None:
        """Ask a machine how it is, and take note."""
        status = self._status(service, now)
        if status is None:
            self._runtime.revive(service, now)
            self._look_at[service] = Instant(now + LOOK_AGAIN_NS)
            return
        works = status.get("state") != "error"
        self._runtime.reality.see((Literal(fluent="works", arguments=(service,), value=works),))
        if works:
            self._look_at.pop(service, None)
            if self._back.pop(service, None) is not None:
                self._runtime.leases.able_again(service, now)
            return
        back = status.get("expected_back_at")
        at = instant_of(back) if isinstance(back, str) else Instant(now + LOOK_AGAIN_NS)
        self._back[service] = max(at, Instant(now + MINUTE))
        self._look_at[service] = min(self._back[service], Instant(now + STANDING_NS))

    def _status(self, service: str, now: Instant) -> dict[str, object] | None:
        """Return what a machine says of itself; nothing for one that says nothing ever."""
        found = self._runtime.directory.services[service]
        operation = next((each for each in found.operations if each.name == STATUS), None)
        if operation is None:
            return {}
        headers = story_headers(now)
        came = self._runtime.caller.call(found, operation, {}, f"status@{now}", headers)
        return came.result if isinstance(came, Answered) else None
