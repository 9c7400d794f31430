"""Processes of services that die in the middle of a step and stay dead for a while, as told."""

from fabloop.app.muffin.documents import Blackout
from fabloop.app.service_runtime.facts import CallBound, StoryTold
from fabloop.app.service_runtime.fleet import Fleet
from fabloop.app.service_runtime.leases import Leases
from fabloop.app.service_runtime.log import FactLog
from fabloop.base.instant import Instant

DARK, LIGHT = "blackout", "light again"


class Blackouts:
    """Kills processes when their time has come; after a crash the log tells what has begun."""

    def __init__(
        self, plan: tuple[Blackout, ...], fleet: Fleet, leases: Leases, log: FactLog
    ) -> None:
        self._plan = plan
        self._fleet = fleet
        self._leases = leases
        self._log = log
        self._read = 0
        self._calls: dict[tuple[str, str], list[Instant]] = {}
        self._done: set[tuple[str, str, int]] = set()
        self._dark_until: dict[str, Instant] = {}

    def recover(self, now: Instant) -> None:
        """Let those be dead again that were when the story was cut short."""
        self._catch_up()
        for service, until in self._dark_until.items():
            if now < until:
                self._fleet.black_out(service)

    def happen(self, now: Instant) -> None:
        """Kill whose time has come, and let those live whose time is over."""
        self._catch_up()
        for at, each in self._due():
            if at <= now:
                until = Instant(at + each.lasts_ns)
                details: dict[str, object] = {
                    "operation": each.operation, "call": each.call, "until": until
                }  # fmt: skip
                self._log.tell(now, StoryTold(what=DARK, about=each.service, details=details))
                self._fleet.black_out(each.service)
        for service in [name for name, until in self._dark_until.items() if until <= now]:
            self._log.tell(now, StoryTold(what=LIGHT, about=service))
            self._fleet.light_up(service)
            self._leases.may_be_back(service, now)
        self._catch_up()

    def next_at(self) -> Instant | None:
        """Return when something happens next."""
        self._catch_up()
        return min((*(at for at, _ in self._due()), *self._dark_until.values()), default=None)

    def _due(self) -> list[tuple[Instant, Blackout]]:
        found = []
        for each in self._plan:
            calls = self._calls.get((each.service, each.operation), [])
            told = (each.service, each.operation, each.call) in self._done
            if not told and len(calls) >= each.call:
                found.append((Instant(calls[each.call - 1] + each.after_ns), each))
        return found

    def _catch_up(self) -> None:
        """Take in what was told since the last look."""
        for at, fact in self._log.history[self._read :]:
            match fact:
                case CallBound(service=service, operation=operation):
                    self._calls.setdefault((service, operation), []).append(at)
                case StoryTold(what="blackout", about=service, details=told):
                    self._done.add((service, str(told["operation"]), int(str(told["call"]))))
                    self._dark_until[service] = Instant(int(str(told["until"])))
                case StoryTold(what="light again", about=service):
                    self._dark_until.pop(service, None)
                case _:
                    pass
        self._read = len(self._log.history)
