"""What is made to go wrong on a simulated line, read from a document with every fault told."""

from enum import StrEnum
from typing import Annotated

import msgspec

from fabloop.base.codec import from_json_once
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import SECOND, Instant
from fabloop.base.quantity import Dimension, quantity_of
from fabloop.model.documents.collect import Sheet, raise_if_any

INJECTIONS_MAX = 10_000
FOREVER = Instant(2**63 - 1)


class Trouble(StrEnum):
    """What can be made to happen to a station."""

    BREAKDOWN = "breakdown"
    """It breaks at `after` and is repaired `lasts` later."""
    MICRO_STOPS = "micro-stops"
    """`amount` times as many micro-stops."""
    SCRAP = "scrap"
    """A share `amount` of the parts is bad."""
    WEAR = "wear"
    """The tool wears `amount` times as fast."""
    SLOW = "slow"
    """Parts take `amount` times as long."""
    STUCK = "stuck"
    """A sensor repeats its last value."""
    DRIFT = "drift"
    """A sensor departs by `amount` (of its own unit) per hour."""
    SPIKES = "spikes"
    """Every twentieth value of a sensor is `amount` times too great."""
    NOT_A_NUMBER = "not-a-number"
    """A sensor tells NaN, and says that it is good."""
    SENSOR_FAILURE = "sensor-failure"
    """A sensor tells nothing, and says so."""
    RESET = "counter-reset"
    """The counters start again at 0."""
    CLOCK = "clock-jump"
    """The station's clock goes wrong by `amount` seconds."""
    LIE = "lie"
    """The station says that it works, whatever it does."""


SENSOR_TROUBLES = frozenset(
    (Trouble.STUCK, Trouble.DRIFT, Trouble.SPIKES, Trouble.NOT_A_NUMBER, Trouble.SENSOR_FAILURE)
)


class InjectionEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trouble as it is written: spans are texts such as ``10 min`` since the beginning."""

    station: str
    trouble: Trouble
    after: str
    lasts: str = ""
    amount: float = 1.0
    signal: str = ""


class InjectionDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of ``fabloop simulate line --inject``."""

    injections: Annotated[tuple[InjectionEntry, ...], msgspec.Meta(max_length=INJECTIONS_MAX)]


class Injection(msgspec.Struct, frozen=True, kw_only=True):
    """A trouble of a station from an instant up to another one; `signal` names the sensor."""

    station: str
    trouble: Trouble
    start: Instant
    end: Instant = FOREVER
    amount: float = 1.0
    signal: str = ""

    def holds(self, at: Instant) -> bool:
        """Tell whether it is in force at an instant."""
        return self.start <= at < self.end


def read_injections(
    data: bytes, source: str, *, stations: tuple[str, ...], sensors: tuple[str, ...], at: Instant
) -> tuple[Injection, ...]:
    """Return the troubles of a document; `at` is when the line begins.

    Raises
    ------
    Invalid
        No such document, or every fault: unknown stations and sensors, spans without a unit.
    """
    try:
        document = from_json_once(data, InjectionDocument)
    except msgspec.DecodeError as error:
        hint = 'Write {"injections": [{"station": ..., "trouble": ..., "after": "10 min"}]}.'
        fault = Fault(source=source, path="", expected="injections as JSON", found=str(error),
            hint=hint)  # fmt: skip
        raise Invalid(fault) from error
    faults: list[Fault] = []
    found = tuple(
        _injection(entry, Sheet(source, faults).at("injections", index), stations, sensors, at)
        for index, entry in enumerate(document.injections)
    )
    raise_if_any(faults)
    return found


def _injection(
    entry: InjectionEntry,
    sheet: Sheet,
    stations: tuple[str, ...],
    sensors: tuple[str, ...],
    at: Instant,
) -> Injection:
    sheet.at("station").known(entry.station, stations, "a station of the line")
    if entry.trouble in SENSOR_TROUBLES:
        sheet.at("signal").known(entry.signal, sensors, "a sensor")
    elif entry.signal:
        sheet.at("signal").fault(f"no sensor for {entry.trouble.value!r}", repr(entry.signal))
    start = Instant(at + _span(entry.after, sheet.at("after")))
    end = Instant(start + _span(entry.lasts, sheet.at("lasts"))) if entry.lasts else FOREVER
    if entry.trouble is Trouble.BREAKDOWN and not entry.lasts:
        sheet.at("lasts").fault("how long the repair takes, such as '15 min'", "nothing")
    return Injection(
        station=entry.station,
        trouble=entry.trouble,
        start=start,
        end=end,
        amount=entry.amount,
        signal=entry.signal,
    )


def _span(text: str, sheet: Sheet) -> int:
    try:
        seconds = quantity_of(text, Dimension.TIME)
    except ValueError as error:
        sheet.fault(str(error), repr(text))
        return 0
    if seconds < 0:
        sheet.fault("a span of zero or more, such as '10 min'", repr(text))
    return round(seconds * SECOND)
