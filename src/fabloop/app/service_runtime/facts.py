"""What happens around processes done by services, as facts: recorded, told and never recomputed."""

from enum import StrEnum

import msgspec

from fabloop.adapt.patterns import Pattern
from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation


class _Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="fact", tag=True):
    """Base: one tagged union, told apart by the class name."""


class ServiceFound(_Fact, frozen=True, kw_only=True):
    """A service was read from its own description."""

    service: str
    title: str
    operations: tuple[str, ...]
    remarks: tuple[str, ...] = ()


class ProcessBegan(_Fact, frozen=True, kw_only=True):
    """An instance was started for something (an order, a batch)."""

    about: str
    process: str
    version: int
    instance: int


class CallBound(_Fact, frozen=True, kw_only=True):
    """A job goes to an operation of a service, for this reason; others were considered.

    Where it has the `offer` of the cloud for itself, it holds it until `held_until`, and longer as
    long as the system is heard.
    """

    job: int
    epoch: int
    about: str
    node: str
    service: str
    operation: str
    because: Explanation
    others: tuple[Explanation, ...] = ()
    offer: str = ""
    held_until: Instant | None = None


class LeaseEnd(StrEnum):
    """Why a job let go of what it held."""

    DONE = "the step has ended"
    NOT_NOW = "the service cannot now"
    DECLINED = "the service cannot do this"
    SILENT = "the system keeps silent"
    RAN_OUT = "it was not renewed in time"
    TAKEN_OVER = "the system keeps silent, another one takes over"
    GIVEN_UP = "a person has to look"
    DROPPED = "the step is no longer wanted"


class LeaseEnded(_Fact, frozen=True, kw_only=True):
    """A job holds an offer no more."""

    job: int
    about: str
    node: str
    service: str
    operation: str
    offer: str
    why: LeaseEnd


class LeaseResumed(_Fact, frozen=True, kw_only=True):
    """A job holds again what it had lost: its system was silent, and is on it still."""

    job: int
    about: str
    node: str
    service: str
    operation: str
    offer: str
    until: Instant


class ServiceLost(_Fact, frozen=True, kw_only=True):
    """A service has kept silent for too long: its offers are taken back until it is heard."""

    service: str
    again_at: Instant


class ServiceReturned(_Fact, frozen=True, kw_only=True):
    """A service that had kept silent is heard again, and offers what it did."""

    service: str


class CallWithheld(_Fact, frozen=True, kw_only=True):
    """A command did not leave: a permissive was false, stale or missing."""

    job: int
    about: str
    node: str
    service: str
    operation: str
    reasons: tuple[Explanation, ...]


class CallAnswered(_Fact, frozen=True, kw_only=True):
    """A service has done what it was asked, with this result."""

    job: int
    about: str
    node: str
    service: str
    operation: str
    begun_at: Instant
    given: dict[str, object]
    result: dict[str, object]


class CallTroubled(_Fact, frozen=True, kw_only=True):
    """A call did not end well; what is done about it, and when."""

    job: int
    about: str
    node: str
    service: str
    operation: str
    trouble: str
    reason: str
    rung: str
    again_at: Instant | None = None


class ServiceRestarted(_Fact, frozen=True, kw_only=True):
    """The process of a service had died and was started again."""

    service: str


class LookedUp(_Fact, frozen=True, kw_only=True):
    """Values that a call needs were taken from the data space, by this mapping."""

    about: str
    target: str
    mapping: str
    sources: tuple[str, ...]
    confidence: float
    rows: int
    values: dict[str, object]


class Deviated(_Fact, frozen=True, kw_only=True):
    """What is so differs from what should be; `subjects` are concerned by it."""

    about: str
    instance: int
    node: str
    repair: str
    differences: tuple[str, ...]
    because: Explanation
    subjects: tuple[str, ...] = ()


class RungTried(_Fact, frozen=True, kw_only=True):
    """A rung of the ladder was tried for a deviation, and what came of it.

    Attributes
    ----------
    attempts : how often it was tried until then
    budget_ns : how long it might take, as the policy has it
    lower : of the rung that is taken: why those below it were no way out
    severity, at_stake : how bad the deviation is, and what makes it so
    """

    about: str
    repair: str = ""
    rung: str
    helps: bool
    why: str
    attempts: int = 1
    budget_ns: int = 0
    lower: tuple[str, ...] = ()
    severity: str = ""
    at_stake: tuple[Explanation, ...] = ()


class TurnTold(msgspec.Struct, frozen=True, kw_only=True):
    """When a load is in which oven, and how long it has until its orders would be late."""

    load: str
    oven: str
    begins_at: Instant
    ends_at: Instant
    spare_ns: int


class OvenScheduled(_Fact, frozen=True, kw_only=True):
    """Loads that wait for an own oven have their turns; `anew`: in another order than they came."""

    about: str
    repair: str = ""
    turns: tuple[TurnTold, ...]
    anew: bool = False


class ServicesDiscovered(_Fact, frozen=True, kw_only=True):
    """Services were looked for by what is wanted: who fits, why, and why not others."""

    about: str
    wish: str
    found: tuple[str, ...]
    because: tuple[Explanation, ...]
    excluded: tuple[Explanation, ...]


class LinkTold(msgspec.Struct, frozen=True, kw_only=True):
    """One service of a chain.

    Attributes
    ----------
    inputs : where each comes from, and what is done to it on the way (units, kinds)
    calls : what goes in, one of a list for each item; empty where nothing was worked out yet
    because : why it is in the chain
    """

    step: str
    inputs: dict[str, str] = {}
    calls: tuple[dict[str, object], ...] = ()
    because: tuple[Explanation, ...] = ()


class ChainComposed(_Fact, frozen=True, kw_only=True):
    """Services were put together by their inputs and outputs.

    `needs` come from the data space; `changes` are done to values on their way. A chain that is
    drawn on for a load that is made again has the `lot`, and its `links` what goes in.
    """

    about: str
    goal: str
    steps: tuple[str, ...]
    certain: bool
    needs: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    lot: str = ""
    links: tuple[LinkTold, ...] = ()
    stopped: str = ""


class AlternativeTold(msgspec.Struct, frozen=True, kw_only=True):
    """One way to repair, in figures.

    Attributes
    ----------
    where : ``before``, ``beside`` or ``instead``, and the nodes
    delay_ns : by how much the instance goes on later than without the deviation
    late : the goals cannot be kept with it
    pattern : the learned repair that it comes from; empty for a new plan
    drawn : its steps that a composed chain does, by service and operation
    """

    id: str
    where: str
    steps: tuple[str, ...]
    cost_minor: int
    currency: str
    duration_ns: int
    delay_ns: int
    late: bool
    because: tuple[Explanation, ...] = ()
    pattern: str = ""
    drawn: tuple[str, ...] = ()


class RepairProposed(_Fact, frozen=True, kw_only=True):
    """A running process may be changed like this; somebody has to agree."""

    about: str
    instance: int
    repair: str
    reasons: tuple[Explanation, ...]
    chosen: AlternativeTold
    others: tuple[AlternativeTold, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    properties: dict[str, str]
    markings: int
    proven: bool
    process: str


class RepairApproved(_Fact, frozen=True, kw_only=True):
    """The proposed change is wanted, by a person or a policy: way out `option`, 0 is the best."""

    about: str
    instance: int
    repair: str
    by: str
    option: int = 0


class RepairDeclined(_Fact, frozen=True, kw_only=True):
    """The proposed change is not wanted; the safe default follows."""

    about: str
    instance: int
    repair: str
    by: str


class RepairImpossible(_Fact, frozen=True, kw_only=True):
    """No change was found that helps; a person has to decide."""

    about: str
    instance: int
    repair: str
    reasons: tuple[str, ...]


class RepairEnacted(_Fact, frozen=True, kw_only=True):
    """The running instance goes on by the changed process."""

    about: str
    instance: int
    repair: str
    process: str


class RepairKept(_Fact, frozen=True, kw_only=True):
    """What is needed to take a repair back (`kept.unpacked`); told to nobody."""

    about: str
    repair: str
    data: bytes


class RepairUndone(_Fact, frozen=True, kw_only=True):
    """A repair was taken back: `steps` compensate what was done, `lasting` is not taken back.

    Attributes
    ----------
    process : the one by which the instance goes on, or, where the repair was `over`, the one that
        compensates; empty where nothing can be
    because : of each step that lasts, why
    """

    about: str
    instance: int
    repair: str
    by: str
    process: str
    steps: tuple[str, ...]
    lasting: tuple[str, ...]
    because: tuple[str, ...] = ()
    over: bool = False


class PatternLearned(_Fact, frozen=True, kw_only=True):
    """An approved repair will be offered first the next time; `patterns` are all so far."""

    about: str
    pattern: str
    patterns: tuple[Pattern, ...] = ()


class GoalMoved(_Fact, frozen=True, kw_only=True):
    """A goal stands otherwise than before for one subject."""

    goal: str
    subject: str
    status: str
    because: Explanation
    at: Instant


class MachinesSlowed(_Fact, frozen=True, kw_only=True):
    """Machines were told another speed, because of a delay elsewhere."""

    about: str
    delay_percent: float
    speeds: dict[str, float]


class SafetyTold(_Fact, frozen=True, kw_only=True):
    """What the safety controller was asked, or said."""

    controller: str
    said: str


class PersonAsked(_Fact, frozen=True, kw_only=True):
    """A person has to decide; without an answer until `expires_at` the safe default counts."""

    about: str
    repair: str = ""
    who: str = ""
    question: str
    options: tuple[str, ...]
    default: str
    expires_at: Instant | None = None
    because: tuple[str, ...] = ()
    severity: str = ""
    at_stake: tuple[Explanation, ...] = ()


class PersonAnswered(_Fact, frozen=True, kw_only=True):
    """A person has decided: the offer that is wanted; empty for none of them.

    `number` is its place among the answers that were given in another process; 0 for others.
    """

    about: str
    repair: str
    by: str
    offer: str
    number: int = 0


class AnswerRefused(_Fact, frozen=True, kw_only=True):
    """An answer does not count: too late, of somebody else, or wanting what is not there."""

    repair: str
    by: str
    why: str
    number: int


class QuestionWithdrawn(_Fact, frozen=True, kw_only=True):
    """A question is open no more: whoever was asked did not know of this other deviation."""

    about: str
    repair: str
    because: str


class InstanceEnded(_Fact, frozen=True, kw_only=True):
    """A process instance completed or was cancelled."""

    about: str
    process: str
    instance: int
    state: str


class StoryTold(_Fact, frozen=True, kw_only=True):
    """Something of the story itself: an order came, a batch was closed."""

    what: str
    about: str
    details: dict[str, object] = {}


RuntimeFact = (
    ServiceFound
    | ProcessBegan
    | CallBound
    | LeaseEnded
    | LeaseResumed
    | ServiceLost
    | ServiceReturned
    | CallWithheld
    | CallAnswered
    | CallTroubled
    | ServiceRestarted
    | LookedUp
    | Deviated
    | RungTried
    | OvenScheduled
    | ServicesDiscovered
    | ChainComposed
    | RepairProposed
    | RepairApproved
    | RepairDeclined
    | RepairImpossible
    | RepairEnacted
    | RepairKept
    | RepairUndone
    | PatternLearned
    | GoalMoved
    | MachinesSlowed
    | SafetyTold
    | PersonAsked
    | PersonAnswered
    | AnswerRefused
    | QuestionWithdrawn
    | InstanceEnded
    | StoryTold
)
