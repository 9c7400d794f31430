"""Orders that are carried out by plans in files: how far each has come at an instant."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from fabloop.base.codec import from_json_once
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant, instant_of, iso_of
from fabloop.base.names import did_you_mean
from fabloop.model.ids import OperationId, OrderId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Movement, Plan, PlannedStep
from fabloop.model.routing import as_planned
from fabloop.plan.running.dangers import Carried, LegKey
from fabloop.plan.running.past import begun_movements

Steps = Mapping[OperationId, PlannedStep]


class Underway(msgspec.Struct, frozen=True, kw_only=True):
    """An order with its plan and what has begun of it; times are those that were, or are awaited.

    `moved` are the movements that have begun, by maker and taker.
    """

    order: ProductionOrder
    plan: Plan
    done: Steps = {}
    running: Steps = {}
    moved: Mapping[tuple[OperationId, OperationId], tuple[Movement, ...]] = {}

    def carried(self, now: Instant) -> Carried:
        """Return the plan as dangers are judged by it."""
        legs = [each for chain in self.moved.values() for each in chain]
        return Carried(
            plan=self.plan,
            product=self.order.product,
            running=frozenset(self.running),
            done=frozenset(self.done),
            left=frozenset(_leg(each) for each in legs),
            arrived=frozenset(_leg(each) for each in legs if each.end <= now),
        )


def _leg(each: Movement) -> LegKey:
    return each.made_by, each.taken_by, each.leg


class Begun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a step began and ended, or is to end, as texts; empty is as it was planned."""

    start: str = ""
    end: str = ""


class Progress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far an order has come: what is not named has not begun."""

    order: str = ""
    done: dict[str, Begun] = {}
    running: dict[str, Begun] = {}


def underway(
    order: ProductionOrder, plan: Plan, now: Instant, told: Progress | None = None
) -> Underway:
    """Return how far the order has come: as told, or else exactly as planned.

    Raises
    ------
    Invalid
        What is told cannot be: each step that nobody knows, or that begins before its inputs end.
    """
    if told is None:
        done = {step.operation: step for step in plan.steps if step.end <= now}
        running = {step.operation: step for step in plan.steps if step.start < now < step.end}
    else:
        faults = list(_faults(told, plan))
        if faults:
            raise Invalid(faults)
        done = {step.operation: step for step in _timed(plan, told.done)}
        running = {step.operation: step for step in _timed(plan, told.running)}
        faults = list(_impossible(order, plan, done, running, now))
        if faults:
            raise Invalid(faults)
    found = Underway(order=order, plan=plan, done=done, running=running)
    return msgspec.structs.replace(found, moved=begun_movements(plan, {**done, **running}, now))


def _timed(plan: Plan, told: Mapping[str, Begun]) -> Iterator[PlannedStep]:
    for name, each in told.items():
        step = plan.step(OperationId(name))
        start = instant_of(each.start) if each.start else step.start
        end = instant_of(each.end) if each.end else Instant(start + step.end - step.start)
        yield msgspec.structs.replace(step, start=start, end=end)


def _faults(told: Progress, plan: Plan) -> Iterator[Fault]:
    known = {each.operation for each in plan.steps}
    for kind in ("done", "running"):
        for name, each in getattr(told, kind).items():
            path = f"$.{kind}.{name}"
            if name not in known:
                expected = f"an operation of plan '{plan.id}'"
                yield _fault(path, expected, repr(name), did_you_mean(name, known))
            for field in ("start", "end"):
                text = getattr(each, field)
                if text and not _is_instant(text):
                    expected = "a date and time with an offset, such as 2026-11-24T10:00:00+01:00"
                    yield _fault(f"{path}.{field}", expected, repr(text))
    for name in told.done.keys() & told.running.keys():
        yield _fault(f"$.running.{name}", "an operation that is not done", "one that is")


def _is_instant(text: str) -> bool:
    try:
        instant_of(text)
    except (ValueError, OverflowError):
        return False
    return True


def _impossible(
    order: ProductionOrder, plan: Plan, done: Steps, running: Steps, now: Instant
) -> Iterator[Fault]:
    """Yield what cannot have happened by now."""
    product = as_planned(order.product, [each.operation for each in plan.steps])
    for kind, steps in (("done", done), ("running", running)):
        for name, step in steps.items():
            path = f"$.{kind}.{name}"
            if step.start > step.end:
                yield _fault(f"{path}.end", f"not before {iso_of(step.start)}", iso_of(step.end))
            last = step.end if kind == "done" else step.start
            if last > now:
                field = "end" if kind == "done" else "start"
                found = f"{iso_of(last)}, which has not come yet"
                hint = "Tell when it really was, or leave the step out."
                yield _fault(f"{path}.{field}", f"at most {iso_of(now)}", found, hint)
            for made_by in product.operation(name).inputs:
                maker = done.get(made_by)
                if maker is None:
                    hint = f"Tell {made_by!r} as done, too."
                    yield _fault(path, "a step whose inputs are done", f"{made_by!r} open", hint)
                elif maker.end > step.start:
                    expected = f"a start not before {made_by!r} ends, {iso_of(maker.end)}"
                    yield _fault(f"{path}.start", expected, iso_of(step.start))


def progress_of(source: str, data: bytes) -> tuple[Progress, ...]:
    """Read how far one order has come, or a list of that.

    Raises
    ------
    Invalid
        It is none of these.
    """
    try:
        if data.lstrip().startswith(b"["):
            return from_json_once(data, tuple[Progress, ...])
        return (from_json_once(data, Progress),)
    except msgspec.DecodeError as error:
        hint = 'Write {"done": {"OPERATION": {"end": "INSTANT"}}, "running": {}}.'
        fault = Fault(
            source=source, path="$", expected="how far an order is", found=str(error), hint=hint
        )
        raise Invalid(fault) from error


def told_of(order: OrderId, told: Sequence[Progress]) -> Progress | None:
    """Return what is told of an order; what names no order is told of the only one."""
    return next((each for each in told if each.order in ("", order)), None)


def _fault(path: str, expected: str, found: str, hint: str = "") -> Fault:
    return Fault(source="--progress", path=path, expected=expected, found=found, hint=hint)
