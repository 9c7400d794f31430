"""The plant on wires as an actor: machines over OPC UA, people and carriers in virtual time."""

import threading
from collections.abc import Iterable

import msgspec

from fabloop.app.wired.line import Connect, MachineLine, SwitchOn
from fabloop.app.wired.story_time import StoryTime
from fabloop.base.instant import Instant
from fabloop.model.ids import WorkUnitId
from fabloop.run.actor import Actor, JobNotDone, JobOrder, JobResponse

EARLIEST = 0.5
"""A job is not expected before this share of its planned duration."""
LATE_S_MAX = 60.0
"""Real time for which an answer that is overdue holds up what comes after it in the story."""
LOOK_S = 0.05


class WireCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Machines that were switched on, and jobs that they have answered."""

    machines: int
    answers: int


class WiredPlant:
    """Gives each job to whoever does it, and lets nothing happen before what precedes it.

    Wires take time, which many times faster passes in the story: an answer comes minutes of the
    story after the job has ended. So whoever asks what happens next waits for the answers that
    could still come from before.

    Parameters
    ----------
    machines : work units that are commanded over wires
    switch_on : starts the process of one of them
    others : does all other jobs
    """

    def __init__(
        self,
        machines: Iterable[WorkUnitId],
        switch_on: SwitchOn,
        connect: Connect,
        others: Actor,
        story_time: StoryTime,
    ) -> None:
        self._lines = {each: MachineLine(each, switch_on, connect, self._wake) for each in machines}
        self._others = others
        self._time = story_time
        self._changed = threading.Condition()
        self._begun: dict[int, JobOrder] = {}
        self._answers: dict[int, JobResponse] = {}
        self._heard = 0

    def begin(self, order: JobOrder) -> None:
        """Start a job, or go on with the one of that number."""
        if order.job in self._begun or order.job in self._answers:
            return
        line = self._lines.get(order.work_unit) if order.work_unit is not None else None
        if line is None:
            self._others.begin(order)
            return
        self._begun[order.job] = order
        line.begin(order)

    def test(self, work_unit: WorkUnitId, order: JobOrder) -> None:
        """Let a machine run its test program; nobody waits for its answer."""
        self._lines[work_unit].begin(order)

    def switch_on(self, work_units: Iterable[WorkUnitId]) -> None:
        """Start machines that will be needed; others of the plant are always there."""
        for each in work_units:
            line = self._lines.get(each)
            if line is not None:
                line.switch_on()

    def counts(self) -> WireCounts:
        """Return what went over the wires so far."""
        machines = sum(each.is_on for each in self._lines.values())
        return WireCounts(machines=machines, answers=self._heard)

    def next_response_at(self) -> Instant | None:
        """Return when the first answer that came was given, or the next of the others is due."""
        self._collect()
        times = [each.at for each in self._answers.values()]
        other = self._others.next_response_at()
        return min(times if other is None else [*times, other], default=None)

    def awaited(self, horizon: Instant | None) -> Instant | None:
        """Return when the next answer was given; wait for those that may precede the horizon."""
        waited_s = 0.0
        while True:
            found = self.next_response_at()
            times = [each for each in (found, horizon) if each is not None]
            candidate = min(times, default=None)
            before = [
                each
                for each in self._begun.values()
                if candidate is None or _earliest(each) < candidate
            ]
            overdue = candidate is not None and self._time.now() >= candidate
            if not before or (overdue and waited_s > LATE_S_MAX):
                return found
            for each in before:
                if each.work_unit is not None:
                    self._lines[each.work_unit].check()
            with self._changed:
                self._changed.wait(LOOK_S)
            waited_s += LOOK_S if overdue else 0.0

    def responses(self, until: Instant) -> tuple[JobResponse, ...]:
        """Return, once each and in order of time, the responses due up to an instant."""
        self._collect()
        due = [each for each in self._answers.values() if each.at <= until]
        for each in due:
            del self._answers[each.job]
        return tuple(sorted((*due, *self._others.responses(until)), key=lambda e: (e.at, e.job)))

    def close(self) -> None:
        """Disconnect, and switch all machines off."""
        for ending in (MachineLine.disconnect, MachineLine.ask_to_end, MachineLine.end):
            for each in self._lines.values():
                ending(each)

    def _collect(self) -> None:
        for line in self._lines.values():
            for response in line.responses():
                if self._begun.pop(response.job, None) is None:
                    continue  # a test, or an answer that came twice
                if isinstance(response, JobNotDone):
                    # Told by us or the machine, in real time.
                    response = msgspec.structs.replace(response, at=self._time.now())  # noqa: PLW2901
                self._heard += 1
                self._answers[response.job] = response

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


def _earliest(order: JobOrder) -> int:
    return order.begun_at + round(EARLIEST * order.duration_ns)
