"""What has to be changed at least for each work unit to do an operation, told by columns.

It is no more than what the reasons then tell, and mostly just as much.
"""

import numpy as np

from fabloop.model.explanation import OptionCode
from fabloop.plan.reasons.change import BASE_PRICE
from fabloop.plan.statement.candidates import Failing, Rejections
from fabloop.plan.statement.layout import Floats
from fabloop.plan.statement.problem import Job
from fabloop.services.offers import Ratings, Texts

AROUND = {
    "availability": BASE_PRICE[OptionCode.RELEASE_UNIT],
    "calendar": BASE_PRICE[OptionCode.OPEN_LONGER],
    "person": min(BASE_PRICE[OptionCode.TRAIN_PERSON], BASE_PRICE[OptionCode.ADD_PERSON]),
    "tool": BASE_PRICE[OptionCode.ADD_TOOL],
}
"""What it takes at least to change what is around a work unit; changes of the product do not."""

ROUNDING = 1e-9


def least_prices(job: Job, *, opens: bool, least: float) -> Floats:
    """Return, per rejected work unit, what no changes for it are worth less than.

    `opens` tells that factories change, else the product does; `least` is the price that no change
    is worth less than, where that is not what is assumed for its kind.
    """
    rows = job.rejected
    known = rows.failing if isinstance(rows, Rejections) else None
    if known is None or not isinstance(rows, Rejections):
        return np.full(len(rows), least)
    if least < min(BASE_PRICE.values()):
        return np.maximum(1, known.counts) * least
    requirement = rows.operation.requirement
    offers = rows.plant.offers.skill(requirement.skill)
    total = np.zeros(len(rows))
    for name, fails in known.fails.items():
        if name in requirement.constraints and name not in AROUND:
            column = offers.columns.get(name)
            price = _of_limit(column, requirement.constraints[name], known, opens=opens)
        elif opens:
            price = np.full(len(rows), AROUND.get(name, least))
        else:
            price = np.full(len(rows), np.inf)
        total += np.where(fails, price, 0.0)
    return np.maximum(least, total - ROUNDING)


def _of_limit(column: object, required: float | str, known: Failing, *, opens: bool) -> Floats:
    """Return what one limit takes at least, where it is not met."""
    count = len(known.rows)
    upgraded = BASE_PRICE[OptionCode.UPGRADE_OFFER]
    if isinstance(column, Texts):
        return np.full(count, upgraded if opens else BASE_PRICE[OptionCode.CHOOSE_OTHER])
    if not isinstance(column, Ratings) or isinstance(required, str):
        return np.full(count, min(BASE_PRICE.values()))
    misses, live = column.misses(required)
    misses, live = misses[known.rows], live[known.rows]
    unknown = np.isnan(misses)
    if not opens:
        return np.where(unknown, np.inf, BASE_PRICE[OptionCode.LOOSEN] + misses)
    base = np.where(live, BASE_PRICE[OptionCode.RESTORE_KPI], upgraded)
    return np.where(unknown, BASE_PRICE[OptionCode.MEASURE_KPI], base + misses)
