"""Pushed orchestrations: results go to those who subscribed, when somebody triggers them.

A push is journalled before it is delivered, so that none is lost; it may come twice.
"""

from collections.abc import Iterator

import msgspec

from fabloop.base.errors import Fault, Invalid, NotFound, NotPermitted
from fabloop.base.instant import SECOND, Instant
from fabloop.services.cloud.changes import Change, Put, drop_of
from fabloop.services.cloud.command import Decided, Moment, check_room
from fabloop.services.cloud.interfaces import METHODS, PORT_MAX
from fabloop.services.cloud.orchestrate import Bound, Rules, orchestrate
from fabloop.services.cloud.records import Form, Job, JobStatus, JobType, Lock, Subscription
from fabloop.services.cloud.state import State

PUSH_ATTEMPTS_MAX = 5
"""How often a push is delivered before it is given up."""
PUSH_RETRY_S = (1, 2, 4, 8)
"""How long to wait after each delivery that failed."""
SUBSCRIPTION_LIFE_S_MAX = 10 * 365 * 86_400
_HTTP, _MQTT = ("HTTP", "HTTPS"), ("MQTT", "MQTTS")
LOCAL_PUSH = "LOCAL"
"""Protocol of results for a system in the process of the cloud, which fetches them itself."""


class SubscriptionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription as it is asked for; without `target` the owner gets the results."""

    form: Form
    protocol: str
    properties: dict[str, str]
    target: str = ""
    duration_s: int | None = None


class Subscribe(msgspec.Struct, frozen=True, kw_only=True):
    """Subscriptions that hold from now on, in place of those of the same owner for the same.

    The reply tells their records and which are new. With `trigger` the first push follows.
    Only who is in the process of the cloud may have results kept `here`.
    """

    entries: tuple[SubscriptionEntry, ...]
    owner: str
    trigger: bool = False
    here: bool = False

    def decide(
        self, state: State, moment: Moment
    ) -> Decided[tuple[tuple[Subscription, bool], ...]]:
        """Raise Invalid with all that is wrong with where to deliver."""
        check_room(state, Subscription, len(self.entries))
        away = [each for each in self.entries if not (self.here and each.protocol == LOCAL_PUSH)]
        faults = [fault for each in away for fault in notify_faults(each)]
        if faults:
            raise Invalid(faults)
        changes: list[Change] = []
        made: list[tuple[Subscription, bool]] = []
        for each in self.entries:
            target = each.target or self.owner
            former = state.subscription_of(self.owner, target, each.form.definition)
            if former is not None:
                changes.append(drop_of(former))
            record = Subscription(
                id=moment.unique(),
                owner=self.owner,
                target=target,
                form=each.form,
                protocol=each.protocol.upper(),
                properties=each.properties,
                created_at=moment.at,
                expires_at=_end_of(each, moment.at),
            )
            made.append((record, former is None))
            changes.append(Put(record))
            if self.trigger:
                changes.append(Put(_push_job(record, self.owner, moment)))
        return Decided(tuple(made), tuple(changes))


class Unsubscribe(msgspec.Struct, frozen=True, kw_only=True):
    """Subscriptions that hold no more; the reply is how many there were.

    Without `owner` (as an operator) those of everybody.
    """

    ids: tuple[str, ...]
    owner: str = ""

    def decide(self, state: State, moment: Moment) -> Decided[int]:  # noqa: ARG002  # as all do
        """Raise NotPermitted for one of somebody else."""
        found = [x for each in self.ids if (x := state.find(Subscription, each)) is not None]
        others = [each.id for each in found if self.owner not in ("", each.owner)]
        if others:
            raise NotPermitted(
                f"Expected subscriptions of '{self.owner}', but {', '.join(map(repr, others))} "
                "are of others. Only the owner or an operator removes one."
            )
        return Decided(len(found), tuple(drop_of(each) for each in found))


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """Pushes to begin now, by subscription, by who gets them, by what; the reply is their jobs."""

    by: str
    subscriptions: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()

    def decide(self, state: State, moment: Moment) -> Decided[tuple[Job, ...]]:
        """Raise NotFound for a subscription that does not hold."""
        table = state.table(Subscription)
        lacking = [
            each
            for each in self.subscriptions
            if each not in table or not table[each].holds(moment.at)
        ]
        if lacking:
            raise NotFound(
                f"Expected subscriptions that hold, but found {', '.join(map(repr, lacking))}."
            )
        if self.subscriptions:
            wanted = [table[each] for each in self.subscriptions]
        else:
            wanted = [each for each in table.values() if each.holds(moment.at)]
        if self.targets:
            wanted = [each for each in wanted if each.target in self.targets]
        if self.definitions:
            wanted = [each for each in wanted if each.form.definition in self.definitions]
        check_room(state, Job, len(wanted))
        jobs = tuple(_push_job(each, self.by, moment) for each in wanted)
        return Decided(jobs, tuple(Put(each) for each in jobs))


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """A push is carried out: its orchestration now, its delivery by whoever said this.

    The reply is what to deliver, and where; None where its subscription has gone meanwhile.
    """

    job: str
    rules: Rules = Rules()

    def decide(self, state: State, moment: Moment) -> Decided[tuple[Subscription, Bound] | None]:
        """Raise NotFound for a job that is not open."""
        job = state.find(Job, self.job)
        if job is None or job.status not in (JobStatus.PENDING, JobStatus.IN_PROGRESS):
            raise NotFound(f"Expected an open orchestration, but found '{self.job}'.")
        subscription = state.find(Subscription, job.subscription)
        if subscription is None or not subscription.holds(moment.at):
            gone = msgspec.structs.replace(
                job,
                status=JobStatus.ERROR,
                message=f"subscription {job.subscription} has gone",
                finished_at=moment.at,
            )
            return Decided(None, (Put(gone),))
        begun = msgspec.structs.replace(
            job, status=JobStatus.IN_PROGRESS, started_at=moment.at, due_at=None
        )
        freed = _freed(state, job)
        bound, changes, kept = orchestrate(
            state, subscription.form, begun, moment, self.rules, None, ignoring=job.id
        )
        return Decided((subscription, bound), (*freed, *changes, Put(kept)))


class EndPush(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery has ended: well without `trouble`, else it is tried again later, or given up.

    The reply is the job.
    """

    job: str
    trouble: str = ""

    def decide(self, state: State, moment: Moment) -> Decided[Job]:
        """Raise NotFound for a job that is not open."""
        job = state.find(Job, self.job)
        if job is None or job.status not in (JobStatus.PENDING, JobStatus.IN_PROGRESS):
            raise NotFound(f"Expected an open orchestration, but found '{self.job}'.")
        if not self.trouble:
            ended = msgspec.structs.replace(job, status=JobStatus.DONE, finished_at=moment.at)
            return Decided(ended, (Put(ended),))
        attempts = job.attempts + 1
        if attempts >= PUSH_ATTEMPTS_MAX:
            ended = msgspec.structs.replace(
                job,
                status=JobStatus.ERROR,
                attempts=attempts,
                message=f"not delivered in {attempts} attempts: {self.trouble}"[:1_000],
                finished_at=moment.at,
            )
            return Decided(ended, (*_freed(state, job), Put(ended)))
        wait_s = PUSH_RETRY_S[min(attempts, len(PUSH_RETRY_S)) - 1]
        again = msgspec.structs.replace(
            job,
            status=JobStatus.PENDING,
            attempts=attempts,
            message=self.trouble[:1_000],
            due_at=Instant(moment.at + wait_s * SECOND),
        )
        return Decided(again, (Put(again),))


def notify_faults(entry: SubscriptionEntry) -> Iterator[Fault]:
    """Yield all that is wrong with where the results are to be delivered."""
    protocol, told = entry.protocol.upper(), entry.properties
    if protocol in _HTTP:
        for name in ("address", "port", "method", "path"):
            if not told.get(name, "").strip():
                yield _fault(f"notifyInterface.properties.{name}", "a value", "nothing")
        port, method = told.get("port", ""), told.get("method", "")
        if port.strip() and not (port.isdecimal() and 0 < int(port) <= PORT_MAX):
            expected = f"a port from 1 to {PORT_MAX}"
            yield _fault("notifyInterface.properties.port", expected, repr(port))
        if method.strip() and method.upper() not in METHODS:
            expected = f"one of {', '.join(sorted(METHODS))}"
            yield _fault("notifyInterface.properties.method", expected, repr(method))
    elif protocol in _MQTT:
        if not told.get("topic", "").strip():
            yield _fault("notifyInterface.properties.topic", "a topic", "nothing")
    else:
        expected = f"one of {', '.join((*_HTTP, *_MQTT))}"
        yield _fault("notifyInterface.protocol", expected, repr(entry.protocol))
    duration_s = entry.duration_s
    if duration_s is not None and not 0 < duration_s <= SUBSCRIPTION_LIFE_S_MAX:
        expected = f"seconds from 1 to {SUBSCRIPTION_LIFE_S_MAX}"
        yield _fault("duration", expected, str(duration_s))


def _fault(path: str, expected: str, found: str) -> Fault:
    return Fault(source="subscription", path=path, expected=expected, found=found)


def _end_of(entry: SubscriptionEntry, at: Instant) -> Instant | None:
    return None if entry.duration_s is None else Instant(at + entry.duration_s * SECOND)


def _push_job(subscription: Subscription, by: str, moment: Moment) -> Job:
    return Job(
        id=moment.unique(),
        number=moment.number(),
        status=JobStatus.PENDING,
        kind=JobType.PUSH,
        requester=by,
        target=subscription.target,
        definition=subscription.form.definition,
        subscription=subscription.id,
        created_at=moment.at,
    )


def _freed(state: State, job: Job) -> tuple[Change, ...]:
    """Return the locks of an earlier try of the same push, to be given anew."""
    locks = (state.find(Lock, each) for each in job.instances)
    return tuple(drop_of(each) for each in locks if each is not None and each.job == job.id)
