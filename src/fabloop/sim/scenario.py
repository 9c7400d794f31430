"""Simulation documents: how the simulated plant deviates from plan, and how its machines wear."""

from collections.abc import Collection, Mapping

import msgspec

from fabloop.base.instant import HOUR, Instant
from fabloop.base.quantity import Dimension
from fabloop.model.documents.collect import Sheet
from fabloop.model.documents.structs import (
    SimulatedAxisEntry,
    SimulatedOpeningEntry,
    SimulationDocument,
)
from fabloop.model.documents.values import amount, instant
from fabloop.model.ids import SignalId, WorkUnitId
from fabloop.model.site import WorkUnit
from fabloop.sense.calibration import AxisCalibration
from fabloop.sim.axis.parameters import AxisParameters, Controller, WearModel, wear
from fabloop.sim.guards import Opening
from fabloop.sim.plant import PlantBehaviour


class WearingAxis(msgspec.Struct, frozen=True, kw_only=True):
    """An axis as new, and how it changes."""

    new: AxisParameters
    wear: WearModel


class SimulatedMachine(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that wears since an instant, in the share `utilisation` of the time."""

    work_unit: WorkUnitId
    wears_since: Instant
    utilisation: float
    axes: dict[str, WearingAxis]

    def axes_at(self, at: Instant) -> dict[str, AxisParameters]:
        """Return the axes as they are at an instant."""
        hours = max(0, at - self.wears_since) / HOUR * self.utilisation
        return {name: wear(axis.new, hours, axis.wear) for name, axis in self.axes.items()}


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """The simulated world of a story."""

    begins_at: Instant
    plant: PlantBehaviour
    machines: dict[WorkUnitId, SimulatedMachine]
    openings: tuple[Opening, ...] = ()


def simulation_of(
    document: SimulationDocument,
    sheet: Sheet,
    work_units: Mapping[WorkUnitId, WorkUnit] | None,
    calibrated: Mapping[WorkUnitId, Mapping[str, AxisCalibration]] | None,
    signals: Collection[str] | None = None,
) -> Simulation:
    """Return what a document says; faults are noted on the sheet, and the result is then unfit.

    Motor data and the kind of feedback are those of the calibrated axes: they are known. What is
    None could not be read; names in it are then not judged.
    """
    machines: dict[WorkUnitId, SimulatedMachine] = {}
    for index, entry in enumerate(document.machines):
        at = sheet.at("machines", index)
        unit = WorkUnitId(entry.work_unit)
        exists = at.at("work_unit").known(unit, work_units, "a work unit")
        known = None if calibrated is None else calibrated.get(unit)
        if exists and calibrated is not None and known is None:
            at.at("work_unit").fault("a monitored work unit", repr(entry.work_unit))
        utilisation = amount(entry.utilisation, Dimension.RATIO, at.at("utilisation"))
        if utilisation > 1:
            at.at("utilisation").fault("at most 100 %", repr(entry.utilisation))
        machines[unit] = SimulatedMachine(
            work_unit=unit,
            wears_since=instant(entry.wears_since, at.at("wears_since")),
            utilisation=utilisation,
            axes={
                name: _axis(axis, known[name], at.at("axes", name))
                for name, axis in entry.axes.items()
                if at.at("axes", name).known(name, known, "a calibrated axis") and known is not None
            },
        )
    return Simulation(
        begins_at=instant(document.begins_at, sheet.at("begins_at")),
        plant=PlantBehaviour(
            duration_spread=amount(
                document.duration_spread, Dimension.RATIO, sheet.at("duration_spread")
            ),
            supplier_lots=document.supplier_lots,
            results={name: dict(values) for name, values in document.results.items()},
        ),
        machines=machines,
        openings=tuple(
            _opening(each, signals, sheet.at("openings", index))
            for index, each in enumerate(document.openings)
        ),
    )


def _opening(
    entry: SimulatedOpeningEntry, signals: Collection[str] | None, sheet: Sheet
) -> Opening:
    sheet.at("signal").known(entry.signal, signals, "a signal of a safety document")
    since, until = instant(entry.since, sheet.at("from")), instant(entry.until, sheet.at("to"))
    if until <= since:
        sheet.at("to").fault("an instant after 'from'", repr(entry.until))
    reset_at = None
    if entry.reset_at is not None:
        reset_at = instant(entry.reset_at, sheet.at("reset_at"))
        if reset_at < until:
            sheet.at("reset_at").fault("an instant at or after 'to'", repr(entry.reset_at))
    return Opening(signal=SignalId(entry.signal), since=since, until=until, reset_at=reset_at)


def _axis(entry: SimulatedAxisEntry, known: AxisCalibration, sheet: Sheet) -> WearingAxis:
    def value(name: str, dimension: Dimension) -> float:
        return amount(getattr(entry, name), dimension, sheet.at(name))

    return WearingAxis(
        new=AxisParameters(
            motor_mass_kg=known.drive.motor_mass_kg,
            motor_coulomb_n=known.drive.motor_coulomb_n,
            pitch_m=known.drive.pitch_m,
            table_mass_kg=value("table_mass", Dimension.MASS),
            stiffness_n_per_m=value("stiffness", Dimension.STIFFNESS),
            gap_m=value("gap", Dimension.LENGTH),
            coulomb_n=value("coulomb_friction", Dimension.FORCE),
            static_n=value("static_friction", Dimension.FORCE),
            stribeck_m_per_s=value("stribeck_speed", Dimension.SPEED),
            viscous_ns_per_m=value("viscous_friction", Dimension.DAMPING),
            controller=Controller(scale_feedback=known.scale_feedback),
        ),
        wear=WearModel(
            gap_m_per_h=value("gap_growth_per_hour", Dimension.LENGTH),
            friction_per_h=value("friction_growth_per_hour", Dimension.RATIO),
            stiffness_loss_per_h=value("stiffness_loss_per_hour", Dimension.RATIO),
        ),
    )
