"""The ladder of calls: one that did not end well is tried again, bound anew, or a person asked."""

from collections.abc import Callable

from msgspec.structs import replace

from fabloop.adapt import ladder
from fabloop.adapt.ladder import Ask, Deviation, DoInstead, Ruling, TryRung
from fabloop.adapt.policy import Instead, Policy, Rung, RungRule
from fabloop.adapt.severity import Stake, weighed
from fabloop.app.service_runtime.errands import Errand, Trouble
from fabloop.app.service_runtime.facts import PersonAsked, RungTried
from fabloop.app.service_runtime.ladder import SAFE_DEFAULT, Rungs
from fabloop.base.instant import HOUR, Instant, iso_of, span_text

OF_CALLS = (Rung.RETRY, Rung.REBIND, Rung.ASK)
"""Rungs that calls have; what waits for a call that nobody can do climbs the whole ladder."""

PLAIN = Policy(
    rungs=(
        RungRule(rung=Rung.RETRY, attempts=6, budget_ns=2 * HOUR),
        RungRule(rung=Rung.REBIND),
    ),
)
"""What is done about calls where no policy says anything else."""

ASKED_ON = "it is asked on under the same key, every hour at most"

Rebind = Callable[[], str]
"""Binds an errand to another service, or says why it cannot."""


class CallLadder:
    """Says what is done next about a call that did not end well."""

    def __init__(self, policy: Policy, rungs: Rungs) -> None:
        kept = tuple(each for each in policy.rungs if each.rung in OF_CALLS)
        self._policy = replace(policy, rungs=kept, safe_default=Instead.HOLD)
        self._rungs = rungs

    def failed(self, errand: Errand, why: str, now: Instant, *, again: str, rebind: Rebind) -> Rung:
        """Take note of a call that failed; return the rung that is tried.

        `again` says why asking once more is of no use, and is empty where it may be of use. Where
        it is `Rung.ASK`, the call is repeated meanwhile.
        """
        trouble = errand.trouble
        if trouble is None:
            bad = weighed(Stake())  # a call is done again before anything is in danger
            deviation = Deviation(
                id=f"c{errand.task.key}",
                instance=errand.task.key,
                severity=bad.severity,
                at=now,
                reasons=bad.because,
            )
            ruling = ladder.report({}, self._policy, deviation)
            trouble = errand.trouble = Trouble(docket=ruling.docket, begun_at=now)
        elif trouble.move is not None:
            ruling = ladder.failed(trouble.docket, self._policy, trouble.move, why, now)
            if trouble.move.attempt >= self._rule(trouble.move.rung).attempts:
                self._left(errand, trouble.move, why, now)
        else:
            ruling = ladder.expire(trouble.docket, self._policy, now)
        while ruling.moves:
            trouble.docket, (move, *_) = ruling.docket, ruling.moves
            trouble.move = move if isinstance(move, TryRung) else None
            match move:
                case TryRung():
                    against = self._against(errand, move, why, now, again=again, rebind=rebind)
                    if not against:
                        return move.rung
                    self._left(errand, move, against, now)
                    ruling = self._next_rung(trouble, move, against, now)
                case Ask():
                    self._ask(errand, trouble, move, now)
                    return Rung.ASK
                case DoInstead():
                    self._tell(errand, SAFE_DEFAULT, ASKED_ON, now, helps=True)
                    return Rung.ASK
                case _:
                    return Rung.ASK
        return Rung.ASK

    def ended(self, errand: Errand, now: Instant) -> None:
        """Take note that a call has ended well after all."""
        trouble, errand.trouble = errand.trouble, None
        if trouble is None:
            return
        took = span_text(now - trouble.begun_at)
        rung = SAFE_DEFAULT if trouble.move is None else trouble.move.rung
        why = f"it has answered, {took} after it was asked first"
        self._tell(errand, rung, why, now, helps=True, attempts=errand.tries, trouble=trouble)

    def _against(
        self, errand: Errand, move: TryRung, why: str, now: Instant, *, again: str, rebind: Rebind
    ) -> str:
        """Return why a rung is no way out; empty where it is tried."""
        trouble = errand.trouble
        assert trouble is not None, "it was begun"
        if move.rung is Rung.RETRY:
            if now - trouble.begun_at > move.budget_ns:
                return f"not within {span_text(move.budget_ns)}: {why}"
            return again
        against = rebind()
        if not against:
            self._tell(
                errand, move.rung, "another service is asked", now, helps=True, trouble=trouble
            )
            errand.trouble = None
        return against

    def _next_rung(self, trouble: Trouble, move: TryRung, why: str, now: Instant) -> Ruling:
        """Return what follows once a rung is given up, however often it might be tried."""
        ruling = ladder.failed(trouble.docket, self._policy, move, why, now)
        while ruling.moves:
            (following, *_) = ruling.moves
            if not isinstance(following, TryRung) or following.rung is not move.rung:
                break
            ruling = ladder.failed(ruling.docket, self._policy, following, why, now)
        return ruling

    def _left(self, errand: Errand, move: TryRung, why: str, now: Instant) -> None:
        self._tell(errand, move.rung, why, now, helps=False, attempts=move.attempt)
        if errand.trouble is not None:
            errand.trouble.lower.append(f"{move.rung}: {why}")

    def _rule(self, rung: Rung) -> RungRule:
        return next(each for each in self._policy.rungs if each.rung is rung)

    def _tell(
        self, errand: Errand, rung: str, why: str, now: Instant, *, helps: bool,
        attempts: int = 1, trouble: Trouble | None = None,
    ) -> None:  # fmt: skip
        budget = next((e.budget_ns for e in self._policy.rungs if e.rung == rung), 0)
        trouble = trouble or errand.trouble
        fact = RungTried(
            about=errand.task.about,
            repair=f"c{errand.task.key}",
            rung=rung,
            helps=helps,
            why=f"{_called(errand)}: {why}",
            attempts=max(1, attempts),
            budget_ns=budget,
            lower=tuple(trouble.lower) if helps and trouble is not None else (),
        )
        self._rungs.tell(fact, now)

    def _ask(self, errand: Errand, trouble: Trouble, move: Ask, now: Instant) -> None:
        until = iso_of(move.until)
        fact = PersonAsked(
            about=errand.task.about,
            repair=f"c{errand.task.key}",
            who=move.who,
            question=f"{errand.task.about}: {move.who} is asked to look at {_called(errand)}, "
            f"until {until}; {ASKED_ON}.",
            options=(),
            default=self._policy.safe_default,
            expires_at=move.until,
            because=tuple(trouble.lower),
        )
        self._rungs.tell(fact, now)


def _called(errand: Errand) -> str:
    candidate = errand.candidate
    return errand.task.node if candidate is None else candidate.name
