"""Steps that one run of a furnace or bath can do at once: who fits together, and what each pays."""

import math
from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

import msgspec

from fabloop.base.instant import HOUR
from fabloop.model.ids import WorkUnitId
from fabloop.model.product import Operation, Per
from fabloop.model.site import Network, Tariff, WorkUnit
from fabloop.plan.statement.candidates import Candidate, Shared
from fabloop.plan.statement.problem import Job, Problem
from fabloop.plan.statement.roads import TICK, Figures


def joinable(operation: Operation, unit: WorkUnit, quantity: int) -> int:
    """Return how many pieces the operation puts into a run that others can join; 0 is none.

    That is where one run does all its pieces, and holds neither tools nor persons, nor a set-up
    that depends on what was done before.
    """
    holds = operation.tools or operation.person_skill is not None or unit.setups
    if not operation.batch_family or operation.per is Per.LOT or holds:
        return 0
    pieces = operation.pieces(quantity)
    return pieces if pieces < unit.batch_max else 0


def families_shared(problems: Iterable[Problem]) -> frozenset[str]:
    """Return the batch families of which several operations could be done in one run."""
    counts = Counter(
        job.operation.batch_family
        for problem in problems
        for job in problem.jobs
        if any(joinable(job.operation, it.unit, problem.quantity) for it in _batching(job))
    )
    return frozenset(family for family, count in counts.items() if count > 1)


def families_joining(problem: Problem) -> frozenset[str]:
    """Return the batch families of which an operation could share its run with other orders'."""
    return families_shared((problem, problem))


def bounding(problem: Problem, families: AbstractSet[str], network: Network) -> Problem:
    """Return the problem whose sums no plan can better, runs and shipments shared or not."""
    if families:
        problem = lowest(problem, families, network)
    if problem.roads.shares:
        problem = msgspec.structs.replace(problem, roads=problem.roads.full())
    return problem


def _batching(job: Job) -> Iterable[Candidate]:
    return job.candidates if job.operation.batch_family else ()


def lowest(problem: Problem, families: AbstractSet[str], network: Network) -> Problem:
    """Return the problem where such operations pay as if every run were full: a bound for all."""
    return msgspec.structs.replace(
        problem,
        jobs=tuple(
            _paying_least(job, problem.quantity, network)
            if job.operation.batch_family in families
            else job
            for job in problem.jobs
        ),
    )


def _paying_least(job: Job, quantity: int, network: Network) -> Job:
    def least(each: Candidate) -> Candidate:
        pieces = joinable(job.operation, each.unit, quantity)
        if not pieces:
            return each
        tariff = network.sites[each.place.site].tariff
        share = pieces / each.unit.batch_max
        takes = _at_least(each, job.operation, tariff, share, pieces)
        return msgspec.structs.replace(each, takes=takes)

    return msgspec.structs.replace(job, candidates=tuple(least(each) for each in job.candidates))


def _at_least(
    each: Candidate, operation: Operation, tariff: Tariff, share: float, pieces: int
) -> Figures:
    """Return what a share of a run takes, at the dearest energy saved where prices change."""
    if not tariff.bands:
        return shared_takes(each, operation, tariff, share, pieces)
    takes, saved = each.takes, 1.0 - share
    prices = [tariff.energy_minor_per_j, *(band.energy_minor_per_j for band in tariff.bands)]
    factors = [tariff.co2_kg_per_j, *(band.co2_kg_per_j for band in tariff.bands)]
    energy = saved * _run_energy(each)
    cost = saved * each.unit.cost_per_hour_minor * _hours(each) + max(prices) * energy
    return Figures(
        takes.ticks,
        takes.cost - math.ceil(cost) - 1,
        takes.energy - energy,
        takes.co2 - max(factors) * energy,
    )


def shared_takes(
    each: Candidate, operation: Operation, tariff: Tariff, share: float, pieces: int
) -> Figures:
    """Return what an operation takes that pays a share of its run, at the plain tariff."""
    takes, price = each.takes, tariff.energy_minor_per_j
    run = _run_energy(each)
    rate = each.unit.cost_per_hour_minor * _hours(each)
    own = operation.energy_j * pieces
    whole = round(rate + price * (own + run))
    part = round(share * rate + price * (own + share * run))
    saved = (1.0 - share) * run
    return Figures(
        takes.ticks,
        takes.cost - whole + part,
        takes.energy - saved,
        takes.co2 - saved * tariff.co2_kg_per_j,
    )


def in_run(
    each: Candidate, operation: Operation, network: Network, shared: Shared, name: str
) -> Candidate:
    """Return the candidate as a part of a run, which is a resource of its own by that name."""
    tariff = network.sites[each.place.site].tariff
    takes = shared_takes(each, operation, tariff, shared.pieces / shared.together, shared.pieces)
    unit = msgspec.structs.replace(each.unit, id=WorkUnitId(name))
    return msgspec.structs.replace(each, unit=unit, takes=takes, shared=shared)


def _hours(each: Candidate) -> float:
    return each.takes.ticks * TICK / HOUR


def _run_energy(each: Candidate) -> float:
    return each.unit.power_w * (each.takes.ticks * TICK / 1e9)
