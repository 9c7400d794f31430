"""Do the rules of a product family leave any product? If none: a smallest set of rules to blame."""

from collections.abc import Collection
from itertools import count

from ortools.sat.python import cp_model

from fabloop.model.features import blamed
from fabloop.model.product import Group, ProductFamily

EFFORT = 2.0
"""Deterministic seconds of one question whether rules leave a product; then they count as such."""

QUESTIONS_MAX = 400
"""Questions on the way to a smallest set; of what is then left to ask, all rules are blamed."""


def contradictory(family: ProductFamily) -> tuple[int, ...]:
    """Return a smallest set of rules, by index, that no choices satisfy; empty where some do."""
    every = range(len(family.rules))
    if not _leaves_none(family, every):
        return ()
    asked = count()
    return blamed(every, lambda some: next(asked) < QUESTIONS_MAX and _leaves_none(family, some))


def _leaves_none(family: ProductFamily, rules: Collection[int]) -> bool:
    model = cp_model.CpModel()
    chosen: dict[tuple[str, str], cp_model.IntVar] = {}
    for feature in family.features:
        options = [model.new_bool_var("") for _ in feature.options]
        chosen.update(((feature.id, o), x) for o, x in zip(feature.options, options, strict=True))
        if feature.group is not Group.OR:
            model.add_at_most_one(options)
        if feature.mandatory:
            model.add_bool_or(options)
    for each in sorted(rules):
        rule = family.rules[each]
        other = chosen[rule.other]
        model.add_implication(chosen[rule.when], other if rule.kind == "requires" else ~other)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = EFFORT
    return solver.solve(model) == cp_model.INFEASIBLE
