"""A week of the bakery as one document: orders, calls, deviations, changes with reasons, KPIs."""

from collections.abc import Sequence

import msgspec

from fabloop import __version__
from fabloop.app.muffin.bindings import BindingTold, bindings_of
from fabloop.app.muffin.kpis import OrderCourse, WeekFigures, courses_of, figures_of
from fabloop.app.muffin.play import Week
from fabloop.app.service_runtime.facts import (
    AnswerRefused,
    ChainComposed,
    Deviated,
    GoalMoved,
    LeaseEnd,
    LeaseEnded,
    LookedUp,
    MachinesSlowed,
    OvenScheduled,
    PersonAnswered,
    PersonAsked,
    QuestionWithdrawn,
    RepairApproved,
    RepairDeclined,
    RepairEnacted,
    RepairImpossible,
    RepairKept,
    RepairProposed,
    RepairUndone,
    RungTried,
    RuntimeFact,
    ServiceFound,
    ServiceLost,
    ServiceReturned,
    ServicesDiscovered,
)
from fabloop.app.service_runtime.ladder import SAFE_DEFAULT
from fabloop.base.instant import Instant, iso_of

FORMAT = "fabloop/muffin/1"
CHAIN = (
    Deviated
    | RungTried
    | OvenScheduled
    | PersonAsked
    | PersonAnswered
    | AnswerRefused
    | QuestionWithdrawn
    | LookedUp
    | ServicesDiscovered
    | ChainComposed
    | RepairProposed
    | RepairApproved
    | RepairDeclined
    | RepairEnacted
    | RepairImpossible
    | RepairUndone
    | MachinesSlowed
    | GoalMoved
    | ServiceLost
    | ServiceReturned
)
"""What an adaptation consists of."""


class ToldAt(msgspec.Struct, frozen=True, kw_only=True):
    """A fact and when it was told (ISO 8601, UTC)."""

    at: str
    fact: RuntimeFact


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Questions to people, and those of which the time was over without an answer.

    Where the story has not `waited`, time for an answer passed at once: nobody could give one.
    """

    asked: int
    unanswered: int
    waited: bool


class WeekVolatile(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from run to run although nothing else does."""

    wall_s: float
    data: str
    exhibits: tuple[str, ...]
    fabloop: str = __version__
    resumed: bool = False
    silence: Silence | None = None


class WeekChronicle(msgspec.Struct, frozen=True, kw_only=True):
    """The document that ``--json`` writes; everything but `volatile` follows from the seed."""

    format: str
    story: str
    scenario: str
    seed: int
    begins_at: str
    ended_at: str
    figures: WeekFigures
    services: tuple[ServiceFound, ...]
    orders: tuple[OrderCourse, ...]
    bindings: tuple[BindingTold, ...]
    chain: tuple[ToldAt, ...]
    facts: tuple[ToldAt, ...]
    volatile: WeekVolatile


def chronicle_of(week: Week, volatile: WeekVolatile) -> WeekChronicle:
    """Return all that happened so far."""
    history = week.log.history
    return WeekChronicle(
        format=FORMAT,
        story=week.settings.story,
        scenario=week.settings.scenario,
        seed=week.settings.seed,
        begins_at=iso_of(week.bakery.begins_at),
        ended_at=iso_of(week.clock.now()),
        figures=figures_of(history, week.bakery),
        services=tuple(fact for _, fact in history if isinstance(fact, ServiceFound)),
        orders=courses_of(history, week.bakery),
        bindings=bindings_of(history),
        chain=tuple(_told(at, fact) for at, fact in history if _is_of_chain(fact)),
        facts=tuple(_told(at, fact) for at, fact in history if not isinstance(fact, RepairKept)),
        volatile=volatile,
    )


def silence_of(history: Sequence[tuple[Instant, RuntimeFact]], *, waited: bool) -> Silence:
    """Return how many questions were put that have an end, and how many nobody has answered."""
    facts = [fact for _, fact in history]
    asked = [each for each in facts if isinstance(each, PersonAsked) and each.expires_at]
    silent = [
        each
        for each in facts
        if isinstance(each, RungTried) and each.rung == SAFE_DEFAULT and "not answered" in each.why
    ]
    return Silence(asked=len(asked), unanswered=len(silent), waited=waited)


def _is_of_chain(fact: RuntimeFact) -> bool:
    """Tell whether a fact is part of an adaptation; a step that passes to another system is."""
    if isinstance(fact, LeaseEnded):
        return fact.why in (LeaseEnd.SILENT, LeaseEnd.TAKEN_OVER, LeaseEnd.RAN_OUT)
    return isinstance(fact, CHAIN)


def _told(at: Instant, fact: RuntimeFact) -> ToldAt:
    return ToldAt(at=iso_of(at), fact=fact)
