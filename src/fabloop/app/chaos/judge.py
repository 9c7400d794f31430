"""Reads what everybody wrote down, and says what should not have been.

Five things hold whatever happens: every order ends delivered or refused; no command leaves while a
permissive of it is false, stale or missing; nothing that was promised is lost; nothing is done
twice that may be done once only; what one step holds, no other one holds.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from fabloop.app.chaos.player import Promised, checksum
from fabloop.app.muffin.documents import Bakery
from fabloop.app.muffin.kpis import courses_of
from fabloop.app.safety.controller import Shown
from fabloop.app.service_runtime.facts import (
    CallAnswered,
    CallBound,
    LeaseEnded,
    LeaseResumed,
    RuntimeFact,
)
from fabloop.app.service_runtime.serving import ARRIVALS_SUFFIX, Arrived
from fabloop.base.instant import SECOND, Instant, iso_of
from fabloop.model.ids import OperationName, ServiceId
from fabloop.model.safety import ControllerState, Permissive, SafetyRules, Target

History = Sequence[tuple[Instant, RuntimeFact]]
Span = tuple[int, int]
Row = TypeVar("Row")
FOREVER = 2**63
CYCLE_NS = SECOND // 20
"""What the controller needs at most between two looks at its panel, on a busy machine."""


class _Kept(msgspec.Struct, frozen=True):
    operation: str
    key: str


def verdict(
    history: History,
    bakery: Bakery,
    promised: Sequence[Promised],
    folder: Path,
    rules: SafetyRules,
    shown: Sequence[Shown],
) -> tuple[str, ...]:
    """Return every breach, as a sentence; none where all held."""
    return (
        *_orders(history, bakery),
        *_lost(history, promised),
        *_twice(history, folder, _harmless(bakery)),
        *shared(history),
        *_unpermitted(folder, [each.name for each in bakery.natures], rules, shown),
    )


def _orders(history: History, bakery: Bakery) -> Iterator[str]:
    courses = {each.order: each for each in courses_of(history, bakery)}
    for order in bakery.orders:
        course = courses.get(order.id)
        if course is None or not (course.delivered_at or course.refused):
            yield f"Order {order.id} ended neither delivered nor refused: {course}."


def _lost(history: History, promised: Sequence[Promised]) -> Iterator[str]:
    sums = [checksum(at, fact) for at, fact in history]
    for each in promised:
        end = each.first + len(each.sums)
        if tuple(sums[each.first : end]) != each.sums:
            yield f"Facts {each.first} to {end - 1} were promised, but are not in the log."


def _harmless(bakery: Bakery) -> frozenset[str]:
    """Return the operations that may be done again, as the services themselves describe it."""
    return frozenset(
        f"{name}.{each.name}"
        for name, data in bakery.documents.items()
        for each in bakery.described(name, data, "").service.operations
        if each.idempotent
    )


def _twice(history: History, folder: Path, harmless: frozenset[str]) -> Iterator[str]:
    """Yield jobs that were answered twice, or begun at two services although that does harm."""
    answered: set[int] = set()
    for _, fact in history:
        if isinstance(fact, CallAnswered):
            if fact.job in answered:
                yield f"Job {fact.job} ({fact.operation}) was answered twice."
            answered.add(fact.job)
    begun: dict[str, set[str]] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for kept in _rows(file, _Kept):
            if kept.key.startswith("job-"):
                begun.setdefault(kept.key, set()).add(f"{file.stem}.{kept.operation}")
    for key, where in begun.items():
        if len(where) > 1 and not where <= harmless:
            yield f"{key} was begun more than once: {', '.join(sorted(where))}."


def shared(history: History) -> Iterator[str]:
    """Yield offers that two jobs held at the same time, and those that are held at the end."""
    holders: dict[str, int] = {}
    for at, fact in history:
        match fact:
            case CallBound(job=job, offer=offer) | LeaseResumed(job=job, offer=offer) if offer:
                other = holders.get(offer, job)
                if other != job:
                    yield f"{offer} went to job {job} at {iso_of(at)} while job {other} held it."
                holders[offer] = job
            case LeaseEnded(job=job, offer=offer) if holders.get(offer) == job:
                del holders[offer]
            case _:
                pass
    for offer, job in holders.items():
        yield f"{offer} is still held for job {job} when all is over."


def _unpermitted(
    folder: Path, services: Sequence[str], rules: SafetyRules, shown: Sequence[Shown]
) -> Iterator[str]:
    """Yield commands that left although a permissive had not been true for too long.

    A command is judged at the moment it left: within the time that its controllers have to confirm
    each of its signals has to have shown true on a controller that ran, was sound and beat.
    """
    for service in services:
        for came in _rows(folder / f"{service}{ARRIVALS_SUFFIX}", Arrived):
            target = Target(service=ServiceId(service), operation=OperationName(came.operation))
            declared = [each for each in rules.permissives if each.speaks_of(target)]
            if not came.sent_at or came.method == "GET":
                continue  # a repeated request of the harness, or a question
            if came.sent_at > came.at:
                yield f"{target.name} came before it was sent: {came}."
            if not declared:
                yield f"{target.name} left at {iso_of(came.sent_at)}, but nothing permits it."
            yield from _against(target.name, declared, rules, shown, came.sent_at)


def _against(
    name: str,
    declared: Sequence[Permissive],
    rules: SafetyRules,
    shown: Sequence[Shown],
    sent_at: Instant,
) -> Iterator[str]:
    for permissive in declared:
        for each in permissive.requires:
            controller = rules.controller_of(each.signal)
            bit = next(one.bit for one in controller.signals if one.id == each.signal)
            spans = good_spans(shown, bit, controller.heartbeat_ns)
            good_ns = min(each.fresh_ns, controller.confirm_ns)
            since = sent_at - good_ns - CYCLE_NS
            if not any(begin <= sent_at and end >= since for begin, end in spans):
                yield (
                    f"{name} left at {sent_at} although {each.signal} was not good within "
                    f"{good_ns / SECOND:g} s before."
                )


def good_spans(shown: Sequence[Shown], bit: int, heartbeat_ns: int) -> tuple[Span, ...]:
    """Return when a signal could be seen true, sound and alive: as widely as can be argued.

    A program that hangs shows its last values on; they are good until its heartbeat is missed.
    """
    found: list[Span] = []
    for row, after in zip(shown, (*shown[1:], None), strict=True):
        end = FOREVER if after is None else after.seen_by
        good = row.state == ControllerState.RUNS and row.signals >> bit & 1 and row.sound >> bit & 1
        if not row.beats:
            end = min(end, row.seen_by + heartbeat_ns)
        if good:
            found.append((row.at, end))
    return tuple(found)


def commands_that_left(folder: Path, services: Sequence[str]) -> Mapping[str, int]:
    """Return how many commands each service got from fabloop."""
    return {
        service: sum(
            each.sent_at > 0 and each.method != "GET"
            for each in _rows(folder / f"{service}{ARRIVALS_SUFFIX}", Arrived)
        )
        for service in services
    }


def shown_in(log: Path) -> tuple[Shown, ...]:
    """Return what a controller showed, by its own log."""
    return tuple(_rows(log, Shown))


def _rows(file: Path, kind: type[Row]) -> Iterator[Row]:
    if not file.exists():
        return
    for line in file.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield msgspec.json.decode(line, type=kind)
