"""What a recommendation is told to cost is what the plan costs once it is followed."""

import msgspec

from fabloop.base.instant import HOUR
from fabloop.model.explanation import OptionCode
from fabloop.model.plan import NotProducible, Producible
from fabloop.model.site import EnergyBand
from fabloop.plan.producible import check
from plan.instances import NOW, gear, graz_and_vienna, vocabulary


def by_time_of_day(plant):
    """Return the plant where energy is dear by day and CO2 low."""
    band = EnergyBand(
        start_ns=5 * HOUR, end_ns=23 * HOUR, energy_minor_per_j=9e-5, co2_kg_per_j=0.0
    )
    sites = {
        key: msgspec.structs.replace(
            site, tariff=msgspec.structs.replace(site.tariff, bands=(band,))
        )
        for key, site in plant.sites.items()
    }
    return msgspec.structs.replace(plant, sites=sites)


def test_a_looser_limit_costs_what_was_told_where_energy_has_its_price_by_time_of_day():
    plant, values = graz_and_vienna(graz_tpe=30e-6, vienna_tpe=20e-6)
    where = (by_time_of_day(plant), vocabulary(), values, NOW)
    refused = check(gear(), *where)
    assert isinstance(refused, NotProducible)
    options = [each for each in refused.options if each.code == OptionCode.LOOSEN]
    assert options
    for each in options:
        assert isinstance(each.after, float)
        answer = check(gear(each.after), *where, plans_max=1)
        assert isinstance(answer, Producible)
        totals = answer.plans[0].totals
        assert (totals.cost_minor, totals.energy_j) == (each.cost_minor, each.energy_j)
        assert totals.makespan_ns == each.makespan_ns
