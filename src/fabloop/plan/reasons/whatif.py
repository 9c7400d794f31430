"""The problem after some changes, with only those work units judged again that they touch."""

from collections.abc import Collection, Sequence

import msgspec
import numpy as np

from fabloop.model.explanation import OptionCode
from fabloop.model.ids import OperationId, SiteId, SkillId, WorkUnitId
from fabloop.model.product import Operation
from fabloop.model.site import Network
from fabloop.plan.reasons.applied import applied
from fabloop.plan.reasons.change import Change, World
from fabloop.plan.statement.amended import Amended
from fabloop.plan.statement.candidates import Asked, Columns, Judge
from fabloop.plan.statement.duties import Closed, Duties
from fabloop.plan.statement.layout import Ints
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import Job, Past, Problem, problem_of
from fabloop.plan.statement.roads import FigureColumns, roads_again
from fabloop.services.matching import Condition, unit_offers

_OF_PRODUCT = (OptionCode.LOOSEN, OptionCode.CHOOSE_OTHER)
_OF_SITE = (OptionCode.ADD_PERSON, OptionCode.TRAIN_PERSON, OptionCode.ADD_TOOL)
_OF_HOURS = (OptionCode.OPEN_LONGER, OptionCode.SPLIT_LOT)
_OF_WAYS = (OptionCode.ADD_LINK, OptionCode.ADD_LANE)


def changed(world: World, changes: Sequence[Change]) -> World:
    """Return the world after all of the changes."""
    for change in changes:
        world = applied(change, world)
    return world


def after(
    problem: Problem, world: World, changes: Sequence[Change], past: Past | None = None
) -> tuple[Problem, World]:
    """Return the problem and the world after the changes.

    Operations and work units that no change touches are taken over as they were judged.
    """
    new = changed(world, changes)
    columns = all(isinstance(job.candidates, Columns) for job in problem.jobs)
    others = any(each.code in _OF_HOURS for each in changes)  # when is asked anew, and how long
    duties = problem.duties
    if duties is not None:  # persons, tools and material may be other ones
        others |= duties.has_stores or any(each.code in _OF_SITE for each in changes)
    if others or not columns:
        return problem_of(new.product, new.setting, past), new
    operations = {each.id: each for each in new.product.operations}
    again = {OperationId(each.subject) for each in changes if each.code in _OF_PRODUCT}
    touched = _touched(world.setting.network, changes)
    judge = _judge_of(touched, new) if touched else None
    skills = _skills_of(touched, problem.jobs, new)
    jobs = []
    closed: Closed = {}
    if duties is not None and duties.has_shifts:
        closed = new.setting.planted().opening(new.setting.now).closed
    for job in problem.jobs:
        operation = operations[job.operation.id]
        if job.operation.id in again:
            jobs.append(_sorted(_restated(job, operation), duties, closed))
        elif judge is not None and job.operation.requirement.skill in skills:
            jobs.append(_sorted(_with_touched(job, judge, touched), duties, closed))
        else:
            jobs.append(job)
    roads = problem.roads
    if any(each.code in _OF_WAYS for each in changes):
        roads = roads_again(new.setting.network, world.setting.network, roads)
    if duties is not None:
        duties = duties.forgetful()
    return msgspec.structs.replace(problem, jobs=tuple(jobs), roads=roads, duties=duties), new


def _sorted(job: Job, duties: Duties | None, closed: Closed) -> Job:
    """Return the job without those whose shifts are too short."""
    if duties is None:
        return job
    candidates, rejected = duties.sorted_out(job.operation, job.candidates, job.rejected, closed)
    return msgspec.structs.replace(job, candidates=candidates, rejected=rejected)


def _touched(network: Network, changes: Sequence[Change]) -> frozenset[WorkUnitId]:
    touched: set[WorkUnitId] = set()
    for each in changes:
        if each.code in _OF_SITE:
            touched.update(
                unit.id for unit in network.sites[SiteId(each.context or each.subject)].work_units
            )
        elif each.code not in (*_OF_PRODUCT, *_OF_WAYS):
            touched.add(WorkUnitId(each.subject))
    return frozenset(touched)


def _judge_of(touched: Collection[WorkUnitId], world: World) -> Judge:
    """Return a judge over the touched work units alone."""
    setting = world.setting
    sites = {}
    for site in setting.network.sites.values():
        units = tuple(unit for unit in site.work_units if unit.id in touched)
        if units:
            sites[site.id] = msgspec.structs.replace(site, work_units=units, transport=())
    network = Network(sites=sites)
    plant = Plant(network, setting.vocabulary, setting.kpis)
    condition = Condition(setting.kpis, setting.now)
    return Judge(plant, Asked(condition, setting.unavailable, setting.quantity))


def _skills_of(touched: Collection[WorkUnitId], jobs: Sequence[Job], world: World) -> set[SkillId]:
    """Return the skills asked for that any touched work unit has."""
    every = world.setting.network.work_units()
    units, vocabulary = [every[each] for each in touched], world.setting.vocabulary
    wanted = {job.operation.requirement.skill for job in jobs}
    return {
        skill for skill in wanted if any(unit_offers(unit, skill, vocabulary) for unit in units)
    }


def _restated(job: Job, operation: Operation) -> Job:
    """Return the job with another requirement, judged over all work units."""
    assert isinstance(job.candidates, Columns), "asked for columns only"
    judge = Judge(job.candidates.plant, job.candidates.asked)
    candidates, rejected = judge.judge(operation)
    return msgspec.structs.replace(
        job, operation=operation, candidates=candidates, rejected=rejected
    )


def _with_touched(job: Job, judge: Judge, touched: Collection[WorkUnitId]) -> Job:
    """Return the job with the touched work units judged again, all in the plant's order.

    It is the same job where nothing that a plan takes is different. Of the rejected ones only
    the touched are told: who is left out matters to nobody here.
    """
    before = job.candidates
    assert isinstance(before, Columns), "asked for columns only"
    number = before.plant.offers.number
    able, unable = judge.judge(job.operation)
    gone = np.array(sorted(number[each] for each in touched), dtype=np.int64)
    own = [number[able.plant.units[each].id] for each in able.units.tolist()]
    again = np.array(own, dtype=np.int64)
    old = np.isin(before.units, gone)
    if _same(before.units[old], before.takes.kept(old), again, able.takes):
        return job
    candidates = Amended(before, gone, able, again)
    return msgspec.structs.replace(job, candidates=candidates, rejected=unable)


def _same(units: Ints, takes: FigureColumns, others: Ints, theirs: FigureColumns) -> bool:
    """Tell whether these are the same work units, which take the same."""
    if not np.array_equal(np.sort(units), np.sort(others)):
        return False
    ours, rest = np.argsort(units), np.argsort(others)
    columns = ("ticks", "cost", "energy", "co2")
    return all(
        np.array_equal(getattr(takes, each)[ours], getattr(theirs, each)[rest]) for each in columns
    )
