"""Runs in the other environment: reads a task, asks an engine of unified-planning, writes plans.

It imports nothing of ours, since that is not installed there.
"""

import json
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, TextIO


def problem_of(task: dict[str, Any]) -> Any:
    """Return a task as a problem of the library, with a fluent for each proposition."""
    up = import_module("unified_planning.shortcuts")
    yes, no = up.TRUE(), up.FALSE()
    problem = up.Problem("recovery")
    fluents = [up.Fluent(f"p{number}") for number in range(task["propositions"])]
    holds = set(task["holds"])
    for number, fluent in enumerate(fluents):
        problem.add_fluent(fluent, default_initial_value=yes if number in holds else no)
    prices = {}
    for number, each in enumerate(task["actions"]):
        action = up.InstantaneousAction(f"a{number}")
        for need in each["needs"]:
            action.add_precondition(fluents[need])
        for gained in each["adds"]:
            action.add_effect(fluents[gained], yes)
        for lost in each["deletes"]:
            action.add_effect(fluents[lost], no)
        problem.add_action(action)
        prices[action] = up.Int(each["price"])
    for goal in task["goals"]:
        problem.add_goal(fluents[goal])
    problem.add_quality_metric(up.MinimizeActionCosts(prices))
    return problem


def results(task: dict[str, Any]) -> Iterator[Any]:
    """Yield what the engine finds: ever better plans where it can, else one."""
    environment = import_module("unified_planning.environment").get_environment()
    environment.credits_stream = None
    if task["engine"] == "kairos":
        import_module("up_kairos").register()
    problem, seconds = problem_of(task), task["seconds"]
    if environment.factory.engine(task["engine"]).is_anytime_planner():
        with environment.factory.AnytimePlanner(name=task["engine"]) as engine:
            yield from engine.get_solutions(problem, timeout=seconds)
    else:
        with environment.factory.OneshotPlanner(name=task["engine"]) as engine:
            yield engine.solve(problem, timeout=seconds)


def answer(task: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> None:
    """Tell each plan as it comes, so that nothing is lost when the engine is stopped."""
    proven = ("SOLVED_OPTIMALLY", "UNSOLVABLE_PROVEN")
    for result in results(task):
        line: dict[str, Any] = {"proven": result.status.name in proven}
        if result.plan is not None:
            line["plan"] = [int(each.action.name[1:]) for each in result.plan.actions]
        tell(line)


def main(out: TextIO) -> None:
    """Answer the task on the standard input; whatever engines print goes to the other stream."""
    sys.stdout = sys.stderr

    def tell(line: dict[str, Any]) -> None:
        print(json.dumps(line), file=out, flush=True)

    try:
        answer(json.load(sys.stdin), tell)
    except Exception as error:  # noqa: BLE001  # whatever an engine throws is told, not lost
        tell({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main(sys.stdout)
