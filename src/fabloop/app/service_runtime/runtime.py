"""Lets services do the jobs of a process host: bound late, gated, called, judged, tried again."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from fabloop.adapt.policy import Policy, Rung
from fabloop.app.processes.polls import Poll
from fabloop.app.processes.questions import AskInstance, AskJobs, AskStatus
from fabloop.app.processes.slots import Slot
from fabloop.app.service_runtime.binding import Binder, Choice, NoChoice
from fabloop.app.service_runtime.call_ladder import PLAIN, CallLadder
from fabloop.app.service_runtime.calls import (
    Answered,
    Caller,
    Came,
    NoAnswer,
    NotLikeThis,
    NotNow,
    NotPermitted,
    UnderWay,
    WrongAnswer,
    story_headers,
)
from fabloop.app.service_runtime.choosing import Choosing, stays
from fabloop.app.service_runtime.errands import (
    ATTEMPTS_MAX,
    HOLD_NS,
    WAITS_MAX,
    Complete,
    Errand,
    Hold,
    Kernel,
    Phase,
    Story,
    backoff_ns,
    task_again,
    task_of,
)
from fabloop.app.service_runtime.facts import (
    CallAnswered,
    CallTroubled,
    LeaseEnd,
    RuntimeFact,
    ServiceRestarted,
)
from fabloop.app.service_runtime.fleet import Fleet
from fabloop.app.service_runtime.ladder import Rungs
from fabloop.app.service_runtime.leases import Described, Leases, held_offers, still_bound
from fabloop.app.service_runtime.log import FactLog
from fabloop.app.service_runtime.naming import bound_fact, names_of, short, told_of, withheld
from fabloop.app.service_runtime.reality import Reality, ground
from fabloop.app.service_runtime.wanted import SERVICE_JOBS
from fabloop.base.errors import Invalid, Refused, Unavailable
from fabloop.base.instant import DAY, MINUTE, Instant
from fabloop.process.commands import CompleteJob, FailJob, Reply
from fabloop.process.state import JobState

WORKER = "service-runtime"
LEASE_NS = 3_650 * DAY
"""Jobs stay with the runtime, however long a service takes; after a crash it has them still."""

JOBS_AT_ONCE = 1_000
CALLS_AT_ONCE = 16


class Runtime:
    """Does the jobs of a host by services; time stands still while it does.

    Every decision is written to the log before it is acted on, and every call carries a key that
    follows from its job: after a crash the same jobs are asked for again, and done once.
    """

    def __init__(
        self,
        kernel: Kernel,
        binder: Binder,
        caller: Caller,
        log: FactLog,
        story: Story,
        *,
        described: Described,
        fleet: Fleet | None = None,
        policy: Policy = PLAIN,
    ) -> None:
        self.rungs = Rungs(log)
        self._ladder = CallLadder(policy, self.rungs)
        self.kernel = kernel
        self.directory = binder.directory
        self.caller = caller
        self.log = log
        self.reality = Reality()
        self.errands: dict[int, Errand] = {}
        self.leases = Leases(binder, log, self.errands, described)
        self.choosing = Choosing(binder, self.leases, self.reality)
        self._story = story
        self._fleet = fleet
        self._waiting: list[Errand] = []
        self._pool = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="call")

    def close(self) -> None:
        """Make no further calls."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    # -- after a crash ------------------------------------------------------------------------

    def recover(self) -> None:
        """Take up the jobs that were in our hands, each where the log left it."""
        bound = still_bound(self.log.history)
        answered: dict[int, CallAnswered] = {}
        for _, fact in self.log.history:
            if isinstance(fact, CallAnswered):
                answered[fact.job] = fact
                self._learn(fact)
        for job in self.kernel.query(AskJobs(state=JobState.LEASED)):
            if job.worker != WORKER:
                continue
            about = self.kernel.query(AskInstance(key=job.instance)).business_key
            errand = Errand(task=task_again(job, about))
            known = bound.get(job.key)
            if (
                known is not None
                and known.epoch == job.epoch
                and known.service in self.directory.services
            ):
                errand.candidate = self.directory.operation(known.service, known.operation)
                errand.may_have_happened = True
            result = answered.get(job.key)
            if result is not None and errand.candidate is not None:
                errand.begun_at, errand.result = result.begun_at, result.result
                errand.given = dict(result.given)
                errand.phase = Phase.DONE
            self.errands[job.key] = errand
        self.leases.recover(held_offers(self.log.history), self.kernel.query(AskStatus()).at)

    def _learn(self, fact: CallAnswered) -> None:
        """Let what was done and seen be so, as when it happened."""
        if fact.service not in self.directory.services:
            return
        candidate = self.directory.operation(fact.service, fact.operation)
        self.reality.expect(ground(candidate.operation.effects, fact.given))
        self.reality.see(self._story.seen(candidate, fact.given, fact.result))

    # -- one turn -----------------------------------------------------------------------------

    def turn(self, now: Instant) -> bool:
        """Do what can be done now; tell whether there was anything."""
        self._take_new(now)
        self.leases.look_again(now)
        due = [e for e in self.errands.values() if e.phase is not Phase.HELD and e.due <= now]
        if not due:
            return False
        due.sort(key=lambda each: each.task.key)
        ours = [each for each in due if each.task.type in self._story.handled]
        for each in ours:
            each.phase = Phase.HELD
            self._story.handle(each, now)
        for each in due:
            if each.phase is Phase.DONE:
                self._judge(each, now)
        todo = [e for e in due if e.phase in (Phase.NEW, Phase.TAKEN_ON)]
        over = {each.task.key for each in todo if self.leases.is_over(each, now)}
        self._do([each for each in todo if each.task.key in over], now)
        self._do([each for each in todo if each.task.key not in over], now)
        self.leases.order()
        return True

    def _do(self, todo: Sequence[Errand], now: Instant) -> None:
        """Bind, call and settle; those whose leases are over first, as they may be on it still."""
        asked = self._prepared([e for e in todo if e.task.key in self.errands], now)
        for errand, answer in self._asked_all(asked, now):
            if errand.task.key in self.errands:
                self._settle(errand, answer, now)

    def next_at(self) -> Instant | None:
        """Return when there is something to do next, of calls and of the host's own.

        Services that keep silent are looked at on the way; nothing is waited for because of that.
        """
        times = [e.due for e in self.errands.values() if e.phase is not Phase.HELD]
        due = self.kernel.query(AskStatus()).next_due
        found = (*times, due)
        return min((each for each in found if each is not None), default=None)

    def _take_new(self, now: Instant) -> None:
        poll = Poll(
            types=(SERVICE_JOBS, *self._story.handled),
            worker=WORKER,
            limit=JOBS_AT_ONCE,
            lease_ns=LEASE_NS,
        )
        for job in self.kernel.poll(poll, 0.0):
            self.errands[job.key] = Errand(task=task_of(job), due=now)

    # -- before the call ----------------------------------------------------------------------

    def _prepared(self, due: Sequence[Errand], now: Instant) -> list[Errand]:
        """Bind and gate what is to be called; all of it is written down before anything leaves."""
        facts: list[RuntimeFact] = []
        ready = [e for e in due if e.phase is Phase.TAKEN_ON or self._bound(e, now, facts)]
        self.log.tell(now, *facts)
        waiting, self._waiting = self._waiting, []
        for errand in waiting:
            self._story.waits(errand, now)
        return ready

    def _bound(self, errand: Errand, now: Instant, facts: list[RuntimeFact]) -> bool:
        """Bind an errand late; tell whether its command may leave now."""
        task = errand.task
        if errand.candidate is None:
            turn = self._story.turn(errand, now)
            if turn > now:
                errand.due = turn
                self._waiting.append(errand)
                return False
            try:
                choice = self.choosing.choice(errand, now)
            except Invalid as error:
                self._give_up(errand, str(error), now)
                return False
            if not isinstance(choice, Choice):
                self._nobody(errand, choice, now, facts)
                return False
            errand.candidate, errand.tries, errand.waits_for = choice.candidate, 0, ()
            errand.waits_on = ()
            facts += self.leases.given(errand, choice.lease)
            facts.append(bound_fact(errand, choice))
        candidate = errand.candidate
        try:
            errand.given = {**task.variables, **self._story.given(task, candidate, now)}
        except (Invalid, Unavailable) as error:
            self._lacking(errand, str(error), now, facts)
            return False
        errand.begun_at = errand.begun_at or now
        return True

    def _lacking(self, errand: Errand, why: str, now: Instant, facts: list[RuntimeFact]) -> None:
        """Wait for values that a call needs and nobody tells; then let a person look."""
        errand.tries += 1
        if errand.tries >= ATTEMPTS_MAX:
            self._give_up(errand, why, now)
            return
        errand.due = Instant(now + backoff_ns(errand.tries))
        self.leases.renew(errand, now)
        told = CallTroubled(
            **names_of(errand), trouble="no data", reason=why, rung="retry", again_at=errand.due
        )
        facts.append(told)

    def _nobody(
        self,
        errand: Errand,
        choice: NoChoice,
        now: Instant,
        facts: list[RuntimeFact],
    ) -> None:
        """Wait for somebody who can; after too long let a person look."""
        errand.tries += 1
        if errand.tries >= WAITS_MAX:
            self._give_up(errand, "Nobody can do it.", now)
            return
        errand.excluded, errand.waits_on = set(), choice.definitions
        errand.due = Instant(now + min(HOLD_NS, backoff_ns(errand.tries)))
        waits_for = tuple(short(each) for each in choice.reasons)
        self._waiting.append(errand)
        if waits_for == errand.waits_for:
            return
        errand.waits_for = waits_for
        facts.append(
            CallTroubled(
                **names_of(errand),
                trouble="nobody",
                reason="; ".join(waits_for),
                rung="tolerate",
                again_at=errand.due,
            )
        )

    # -- the call -----------------------------------------------------------------------------

    def _asked_all(self, asked: Sequence[Errand], now: Instant) -> list[tuple[Errand, Came]]:
        """Call many services at once, but each of them in the order of the jobs."""
        by_service: dict[str, list[Errand]] = {}
        for each in asked:
            assert each.candidate is not None, "it was bound before"
            by_service.setdefault(str(each.candidate.service.id), []).append(each)

        def ask(group: Sequence[Errand]) -> list[Came]:
            return [self._ask(each, now) for each in group]

        groups = tuple(by_service.values())
        came: dict[int, Came] = {}
        for group, answers in zip(groups, self._pool.map(ask, groups), strict=True):
            came |= {e.task.key: answer for e, answer in zip(group, answers, strict=True)}
        return [(each, came[each.task.key]) for each in asked]

    def _ask(self, errand: Errand, now: Instant) -> Came:
        candidate = errand.candidate
        assert candidate is not None, "it was bound before"
        url, headers = candidate.service.base_url, story_headers(now)
        if errand.phase is Phase.TAKEN_ON:
            return self.caller.look(url, candidate.operation, errand.location, headers)
        return self.caller.call(
            candidate.service, candidate.operation, errand.given, errand.idempotency_key, headers
        )

    def _settle(self, errand: Errand, came: Came, now: Instant) -> None:
        errand.attempts += 1
        if not isinstance(came, NotPermitted):
            errand.withheld_for = ()  # it has left: what held it is over
        if not isinstance(came, NoAnswer | WrongAnswer | NotPermitted):
            busy_until = Instant(now + came.again_ns) if isinstance(came, UnderWay) else None
            self.leases.heard(errand, busy_until, now)
        match came:
            case Answered(result=result):
                self._ladder.ended(errand, now)
                errand.tries = 0
                self._done(errand, result, now)
            case UnderWay(location=location, again_ns=again_ns):
                self._ladder.ended(errand, now)
                errand.may_have_happened = False
                errand.tries = errand.attempts = 0
                errand.phase, errand.location = Phase.TAKEN_ON, location
                errand.due = Instant(now + again_ns)
                self.leases.renew(errand, now)
            case NotNow(again_ns=again_ns):
                errand.may_have_happened = False  # it would know the key
                again = Instant(now + max(MINUTE, again_ns or backoff_ns(errand.attempts)))
                self._again(errand, came, Rung.TOLERATE, again, now)
                self._not_now(errand, now)
            case NotLikeThis():
                self._declined(errand, came, now)
            case NoAnswer() | WrongAnswer():
                self._unanswered(errand, came, now)
            case NotPermitted(reasons=reasons):
                errand.attempts -= 1  # it was none
                self.log.tell(now, *withheld(errand, reasons, now))
                self.leases.renew(errand, now)

    def _done(self, errand: Errand, result: dict[str, object], now: Instant) -> None:
        candidate = errand.candidate
        assert candidate is not None, "it was called"
        fact = CallAnswered(
            **names_of(errand), begun_at=errand.begun_at, given=told_of(errand), result=result
        )
        self.log.tell(now, fact, *self.leases.ending(errand, LeaseEnd.DONE))
        self.leases.release((errand,), now)
        self._learn(fact)
        errand.result, errand.phase = result, Phase.DONE
        self._judge(errand, now)

    def _judge(self, errand: Errand, now: Instant) -> None:
        """Let the story say whether the process of an errand that is done may go on."""
        verdict = self._story.answered(errand, now)
        match verdict:
            case Complete(variables=variables):
                self.finish(errand, {**errand.result, **variables})
            case Hold():
                errand.phase = Phase.HELD

    # -- when it does not go well -------------------------------------------------------------

    def _again(
        self, errand: Errand, came: NotNow | NoAnswer | WrongAnswer, rung: str, at: Instant,
        now: Instant,
    ) -> None:  # fmt: skip
        if errand.attempts >= ATTEMPTS_MAX:
            self._give_up(errand, came.reason, now)
            return
        errand.due = at
        kind = type(came).__struct_config__.tag
        self.log.tell(
            now,
            CallTroubled(
                **names_of(errand), trouble=str(kind), reason=came.reason, rung=rung, again_at=at
            ),
        )
        self._story.troubled(errand, came, now)

    def _not_now(self, errand: Errand, now: Instant) -> None:
        """Let go of who has not taken it on: who does it is decided when it is tried again."""
        if errand.phase is not Phase.NEW or errand.task.key not in self.errands:
            self.leases.renew(errand, now)
            return
        self.leases.end((errand,), LeaseEnd.NOT_NOW, now)
        errand.candidate = None

    def _declined(self, errand: Errand, came: NotLikeThis, now: Instant) -> None:
        """Ask another one; a work that a service has forgotten is asked for anew."""
        candidate = errand.candidate
        assert candidate is not None, "it was called"
        rebinds = errand.phase is not Phase.TAKEN_ON
        errand.may_have_happened = False
        rung = Rung.RETRY
        if rebinds:
            rung = self._ladder.failed(
                errand,
                came.reason,
                now,
                again=f"it says that it cannot: {came.reason}",
                rebind=lambda: self.choosing.against_others(errand, now),
            )
        fact = CallTroubled(
            **names_of(errand), trouble="not like this", reason=came.reason, rung=rung, again_at=now
        )
        gone = self.leases.ending(errand, LeaseEnd.DECLINED) if rebinds else ()
        self.log.tell(now, fact, *gone)
        errand.due = now
        if rebinds:
            self.leases.release((errand,), now)
            errand.excluded.add(str(candidate.service.id))
            errand.candidate = None
        errand.phase = Phase.NEW
        if errand.attempts >= ATTEMPTS_MAX:
            self._give_up(errand, came.reason, now)

    def _unanswered(self, errand: Errand, came: NoAnswer | WrongAnswer, now: Instant) -> None:
        """Ask again, of a new process where the old one died; then ask another service.

        Where the first one may have done it without saying so, another one would do it twice: then
        the first is asked on, under the same key, until a person has to look, except where that
        does no harm. A lease tells how long it is asked; without one that is counted.
        """
        candidate = errand.candidate
        assert candidate is not None, "it was called"
        errand.tries += 1
        service = str(candidate.service.id)
        if isinstance(came, NoAnswer):
            self.revive(service, now)
        unsure = not isinstance(came, NoAnswer) or came.reached
        errand.may_have_happened = errand.may_have_happened or unsure
        lost = self.leases.is_over(errand, now)
        rung = self._ladder.failed(
            errand,
            came.reason,
            now,
            again=f"silent for longer than its lease: {came.reason}" if lost else "",
            rebind=lambda: self.choosing.against_others(errand, now),
        )
        rebinds = rung is not Rung.RETRY and not stays(errand)
        again = backoff_ns(errand.tries) if not rebinds else 0 if lost else MINUTE
        at = Instant(now + again)
        if errand.lease is not None and not lost:
            at = min(at, errand.lease.until)
        self._again(errand, came, rung, at, now)
        if errand.task.key not in self.errands:
            return
        if rebinds:
            self.leases.lose(errand, LeaseEnd.TAKEN_OVER, now)
            errand.candidate, errand.tries, errand.phase = None, 0, Phase.NEW
            errand.may_have_happened = False
        elif lost:
            self.leases.lose(errand, LeaseEnd.SILENT, now)

    def revive(self, service: str, now: Instant) -> None:
        """Start a new process of a service whose old one has died, where that is ours to do."""
        if self._fleet is not None and self._fleet.revive(service):
            self.log.tell(now, ServiceRestarted(service=service))

    def _give_up(self, errand: Errand, reason: str, now: Instant) -> None:
        """Let a person look: the instance waits at an incident."""
        self.log.tell(
            now, CallTroubled(**names_of(errand), trouble="given up", reason=reason, rung="ask")
        )
        job = errand.task
        self._submit(
            FailJob(job=job.key, retries=0, message=reason[:500], epoch=job.epoch),
            f"{WORKER}/fail/{job.key}/{job.epoch}",
        )
        self.drop((job.key,), LeaseEnd.GIVEN_UP)

    # -- back to the process ------------------------------------------------------------------

    def finish(self, errand: Errand, variables: dict[str, object]) -> None:
        """Let the process of an errand go on."""
        job, candidate = errand.task, errand.candidate
        if candidate is not None:
            variables = {**variables, "bound_service": str(candidate.service.id)}
        self._submit(
            CompleteJob(job=job.key, variables=variables, epoch=job.epoch),
            f"{WORKER}/done/{job.key}/{job.epoch}",
        )
        self.errands.pop(job.key, None)

    def _submit(self, command: CompleteJob | FailJob, request: str) -> None:
        """Report a job; one that was cancelled meanwhile is dropped, as its work is."""
        slot = Slot[Reply]()
        try:
            self.kernel.post(command, slot.put, actor=WORKER, request=request)
            slot.take()
        except Refused:
            return

    def drop(self, jobs: Sequence[int], why: LeaseEnd = LeaseEnd.DROPPED) -> None:
        """Forget jobs that are no longer wanted, and let go of what they held."""
        gone = [errand for key in jobs if (errand := self.errands.pop(key, None)) is not None]
        self.leases.end(gone, why, self.kernel.query(AskStatus()).at)
