"""Serve one work unit in a process of its own: variables out, jobs in."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from fabloop.adapters.plant_servers.jobs import JobDesk
from fabloop.adapters.plant_servers.opcua import OpcUaPlant, OpcUaWire
from fabloop.adapters.plant_servers.opcua_methods import PermitCheck
from fabloop.adapters.plant_servers.served import PlantServer, ServedUnit, ServedValue
from fabloop.base.instant import Clock, Instant
from fabloop.run.actor import Actor

TICK_S = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedMachine:
    """A work unit and what stands behind its wires.

    Attributes
    ----------
    values : called every tick with the present instant; returns what is new since the last call
    actor : does the jobs that come over the methods ``BeginJob`` and ``JobResponses``
    permitted : whether a job may be started from afar now; shown afresh every tick
    check : judges the permits of a job before it is begun; ``BeginJob`` then takes them
    """

    unit: ServedUnit
    values: Callable[[Instant], Iterable[ServedValue]]
    actor: Actor | None = None
    permitted: Callable[[Instant], bool] = lambda _: True
    check: PermitCheck | None = None


def serve_unit(
    machine: ServedMachine,
    wire: OpcUaWire,
    *,
    clock: Clock,
    beside: Sequence[PlantServer] = (),
    ready: Callable[[str], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Show a work unit over OPC UA until `stopped`; blocks, so it is the main of a process.

    `beside` are further wires for the same values, such as `MqttPlant`; `ready` is called with
    the OPC UA URL once clients can connect.

    Notes
    -----
    Nodes are ``nsu=urn:fabloop:plant;s=UNIT/NAME`` for variables, and ``UNIT/BeginJob``,
    ``UNIT/JobResponses`` and ``UNIT/StartPermitted`` for jobs: methods of the object ``UNIT``.
    """
    asyncio.run(_serve(machine, wire, clock, beside, ready, stopped))


async def _serve(
    machine: ServedMachine,
    wire: OpcUaWire,
    clock: Clock,
    beside: Sequence[PlantServer],
    ready: Callable[[str], None],
    stopped: Callable[[], bool],
) -> None:
    unit = machine.unit
    desk = JobDesk(machine.actor, clock) if machine.actor is not None else None
    plant = OpcUaPlant(
        [unit], wire, desks={} if desk is None else {unit.id: desk}, check=machine.check
    )
    wires: list[PlantServer] = [plant, *beside]
    url = await plant.start()
    for each in beside:
        await each.start()
    ready(url)
    try:
        while not stopped():
            now = clock.now()
            told = list(machine.values(now))
            if desk is not None:
                desk.collect()
                await plant.permit(unit.id, now, allowed=machine.permitted(now))
            for each in wires:
                await each.publish(told)
            await asyncio.sleep(TICK_S)
    finally:
        for each in reversed(wires):
            await each.close()
