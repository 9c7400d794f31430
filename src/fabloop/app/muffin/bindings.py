"""To whom each step of the week went and why: who was considered, who was held, for how long."""

from collections.abc import Sequence

import msgspec

from fabloop.app.pictures.report import Section, Table
from fabloop.app.sentences import sentence
from fabloop.app.service_runtime.facts import (
    CallBound,
    CallTroubled,
    LeaseEnd,
    LeaseEnded,
    LeaseResumed,
    RuntimeFact,
    ServiceLost,
    ServiceReturned,
)
from fabloop.app.value_texts import in_zone
from fabloop.base.instant import Instant, iso_of
from fabloop.model.explanation import BindingCode

BINDINGS_SHOWN = 200
"""Decisions on the page; the JSON document has all of them."""

History = Sequence[tuple[Instant, RuntimeFact]]
_PASSED_OVER = frozenset(
    (
        BindingCode.DEARER,
        BindingCode.AWAY,
        BindingCode.DECLINED,
        BindingCode.HELD,
        BindingCode.NOT_GRANTED,
        BindingCode.BLACKLISTED,
        BindingCode.NOT_OFFERED,
    )
)
"""Reasons that tell of a choice: without them nobody else could have done it."""


class Considered(msgspec.Struct, frozen=True, kw_only=True):
    """Another operation that was considered, and why it was not taken."""

    operation: str
    reason: str
    because: str


class BindingTold(msgspec.Struct, frozen=True, kw_only=True):
    """One decision of late binding.

    Attributes
    ----------
    waited_since, waited_for : since when nobody could do it, and why that was so at last
    held_from, held_to : while the offer was held for this step; None where it serves many at once
    ended : why it was let go of
    """

    at: str
    about: str
    node: str
    service: str
    operation: str
    because: str
    others: tuple[Considered, ...]
    waited_since: str | None = None
    waited_for: str = ""
    offer: str = ""
    held_from: str | None = None
    held_to: str | None = None
    ended: str = ""


def bindings_of(history: History) -> tuple[BindingTold, ...]:
    """Return every decision in the order in which they were made."""
    waits: dict[int, tuple[Instant, str]] = {}
    open_at: dict[int, int] = {}
    found: list[BindingTold] = []
    for at, fact in history:
        match fact:
            case CallTroubled(trouble="nobody", job=job, reason=reason):
                since = waits[job][0] if job in waits else at
                waits[job] = (since, reason)
            case CallBound():
                open_at[fact.job] = len(found)
                found.append(_told(at, fact, waits.pop(fact.job, None)))
            case LeaseEnded(job=job, why=why) if job in open_at:
                number = open_at[job]
                ended = msgspec.structs.replace(found[number], held_to=iso_of(at), ended=str(why))
                found[number] = ended
            case LeaseResumed(job=job) if job in open_at:
                number = open_at[job]
                found[number] = msgspec.structs.replace(found[number], held_to=None, ended="")
            case _:
                pass
    return tuple(found)


def _told(at: Instant, fact: CallBound, waited: tuple[Instant, str] | None) -> BindingTold:
    return BindingTold(
        at=iso_of(at),
        about=fact.about,
        node=fact.node,
        service=fact.service,
        operation=fact.operation,
        because=sentence(fact.because, at),
        others=tuple(
            Considered(operation=each.subject, reason=each.code, because=sentence(each, at))
            for each in fact.others
        ),
        waited_since=iso_of(waited[0]) if waited else None,
        waited_for=waited[1] if waited else "",
        offer=fact.offer,
        held_from=iso_of(at) if fact.offer else None,
    )


def bindings_section(history: History, zone: str) -> Section:
    """Return the decisions in which there was something to choose, or to wait for, as a table."""
    every = bindings_of(history)
    chosen = [e for e in every if e.waited_since or any(_is_choice(x) for x in e.others)]
    held = sum(bool(each.offer) for each in every)
    lost = sum(isinstance(fact, ServiceLost) for _, fact in history)
    returned = sum(isinstance(fact, ServiceReturned) for _, fact in history)
    said = f"""
{len(every)} decisions were made by the local cloud, each when its step was to be done; {held} of
them held the offer for the step. Services that kept silent for too long: {lost}, and were heard
again: {returned}. {_shown(len(chosen))}"""
    return Section(
        title="Who did it, and why",
        paragraphs=(" ".join(said.split()),),
        tables=(_table(chosen[:BINDINGS_SHOWN], zone),),
    )


def _shown(count: int) -> str:
    what = "those in which there was something to choose or to wait for"
    first = f"the first {BINDINGS_SHOWN} of " if count > BINDINGS_SHOWN else ""
    return f"Shown are {first}{what}: {count}." if count else f"There were none of {what}."


def _is_choice(considered: Considered) -> bool:
    return considered.reason in _PASSED_OVER


def _table(told: Sequence[BindingTold], zone: str) -> Table:
    rows = tuple(
        (
            in_zone(each.at, zone),
            f"{each.about}, {each.node}",
            f"{each.service}.{each.operation}",
            each.because,
            " ".join(x.because for x in each.others) or "Nobody else was considered.",
            _since(each, zone),
            _held(each, zone),
        )
        for each in told
    )
    heads = ("When", "Step", "Goes to", "Because", "Others", "Waited", "Held")
    return Table(caption="Decisions of late binding", heads=heads, rows=rows)


def _since(told: BindingTold, zone: str) -> str:
    return f"since {_clock(told.waited_since, told.at, zone)}" if told.waited_since else "–"


def _held(told: BindingTold, zone: str) -> str:
    if told.held_from is None:
        return "serves many at once"
    if not told.held_to:
        return "still"
    return f"until {_clock(told.held_to, told.at, zone)}: {told.ended}"


def _clock(iso: str, beside: str, zone: str) -> str:
    """Return a local time; without its date where that is the date of what stands beside."""
    here, there = in_zone(iso, zone), in_zone(beside, zone)
    return here[11:] if here[:10] == there[:10] else here


def told_bound(fact: CallBound) -> str:
    """Return a sentence about a step that goes to somebody because another one is not to be had."""
    passed = [each for each in fact.others if each.code in _UNUSUAL]
    if not passed:
        return ""
    why = ", ".join(f"{e.subject} {_UNUSUAL[e.code].format(**e.details)}" for e in passed)
    return f"{fact.about}: {fact.node} goes to {fact.service}.{fact.operation}: {why}"


_UNUSUAL: dict[str, str] = {
    BindingCode.AWAY: "has not been heard",
    BindingCode.HELD: "is held for {by}",
    BindingCode.NOT_GRANTED: "does not serve us",
    BindingCode.BLACKLISTED: "is on the blacklist",
}


def told_ended(fact: LeaseEnded) -> str:
    """Return a sentence about an offer that was let go of before its step had ended."""
    if fact.why in (LeaseEnd.DONE, LeaseEnd.NOT_NOW):
        return ""
    return f"{fact.about}: {fact.service} is held no more: {fact.why}"
