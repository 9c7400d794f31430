"""A story's documents, all read and checked together: knowledge, order, monitoring, simulation."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from fabloop.adapters.documents import documents_in
from fabloop.base.errors import Fault, Invalid
from fabloop.model.documents import resolve, resolve_order
from fabloop.model.documents.collect import Sheet, raise_if_any
from fabloop.model.documents.structs import MonitoringDocument, SimulationDocument
from fabloop.model.documents.structure import decode, kind_in
from fabloop.model.ids import WorkUnitId
from fabloop.model.knowledge import Knowledge
from fabloop.model.maintenance import MaintenanceRule
from fabloop.model.order import OrderRequest
from fabloop.model.site import WorkUnit
from fabloop.sense.monitoring import MonitoredUnit, monitored_units
from fabloop.sim.scenario import Simulation, simulation_of

Kind = TypeVar("Kind", MonitoringDocument, SimulationDocument)


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a story starts from; `digest` is the SHA-256 of all documents."""

    knowledge: Knowledge
    order: OrderRequest
    monitored: tuple[MonitoredUnit, ...]
    simulation: Simulation
    digest: str


def read_scenario(folder: Path) -> Scenario:
    """Read a folder of documents.

    Raises
    ------
    Invalid
        Every fault of every document, or a kind of document that a story needs is missing.
    """
    documents = documents_in(folder)
    faults = [
        *_note_count(folder, "simulation", documents),
        *_note_count(folder, "order", documents),
    ]
    try:
        knowledge = resolve(documents)
    except Invalid as error:
        raise Invalid((*error.faults, *faults, *_world_of(documents, None, None).faults)) from error
    rules = knowledge.safety
    controllers = rules.controllers.values() if rules is not None else ()
    signals = frozenset(str(each.id) for one in controllers for each in one.signals)
    units = knowledge.network.work_units()
    world = _world_of(documents, units, signals, knowledge.currency)
    raise_if_any([*faults, *world.faults])
    return Scenario(
        knowledge=msgspec.structs.replace(knowledge, maintenance=_rules(world.monitored)),
        order=order_in(documents, knowledge, folder),
        monitored=tuple(world.monitored),
        simulation=world.simulations[0],
        digest=_digest(documents),
    )


def _rules(monitored: Iterable[MonitoredUnit]) -> tuple[MaintenanceRule, ...]:
    return tuple(each.maintenance for each in monitored if each.maintenance is not None)


class _World(msgspec.Struct, frozen=True):
    """What the documents say beyond knowledge; unfit where there are faults."""

    monitored: list[MonitoredUnit]
    simulations: list[Simulation]
    faults: list[Fault]


def _world_of(
    documents: Mapping[str, bytes],
    units: Mapping[WorkUnitId, WorkUnit] | None,
    signals: frozenset[str] | None,
    currency: str = "",
) -> _World:
    """Read monitoring and simulation; names are None where nobody could tell them."""
    world = _World([], [], [])
    watched = _of_kind(documents, "monitoring", MonitoringDocument, world.faults)
    for sheet, monitoring in watched:
        world.monitored.extend(monitored_units(monitoring, sheet, units, currency))
    complete = len(watched) == sum(kind_in(data) == "monitoring" for data in documents.values())
    calibrated = {each.work_unit: each.calibration.axes for each in world.monitored}
    for sheet, simulation in _of_kind(documents, "simulation", SimulationDocument, world.faults):
        known = calibrated if complete else None
        world.simulations.append(simulation_of(simulation, sheet, units, known, signals))
    return world


def _of_kind(
    documents: Mapping[str, bytes], name: str, kind: type[Kind], faults: list[Fault]
) -> list[tuple[Sheet, Kind]]:
    """Return the documents of a kind that could be read; faults of form are told by `resolve`."""
    found = []
    for source, data in documents.items():
        document = decode(source, data, []) if kind_in(data) == name else None
        if isinstance(document, kind):
            found.append((Sheet(source, faults), document))
    return found


SEVERAL = "Leave one; `fabloop plan` plans several orders of a folder together."


def order_in(documents: Mapping[str, bytes], knowledge: Knowledge, folder: Path) -> OrderRequest:
    """Return the one order among the documents of a folder; raises Invalid."""
    raise_if_any(_note_count(folder, "order", documents, "The other documents are right. "))
    name = next(name for name, data in documents.items() if kind_in(data) == "order")
    return resolve_order(name, documents[name], knowledge.families)


def _note_count(
    folder: Path, kind: str, documents: Mapping[str, bytes], besides: str = ""
) -> list[Fault]:
    count = sum(kind_in(data) == kind for data in documents.values())
    if count == 1:
        return []
    return [
        Fault(
            source=str(folder),
            path="",
            expected=f"one document of kind '{kind}'",
            found=str(count),
            hint=SEVERAL
            if kind == "order" and count
            else f"{besides}`fabloop schema {kind}` prints its form.",
        )
    ]


def _digest(documents: Mapping[str, bytes]) -> str:
    total = hashlib.sha256()
    for name in sorted(documents):
        total.update(name.encode() + b"\0" + hashlib.sha256(documents[name]).digest())
    return total.hexdigest()
