"""How long reasons and recommendations take, with a core of CP-SAT's assumptions beside them.

Run ``python bench/why.py [SEEDS [FIRST]]``: the public instances that nobody can make
(FABLOOP_DATA), then instances of full size drawn anew and spoilt in the many ways of `spoilt`,
with the spread over all of them at the end. CP-SAT is asked about the public instances alone.
Figures are process times. Each conflict is asked again for being one and for needing each of its
atoms, each recommendation is stated and solved anew with all its changes made.
"""

import statistics
import sys
import time
from collections.abc import Callable
from random import Random
from typing import TypeAlias, TypeVar

import multifactory
import spoilt
from multifactory import Instance
from ortools.sat.python import cp_model

from fabloop.model.explanation import Explanation
from fabloop.model.ids import OperationId
from fabloop.plan.engine import is_possible_now
from fabloop.plan.reasons.change import World
from fabloop.plan.reasons.conflicts import every_conflict
from fabloop.plan.reasons.minimal import bits_of
from fabloop.plan.reasons.recommend import Recommendation, factory_changes, product_changes
from fabloop.plan.reasons.view import Demand, View, Way
from fabloop.plan.reasons.whatif import changed
from fabloop.plan.reasons.why import Dearer, why_not
from fabloop.plan.statement.problem import Problem, Setting, problem_of

Answer = TypeVar("Answer")
Row: TypeAlias = dict[int, cp_model.IntVar]
SIZE = (20, 50, 200)
SEEDS = 1
LIMITS = {"conflicts": 100, "recommendations": 1000}
"""Milliseconds aimed at."""

ROW = "{:<26} {:>6} {:>8} {:>6} {:>8} {:>5} {:>8} {:>6} {:>8} {:>6}"


def timed(ask: Callable[[], Answer]) -> tuple[Answer, float]:
    """Return the answer and the process time in milliseconds."""
    start = time.process_time()
    answer = ask()
    return answer, (time.process_time() - start) * 1e3


def check_conflicts(problem: Problem) -> int:
    """Ask every conflict again; return how many of them are minimal conflicts."""
    view = View(problem)
    good = 0
    for number, _ in enumerate(problem.jobs):
        view.fails(number)
        for place, feed in enumerate(view.frame.feeds[number]):
            if not feed.free:
                view.numbered(Way(number, place))
    universe = (1 << len(view.bit)) - 1
    numbers = {job.operation.id: number for number, job in enumerate(problem.jobs)}
    for conflict in every_conflict(problem).conflicts:
        bits = [_bit(view, numbers, reason) for reason in conflict.reasons]
        if None in bits:
            continue
        mask = sum(bit for bit in bits if bit is not None)
        holds = view.is_possible(universe & ~mask)
        eased = all(view.is_possible(universe & ~mask | bit) for bit in bits_of(mask))
        good += not holds and eased
    return good


def _bit(view: View, numbers: dict[OperationId, int], reason: Explanation) -> int | None:
    number = numbers[OperationId(reason.details.get("taken_by", reason.subject))]
    if reason.code == "no-unit-meets":
        return view.bit[Demand(number, reason.details["parameter"])]
    if reason.code == "no-route":
        sources = view.problem.jobs[number].sources
        place = next(i for i, each in enumerate(sources) if each.made_by == reason.subject)
        return view.bit[Way(number, place)]
    return None


def core(problem: Problem) -> int:
    """Return the size of the core that CP-SAT finds over the same atoms; 0 where it finds none."""
    view = View(problem)
    model = cp_model.CpModel()
    atoms: list[cp_model.IntVar] = []
    chosen = []
    for number, _ in enumerate(problem.jobs):
        units = [bit.bit_length() - 1 for bit in bits_of(view.skilled(number))]
        row = {unit: model.new_bool_var("") for unit in units}
        model.add_exactly_one(row.values())
        for fails in view.fails(number).values():
            atom = model.new_bool_var("")
            atoms.append(atom)
            for unit, literal in row.items():
                if fails >> unit & 1:
                    model.add_implication(atom, literal.negated())
        chosen.append(row)
    for number, feeds in enumerate(view.frame.feeds):
        for feed in feeds:
            makers = () if feed.free else feed.makers
            atoms += [_way(model, view, chosen[maker], chosen[number]) for maker in makers]
    model.add_assumptions(atoms)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.max_deterministic_time = 60
    if solver.solve(model) != cp_model.INFEASIBLE:
        return 0
    return len(solver.sufficient_assumptions_for_infeasibility())


def _way(model: cp_model.CpModel, view: View, makers: Row, takers: Row) -> cp_model.IntVar:
    """Demand that the taker is within reach of the maker, one row per kind of reach."""
    atom = model.new_bool_var("")
    rows: dict[int, list[cp_model.IntVar]] = {}
    for unit, literal in makers.items():
        rows.setdefault(view.reach.of(1 << unit), []).append(literal)
    for reached, literals in rows.items():
        leaves = model.new_bool_var("")
        for literal in literals:
            model.add_implication(literal, leaves)
        ends = [literal for unit, literal in takers.items() if reached >> unit & 1]
        model.add_bool_or([atom.negated(), leaves.negated(), *ends])
    return atom


def confirmed(world: World, found: tuple[Recommendation, ...]) -> int:
    """Return how many recommendations help when everything is stated anew."""
    good = 0
    for each in found:
        new = changed(world, each.changes)
        good += is_possible_now(problem_of(new.product, new.setting))
    return good


def refused(name: str, instance: Instance, *, peer: bool) -> tuple[float, float]:
    """Print one row; return the times of conflicts and of recommendations."""
    setting = Setting(
        instance.network, instance.vocabulary, instance.kpis, instance.now, instance.now
    )
    problem = problem_of(instance.product, setting)
    if is_possible_now(problem):
        print(f"{name:<26} can be made")
        return 0.0, 0.0
    why, of_why = timed(lambda: every_conflict(problem))
    world = World(instance.product, setting)
    ours, of_product = timed(lambda: product_changes(world, problem))
    theirs, of_factory = timed(lambda: factory_changes(world, problem))
    size, of_core = timed(lambda: core(problem)) if peer else (0, 0.0)
    least = sum(each.answer.proven for each in (*ours, *theirs))
    right = confirmed(world, (*ours, *theirs))
    minimal = check_conflicts(problem)
    told = len(why.conflicts)
    print(
        ROW.format(
            name,
            f"{told}{'' if why.complete else '+'}",
            f"{of_why:.0f}",
            minimal,
            f"{of_core:.0f}" if peer else "-",
            size or "-",
            f"{of_product:.0f}",
            len(ours),
            f"{of_factory:.0f}",
            f"{len(theirs)}",
        )
        + f"   {least} proven least, {right} of {len(ours) + len(theirs)} confirmed"
    )
    return of_why, of_product + of_factory


def counterfactuals() -> None:
    """Time the price of a pinned machine at full size."""
    instance = multifactory.instance_of(multifactory.generated(*SIZE, 9), "drawn 9")
    setting = Setting(
        instance.network, instance.vocabulary, instance.kpis, instance.now, instance.now
    )
    problem = problem_of(instance.product, setting)
    roll, spent, dearer = Random(1), [], 0
    for _ in range(20):
        job = roll.choice(problem.jobs)
        unit = roll.choice([each.unit.id for each in job.candidates])
        answer, taken = timed(lambda job=job, unit=unit: why_not(problem, {job.operation.id: unit}))
        spent.append(taken)
        dearer += isinstance(answer, Dearer) and answer.more.cost_minor > 0
    print(
        f"why not this machine, 20 questions: median {statistics.median(spent):.0f} ms, "
        f"worst {max(spent):.0f} ms, {dearer} of them dearer than the best plan"
    )


def main(seeds: int = SEEDS, first: int = 1) -> None:
    """Print the tables."""
    print(f"Python {sys.version.split()[0]}; times in ms")
    print(ROW.format("", "confl.", "ms", "minim.", "CP-SAT", "size", "product", "", "factory", ""))
    rows = [
        refused(path.stem, multifactory.load(path), peer=True) for path in multifactory.paths("np_")
    ]
    rows += [refused(name, it, peer=False) for name, it in spoilt.spoilt(first, seeds)]
    told = [row for row in rows if row != (0.0, 0.0)]
    for (what, limit), times in zip(LIMITS.items(), zip(*told, strict=True), strict=True):
        ranked, over = sorted(times), sum(each > limit for each in times)
        print(
            f"{what} over {len(ranked)} instances: median {statistics.median(ranked):.0f} ms, "
            f"nine of ten within {ranked[len(ranked) * 9 // 10]:.0f} ms, "
            f"worst {ranked[-1]:.0f} ms, {over} over {limit} ms"
        )
    counterfactuals()


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:3]))
