"""Decides deviations by the ladder and a policy; every rung that is tried is told, with reasons."""

from collections.abc import Callable, Mapping

import msgspec

from fabloop.adapt import ladder
from fabloop.adapt.climb import Shell, climb
from fabloop.adapt.ladder import (
    Ask,
    CaseState,
    Deviation,
    Do,
    DoInstead,
    Move,
    Offer,
    Ruling,
    TryRung,
    Withdraw,
)
from fabloop.adapt.policy import Instead, Policy, Rung
from fabloop.app.service_runtime.facts import (
    PersonAnswered,
    PersonAsked,
    QuestionWithdrawn,
    RungTried,
)
from fabloop.app.service_runtime.log import FactLog
from fabloop.base.errors import NotFound
from fabloop.base.instant import Instant, iso_of, span_text
from fabloop.base.money import money_text
from fabloop.model.explanation import Explanation, RepairCode

SAFE_DEFAULT = "safe default"
NOTHING_HERE = "nothing can be done on this rung"

Look = Callable[[TryRung], tuple[Offer, ...] | str]
Answer = Callable[[Ask], str | None]
"""Returns the offer that is wanted, empty for none of them; None where nobody is there."""


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """A deviation that is to be decided, and what the story can do about it.

    Attributes
    ----------
    looks : looks for a way out on a rung; a rung that is not there is passed over
    does : carries an offer out: why it could not be, empty where it was
    answers : asks who is to approve
    defaults : does what is safe; hears why
    declined : hears that a person wants none of the offers
    """

    about: str
    deviation: Deviation
    policy: Policy
    looks: Mapping[Rung, Look]
    does: Callable[[Do], str]
    answers: Answer
    defaults: Callable[[Instead, str], None]
    declined: Callable[[], None] = lambda: None


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says to a question: which offer is wanted, empty for none of them.

    `number` is its place among all answers that were given, from 1.
    """

    number: int
    repair: str
    offer: str
    by: str
    roles: frozenset[str] = frozenset()


class _Open(msgspec.Struct, frozen=True, kw_only=True):
    matter: Matter
    docket: ladder.Docket
    lower: list[str]


class Rungs:
    """Tells of rungs and questions, each once, whatever a crash makes of it."""

    def __init__(self, log: FactLog) -> None:
        self._log = log
        self._told = {
            _key(fact) for _, fact in log.history if isinstance(fact, RungTried | PersonAsked)
        }

    def tell(self, fact: RungTried | PersonAsked, now: Instant) -> None:
        """Write a fact down, unless it is known."""
        if _key(fact) not in self._told:
            self._told.add(_key(fact))
            self._log.tell(now, fact)


class Ladder:
    """Climbs for one deviation after the other; what waits for a person stays open."""

    def __init__(self, log: FactLog, rungs: Rungs) -> None:
        self._log = log
        self._rungs = rungs
        self._open: dict[int, _Open] = {}

    def is_open(self, instance: int) -> bool:
        """Tell whether a person is waited for about an instance."""
        return instance in self._open

    def questions(self) -> tuple[str, ...]:
        """Return the deviations that persons were asked about."""
        return tuple(each.matter.deviation.id for each in self._open.values())

    def decide(self, matter: Matter, now: Instant) -> CaseState:
        """Climb until all is settled or a person is waited for; return how the case stands.

        What is open at the same instance is withdrawn, since whoever was asked did not know of
        this; `matter` is about both then. After a crash it is decided again, as of when the
        question was put at first.
        """
        begun = next(
            (
                at
                for at, fact in self._log.history
                if isinstance(fact, PersonAsked) and fact.repair == matter.deviation.id
            ),
            now,
        )
        earlier = self._open.pop(matter.deviation.instance, None)
        if earlier is not None:
            self._withdraw(earlier.matter, matter, now)
        docket = {} if earlier is None else earlier.docket
        ruling = ladder.report(docket, matter.policy, matter.deviation)
        return self._climbed(matter, ruling, begun, [])

    def answer(self, given: Given, now: Instant) -> int:
        """Do what a person wants about a deviation; return the instance that it is about.

        Raises
        ------
        NotFound, NotPermitted, Conflict
            As `adapt.ladder.answered` does.
        """
        asked = (e for e in self._open.values() if e.matter.deviation.id == given.repair)
        open_ = next(asked, None)
        if open_ is None:
            raise NotFound(
                f"Expected an open question about '{given.repair}', but there is none. "
                "Its time is over, or something else has happened."
            )
        matter = open_.matter
        instance = matter.deviation.instance
        case = open_.docket[instance]
        ruling = ladder.answered(
            open_.docket, matter.policy, instance, by=given.by, roles=given.roles,
            round=case.round, offer=given.offer, now=now,
        )  # fmt: skip
        fact = PersonAnswered(
            about=matter.about, repair=given.repair, by=given.by, offer=given.offer,
            number=given.number,
        )  # fmt: skip
        self._log.tell(now, fact)
        if not given.offer:
            matter.declined()
        self._climbed(matter, ruling, now, open_.lower)
        return instance

    def expire(self, now: Instant) -> tuple[int, ...]:
        """Do what is safe where nobody has answered in time; return which instances that is."""
        closed = []
        for instance, each in tuple(self._open.items()):
            ruling = ladder.expire(each.docket, each.matter.policy, now)
            if ruling.moves:
                self._climbed(each.matter, ruling, now, each.lower)
                closed.append(instance)
        return tuple(closed)

    def _withdraw(self, earlier: Matter, later: Matter, now: Instant) -> None:
        fact = QuestionWithdrawn(
            about=earlier.about, repair=earlier.deviation.id, because=later.deviation.id
        )
        self._log.tell(now, fact)

    def next_due(self) -> Instant | None:
        """Return when `expire` has something to do next."""
        times = (ladder.next_due(each.docket) for each in self._open.values())
        return min((each for each in times if each is not None), default=None)

    def _climbed(self, matter: Matter, ruling: Ruling, now: Instant, lower: list[str]) -> CaseState:
        asked: list[Ask] = []
        shell = self._shell(matter, asked, now, lower)
        docket: ladder.Docket = climb(ruling, matter.policy, shell, now)
        while asked:
            ask = asked.pop()
            answer = self._known(matter, ask) or matter.answers(ask)
            if answer is None:
                break
            answered = ladder.answered(
                docket, matter.policy, ask.instance, by=ask.who,
                round=ask.round, offer=answer, now=now,
            )  # fmt: skip
            docket = climb(answered, matter.policy, shell, now)
        instance = matter.deviation.instance
        state = docket[instance].state
        self._open.pop(instance, None)
        if state is CaseState.ASKING:
            self._open[instance] = _Open(matter=matter, docket=docket, lower=lower)
        return state

    def _known(self, matter: Matter, ask: Ask) -> str | None:
        """Return an offer that was wanted before a crash, if there is such an offer still."""
        wanted = (
            fact.offer
            for fact in self._log.facts()
            if isinstance(fact, PersonAnswered) and fact.repair == matter.deviation.id
        )
        return next((each for each in wanted if any(e.id == each for e in ask.offers)), None)

    def _shell(self, matter: Matter, asked: list[Ask], now: Instant, lower: list[str]) -> Shell:
        looked: dict[Rung, str] = {}

        def tell(rung: str, why: str, *, helps: bool, attempts: int = 1) -> None:
            bad = matter.deviation.severity
            budgets = (e.budget_for(bad) for e in matter.policy.rungs if e.rung == rung)
            budget = next(budgets, 0)
            fact = RungTried(
                about=matter.about, repair=matter.deviation.id, rung=rung, helps=helps, why=why,
                attempts=attempts, budget_ns=budget, lower=tuple(lower) if helps else (),
                severity=bad.name.lower(), at_stake=matter.deviation.reasons,
            )  # fmt: skip
            self._rungs.tell(fact, now)
            if not helps:
                lower.append(f"{rung}: {why}")

        def looks(move: TryRung) -> tuple[Offer, ...] | str:
            if move.rung in looked:  # at one instant it would find the same again
                return looked[move.rung]
            look = matter.looks.get(move.rung)
            found = look(move) if look else NOTHING_HERE
            if isinstance(found, str):
                looked[move.rung] = found
                tell(move.rung, found, helps=False, attempts=move.attempt)
            return found

        def does(move: Do) -> str:
            why = matter.does(move)
            tell(move.offer.rung, why or _done(move, matter.policy), helps=not why)
            return why

        def asks(move: Ask) -> None:
            self._ask(matter, move, now, lower)
            asked.append(move)

        def defaults(move: DoInstead) -> None:
            why = _because(move.reasons)
            tell(SAFE_DEFAULT, f"{move.instead}, because {why}", helps=True)
            matter.defaults(move.instead, why)

        return Shell(
            looks=looks, does=does, asks=asks, withdraws=_withdrawn, defaults=defaults, noted=_noted
        )

    def _ask(self, matter: Matter, move: Ask, now: Instant, lower: list[str]) -> None:
        """Tell that a person has to decide, once."""
        until = iso_of(move.until)
        what = "which way out is wanted" if move.offers else "what is to be done"
        fact = PersonAsked(
            about=matter.about,
            repair=matter.deviation.id,
            who=move.who,
            question=f"{matter.about}: {move.who} is asked {what}, until {until}.",
            options=tuple(each.id for each in move.offers),
            default=matter.policy.safe_default,
            expires_at=move.until,
            because=tuple(lower),
            severity=matter.deviation.severity.name.lower(),
            at_stake=matter.deviation.reasons,
        )
        self._rungs.tell(fact, now)


def _key(fact: RungTried | PersonAsked) -> tuple[object, ...]:
    if isinstance(fact, RungTried):
        return fact.repair, fact.rung, fact.why
    return fact.repair, fact.who, fact.question


def _withdrawn(_move: Withdraw) -> None:
    """Nothing is left to be taken back: a case of its own is made for each deviation."""


def _noted(_move: Move) -> None:
    """Moves are told as facts where they are carried out."""


def _done(move: Do, policy: Policy) -> str:
    """Say what is done, what it costs, and who allows it."""
    offer = move.offer
    if offer.reasons:
        return "; ".join(_said(each) for each in offer.reasons)
    money = money_text(offer.cost_minor, policy.currency)
    allowed = f"{move.by} wants it" if move.by else "the policy allows it unasked"
    return f"{offer.id} for {money}, {span_text(offer.delay_ns)} later: {allowed}"


def _because(reasons: tuple[Explanation, ...]) -> str:
    return _said(reasons[-1]) if reasons else "no rung is for it"


def _said(reason: Explanation) -> str:
    details = reason.details
    if reason.code == RepairCode.NOBODY_ANSWERED:
        return f"{details['who']} has not answered within {span_text(int(details['waited_ns']))}"
    return details.get("why", str(reason.code))
