"""What a cloud does by itself as time passes: what has expired goes."""

from collections.abc import Iterator

import msgspec

from fabloop.base.instant import DAY, Instant
from fabloop.services.cloud.changes import Drop, drop_of, number_of
from fabloop.services.cloud.command import Decided, Moment
from fabloop.services.cloud.records import (
    Job,
    JobStatus,
    Lock,
    ServiceInstance,
    Session,
    Subscription,
    Token,
    TokenKind,
)
from fabloop.services.cloud.state import State

JOB_LIFE_NS = 7 * DAY
"""How long a finished orchestration is remembered."""


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """Remove what has expired; the reply is how much there was."""

    def decide(self, state: State, moment: Moment) -> Decided[int]:
        """Nothing that still holds is touched."""
        gone = tuple(_expired(state, moment.at))
        return Decided(len(gone), gone)


def _expired(state: State, at: Instant) -> Iterator[Drop]:
    for offer in state.table(ServiceInstance).values():
        if not offer.alive(at):
            yield drop_of(offer)
            if state.find(Lock, offer.id) is not None:
                yield Drop(number_of(Lock), offer.id)
    yield from (drop_of(each) for each in state.table(Lock).values() if not each.holds(at))
    yield from (drop_of(each) for each in state.table(Subscription).values() if not each.holds(at))
    yield from (drop_of(x) for x in state.table(Session).values() if x.expires_at <= at)
    yield from (drop_of(x) for x in state.table(Token).values() if _is_spent(x, at))
    yield from (drop_of(x) for x in state.table(Job).values() if _is_old(x, at))


def _is_spent(token: Token, at: Instant) -> bool:
    if token.kind is TokenKind.USAGE_LIMITED_TOKEN:
        return (token.usage_left or 0) <= 0
    return token.expires_at is not None and token.expires_at <= at


def _is_old(job: Job, at: Instant) -> bool:
    finished = job.status in (JobStatus.DONE, JobStatus.ERROR)
    return finished and job.finished_at is not None and job.finished_at + JOB_LIFE_NS <= at
