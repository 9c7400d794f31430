"""What each rung of the ladder finds for a load: one that is overcooked, or one that waits."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from fabloop.adapt.again import against_again, missing_of, said_of
from fabloop.adapt.ladder import Offer, TryRung
from fabloop.adapt.policy import Rung
from fabloop.adapt.repair.proposal import Situation
from fabloop.adapt.resequence import Line, NoLine
from fabloop.app.muffin.machines import Machines
from fabloop.app.muffin.ovens import Ovens, turn_text
from fabloop.app.service_runtime.errands import Errand
from fabloop.app.service_runtime.ladder import Look
from fabloop.app.service_runtime.runtime import Runtime
from fabloop.base.instant import HOUR, SECOND, Instant, span_text
from fabloop.model.explanation import Explanation

AFTER_BAKING_NS = HOUR
"""What toppings, boxes and waiting for one's turn take after a load has left the oven."""

Does = Callable[[], str]
"""Carries out what a rung has found: why it could not be, empty where it was."""


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """What the rungs below a repair find, and how it is carried out."""

    looks: Mapping[Rung, Look]
    does: Mapping[Rung, Does]


class Yard(msgspec.Struct, frozen=True, kw_only=True):
    """Where loads wait: who calls, which machines, which ovens with which turns."""

    runtime: Runtime
    machines: Machines
    ovens: Ovens


def of_burnt(situation: Callable[[], Situation]) -> Ways:
    """Return what is found for overcooked muffins: what is missing does not come by itself.

    It is judged by what the rest of the process needs and operations are described to do.
    """

    def tolerate(_move: object) -> tuple[Offer, ...] | str:
        missing = missing_of(situation())
        if missing:
            return f"what is overcooked cannot be sold: the rest needs {said_of(missing)}"
        return (offer(Rung.TOLERATE, "the rest of the process does not need it"),)

    def retry(_move: object) -> tuple[Offer, ...] | str:
        against = against_again(situation())
        return against or (offer(Rung.RETRY, "it is done once more"),)

    def rebind(_move: object) -> tuple[Offer, ...] | str:
        against = against_again(situation())
        return f"whoever does it: {against}" if against else "it is the same by whomever"

    def replan(_move: object) -> tuple[Offer, ...] | str:
        return f"no other turn at the oven brings about {said_of(missing_of(situation()))}"

    looks = {
        Rung.TOLERATE: tolerate, Rung.RETRY: retry, Rung.REBIND: rebind, Rung.REPLAN: replan,
    }  # fmt: skip
    return Ways(looks=looks, does={})


def together(ways: Sequence[Ways]) -> Ways:
    """Return what helps all of several deviations at once: a rung is taken if it helps each."""
    if len(ways) == 1:
        return ways[0]

    def looking(rung: Rung) -> Look:
        def look(move: TryRung) -> tuple[Offer, ...] | str:
            found = [each.looks[rung](move) for each in ways if rung in each.looks]
            against = [each for each in found if isinstance(each, str)]
            if against:
                return "; ".join(against)
            reasons = (e.reasons for offers in found for e in offers[:1])  # type: ignore[union-attr]  # no text is left
            return (Offer(id=rung, rung=rung, reasons=tuple(r for each in reasons for r in each)),)

        return look

    def doing(rung: Rung) -> Does:
        return lambda: "; ".join(
            filter(None, (each.does[rung]() for each in ways if rung in each.does))
        )

    rungs = dict.fromkeys(rung for each in ways for rung in each.looks)
    return Ways(
        looks={rung: looking(rung) for rung in rungs}, does={rung: doing(rung) for rung in rungs}
    )


def of_waiting(
    yard: Yard, errand: Errand, lot: str, deadline: Instant, repair: str, now: Instant
) -> Ways:
    """Return what is found for a load that waits for an oven, by when its orders are wanted."""
    about, ovens = errand.task.about, yard.ovens
    usual = ovens.line(lot, now)
    stood = ovens.all_back_at() is not None
    found: list[Line] = []

    def tolerate(_move: object) -> tuple[Offer, ...] | str:
        ready = ready_at(usual, lot)
        if ready > deadline:
            return f"G1 would be missed by {span_text(ready - deadline)}"
        spare = f"{span_text(deadline - ready)} to spare for G1"
        return (offer(Rung.TOLERATE, f"{_back(ovens, usual, lot, now)}, {spare}"),)

    def retry(_move: object) -> tuple[Offer, ...] | str:
        for each in ovens.names():
            yard.machines.look_at(each, now)
        if stood and ovens.all_back_at() is None:
            return (offer(Rung.RETRY, "asked once more, it works again"),)
        return f"asked once more, {_back(ovens, usual, lot, now)}"

    def rebind(_move: object) -> tuple[Offer, ...] | str:
        against = yard.runtime.choosing.against_others(errand, now)
        return against or (offer(Rung.REBIND, "another service bakes it as it stands"),)

    def replan(move: object) -> tuple[Offer, ...] | str:
        seconds = getattr(move, "budget_ns", SECOND) / SECOND
        line = ovens.reordered(lot, now, seconds)
        if isinstance(line, NoLine):
            return line.why
        found[:] = [line]
        spare = span_text(deadline - ready_at(line, lot))
        turn = f"{turn_text(line, usual, lot)}, {spare} to spare for G1, and nobody else is late"
        return (offer(Rung.REPLAN, turn),)

    def keep_usual() -> str:
        ovens.keep(usual, about, repair, now)
        return ""

    def keep_found() -> str:
        ovens.keep(found[0], about, repair, now, anew=True)
        return ""

    def bind_anew() -> str:
        if errand.candidate is not None:
            errand.excluded.add(str(errand.candidate.service.id))
        errand.due = now
        return ""

    looks = {
        Rung.TOLERATE: tolerate,
        Rung.RETRY: retry,
        Rung.REBIND: rebind,
        Rung.REPLAN: replan,
    }
    does = {Rung.TOLERATE: keep_usual, Rung.REBIND: bind_anew, Rung.REPLAN: keep_found}
    return Ways(looks=looks, does=does)


def ready_at(line: Line, lot: str) -> Instant:
    """Return when the orders of a load are ready that has this turn."""
    return Instant(line.slot(lot).ends_at + AFTER_BAKING_NS)


def _back(ovens: Ovens, usual: Line, lot: str, now: Instant) -> str:
    back = ovens.all_back_at()
    if back is None:
        return f"its turn comes in {span_text(usual.slot(lot).begins_at - now)}"
    return f"the oven is back in {span_text(back - now)}"


def offer(rung: Rung, why: str) -> Offer:
    """Return a way out that costs nothing, with what it is."""
    reason = Explanation(code=str(rung), subject="G1", details={"why": why})
    return Offer(id=rung, rung=rung, reasons=(reason,))
