"""Guards commands at run time: hears the controllers, latches their stops, and is the gate."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import msgspec

from fabloop.adapters.modbus.safety import SafetyLine
from fabloop.app.safety.clock import SteadyClock
from fabloop.app.safety.moment import asked_again, good_for_ns, still_good
from fabloop.app.safety.stops import StopsFile, StopsKept
from fabloop.base.errors import NotFound
from fabloop.base.instant import Clock, Instant
from fabloop.base.names import did_you_mean
from fabloop.model.explanation import Explanation
from fabloop.model.ids import ControllerId
from fabloop.model.safety import SafetyRules, SafetyView, Sight, Stop, Target
from fabloop.run.permissives import Verdict, Withheld, permits
from fabloop.run.permits import claims_of, confirmed
from fabloop.run.safety_words import WORD, Told
from fabloop.run.stops import ResetDone, ResetRefused, latched, requested, reset, unconfirmed

SEEN_S_MAX = 5.0
"""How long one waits for the first sight of the controllers, where that is asked for."""

Changed = Callable[[], None]


class SafetyGuard:
    """Everything between the commands of a program and its safety controllers.

    It has a thread of its own between `start` and `close`. `judge` is the gate: it may be called
    from any thread, and waits at most until the controllers' time to confirm is over.

    Parameters
    ----------
    folder : where stops are kept, so that they stand after a crash
    beats : whether the controllers hear our heart; not where one only looks, or asks for a stop
    changed : called in the guard's thread whenever a signal, a state or a stop has changed
    """

    def __init__(
        self,
        rules: SafetyRules,
        folder: Path,
        *,
        clock: Clock | None = None,
        changed: Changed = lambda: None,
        beats: bool = True,
    ) -> None:
        self._rules = rules
        self._clock = clock or SteadyClock()
        self._changed = changed
        self._beats = beats
        self._file = StopsFile(folder)
        self._sights: dict[ControllerId, Sight] = {}
        self._told: dict[ControllerId, Told] = {}
        self._failed: set[ControllerId] = set()
        self._new = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._lines: dict[ControllerId, SafetyLine] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="safety", daemon=True)

    @property
    def rules(self) -> SafetyRules:
        """What is declared."""
        return self._rules

    def start(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        self._ready.wait()
        return self

    def close(self) -> None:
        """Listen no more. Our heart stops with it, so the controllers stop what they guard."""
        for line in self._lines.values():
            self._loop.call_soon_threadsafe(line.close)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def view(self) -> SafetyView:
        """Return what is known now."""
        return SafetyView(sights=dict(self._sights), stops=self._file.stops())

    def now(self) -> Instant:
        """Return the time by which ages are measured here."""
        return self._clock.now()

    def look(self, target: Target) -> Verdict:
        """Judge a command by what is known, without asking: for whoever plans, not for a gate."""
        return permits(target, self._rules, self.view(), self._clock.now())

    def judge(self, target: Target) -> Verdict:
        """Judge a command at this moment, by what its controllers say when they are asked again.

        A controller that does not answer in time withholds it. Only a stop needs no question: it
        stands whatever anybody says.
        """
        claims, view, now = claims_of(target, self._rules), self.view(), self._clock.now()
        if not claims or any(key in view.stops for key in claims):
            return permits(target, self._rules, view, now)
        answers = asked_again(claims, self._rules, view.sights, self._lines, self._loop, now)
        verdict, now = self.look(target), self._clock.now()
        shown = {key: told.permit for key, told in self._told.items()}
        verdict = confirmed(verdict, still_good(answers, self._rules, shown), self._rules)
        if isinstance(verdict, Withheld):
            return verdict
        until_ns = time.monotonic_ns() + good_for_ns(answers, self._rules, now)
        return msgspec.structs.replace(verdict, good_until_ns=until_ns)

    def troubles(self) -> Mapping[ControllerId, str]:
        """Return what is wrong with the lines themselves."""
        return {key: line.trouble for key, line in self._lines.items() if line.trouble}

    def unconfirmed(self) -> tuple[Explanation, ...]:
        """Return the safe stops that were asked for and not confirmed in time."""
        now = self._clock.now()
        found = (
            unconfirmed(self._rules.controllers[each.controller], each, now)
            for each in self._file.stops().values()
        )
        return tuple(each for each in found if each is not None)

    def stop(self, controller: ControllerId, *, by: str, why: str) -> Stop:
        """Ask for a safe stop; from here on no command leaves for the zone, heard or not."""
        self._known(controller)
        now = self._clock.now()

        def ask(kept: StopsKept) -> StopsKept:
            number = kept.asked.get(controller, 0) % (WORD - 1) + 1
            stop = requested(
                controller, kept.stops.get(controller), number=number, by=by, why=why, now=now
            )
            return StopsKept(
                stops={**kept.stops, controller: stop}, asked={**kept.asked, controller: number}
            )

        kept = self._file.change(ask)
        line = self._lines.get(controller)
        if line is not None:
            self._loop.call_soon_threadsafe(line.hurry)
        return kept.stops[controller]

    def reset(self, controller: ControllerId, *, by: str) -> ResetDone | ResetRefused:
        """Open our latch in the name of a person; commands are judged anew from then on."""
        self._known(controller)
        found: ResetDone | ResetRefused | None = None

        def let_go(kept: StopsKept) -> StopsKept:
            nonlocal found
            view = SafetyView(sights=dict(self._sights), stops=kept.stops)
            found = reset(controller, self._rules, view, by=by, now=self._clock.now())
            if isinstance(found, ResetRefused):
                return kept
            left = {key: stop for key, stop in kept.stops.items() if key != controller}
            return msgspec.structs.replace(kept, stops=left)

        self._file.change(let_go)
        assert found is not None, "the change was made"
        return found

    def wait_until_seen(self, seconds: float = SEEN_S_MAX) -> bool:
        """Wait until every controller was seen, and tell whether that was so in time."""
        return self.wait_for(lambda: self._sights.keys() >= self._rules.controllers.keys(), seconds)

    def wait_until_tried(self, seconds: float = SEEN_S_MAX) -> bool:
        """Wait until every controller was seen or an attempt to reach it has failed.

        For whoever looks once: who does not answer now is told so, and not waited for.
        """
        every = self._rules.controllers.keys()
        return self.wait_for(lambda: self._sights.keys() | self._failed >= every, seconds)

    def wait_for(self, holds: Callable[[], bool], seconds: float = SEEN_S_MAX) -> bool:
        """Wait until something holds, looking whenever a controller has told something."""
        with self._new:
            return self._new.wait_for(holds, seconds)

    def _known(self, controller: ControllerId) -> None:
        if controller not in self._rules.controllers:
            hint = did_you_mean(controller, self._rules.controllers)
            raise NotFound(f"Expected a safety controller, but found '{controller}'. {hint}")

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())

    async def _listen(self) -> None:
        for key, controller in self._rules.controllers.items():
            self._lines[key] = SafetyLine(
                controller,
                self._seen_by(key),
                self._number_of(key),
                self._clock,
                beats=self._beats,
                failed=self._failed_at(key),
            )
        self._ready.set()
        watching = asyncio.ensure_future(self._watch())
        await asyncio.gather(*(line.run() for line in self._lines.values()))
        watching.cancel()

    async def _watch(self) -> None:
        """Look at the hearts even while nothing comes."""
        limits = [each.heartbeat_ns for each in self._rules.controllers.values()]
        while True:
            await asyncio.sleep(min(limits, default=10**9) / 4e9)
            self._latch()

    def _seen_by(self, key: ControllerId) -> Callable[[Sight, Told], None]:
        def seen(sight: Sight, told: Told) -> None:
            before = self._told.get(key)
            self._told[key] = told
            with self._new:
                self._sights[key] = sight
                self._new.notify_all()
            if before is None or _content(before) != _content(told):
                self._latch()
                self._changed()

        return seen

    def _failed_at(self, key: ControllerId) -> Callable[[], None]:
        def failed() -> None:
            with self._new:
                self._failed.add(key)
                self._new.notify_all()

        return failed

    def _number_of(self, key: ControllerId) -> Callable[[], int]:
        return lambda: self._file.kept().asked.get(key, 0)

    def _latch(self) -> None:
        """Keep every stop that is seen; the file is written only where something is new."""
        now = self._clock.now()

        def keep(kept: StopsKept) -> StopsKept:
            stops = dict(kept.stops)
            for key, controller in self._rules.controllers.items():
                stop = latched(controller, stops.get(key), self._sights.get(key), now)
                if stop is not None:
                    stops[key] = stop
            return msgspec.structs.replace(kept, stops=stops)

        standing = self._file.kept()
        if keep(standing) != standing:
            self._file.change(keep)
            self._changed()


def _content(told: Told) -> Told:
    return msgspec.structs.replace(told, beat=0)
