"""Why wishes cannot be met: what the best plan without one comes to, what those left over lack."""

from collections.abc import Iterator, Sequence

from fabloop.base.quantity import Dimension
from fabloop.model.explanation import Evidence, Explanation, ReasonCode
from fabloop.model.ids import SiteId
from fabloop.plan.reasons.failing import miss
from fabloop.plan.reasons.reach import Frame, Reach, is_blank, units_of
from fabloop.plan.statement.problem import ABSENT, Job, Problem, Rejected
from fabloop.plan.statement.roads import TICK, Figures
from fabloop.plan.terms.objectives import Measure, aim_of
from fabloop.plan.terms.wishes import Wishes, without
from fabloop.plan.timetable.schedule import Transfer
from fabloop.plan.tradeoffs.lift import MEASURES, Best, Lift

LARGEST = 3
"""Operations told that make most of what a plan comes to."""

SITES_TOLD = 4
"""Sites told with what they lack, those that lack least first."""

MISSES_TOLD = 2
"""Operations told of a site, or of a wish, with who comes nearest."""


def grounds_of(wishes: Wishes, names: Sequence[str], lift: Lift) -> Iterator[Explanation]:
    """Yield what stands behind each wish that is in the way of a plan."""
    for name in names:
        field = name.partition(".")[0]
        if field == "sites_max":
            yield from _few_sites(wishes, name, lift)
        elif field in MEASURES:
            yield from _best(wishes, name, names, lift)
        else:
            yield from _nobody_left(wishes, name, lift)


def _best(wishes: Wishes, name: str, names: Sequence[str], lift: Lift) -> Iterator[Explanation]:
    """Yield what the best plan comes to without a limit, and which operations make most of it.

    Where it is not proven to be the best, the bound is told behind its value.
    """
    aim = aim_of(MEASURES[name])
    found = lift.best(without(wishes, [name]), aim) or lift.best(without(wishes, names), aim)
    if found is None:
        return
    limit, start = getattr(wishes, name), lift.origin if name == "deadline" else 0
    told = {"at most": start + found.sums[MEASURES[name]]}
    if found.bound is not None:
        told["at least"] = start + found.bound
    whole = (
        Evidence(subject="request", parameter=name, relation=relation, value=value, limit=limit)
        for relation, value in told.items()
    )
    yield Explanation(
        code=ReasonCode.WISH_BEST,
        subject=name,
        details={"wish": name, "currency": lift.currency, "moves": f"{_moving(found, name):.9g}"},
        evidence=(*whole, *_largest(found, name)),
    )


def _amount(takes: Figures, name: str) -> float:
    """Return how much of what a wish limits something takes; of a deadline, seconds."""
    match MEASURES[name]:
        case Measure.COST:
            return takes.cost
        case Measure.ENERGY:
            return takes.energy
        case Measure.CO2:
            return takes.co2
        case _:
            return takes.ticks * TICK / 1e9


def _counted(found: Best, name: str) -> Sequence[int]:
    """Return the jobs that count: all that are done, for a deadline those nothing may delay."""
    table = found.table
    if name != "deadline":
        return [number for number, pick in enumerate(table.choice) if pick != ABSENT]
    number: int | None = len(table.choice) - 1
    path: list[int] = []
    while number is not None:
        path.append(number)
        makers = found.problem.jobs[number].feeding()
        done = [each for each in makers if table.choice[each] != ABSENT]
        number = max(done, key=lambda each: table.end(found.problem, each), default=None)
    return path


def _largest(found: Best, name: str) -> Iterator[Evidence]:
    """Yield the operations that take most of what is limited, with their work units."""
    taken: list[tuple[float, int]] = []
    for number in _counted(found, name):
        candidate = found.problem.jobs[number].candidates[found.table.choice[number]]
        taken.append((_amount(candidate.takes, name), number))
    for amount, number in sorted(taken, key=lambda each: (-each[0], each[1]))[:LARGEST]:
        job = found.problem.jobs[number]
        yield Evidence(
            subject=job.operation.id,
            parameter=name,
            value=float(amount),
            dimension=Dimension.TIME if name == "deadline" else None,
            source=job.candidates[found.table.choice[number]].unit.id,
        )


def _moving(found: Best, name: str) -> float:
    """Return what moving takes of what is limited, on the way that nothing may delay if time."""
    return sum(
        _amount(leg.hop.takes, name)
        for number in _counted(found, name)
        for transfer in _counted_ways(found, number, name)
        for leg in transfer.legs
    )


def _counted_ways(found: Best, number: int, name: str) -> Sequence[Transfer]:
    transfers = found.table.transfers[number]
    if name != "deadline" or not transfers:
        return transfers
    path = {found.problem.jobs[each].operation.id for each in _counted(found, name)}
    return [each for each in transfers if each.made_by in path]


def _needed(problem: Problem) -> list[Job]:
    """Return the jobs that no choice of alternatives leaves out."""
    blank = [is_blank(job) for job in problem.jobs]
    frame = Frame(problem, Reach(problem.roads, units_of(problem)), blank)
    return [problem.jobs[number] for number in sorted(frame.needed)]


def _few_sites(wishes: Wishes, name: str, lift: Lift) -> Iterator[Explanation]:
    """Yield what each site lacks where one has to do, else what a site alone can do."""
    jobs = _needed(lift.narrowed(without(wishes, [name])))
    able = [{each.place.site for each in job.candidates} for job in jobs]
    every = sorted({site for sites in able for site in sites})
    lacks = {
        site: [job for job, sites in zip(jobs, able, strict=True) if site not in sites]
        for site in every
    }
    sole = {
        site: [job for job, sites in zip(jobs, able, strict=True) if sites == {site}]
        for site in every
    }
    if wishes.sites_max != 1 and sum(map(bool, sole.values())) > (wishes.sites_max or 0):
        for site, own in sole.items():
            if own:
                yield _site_only(site, own)
        return
    for site in sorted(every, key=lambda each: (len(lacks[each]), each))[:SITES_TOLD]:
        yield from _site_lacks(site, lacks[site], len(jobs))


def _site_only(site: SiteId, jobs: Sequence[Job]) -> Explanation:
    return Explanation(
        code=ReasonCode.SITE_ONLY,
        subject=site,
        details={"count": f"{len(jobs)}", "labels": _labels(jobs)},
    )


def _labels(jobs: Sequence[Job]) -> str:
    return "; ".join(job.operation.label for job in jobs[:LARGEST])


def _site_lacks(site: SiteId, jobs: Sequence[Job], count: int) -> Iterator[Explanation]:
    """Yield how much of the product a site cannot make, and who there comes nearest."""
    if not jobs:
        yield Explanation(code=ReasonCode.NOT_WITHIN_SITE, subject=site)
        return
    skills: dict[str, int] = {}
    near: list[tuple[Job, list[Rejected]]] = []
    for job in jobs:
        there = [each for each in job.rejected if each.place.site == site]
        if there:
            near.append((job, there))
        else:
            skill = job.operation.requirement.skill
            skills[skill] = skills.get(skill, 0) + 1
    details = {
        "count": f"{len(jobs)}",
        "of": f"{count}",
        "skills": ", ".join(f"{skill} ({many})" for skill, many in sorted(skills.items())),
    }
    yield Explanation(code=ReasonCode.SITE_LACKS, subject=site, details=details)
    told = [(job, _nearest(there)) for job, there in near]
    told.sort(key=lambda each: max(map(miss, each[1]), default=float("inf")))
    for job, evidence in told[:MISSES_TOLD]:
        yield Explanation(
            code=ReasonCode.SITE_MISSES,
            subject=job.operation.id,
            details={"site": site},
            evidence=evidence,
        )


def _nobody_left(wishes: Wishes, name: str, lift: Lift) -> Iterator[Explanation]:
    """Yield the operations that only those can do whom the wish leaves out."""
    jobs = _needed(lift.narrowed(wishes))
    others = _needed(lift.narrowed(without(wishes, [name])))
    before = {job.operation.id for job in others if job.candidates}
    lost = [job for job in jobs if not job.candidates and job.operation.id in before]
    out = {each.unit.id for job in jobs for each in job.rejected if _is_unwished(each)}
    pinned = name.startswith("pinned.")
    more = max(0, len(lost) - MISSES_TOLD)
    for place, job in enumerate(lost[:MISSES_TOLD], 1):
        left = [
            each
            for each in job.rejected
            if not _is_unwished(each) and (pinned or each.unit.id not in out)
        ]
        yield Explanation(
            code=ReasonCode.WISH_LEAVES_NOBODY,
            subject=job.operation.id,
            details={
                "wish": name,
                "skill": job.operation.requirement.skill,
                "more": f"{more if place == MISSES_TOLD else 0}",
            },
            evidence=_nearest(left),
        )


def _is_unwished(each: Rejected) -> bool:
    return any(reason.code == ReasonCode.NOT_WISHED for reason in each.reasons)


def _nearest(rows: Sequence[Rejected]) -> tuple[Evidence, ...]:
    """Return what the one that misses least fails by; nothing where nobody can say."""

    def far(each: Rejected) -> tuple[int, float, str]:
        misses = (miss(it) for reason in each.reasons for it in reason.evidence)
        return len(each.reasons), max(misses, default=float("inf")), each.unit.id

    best = min(rows, key=far, default=None)
    return () if best is None else tuple(it for reason in best.reasons for it in reason.evidence)
