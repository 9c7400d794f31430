"""Who fails what: constraints of a job with the work units that do not meet them, as bit masks.

Columns tell it of all work units at once; reasons are only spelt out for those that are told.
"""

from collections.abc import Iterator

import msgspec
import numpy as np

from fabloop.model.explanation import Evidence, ReasonCode
from fabloop.plan.reasons.reach import Reach, packed
from fabloop.plan.statement.candidates import Failing, Rejections
from fabloop.plan.statement.layout import Floats
from fabloop.plan.statement.problem import Job
from fabloop.services.offers import Ratings

NEAREST_MAX = 3
"""Work units told that miss a constraint by least."""

ROUNDING = 1e-9
"""Misses that differ by less may be equal: columns and reasons reckon them in their own ways."""

RANKS: dict[str, int] = {
    ReasonCode.OUT_OF_SPAN: 1,
    ReasonCode.NOT_AMONG: 2,
    ReasonCode.NO_PERSON: 3,
    ReasonCode.UNIT_UNAVAILABLE: 4,
}
"""What is named first where there is a choice: limits (0), then sizes, materials, people."""


class Failed(msgspec.Struct, frozen=True):
    """A constraint that some work units fail (a bit mask), and how late it is named."""

    units: int
    rank: int


def failed_by(job: Job, reach: Reach) -> dict[str, Failed]:
    """Return the constraints of a job that anybody fails, those named first in front."""
    found = _of_columns(job, reach)
    if found is None:
        found = _of_rows(job, reach)
    return dict(sorted(found.items(), key=lambda each: (each[1].rank, each[0])))


def _of_columns(job: Job, reach: Reach) -> dict[str, Failed] | None:
    if not isinstance(job.rejected, Rejections):
        return None
    known = job.rejected.failing
    if known is None:
        return None
    flags = np.zeros((len(known.fails), len(reach.places)), dtype=np.bool_)
    for row, fails in zip(flags, known.fails.values(), strict=True):
        row[job.rejected.units[fails]] = True
    return {
        name: Failed(units, RANKS.get(known.codes.get(name, ""), 0))
        for name, units in zip(known.fails, packed(flags), strict=True)
        if units
    }


def _of_rows(job: Job, reach: Reach) -> dict[str, Failed]:
    found: dict[str, Failed] = {}
    for each in job.rejected:
        bit = 1 << reach.number[each.unit.id]
        for reason in each.reasons:
            name = reason.details["parameter"]
            before = found[name].units if name in found else 0
            found[name] = Failed(before | bit, RANKS.get(reason.code, 0))
    return found


def nearest(job: Job, parameter: str) -> tuple[Evidence, ...]:
    """Return the evidence of the units that miss least besides, and the constraint by least."""
    found: list[tuple[tuple[int, float, str], Evidence]] = []
    least = 0
    for others, evidence in _misses(job, parameter):
        if len(found) >= NEAREST_MAX and others > least:
            break
        least = others
        found += [((others, miss(each), each.subject), each) for each in evidence]
    found.sort(key=lambda each: each[0])
    return tuple(each for _, each in found[:NEAREST_MAX])


def _misses(job: Job, parameter: str) -> Iterator[tuple[int, tuple[Evidence, ...]]]:
    """Yield who fails a constraint by how many reasons, the fewest first, and its evidence."""
    rows = job.rejected
    known = rows.failing if isinstance(rows, Rejections) else None
    if known is None or not isinstance(rows, Rejections):
        for each in sorted(rows, key=lambda each: len(each.reasons)):
            reasons = (r for r in each.reasons if r.details["parameter"] == parameter)
            yield len(each.reasons), tuple(it for reason in reasons for it in reason.evidence)
        return
    places = np.flatnonzero(known.fails[parameter])
    counts, misses = known.counts[places], _misses_by_column(rows, known, parameter)[places]
    order = np.lexsort((misses, counts))
    if len(order) > NEAREST_MAX:
        last = order[NEAREST_MAX - 1]
        near = misses <= misses[last] + ROUNDING
        order = order[(counts < counts[last])[order] | ((counts == counts[last]) & near)[order]]
    for place in places[order].tolist():
        yield int(known.counts[place]), rows.evidence(place, parameter)


def _misses_by_column(rows: Rejections, known: Failing, parameter: str) -> Floats:
    """Return by how much each work unit misses a limit; the same for all where it is none."""
    offers = rows.plant.offers.skill(rows.operation.requirement.skill)
    column = offers.columns.get(parameter)
    required = rows.operation.requirement.constraints.get(parameter)
    if not isinstance(column, Ratings) or not isinstance(required, float | int):
        return np.zeros(len(rows))
    misses, _ = column.misses(required)
    return np.nan_to_num(misses[known.rows], nan=np.inf)


def miss(evidence: Evidence) -> float:
    """Return by how much a value misses its limit, relative to it; inf where nobody can say."""
    value, limit = evidence.value, evidence.limit
    if isinstance(value, str) or isinstance(limit, str) or value is None or limit is None:
        return float("inf")
    return abs(value - limit) / abs(limit) if limit else abs(value)
