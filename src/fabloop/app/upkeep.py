"""What the loop remembers of machines' upkeep: trends, risks told, stops advised and declined."""

from collections.abc import Sequence
from typing import assert_never

import msgspec

from fabloop.adapt.foresee import JobKey, RiskKey
from fabloop.model.facts import (
    MaintenanceAdvised,
    MaintenanceDeclined,
    MaintenancePlanned,
    MaintenanceReported,
    RiskForeseen,
)
from fabloop.model.kpi import KpiValue
from fabloop.model.maintenance import MaintenanceDone, MaintenanceProposed

SERIES_MAX = 120
"""Values of a KPI that its trend rests on; older ones are forgotten."""

MaintenanceFact = (
    RiskForeseen
    | MaintenanceAdvised
    | MaintenancePlanned
    | MaintenanceDeclined
    | MaintenanceReported
)


class Upkeep(msgspec.Struct, kw_only=True):
    """What was foreseen, and which jobs wait for an answer, were planned, declined or done."""

    foreseen: dict[RiskKey, RiskForeseen] = {}
    advised: dict[JobKey, MaintenanceProposed] = {}
    planned: dict[JobKey, str] = {}
    declined: dict[JobKey, MaintenanceDeclined] = {}
    done: list[MaintenanceDone] = []

    def waiting(self) -> tuple[MaintenanceProposed, ...]:
        """Return the stops that nobody has decided on."""
        return tuple(
            each
            for key, each in self.advised.items()
            if key not in self.planned and key not in self.declined
        )

    def tell(self, fact: MaintenanceFact) -> None:
        """Take in one fact."""
        match fact:
            case RiskForeseen():
                self.foreseen[fact.order, fact.operation, fact.work_unit] = fact
            case MaintenanceAdvised():
                key = (fact.proposal.work_unit, fact.proposal.job)
                self.advised[key] = fact.proposal
                self.declined.pop(key, None)
                self.planned.pop(key, None)
            case MaintenancePlanned():
                self.planned[fact.work_unit, fact.job] = fact.by
            case MaintenanceDeclined():
                self.declined[fact.work_unit, fact.job] = fact
            case MaintenanceReported():
                self._forget((fact.done.work_unit, fact.done.job))
                self.done.append(fact.done)
            case _:
                assert_never(fact)

    def _forget(self, key: JobKey) -> None:
        self.advised.pop(key, None)
        self.planned.pop(key, None)
        self.declined.pop(key, None)
        self.foreseen = {risk: each for risk, each in self.foreseen.items() if risk[2] != key[0]}


def series_with(values: Sequence[KpiValue], value: KpiValue) -> tuple[KpiValue, ...]:
    """Return the series with one more value, each instant once; another source begins anew.

    A step from one source to another is no trend.
    """
    if values and values[-1].source != value.source:
        values = ()
    kept = [each for each in values if each.at != value.at]
    return tuple(sorted((*kept, value), key=lambda each: each.at))[-SERIES_MAX:]
