"""The jobs of a served work unit: begun once, and answered as often as they are asked for."""

from fabloop.base.errors import Refused
from fabloop.base.instant import Clock, Instant
from fabloop.run.actor import Actor, JobDone, JobOrder, JobResponse

UNFETCHED_MAX = 10_000
"""Answers that wait for whoever gave the jobs; beyond, new jobs are refused."""
ANSWERED_MAX = 100_000
"""Jobs that are remembered as done; of older ones the actor has to know that they are."""


class JobDesk:
    """Takes jobs from a wire, hands them to an actor, and keeps its answers for the wire.

    A job that was done is never started again: who lost the answer gives the job again and gets
    the same answer. One that was answered as not done may be tried again.
    """

    def __init__(self, actor: Actor, clock: Clock) -> None:
        self._actor = actor
        self._clock = clock
        self._running: set[int] = set()
        self._unfetched: dict[int, JobResponse] = {}
        self._done: dict[int, JobDone] = {}
        self._count = 0

    @property
    def running(self) -> int:
        """How many jobs have begun and are not answered."""
        return len(self._running)

    def begin(self, order: JobOrder) -> bool:
        """Start a job; False where one of that number is known: it is not started again.

        Raises
        ------
        Refused
            Nobody fetches answers.
        """
        if len(self._unfetched) >= UNFETCHED_MAX:
            raise Refused(
                f"Expected at most {UNFETCHED_MAX} answers that nobody fetched. Fetch them first."
            )
        self.collect()
        if order.job in self._running or order.job in self._waiting():
            return False
        if order.job in self._done:
            self._answer(self._done[order.job])
            return False
        self._running.add(order.job)
        self._actor.begin(order)
        return True

    def knows(self, job: int) -> bool:
        """Tell whether a job of that number would not be started again."""
        self.collect()
        return job in self._running or job in self._done or job in self._waiting()

    def next_response_at(self) -> Instant | None:
        """Return when the actor has something to say."""
        return self._actor.next_response_at()

    def responses(self, after: int) -> list[tuple[int, JobResponse]]:
        """Return the answers numbered above `after`; those up to it were fetched and are dropped.

        A number above all that were given is one of an earlier life of this desk: nothing was
        fetched yet.
        """
        self.collect()
        if after <= self._count:
            for number in [each for each in self._unfetched if each <= after]:
                del self._unfetched[number]
        return sorted(self._unfetched.items())

    def collect(self) -> None:
        """Take over what the actor has answered by now."""
        for each in self._actor.responses(self._clock.now()):
            self._running.discard(each.job)
            if isinstance(each, JobDone):
                self._done[each.job] = each
                if len(self._done) > ANSWERED_MAX:
                    del self._done[next(iter(self._done))]
            self._answer(each)

    def _waiting(self) -> set[int]:
        return {each.job for each in self._unfetched.values()}

    def _answer(self, response: JobResponse) -> None:
        self._count += 1
        self._unfetched[self._count] = response
