"""Holding offers for one consumer, for a time or until they are released."""

from collections.abc import Sequence

import msgspec

from fabloop.base.errors import Conflict, Fault, Invalid, NotPermitted
from fabloop.base.instant import Instant
from fabloop.services.cloud.changes import Put, drop_of
from fabloop.services.cloud.command import Decided, Moment, check_room
from fabloop.services.cloud.records import Lock, ServiceInstance
from fabloop.services.cloud.state import State


class LockEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An offer that is to be held, until a time where one is told."""

    instance: str
    owner: str
    expires_at: Instant | None = None


class HoldOffers(msgspec.Struct, frozen=True, kw_only=True):
    """Locks that hold from now on; the reply is their records. All of them, or none."""

    entries: tuple[LockEntry, ...]

    def decide(self, state: State, moment: Moment) -> Decided[tuple[Lock, ...]]:
        """Raise Invalid for unknown offers and times gone by, Conflict where somebody has one."""
        check_room(state, Lock, len(self.entries))
        faults = [
            Fault(source="lock", path=f"{each.instance}.{name}", expected=expected, found=found)
            for each in self.entries
            for wrong, name, expected, found in (
                (state.find(ServiceInstance, each.instance) is None, "serviceInstanceId",
                 "a registered offer", repr(each.instance)),
                (each.expires_at is not None and each.expires_at <= moment.at, "expiresAt",
                 "a time to come", "one that has passed"),
            )
            if wrong
        ]  # fmt: skip
        if faults:
            raise Invalid(faults)
        ids = [each.instance for each in self.entries]
        if len(set(ids)) < len(ids):
            raise Conflict("Expected each offer once, but found one twice. Leave one out.")
        taken = [each for each in ids if holder(state, each, moment.at) is not None]
        if taken:
            raise Conflict(
                f"Expected offers that nobody holds, but {', '.join(map(repr, taken))} "
                "are held. Wait until they are released."
            )
        made = tuple(
            Lock(
                instance=each.instance,
                number=moment.number(),
                owner=each.owner,
                expires_at=each.expires_at,
            )
            for each in self.entries
        )
        return Decided(made, tuple(Put(each) for each in made))


class ReleaseOffers(msgspec.Struct, frozen=True, kw_only=True):
    """Locks of an owner that hold no more, as at the end of a step; the reply is how many.

    Without `instances` all of the owner are released, or all that the orchestration `job` gave.
    """

    owner: str
    instances: tuple[str, ...] = ()
    job: str = ""

    def decide(self, state: State, moment: Moment) -> Decided[int]:  # noqa: ARG002  # as all do
        """Raise NotPermitted for an offer that somebody else holds."""
        locks = state.table(Lock)
        if self.instances:
            found = [locks[each] for each in self.instances if each in locks]
            others = [each.instance for each in found if each.owner != self.owner]
            if others:
                raise NotPermitted(
                    f"Expected offers held by '{self.owner}', but {', '.join(map(repr, others))} "
                    "are held by others. Only who holds an offer releases it."
                )
        else:
            found = [
                each
                for each in locks.values()
                if each.owner == self.owner and self.job in ("", each.job)
            ]
        return Decided(len(found), tuple(drop_of(each) for each in found))


class ExtendLock(msgspec.Struct, frozen=True, kw_only=True):
    """A lock that its owner keeps longer; the reply is its record."""

    instance: str
    owner: str
    expires_at: Instant

    def decide(self, state: State, moment: Moment) -> Decided[Lock]:
        """Raise Conflict where it has expired meanwhile or somebody else has it."""
        lock = holder(state, self.instance, moment.at)
        if lock is None or lock.owner != self.owner:
            raise Conflict(
                f"Expected '{self.owner}' to hold '{self.instance}', but "
                f"{'nobody does' if lock is None else repr(lock.owner)}. Ask for an offer anew."
            )
        longer = msgspec.structs.replace(lock, expires_at=self.expires_at)
        return Decided(longer, (Put(longer),))


def holder(state: State, instance: str, at: Instant) -> Lock | None:
    """Return the lock that holds an offer; None: it is free."""
    lock = state.find(Lock, instance)
    return lock if lock is not None and lock.holds(at) else None


def held(
    state: State,
    at: Instant,
    *,
    owners: Sequence[str] = (),
    instances: Sequence[str] = (),
    jobs: Sequence[str] = (),
    numbers: Sequence[int] = (),
    before: Instant | None = None,
    after: Instant | None = None,
) -> tuple[Lock, ...]:
    """Return the locks that hold, by what is asked; a lock without end is not before anything."""
    return tuple(
        each
        for each in state.table(Lock).values()
        if each.holds(at)
        and (not owners or each.owner in owners)
        and (not instances or each.instance in instances)
        and (not jobs or each.job in jobs)
        and (not numbers or each.number in numbers)
        and (before is None or (each.expires_at is not None and each.expires_at < before))
        and (after is None or each.expires_at is None or each.expires_at > after)
    )
