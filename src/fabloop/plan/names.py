"""What engagements call crews and set-ups, beside work units, vehicles and tools."""

from collections.abc import Sequence

from fabloop.model.ids import PersonId, WorkUnitId

_CREW = "crew "
_SET_UP = " set up for "


def crew_name(persons: Sequence[PersonId]) -> WorkUnitId:
    """Return the name of a crew: that of its first member, for each is in one crew only."""
    return WorkUnitId(f"{_CREW}{persons[0]}")


def set_up_name(unit: WorkUnitId, family: str) -> WorkUnitId:
    """Return the name of a work unit that is set up for a family."""
    return WorkUnitId(f"{unit}{_SET_UP}{family}")


def is_beside(name: str) -> bool:
    """Tell whether this names a crew or a set-up: their times may overlap, or be told twice."""
    return name.startswith(_CREW) or _SET_UP in name
