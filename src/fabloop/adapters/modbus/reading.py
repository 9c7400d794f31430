"""Words of registers to readings, and exception codes to qualities."""

import math
from collections.abc import Sequence

from fabloop.adapters.modbus.groups import Group
from fabloop.base.instant import Instant
from fabloop.sense.connections.coding import decoded
from fabloop.sense.connections.model import Connection
from fabloop.sense.readings.batch import Batch, batch_of
from fabloop.sense.readings.intake import Intake
from fabloop.sense.readings.payloads.decoded import not_a_number
from fabloop.sense.readings.quality import (
    BAD,
    COMMUNICATION_FAILURE,
    CONFIGURATION_ERROR,
    DEVICE_FAILURE,
    GOOD,
    SENSOR_FAILURE,
)
from fabloop.sense.readings.series import Catalogue
from fabloop.sense.readings.tally import Tally

QUALITY_OF_EXCEPTION = {
    0x01: CONFIGURATION_ERROR,      # illegal function
    0x02: CONFIGURATION_ERROR,      # illegal data address
    0x03: CONFIGURATION_ERROR,      # illegal data value
    0x04: DEVICE_FAILURE,           # server device failure
    0x08: DEVICE_FAILURE,           # memory parity error
    0x0A: COMMUNICATION_FAILURE,    # gateway path unavailable
    0x0B: COMMUNICATION_FAILURE,    # gateway target did not respond
}  # fmt: skip
NAME_OF_EXCEPTION = {
    0x01: "illegal function", 0x02: "illegal data address", 0x03: "illegal data value",
    0x04: "device failure", 0x05: "acknowledge", 0x06: "device busy",
    0x08: "memory parity error", 0x0A: "gateway path unavailable",
    0x0B: "gateway target did not respond",
}  # fmt: skip
"""Exception codes of the Modbus application protocol 1.1b3, chapter 7."""


class Reading:
    """Turns answers to requests into batches."""

    def __init__(self, connection: Connection, catalogue: Catalogue, tally: Tally) -> None:
        self._connection = connection
        self._tally = tally
        self._intake = Intake(catalogue, tally)
        self._numbers = [self._intake.enter(each.series) for each in connection.variables]

    def read(self, group: Group, words: Sequence[int], at: Instant) -> Batch:
        """Return what the registers of a group hold."""
        numbers: list[int] = []
        values: list[float] = []
        quality: list[int] = []
        for each in group.wanted:
            register = each.register
            start = register.at - group.at
            raw = decoded(register, words[start : start + register.size])
            if not math.isfinite(raw):
                self._tally.refuse([not_a_number(f"{raw} in register '{register.id}'")])
                continue
            known = raw not in register.bad
            numbers.append(self._numbers[each.position])
            values.append(raw * register.scale + register.offset if known else math.nan)
            quality.append(GOOD if known else SENSOR_FAILURE)
        batch = batch_of([at] * len(numbers), numbers, values, quality)
        return self._intake.fitted(batch, at, live=False)

    def refused(self, group: Group, code: int, at: Instant) -> Batch:
        """Return that the registers of a group have no value, with the reason of the device."""
        quality = QUALITY_OF_EXCEPTION.get(code, BAD)
        numbers = [self._numbers[each.position] for each in group.wanted]
        self._tally.trouble(_told(group, code, self._connection.url), lasting=False)
        self._tally.receive(len(numbers))
        return batch_of([at] * len(numbers), numbers, [math.nan] * len(numbers), quality)


def _told(group: Group, code: int, url: str) -> str:
    names = ", ".join(f"'{each.register.id}'" for each in group.wanted)
    why = NAME_OF_EXCEPTION.get(code, "an unknown exception")
    hint = "Correct the register map." if code in (1, 2, 3) else "Look at the device."
    return f"Expected {group.table} {names} at {url}, but found exception {code} ({why}). {hint}"
