"""Attempts in progress: each word goes to its attempt, each deed is done aside, silence counts."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec

from fabloop.app.choreography.ports import Bound
from fabloop.base.errors import FabloopError
from fabloop.base.instant import SECOND, Clock, Instant
from fabloop.process.commands import ActiveJob
from fabloop.services.cloud.choreography import (
    Attempt,
    Deed,
    Executor,
    Held,
    Phase,
    Silence,
    Word,
    answer,
)

WORKERS = 16
LOOK_S = 1.0


class StepTask(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan says of a job: the production step it belongs to, and what that needs."""

    step_name: str
    parameters: dict[str, str] = {}
    quantity: int = 1


class Case(msgspec.Struct, eq=False):
    """An attempt with what it is about; changed by its own thread of deeds only.

    Attributes
    ----------
    held_until : when the cloud lets others have the offer
    """

    attempt: Attempt
    job: ActiveJob
    task: StepTask
    bound: Bound | None = None
    executor: Executor | None = None
    held_until: Instant = Instant(0)


Do = Callable[[Case, Deed], None]


class Attempts:
    """Lets attempts answer to words, one after the other, and has their deeds done.

    Deeds of one attempt are done in their order, those of several at once.

    Parameters
    ----------
    do : does a deed; what follows from it comes back as a word by `say`
    release : lets others have an offer that came when its attempt had ended
    """

    def __init__(
        self,
        clock: Clock,
        do: Do,
        release: Callable[[str], None],
        trouble: Callable[[FabloopError], None],
    ) -> None:
        self._clock = clock
        self._do = do
        self._release = release
        self._trouble = trouble
        self._words: queue.Queue[tuple[int, Word] | None] = queue.Queue()
        self._cases: dict[int, Case] = {}
        self._lock = threading.Lock()
        self._chains: dict[int, list[Deed]] = {}
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="deeds")
        self._thread = threading.Thread(target=self._run, name="attempts", daemon=True)
        self._thread.start()

    def add(self, case: Case, deeds: tuple[Deed, ...]) -> None:
        """Take a new attempt and do what is to be done first."""
        with self._lock:
            self._cases[case.attempt.step] = case
        self._have_done(case, deeds)

    def say(self, step: int, word: Word) -> None:
        """Tell an attempt something; one that is not there counts for nothing."""
        self._words.put((step, word))

    def find(self, step: int) -> Case | None:
        """Return an attempt in progress."""
        with self._lock:
            return self._cases.get(step)

    def cases(self) -> list[Case]:
        """Return all in progress."""
        with self._lock:
            return list(self._cases.values())

    def close(self) -> None:
        """Hear no more words; deeds that were begun are finished."""
        self._words.put(None)
        self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while True:
            try:
                found = self._words.get(timeout=self._wait_s())
            except queue.Empty:
                self._look_for_silence()
                continue
            if found is None:
                return
            self._answer(*found)
            self._look_for_silence()

    def _wait_s(self) -> float:
        soonest = min((each.attempt.until for each in self.cases()), default=None)
        if soonest is None:
            return LOOK_S
        return min(LOOK_S, max(0.0, (soonest - self._clock.now()) / SECOND))

    def _look_for_silence(self) -> None:
        now = self._clock.now()
        for each in self.cases():
            if each.attempt.until <= now:
                self._answer(each.attempt.step, Silence())

    def _answer(self, step: int, word: Word) -> None:
        case = self.find(step)
        if case is None:
            if isinstance(word, Held):  # given when nobody waited for it any more
                self._pool.submit(self._give_back, word.offer)
            return
        case.attempt, deeds = answer(case.attempt, word, self._clock.now())
        self._have_done(case, deeds)

    def _give_back(self, offer: str) -> None:
        try:
            self._release(offer)
        except FabloopError as error:
            self._trouble(error)

    def _have_done(self, case: Case, deeds: tuple[Deed, ...]) -> None:
        """Append deeds to what is being done for an attempt; begin where nothing is."""
        step = case.attempt.step
        with self._lock:
            chain = self._chains.get(step)
            if chain is not None:
                chain += deeds
                return
            self._chains[step] = list(deeds)
        self._pool.submit(self._do_all, case)

    def _do_all(self, case: Case) -> None:
        step = case.attempt.step
        while True:
            with self._lock:
                chain = self._chains[step]
                if not chain:
                    del self._chains[step]
                    if case.attempt.phase is Phase.ENDED:
                        self._cases.pop(step, None)
                    return
                deed = chain.pop(0)
            try:
                self._do(case, deed)
            except FabloopError as error:
                self._trouble(error)
            except Exception as error:  # noqa: BLE001  # one attempt must not end the others
                self._trouble(FabloopError(f"Expected {deed} to be done, but {error!r}."))
