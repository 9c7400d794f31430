"""The independent check of set-ups that depend on what came before, from the nouns alone."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

import msgspec

from fabloop.base.instant import HOUR, SECOND, Instant
from fabloop.model.explanation import Evidence, Explanation, ReasonCode
from fabloop.model.ids import OperationId, WorkUnitId
from fabloop.model.plan import Plan, PlannedStep
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.model.site import Network, Site, WorkUnit
from fabloop.plan.names import set_up_name
from fabloop.plan.rates_check import average_rates

Busy = Mapping[WorkUnitId, tuple[tuple[Instant, Instant], ...]]

RELATIVE = 1e-9
"""How far joules and kilograms may be off through float addition."""


def _wrong(code: ReasonCode, subject: str, **details: object) -> Explanation:
    texts = {key: str(value) for key, value in details.items()}
    return Explanation(code=code, subject=subject, details=texts)


class _Mark(msgspec.Struct, frozen=True, order=True):
    """Something that a work unit does, and what it is set up for then; empty is not known."""

    start: Instant
    end: Instant
    family: str
    name: str
    frozen: bool


def family_of(operation: Operation, unit: WorkUnit) -> str:
    """Return what the work unit has to be set up for, where its set-ups depend on that."""
    return operation.setup_family if unit.setups else ""


def setup_faults(
    plan: Plan, product: ConfiguredProduct, network: Network, busy: Busy
) -> Iterator[Explanation]:
    """Between two steps of a work unit lies the set-up from the one's family to the other's."""
    operations = {each.id: each for each in product.operations}
    units = network.work_units()
    taken: dict[WorkUnitId, list[PlannedStep]] = defaultdict(list)
    for step in plan.steps:
        taken[step.work_unit].append(step)
        expected = family_of(operations[step.operation], units[step.work_unit])
        if step.setup_family != expected and not step.frozen:
            yield _wrong(
                ReasonCode.SETUP_UNKNOWN,
                step.operation,
                work_unit=step.work_unit,
                expected=expected or "nothing",
                found=step.setup_family or "nothing",
            )
    for unit, steps in ((units[key], steps) for key, steps in taken.items()):
        if not unit.setups:
            continue
        marks = sorted([*_own(steps), *_others(unit.id, busy)])
        yield from _too_close(unit, [each for each in marks if each.end > each.start], plan.made_at)


def families_before(
    plan: Plan, product: ConfiguredProduct, network: Network, busy: Busy
) -> dict[OperationId, str]:
    """Return, per step whose set-up depends on it, the family of what its work unit did before.

    An empty text is nothing known, or something without a family.
    """
    operations = {each.id: each for each in product.operations}
    units = network.work_units()
    found: dict[OperationId, str] = {}
    for key in {step.work_unit for step in plan.steps}:
        if not units[key].setups:
            continue
        steps = [each for each in plan.steps if each.work_unit == key]
        marks = [each for each in (*_own(steps), *_others(key, busy)) if each.end > each.start]
        before = ""
        for mark in sorted(marks):
            if mark.name and family_of(operations[OperationId(mark.name)], units[key]):
                found[OperationId(mark.name)] = before
            before = mark.family
    return found


def _own(steps: Iterable[PlannedStep]) -> Iterator[_Mark]:
    for each in steps:
        yield _Mark(each.start, each.end, each.setup_family, each.operation, each.frozen)


def _others(unit: WorkUnitId, busy: Busy) -> Iterator[_Mark]:
    prefix = set_up_name(unit, "")
    told = {
        span: name.removeprefix(prefix)
        for name, spans in busy.items()
        if name.startswith(prefix)
        for span in spans
    }
    for start, end in {*told, *busy.get(unit, ())}:
        yield _Mark(start, end, told.get((start, end), ""), "", frozen=True)


def _too_close(unit: WorkUnit, marks: Sequence[_Mark], since: Instant) -> Iterator[Explanation]:
    begin = _Mark(since, since, "", "", frozen=True)
    for before, after in pairwise([begin, *marks]):
        settled = before.frozen and after.frozen
        if settled or not after.family:
            continue
        ends = before.end + unit.setup_between(before.family, after.family)
        if after.start < ends:
            yield _wrong(
                ReasonCode.SETUP_MISSING,
                unit.id,
                first=before.name or before.family or "what it was",
                second=after.name or after.family,
                seconds=(ends - after.start) / SECOND,
            )


def setup_figure_faults(
    step: PlannedStep, was: str | None, apart: int | None, unit: WorkUnit, site: Site
) -> Iterator[Explanation]:
    """The step tells of the set-up that there really is before it, and of what that takes."""
    told, code = step.setup, ReasonCode.STEP_FIGURE_WRONG
    if told is None or was is None or apart is None:
        if told is not None or was is not None:
            yield _wrong(code, step.operation, parameter="set-up")
        return
    price, intensity = average_rates(step, site)
    labour = site.tariff.labour_cost_per_hour_minor if step.persons else 0
    energy = Fraction(unit.power_w) * apart / SECOND
    cost = Fraction(unit.cost_per_hour_minor + labour) * apart / HOUR + price * energy
    if (told.before, told.duration_ns) != (was, apart):
        yield _figure(step, "set-up", told.duration_ns / SECOND, Fraction(apart, SECOND))
    if abs(told.cost_minor - cost) > Fraction(1, 2) + Fraction(1, 10**6):
        yield _figure(step, "cost of set-up", told.cost_minor, cost)
    figures = (("energy", told.energy_j, energy), ("co2", told.co2_kg, energy * intensity))
    for name, value, exact in figures:
        if abs(Fraction(value) - exact) > Fraction(RELATIVE) * max(exact, Fraction(1, 10**9)):
            yield _figure(step, f"{name} of set-up", value, exact)


def _figure(step: PlannedStep, name: str, value: float, exact: Fraction) -> Explanation:
    evidence = Evidence(
        subject=step.operation, parameter=name, relation="=", value=value, limit=float(exact)
    )
    return Explanation(
        code=ReasonCode.STEP_FIGURE_WRONG,
        subject=step.operation,
        details={"parameter": name},
        evidence=(evidence,),
    )
