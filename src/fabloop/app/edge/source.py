"""An edge as a source of readings for the centre: forgotten there once they are safe here."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence

import numpy as np

from fabloop.app.edge.app import covers
from fabloop.app.edge.centre import Centre
from fabloop.app.edge.config import Version
from fabloop.app.edge.link import FactTold
from fabloop.app.edge.requests import Address
from fabloop.app.edge.results import Numbered, Readings
from fabloop.base.errors import FabloopError
from fabloop.base.instant import Clock
from fabloop.base.quantity import Dimension
from fabloop.model.ids import WorkUnitId
from fabloop.sense.readings.batch import Batch, batch_of, joined
from fabloop.sense.readings.intake import Intake
from fabloop.sense.readings.ports import SourceHealth
from fabloop.sense.readings.series import Catalogue, Series
from fabloop.sense.readings.tally import Tally

ASK_S = 2.0
"""How long the edge may hold its answer while it has nothing to tell."""
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
SETTLE_S_MAX = 5.0

Hear = Callable[[FactTold], None]


class EdgeSource:
    """Readings that the apps of an edge tell; `ReadingSource` and `Acknowledging`.

    Facts, which are no readings, are handed to `hear`: it has to keep them before it returns.
    The address of a series is ``machine/app/output``.
    """

    def __init__(self, name: str, address: Address, clock: Clock, hear: Hear) -> None:
        self._name = name
        self._address = address
        self._clock = clock
        self._hear = hear
        self._tally = Tally()
        self._closing = False
        self._numbers: dict[tuple[str, str, tuple[str, ...]], list[int]] = {}
        self._yielded: deque[int] = deque()
        self._settled_batches = 0
        self._safe = 0
        self._version: Version | None = None

    @property
    def name(self) -> str:
        """The name under which it is configured."""
        return self._name

    def health(self) -> SourceHealth:
        """Return how it is doing now."""
        return self._tally.health()

    def close(self) -> None:
        """Ask it to end."""
        self._closing = True

    def settled(self, batches: int) -> None:
        """Hear that so many batches are safe: the edge may forget them."""
        while self._settled_batches < batches and self._yielded:
            self._safe = self._yielded.popleft()
            self._settled_batches += 1

    async def batches(self, catalogue: Catalogue) -> AsyncIterator[Batch]:
        """Yield batches until closed; connects again by itself, and begins where it was safe."""
        heard = told_safe = tries = 0
        connected, intake = False, Intake(catalogue, self._tally)
        with Centre(self._address) as centre:
            while not self._closing:
                try:
                    if self._safe > told_safe:
                        told_safe = self._safe
                        await asyncio.to_thread(centre.acknowledge, told_safe)
                    found = await asyncio.to_thread(centre.results, heard, wait_s=ASK_S)
                except FabloopError as error:
                    self._tally.disconnect(self._clock.now(), str(error))
                    await asyncio.sleep(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
                    tries, connected = tries + 1, False
                    continue
                if not connected:
                    self._tally.connect(self._clock.now())
                tries, connected = 0, True
                if not found:
                    continue
                heard = found[-1].number
                if any(self._is_new(each) for each in found):
                    self._version = await asyncio.to_thread(centre.current)
                batch = self._batch(found, intake)
                if len(batch):
                    self._yielded.append(heard)
                    yield batch
                elif self._yielded:
                    self._yielded[-1] = heard
                else:
                    self._safe = heard  # facts alone, and they are kept
            if self._safe > told_safe:
                await asyncio.to_thread(centre.acknowledge, self._safe)
        self._tally.disconnect(self._clock.now())

    def _batch(self, found: Sequence[Numbered], intake: Intake) -> Batch:
        parts: list[Batch] = []
        for each in found:
            match each.result:
                case FactTold() as fact:
                    self._hear(fact)
                case Readings() as told:
                    numbers = self._numbers_of(told, intake)
                    values = np.frombuffer(told.values)
                    quality = np.frombuffer(told.qualities, np.uint8)
                    times = np.full(len(values), told.at)
                    parts.append(batch_of(times, numbers, values, quality))
        return intake.fitted(joined(parts), self._clock.now())

    def _is_new(self, each: Numbered) -> bool:
        told = each.result
        return isinstance(told, Readings) and _key(told) not in self._numbers

    def _numbers_of(self, told: Readings, intake: Intake) -> list[int]:
        key = _key(told)
        known = self._numbers.get(key)
        if known is None:
            known = self._numbers[key] = [
                intake.enter(
                    Series(
                        source=self._name,
                        address=f"{told.machine}/{told.app}/{name}",
                        name=name,
                        work_unit=WorkUnitId(told.machine),
                        dimension=_dimension(self._version, told, name),
                    )
                )
                for name in told.names
            ]
        return known


def _key(told: Readings) -> tuple[str, str, tuple[str, ...]]:
    return told.machine, told.app, told.names


def _dimension(version: Version | None, told: Readings, name: str) -> Dimension | None:
    """Return what the app has declared of an output, as far as it is deployed still."""
    for group in version.deployment.groups if version else ():
        manifest = version.manifests.get(group.group, {}).get(told.app) if version else None
        if told.machine in group.machines and manifest is not None:
            outputs = [each for each in manifest.outputs if covers((each.name,), name)]
            return outputs[0].dimension if outputs else None
    return None
