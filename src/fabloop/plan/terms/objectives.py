"""What a plan should be best at: one measure, a weighted sum, or several sums one after another."""

import math
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.model.plan import Plan
from fabloop.plan.statement.problem import Objective

RANKS_MAX = 8
"""Sums that may follow one another in one aim."""


class Measure(StrEnum):
    """A figure of a plan that can be minimised, in the unit in which plans state it.

    ``tardiness`` is how long after the due instant the product is made (ns), ``sites`` counts the
    factories used, ``changes`` the operations that another plan gives to another work unit,
    ``opening`` adds up the fees of the factories used (minor units), ``strays`` counts the
    operations outside the preferred factories and work units.
    """

    COST = "cost"
    MAKESPAN = "makespan"
    TARDINESS = "tardiness"
    ENERGY = "energy"
    CO2 = "co2"
    SITES = "sites"
    CHANGES = "changes"
    OPENING = "opening"
    STRAYS = "strays"


class WeightedSum(msgspec.Struct, frozen=True, kw_only=True):
    """Measures with their weights; a weight is per unit of the measure (ns, J, kg, minor unit).

    `label` is what whoever asks calls it, in units that are shown.
    """

    terms: tuple[tuple[Measure, float], ...]
    label: str = ""

    @property
    def name(self) -> str:
        """The sum as a text: its label, the measure alone, or ``1 cost + 0.5 energy``."""
        if self.label:
            return self.label
        if len(self.terms) == 1:
            return str(self.terms[0][0])
        return " + ".join(f"{weight:g} {measure}" for measure, weight in self.terms)


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """Sums to minimise; a later one only chooses among plans that are best in all earlier ones."""

    ranks: tuple[WeightedSum, ...]

    @property
    def name(self) -> str:
        """The aim as a text, such as ``tardiness, then cost``."""
        return ", then ".join(each.name for each in self.ranks)


def weighted(weights: Mapping[Measure, float], label: str = "") -> Aim:
    """Return the aim to minimise one weighted sum; terms of weight 0 are left out.

    Raises
    ------
    Invalid
        A weight is negative or not finite, or none is positive.
    """
    faults = [
        Fault(
            source="objective",
            path=str(measure),
            expected="a finite weight of at least 0",
            found=f"{weight}",
        )
        for measure, weight in weights.items()
        if not (math.isfinite(weight) and weight >= 0.0)
    ]
    terms = tuple((measure, weight) for measure, weight in weights.items() if weight > 0.0)
    if not terms and not faults:
        expected = "at least one positive weight"
        faults.append(Fault(source="objective", path="weights", expected=expected, found="none"))
    if faults:
        raise Invalid(faults)
    return Aim(ranks=(WeightedSum(terms=terms, label=label),))


def lexicographic(*parts: "Objective | Measure | Aim") -> Aim:
    """Return the aim to minimise the parts one after another, each among the best of the former.

    Raises
    ------
    Invalid
        There is no part, or more than `RANKS_MAX`.
    """
    ranks = tuple(rank for part in parts for rank in aim_of(part).ranks)
    if not 0 < len(ranks) <= RANKS_MAX:
        fault = Fault(
            source="objective",
            path="parts",
            expected=f"1 to {RANKS_MAX} of them",
            found=str(len(ranks)),
        )
        raise Invalid(fault)
    return Aim(ranks=ranks)


def aim_of(objective: "Objective | Measure | Aim") -> Aim:
    """Return the aim that stands for the objective."""
    if isinstance(objective, Aim):
        return objective
    measure = Measure(objective.value)
    return Aim(ranks=(WeightedSum(terms=((measure, 1.0),)),))


def lead_of(plan: Plan) -> Objective:
    """Return the plain objective that a plan was made for, or that comes first beside its aim."""
    names = {str(each): each for each in Objective}
    found = (names[each.objective] for each in plan.optimality if each.objective in names)
    return next(found, Objective.COST)


def plain(objective: "Objective | Measure | Aim") -> Objective | None:
    """Return the plain objective that the aim is, or None where it is more than that."""
    if isinstance(objective, Objective):
        return objective
    names = {str(each): each for each in Objective}
    return names.get(objective.name) if isinstance(objective, Aim) else names.get(str(objective))
