"""``fabloop adapt``: report what happened, see what is proposed, answer, and take back."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from fabloop.app.account import local_text, zone_of
from fabloop.app.chronicle import Recorded
from fabloop.app.demo import Demo, resume
from fabloop.app.reports import fact_of
from fabloop.app.snapshot import OrderState, Stage
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import Conflict, ExitCode, NotFound
from fabloop.base.instant import Instant, iso_of
from fabloop.base.names import did_you_mean
from fabloop.cli.given import read_bytes
from fabloop.cli.narrator import Narrator
from fabloop.model.disturbance import Reported
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationDeclined,
    AdaptationImpossible,
    AdaptationProposed,
    Fact,
    MaintenanceDeclined,
    MaintenancePlanned,
    RiskForeseen,
    UndoAsked,
    UndoRefused,
)
from fabloop.model.ids import OrderId, PlanId
from fabloop.model.maintenance import MaintenanceProposed


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an order stands: the plan that is followed, and what waits for an answer."""

    order: OrderId
    stage: Stage
    plan: PlanId | None
    followed: tuple[PlanId, ...]
    proposal: AdaptationProposed | None
    impossible: AdaptationImpossible | None


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """How all orders of a folder stand, and what was reported and is not over."""

    at: str
    orders: tuple[Standing, ...]
    reported: tuple[Reported, ...]
    stops_advised: tuple[MaintenanceProposed, ...]
    risks: tuple[RiskForeseen, ...]


def report(folder: Path, source: str, data: bytes, at: Instant | None, *, as_json: bool) -> int:
    """Tell the house what a report says; print what follows from it."""
    narrator, demo = _open(folder, as_json=as_json)
    try:
        now = _now(demo, at)
        fact = fact_of(source, data, demo.house.snapshot, now)
        narrator.follows(demo)
        heard = demo.house.hears(fact, now, "reporter")
        return _answer(heard, now, as_json=as_json)
    finally:
        demo.close()


def report_file(folder: Path, file: Path, at: Instant | None, *, as_json: bool) -> int:
    """Tell the house what a report in a file says; print what follows from it."""
    return report(folder, str(file), read_bytes(file), at, as_json=as_json)


def overview(folder: Path, *, as_json: bool) -> int:
    """Print how the orders stand, what is proposed for them and what was reported."""
    narrator, demo = _open(folder, as_json=as_json)
    try:
        snapshot = demo.house.snapshot
        found = Overview(
            at=iso_of(snapshot.now),
            orders=tuple(_standing(each) for each in snapshot.orders.values()),
            reported=tuple(snapshot.standing.values()),
            stops_advised=snapshot.upkeep.waiting(),
            risks=tuple(snapshot.upkeep.foreseen.values()),
        )
        if as_json:
            sys.stdout.write(to_json_pretty(found).decode())
            return ExitCode.FINE
        sys.stdout.write(f"At {local_text(snapshot.now, zone_of(demo))}\n")
        for line in _lines(found):
            sys.stdout.write(line + "\n")
        narrator.shows(demo, snapshot.standing.values(), snapshot.proposals())
        return ExitCode.FINE
    finally:
        demo.close()


def answer(
    folder: Path, order: str, by: str, at: Instant | None, *, yes: bool, as_json: bool
) -> int:
    """Approve or reject what is proposed for an order; print what follows from it."""
    narrator, demo = _open(folder, as_json=as_json)
    try:
        state = _known(demo, order)
        if state.stage is not Stage.CHANGING or state.proposal is None:
            raise Conflict(
                f"Expected a proposal for order '{order}', but it is {state.stage}. See all with "
                f"`fabloop adapt list {folder}`."
            )
        now, kind = _now(demo, at), AdaptationApproved if yes else AdaptationDeclined
        narrator.follows(demo)
        fact = kind(order=state.order.id, plan=state.proposal.plan.id, by=by)
        return _answer(demo.house.hears(fact, now, by), now, as_json=as_json)
    finally:
        demo.close()


def decide(
    folder: Path, unit: str, by: str, at: Instant | None, *, yes: bool, as_json: bool
) -> int:
    """Plan or decline the stops that are advised for a work unit; print what follows."""
    narrator, demo = _open(folder, as_json=as_json)
    try:
        waiting = demo.house.snapshot.upkeep.waiting()
        mine = [each for each in waiting if each.work_unit == unit]
        if not mine:
            known = ", ".join(sorted({each.work_unit for each in waiting})) or "none"
            raise Conflict(
                f"Expected a stop that is advised for '{unit}', but stops are advised for: {known}."
            )
        now = _now(demo, at)
        narrator.follows(demo)
        heard: list[Fact] = []
        for each in mine:
            fact: Fact = MaintenancePlanned(job=each.job, work_unit=each.work_unit, by=by)
            if not yes:
                fact = MaintenanceDeclined(job=each.job, work_unit=each.work_unit, at=now, by=by)
            heard += demo.house.hears(fact, now, by)
        return _answer(heard, now, as_json=as_json)
    finally:
        demo.close()


def undo(folder: Path, order: str, by: str, at: Instant | None, *, as_json: bool) -> int:
    """Go back to the plan before the last adaptation of an order, where that can be."""
    narrator, demo = _open(folder, as_json=as_json)
    try:
        state, now = _known(demo, order), _now(demo, at)
        narrator.follows(demo)
        fact = UndoAsked(order=state.order.id, by=by)
        return _answer(demo.house.hears(fact, now, by), now, as_json=as_json)
    finally:
        demo.close()


def _open(folder: Path, *, as_json: bool) -> tuple[Narrator, Demo]:
    narrator = Narrator(to_stderr=as_json, asks=False)
    return narrator, resume(folder, told=narrator.told)


def _now(demo: Demo, at: Instant | None) -> Instant:
    """Return when something is told: not before the last thing that is known."""
    last = demo.house.snapshot.now
    if at is not None and at < last:
        raise Conflict(
            f"Expected an instant not before {iso_of(last)}, what is known last, but found "
            f"{iso_of(at)}. Tell it for now, without --at."
        )
    return last if at is None else at


def _known(demo: Demo, order: str) -> OrderState:
    states = demo.house.snapshot.orders
    found = states.get(OrderId(order))
    if found is None:
        hint = did_you_mean(order, states)
        raise NotFound(f"Expected an order of the folder, but found '{order}'. {hint}")
    return found


def _answer(heard: Sequence[Fact], at: Instant, *, as_json: bool) -> int:
    """Print what was heard as JSON, if asked to; return whether a plan is left without a way."""
    if as_json:
        recorded = [Recorded(at=iso_of(at), fact=fact) for fact in heard]
        sys.stdout.write(to_json_pretty(recorded).decode())
    stuck = any(isinstance(each, AdaptationImpossible | UndoRefused) for each in heard)
    return ExitCode.NOT_PRODUCIBLE if stuck else ExitCode.FINE


def _standing(state: OrderState) -> Standing:
    waits = state.waits if isinstance(state.waits, AdaptationImpossible) else None
    return Standing(
        order=state.order.id,
        stage=state.stage,
        plan=None if state.plan is None else state.plan.id,
        followed=tuple(each.id for each in state.followed),
        proposal=state.proposal if state.stage is Stage.CHANGING else None,
        impossible=waits,
    )


def _lines(found: Overview) -> Iterator[str]:
    for each in found.orders:
        plans = " then ".join(each.followed) or "no plan yet"
        yield f"order {each.order}: {each.stage}; {plans}"
