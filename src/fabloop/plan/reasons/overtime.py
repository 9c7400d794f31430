"""Which work units to open outside their hours so that a deadline is met, each way re-planned."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import msgspec

from fabloop.base.instant import HOUR, SECOND
from fabloop.base.quantity import Dimension
from fabloop.model.calendar import Spans
from fabloop.model.explanation import Explanation, Option, OptionCode, ReasonCode
from fabloop.model.ids import WorkUnitId
from fabloop.model.plan import Plan
from fabloop.plan.reasons.change import BASE_PRICE, Change
from fabloop.plan.reasons.minimal import bits_of, transversals
from fabloop.plan.reasons.prices import Prices
from fabloop.plan.reasons.proposals import OVERTIME_PRICE
from fabloop.plan.statement.opening import opening_of
from fabloop.plan.statement.problem import Setting

OVERTIME_MAX = 4
"""Ways to open work units longer that are planned, those of fewest work units first."""

Solve = Callable[[Setting], Plan | None]
"""Plans a request again in another setting, within its wishes; None where no plan was found."""


def overtime(
    conflicts: Sequence[Sequence[Explanation]], setting: Setting, solve: Solve
) -> tuple[Option, ...]:
    """Return the extra hours that let a deadline be met, the cheapest first.

    Every smallest set of work units is tried whose closed time is in each conflict; the hours
    are those of the plan that was then found and checked.
    """
    closed = [
        [each.subject for each in conflict if each.code == ReasonCode.UNIT_CLOSED]
        for conflict in conflicts
    ]
    if not closed or not all(closed):
        return ()
    units = sorted({unit for some in closed for unit in some})
    bit = {unit: 1 << number for number, unit in enumerate(units)}
    ways = transversals([sum(bit[unit] for unit in some) for some in closed]) or []
    ways.sort(key=lambda mask: (mask.bit_count(), mask))
    found: list[tuple[float, int, Option]] = []
    for mask in islice(ways, OVERTIME_MAX):
        names = [WorkUnitId(units[each.bit_length() - 1]) for each in bits_of(mask)]
        plan = solve(_opened(setting, names))
        if plan is not None:
            found += _ranked(plan, names, setting)
    found.sort(key=lambda each: each[:2])
    return tuple(option for _, _, option in found)


def _opened(setting: Setting, units: Sequence[WorkUnitId]) -> Setting:
    """Return the setting in which some work units are always open."""
    sites = {
        site.id: msgspec.structs.replace(
            site,
            work_units=tuple(
                msgspec.structs.replace(each, calendar=None) if each.id in units else each
                for each in site.work_units
            ),
        )
        for site in setting.network.sites.values()
    }
    network = msgspec.structs.replace(setting.network, sites=sites)
    return msgspec.structs.replace(setting, network=network, plant=None)


def _ranked(
    plan: Plan, units: Sequence[WorkUnitId], setting: Setting
) -> Iterator[tuple[float, int, Option]]:
    """Yield the extra hours that a plan uses, as one option behind what it is ranked by."""
    last = max((each.end for each in plan.steps), default=setting.now)
    closed = opening_of(setting.network, setting.now, last).closed
    extra = {unit: _beyond(plan, unit, closed.get(unit, ())) for unit in units}
    changes = [_extra_shift(unit, spent) for unit, spent in extra.items() if spent]
    priced = Prices(setting.network).all_priced(changes)
    if not priced:
        return
    first, *others = (each.option() for each in priced)
    totals = plan.totals
    option = msgspec.structs.replace(
        first,
        cost_minor=totals.cost_minor,
        currency=totals.currency,
        makespan_ns=totals.makespan_ns,
        energy_j=totals.energy_j,
        co2_kg=totals.co2_kg,
        verified=True,
        also=tuple(others),
    )
    yield sum(each.price for each in priced), totals.cost_minor, option


def _extra_shift(unit: WorkUnitId, spent_ns: int) -> Change:
    return Change(
        OptionCode.EXTRA_SHIFT,
        unit,
        "calendar",
        0.0,
        spent_ns / SECOND,
        Dimension.TIME,
        price=BASE_PRICE[OptionCode.EXTRA_SHIFT] + OVERTIME_PRICE * spent_ns / HOUR,
    )


def _beyond(plan: Plan, unit: WorkUnitId, closed: Spans) -> int:
    """Return how long a plan has a work unit work while it is closed."""
    steps = [each for each in plan.steps if each.work_unit == unit]
    shares = (
        min(each.end, end) - max(each.start, start) for each in steps for start, end in closed
    )
    return sum(share for share in shares if share > 0)
