"""A tick by which everything can be done, however it is chosen."""

from fabloop.plan.shop.model import Shop


def horizon_of(shop: Shop) -> int:
    """Return a tick that some best schedule does not pass, for any objective.

    Past the last release and closed span, one task after the other fits.
    """
    free = max([0, *(job.release for job in shop.jobs),
                *(span.end for each in shop.resources for span in each.closed)])  # fmt: skip
    work = sum(max(mode.ticks for mode in task.modes) for task in shop.tasks)
    lags = sum(
        max([arc.lag, *(pair.ticks for pair in arc.pairs if pair.ticks is not None)])
        for arc in shop.arcs
    )
    longest = max((setup.ticks for each in shop.resources for setup in each.setups), default=0)
    return free + work + lags + longest * len(shop.tasks)
