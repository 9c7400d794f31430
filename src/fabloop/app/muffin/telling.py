"""Facts of the bakery's week as sentences for people."""

from collections.abc import Callable
from typing import Any

from fabloop.app.muffin.bindings import told_bound, told_ended
from fabloop.app.sentences import sentence
from fabloop.app.service_runtime.facts import (
    AnswerRefused,
    CallBound,
    CallTroubled,
    CallWithheld,
    ChainComposed,
    Deviated,
    GoalMoved,
    LeaseEnded,
    LookedUp,
    MachinesSlowed,
    OvenScheduled,
    PatternLearned,
    PersonAnswered,
    PersonAsked,
    QuestionWithdrawn,
    RepairApproved,
    RepairDeclined,
    RepairEnacted,
    RepairImpossible,
    RepairProposed,
    RepairUndone,
    RungTried,
    RuntimeFact,
    SafetyTold,
    ServiceLost,
    ServiceRestarted,
    ServiceReturned,
    ServicesDiscovered,
    StoryTold,
)
from fabloop.app.service_runtime.ladder import SAFE_DEFAULT
from fabloop.app.value_texts import in_zone
from fabloop.base.instant import Instant, iso_of, span_text

Words = Callable[[Any], str]
_REPAIR = ".r"


def told_text(fact: RuntimeFact) -> str:
    """Return a sentence; empty for what is told by figures alone. Instants are as in ISO 8601."""
    words = _WORDS.get(type(fact))
    return words(fact) if words is not None else ""


def told_in(fact: RuntimeFact, zone: str) -> str:
    """Return the same with every instant in one zone, which is named elsewhere."""
    return in_zone(told_text(fact), zone)


def _story(fact: StoryTold) -> str:
    if fact.what == "batch closed":
        orders = fact.details["orders"]
        count = len(orders) if isinstance(orders, list) else 0
        what = f"{fact.details['pieces']} {fact.details['type']} muffins"
        return f"{fact.about}: {what} for {count} order{'' if count == 1 else 's'}."
    if fact.what == "blackout":
        return f"The process of {fact.about} dies, in the middle of {fact.details['operation']}."
    if fact.what == "order refused":
        return f"{fact.about} is refused: {fact.details['why']}"
    return ""


def _troubled(fact: CallTroubled) -> str:
    if fact.trouble == "nobody":
        return ""
    where = f"{fact.service}.{fact.operation}" if fact.service else fact.node
    return f"{fact.about}: {where} ({fact.trouble}): {fact.reason} -> {fact.rung}"


def _withheld(fact: CallWithheld) -> str:
    reasons = ", ".join(each.code for each in fact.reasons)
    return f"{fact.about}: {fact.service}.{fact.operation} withheld: {reasons}"


def _rung(fact: RungTried) -> str:
    if fact.rung == SAFE_DEFAULT:
        return f"{fact.about}: what is safe is done: {fact.why}"
    bad = f" ({bad_text(fact)})" if fact.helps and fact.severity else ""
    return (
        f"{fact.about}: {fact.rung} {'helps' if fact.helps else 'does not help'}: {fact.why}{bad}"
    )


def bad_text(fact: RungTried | PersonAsked) -> str:
    """Return how bad a deviation is, and what makes it so."""
    return f"{fact.severity}, {'; '.join(sentence(each, Instant(0)) for each in fact.at_stake)}"


def _scheduled(fact: OvenScheduled) -> str:
    """Return the new order at the ovens; one that nobody changed is not told."""
    if not fact.anew:
        return ""
    turns = ", ".join(f"{each.load} at {iso_of(each.begins_at)}" for each in fact.turns)
    return f"{fact.about}: the oven is scheduled anew: {turns}"


def _looked_up(fact: LookedUp) -> str:
    """Return where the values of a repair come from; those of every dough are not told."""
    if _REPAIR not in fact.about and not fact.target.startswith("(QRCode"):
        return ""
    sources = ", ".join(fact.sources)
    return f"{fact.about}: {fact.target} from {sources} ({fact.confidence:.0%} sure)"


def _proposed(fact: RepairProposed) -> str:
    chosen = fact.chosen
    money = f"{chosen.cost_minor / 100:.2f} {chosen.currency}"
    span = span_text(chosen.delay_ns)
    steps = ", ".join(chosen.steps)
    count = len(fact.others)
    others = f"{count} other{'' if count == 1 else 's'}"
    return f"{fact.about}: proposed {chosen.where}: {steps} ({money}, {span} later; {others})"


def _undone(fact: RepairUndone) -> str:
    over = ", although it is over" if fact.over else ""
    steps = f"; compensated: {', '.join(fact.steps)}" if fact.steps else ""
    pairs = zip(fact.lasting, fact.because or [""] * len(fact.lasting), strict=True)
    kept = ", ".join(f"{step} ({why})" if why else step for step, why in pairs)
    lasting = f"; not taken back: {kept}" if kept else ""
    return f"{fact.about}: {fact.repair} is taken back by {fact.by}{over}{steps}{lasting}"


def _goal(fact: GoalMoved) -> str:
    if fact.status == "met":
        return ""
    return f"{fact.goal} of {fact.subject} is {fact.status}: {sentence(fact.because, fact.at)}"


def _slowed(fact: MachinesSlowed) -> str:
    paces = ", ".join(f"{name} {speed:.0%}" for name, speed in fact.speeds.items())
    return f"A delay of {fact.delay_percent:g} %: {paces}"


_WORDS: dict[type, Words] = {
    StoryTold: _story,
    CallBound: told_bound,
    CallTroubled: _troubled,
    LeaseEnded: told_ended,
    ServiceLost: lambda f: f"{f.service} keeps silent: nobody is bound to it until it is heard.",
    ServiceReturned: lambda f: f"{f.service} is heard again and offers what it did.",
    CallWithheld: _withheld,
    ServiceRestarted: lambda f: f"The process of {f.service} had died and was started again.",
    Deviated: lambda f: f"{f.about}: {', '.join(f.differences)}",
    RungTried: _rung,
    OvenScheduled: _scheduled,
    LookedUp: _looked_up,
    ServicesDiscovered: lambda f: f"{f.about}: '{f.wish}' -> {', '.join(f.found) or 'nobody'}",
    ChainComposed: lambda f: f"{f.about}: to {f.goal}: {' -> '.join(f.steps)}",
    RepairProposed: _proposed,
    RepairApproved: lambda f: f"{f.about}: approved by {f.by}.",
    RepairDeclined: lambda f: f"{f.about}: declined by {f.by}.",
    RepairEnacted: lambda f: f"{f.about}: goes on by {f.process}.",
    RepairUndone: _undone,
    RepairImpossible: lambda f: f"{f.about}: no repair: {'; '.join(f.reasons)}",
    PatternLearned: lambda f: f"Learned: {f.pattern}",
    GoalMoved: _goal,
    MachinesSlowed: _slowed,
    PersonAsked: lambda f: f"{f.question} It is {bad_text(f)}." if f.severity else f.question,
    PersonAnswered: lambda f: f"{f.about}: {f.by} wants {f.offer or 'none of it'}.",
    AnswerRefused: lambda f: f"The answer of {f.by} to {f.repair} does not count: {f.why}",
    QuestionWithdrawn: lambda f: f"{f.about}: {f.repair} is asked no more, {f.because} is.",
    SafetyTold: lambda f: f"{f.controller}: {f.said}",
}
