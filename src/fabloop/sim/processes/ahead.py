"""Plays on what runs, from where it stands, in virtual time: when will which node be done?"""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from random import Random

import msgspec

from fabloop.base.errors import Refused
from fabloop.base.instant import DAY, Instant
from fabloop.process.commands import (
    AdvanceTo,
    Command,
    CompleteJob,
    InstanceFinished,
    InstanceState,
    JobCancelled,
    JobCreated,
    NodeCompleted,
    Notice,
)
from fabloop.process.engine import Engine
from fabloop.process.snapshot import read_snapshot
from fabloop.process.state import JobState
from fabloop.sim.processes.crowd import Pool, Work
from fabloop.sim.processes.load import DURATION_HEADER, RESOURCE_HEADER
from fabloop.sim.processes.spread import Draw, draw_of

EVENTS_MAX = 20_000
"""Things that may happen in one run before it is ended."""

RUNS_MAX = 100
TRIES_MAX = 20
"""Draws of a duration that has to be longer than the work has taken already."""

Done = dict[tuple[int, str], Instant]
"""When a node (by instance that was not called, and id) was done; an empty id is the instance."""


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What is played on.

    Attributes
    ----------
    parts : a snapshot of the engine's state (`fabloop.process.snapshot.write_snapshot`)
    durations : by node id or job type, before what the model says; without any it takes no time
    capacities : of resources, by node, header ``resource``, assignee or job type
    begun : since when jobs that are open have been in work, where that is known
    horizon_ns : what is not done so long after `now` is left
    """

    parts: Sequence[bytes]
    now: Instant
    durations: Mapping[str, Draw] = {}
    capacities: Mapping[str, int] = {}
    begun: Mapping[int, Instant] = {}
    horizon_ns: int = 30 * DAY


def ahead(outlook: Outlook, seed: int, runs: int) -> tuple[Done, ...]:
    """Return when nodes are done in so many runs; the same seed gives the same.

    Raises
    ------
    Refused
        More than `RUNS_MAX` runs are wanted.
    Broken
        The parts are no snapshot.
    """
    if runs > RUNS_MAX:
        raise Refused(f"Expected at most {RUNS_MAX} runs, but found {runs}. Ask for fewer.")
    return tuple(_Run(outlook, Random(f"{seed}/{number}")).done() for number in range(runs))


class _Run:
    def __init__(self, outlook: Outlook, chance: Random) -> None:
        self.outlook = outlook
        self.chance = chance
        self.engine = Engine()
        self.engine.state = read_snapshot(outlook.parts)
        self.now = outlook.now
        self.found: Done = {}
        self.pools: dict[str, Pool] = {}
        self.works: dict[int, Work] = {}
        self.agenda: list[tuple[Instant, int]] = []
        self.draws: dict[str, Draw] = {}
        self.roots: dict[int, int] = {}

    def done(self) -> Done:
        """Play on until nothing happens any more, or a limit is reached."""
        for view in self.engine.jobs():
            if view.state not in (JobState.FAILED, JobState.BACKOFF):
                names = (view.node, view.type, view.headers, view.assignee or view.worker)
                self._offer(view.key, view.instance, *names)
        end = self.outlook.now + self.outlook.horizon_ns
        for _ in range(EVENTS_MAX):
            due = self.engine.next_due()
            times = [each for each in (due, self.agenda[0][0] if self.agenda else None) if each]
            if not times or min(times) > end:
                break
            self.now = max(self.now, min(times))
            if self.agenda and self.agenda[0][0] <= self.now:
                self._complete(heappop(self.agenda)[1])
            else:
                self._does(AdvanceTo(now=self.now))
        return self.found

    def _does(self, command: Command) -> None:
        for notice in self.engine.handle(command, at=self.now).notices:
            self._hear(notice)

    def _hear(self, notice: Notice) -> None:
        match notice:
            case JobCreated():
                names = (notice.node, notice.type, notice.headers, notice.assignee)
                self._offer(notice.job, notice.instance, *names)
            case JobCancelled(job=job):
                self._release(job)
            case NodeCompleted(instance=instance, node=node):
                self.found.setdefault((self._root(instance), node), self.now)
            case InstanceFinished(instance=key, state=InstanceState.COMPLETED):
                if self._root(key) == key:
                    self.found.setdefault((key, ""), self.now)
            case _:
                pass

    def _root(self, instance: int) -> int:
        """Return the instance that nobody called, of an instance."""
        if instance not in self.roots:
            state = self.engine.state
            running = state.instances.get(instance)
            while running is not None and running.caller:
                running = state.instance_of(state.acts[running.caller])
            self.roots[instance] = running.key if running is not None else instance
        return self.roots[instance]

    # -- work ---------------------------------------------------------------------------------

    def _offer(
        self, job: int, instance: int, node: str, kind: str, headers: dict[str, str], who: str
    ) -> None:
        if job in self.works:
            return
        self._root(instance)
        names = [each for each in (node, headers.get(RESOURCE_HEADER, ""), who, kind) if each]
        limits = self.outlook.capacities
        name = next((each for each in names if each in limits), names[-1])
        pool = self.pools.setdefault(name, Pool(name, limits.get(name)))
        self.works[job] = Work(
            job=job,
            case=instance,
            node=node,
            type=kind,
            pool=name,
            draw=self._draw(node, kind, headers),
            variables={},
            created_at=self.now,
        )
        pool.queue.append(self.works[job])
        self._serve(pool)

    def _draw(self, node: str, kind: str, headers: dict[str, str]) -> Draw:
        for name in (node, kind):
            if name in self.outlook.durations:
                return self.outlook.durations[name]
        text = headers.get(DURATION_HEADER)
        if text is None:
            return lambda _: 0
        if text not in self.draws:
            self.draws[text] = draw_of(text, f"header '{DURATION_HEADER}' of {node}")
        return self.draws[text]

    def _serve(self, pool: Pool) -> None:
        while (work := pool.next()) is not None:
            pool.begin(work, self.now)
            heappush(self.agenda, (self._end(work), work.job))

    def _end(self, work: Work) -> Instant:
        """Return when work is done; what is in work takes longer than it has taken already."""
        since = self.now
        if self.now == self.outlook.now:  # what waits for a resource has not begun
            since = self.outlook.begun.get(work.job, self.now)
        for _ in range(TRIES_MAX):
            end = Instant(since + work.draw(self.chance))
            if end >= self.now:
                return end
        return Instant(self.now + (self.now - since))

    def _complete(self, job: int) -> None:
        work, known = self.works.get(job), self.engine.state.jobs.get(job)
        if work is None or known is None:
            return
        self._release(job)
        epoch = known.epoch if known.state is JobState.LEASED else None
        if known.state not in (JobState.FAILED, JobState.BACKOFF):
            self._does(CompleteJob(job=job, epoch=epoch))

    def _release(self, job: int) -> None:
        work = self.works.pop(job, None)
        if work is not None:
            pool = self.pools[work.pool]
            pool.end(job, self.now)
            self._serve(pool)
