"""Monitoring documents: which work units are measured, when, and what is known beforehand."""

from collections.abc import Mapping

import msgspec

from fabloop.base.quantity import Dimension
from fabloop.model.documents.collect import Sheet
from fabloop.model.documents.structs import (
    CalibratedAxisEntry,
    CalibrationEntry,
    MonitoredUnitEntry,
    MonitoringDocument,
)
from fabloop.model.documents.values import (
    Purse,
    amount,
    duration_ns,
    instant,
    quantity,
    time_of_day_ns,
)
from fabloop.model.ids import KpiId, WorkUnitId
from fabloop.model.maintenance import MaintenanceRule
from fabloop.model.site import WorkUnit
from fabloop.model.skill import LiveRating
from fabloop.sense.calibration import AxisCalibration, Calibration
from fabloop.sense.characteristics import DriveData
from fabloop.sense.position_error import Approach, Requirement, SkillClass, Zone


class MonitoredUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A work unit with a daily test.

    Attributes
    ----------
    times_ns : local times of day, since midnight
    """

    work_unit: WorkUnitId
    kpi: KpiId
    times_ns: tuple[int, ...]
    valid_for_ns: int
    requirement: Requirement
    calibration: Calibration
    maintenance: MaintenanceRule | None = None


def monitored_units(
    document: MonitoringDocument,
    sheet: Sheet,
    work_units: Mapping[WorkUnitId, WorkUnit] | None,
    currency: str = "",
) -> tuple[MonitoredUnit, ...]:
    """Return what a document says; faults are noted on the sheet, and the result is then unfit.

    `work_units` is None where nobody can tell which there are; names are then not judged. Nor is
    the currency of costs where `currency` is empty.
    """
    return tuple(
        _unit(entry, sheet.at("units", index), work_units, currency)
        for index, entry in enumerate(document.units)
    )


def _unit(
    entry: MonitoredUnitEntry,
    sheet: Sheet,
    work_units: Mapping[WorkUnitId, WorkUnit] | None,
    currency: str,
) -> MonitoredUnit:
    known = sheet.at("work_unit").known(entry.work_unit, work_units, "a work unit")
    if known and work_units is not None:
        offers = work_units[WorkUnitId(entry.work_unit)].offers
        live = {
            value.kpi: True
            for offer in offers
            for value in offer.values.values()
            if isinstance(value, LiveRating)
        }
        what = f"a KPI that an offer of {entry.work_unit!r} rests on"
        sheet.at("kpi").known(entry.kpi, live, what)
    return MonitoredUnit(
        work_unit=WorkUnitId(entry.work_unit),
        kpi=KpiId(entry.kpi),
        times_ns=tuple(
            time_of_day_ns(each, sheet.at("times", index)) for index, each in enumerate(entry.times)
        ),
        valid_for_ns=duration_ns(entry.valid_for, sheet.at("valid_for")),
        requirement=_requirement(entry, sheet.at("requirement")),
        calibration=_calibration(entry.calibration, sheet.at("calibration")),
        maintenance=_maintenance(entry, sheet.at("maintenance"), currency),
    )


def _maintenance(entry: MonitoredUnitEntry, sheet: Sheet, currency: str) -> MaintenanceRule | None:
    given, purse = entry.maintenance, Purse()
    if given is None:
        return None
    purse.currency = currency
    return MaintenanceRule(
        work_unit=WorkUnitId(entry.work_unit),
        kpi=KpiId(entry.kpi),
        job=given.job,
        takes_ns=duration_ns(given.takes, sheet.at("takes")),
        planned_minor=purse.cost(given.cost, sheet.at("cost")),
        failure_minor=purse.cost(given.failure_cost, sheet.at("failure_cost")),
        downtime_ns=duration_ns(given.downtime, sheet.at("downtime"), zero_allowed=True),
        downtime_minor_per_hour=purse.hourly(given.downtime_cost, sheet.at("downtime_cost")),
        rate_minor_per_day=purse.cost(given.saved_per_day, sheet.at("saved_per_day")),
        currency=purse.currency,
        window_ns=duration_ns(given.window, sheet.at("window")),
    )


def _requirement(entry: MonitoredUnitEntry, sheet: Sheet) -> Requirement:
    given = entry.requirement
    warm = quantity(
        given.temperature_departure, Dimension.TEMPERATURE, sheet.at("temperature_departure")
    )
    return Requirement(
        skill=SkillClass(given.skill),
        approach=Approach(given.approach),
        zone=Zone(given.zone),
        axes=tuple(entry.calibration.axes),
        process_force_n=amount(given.process_force, Dimension.FORCE, sheet.at("process_force")),
        temperature_departure_k=warm,
    )


def _calibration(entry: CalibrationEntry, sheet: Sheet) -> Calibration:
    return Calibration(
        reference=entry.reference,
        at=instant(entry.at, sheet.at("at")),
        axes={name: _axis(axis, sheet.at("axes", name)) for name, axis in entry.axes.items()},
        vendor_radial_m=amount(entry.vendor_error, Dimension.LENGTH, sheet.at("vendor_error")),
        vendor_widening=entry.vendor_widening,
    )


def _axis(entry: CalibratedAxisEntry, sheet: Sheet) -> AxisCalibration:
    def length(name: str) -> float:
        return amount(getattr(entry, name), Dimension.LENGTH, sheet.at(name))

    def value(name: str, dimension: Dimension) -> float:
        return amount(getattr(entry, name), dimension, sheet.at(name))

    return AxisCalibration(
        systematic_m=length("systematic"),
        growth_m_per_day=length("growth_per_day"),
        repeatability_m=length("repeatability"),
        uncertainty_m=length("uncertainty"),
        compensated_reversal_m=length("compensated_reversal"),
        scale_feedback=entry.scale_feedback,
        structure_n_per_m=value("structure_stiffness", Dimension.STIFFNESS),
        expansion_per_k=value("expansion", Dimension.EXPANSION),
        length_m=length("length"),
        temperature_uncertainty_k=value("temperature_uncertainty", Dimension.TEMPERATURE),
        drive=DriveData(
            motor_mass_kg=value("motor_mass", Dimension.MASS),
            motor_coulomb_n=value("motor_friction", Dimension.FORCE),
            pitch_m=length("pitch"),
            ball_order=entry.ball_order,
        ),
        reference_play_m=length("reference_play") if entry.reference_play is not None else None,
    )
