"""``fabloop service compose``: chains of calls to a goal, chosen, remembered, carried out."""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from fabloop.adapters.openapi import Answered, Caller
from fabloop.app.processes.clocks import WallClock
from fabloop.app.sentences import sentence
from fabloop.app.service_space import ServiceFolder, data_filler, likeness_of
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import Instant, iso_of
from fabloop.base.money import money_text
from fabloop.base.names import did_you_mean
from fabloop.cli.gates import gate_in
from fabloop.cli.given import note
from fabloop.cli.service import headers_of, services_of, values_of
from fabloop.cli.service_find import asked_at, places_of
from fabloop.model.ids import ServiceId
from fabloop.model.service import Parameter, ServiceDescription, ServiceOperation, ValueKind
from fabloop.services.composition import (
    Composed,
    Composition,
    DataNeed,
    Done,
    Goal,
    Stopped,
    answer_to,
    carry_out,
    compose,
    feeders,
)
from fabloop.services.composition.carry_out import Fill
from fabloop.services.discovery import Circumstances, Entry, Index, understood

WAYS_SHOWN = 5


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed."""

    wishes: tuple[str, ...]
    folder: Path
    first: str
    each: bool
    feeding: str
    given: tuple[str, ...]
    data: Path | None
    choose: int
    by: str
    run: bool
    key: str
    headers: tuple[str, ...]
    at: str
    zone: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The answer as JSON."""

    composed: Composed
    ended: Done | Stopped | None = None


def compose_services(asked: Asked, *, as_json: bool) -> ExitCode:
    """Print ways to a goal; remember a choice, carry a certain way out."""
    kept = services_of(asked.folder)
    services = kept.services()
    now = asked_at(asked.at)
    vocabulary = kept.names.vocabulary
    index = Index(services, likeness_of(vocabulary, note, meanings=False))
    known = values_of(asked.given, ())
    goal = _goal(asked, services, index, known, now)
    at = Circumstances(now=now, vocabulary=vocabulary)
    composed = compose(index, goal, at, kept.answers(), data=asked.data is not None)
    if asked.choose:
        _remember(asked, kept, composed, now)
        composed = compose(index, goal, at, kept.answers(), data=asked.data is not None)
    ended = None
    best = composed.alternatives[0] if composed.alternatives else None
    if asked.run and best is not None and best.certain:
        ended = _carried_out(asked, best, known)
    if as_json:
        sys.stdout.write(to_json_pretty(Told(composed=composed, ended=ended)).decode())
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(composed, ended, now))
    return _exit_code(composed, ended)


def _exit_code(composed: Composed, ended: Done | Stopped | None) -> ExitCode:
    if not composed.alternatives or isinstance(ended, Stopped):
        return ExitCode.NOT_PRODUCIBLE
    return ExitCode.FINE if composed.alternatives[0].certain else ExitCode.UNDECIDED


def _goal(
    asked: Asked,
    services: tuple[ServiceDescription, ...],
    index: Index,
    known: Mapping[str, Any],
    now: Instant,
) -> Goal:
    places = places_of(services)
    ids = {each.id: None for each in services}
    if asked.feeding and asked.feeding not in ids:
        hint = did_you_mean(asked.feeding, ids)
        raise Invalid(_fault("--feeding", "a service that is kept", repr(asked.feeding), hint))
    return Goal(
        wanted=tuple(
            understood(text, now=now, places=places, time_zone=asked.zone) for text in asked.wishes
        ),
        given=tuple(_parameter(name, value) for name, value in known.items()),
        first=_entry(index, asked.first) if asked.first else None,
        each=asked.each,
        among=feeders(services, ServiceId(asked.feeding)) if asked.feeding else None,
    )


def _entry(index: Index, name: str) -> Entry:
    known = {each.name: each for each in index.entries}
    if name not in known:
        hint = did_you_mean(name, known)
        raise Invalid(_fault("--first", "an operation of a service", repr(name), hint))
    return known[name]


def _parameter(name: str, value: Any) -> Parameter:
    match value:
        case bool():
            kind = ValueKind.BOOLEAN
        case int():
            kind = ValueKind.INTEGER
        case float():
            kind = ValueKind.NUMBER
        case list():
            kind = ValueKind.LIST
        case dict():
            kind = ValueKind.CONTEXT
        case _:
            kind = ValueKind.TEXT
    return Parameter(name=name, kind=kind)


def _fault(path: str, expected: str, found: str, hint: str = "") -> Fault:
    return Fault(source="command line", path=path, expected=expected, found=found, hint=hint)


def _remember(asked: Asked, kept: ServiceFolder, composed: Composed, now: Instant) -> None:
    question = composed.question
    if question is None:
        note("Nothing had to be chosen: the first way is certain, and nothing was remembered.")
        return
    if asked.choose > len(question.options):
        expected = f"a number from 1 to {len(question.options)}"
        raise Invalid(_fault("--choose", expected, str(asked.choose)))
    if not asked.by:
        raise Invalid(_fault("--by", "the name of who chooses", "nothing"))
    kept.remember(answer_to(question, asked.choose - 1, asked.by, now))


def _carried_out(asked: Asked, best: Composition, known: Mapping[str, Any]) -> Done | Stopped:
    with ExitStack() as stack:
        gate = stack.enter_context(gate_in(asked.folder))
        caller = stack.enter_context(Caller(headers=headers_of(asked.headers), gate=gate))

        def invoke(
            service: ServiceDescription,
            operation: ServiceOperation,
            values: Mapping[str, Any],
            key: str,
        ) -> dict[str, Any] | str:
            outcome = caller.call(service, operation, values, key=key)
            return outcome.values if isinstance(outcome, Answered) else outcome.message

        fill: Fill = _nobody
        if asked.data is not None:
            from fabloop.app.dataspace import open_data_space  # an extra

            space = open_data_space(asked.data, WallClock().now)
            stack.callback(space.close)
            fill = data_filler(space)
        key = asked.key or f"compose-{WallClock().now()}"
        return carry_out(best, known, invoke, fill, key)


def _nobody(need: DataNeed, given: Mapping[str, Any]) -> str:
    del need, given
    return "no data space was named: --data FOLDER"


def _lines(composed: Composed, ended: Done | Stopped | None, now: Instant) -> list[str]:
    lines = [f"Nobody can '{each.text}'." for each in composed.unreached]
    for number, way in enumerate(composed.alternatives[:WAYS_SHOWN], 1):
        lines += _way_lines(number, way, now)
    if composed.question is not None:
        lines.append("None of them is certain. Choose one: --choose N --by NAME; it is remembered.")
        numbered = enumerate(composed.question.options, 1)
        lines += [f"  {number}: {' -> '.join(option)}" for number, option in numbered]
    match ended:
        case Done(calls=calls):
            lines.append(f"Carried out, {len(calls)} calls, at {iso_of(now)}.")
            lines += [_call_line(each.service, each.operation, each.values) for each in calls]
        case Stopped(at=at, why=why, undone=undone, standing=standing):
            lines.append(f"Stopped at {at}: {why}")
            lines += [f"  taken back: {each.service}.{each.operation}" for each in undone]
            lines += [f"  still stands: {each.service}.{each.operation}" for each in standing]
        case None:
            pass
    return lines


def _call_line(service: str, operation: str, values: Mapping[str, Any]) -> str:
    return f"  {service}.{operation} {msgspec.json.encode(values).decode()}"


def _way_lines(number: int, way: Composition, now: Instant) -> list[str]:
    sure = "certain" if way.certain else f"not certain, {way.confidence:.0%}"
    price = "" if way.cost_minor is None else f", {money_text(way.cost_minor, way.currency)}"
    return [
        f"{number}. {' -> '.join(way.signature)} ({sure}{price})",
        *(f"   {sentence(each, now)}" for each in way.because),
    ]
