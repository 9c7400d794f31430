"""What a request demands of its plan beside the product: budgets, deadline, who may take part."""

import math
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec
import numpy as np

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.model.disclosure import Disclosure
from fabloop.model.explanation import Explanation, ReasonCode
from fabloop.model.ids import OperationId, SiteId, WorkUnitId
from fabloop.model.product import ConfiguredProduct
from fabloop.model.site import Network, Site
from fabloop.plan.statement.problem import Candidate, Job, Problem, Rejected
from fabloop.plan.statement.roads import TICK
from fabloop.plan.terms.blend import Blend, Cap


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """The terms of a request; what is left out is not demanded.

    Attributes
    ----------
    cost_max_minor : budget, opening fees included
    deadline : when the product has to be made, at the latest
    forbidden_sites, forbidden_units : who may not take part
    preferred_sites, preferred_units : whom the measure `strays` counts as no stray, and who is
        taken where two plans are equally good
    sites_max : factories that may take part
    pinned : operations whose work unit is settled
    opening_minor : what using a factory at all costs
    disclosure : how much of itself a factory has to show to take part
    tenant : who asks; its own factories need not show anything
    """

    cost_max_minor: int | None = None
    energy_max_j: float | None = None
    co2_max_kg: float | None = None
    deadline: Instant | None = None
    forbidden_sites: frozenset[SiteId] = frozenset()
    forbidden_units: frozenset[WorkUnitId] = frozenset()
    preferred_sites: frozenset[SiteId] = frozenset()
    preferred_units: frozenset[WorkUnitId] = frozenset()
    sites_max: int | None = None
    pinned: Mapping[OperationId, WorkUnitId] = {}
    opening_minor: Mapping[SiteId, int] = {}
    disclosure: Disclosure = Disclosure.NONE
    tenant: str = ""


NO_WISHES = Wishes()


def check_wishes(wishes: Wishes, product: ConfiguredProduct, network: Network) -> None:
    """Raise Invalid with every wish that names something unknown or cannot be meant.

    Raises
    ------
    Invalid
        An unknown site, work unit or operation; a limit that is negative or not finite.
    """
    faults = [*_limit_faults(wishes), *_name_faults(wishes, product, network)]
    if faults:
        raise Invalid(faults)


def _limit_faults(wishes: Wishes) -> Iterator[Fault]:
    limits: dict[str, float | None] = {
        "cost_max_minor": wishes.cost_max_minor,
        "energy_max_j": wishes.energy_max_j,
        "co2_max_kg": wishes.co2_max_kg,
    }
    limits |= {f"opening_minor.{site}": fee for site, fee in wishes.opening_minor.items()}
    for path, limit in limits.items():
        if limit is not None and not (math.isfinite(limit) and limit >= 0):
            yield _fault(path, "a finite number of at least 0", f"{limit}")
    if wishes.sites_max is not None and wishes.sites_max < 1:
        yield _fault("sites_max", "at least 1 factory", f"{wishes.sites_max}")


def _name_faults(wishes: Wishes, product: ConfiguredProduct, network: Network) -> Iterator[Fault]:
    units, operations = network.work_units(), {each.id for each in product.operations}
    named: list[tuple[str, str, bool]] = []
    for field in ("forbidden_sites", "preferred_sites", "opening_minor"):
        named += [(field, each, each in network.sites) for each in sorted(getattr(wishes, field))]
    for field in ("forbidden_units", "preferred_units"):
        named += [(field, each, each in units) for each in sorted(getattr(wishes, field))]
    named += [("pinned", each, each in operations) for each in wishes.pinned]
    named += [(f"pinned.{each}", unit, unit in units) for each, unit in wishes.pinned.items()]
    for path, name, known in named:
        if not known:
            yield _fault(path, "the id of something that exists", f"{name!r}")


def _fault(path: str, expected: str, found: str) -> Fault:
    return Fault(source="wishes", path=path, expected=expected, found=found)


_SHOWN = (Disclosure.NONE, Disclosure.OFFERS, Disclosure.FULL)


def shows_enough(site: Site, wishes: Wishes) -> bool:
    """Tell whether a site shows as much of itself as is demanded of those that take part."""
    own = bool(wishes.tenant) and site.tenant == wishes.tenant
    return own or _SHOWN.index(site.disclosure) >= _SHOWN.index(wishes.disclosure)


def allowed(problem: Problem, wishes: Wishes, network: Network) -> Problem:
    """Return the problem with those candidates alone that the wishes let take part.

    The others join the rejected ones, with the wish as the reason.
    """
    hidden = {key for key, site in network.sites.items() if not shows_enough(site, wishes)}
    if not (hidden or wishes.forbidden_sites or wishes.forbidden_units or wishes.pinned):
        return problem
    return msgspec.structs.replace(
        problem, jobs=tuple(_allowed(job, wishes, hidden) for job in problem.jobs)
    )


def _allowed(job: Job, wishes: Wishes, hidden: AbstractSet[SiteId]) -> Job:
    kept: list[Candidate] = []
    out: list[Rejected] = []
    for each in job.candidates:
        wish = _in_the_way(job, each, wishes)
        if wish is None and each.place.site in hidden:
            wish = "disclosure"
        if wish is None:
            kept.append(each)
        else:
            reason = Explanation(
                code=ReasonCode.NOT_WISHED,
                subject=each.unit.id,
                details={"parameter": "wish", "wish": wish, "site": each.place.site},
            )
            out.append(Rejected(each.unit, each.place, each.takes, (reason,)))
    return msgspec.structs.replace(job, candidates=tuple(kept), rejected=(*job.rejected, *out))


def _in_the_way(job: Job, candidate: Candidate, wishes: Wishes) -> str | None:
    """Return the name of the wish that the candidate does not meet."""
    if candidate.place.site in wishes.forbidden_sites:
        return f"forbidden_sites.{candidate.place.site}"
    if candidate.unit.id in wishes.forbidden_units:
        return f"forbidden_units.{candidate.unit.id}"
    if wishes.pinned.get(job.operation.id, candidate.unit.id) != candidate.unit.id:
        return f"pinned.{job.operation.id}"
    return None


def strays_of(problem: Problem, wishes: Wishes) -> tuple[np.ndarray, ...]:
    """Return, per job and candidate, 1.0 where it is not preferred; zeros where none is."""
    sites, units = wishes.preferred_sites, wishes.preferred_units
    some = bool(sites or units)
    return tuple(
        np.array(
            [
                float(some and each.place.site not in sites and each.unit.id not in units)
                for each in job.candidates
            ],
            dtype=np.float64,
        )
        for job in problem.jobs
    )


def caps_of(wishes: Wishes, problem: Problem) -> tuple[Cap, ...]:
    """Return the wishes that limit a figure of the whole plan."""
    found = []
    if wishes.cost_max_minor is not None:
        found.append(Cap("cost_max_minor", Blend(cost=1.0, opening=1.0), wishes.cost_max_minor))
    if wishes.energy_max_j is not None:
        found.append(Cap("energy_max_j", Blend(energy=1.0), wishes.energy_max_j))
    if wishes.co2_max_kg is not None:
        found.append(Cap("co2_max_kg", Blend(co2=1.0), wishes.co2_max_kg))
    if wishes.sites_max is not None:
        found.append(Cap("sites_max", Blend(sites=1.0), wishes.sites_max))
    if wishes.deadline is not None:
        ticks = (wishes.deadline - problem.origin) // TICK
        found.append(Cap("deadline", Blend(finish=1.0), ticks))
    return tuple(found)


def without(wishes: Wishes, names: Sequence[str]) -> Wishes:
    """Return the wishes without the named ones, as in `names_of`."""
    changed: dict[str, object] = {}
    for name in names:
        field, _, member = name.partition(".")
        value = changed.get(field, getattr(wishes, field))
        if isinstance(value, frozenset):
            changed[field] = value - {member}
        elif isinstance(value, Mapping):
            changed[field] = {key: each for key, each in value.items() if key != member}
        else:
            changed[field] = Disclosure.NONE if field == "disclosure" else None
    return msgspec.structs.replace(wishes, **changed)


def names_of(wishes: Wishes) -> tuple[str, ...]:
    """Return the names of all wishes that can be in the way, such as ``forbidden_sites.graz``."""
    single = ("cost_max_minor", "energy_max_j", "co2_max_kg", "deadline", "sites_max")
    names = [each for each in single if getattr(wishes, each) is not None]
    names += ["disclosure"] if wishes.disclosure is not Disclosure.NONE else []
    names += [f"forbidden_sites.{each}" for each in sorted(wishes.forbidden_sites)]
    names += [f"forbidden_units.{each}" for each in sorted(wishes.forbidden_units)]
    names += [f"pinned.{each}" for each in wishes.pinned]
    return tuple(names)
