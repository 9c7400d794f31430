"""A simulated line as its servers show it."""

from fabloop.adapters.plant_servers.served import (
    ServedKind,
    ServedUnit,
    ServedValue,
    ServedVariable,
)
from fabloop.sense.readings.quality import GOOD, SENSOR_FAILURE
from fabloop.sim.line.line import Told
from fabloop.sim.line.model import LineModel
from fabloop.sim.line.signals import SIGNALS, Signal, SignalKind

TEXT_STATES = frozenset(("machinery.state", "machinery.mode"))
"""States that machines tell by their names (OPC 40001-1); the others tell numbers."""


def units_of(model: LineModel) -> tuple[ServedUnit, ...]:
    """Return the work units of a line with all that they tell."""
    variables = tuple(_variable(each, model) for each in SIGNALS)
    return tuple(
        ServedUnit(
            id=station.id, label=station.label, equipment_type=station.equipment_type,
            variables=variables,
        )
        for station in model.stations
    )  # fmt: skip


def value_of(told: Told) -> ServedValue:
    """Return a reading of the line as it goes over wires."""
    quality = GOOD if told.sound else SENSOR_FAILURE
    return ServedValue(told.station, told.signal, told.at, told.values, quality)


def _variable(signal: Signal, model: LineModel) -> ServedVariable:
    bulk = signal.kind is SignalKind.BULK
    return ServedVariable(
        name=signal.name, label=signal.label, kind=ServedKind(signal.kind.value),
        unit=signal.unit, least=signal.least, greatest=signal.greatest, states=signal.states,
        text_states=signal.name in TEXT_STATES, samples=model.bulk if bulk else 0,
        interval_ns=model.sample_ns // model.bulk if bulk else 0,
    )  # fmt: skip
