"""Who may have a running process changed: the ladder of a policy, rung by rung, then a person."""

from collections.abc import Callable, Sequence
from pathlib import Path

from fabloop.adapt.ladder import (
    Ask,
    Deviation,
    Do,
    DoInstead,
    Offer,
    Ruling,
    TryRung,
    answered,
    expire,
    failed,
    offered,
    report,
)
from fabloop.adapt.policy import Policy, Rung, Severity, policy_of
from fabloop.app.service_runtime.facts import (
    AlternativeTold,
    PersonAsked,
    RepairProposed,
    RungTried,
)
from fabloop.app.service_runtime.log import FactLog
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.model.documents.collect import Sheet, raise_if_any
from fabloop.model.documents.policy_structs import AdaptationPolicyDocument
from fabloop.model.documents.structure import decode

MOVES_MAX = 20
"""Moves on one ladder: each rung is tried once, then somebody is asked."""

AskPerson = Callable[[RepairProposed], int | None]
"""Returns the number of the way out that a person wants (0 is the first); None for no answer."""


def read_policy(file: Path) -> Policy:
    """Return the policy of a document.

    Raises
    ------
    Invalid
        The file cannot be read, is no such document, or every fault of it.
    """
    faults: list[Fault] = []
    try:
        document = decode(file.name, file.read_bytes(), faults)
    except OSError as error:
        found = error.strerror or "no file"
        raise Invalid(Fault(source=str(file), path="", expected="a policy", found=found)) from error
    raise_if_any(faults)
    sheet = Sheet(file.name, faults)
    if isinstance(document, AdaptationPolicyDocument):
        policy = policy_of(document, sheet)
        raise_if_any(faults)
        return policy
    expected = "a document of kind 'adaptation-policy'"
    raise Invalid(Fault(source=str(file), path="", expected=expected, found="another kind"))


class Climber:
    """Climbs the ladder for each proposal; what it may not do unasked is put to a person.

    Parameters
    ----------
    ask : puts the ways out to a person; without an answer the policy's safe default follows
    """

    def __init__(self, policy: Policy, ask: AskPerson) -> None:
        self._policy = policy
        self._ask = ask
        self.log: FactLog | None = None

    def __call__(self, proposal: RepairProposed) -> tuple[int, str] | None:
        """Return the way out that is taken and who wants it; None where none is."""
        now = self._now()
        ways = (proposal.chosen, *proposal.others)
        deviation = Deviation(
            id=proposal.repair,
            instance=proposal.instance,
            severity=Severity.MAJOR,
            at=now,
            reasons=proposal.reasons,
        )
        ruling = report({}, self._policy, deviation)
        for _ in range(MOVES_MAX):
            if not ruling.moves:
                return None
            match ruling.moves[-1]:
                case TryRung() as move:
                    ruling = self._tried(proposal, ways, move, ruling, now)
                case Ask(who=who, until=until, round=number):
                    ruling = self._asked(proposal, ruling, who, until, number)
                case Do(offer=offer, by=by):
                    return _number(ways, offer.id), by or "policy"
                case DoInstead() | _:
                    return None
        return None

    def _tried(
        self,
        proposal: RepairProposed,
        ways: Sequence[AlternativeTold],
        move: TryRung,
        ruling: Ruling,
        now: Instant,
    ) -> Ruling:
        """Try a rung: only repair has something to offer, for what is needed is not so."""
        docket, policy = ruling.docket, self._policy
        if move.rung is Rung.REPAIR:
            best = sorted(ways, key=lambda each: (each.late, each.cost_minor, each.delay_ns))
            return offered(docket, policy, move, tuple(map(_offer, best)), now)
        why = "the rest of the process needs what is not so"
        assert self.log is not None, "the story was opened"
        self.log.tell(
            now, RungTried(about=proposal.about, rung=move.rung.value, helps=False, why=why)
        )
        return failed(docket, policy, move, why, now)

    def _asked(
        self, proposal: RepairProposed, ruling: Ruling, who: str, until: Instant, number: int
    ) -> Ruling:
        ways = (proposal.chosen, *proposal.others)
        assert self.log is not None, "the story was opened"
        self.log.tell(
            self._now(),
            PersonAsked(
                about=proposal.about,
                question=f"{who}: which way out of what happened to {proposal.about}?",
                options=tuple(f"{each.id}: {'; '.join(each.steps)}" for each in ways),
                default=self._policy.safe_default.value,
                expires_at=until,
            ),
        )
        answer = self._ask(proposal)
        if answer is None:
            return expire(ruling.docket, self._policy, until)
        return answered(
            ruling.docket,
            self._policy,
            proposal.instance,
            by=who,
            round=number,
            offer=ways[answer].id,
            now=self._now(),
        )

    def _now(self) -> Instant:
        assert self.log is not None, "the story was opened"
        return self.log.history[-1][0]


def _offer(way: AlternativeTold) -> Offer:
    return Offer(
        id=way.id,
        rung=Rung.REPAIR,
        cost_minor=way.cost_minor,
        delay_ns=way.delay_ns,
        reasons=way.because,
    )


def _number(ways: Sequence[AlternativeTold], name: str) -> int:
    return next(number for number, each in enumerate(ways) if each.id == name)
