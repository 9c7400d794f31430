"""What every station of a line tells: names, units, limits, and the texts of states."""

from enum import StrEnum
from typing import Final

import msgspec

from fabloop.sim.line.states import (
    ACTIVITIES,
    MACHINERY_MODES,
    MACHINERY_STATES,
    PACKML_STATES,
)


class SignalKind(StrEnum):
    """How the values of a signal follow each other."""

    GAUGE = "gauge"
    COUNTER = "counter"
    STATE = "state"
    BULK = "bulk"
    """Evenly spaced samples in each reading."""


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One property of a station; `unit` as on a machine's display, `states` by number."""

    name: str
    label: str
    kind: SignalKind = SignalKind.GAUGE
    unit: str = ""
    least: float | None = None
    greatest: float | None = None
    states: tuple[str, ...] = ()


SIGNALS: Final = (
    Signal(name="state", label="What the station does", kind=SignalKind.STATE,
        states=tuple(each.value for each in ACTIVITIES)),
    Signal(name="machinery.state", label="MachineryItemState (OPC 40001-1)",
        kind=SignalKind.STATE, states=MACHINERY_STATES),
    Signal(name="machinery.mode", label="MachineryOperationMode (OPC 40001-1)",
        kind=SignalKind.STATE, states=MACHINERY_MODES),
    Signal(name="packml.state", label="Unit state (PackML)", kind=SignalKind.STATE,
        states=PACKML_STATES),
    Signal(name="parts.good", label="Good parts", kind=SignalKind.COUNTER),
    Signal(name="parts.scrap", label="Scrapped parts", kind=SignalKind.COUNTER),
    Signal(name="cycle.time", label="Time of the last part", unit="s", least=0.0,
        greatest=36_000.0),
    Signal(name="energy", label="Energy used", kind=SignalKind.COUNTER, unit="kWh"),
    Signal(name="power", label="Power", unit="kW", least=0.0, greatest=60.0),
    Signal(name="spindle.load", label="Load of the spindle", unit="%", least=0.0, greatest=150.0),
    Signal(name="spindle.temperature", label="Temperature of the spindle bearing", unit="°C",
        least=-10.0, greatest=120.0),
    Signal(name="vibration", label="Vibration velocity, root mean square", unit="mm/s", least=0.0,
        greatest=50.0),
    Signal(name="tool.wear", label="Used share of the tool's life", unit="%", least=0.0,
        greatest=100.0),
    Signal(name="spindle.current", label="Current of the spindle in amperes, samples",
        kind=SignalKind.BULK),
)  # fmt: skip

SENSORS: Final = ("power", "spindle.load", "spindle.temperature", "vibration", "spindle.current")
"""The signals that sensors read, and that sensor faults can be injected into."""
