"""What a step pays for energy, for the checker: exact, and apart from how plans are made."""

from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

from fabloop.base.instant import Instant
from fabloop.base.zones import at_clock, local_day
from fabloop.model.plan import PlannedStep
from fabloop.model.site import Site
from fabloop.model.timetable import energy_rates


def rates_hold(step: PlannedStep, site: Site) -> bool:
    """Tell whether the step says of the price of energy what the tariff says, all the way."""
    told = step.rates
    if not site.tariff.bands:
        return not told
    joins = all(before.end == after.start for before, after in pairwise(told))
    if not told or not joins or (told[0].start, told[-1].end) != (step.start, step.end):
        return False
    cuts = _cuts(step, site)
    return all(
        energy_rates(site.tariff, site.time_zone, at)
        == (each.energy_minor_per_j, each.co2_kg_per_j)
        for each in told
        for at in (each.start, *(cut for cut in cuts if each.start < cut < each.end))
    )


def average_rates(step: PlannedStep, site: Site) -> tuple[Fraction, Fraction]:
    """Return the average price and CO2 factor while the step takes its energy evenly."""
    tariff, zone = site.tariff, site.time_zone
    if not tariff.bands:
        return Fraction(tariff.energy_minor_per_j), Fraction(tariff.co2_kg_per_j)
    if step.end == step.start:
        price, co2 = energy_rates(tariff, zone, step.start)
        return Fraction(price), Fraction(co2)
    total = [Fraction(0), Fraction(0)]
    for begin, finish in pairwise([step.start, *_cuts(step, site), step.end]):
        share = Fraction(finish - begin, step.end - step.start)
        for kind, rate in enumerate(energy_rates(tariff, zone, begin)):
            total[kind] += share * Fraction(rate)
    return total[0], total[1]


def _cuts(step: PlannedStep, site: Site) -> list[Instant]:
    """Return the instants within the step at which a band may begin or end."""
    clocks = {0, *(edge for each in site.tariff.bands for edge in (each.start_ns, each.end_ns))}
    day, last = (local_day(each, site.time_zone) for each in (step.start, step.end))
    found: set[Instant] = set()
    while day <= last:
        found.update(at_clock(day, each, site.time_zone) for each in clocks)
        day += timedelta(days=1)
    return sorted(each for each in found if step.start < each < step.end)
