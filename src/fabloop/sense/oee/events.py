"""What happens at a work unit, as it is told: states, orders, counts, and planned downtime."""

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import WorkUnitId


class StateTold(msgspec.Struct, frozen=True, kw_only=True, tag="state"):
    """From `at` on the unit is in a state, until the next one is told.

    Attributes
    ----------
    id : unique for the unit; an event that comes twice counts once
    state, mode : words of the machine
    reason : booked by somebody; wins over the state in the mapping
    """

    id: str
    work_unit: WorkUnitId
    at: Instant
    state: str
    mode: str = ""
    reason: str = ""


class ReasonBooked(msgspec.Struct, frozen=True, kw_only=True, tag="reason"):
    """Somebody tells why the unit stood still from `at` to `end`, perhaps hours later."""

    id: str
    work_unit: WorkUnitId
    at: Instant
    end: Instant
    reason: str


class OrderTold(msgspec.Struct, frozen=True, kw_only=True, tag="order"):
    """From `at` on the unit works for an order; no order: nothing is to be done."""

    id: str
    work_unit: WorkUnitId
    at: Instant
    order: str = ""
    product: str = ""


class PartsCounted(msgspec.Struct, frozen=True, kw_only=True, tag="parts"):
    """Parts that were finished at `at`: good, scrapped, to be reworked; increases, not readings.

    Attributes
    ----------
    rework : parts that are neither good nor scrap yet; they are not good at first pass
    """

    id: str
    work_unit: WorkUnitId
    at: Instant
    good: int = 0
    scrap: int = 0
    rework: int = 0
    product: str = ""


class PlannedDowntime(msgspec.Struct, frozen=True, kw_only=True, tag="downtime"):
    """The unit is not to work from `at` to `end`, although the calendar says that it is open."""

    id: str
    work_unit: WorkUnitId
    at: Instant
    end: Instant
    reason: str = ""


Event = StateTold | ReasonBooked | OrderTold | PartsCounted | PlannedDowntime
