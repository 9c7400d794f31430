"""Choreographer and executors: how one step of a process is bound, begun, watched and ended.

A job of the engine that is held by the choreographer is an *attempt*. It goes through the messages
of a workflow execution in a local cloud::

    WANTED    configure: an offer is asked for and held, the event is subscribed to
    BOUND     pushOrchestration: the application system is told that it is bound
    READY     signalingPublish: it said that it is ready; notifyExecutor is on its way
    WORKING   the executor has the step: executeTask and reportResult are between it and the system
    ENDED     notifyChoreographer: it is done, failed, or nobody has been heard of in time

`answer` is a pure function from an attempt and what became known to the attempt that follows and
to what is to be done: whatever happens, what was held is released exactly once, and the job gets
one verdict at most.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from fabloop.base.instant import Instant

EPOCH_BITS = 16
"""Attempts at one job that a step id tells apart."""
MESSAGE_CHARACTERS_MAX = 2_000


class Executor(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=51):
    """A system that carries out steps of a service; versions as numbers of the 4.x generation."""

    number: int
    system: str
    address: str
    port: int
    base_uri: str
    definition: str
    created_at: Instant
    updated_at: Instant
    version_min: int = 1
    version_max: int = 2**31 - 1

    @property
    def key(self) -> str:
        """What it is found by."""
        return f"{self.address}:{self.port}{self.base_uri} {self.definition}"


class Phase(StrEnum):
    """How far an attempt is."""

    WANTED = "wanted"
    BOUND = "bound"
    READY = "ready"
    WORKING = "working"
    ENDED = "ended"


class Status(StrEnum):
    """What an executor says of a step, as it is written on the wire."""

    SUCCESS = "SUCCESS"
    ERROR = "ERROR"
    FATAL_ERROR = "FATAL_ERROR"
    ABORTED = "ABORTED"


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try to get a job done.

    Attributes
    ----------
    step : what everybody calls it; see `step_id`
    provider, offer : who is bound, and by which service instance; empty until BOUND
    until : when it is given up unless something is heard
    patience_ns : how long each silence may last
    avoided : providers that were tried in this attempt and could not be told or did not answer
    """

    step: int
    service: str
    until: Instant
    patience_ns: int
    phase: Phase = Phase.WANTED
    provider: str = ""
    offer: str = ""
    executor: str = ""
    avoided: tuple[str, ...] = ()


# -- what becomes known --------------------------------------------------------------------------


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The cloud holds an offer for us."""

    provider: str
    offer: str


class NothingFree(msgspec.Struct, frozen=True, kw_only=True):
    """No offer is there for us now."""

    reason: str


class Unheard(msgspec.Struct, frozen=True, kw_only=True):
    """A system or executor could not be told something."""

    who: str
    reason: str


class SaidReady(msgspec.Struct, frozen=True, kw_only=True):
    """An application system said that it is ready to be used for a step."""

    provider: str


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """An executor took a step."""

    executor: str


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """An executor told that work goes on."""


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """An executor told the end of a step; `unreachable` where it got no answer of the provider."""

    status: Status
    message: str = ""
    unreachable: bool = False


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing was heard until now."""


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """The job is no longer wanted, or somebody else has it."""


Word: TypeAlias = (
    Held | NothingFree | Unheard | SaidReady | Accepted | Progress | Reported | Silence | Withdrawn
)


# -- what is to be done --------------------------------------------------------------------------


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the cloud to hold an offer of a service, of none of these providers."""

    service: str
    avoided: tuple[str, ...]


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """Have the application system told that it is bound."""

    provider: str
    offer: str


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """Hand the step to an executor."""


class Extend(msgspec.Struct, frozen=True, kw_only=True):
    """Hold job and offer longer."""


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """Let others have the offer."""

    offer: str


class Abort(msgspec.Struct, frozen=True, kw_only=True):
    """Tell the executor to stop."""

    executor: str


class Complete(msgspec.Struct, frozen=True, kw_only=True):
    """The job is done."""

    provider: str


class Fail(msgspec.Struct, frozen=True, kw_only=True):
    """The attempt failed; `again` where another one may help.

    Attributes
    ----------
    counts : whether it uses up one of the attempts that the job has
    suspect : the provider that nothing was heard of: others come first for a while
    silent : the executor that nothing was heard of, for the same
    """

    message: str
    again: bool
    counts: bool = True
    suspect: str = ""
    silent: str = ""


Deed: TypeAlias = Hold | Push | Start | Extend | Release | Abort | Complete | Fail


def begin(
    step: int, service: str, now: Instant, patience_ns: int, avoided: Collection[str] = ()
) -> tuple[Attempt, tuple[Deed, ...]]:
    """Return a new attempt, and what is to be done first."""
    attempt = Attempt(
        step=step,
        service=service,
        until=Instant(now + patience_ns),
        patience_ns=patience_ns,
        avoided=tuple(avoided),
    )
    return attempt, (Hold(service=service, avoided=attempt.avoided),)


def answer(attempt: Attempt, word: Word, now: Instant) -> tuple[Attempt, tuple[Deed, ...]]:
    """Return the attempt after what became known, and what is to be done now.

    A word that does not fit the phase is late or doubled: nothing follows from it.
    """
    if attempt.phase is Phase.ENDED:
        # an offer that is given too late is given back
        return attempt, (Release(offer=word.offer),) if isinstance(word, Held) else ()
    match word:
        case Held() | NothingFree() | Unheard() | SaidReady():
            return _bound(attempt, word, now)
        case Accepted() | Progress() | Reported():
            return _worked(attempt, word, now)
        case Silence():
            return _silence(attempt, now)
        case Withdrawn():
            return _ended(attempt, *_aborted(attempt))
        case _:
            assert_never(word)


def _bound(
    attempt: Attempt, word: Held | NothingFree | Unheard | SaidReady, now: Instant
) -> tuple[Attempt, tuple[Deed, ...]]:
    match word:
        case Held():
            return _held(attempt, word, now)
        case NothingFree(reason=reason):
            if attempt.phase is not Phase.WANTED:
                return attempt, ()
            return _ended(attempt, Fail(message=_cut(reason), again=True, counts=False))
        case Unheard():
            return _unheard(attempt, word, now)
        case SaidReady(provider=provider):
            return _said_ready(attempt, provider, now)
        case _:
            assert_never(word)


def _worked(
    attempt: Attempt, word: Accepted | Progress | Reported, now: Instant
) -> tuple[Attempt, tuple[Deed, ...]]:
    match word:
        case Accepted(executor=executor):
            if attempt.phase is not Phase.READY:
                return attempt, ()
            return _on(attempt, now, phase=Phase.WORKING, executor=executor), (Extend(),)
        case Progress():
            if attempt.phase is not Phase.WORKING:
                return attempt, ()
            return _on(attempt, now), (Extend(),)
        case Reported():
            return _reported(attempt, word)
        case _:
            assert_never(word)


def _held(attempt: Attempt, word: Held, now: Instant) -> tuple[Attempt, tuple[Deed, ...]]:
    if attempt.phase is not Phase.WANTED:
        return attempt, (Release(offer=word.offer),) if word.offer != attempt.offer else ()
    bound = _on(attempt, now, phase=Phase.BOUND, provider=word.provider, offer=word.offer)
    return bound, (Push(provider=word.provider, offer=word.offer),)


def _said_ready(attempt: Attempt, provider: str, now: Instant) -> tuple[Attempt, tuple[Deed, ...]]:
    if attempt.phase is not Phase.BOUND or provider != attempt.provider:
        return attempt, ()
    return _on(attempt, now, phase=Phase.READY), (Start(),)


def _unheard(attempt: Attempt, word: Unheard, now: Instant) -> tuple[Attempt, tuple[Deed, ...]]:
    """Take the next provider where one cannot be told; an executor that cannot is a failure."""
    if attempt.phase is Phase.BOUND and word.who == attempt.provider:
        avoided = (*attempt.avoided, attempt.provider)
        again = _on(attempt, now, phase=Phase.WANTED, provider="", offer="", avoided=avoided)
        hold = Hold(service=attempt.service, avoided=avoided)
        return again, (Release(offer=attempt.offer), hold)
    if attempt.phase is Phase.READY:
        return _ended(attempt, Fail(message=_cut(word.reason), again=True, counts=False))
    return attempt, ()


def _reported(attempt: Attempt, word: Reported) -> tuple[Attempt, tuple[Deed, ...]]:
    """Take the end of a step; it may overtake the answer with which the executor took it."""
    if attempt.phase not in (Phase.READY, Phase.WORKING):
        return attempt, ()
    match word.status:
        case Status.SUCCESS:
            return _ended(attempt, Complete(provider=attempt.provider))
        case Status.ERROR | Status.ABORTED:
            suspect = attempt.provider if word.unreachable else ""
            fail = Fail(message=_cut(word.message), again=True, suspect=suspect)
            return _ended(attempt, fail)
        case Status.FATAL_ERROR:
            return _ended(attempt, Fail(message=_cut(word.message), again=False))
        case _:
            assert_never(word.status)


def _silence(attempt: Attempt, now: Instant) -> tuple[Attempt, tuple[Deed, ...]]:
    if now < attempt.until:
        return attempt, ()
    who = attempt.provider or "the cloud"
    seconds = attempt.patience_ns / 1e9
    text = (
        f"Expected to hear of step {attempt.step} ({attempt.service}) within {seconds:g} s, but "
        f"'{who}' was silent while it was {attempt.phase}."
    )
    fail = Fail(message=text, again=True, suspect=attempt.provider, silent=attempt.executor)
    return _ended(attempt, *_aborted(attempt), fail)


def _aborted(attempt: Attempt) -> tuple[Deed, ...]:
    return (Abort(executor=attempt.executor),) if attempt.executor else ()


def _ended(attempt: Attempt, *deeds: Deed) -> tuple[Attempt, tuple[Deed, ...]]:
    """End an attempt: what it held is released before its verdict lets others begin."""
    released = (Release(offer=attempt.offer),) if attempt.offer else ()
    return replace(attempt, phase=Phase.ENDED), (*released, *deeds)


def _on(
    attempt: Attempt,
    now: Instant,
    *,
    phase: Phase | None = None,
    provider: str | None = None,
    offer: str | None = None,
    executor: str | None = None,
    avoided: tuple[str, ...] | None = None,
) -> Attempt:
    """Return an attempt that goes on: the patience begins anew."""
    return replace(
        attempt,
        until=Instant(now + attempt.patience_ns),
        phase=attempt.phase if phase is None else phase,
        provider=attempt.provider if provider is None else provider,
        offer=attempt.offer if offer is None else offer,
        executor=attempt.executor if executor is None else executor,
        avoided=attempt.avoided if avoided is None else avoided,
    )


def _cut(text: str) -> str:
    return text[:MESSAGE_CHARACTERS_MAX]


# -- names of steps and choice of executors ------------------------------------------------------


def step_id(job: int, epoch: int) -> int:
    """Return the number under which systems know an attempt: other attempts have other numbers."""
    return job << EPOCH_BITS | (epoch & (1 << EPOCH_BITS) - 1)


def job_of(step: int) -> tuple[int, int]:
    """Return the job that an attempt is for, and the epoch of its lease (modulo `EPOCH_BITS`)."""
    return step >> EPOCH_BITS, step & (1 << EPOCH_BITS) - 1


def executor_for(
    definition: str,
    executors: Iterable[Executor],
    running: Mapping[str, int],
    suspects: Collection[str] = (),
) -> Executor | None:
    """Return who is to carry out a step: of those that can, the one with the fewest in work.

    `running` tells how many steps each has, by its key; the one that came first wins a tie.
    `suspects` are keys of those that did not answer: they are taken where there is nobody else.
    """
    able = [each for each in executors if each.definition == definition]
    if not able:
        return None
    return min(able, key=lambda each: (each.key in suspects, running.get(each.key, 0), each.number))
