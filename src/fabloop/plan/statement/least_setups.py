"""The least set-up that each operation may need on each work unit: a bound for all sequences."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from fabloop.model.ids import OperationId, WorkUnitId
from fabloop.model.product import Operation
from fabloop.model.site import WorkUnit
from fabloop.plan.statement.candidates import Candidates
from fabloop.plan.statement.layout import Floats
from fabloop.plan.statement.setups import Changeover


def least_setups(
    order: Sequence[Operation],
    judged: Mapping[OperationId, tuple[Candidates, object]],
    changeovers: Mapping[WorkUnitId, Changeover],
    beside: Iterable[str],
) -> dict[OperationId, Floats]:
    """Return nanoseconds per candidate, of the operations whose set-ups depend on what was before.

    `order` has inputs before takers. Before a step there may be any other operation that its work
    unit can do and that does not need its output, what others do there, and whatever is planned
    `beside` it; or nothing, unless something was done there already.
    """
    if not changeovers or not any(each.setup_family for each in order):
        return {}
    able = _able(order, judged, changeovers)
    found: dict[OperationId, Floats] = {}
    neighbours = set(beside)
    for number, operation in enumerate(order):
        if not operation.setup_family:
            continue
        barred = _downstream(order, number)
        candidates = judged[operation.id][0]
        units = [candidates.plant.units[each] for each in candidates.units.tolist()]
        found[operation.id] = np.array(
            [
                _least(unit, operation, changeovers[unit.id], able[unit.id], barred, neighbours)
                if unit.id in changeovers
                else 0.0
                for unit in units
            ],
            dtype=np.float64,
        )
    return found


def _able(
    order: Sequence[Operation],
    judged: Mapping[OperationId, tuple[Candidates, object]],
    changeovers: Mapping[WorkUnitId, Changeover],
) -> dict[WorkUnitId, dict[str, int]]:
    """Return, per work unit and family, which operations it can do, as bits by their number."""
    able: dict[WorkUnitId, dict[str, int]] = {each: {} for each in changeovers}
    for number, operation in enumerate(order):
        candidates, family = judged[operation.id][0], operation.setup_family
        for each in candidates.units.tolist():
            row = able.get(candidates.plant.units[each].id)
            if row is not None:
                row[family] = row.get(family, 0) | 1 << number
    return able


def _downstream(order: Sequence[Operation], number: int) -> int:
    """Return the operation, and those that come after it in any plan, as bits."""
    bits, needs = 1 << number, {order[number].id}
    for place in range(number + 1, len(order)):
        if needs.intersection(order[place].inputs):
            bits |= 1 << place
            needs.add(order[place].id)
    return bits


def _least(
    unit: WorkUnit,
    operation: Operation,
    change: Changeover,
    able: Mapping[str, int],
    barred: int,
    beside: set[str],
) -> float:
    before = {*beside, *_before(able, barred), *(each.family for each in change.marks)}
    if not any(each.end <= 0 for each in change.marks):
        before.add("")
    return float(min(unit.setup_between(each, operation.setup_family) for each in before))


def _before(able: Mapping[str, int], barred: int) -> Iterator[str]:
    return (family for family, bits in able.items() if bits & ~barred)
