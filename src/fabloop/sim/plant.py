"""A simulated plant: takes job orders like real machines and answers them on virtual time."""

import heapq
import random

import msgspec

from fabloop.base.instant import Instant
from fabloop.run.actor import JobDone, JobOrder, JobResponse


class PlantBehaviour(msgspec.Struct, frozen=True, kw_only=True):
    """How the plant deviates from the plan.

    Attributes
    ----------
    duration_spread : standard deviation of actual over planned duration (a ratio, log-normal)
    supplier_lots : lot number prefix by operation of bought material; a number is appended
    results : what jobs of a skill report
    """

    duration_spread: float
    supplier_lots: dict[str, str]
    results: dict[str, dict[str, str | int | float | bool | None]]


class SimulatedPlant:
    """Actor for every work unit and person of a network.

    What happens to a job follows from the seed and the job alone, so a plant that is built
    again after a crash and given the same jobs gives the same answers at the same instants.
    """

    def __init__(self, behaviour: PlantBehaviour, seed: int) -> None:
        self._behaviour = behaviour
        self._seed = seed
        self._known: set[int] = set()
        self._due: list[tuple[Instant, int, JobDone]] = []

    def begin(self, order: JobOrder) -> None:
        """Decide the job's end and results; a known job is left alone."""
        if order.job in self._known:
            return
        self._known.add(order.job)
        chance = random.Random(f"{self._seed}/{order.step}/{order.skill}/{order.job}")
        ratio = chance.lognormvariate(0.0, self._behaviour.duration_spread)
        at = Instant(order.begun_at + round(order.duration_ns * ratio))
        done = JobDone(job=order.job, at=at, results=self._results(order, chance))
        heapq.heappush(self._due, (at, order.job, done))

    def next_response_at(self) -> Instant | None:
        """Return when the next job ends."""
        return self._due[0][0] if self._due else None

    def responses(self, until: Instant) -> tuple[JobResponse, ...]:
        """Return the jobs that end up to an instant."""
        found: list[JobResponse] = []
        while self._due and self._due[0][0] <= until:
            found.append(heapq.heappop(self._due)[2])
        return tuple(found)

    def _results(
        self, order: JobOrder, chance: random.Random
    ) -> dict[str, str | int | float | bool | None]:
        results = dict(self._behaviour.results.get(order.skill, {}))
        prefix = self._behaviour.supplier_lots.get(order.operation)
        if prefix is not None and order.main:
            results["supplier_lot"] = f"{prefix}-{chance.randrange(1000, 10_000)}"
        return results
