"""Carries a composition out: values flow along its bindings; what was done is undone on failure."""

from collections.abc import Callable, Mapping
from typing import Any, assert_never

import msgspec

from fabloop.model.service import ServiceDescription, ServiceOperation
from fabloop.services.composition.plan import (
    Call,
    Composition,
    DataNeed,
    FromData,
    FromGiven,
    FromNobody,
    FromStep,
    Source,
    Step,
)
from fabloop.services.composition.values import changed

ITEMS_MAX = 10_000
"""For how many items of a list a call is made."""

Values = Mapping[str, Any]
Invoke = Callable[[ServiceDescription, ServiceOperation, Values, str], dict[str, Any] | str]
"""Makes a call under an idempotency key; returns its outputs, or why there are none."""
Fill = Callable[[DataNeed, Values], Values | str]
"""Fills a need with values by variable, given values by name; or tells why it cannot."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """All calls were made."""

    calls: tuple[Call, ...]


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """A call could not be made, or failed.

    Attributes
    ----------
    calls : those that were made before
    undone : those of them that were taken back, the last one first
    standing : those that changed something and could not be taken back
    """

    at: str
    why: str
    calls: tuple[Call, ...]
    undone: tuple[Call, ...] = ()
    standing: tuple[Call, ...] = ()


class _Missing(Exception):
    """A value that is not there."""


class _Run:
    """A composition under way."""

    def __init__(self, composition: Composition, given: Values, invoke: Invoke, fill: Fill) -> None:
        self.steps = composition.steps
        self.given = given
        self.invoke = invoke
        self.fill = fill
        self.outputs: list[dict[str, Any]] = []
        self.calls: list[tuple[Step, Call]] = []

    def value(self, source: Source, item: Values, filled: list[Values]) -> Any:
        """Return the value that a source has now."""
        match source:
            case FromGiven(name=name):
                found = self.given.get(name)
            case FromStep(step=number, output=output, part=part):
                found = item.get(part) if part else self.outputs[number].get(output)
            case FromData(need=need, variable=variable):
                found = filled[need].get(variable)
            case FromNobody():
                raise _Missing("a value that a person has to give")
            case _:
                assert_never(source)
        if found is None:
            raise _Missing(f"a value for {source}")
        return found

    def filled(self, step: Step, item: Values) -> list[Values]:
        """Return what the data space gives for each need of a step."""
        found: list[Values] = []
        for need in step.needs:
            given: dict[str, Any] = {}
            for name, source in need.given.items():
                try:
                    given[name] = self.value(source, item, found)
                except _Missing:
                    continue
            answer = self.fill(need, given)
            if isinstance(answer, str):
                raise _Missing(f"data for {need.targets[0]} ({answer})")
            found.append(answer)
        return found


def carry_out(
    composition: Composition,
    given: Values,
    invoke: Invoke,
    fill: Fill,
    key: str,
) -> Done | Stopped:
    """Make the calls of a composition, in order; `key` makes each of them happen only once.

    Where one fails, those before it are compensated, the last one first, as far as their
    operations name a compensation.
    """
    run = _Run(composition, given, invoke, fill)
    for number, step in enumerate(composition.steps):
        why = _stepped(run, step, f"{key}/{number}")
        if why:
            return _undone(run, step, why, key)
    return Done(calls=tuple(call for _, call in run.calls))


def _stepped(run: _Run, step: Step, key: str) -> str:
    """Make the calls of a step; return why not, empty where all went well."""
    items: list[Values] = [{}]
    if step.over is not None and step.each_of:
        listed = run.outputs[step.over].get(step.each_of)
        if not isinstance(listed, list):
            return f"Expected a list '{step.each_of}', but found {type(listed).__name__}."
        if len(listed) > ITEMS_MAX:
            return f"Expected at most {ITEMS_MAX} items in '{step.each_of}', found {len(listed)}."
        items = [each for each in listed if isinstance(each, dict)]
    answers: list[dict[str, Any]] = []
    for place, item in enumerate(items):
        answer = _called(run, step, item, f"{key}/{place}")
        if isinstance(answer, str):
            return answer
        answers.append(answer)
    run.outputs.append(answers[0] if step.over is None else _lists(answers))
    return ""


def _lists(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the outputs of several calls as lists."""
    names = dict.fromkeys(name for answer in answers for name in answer)
    return {name: [answer.get(name) for answer in answers] for name in names}


def _called(run: _Run, step: Step, item: Values, key: str) -> dict[str, Any] | str:
    try:
        filled = run.filled(step, item)
        values = {
            each.input: changed(run.value(each.source, item, filled), each.change)
            for each in step.bindings
        }
    except (_Missing, ValueError) as missing:
        return f"Expected {missing} for {step.entry.name}, but found none."
    entry = step.entry
    outputs = run.invoke(entry.service, entry.operation, values, key)
    if isinstance(outputs, str):
        return outputs
    call = Call(
        service=entry.service.id,
        operation=entry.operation.name,
        values=values,
        outputs=outputs,
    )
    run.calls.append((step, call))
    return outputs


def _undone(run: _Run, failed: Step, why: str, key: str) -> Stopped:
    """Take back what was done before the failure, the last call first."""
    undone: list[Call] = []
    standing: list[Call] = []
    for number, (step, call) in enumerate(reversed(run.calls)):
        operation = step.entry.operation
        if operation.idempotent and not operation.effects:
            continue
        back = _compensation(step)
        known = {**call.values, **call.outputs}
        values = (
            {}
            if back is None
            else {each.name: known[each.name] for each in back.inputs if each.name in known}
        )
        answer = (
            "it has no compensation"
            if back is None
            else run.invoke(step.entry.service, back, values, f"{key}/back/{number}")
        )
        (standing if isinstance(answer, str) else undone).append(call)
    return Stopped(
        at=failed.entry.name,
        why=why,
        calls=tuple(call for _, call in run.calls),
        undone=tuple(undone),
        standing=tuple(standing),
    )


def _compensation(step: Step) -> ServiceOperation | None:
    name = step.entry.operation.compensation
    operations = step.entry.service.operations
    return next((each for each in operations if each.name == name), None)
