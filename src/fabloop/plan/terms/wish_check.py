"""An independent check of a plan against the wishes: only nouns, no code of the solvers."""

from collections.abc import Iterator
from fractions import Fraction

from fabloop.model.explanation import Evidence, Explanation, ReasonCode
from fabloop.model.plan import Movement, Plan, PlannedStep
from fabloop.model.site import Network
from fabloop.plan.terms.wishes import Wishes, shows_enough

RELATIVE = Fraction(1, 10**9)
"""How far sums of joules and kilograms may be off through float addition."""


def check_kept(plan: Plan, wishes: Wishes, network: Network) -> tuple[Explanation, ...]:
    """Return every wish that the plan does not keep; frozen steps have happened."""
    return (*_limits(plan, wishes), *_members(plan, wishes, network))


def _limits(plan: Plan, wishes: Wishes) -> Iterator[Explanation]:
    parts: tuple[PlannedStep | Movement, ...] = (*plan.steps, *plan.movements)
    sites = {step.site for step in plan.steps}
    money = sum(part.cost_minor for part in parts)
    money += sum(fee for site, fee in wishes.opening_minor.items() if site in sites)
    energy = sum((Fraction(part.energy_j) for part in parts), Fraction(0))
    co2 = sum((Fraction(part.co2_kg) for part in parts), Fraction(0))
    used: dict[str, tuple[float | None, Fraction]] = {
        "cost_max_minor": (wishes.cost_max_minor, Fraction(money)),
        "energy_max_j": (wishes.energy_max_j, energy),
        "co2_max_kg": (wishes.co2_max_kg, co2),
        "sites_max": (wishes.sites_max, Fraction(len(sites))),
        "deadline": (wishes.deadline, Fraction(max(step.end for step in plan.steps))),
    }
    for name, (limit, value) in used.items():
        if limit is not None and value > Fraction(limit) * (1 + RELATIVE):
            evidence = Evidence(
                subject=plan.id,
                parameter=name,
                relation="at most",
                value=float(value),
                limit=float(limit),
            )
            yield _broken(name, evidence)


def _members(plan: Plan, wishes: Wishes, network: Network) -> Iterator[Explanation]:
    for step in plan.steps:
        if step.frozen:
            continue
        if step.site in wishes.forbidden_sites:
            yield _broken(f"forbidden_sites.{step.site}")
        if step.work_unit in wishes.forbidden_units:
            yield _broken(f"forbidden_units.{step.work_unit}")
        if wishes.pinned.get(step.operation, step.work_unit) != step.work_unit:
            yield _broken(f"pinned.{step.operation}")
        if not shows_enough(network.sites[step.site], wishes):
            yield _broken("disclosure")


def _broken(name: str, *evidence: Evidence) -> Explanation:
    return Explanation(
        code=ReasonCode.WISH_BROKEN, subject=name, details={"wish": name}, evidence=evidence
    )
