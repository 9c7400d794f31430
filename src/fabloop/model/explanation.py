"""Explanations: why something was decided, as codes and values; sentences are made at the edge."""

from enum import StrEnum

import msgspec

from fabloop.base.instant import Instant
from fabloop.base.quantity import Dimension


class ReasonCode(StrEnum):
    """What matching and planning may have to explain; `Explanation.code` is one of these texts."""

    SKILL_NOT_OFFERED = "skill-not-offered"
    PARAMETER_NOT_STATED = "parameter-not-stated"
    PARAMETER_UNKNOWN = "parameter-unknown"
    PARAMETER_UNUSABLE = "parameter-unusable"
    OUT_OF_SPAN = "out-of-span"
    NOT_AMONG = "not-among"
    TOO_HIGH = "too-high"
    TOO_LOW = "too-low"
    KPI_TOO_HIGH = "kpi-too-high"
    KPI_TOO_LOW = "kpi-too-low"
    KPI_MISSING = "kpi-missing"
    KPI_STALE = "kpi-stale"
    KPI_FROM_FUTURE = "kpi-from-future"
    KPI_UNUSABLE = "kpi-unusable"
    NO_PERSON = "no-person"
    UNIT_UNAVAILABLE = "unit-unavailable"
    TOOL_MISSING = "tool-missing"
    OPEN_TOO_SHORT = "open-too-short"
    SHIFT_TOO_SHORT = "shift-too-short"
    NOT_WISHED = "not-wished"

    NO_UNIT_WITH_SKILL = "no-unit-with-skill"
    NO_UNIT_MEETS = "no-unit-meets"
    NO_ROUTE = "no-route"
    CHOICE_CLASH = "choice-clash"
    NOT_WITHIN_SITE = "not-within-site"
    TOO_LATE = "too-late"
    UNIT_BUSY = "unit-busy"
    UNIT_CLOSED = "unit-closed"
    WISH_IN_THE_WAY = "wish-in-the-way"
    TOO_MANY_CHANGES = "too-many-changes"
    WISH_BEST = "wish-best"
    WISH_LEAVES_NOBODY = "wish-leaves-nobody"
    SITE_LACKS = "site-lacks"
    SITE_MISSES = "site-misses"
    SITE_ONLY = "site-only"
    MATERIAL_MISSING = "material-missing"
    STEP_ENDANGERED = "step-endangered"

    STEP_MISSING = "step-missing"
    STEP_UNKNOWN = "step-unknown"
    STEP_UNFIT = "step-unfit"
    STEP_TOO_EARLY = "step-too-early"
    STEP_FIGURE_WRONG = "step-figure-wrong"
    STEP_NOT_KEPT = "step-not-kept"
    STEP_WHILE_CLOSED = "step-while-closed"
    UNIT_OVERLAP = "unit-overlap"
    MOVEMENT_MISSING = "movement-missing"
    MOVEMENT_BROKEN = "movement-broken"
    MOVEMENT_IMPOSSIBLE = "movement-impossible"
    MOVEMENT_TOO_EARLY = "movement-too-early"
    MOVEMENT_FIGURE_WRONG = "movement-figure-wrong"
    STEP_WITHOUT_TOOL = "step-without-tool"
    TOOL_OVERLAP = "tool-overlap"
    PERSON_MISSING = "person-missing"
    PERSON_OFF_SHIFT = "person-off-shift"
    PERSON_OVERLAP = "person-overlap"
    SETUP_UNKNOWN = "setup-unknown"
    SETUP_MISSING = "setup-missing"
    MATERIAL_TOO_LATE = "material-too-late"
    STOCK_OVERDRAWN = "stock-overdrawn"
    BATCH_WRONG = "batch-wrong"
    SHIPMENT_WRONG = "shipment-wrong"
    DEPARTURE_MISSED = "departure-missed"
    TOTAL_WRONG = "total-wrong"
    WISH_BROKEN = "wish-broken"


class OptionCode(StrEnum):
    """What the planner may propose; `Option.code` is one of these texts."""

    LOOSEN = "loosen"
    CHOOSE_OTHER = "choose-other"
    RESTORE_KPI = "restore-kpi"
    MEASURE_KPI = "measure-kpi"
    UPGRADE_OFFER = "upgrade-offer"
    ADD_SKILL = "add-skill"
    ADD_PERSON = "add-person"
    TRAIN_PERSON = "train-person"
    ADD_TOOL = "add-tool"
    RELEASE_UNIT = "release-unit"
    OPEN_LONGER = "open-longer"
    EXTRA_SHIFT = "extra-shift"
    SPLIT_LOT = "split-lot"
    ADD_LINK = "add-link"
    ADD_LANE = "add-lane"


class DangerCode(StrEnum):
    """What may endanger a plan that waits or is being carried out, or has overtaken it."""

    UNIT_BROKEN = "unit-broken"
    UNIT_CLOSED = "unit-closed"
    UNIT_TAKEN = "unit-taken"
    MATERIAL_LATE = "material-late"
    SHIPMENT_LATE = "shipment-late"
    LANE_CLOSED = "lane-closed"
    PERSON_ABSENT = "person-absent"
    STEP_OVERRAN = "step-overran"
    TOOL_BROKEN = "tool-broken"
    DUE_MISSED = "due-missed"
    LIMIT_AHEAD = "limit-ahead"
    KPI_CHANGED = "kpi-changed"
    KPI_GONE = "kpi-gone"
    CHEAPER_NOW = "cheaper-now"


class ChangeCode(StrEnum):
    """Why a new plan changes what nothing endangers by itself."""

    MOVES_BY_NEED = "moves-by-need"
    MOVES_FOR_GAIN = "moves-for-gain"
    AFTER_INPUT = "after-input"
    AFTER_STEP = "after-step"
    AFTER_OTHERS = "after-others"
    AS_SOON_AS_OPEN = "as-soon-as-open"
    OTHER_WAY = "other-way"


class ReliefCode(StrEnum):
    """What a person may do about a danger or a refusal, besides what the planner proposes."""

    START_LATER = "start-later"
    SPEED_UP = "speed-up"
    GIVE_TIME = "give-time"
    REPLAN_BEFORE = "replan-before"
    LIFT_WISH = "lift-wish"
    CHOOSE_FEATURE = "choose-feature"


class UndoCode(StrEnum):
    """Why an adaptation cannot be undone."""

    NOTHING_TO_UNDO = "nothing-to-undo"
    BEGUN_ELSEWHERE = "begun-elsewhere"
    SHIPPED_AWAY = "shipped-away"
    NO_WAY_BACK = "no-way-back"


class RepairCode(StrEnum):
    """Why a running process is repaired, and how; `Explanation.code` is one of these texts."""

    NEED_UNMET = "need-unmet"
    GOAL_UNMET = "goal-unmet"
    STEPS_BEFORE = "steps-before"
    STEPS_BESIDE = "steps-beside"
    STEPS_INSTEAD = "steps-instead"
    TOO_SLOW = "too-slow"
    PRICE_UNKNOWN = "price-unknown"
    LEARNED = "learned"
    RUNG_TRIED = "rung-tried"
    NOBODY_ANSWERED = "nobody-answered"


class DispatchCode(StrEnum):
    """What late binding may have to explain; `Explanation.code` is one of these texts."""

    BOUND = "bound"
    BOUND_AND_ASSIGNED = "bound-and-assigned"
    ASSIGNED = "assigned"
    CARRIED = "carried"
    RESERVED = "reserved"
    NO_LANE = "no-lane"
    NOBODY_ON_SHIFT = "nobody-on-shift"
    ALL_PERSONS_BUSY = "all-persons-busy"
    NOBODY_SKILLED = "nobody-skilled"
    TURN_NOT_COME = "turn-not-come"
    MATERIAL_AWAITED = "material-awaited"
    TOOL_OUT = "tool-out"
    UNIT_STOPPED = "unit-stopped"
    LANE_SHUT = "lane-shut"
    QUALIFICATION_MISSING = "qualification-missing"
    QUALIFICATION_EXPIRED = "qualification-expired"
    EXPOSURE_REACHED = "exposure-reached"
    REST_NEEDED = "rest-needed"
    ALL_PERSONS_REST = "all-persons-rest"
    NOBODY_WITHIN_LIMITS = "nobody-within-limits"


class BindingCode(StrEnum):
    """To which service a job goes, and why not to others; `Explanation.code` is one of these."""

    BOUND = "service-bound"
    DEARER = "service-dearer"
    AWAY = "service-away"
    DECLINED = "service-declined"
    CONDITION_NOT_MET = "condition-not-met"
    NOBODY_OFFERS = "nobody-offers"
    HELD = "offer-held"
    NOT_GRANTED = "offer-not-granted"
    BLACKLISTED = "system-blacklisted"
    NOT_OFFERED = "offer-unfit"


class GoalCode(StrEnum):
    """How a goal stands and why; `Explanation.code` is one of these texts."""

    MET = "goal-met"
    LATE = "goal-late"
    UNREACHABLE = "goal-unreachable"
    ENDED_WITHOUT = "goal-ended-without"
    HAPPENED = "goal-happened"
    TOO_EARLY = "goal-too-early"
    OUT_OF_ORDER = "goal-out-of-order"
    CONDITION_FALSE = "goal-condition-false"
    PARTS_LOST = "goal-parts-lost"
    PARTS_AT_RISK = "goal-parts-at-risk"
    AT_RISK = "goal-at-risk"
    TIME_RUNS_OUT = "goal-time-runs-out"
    KPI_MISSED = "goal-kpi-missed"
    KPI_AT_RISK = "goal-kpi-at-risk"
    RESTORED = "goal-restored"
    CONTRARY = "goals-contrary"
    TOO_TIGHT = "goal-too-tight"
    NEVER_BUT_MUST = "goal-never-but-must"
    CONDITIONS_CLASH = "goal-conditions-clash"
    PART_LOOSER = "goal-part-looser"
    LIMITS_CLASH = "goal-limits-clash"
    NODE_UNKNOWN = "goal-node-unknown"


class MarketCode(StrEnum):
    """What a contract may have to explain; `Explanation.code` is one of these texts."""

    DELIVERY_LATE = "delivery-late"
    DELIVERY_ENDANGERED = "delivery-endangered"
    PROMISE_BROKEN = "promise-broken"
    PROMISE_UNPROVEN = "promise-unproven"


class ConditionCode(StrEnum):
    """What the condition of a machine may have to explain; `Explanation.code` is one of these."""

    ANOMALY = "anomaly"
    REMAINING_LIFE = "remaining-life"
    MAINTENANCE = "maintenance"
    ALARM = "alarm"
    ALARM_OVER = "alarm-over"
    ALARM_HIDDEN = "alarm-hidden"
    ALARM_DECLINED = "alarm-declined"
    ALARM_UNANSWERED = "alarm-unanswered"
    SHELF_EXPIRED = "shelf-expired"
    ALARM_FLOOD = "alarm-flood"
    ALARM_FLOOD_OVER = "alarm-flood-over"


class DiscoveryCode(StrEnum):
    """What finding and composing services may have to explain; `Explanation.code` is one of these.

    Those that end in ``unknown`` say that nothing is stated: it may fit or not.
    """

    MEANT_BY = "meant-by"
    WORDS_GUESSED = "words-guessed"
    CAPABLE = "capable"
    CAPABILITY_UNKNOWN = "capability-unknown"
    SKILL_UNKNOWN = "skill-unknown"
    AMOUNT_UNJUDGED = "amount-unjudged"
    NEAR_ENOUGH = "near-enough"
    TOO_FAR = "too-far"
    PLACE_UNKNOWN = "place-unknown"
    IN_TIME = "in-time"
    ANSWERS_TOO_LATE = "answers-too-late"
    DURATION_UNKNOWN = "duration-unknown"
    FED_BY = "fed-by"
    FED_BY_DATA = "fed-by-data"
    FED_BY_NOBODY = "fed-by-nobody"
    ANSWERED_BEFORE = "answered-before"


class RungCode(StrEnum):
    """What a rung of the adaptation policy can do about a plan in danger, or why it cannot."""

    NOT_TOLERABLE = "not-tolerable"
    LATE_ONLY = "late-only"
    NOTHING_TO_RETRY = "nothing-to-retry"
    NO_OTHER_UNIT = "no-other-unit"
    REBOUND = "rebound"
    REPLANNED = "replanned"
    NO_OTHER_PLAN = "no-other-plan"
    NOT_ALLOWED = "not-allowed"
    LEFT_TO_PERSON = "left-to-person"
    HELD = "held"
    SILENCE = "silence"


class SafetyCode(StrEnum):
    """Why a command does not leave; `Explanation.code` is one of these texts."""

    PERMITTED = "permitted"
    DECLARED_FREE = "declared-free"
    NO_SAFETY_DOCUMENT = "no-safety-document"
    SIMULATED = "simulated"
    NOT_DECLARED = "not-declared"
    SIGNAL_MISSING = "signal-missing"
    SIGNAL_BAD = "signal-bad"
    SIGNAL_STALE = "signal-stale"
    SIGNAL_FROM_FUTURE = "signal-from-future"
    SIGNAL_CONTRARY = "signal-contrary"
    HEARTBEAT_LOST = "heartbeat-lost"
    CONTROLLER_STOPPED = "controller-stopped"
    STOP_STANDS = "stop-stands"
    STOP_NOT_CONFIRMED = "stop-not-confirmed"
    PERSON_NOT_NAMED = "person-not-named"
    NOTHING_TO_RESET = "nothing-to-reset"
    VERDICT_TOO_SLOW = "verdict-too-slow"
    NOT_CONFIRMED = "not-confirmed"
    CLAIM_REFUSED = "claim-refused"
    PERMIT_REFUSED = "permit-refused"
    PERMIT_MISSING = "permit-missing"
    PERMIT_UNREADABLE = "permit-unreadable"
    PERMIT_UNCHECKED = "permit-unchecked"
    PERMIT_OVER = "permit-over"
    PERMIT_UNKNOWN = "permit-unknown"
    PERMIT_FOREIGN = "permit-foreign"
    PERMIT_USED = "permit-used"


class SeverityCode(StrEnum):
    """What makes a deviation as bad as it is; `Explanation.code` is one of these texts."""

    SAFETY_CONCERNED = "severity-safety"
    STANDS = "severity-stands"
    GOAL_LOST = "severity-goal-lost"
    GOAL_AT_STAKE = "severity-goal-at-stake"
    NOT_FIT = "severity-not-fit"
    SPENT = "severity-spent"
    MANY_CONCERNED = "severity-many"
    NOTHING_AT_STAKE = "severity-nothing"


class Evidence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A value against its limit. `relation` is how value should stand to limit (``at most``)."""

    subject: str
    parameter: str
    relation: str = ""
    value: float | str | None = None
    limit: float | str | None = None
    dimension: Dimension | None = None
    at: Instant | None = None
    source: str = ""


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """Something that would help: a code, what it changes, from and to, and what it then costs.

    `price_minor` is what the change itself takes; where no document tells it, what it is ranked by
    is `assumed`.
    `also` holds what has to be changed together with it; the figures (of the cheapest plan after
    the change), `verified` and `least` speak of them together. `least` means proven: nothing less
    helps, apart from the options told before. Where that is not known, `least_share` is: what takes
    less than this share (0..1) of what the changes are ranked by does not help.
    """

    code: str
    subject: str
    parameter: str = ""
    before: float | str | None = None
    after: float | str | None = None
    dimension: Dimension | None = None
    price_minor: int | None = None
    assumed: bool = False
    cost_minor: int | None = None
    currency: str = ""
    makespan_ns: int | None = None
    energy_j: float | None = None
    co2_kg: float | None = None
    verified: bool = False
    least: bool = False
    least_share: float | None = None
    also: tuple["Option", ...] = ()


class Explanation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One claim with what supports it, what follows and what could be done.

    `code` names the sentence; `subject` and `details` fill its gaps.
    """

    code: str
    subject: str
    details: dict[str, str] = {}
    evidence: tuple[Evidence, ...] = ()
    consequence: str = ""
    options: tuple[Option, ...] = ()
