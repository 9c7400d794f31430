"""What a local cloud knows: tables of records, and the indexes that follow from them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, cast

from fabloop.base.codec import from_msgpack, to_msgpack
from fabloop.base.instant import Instant
from fabloop.services.cloud.changes import KINDS, Change, Drop, Put, Record, Row
from fabloop.services.cloud.offers import OfferIndex
from fabloop.services.cloud.records import (
    BlacklistEntry,
    Job,
    JobStatus,
    ServiceInstance,
    StoreRule,
    Subscription,
    Token,
)

R = TypeVar("R")

JOBS_MAX = 20_000
"""Finished orchestrations that are remembered, the newest."""
ROWS_PER_PART = 2_000
"""Records in one part of a snapshot."""

TokenPurpose = tuple[str, str, str, str, str, str, str]


class State:
    """Tables by kind of record; `apply` is the only way to change it, live and on replay.

    Attributes
    ----------
    next_number : what the next record with a number is given
    offers : where offers are found
    """

    def __init__(self) -> None:
        self._tables: dict[type, dict[str, Any]] = {kind: {} for kind in KINDS.values()}
        self.next_number = 1
        self.offers = OfferIndex()
        self._refused: dict[str, dict[str, None]] = {}
        self._subscribed: dict[tuple[str, str, str], str] = {}
        self._purposes: dict[TokenPurpose, str] = {}
        self._rules: dict[str, dict[str, None]] = {}
        self._open_jobs: dict[str, None] = {}
        self._finished: dict[str, None] = {}
        self.turns: dict[str, int] = {}

    def table(self, kind: type[R]) -> Mapping[str, R]:
        """Return the records of a kind by key, the one that changed last at the end."""
        return cast("Mapping[str, R]", self._tables[kind])

    def find(self, kind: type[R], key: str) -> R | None:
        """Return a record; None: there is none."""
        return cast("R | None", self._tables[kind].get(key))

    def is_refused(self, system: str, at: Instant) -> bool:
        """Tell whether a system is on the blacklist."""
        entries = self._refused.get(system)
        if not entries:
            return False
        table = self.table(BlacklistEntry)
        return any(table[key].holds(at) for key in entries)

    def subscription_of(self, owner: str, target: str, definition: str) -> Subscription | None:
        """Return what a system has subscribed for another one."""
        key = self._subscribed.get((owner, target, definition))
        return self.find(Subscription, key) if key is not None else None

    def token_for(self, purpose: TokenPurpose) -> Token | None:
        """Return the token that was given for a purpose."""
        key = self._purposes.get(purpose)
        return self.find(Token, key) if key is not None else None

    def rules_of(self, consumer: str) -> tuple[StoreRule, ...]:
        """Return the fixed bindings of a consumer, the lowest priority first."""
        table = self.table(StoreRule)
        rules = (table[key] for key in self._rules.get(consumer, ()))
        return tuple(sorted(rules, key=lambda each: each.priority))

    def open_jobs(self) -> tuple[Job, ...]:
        """Return the orchestrations that are not finished, oldest first."""
        table = self.table(Job)
        return tuple(table[key] for key in self._open_jobs)

    def apply(self, row: Row) -> None:
        """Make the changes of one command."""
        self.next_number = row.next_number
        for change in row.changes:
            self._change(change)

    def _change(self, change: Change) -> None:
        match change:
            case Put(record=record):
                table = self._tables[type(record)]
                old = table.pop(record.key, None)
                if old is not None:
                    self._forget(old)
                table[record.key] = record
                self._learn(record)
            case Drop(kind=kind, key=key):
                gone = self._tables[KINDS[kind]].pop(key, None)
                if gone is not None:
                    self._forget(gone)

    def _learn(self, record: Record) -> None:
        match record:
            case ServiceInstance():
                self.offers.add(record)
            case BlacklistEntry():
                self._refused.setdefault(record.system, {})[record.key] = None
            case Subscription():
                self._subscribed[_subject(record)] = record.id
            case Token():
                self._purposes[purpose_of(record)] = record.reference
            case StoreRule():
                self._rules.setdefault(record.consumer, {})[record.id] = None
            case Job():
                self._learn_job(record)
            case _:
                pass

    def _learn_job(self, job: Job) -> None:
        if job.status in (JobStatus.PENDING, JobStatus.IN_PROGRESS):
            self._open_jobs[job.id] = None
            return
        self._finished[job.id] = None
        self.turns[job.definition] = self.turns.get(job.definition, 0) + 1
        if len(self._finished) > JOBS_MAX:
            oldest = next(iter(self._finished))
            del self._finished[oldest]
            del self._tables[Job][oldest]

    def _forget(self, record: Record) -> None:
        match record:
            case ServiceInstance():
                self.offers.remove(record)
            case BlacklistEntry():
                self._refused[record.system].pop(record.key, None)
            case Subscription():
                self._subscribed.pop(_subject(record), None)
            case Token():
                self._purposes.pop(purpose_of(record), None)
            case StoreRule():
                self._rules[record.consumer].pop(record.id, None)
            case Job():
                self._open_jobs.pop(record.id, None)
                self._finished.pop(record.id, None)
            case _:
                pass

    def parts(self) -> Iterator[bytes]:
        """Yield a snapshot of what is now: the next number and the turns, then all records.

        Records are taken when this is called, and encoded when they are asked for.
        """
        records = [record for table in self._tables.values() for record in table.values()]
        return _encoded(to_msgpack((self.next_number, self.turns)), records)

    @classmethod
    def of_parts(cls, parts: Iterable[bytes]) -> "State":
        """Return what a snapshot tells; raises msgspec.DecodeError where it is none of ours."""
        state = cls()
        first = True
        turns: dict[str, int] = {}
        for part in parts:
            if first:
                state.next_number, turns = from_msgpack(part, tuple[int, dict[str, int]])
                first = False
                continue
            for change in from_msgpack(part, list[Put]):
                state._change(change)
        state.turns = turns
        return state


def _encoded(head: bytes, records: list[Any]) -> Iterator[bytes]:
    yield head
    for start in range(0, len(records), ROWS_PER_PART):
        yield to_msgpack([Put(each) for each in records[start : start + ROWS_PER_PART]])


def purpose_of(token: Token) -> TokenPurpose:
    """Return what a token is for; a newer one for the same takes its place."""
    return (
        token.cloud,
        token.consumer,
        token.provider,
        token.target_type.value,
        token.target,
        token.scope,
        token.variant.value,
    )


def _subject(subscription: Subscription) -> tuple[str, str, str]:
    return (subscription.owner, subscription.target, subscription.form.definition)
