"""A plan of 4.6.2 as a production recipe: its actions one after the other, their steps as told."""

from collections.abc import Iterator

from fabloop.adapters.arrowhead.four import steps
from fabloop.base.errors import Fault, Invalid
from fabloop.base.names import did_you_mean
from fabloop.model.recipe import ProductionRecipe, RecipeStep
from fabloop.run.recipe import SERVICE_TASK

STEPS_MAX = 1_000


def recipe_of_plan(plan: steps.PlanRequest, plant: str) -> ProductionRecipe:
    """Return what a plan asks for; ids of steps are ``action/step``.

    The first steps of an action wait for the last ones of the action before it.

    Raises
    ------
    Invalid
        With all that is wrong: names that are doubled or unknown, steps or actions that nobody
        reaches, cycles.
    """
    faults = list(_faults(plan))
    if faults:
        raise Invalid(faults)
    actions = {each.name: each for each in plan.actions}
    following: dict[str, list[str]] = {}
    before: list[str] = []
    ordered = list(_in_order(plan.first_action_name, actions))
    for action in ordered:
        first = [_id(action, name) for name in action.first_step_names]
        for last in before:
            following[last] = first
        for step in action.steps:
            following[_id(action, step.name)] = [
                _id(action, name) for name in step.next_step_names or []
            ]
        before = [_id(action, each.name) for each in action.steps if not each.next_step_names]
    preceding: dict[str, list[str]] = {key: [] for key in following}
    for key, others in following.items():
        for other in others:
            preceding[other].append(key)
    return ProductionRecipe(
        plant=plant,
        priority_id=1,
        steps=tuple(
            _step(action, step, preceding, following) for action in ordered for step in action.steps
        ),
    )


def _step(
    action: steps.ActionRequest,
    step: steps.StepRequest,
    preceding: dict[str, list[str]],
    following: dict[str, list[str]],
) -> RecipeStep:
    id_ = _id(action, step.name)
    return RecipeStep(
        flow_id=id_,
        production_step=step.name,
        bpmn_type=SERVICE_TASK,
        previous=tuple(preceding[id_]),
        next=tuple(following[id_]),
        services=(step.service_requirement.service_definition_requirement,),
    )


def step_of_plan(plan: steps.PlanRequest, flow_id: str) -> steps.StepRequest | None:
    """Return the step of a plan that became the step of its recipe with that id."""
    for action in plan.actions:
        for step in action.steps:
            if _id(action, step.name) == flow_id:
                return step
    return None


def _id(action: steps.ActionRequest, step: str) -> str:
    return f"{action.name}/{step}"


def _in_order(first: str, actions: dict[str, steps.ActionRequest]) -> Iterator[steps.ActionRequest]:
    name: str | None = first
    while name:
        yield actions[name]
        name = actions[name].next_action_name


def _faults(plan: steps.PlanRequest) -> Iterator[Fault]:
    names = [each.name for each in plan.actions]
    yield from _twice(names, "actions")
    count = sum(len(each.steps) for each in plan.actions)
    if not 1 <= count <= STEPS_MAX:
        yield _fault("actions", f"1 to {STEPS_MAX} steps", str(count))
    if plan.first_action_name not in names:
        yield _unknown("firstActionName", plan.first_action_name, names)
    for action in plan.actions:
        if action.next_action_name and action.next_action_name not in names:
            yield _unknown(f"actions.{action.name}.nextActionName", action.next_action_name, names)
        yield from _action_faults(action)
    yield from _chain_faults(plan, names)


def _chain_faults(plan: steps.PlanRequest, names: list[str]) -> Iterator[Fault]:
    """Yield what is wrong with the order of actions, where all of them are known."""
    nexts = {each.name: each.next_action_name for each in plan.actions}
    name: str | None = plan.first_action_name
    met: list[str] = []
    while name and name in nexts and name not in met:
        met.append(name)
        name = nexts[name]
    if name in met:
        yield _fault("actions", "actions that come to an end", f"'{name}' again after '{met[-1]}'")
    for lost in names:
        if lost not in met:
            yield _fault(f"actions.{lost}", "an action that is reached", "one that none leads to")


def _action_faults(action: steps.ActionRequest) -> Iterator[Fault]:
    path = f"actions.{action.name}"
    names = [each.name for each in action.steps]
    yield from _twice(names, f"{path}.steps")
    if not action.first_step_names:
        yield _fault(f"{path}.firstStepNames", "a step to begin with", "none")
    for name in action.first_step_names:
        if name not in names:
            yield _unknown(f"{path}.firstStepNames", name, names)
    for step in action.steps:
        if step.quantity < 1:
            yield _fault(f"{path}.steps.{step.name}.quantity", "at least 1", str(step.quantity))
        for name in step.next_step_names or []:
            if name not in names:
                yield _unknown(f"{path}.steps.{step.name}.nextStepNames", name, names)
    yield from _step_order_faults(action, path)


def _step_order_faults(action: steps.ActionRequest, path: str) -> Iterator[Fault]:
    """Yield steps that wait for each other, or that nobody leads to."""
    waiting = {
        each.name: {x.name for x in action.steps if each.name in (x.next_step_names or [])}
        for each in action.steps
    }
    for name, before in waiting.items():
        if not before and name not in action.first_step_names:
            yield _fault(f"{path}.steps.{name}", "a step that is reached", "one none leads to")
        if before and name in action.first_step_names:
            found = f"one that waits for {', '.join(sorted(before))}"
            yield _fault(f"{path}.firstStepNames", f"'{name}' to wait for nobody", found)
    while ready := {name for name, before in waiting.items() if not before}:
        waiting = {n: b - ready for n, b in waiting.items() if n not in ready}
    if waiting:
        found = f"a cycle through {', '.join(sorted(waiting))}"
        yield _fault(f"{path}.steps", "steps that come to an end", found)


def _twice(names: list[str], path: str) -> Iterator[Fault]:
    for name in sorted({each for each in names if names.count(each) > 1}):
        yield _fault(path, "each name once", f"'{name}' twice")


def _unknown(path: str, name: str, names: list[str]) -> Fault:
    hint = did_you_mean(name, names)
    return Fault(source="plan", path=path, expected="a known name", found=repr(name), hint=hint)


def _fault(path: str, expected: str, found: str) -> Fault:
    return Fault(source="plan", path=path, expected=expected, found=found)
