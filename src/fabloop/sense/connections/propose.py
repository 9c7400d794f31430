"""A proposal of what a machine's variables mean in a factory: for a person to check."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from fabloop.base.names import did_you_mean
from fabloop.model.documents.connection_structs import CommandsEntry, VariableEntry
from fabloop.model.ids import WorkUnitId
from fabloop.model.site import WorkUnit
from fabloop.sense.connections.seen import Seen, SeenVariable

COUNTING_WORDS = re.compile(
    r"(count|counter|parts|pieces|total|energy|produced|scrap)", re.IGNORECASE
)
ENERGY_UNITS = frozenset(("J", "kJ", "MJ", "Wh", "kWh", "MWh"))
BEGIN, RESPONSES, PERMITTED = "BeginJob", "JobResponses", "StartPermitted"
COMPANION: Mapping[tuple[str, ...], str] = {
    ("MachineryItemState", "CurrentState"): "machinery.state",
    ("MachineryOperationMode", "CurrentState"): "machinery.mode",
}
"""Names of series that mean something to us, by the end of a path of OPC 40001-1."""
COMPONENTS = "Components"
ELEMENTS_MAX = 1_000
"""Elements of an array that are proposed as series of their own."""


class Unmapped(msgspec.Struct, frozen=True, kw_only=True):
    """A variable that is left out of the proposal, and why."""

    address: str
    path: str
    reason: str


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Variables and commands of a connection, and what could not be placed."""

    variables: tuple[VariableEntry, ...]
    commands: tuple[CommandsEntry, ...]
    unmapped: tuple[Unmapped, ...]
    notes: tuple[str, ...] = ()


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """The work units of a factory, and what a person said about which is which.

    Attributes
    ----------
    only : everything belongs to this work unit
    said : work unit by name on the machine's side
    """

    units: Mapping[WorkUnitId, WorkUnit]
    only: str = ""
    said: Mapping[str, str] = {}


def propose(seen: Seen, places: Places) -> Proposal:
    """Return which work unit each variable belongs to by name or type, and what it measures."""
    variables: list[VariableEntry] = []
    unmapped: list[Unmapped] = []
    notes: list[str] = []
    permits = {(each.path[:-1]): each for each in seen.variables if each.path[-1] == PERMITTED}
    for each in seen.variables:
        if each.path[-1] == PERMITTED and each.path[:-1] in permits:
            continue
        unit, depth, why = _unit_of(each.path, each.about, places)
        why = _unfit(each) or why
        if why:
            unmapped.append(Unmapped(address=each.address, path="/".join(each.path), reason=why))
            continue
        variables.append(_entry(each, unit, depth))
        if not each.unit_known:
            notes.append(
                f"'{each.address}' is told in '{each.unit}', which is no unit that we know: it is "
                "taken as a bare number."
            )
    return Proposal(
        variables=_told_apart(variables),
        commands=tuple(_commands(seen, permits, places)),
        unmapped=tuple(unmapped),
        notes=tuple(notes),
    )


def _unfit(seen: SeenVariable) -> str:
    if not seen.number and not seen.states:
        return "it is no number" + (", and its texts are not listed" if seen.text else "")
    if seen.length > ELEMENTS_MAX and not seen.sample_interval_ns:
        return f"it has more than {ELEMENTS_MAX} elements"
    return ""


def _unit_of(path: Sequence[str], about: Sequence[str], places: Places) -> tuple[str, int, str]:
    """Return the work unit, how many names of the path lead to it, and why there is none."""
    if places.only:
        return places.only, max(0, len(path) - 1) if len(path) < 2 else 1, ""
    plain = {_plain(name): unit for name, unit in places.said.items()}
    for known in (plain, _by_id(places), _by_label(places)):
        for depth in range(len(path) - 1, -1, -1):
            unit = known.get(_plain(path[depth]))
            if unit is not None:
                return unit, depth + 1, ""
        for text in reversed(about):
            unit = known.get(_plain(text))
            if unit is not None:
                return unit, _owner(path), ""
    return _by_type(path, about, places)


def _by_type(path: Sequence[str], about: Sequence[str], places: Places) -> tuple[str, int, str]:
    for text in reversed(about):
        alike = [
            unit for unit, each in places.units.items()
            if _plain(each.equipment_type) == _plain(text)
        ]  # fmt: skip
        if len(alike) == 1:
            return alike[0], _owner(path), ""
        if alike:
            names = ", ".join(f"'{each}'" for each in sorted(alike))
            return "", 0, f"it may be any of {names}; say which: --map '{path[0]}=UNIT'"
    hint = did_you_mean(path[min(1, len(path) - 1)], list(places.units))
    return "", 0, f"no work unit is named so. {hint}".strip()


def _owner(path: Sequence[str]) -> int:
    """Return how many names lead to the machine, where its name is not that of a work unit."""
    return max(1, len(path) - 1)


def _by_id(places: Places) -> dict[str, str]:
    return {_plain(unit): unit for unit in places.units}


def _by_label(places: Places) -> dict[str, str]:
    return {_plain(each.label): unit for unit, each in places.units.items()}


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _entry(seen: SeenVariable, unit: str, depth: int) -> VariableEntry:
    name = ".".join(seen.path[depth:]) or seen.path[-1]
    if COMPONENTS not in seen.path[depth:]:  # the state of a part is not that of the machine
        name = COMPANION.get(tuple(seen.path[-2:]), name)
    states = bool(seen.states)
    counts = seen.unit in ENERGY_UNITS or (not seen.unit and bool(COUNTING_WORDS.search(name)))
    known = seen.unit if seen.unit_known else ""
    samples = seen.length > 0 and seen.sample_interval_ns > 0
    return VariableEntry(
        address=seen.address,
        work_unit=unit,
        name=name[:100],
        kind="state" if states else "counter" if counts and not seen.length else "gauge",
        unit="" if states else known,
        states=seen.states,
        least=None if states else seen.least,
        greatest=None if states else seen.greatest,
        elements=0 if samples else seen.length,
        sample_interval=f"{seen.sample_interval_ns / 1e6:g} ms" if samples else None,
    )


def _told_apart(entries: Sequence[VariableEntry]) -> tuple[VariableEntry, ...]:
    """Return the variables with names that each occur once in their work unit."""
    taken: set[tuple[str, str]] = set()
    found: list[VariableEntry] = []
    for each in entries:
        name, number = each.name, 2
        while (each.work_unit, name) in taken:
            name = f"{each.name} ({number})"
            number += 1
        taken.add((each.work_unit, name))
        found.append(msgspec.structs.replace(each, name=name))
    return tuple(found)


def _commands(
    seen: Seen, permits: Mapping[tuple[str, ...], SeenVariable], places: Places
) -> list[CommandsEntry]:
    found = []
    methods = {each.path: each for each in seen.methods}
    for path, begin in methods.items():
        owner = path[:-1]
        responses, permit = methods.get((*owner, RESPONSES)), permits.get(owner)
        if path[-1] != BEGIN or responses is None or permit is None:
            continue
        unit, _, why = _unit_of(permit.path, permit.about, places)
        if not why:
            found.append(
                CommandsEntry(
                    work_unit=unit, object=begin.object, begin=begin.address,
                    responses=responses.address, permitted=permit.address,
                )
            )  # fmt: skip
    return found
