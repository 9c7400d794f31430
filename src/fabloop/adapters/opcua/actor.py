"""Jobs for machines over OPC UA: begun by method calls, once, and only where it is permitted."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec
from asyncua import Client, ua

from fabloop.adapters.opcua.arguments import INPUT, parameters, permit_place
from fabloop.adapters.opcua.pki import Pki
from fabloop.adapters.opcua.session import Namespaces, Opened, namespaces_of, opened
from fabloop.base.errors import Fault, Invalid, NotPermitted, Unavailable
from fabloop.base.instant import SECOND, Clock, Instant
from fabloop.model.ids import WorkUnitId
from fabloop.run.actor import JobDone, JobNotDone, JobOrder, JobResponse
from fabloop.run.gate import Gate, leaving, target_of
from fabloop.run.permissives import Withheld
from fabloop.run.permits import PERMIT_REASON, permits_text
from fabloop.sense.connections.model import Commands, Connection

TICK_S = 0.1
WITHHELD_S_MAX = 60.0
"""How long a job waits for its permission or for its machine; then it is answered as not done."""
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
CLOSE_S_MAX = 5.0
BROKEN = (Exception, asyncio.CancelledError)
"""What a broken connection may look like: the library beneath tells it in many ways, and cancels
requests of ours. Whatever it is, jobs that machines carry out have to be asked for again."""


class _Stage(StrEnum):
    WAITING = "waiting"
    """It was never handed over, for sure."""
    UNSURE = "unsure"
    """It was sent and no answer came: it is sent again, and never answered as not done by us."""
    BEGUN = "begun"


@dataclass(slots=True)
class _Job:
    order: JobOrder
    given_at: float
    stage: _Stage = _Stage.WAITING
    permits: str = ""
    """What the gate gave it on its way when it passed."""


@dataclass(slots=True)
class _Desk:
    """The jobs of one work unit; answers up to `fetched` were taken over."""

    commands: Commands
    jobs: dict[int, _Job] = field(default_factory=dict)
    fetched: int = 0


class OpcUaActor:
    """Actor for the work units of one connection that take commands.

    It works in a thread of its own between `start` and `close`. A job is handed over with its
    number, so that a machine that knows it does not start it again; whenever an answer is in
    doubt it is handed over once more. Before it is handed over for the first time the gate is
    asked, and the permissive of the work unit at the machine is read: it has to be true, good and
    fresh.
    """

    def __init__(
        self,
        connection: Connection,
        pki: Pki,
        clock: Clock,
        *,
        gate: Gate,
        withheld_s_max: float = WITHHELD_S_MAX,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._pki = pki
        self._clock = clock
        self._gate = gate
        self._withheld_s_max = withheld_s_max
        self._wake = wake
        self._desks = {each.work_unit: _Desk(each) for each in connection.commands}
        self._responses: list[JobResponse] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"opcua {connection.id}")
        self.trouble = ""

    @property
    def work_units(self) -> Sequence[WorkUnitId]:
        """Whose jobs it takes."""
        return tuple(self._desks)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self) -> None:
        """End; what was begun goes on at the machines."""
        self._stopping.set()
        self._thread.join()

    def begin(self, order: JobOrder) -> None:
        """Hand a job to its machine as soon as it is permitted; a running one is left alone.

        Raises
        ------
        Invalid
            The work unit takes no commands over this connection.
        """
        desk = self._desks.get(order.work_unit) if order.work_unit is not None else None
        if desk is None:
            raise Invalid(
                Fault(
                    source=f"connection '{self._connection.id}'", path="commands",
                    expected=f"commands of work unit '{order.work_unit}'", found="none",
                    hint="Add them to the connection, or let another actor do its jobs.",
                )
            )  # fmt: skip
        with self._lock:
            desk.jobs.setdefault(order.job, _Job(order, time.monotonic()))

    def next_response_at(self) -> Instant | None:
        """Return when the first answer that came was given; None where none came."""
        with self._lock:
            return min((each.at for each in self._responses), default=None)

    def responses(self, until: Instant) -> tuple[JobResponse, ...]:
        """Return the answers up to an instant, each once."""
        with self._lock:
            due = sorted((e for e in self._responses if e.at <= until), key=lambda e: (e.at, e.job))
            self._responses = [each for each in self._responses if each.at > until]
        return tuple(due)

    def _run(self) -> None:
        asyncio.run(self._work())

    async def _work(self) -> None:
        tries = 0
        while not self._stopping.is_set():
            session: Opened | None = None
            try:
                session = await opened(self._connection, self._pki, self._clock, comes_back=False)
                self.trouble, tries = session.warning, 0
                await self._serve_all(session.client)
            except (Unavailable, NotPermitted) as error:
                self._hinder(str(error))
            except BROKEN as error:
                found = str(error) or type(error).__name__
                self._hinder(f"Expected {self._connection.url} to answer, but found: {found}.")
            finally:
                await self._leave(session)
            if not self._stopping.is_set():
                await asyncio.sleep(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
                tries += 1

    async def _leave(self, session: Opened | None) -> None:
        if session is not None:
            with contextlib.suppress(*BROKEN):
                async with asyncio.timeout(CLOSE_S_MAX):
                    await session.client.disconnect()

    async def _serve_all(self, client: Client) -> None:
        spaces = await namespaces_of(client)
        places: dict[str, int | None] = {}
        while not self._stopping.is_set():
            for desk in self._desks.values():
                await self._serve(client, spaces, desk, places)
            await asyncio.sleep(TICK_S)

    async def _serve(
        self, client: Client, spaces: Namespaces, desk: _Desk, places: dict[str, int | None]
    ) -> None:
        if not desk.jobs:
            return
        machine = _Machine(client, spaces, desk.commands, places)
        numbers, responses = await machine.responses(desk.fetched)
        desk.fetched = max(numbers, default=desk.fetched)
        self._answer(desk, responses)
        with self._lock:
            waiting = [each for each in desk.jobs.values() if each.stage is not _Stage.BEGUN]
        for job in waiting:
            withheld = ""
            if job.stage is _Stage.WAITING:
                withheld = await machine.withheld() or self._closed_to(job)
            if withheld:
                self._withhold(desk, job, withheld)
                continue
            job.stage = _Stage.UNSURE
            refused = await machine.begin(job.order, job.permits)
            if refused.startswith(PERMIT_REASON):
                job.stage = _Stage.WAITING  # it was not begun, and the gate can be asked anew
                self._withhold(desk, job, f"The machine refused job {job.order.job}: {refused}")
            elif refused:
                self._answer(desk, [self._not_done(job, f"The machine refused it: {refused}")])
            else:
                job.stage = _Stage.BEGUN

    def _closed_to(self, job: _Job) -> str:
        """Return why the gate lets a job not pass; empty: it does. Nothing is awaited after it."""
        target = target_of(job.order)
        verdict = leaving(self._gate, target, time.monotonic_ns) if target is not None else None
        if not isinstance(verdict, Withheld):
            job.permits = "" if verdict is None else permits_text(verdict.permits)
            return ""
        told = "; ".join(f"{each.code} {each.subject}" for each in verdict.reasons)
        return f"Expected the gate to let job {job.order.job} pass, but it is withheld: {told}."

    def _answer(self, desk: _Desk, responses: Sequence[JobResponse]) -> None:
        """Take over answers to jobs that were given to us."""
        with self._lock:
            ours = [each for each in responses if desk.jobs.pop(each.job, None) is not None]
            self._responses.extend(ours)
        if ours:
            self._wake()

    def _withhold(self, desk: _Desk, job: _Job, why: str) -> None:
        self.trouble = why
        if time.monotonic() - job.given_at > self._withheld_s_max:
            self._answer(desk, [self._not_done(job, why)])

    def _hinder(self, why: str) -> None:
        """Note that the machine cannot be reached; what never left us is given up in time."""
        self.trouble = why
        for desk in self._desks.values():
            with self._lock:
                waiting = [each for each in desk.jobs.values() if each.stage is _Stage.WAITING]
                for each in desk.jobs.values():
                    if each.stage is _Stage.BEGUN:
                        each.stage = _Stage.UNSURE  # whoever comes back may have forgotten it
                desk.fetched = 0
            for each in waiting:
                self._withhold(desk, each, why)

    def _not_done(self, job: _Job, why: str) -> JobNotDone:
        return JobNotDone(job=job.order.job, at=self._clock.now(), reason=why)


class _Machine:
    """The methods and the permissive of one work unit in one session.

    `places` remembers, for the session, which argument of a method takes permits.
    """

    def __init__(
        self,
        client: Client,
        spaces: Namespaces,
        commands: Commands,
        places: dict[str, int | None],
    ) -> None:
        self._client = client
        self._places = places
        self._spaces = spaces
        self._commands = commands

    async def withheld(self) -> str:
        """Return why a job may not be started now; empty: it may."""
        commands = self._commands
        node = self._spaces.node_id(commands.permitted)
        if node is None:
            return f"Expected '{commands.permitted}' at the machine, but found no such namespace."
        (value,) = await self._client.uaclient.read_attributes([node], ua.AttributeIds.Value)
        where = f"Expected '{commands.permitted}' to permit jobs of '{commands.work_unit}', but"
        if value.StatusCode is None or not value.StatusCode.is_good() or value.Value is None:
            return f"{where} its value is bad. Look at the machine."
        if value.SourceTimestamp is None or value.ServerTimestamp is None:
            return f"{where} found no time of its value. Let the machine tell one."
        age_ns = (value.ServerTimestamp - value.SourceTimestamp).total_seconds() * SECOND
        if age_ns > commands.permitted_for_ns:
            return f"{where} its value is {age_ns / SECOND:.0f} s old. Look at the machine."
        if value.Value.Value is not True:
            return f"{where} found that it does not. Release the machine for remote operation."
        return ""

    async def begin(self, order: JobOrder, permits: str) -> str:
        """Give a job to the machine; return why it refused, empty where it did not.

        Its permits go with it where the method describes an argument for them.
        """
        given = [
            ua.Variant(order.job, ua.VariantType.UInt64),
            ua.Variant(order.step, ua.VariantType.String),
            ua.Variant(order.skill, ua.VariantType.String),
            ua.Variant(order.operation, ua.VariantType.String),
            ua.Variant(order.person or "", ua.VariantType.String),
            ua.Variant(order.main, ua.VariantType.Boolean),
            ua.Variant(order.begun_at, ua.VariantType.Int64),
            ua.Variant(order.duration_ns, ua.VariantType.Int64),
        ]
        place = await self._permit_place()
        if place is not None:
            given.insert(place, ua.Variant(permits, ua.VariantType.String))
        accepted, _, reason = await self._call(self._commands.begin, *given)
        return "" if accepted else reason or "it does not say why"

    async def _permit_place(self) -> int | None:
        """Return which input argument of the method takes permits; None: it has no such one."""
        node = self._spaces.node_id(self._commands.begin)
        if node is None:
            return None
        key = self._commands.begin
        if key not in self._places:
            self._places[key] = permit_place(await parameters(self._client, node, INPUT))
        return self._places[key]

    async def responses(self, after: int) -> tuple[list[int], list[JobResponse]]:
        """Return the answers numbered above `after`."""
        numbers, texts = await self._call(
            self._commands.responses, ua.Variant(after, ua.VariantType.UInt64)
        )
        kind: Any = JobDone | JobNotDone
        return list(numbers or []), [msgspec.json.decode(each, type=kind) for each in texts or []]

    async def _call(self, method: str, *given: ua.Variant) -> Any:
        target, node = (self._spaces.node_id(each) for each in (self._commands.object, method))
        if target is None or node is None:
            raise ua.UaError(f"no namespace of '{method}'")
        return await self._client.get_node(target).call_method(node, *given)
