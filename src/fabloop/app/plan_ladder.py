"""Climbs the policy's ladder for an order whose plan is in danger; what a rung does is told."""

from collections.abc import Callable, Iterator
from functools import cache

from fabloop.adapt import ladder
from fabloop.adapt.climb import Shell, climb
from fabloop.adapt.ladder import Ask, Deviation, Do, DoInstead, Offer, TryRung
from fabloop.adapt.plan_rungs import (
    Looked,
    rebound,
    replanned,
    retried,
    tolerated,
    weighed_of,
)
from fabloop.adapt.policy import Instead, Policy, Rung
from fabloop.adapt.propose import propose
from fabloop.app.snapshot import Snapshot
from fabloop.app.states import Stage
from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation, RungCode
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationDeclined,
    AdaptationImpossible,
    AdaptationProposed,
    PersonAsked,
    PlanEndangered,
    PlanRestored,
    RungTried,
)
from fabloop.model.plan import NotDecided

POLICY = "policy"
"""By whom something is approved that the policy allows unasked."""
NOBODY = "nobody"
CASE = 0
"""A ladder of its own is climbed for each danger: the loop hears one after the other."""

Answer = AdaptationProposed | AdaptationImpossible
Told = RungTried | PlanRestored | AdaptationProposed | AdaptationApproved | PersonAsked
Climbed = tuple[Told | AdaptationImpossible, ...]


def climbed(fact: PlanEndangered, at: Snapshot) -> Climbed:
    """Return what comes of a danger by the policy: each rung that was tried, and the way out."""
    policy = at.knowledge.policy
    situation, world = at.situation(fact.order), at.world()

    @cache
    def answer() -> Answer:
        return propose(situation, fact.reasons, world)

    if policy is None:
        return (answer(),)
    looks: dict[Rung, Callable[[], Looked]] = {
        Rung.TOLERATE: lambda: tolerated(situation, fact.reasons),
        Rung.RETRY: lambda: retried(situation),
        Rung.REBIND: lambda: rebound(situation, fact.reasons, at.registry(), world, answer()),
        Rung.REPLAN: lambda: replanned(answer()),
    }
    return _Climb(fact, policy, looks, answer).told(at.now)


class _Climb:
    """One climb, and what it tells."""

    def __init__(
        self,
        fact: PlanEndangered,
        policy: Policy,
        looks: dict[Rung, Callable[[], Looked]],
        answer: Callable[[], Answer],
    ) -> None:
        self._fact = fact
        self._policy = policy
        self._looks = looks
        self._answer = answer
        self._told: list[Told | AdaptationImpossible] = []
        self._tried: set[str] = set()
        self._found: Looked | None = None
        self._weighed = weighed_of(fact.reasons)

    def told(self, now: Instant) -> Climbed:
        """Climb to the end; a question is its end too."""
        reasons = self._fact.reasons
        deviation = Deviation(
            id=self._fact.plan, instance=CASE, severity=self._weighed.severity, at=now,
            reasons=reasons,
        )  # fmt: skip
        shell = Shell(
            looks=self._look, does=self._do, asks=self._ask, withdraws=_nothing,
            defaults=self._hold, noted=_nothing,
        )  # fmt: skip
        climb(ladder.report({}, self._policy, deviation), self._policy, shell, now)
        return tuple(self._told)

    def _look(self, move: TryRung) -> tuple[Offer, ...] | str:
        self._pass_over()
        found = self._looks[move.rung]()
        if found.offer is None:
            self._rung(move.rung, found.why, helps=False)
            return ", ".join(each.code for each in found.why)
        self._found = found
        return (found.offer,)

    def _pass_over(self) -> None:
        """Tell of an offer that the policy neither allows nor lets anybody approve."""
        found, self._found = self._found, None
        if found is not None and found.offer is not None:
            denied = Explanation(code=RungCode.NOT_ALLOWED, subject=found.offer.id)
            self._rung(found.offer.rung, (*found.why, denied), helps=False)

    def _do(self, move: Do) -> str:
        found, self._found = self._found, None
        assert found is not None, "an offer was looked for"
        self._rung(move.offer.rung, found.why, helps=True)
        order, answer = self._fact.order, self._answer
        if move.offer.rung is Rung.TOLERATE:
            self._told.append(PlanRestored(order=order, plan=self._fact.plan))
            return ""
        proposed = answer()
        self._told.append(proposed)
        plan = proposed.plan.id if isinstance(proposed, AdaptationProposed) else self._fact.plan
        self._told.append(AdaptationApproved(order=order, plan=plan, by=POLICY))
        return ""

    def _ask(self, move: Ask) -> None:
        found, who = self._found, {"who": move.who}
        left = Explanation(code=RungCode.LEFT_TO_PERSON, subject=self._fact.plan, details=who)
        if found is None or not move.offers:
            self._pass_over()
            self._rung(Rung.ASK, (left,), helps=True)
            self._told.append(self._no_way())
            return
        self._rung(move.offers[0].rung, (*found.why, left), helps=True)
        answer = self._answer()
        self._told.append(answer)
        plan = answer.plan.id if isinstance(answer, AdaptationProposed) else answer.plan
        asked = PersonAsked(order=self._fact.order, plan=plan, who=move.who, expires_at=move.until)
        self._told.append(asked)

    def _hold(self, move: DoInstead) -> None:
        self._pass_over()
        held = Explanation(code=RungCode.HELD, subject=self._fact.order)
        self._rung(move.instead, (held,), helps=True)
        self._told.append(self._no_way())

    def _no_way(self) -> AdaptationImpossible:
        fact, answer = self._fact, None
        if Rung.REPLAN in self._tried:
            answer = self._answer()
        if isinstance(answer, AdaptationImpossible):
            return answer
        found = NotDecided(limit="the policy allows no way out that was found")
        return AdaptationImpossible(
            order=fact.order, plan=fact.plan, reasons=fact.reasons, answer=found
        )

    def _rung(self, rung: str, why: tuple[Explanation, ...], *, helps: bool) -> None:
        self._tried.add(rung)
        tried = RungTried(
            order=self._fact.order, plan=self._fact.plan, rung=rung, helps=helps, why=why,
            severity=self._weighed.severity.name.lower(), at_stake=self._weighed.because,
        )  # fmt: skip
        self._told.append(tried)


def _nothing(_move: object) -> None:
    """A case of its own is climbed for each danger: nothing is left to be taken back."""


def unanswered(at: Snapshot) -> tuple[RungTried | AdaptationDeclined, ...]:
    """Return what silence means for each question whose time is over: the order is held."""

    def held() -> Iterator[RungTried | AdaptationDeclined]:
        for asked in _questions(at):
            if asked.expires_at <= at.now:
                why = Explanation(
                    code=RungCode.SILENCE, subject=asked.order, details={"who": asked.who}
                )
                yield RungTried(
                    order=asked.order, plan=asked.plan, rung=Instead.HOLD, helps=True, why=(why,)
                )
                yield AdaptationDeclined(order=asked.order, plan=asked.plan, by=NOBODY)

    return tuple(held())


def next_expiry(at: Snapshot) -> Instant | None:
    """Return when the next question's time is over."""
    return min((each.expires_at for each in _questions(at)), default=None)


def _questions(at: Snapshot) -> Iterator[PersonAsked]:
    for state in at.orders.values():
        if state.stage is Stage.CHANGING and state.asked is not None:
            yield state.asked
