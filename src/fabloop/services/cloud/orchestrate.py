"""Orchestrations: a consumer is bound to offers, which are locked and given tokens for."""

from collections.abc import Iterator

import msgspec

from fabloop.base.errors import Fault
from fabloop.base.instant import Instant
from fabloop.services.cloud.authorise import DEFAULT_SCOPE
from fabloop.services.cloud.bind import (
    Candidate,
    Constraint,
    Flag,
    Found,
    bind,
    held_until,
)
from fabloop.services.cloud.changes import Change, Put
from fabloop.services.cloud.command import Decided, Moment
from fabloop.services.cloud.records import (
    Form,
    Interface,
    Job,
    JobStatus,
    JobType,
    Lock,
    SecurityPolicy,
    ServiceInstance,
    Token,
)
from fabloop.services.cloud.state import State
from fabloop.services.cloud.tokens import KINDS, TokenEntry, give, token_changes

NOTHING_FOUND = "No results were found"


class GivenToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token with which a consumer may use what it is bound to."""

    variant: SecurityPolicy
    purpose: str
    secret: str
    record: Token


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """An offer that a consumer is bound to; `until` is how long it is held for it."""

    offer: ServiceInstance
    interfaces: tuple[Interface, ...]
    until: Instant | None = None
    tokens: tuple[GivenToken, ...] = ()


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an orchestration; `passed_over` counts offers by the reason against them."""

    job: str
    bindings: tuple[Binding, ...] = ()
    warnings: tuple[str, ...] = ()
    passed_over: dict[str, int] = {}


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What a cloud asks for when it binds: grants, and tokens with which to use them."""

    authorised: bool = True
    tokens: bool = True


class Pull(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer asks for its bindings now; `constraint` may narrow them further.

    `consumer` is who is going to use the offers; who asks may be another one.
    """

    form: Form
    requester: str
    consumer: str = ""
    rules: Rules = Rules()
    constraint: Constraint | None = None

    def decide(self, state: State, moment: Moment) -> Decided[Bound]:
        """Bind; with exclusivity the offer is locked in the same row."""
        job = Job(
            id=moment.unique(),
            number=moment.number(),
            status=JobStatus.DONE,
            kind=JobType.PULL,
            requester=self.requester,
            target=self.consumer or self.requester,
            definition=self.form.definition,
            created_at=moment.at,
            started_at=moment.at,
            finished_at=moment.at,
        )
        bound, changes, kept = orchestrate(
            state, self.form, job, moment, self.rules, self.constraint
        )
        return Decided(bound, (*changes, Put(kept)))


def form_faults(form: Form) -> Iterator[Fault]:
    """Yield what is wrong with an orchestration as a whole."""
    for each in form.flags:
        if each not in Flag.__members__:
            yield Fault(source="orchestration", path=f"orchestrationFlags.{each}",
                expected=f"one of {', '.join(Flag)}", found=repr(each))  # fmt: skip
    if form.exclusivity_s is not None and form.exclusivity_s <= 0:
        yield Fault(source="orchestration", path="exclusivityDuration",
            expected="seconds, more than 0", found=str(form.exclusivity_s))  # fmt: skip
    if form.flags.get(Flag.ONLY_PREFERRED) and not form.preferred:
        yield Fault(source="orchestration", path="serviceRequirement.preferredProviders",
            expected="a provider for ONLY_PREFERRED", found="none")  # fmt: skip
    if form.flags.get(Flag.ONLY_EXCLUSIVE) and form.exclusivity_s is None:
        yield Fault(source="orchestration", path="exclusivityDuration",
            expected="seconds for ONLY_EXCLUSIVE", found="nothing")  # fmt: skip


def orchestrate(
    state: State,
    form: Form,
    job: Job,
    moment: Moment,
    rules: Rules,
    constraint: Constraint | None,
    ignoring: str = "",
) -> tuple[Bound, tuple[Change, ...], Job]:
    """Bind for a job: return the result, what changes for it, and the job with what it gave."""
    found = bind(
        state,
        form,
        job.target,
        moment.at,
        constraint=constraint,
        authorised=rules.authorised,
        ignoring=ignoring,
    )
    changes: list[Change] = []
    bindings = []
    for each in found.chosen:
        until = _held(found, form, each, moment)
        if until is not None:
            changes.append(Put(_lock(each, job, until, moment)))
        tokens = _tokens(state, form, each, job, moment, changes) if rules.tokens else ()
        bindings.append(
            Binding(offer=each.offer, interfaces=each.interfaces, until=until, tokens=tokens)
        )
    bound = Bound(
        job=job.id,
        bindings=tuple(bindings),
        warnings=tuple(each.value for each in found.warnings),
        passed_over={reason.value: count for reason, count in found.passed_over.items()},
    )
    kept = msgspec.structs.replace(
        job,
        message=f"{len(bindings)} local result" if bindings else NOTHING_FOUND,
        instances=tuple(each.offer.id for each in bindings),
    )
    return bound, tuple(changes), kept


def _held(found: Found, form: Form, candidate: Candidate, moment: Moment) -> Instant | None:
    """Return until when an offer is held; None: it is not."""
    if form.exclusivity_s is None or not found.matched or candidate.holdable_s <= 0:
        return None
    return held_until(candidate, form.exclusivity_s, moment.at)


def _lock(candidate: Candidate, job: Job, until: Instant, moment: Moment) -> Lock:
    return Lock(
        instance=candidate.offer.id,
        number=moment.number(),
        owner=job.target,
        job=job.id,
        expires_at=until,
    )


def _tokens(
    state: State,
    form: Form,
    candidate: Candidate,
    job: Job,
    moment: Moment,
    changes: list[Change],
) -> tuple[GivenToken, ...]:
    """Give tokens for the interfaces that ask for them, one for each operation that is wanted."""
    given = []
    variants = {each.policy: None for each in candidate.interfaces if each.policy in KINDS}
    for variant in variants:
        for scope in form.operations or ("",):
            entry = TokenEntry(
                variant=variant,
                provider=candidate.offer.provider,
                consumer=job.target,
                target=candidate.offer.definition,
                scope="" if scope == DEFAULT_SCOPE else scope,
            )
            made = give(state, entry, job.requester, moment)
            changes += token_changes(state, made)
            purpose = scope or candidate.offer.definition
            given.append(
                GivenToken(variant=variant, purpose=purpose, secret=made.secret, record=made.record)
            )
    return tuple(given)
