"""What engagements call crews and set-ups, beside work units, vehicles and tools."""

from collections.abc import Sequence

from fabloop.model.ids import LaneId, PersonId, WorkUnitId

_CREW = "crew "
_SET_UP = " set up for "
_BATCH = " with a batch of "
_RUN = " run "
_SHIPMENT = "shipment on "


def crew_name(persons: Sequence[PersonId]) -> WorkUnitId:
    """Return the name of a crew: that of its first member, for each is in one crew only."""
    return WorkUnitId(f"{_CREW}{persons[0]}")


def set_up_name(unit: WorkUnitId, family: str) -> WorkUnitId:
    """Return the name of a work unit that is set up for a family."""
    return WorkUnitId(f"{unit}{_SET_UP}{family}")


def batch_name(unit: WorkUnitId, family: str, pieces: int = 0) -> WorkUnitId:
    """Return the name of a work unit with so many pieces of a family in it; 0 is how it begins."""
    return WorkUnitId(f"{unit}{_BATCH}{family}:{pieces or ''}")


def run_name(unit: WorkUnitId, number: int, place: int) -> str:
    """Return the name of a place in a run that steps of several operations share."""
    return f"{unit}{_RUN}{number}.{place}"


def shipment_name(lane: LaneId) -> WorkUnitId:
    """Return the name of the shipments on a lane: each good in one tells it."""
    return WorkUnitId(f"{_SHIPMENT}{lane}")


def is_beside(name: str) -> bool:
    """Tell whether this names a crew, set-up, batch or shipment: its times may be told twice."""
    return name.startswith((_CREW, _SHIPMENT)) or _SET_UP in name or _BATCH in name
