"""Climbs the ladder for each instance that is not as expected, rung by rung, and never waits."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from fabloop.adapt.policy import Instead, Policy, Rung, RungRule, Severity
from fabloop.base.errors import Conflict, NotFound, NotPermitted
from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation, RepairCode

DEVIATIONS_PER_CASE_MAX = 100
"""Deviations of one instance that are dealt with together; more change nothing any more."""

CASES_MAX = 100_000
"""Cases that are open at a time; a deviation beyond them goes to the safe default at once."""


class Deviation(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as expected at an instance, and why it matters."""

    id: str
    instance: int
    severity: Severity
    at: Instant
    reasons: tuple[Explanation, ...] = ()


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A way out that a rung has found: what it costs, and by how much it delays the instance.

    One that is `outdone` misses a goal that another one keeps: only a person may want it.
    """

    id: str
    rung: Rung
    cost_minor: int = 0
    delay_ns: int = 0
    outdone: bool = False
    reasons: tuple[Explanation, ...] = ()


class CaseState(StrEnum):
    """How a case stands."""

    LOOKING = "looking"
    ASKING = "asking"
    ENACTING = "enacting"
    SETTLED = "settled"
    DEFAULTED = "defaulted"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What is being done about the deviations of one instance.

    Attributes
    ----------
    rung : position of the present rung in the policy
    tries : how often the present rung was tried
    round : counts how often the case began anew; what is reported of an earlier one is void
    known : how many of the deviations the offer that is carried out knew of
    offers : ways out that are waiting for an answer
    tried : why earlier rungs were no way out
    who, asked_at, until : whom the offers were put to, and how long they have
    """

    id: str
    instance: int
    deviations: tuple[Deviation, ...]
    state: CaseState = CaseState.LOOKING
    rung: int = 0
    tries: int = 0
    round: int = 1
    known: int = 0
    offers: tuple[Offer, ...] = ()
    tried: tuple[Explanation, ...] = ()
    who: str = ""
    asked_at: Instant = Instant(0)
    until: Instant = Instant(0)

    @property
    def severity(self) -> Severity:
        """The worst of its deviations."""
        return max(each.severity for each in self.deviations)


# -- what the shell is to do --------------------------------------------------------------------


class TryRung(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Look for a way out on a rung, for at most so long; then `offered` or `failed`."""

    case: str
    instance: int
    round: int
    rung: Rung
    attempt: int
    budget_ns: int


class Ask(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Put offers to a person or role; then `answered`, or `expire` when the time is over."""

    case: str
    instance: int
    round: int
    who: str
    until: Instant
    offers: tuple[Offer, ...]
    reasons: tuple[Explanation, ...]


class Withdraw(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Take back a question or a search: something else has happened to the instance since."""

    case: str
    instance: int
    round: int


class Do(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Carry an offer out; `by` is empty where the policy allows it. Then `enacted` or `failed`."""

    case: str
    instance: int
    round: int
    offer: Offer
    by: str


class DoInstead(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Do what is safe, and show why."""

    case: str
    instance: int
    instead: Instead
    reasons: tuple[Explanation, ...]


Move = TryRung | Ask | Withdraw | Do | DoInstead

Docket = Mapping[int, Case]
"""The case of each instance; cases are plain data for the shell's journal."""


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """The docket as it is now, and what is to be done next."""

    docket: dict[int, Case]
    moves: tuple[Move, ...]


# -- what the shell reports ---------------------------------------------------------------------


def report(docket: Docket, policy: Policy, deviation: Deviation) -> Ruling:
    """Take a deviation up. One at an instance with an open case begins that case anew.

    What was found or asked for it before is withdrawn: it did not know of this deviation. An
    offer that is being carried out is not stopped; what comes meanwhile is looked at afterwards.
    """
    known = docket.get(deviation.instance)
    if known is None or known.state in (CaseState.SETTLED, CaseState.DEFAULTED):
        if sum(1 for each in docket.values() if _is_open(each)) >= CASES_MAX:
            return _too_many(docket, policy, deviation)
        number = known.round + 1 if known else 1
        case = Case(
            id=f"{deviation.instance}-{deviation.id}",
            instance=deviation.instance,
            deviations=(deviation,),
            round=number,
        )
        return _climb(docket, policy, case, deviation.at)
    if len(known.deviations) >= DEVIATIONS_PER_CASE_MAX or any(
        each.id == deviation.id for each in known.deviations
    ):
        return Ruling(docket=dict(docket), moves=())
    case = replace(known, deviations=(*known.deviations, deviation))
    if known.state is CaseState.ENACTING:
        return _kept(docket, case)
    void = Withdraw(case=case.id, instance=case.instance, round=case.round)
    again = _anew(case)
    return _with(_climb(docket, policy, again, deviation.at), before=(void,))


def offered(
    docket: Docket, policy: Policy, move: TryRung, offers: tuple[Offer, ...], now: Instant
) -> Ruling:
    """Judge what a rung has found, the best offer first: carry it out, ask, or go on climbing."""
    case = _now(docket, move, CaseState.LOOKING)
    if case is None:
        return Ruling(docket=dict(docket), moves=())
    rule = policy.rungs[case.rung]
    best = next((each for each in offers if _is_automatic(each, rule, case.severity)), None)
    if best is not None:
        return _do(docket, case, best, by="")
    if rule.approver and offers:
        return _ask(docket, replace(case, offers=(*offers, *case.offers)), rule, now)
    why = "nobody may approve it" if offers else "it found nothing"
    return failed(docket, policy, move, why, now)


def failed(docket: Docket, policy: Policy, move: TryRung | Do, why: str, now: Instant) -> Ruling:
    """Try a rung again that was no way out, or whose offer could not be carried out, or the next.

    What is told of an earlier round is passed over.
    """
    case = _now(docket, move, CaseState.LOOKING, CaseState.ENACTING)
    if case is None:
        return Ruling(docket=dict(docket), moves=())
    rule = policy.rungs[case.rung]
    note = Explanation(
        code=RepairCode.RUNG_TRIED,
        subject=f"instance {case.instance}",
        details={"rung": rule.rung, "why": why},
    )
    case = replace(case, state=CaseState.LOOKING, tried=(*case.tried, note))
    if case.tries < rule.attempts and rule.rung is not Rung.ASK:
        return _try(docket, case, rule)
    return _climb(docket, policy, replace(case, rung=case.rung + 1, tries=0), now)


def answered(
    docket: Docket,
    policy: Policy,
    instance: int,
    *,
    by: str,
    roles: frozenset[str] = frozenset(),
    round: int,  # noqa: A002  # as the question has it
    offer: str,
    now: Instant,
) -> Ruling:
    """Carry out the offer that a person chose; without one (empty) the next rung is tried.

    Raises
    ------
    NotFound
        Nothing is asked about the instance, or there is no such offer.
    NotPermitted
        Somebody else was asked.
    Conflict
        The question is an earlier one, or its time is over.
    """
    case = docket.get(instance)
    if case is None or case.state is not CaseState.ASKING:
        raise NotFound(
            f"Expected an open question about instance {instance}, but there is none. "
            "Something has happened to it since."
        )
    if by != case.who and case.who not in roles:
        raise NotPermitted(
            f"Expected the answer to case '{case.id}' from '{case.who}', but '{by}' answers. "
            "Ask for the role first."
        )
    if round != case.round or now >= case.until:
        raise Conflict(
            f"Expected an answer to question {case.round} of case '{case.id}' in time, but it "
            f"answers question {round}. Look at the case again."
        )
    if not offer:
        return _declined(docket, policy, case, by, now)
    chosen = next((each for each in case.offers if each.id == offer), None)
    if chosen is None:
        raise NotFound(
            f"Expected an offer of case '{case.id}', but found none called '{offer}'. "
            f"Choose one of: {', '.join(each.id for each in case.offers)}."
        )
    return _do(docket, case, chosen, by=by)


def enacted(docket: Docket, policy: Policy, move: Do, now: Instant) -> Ruling:
    """Settle a case whose offer was carried out; what came meanwhile opens it anew."""
    case = _now(docket, move, CaseState.ENACTING)
    if case is None:
        return Ruling(docket=dict(docket), moves=())
    later = case.deviations[case.known :]
    if not later:
        return _kept(docket, replace(case, state=CaseState.SETTLED))
    return _climb(docket, policy, replace(_anew(case), deviations=later), now)


def over(docket: Docket, instance: int) -> Ruling:
    """Close the case of an instance that has ended, with what is asked or looked for."""
    case = docket.get(instance)
    left = {key: each for key, each in docket.items() if key != instance}
    if case is None or not _is_open(case):
        return Ruling(docket=left, moves=())
    void = Withdraw(case=case.id, instance=instance, round=case.round)
    return Ruling(docket=left, moves=(void,))


def expire(docket: Docket, policy: Policy, now: Instant) -> Ruling:
    """Do what is safe wherever nobody has answered in time."""
    ruling = Ruling(docket=dict(docket), moves=())
    for case in docket.values():
        if case.state is CaseState.ASKING and now >= case.until:
            note = Explanation(
                code=RepairCode.NOBODY_ANSWERED,
                subject=f"instance {case.instance}",
                details={
                    "who": case.who,
                    "waited_ns": str(case.until - case.asked_at),
                    "instead": policy.safe_default,
                },
            )
            silent = replace(case, tried=(*case.tried, note))
            ruling = _with(_default(ruling.docket, policy, silent), before=ruling.moves)
    return ruling


def next_due(docket: Docket) -> Instant | None:
    """Return when `expire` has something to do; None when nobody is asked."""
    asked = [each.until for each in docket.values() if each.state is CaseState.ASKING]
    return min(asked, default=None)


# -- climbing -----------------------------------------------------------------------------------


def _climb(docket: Docket, policy: Policy, case: Case, now: Instant) -> Ruling:
    """Go to the next rung that is for deviations of this severity."""
    for number in range(case.rung, len(policy.rungs)):
        rule = policy.rungs[number]
        if case.severity > rule.up_to:
            continue
        here = replace(case, rung=number, tries=0, state=CaseState.LOOKING)
        return _ask(docket, here, rule, now) if rule.rung is Rung.ASK else _try(docket, here, rule)
    return _default(docket, policy, case)


def _try(docket: Docket, case: Case, rule: RungRule) -> Ruling:
    begun = replace(case, tries=case.tries + 1)
    move = TryRung(
        case=begun.id,
        instance=begun.instance,
        round=begun.round,
        rung=rule.rung,
        attempt=begun.tries,
        budget_ns=rule.budget_for(begun.severity),
    )
    return _kept(docket, begun, move)


def _ask(docket: Docket, case: Case, rule: RungRule, now: Instant) -> Ruling:
    asked = replace(
        case,
        state=CaseState.ASKING,
        who=rule.approver,
        asked_at=now,
        until=Instant(now + rule.answer_for(case.severity)),
    )
    reasons = tuple(reason for each in case.deviations for reason in each.reasons)
    move = Ask(
        case=case.id,
        instance=case.instance,
        round=case.round,
        who=asked.who,
        until=asked.until,
        offers=asked.offers,
        reasons=(*reasons, *case.tried),
    )
    return _kept(docket, asked, move)


def _do(docket: Docket, case: Case, offer: Offer, *, by: str) -> Ruling:
    begun = replace(case, state=CaseState.ENACTING, offers=(), known=len(case.deviations))
    move = Do(case=case.id, instance=case.instance, round=case.round, offer=offer, by=by)
    return _kept(docket, begun, move)


def _default(docket: Docket, policy: Policy, case: Case) -> Ruling:
    move = DoInstead(
        case=case.id, instance=case.instance, instead=policy.safe_default, reasons=case.tried
    )
    return _kept(docket, replace(case, state=CaseState.DEFAULTED, offers=()), move)


def _too_many(docket: Docket, policy: Policy, deviation: Deviation) -> Ruling:
    case = Case(
        id=f"{deviation.instance}-{deviation.id}",
        instance=deviation.instance,
        deviations=(deviation,),
    )
    return _default(docket, policy, case)


def _anew(case: Case) -> Case:
    return replace(
        case, state=CaseState.LOOKING, rung=0, tries=0, round=case.round + 1, offers=(), tried=()
    )


def _is_automatic(offer: Offer, rule: RungRule, severity: Severity) -> bool:
    """Tell whether a rung may carry an offer out unasked."""
    return (
        not offer.outdone
        and severity <= rule.automatic_up_to
        and (rule.cost_minor_max is None or offer.cost_minor <= rule.cost_minor_max)
        and (rule.delay_ns_max is None or offer.delay_ns <= rule.delay_ns_max)
    )


def _is_open(case: Case) -> bool:
    return case.state not in (CaseState.SETTLED, CaseState.DEFAULTED)


def _now(docket: Docket, move: TryRung | Do, *states: CaseState) -> Case | None:
    """Return the case that a report is about; None if it has begun anew or come to an end since."""
    case = docket.get(move.instance)
    if case is None or case.round != move.round or case.state not in states:
        return None
    return case


def _declined(docket: Docket, policy: Policy, case: Case, by: str, now: Instant) -> Ruling:
    note = Explanation(
        code=RepairCode.RUNG_TRIED,
        subject=f"instance {case.instance}",
        details={"rung": policy.rungs[case.rung].rung, "why": f"{by} declined"},
    )
    further = replace(case, rung=case.rung + 1, tries=0, offers=(), tried=(*case.tried, note))
    return _climb(docket, policy, further, now)


def _kept(docket: Docket, case: Case, *moves: Move) -> Ruling:
    return Ruling(docket={**docket, case.instance: case}, moves=moves)


def _with(ruling: Ruling, before: tuple[Move, ...]) -> Ruling:
    return replace(ruling, moves=(*before, *ruling.moves))
