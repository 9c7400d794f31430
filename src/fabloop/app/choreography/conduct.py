"""Jobs of the process kernel, carried out in a local cloud.

Each job is held by the choreographer while an application system does it: an offer is bound late
and held, the system is told and says that it is ready, an executor gets the step. Where nobody is
heard of in time, the offer is released and the job is tried again with another system. The
kernel's journal alone decides what is done: a result that comes late or twice is refused by the
epoch of the job.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable

import msgspec

from fabloop.adapters.arrowhead.four import steps
from fabloop.app.choreography.ports import (
    Bindings,
    Hands,
    Listener,
    Message,
)
from fabloop.app.choreography.running import Attempts, Case, StepTask
from fabloop.app.processes.polls import Poll
from fabloop.app.processes.service import Service
from fabloop.base.errors import FabloopError
from fabloop.base.instant import SECOND, Clock, Instant
from fabloop.process.commands import ActiveJob, CompleteJob, ExtendLease, FailJob
from fabloop.services.cloud.choreography import (
    Abort,
    Accepted,
    Complete,
    Deed,
    Executor,
    Extend,
    Fail,
    Held,
    Hold,
    NothingFree,
    Push,
    Release,
    SaidReady,
    Start,
    Unheard,
    Withdrawn,
    Word,
    begin,
    executor_for,
    job_of,
    step_id,
)
from fabloop.services.cloud.names import camel_name

NAME = "Choreographer"
ORCHESTRATION = "Orchestration"
PATIENCE_S = 30.0
"""How long nobody may be heard of before a step is given to somebody else."""
HOLD_S = 600
"""How long an offer is held at once; it is prolonged while its step goes on."""
SUSPICION_S = 60.0
"""How long others come first after a system was silent or could not be told."""
AGAIN_S = 1.0
"""Pause before a step is tried again when nothing is free, or something failed."""
ATTEMPTS_MAX = 256
"""Steps in progress at once."""
POLL_S = 0.25
TROUBLES_MAX = 100
_LEASES_PER_PATIENCE = 2
_IDEMPOTENCY = "idempotencyKey"


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long what may take; see the limits of the same names."""

    patience_s: float = PATIENCE_S
    hold_s: int = HOLD_S
    suspicion_s: float = SUSPICION_S
    again_s: float = AGAIN_S


class Conductor:
    """Takes the jobs of some services from a kernel and has them done.

    Parameters
    ----------
    executors : those that there are now
    task_of : what the plan says of a job; executors of its production step come first
    listener : is told each message of the execution

    Attributes
    ----------
    troubles : the last errors that nobody was told
    """

    def __init__(
        self,
        kernel: Service,
        bindings: Bindings,
        hands: Hands,
        clock: Clock,
        *,
        executors: Callable[[], list[Executor]],
        task_of: Callable[[ActiveJob], StepTask],
        listener: Listener,
        patience: Patience | None = None,
    ) -> None:
        self._kernel = kernel
        self._bindings = bindings
        self._hands = hands
        self._clock = clock
        self._executors = executors
        self._task_of = task_of
        self._listener = listener
        self._limits = patience or Patience()
        self._types: frozenset[str] = frozenset()
        self._suspects: dict[str, Instant] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.troubles: deque[FabloopError] = deque(maxlen=TROUBLES_MAX)
        self._attempts = Attempts(clock, self._do, bindings.release, self.troubles.append)
        self._thread = threading.Thread(target=self._fetch, name="conductor", daemon=True)
        self._thread.start()

    def serve(self, types: frozenset[str]) -> None:
        """Take jobs of these types too from now on."""
        with self._lock:
            self._types |= types

    def say(self, step: int, word: Word) -> bool:
        """Tell an attempt something; False: there is none of that number in progress."""
        if self._attempts.find(step) is None:
            return False
        self._attempts.say(step, word)
        return True

    def ready(self, provider: str) -> None:
        """Hear that an application system is ready: whatever waits for it goes on."""
        for each in self._attempts.cases():
            if each.attempt.provider == provider:
                self._attempts.say(each.attempt.step, SaidReady(provider=provider))

    def withdraw(self, job: int) -> None:
        """Give up what is in progress for a job that is not wanted any more."""
        for each in self._attempts.cases():
            if each.job.key == job:
                self._attempts.say(each.attempt.step, Withdrawn())

    def find(self, step: int) -> Case | None:
        """Return an attempt in progress."""
        return self._attempts.find(step)

    def late(self, step: int, *, done: bool, message: str) -> None:
        """Hear of the end of a step that nobody here began, as after a restart.

        Raises
        ------
        Conflict, NotFound
            The job is done, or somebody else has it since.
        """
        job, epoch = job_of(step)
        if done:
            self._kernel.submit(CompleteJob(job=job, epoch=epoch), actor=NAME)
            return
        again_ns = int(self._limits.again_s * SECOND)
        fail = FailJob(job=job, epoch=epoch, retries=1, backoff_ns=again_ns, message=message)
        self._kernel.submit(fail, actor=NAME)

    def close(self) -> None:
        """Take no more jobs; those in progress come back when their leases end."""
        self._closing.set()
        self._thread.join()
        self._attempts.close()

    # -- jobs -------------------------------------------------------------------------------

    def _fetch(self) -> None:
        """Take jobs while there is room; runs in its own thread until closed."""
        lease_ns = int(_LEASES_PER_PATIENCE * self._limits.patience_s * SECOND)
        orphans = self._orphans()
        until = self._clock.now() + lease_ns
        while not self._closing.is_set():
            if orphans and self._clock.now() >= until:
                self._release(orphans)
                orphans = frozenset()
            with self._lock:
                types = tuple(sorted(self._types))
            room = ATTEMPTS_MAX - len(self._attempts.cases())
            if not types or room <= 0:
                self._closing.wait(POLL_S / 10)
                continue
            poll = Poll(types=types, worker=NAME, limit=room, lease_ns=lease_ns)
            try:
                jobs = self._kernel.poll(poll, POLL_S)
            except FabloopError as error:
                self.troubles.append(error)
                self._closing.wait(POLL_S)
                continue
            for job in jobs:
                self._begin(job)

    def _orphans(self) -> frozenset[str]:
        """Return what was held before we began: whoever works with it may still report."""
        try:
            return self._bindings.held()
        except FabloopError as error:
            self.troubles.append(error)
            return frozenset()

    def _release(self, orphans: frozenset[str]) -> None:
        """Release what nobody works with any more: the leases of all jobs from before ended."""
        ours = {each.bound.offer for each in self._attempts.cases() if each.bound is not None}
        for offer in sorted(orphans - ours):
            try:
                self._bindings.release(offer)
            except FabloopError as error:
                self.troubles.append(error)

    def _begin(self, job: ActiveJob) -> None:
        step = step_id(job.key, job.epoch)
        service = camel_name(job.type)
        patience_ns = int(self._limits.patience_s * SECOND)
        attempt, deeds = begin(step, service, self._clock.now(), patience_ns)
        case = Case(attempt=attempt, job=job, task=self._task_of(job))
        self._attempts.add(case, deeds)

    # -- deeds ------------------------------------------------------------------------------

    def _do(self, case: Case, deed: Deed) -> None:
        step = case.attempt.step
        match deed:
            case Hold():
                self._attempts.say(step, self._hold(case, deed))
            case Push():
                word = self._push(case, deed)
                if word is not None:
                    self._attempts.say(step, word)
            case Start():
                self._attempts.say(step, self._start(case))
            case Extend():
                self._extend(case)
            case Release(offer=offer):
                self._bindings.release(offer)
                self._tell("release", NAME, ORCHESTRATION, step, offer)
            case Abort():
                self._abort(case)
            case Complete():
                self._complete(case)
            case Fail():
                self._fail(case, deed)

    def _hold(self, case: Case, deed: Hold) -> Held | NothingFree:
        """Configure: ask the cloud for an offer."""
        case.executor = self._chosen(case)
        if case.executor is None:
            return NothingFree(
                reason=f"Expected an executor of '{camel_name(case.task.step_name)}' or "
                f"'{deed.service}', but none is registered. Start one."
            )
        self._tell("configure", NAME, ORCHESTRATION, case.attempt.step, deed.service)
        suspects = self._suspected()
        try:
            avoided_too = self._avoided(deed, suspects)
            bound = self._bindings.hold(deed.service, avoided_too, self._limits.hold_s)
        except FabloopError as error:
            return NothingFree(reason=str(error))
        if bound is None:
            avoided = f" but of {', '.join(avoided_too)}" if avoided_too else ""
            return NothingFree(
                reason=f"Expected an offer of '{deed.service}'{avoided} that is free for us, but "
                "found none. Register one, grant access to it, or wait."
            )
        case.bound = bound
        case.held_until = Instant(self._clock.now() + self._limits.hold_s * SECOND)
        return Held(provider=bound.provider, offer=bound.offer)

    def _avoided(self, deed: Hold, suspects: tuple[str, ...]) -> tuple[str, ...]:
        """Return whom to pass over; suspects only where there is anybody else."""
        if not suspects:
            return deed.avoided
        known = self._bindings.providers(deed.service)
        others = known.difference(suspects, deed.avoided)
        mine = tuple(sorted(known.intersection(suspects)))
        return (*deed.avoided, *mine) if others else deed.avoided

    def _push(self, case: Case, deed: Push) -> Word | None:
        """Have the application system told which executor it works for."""
        assert case.bound is not None, "what is pushed was bound before"
        assert case.executor is not None, "nothing is held that nobody carries out"
        self._tell(
            "pushOrchestration", ORCHESTRATION, deed.provider, case.attempt.step,
            case.executor.system,
        )  # fmt: skip
        try:
            told = self._bindings.push(case.bound, case.executor.system)
        except FabloopError as error:
            self._suspect(deed.provider)
            self._tell("unheard", deed.provider, NAME, case.attempt.step, str(error))
            return Unheard(who=deed.provider, reason=str(error))
        return None if told else SaidReady(provider=deed.provider)

    def _chosen(self, case: Case) -> Executor | None:
        """Return the executor of the production step, or else of the service."""
        running = Counter(
            each.executor.key for each in self._attempts.cases() if each.executor is not None
        )
        known, suspects = self._executors(), self._suspected()
        for name in (camel_name(case.task.step_name), case.attempt.service):
            found = executor_for(name, known, running, suspects)
            if found is not None:
                return found
        return None

    def _start(self, case: Case) -> Accepted | Unheard:
        """Hand the step over."""
        executor, bound, job = case.executor, case.bound, case.job
        assert executor is not None, "an executor was chosen before"
        assert bound is not None, "an offer was bound before"
        wish = steps.ExecuteRequest(
            session_id=job.instance,
            session_step_id=case.attempt.step,
            main_orchestration_result=bound.result,
            quantity=case.task.quantity,
            static_parameters={**_parameters(case), _IDEMPOTENCY: f"job-{job.key}"},
        )
        self._tell("notifyExecutor", NAME, executor.system, case.attempt.step, bound.provider)
        try:
            self._hands.start(executor, wish)
        except FabloopError as error:
            self._suspect(executor.key)
            self._tell("unheard", executor.system, NAME, case.attempt.step, str(error))
            return Unheard(who=executor.system, reason=str(error))
        return Accepted(executor=executor.system)

    def _extend(self, case: Case) -> None:
        """Keep the job, and the offer where its time runs out."""
        now = self._clock.now()
        lease_ns = int(_LEASES_PER_PATIENCE * self._limits.patience_s * SECOND)
        extend = ExtendLease(job=case.job.key, epoch=case.job.epoch, lease_ns=lease_ns)
        self._kernel.submit(extend, actor=NAME)
        half_ns = self._limits.hold_s * SECOND // 2
        if case.bound is not None and case.held_until - now < half_ns:
            self._keep(case, case.bound.offer, now)

    def _keep(self, case: Case, offer: str, now: Instant) -> None:
        """Hold an offer longer; where it was lost the step goes on, and everybody can see it."""
        try:
            self._bindings.keep(offer, self._limits.hold_s)
        except FabloopError as error:
            self._tell("lost", ORCHESTRATION, NAME, case.attempt.step, str(error))
        else:
            case.held_until = Instant(now + self._limits.hold_s * SECOND)

    def _abort(self, case: Case) -> None:
        if case.executor is None:
            return
        wish = steps.AbortRequest(session_id=case.job.instance, session_step_id=case.attempt.step)
        self._tell("abort", NAME, case.executor.system, case.attempt.step)
        self._hands.abort(case.executor, wish)

    def _complete(self, case: Case) -> None:
        job = case.job
        self._kernel.submit(CompleteJob(job=job.key, epoch=job.epoch), actor=NAME)
        self._tell("stepDone", NAME, NAME, case.attempt.step, case.attempt.provider)

    def _fail(self, case: Case, deed: Fail) -> None:
        """Offer the job again: at once to others where somebody was silent, else after a pause."""
        if deed.suspect:
            self._suspect(deed.suspect)
        if deed.silent and case.executor is not None:
            self._suspect(case.executor.key)
        job = case.job
        retries = job.retries - 1 if deed.counts else job.retries
        retries = max(0, retries) if deed.again else 0
        pause_s = 0.0 if deed.suspect else self._limits.again_s
        fail = FailJob(
            job=job.key, epoch=job.epoch, retries=retries,
            backoff_ns=int(pause_s * SECOND), message=deed.message,
        )  # fmt: skip
        self._tell("stepFailed", NAME, NAME, case.attempt.step, deed.message)
        self._kernel.submit(fail, actor=NAME)

    # -- suspicion and messages ---------------------------------------------------------------

    def _suspect(self, who: str) -> None:
        until = Instant(self._clock.now() + int(self._limits.suspicion_s * SECOND))
        with self._lock:
            self._suspects[who] = until

    def _suspected(self) -> tuple[str, ...]:
        """Return systems and executors (by key) that others come before."""
        now = self._clock.now()
        with self._lock:
            self._suspects = {who: until for who, until in self._suspects.items() if until > now}
            return tuple(self._suspects)

    def _tell(self, name: str, sender: str, receiver: str, step: int, text: str = "") -> None:
        at = self._clock.now()
        self._listener(
            Message(at=at, name=name, sender=sender, receiver=receiver, step=step, text=text)
        )


def _parameters(case: Case) -> dict[str, str]:
    order = case.job.variables.get("order", case.job.business_key)
    return {**case.job.headers, **case.task.parameters, "order": str(order)}
