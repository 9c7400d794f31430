"""Runs cases of a process in virtual time: the real engine, chance for work and arrivals."""

from collections.abc import Iterator
from heapq import heappop, heappush
from random import Random

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant, instant_of
from fabloop.feel import compile_expression, from_feel
from fabloop.feel.expression import Expression
from fabloop.process.commands import (
    AdvanceTo,
    Command,
    CompleteJob,
    Deploy,
    IncidentOpened,
    InstanceCreated,
    InstanceFinished,
    InstanceState,
    JobCancelled,
    JobCreated,
    Notice,
    PublishMessage,
    Reply,
    StartInstance,
)
from fabloop.process.engine import Engine
from fabloop.sim.processes.crowd import Pool, Work
from fabloop.sim.processes.spread import Draw, draw_of

DURATION_HEADER = "duration"
RESOURCE_HEADER = "resource"
ANY = "*"
EVENTS_PER_RUN_MAX = 1_000_000
"""Things that may happen in one run before it is ended."""

CASES_PER_RUN_MAX = 100_000

MONDAY = instant_of("2026-01-05T00:00:00Z")
"""When a simulation begins unless told otherwise: timers that name a date count from there."""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What is simulated.

    Attributes
    ----------
    deploys : models, the one to start first
    process : its id
    cases : how many are started in a run
    between : spans between their arrivals; None for all at once
    durations : by node id, job type, or ``*``; before what the model says
    capacities : of resources, by name; the others are without limit
    results : FEEL contexts, by node id or job type: what a job gives, with `random` in 0..1
    messages : by name: the span after which one comes to who waits for it
    begin : the instant of the first arrival
    horizon_ns : a run ends so long after it; None for when all has come to rest
    """

    deploys: tuple[Deploy, ...]
    process: str
    cases: int = 1
    between: Draw | None = None
    durations: dict[str, Draw] = {}
    capacities: dict[str, int] = {}
    results: dict[str, str] = {}
    messages: dict[str, Draw] = {}
    variables: dict[str, object] = {}
    begin: Instant = MONDAY
    horizon_ns: int | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case that came to its end: from arrival to end, and what of it was work and waiting."""

    through_ns: int
    working_ns: int
    waiting_ns: int


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """What a resource did in one run; `capacity` is None for as many as were needed."""

    name: str
    capacity: int | None
    jobs: int
    busy_ns: int
    most: int
    waits_ns: tuple[int, ...]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run: what came to its end, what did not, and how long it was.

    Attributes
    ----------
    cut : the run was ended by its limit of events or its horizon
    untimed : job types without a duration anywhere: they took no time
    """

    cases: tuple[Case, ...]
    started: int
    cancelled: int
    incidents: tuple[str, ...]
    uses: tuple[Use, ...]
    span_ns: int
    cut: bool
    untimed: frozenset[str]


def simulate(scene: Scene, seed: str) -> Run:
    """Run the cases of a scene once; the same seed gives the same run.

    Raises
    ------
    Invalid
        A model cannot be deployed, or a duration or result that it names cannot be read.
    """
    return _Stage(scene, Random(seed)).run()


class _Stage:
    def __init__(self, scene: Scene, chance: Random) -> None:
        self.scene = scene
        self.chance = chance
        self.engine = Engine()
        self.now = scene.begin
        self.agenda: list[tuple[Instant, int, int]] = []
        self.messages: list[tuple[Instant, int]] = []
        self.pools: dict[str, Pool] = {}
        self.works: dict[int, Work] = {}
        self.ends: dict[int, Instant] = {}
        self.awaited: set[int] = set()
        self.case_of: dict[int, int] = {}
        self.begun: dict[int, Instant] = {}
        self.spent: dict[int, list[int]] = {}
        self.done: list[Case] = []
        self.cancelled = 0
        self.incidents: dict[str, int] = {}
        self.untimed: set[str] = set()
        self.draws: dict[str, Draw] = {}
        self.formulas: dict[str, Expression] = {}
        for command in scene.deploys:
            self.does(command)

    # -- the course of a run ------------------------------------------------------------------

    def run(self) -> Run:
        arrivals = self._arrivals()
        following, events, cut = next(arrivals, None), 0, False
        span_ns = self.scene.horizon_ns
        horizon = None if span_ns is None else self.scene.begin + span_ns
        while following is not None or self.begun:
            at = self._next(following)
            if at is None:
                break
            if events >= EVENTS_PER_RUN_MAX or (horizon is not None and at > horizon):
                cut = True
                break
            self.now, events = at, events + 1
            if following is not None and following <= at:
                self._arrive()
                following = next(arrivals, None)
            elif self.agenda and self.agenda[0][0] <= at:
                _, _, job = heappop(self.agenda)
                self._complete(job)
            elif self.messages and self.messages[0][0] <= at:
                self._publish(heappop(self.messages)[1])
            else:
                self.does(AdvanceTo(now=at))
        return self._told(cut=cut)

    def _arrivals(self) -> Iterator[Instant]:
        at = self.scene.begin
        for _ in range(self.scene.cases):
            yield at
            if self.scene.between is not None:
                at = Instant(at + self.scene.between(self.chance))

    def _next(self, arrival: Instant | None) -> Instant | None:
        times = [self.engine.next_due(), arrival]
        if self.agenda:
            times.append(self.agenda[0][0])
        if self.messages:
            times.append(self.messages[0][0])
        found = min((each for each in times if each is not None), default=None)
        return None if found is None else max(found, self.now)

    def does(self, command: Command) -> Reply:
        """Let the engine decide a command, and the world react to what it tells."""
        outcome = self.engine.handle(command, at=self.now)
        if isinstance(outcome.reply, InstanceCreated):
            self._begin_case(outcome.reply.instance)
        for notice in outcome.notices:
            self._react(notice)
        if self.scene.messages:
            self._await_messages()
        return outcome.reply

    def _arrive(self) -> None:
        self.does(StartInstance(process=self.scene.process, variables=self.scene.variables))

    def _begin_case(self, key: int) -> None:
        self.case_of[key] = key
        self.begun[key] = self.now
        self.spent[key] = [0, 0]

    # -- what the engine tells ----------------------------------------------------------------

    def _react(self, notice: Notice) -> None:
        match notice:
            case JobCreated():
                self._offer(notice)
            case JobCancelled(job=job):
                self._release(job)
            case InstanceFinished(instance=key, state=state):
                if key in self.begun:
                    self._finish(key, state)
            case IncidentOpened(node=node, kind=kind):
                name = f"{kind} at '{node}'"
                self.incidents[name] = self.incidents.get(name, 0) + 1
            case _:
                pass

    def _finish(self, key: int, state: InstanceState) -> None:
        begun, (working, waiting) = self.begun.pop(key), self.spent.pop(key)
        if state is InstanceState.CANCELLED:
            self.cancelled += 1
            return
        through = self.now - begun
        self.done.append(Case(through_ns=through, working_ns=working, waiting_ns=waiting))

    def _case(self, instance: int) -> int:
        """Return the case of an instance: itself, or the one that has called it."""
        if instance not in self.case_of:
            state = self.engine.state
            running = state.instances.get(instance)
            while running is not None and running.caller:
                running = state.instance_of(state.acts[running.caller])
            self.case_of[instance] = running.key if running is not None else instance
        return self.case_of[instance]

    # -- jobs ---------------------------------------------------------------------------------

    def _offer(self, notice: JobCreated) -> None:
        if notice.job in self.works:
            return
        pool = self._pool(notice)
        work = Work(
            job=notice.job,
            case=self._case(notice.instance),
            node=notice.node,
            type=notice.type,
            pool=pool.name,
            draw=self._draw(notice),
            variables=notice.variables,
            created_at=self.now,
        )
        self.works[notice.job] = work
        pool.queue.append(work)
        self._serve(pool)

    def _pool(self, notice: JobCreated) -> Pool:
        people = notice.assignee or next(iter(notice.candidates), "")
        names = (notice.node, notice.headers.get(RESOURCE_HEADER, ""), people, notice.type)
        limited = [name for name in names if name in self.scene.capacities]
        name = limited[0] if limited else next(each for each in names[1:] if each)
        if name not in self.pools:
            self.pools[name] = Pool(name, self.scene.capacities.get(name))
        return self.pools[name]

    def _draw(self, notice: JobCreated) -> Draw:
        own = self.scene.durations
        for name in (notice.node, notice.type):
            if name in own:
                return own[name]
        stated = notice.headers.get(DURATION_HEADER)
        if stated is not None:
            if stated not in self.draws:
                self.draws[stated] = draw_of(stated, f"header '{DURATION_HEADER}' of {notice.node}")
            return self.draws[stated]
        if ANY in own:
            return own[ANY]
        self.untimed.add(notice.node if notice.person else notice.type)
        return lambda _: 0

    def _serve(self, pool: Pool) -> None:
        while (work := pool.next()) is not None:
            pool.begin(work, self.now)
            ends = Instant(self.now + work.draw(self.chance))
            self.ends[work.job] = ends
            heappush(self.agenda, (ends, work.job, work.job))

    def _complete(self, job: int) -> None:
        """Complete a job that is still wanted."""
        work = self.works.get(job)
        if work is None or self.ends.get(job) != self.now:
            return
        result = self._result(work)
        self._release(job)
        self.does(CompleteJob(job=job, variables=result))

    def _release(self, job: int) -> None:
        """Take a job from its resource, and let it begin the next."""
        work = self.works.pop(job, None)
        if work is None:
            return
        self.ends.pop(job, None)
        pool = self.pools[work.pool]
        pool.end(job, self.now)
        if work.case in self.spent:
            begun = self.now if work.begun_at is None else work.begun_at
            self.spent[work.case][0] += self.now - begun
            self.spent[work.case][1] += begun - work.created_at
        self._serve(pool)

    def _result(self, work: Work) -> dict[str, object]:
        text = self.scene.results.get(work.node) or self.scene.results.get(work.type)
        if text is None:
            return {}
        context = {**work.variables, "random": self.chance.random()}
        if text not in self.formulas:
            self.formulas[text] = compile_expression(text, names=context)
        value = from_feel(self.formulas[text].evaluate(context))
        if not isinstance(value, dict):
            source = f"result of '{work.node}'"
            expected = "a FEEL context such as {ok: random < 0.9}"
            raise Invalid(Fault(source=source, path="", expected=expected, found=repr(value)))
        return value

    # -- messages -----------------------------------------------------------------------------

    def _await_messages(self) -> None:
        subscriptions = self.engine.state.subscriptions
        for key in reversed(subscriptions):
            if key in self.awaited:
                break
            self.awaited.add(key)
            draw = self.scene.messages.get(subscriptions[key].name)
            if draw is not None:
                heappush(self.messages, (Instant(self.now + draw(self.chance)), key))

    def _publish(self, key: int) -> None:
        waits = self.engine.state.subscriptions.get(key)
        if waits is not None:
            self.does(PublishMessage(name=waits.name, correlation_key=waits.correlation))

    # -- the end ------------------------------------------------------------------------------

    def _told(self, *, cut: bool) -> Run:
        for pool in self.pools.values():
            for work in pool.busy.values():
                pool.busy_ns += self.now - (work.begun_at or self.now)
        return Run(
            cases=tuple(self.done),
            started=len(self.done) + self.cancelled + len(self.begun),
            cancelled=self.cancelled,
            incidents=tuple(f"{count} x {name}" for name, count in self.incidents.items()),
            uses=tuple(_use(self.pools[name]) for name in sorted(self.pools)),
            span_ns=self.now - self.scene.begin,
            cut=cut,
            untimed=frozenset(self.untimed),
        )


def _use(pool: Pool) -> Use:
    return Use(
        name=pool.name,
        capacity=pool.capacity,
        jobs=pool.jobs,
        busy_ns=pool.busy_ns,
        most=pool.most,
        waits_ns=tuple(pool.waits_ns),
    )
