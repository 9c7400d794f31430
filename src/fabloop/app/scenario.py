"""A story's documents, all read and checked together: knowledge, order, monitoring, simulation."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from fabloop.adapters.documents import documents_in
from fabloop.base.errors import Fault
from fabloop.model.documents import resolve, resolve_order
from fabloop.model.documents.collect import Sheet, raise_if_any
from fabloop.model.documents.structs import MonitoringDocument, SimulationDocument
from fabloop.model.documents.structure import decode, kind_in
from fabloop.model.knowledge import Knowledge
from fabloop.model.order import OrderRequest
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
    knowledge = resolve(documents)
    faults: list[Fault] = []
    units = knowledge.network.work_units()
    monitored: list[MonitoredUnit] = []
    for sheet, monitoring in _of_kind(documents, "monitoring", MonitoringDocument, faults):
        monitored += monitored_units(monitoring, sheet, units)
    calibrated = {each.work_unit: each.calibration.axes for each in monitored}
    simulations = [
        simulation_of(simulation, sheet, units, calibrated)
        for sheet, simulation in _of_kind(documents, "simulation", SimulationDocument, faults)
    ]
    faults += _note_count(folder, "simulation", len(simulations))
    raise_if_any(faults)
    return Scenario(
        knowledge=knowledge,
        order=order_in(documents, knowledge, folder),
        monitored=tuple(monitored),
        simulation=simulations[0],
        digest=_digest(documents),
    )


def _of_kind(
    documents: Mapping[str, bytes], name: str, kind: type[Kind], faults: list[Fault]
) -> list[tuple[Sheet, Kind]]:
    """Return the documents of a kind; their form was checked with all others already."""
    found = []
    for source, data in documents.items():
        document = decode(source, data, faults) if kind_in(data) == name else None
        if isinstance(document, kind):
            found.append((Sheet(source, faults), document))
    return found


def order_in(documents: Mapping[str, bytes], knowledge: Knowledge, folder: Path) -> OrderRequest:
    """Return the one order among the documents of a folder; raises Invalid."""
    names = [name for name, data in documents.items() if kind_in(data) == "order"]
    raise_if_any(_note_count(folder, "order", len(names)))
    return resolve_order(names[0], documents[names[0]], knowledge.families)


def _note_count(folder: Path, kind: str, count: int) -> list[Fault]:
    if count == 1:
        return []
    return [
        Fault(
            source=str(folder),
            path="",
            expected=f"one document of kind '{kind}'",
            found=str(count),
            hint=f"`fabloop schema {kind}` prints its form.",
        )
    ]


def _digest(documents: Mapping[str, bytes]) -> str:
    total = hashlib.sha256()
    for name in sorted(documents):
        total.update(name.encode() + b"\0" + hashlib.sha256(documents[name]).digest())
    return total.hexdigest()
