import pytest

from fabloop.adapters.arrowhead.four import steps, wire
from fabloop.app.choreography.plans import recipe_of_plan, step_of_plan
from fabloop.base.errors import Invalid
from fabloop.run.compose import compose


def step(name, *nexts, service="welding", **more):
    form = wire.QueryForm(service_definition_requirement=service)
    return steps.StepRequest(
        name=name, service_requirement=form, next_step_names=list(nexts), **more
    )


def action(name, *of, first, then=None):
    return steps.ActionRequest(
        name=name, steps=list(of), first_step_names=list(first), next_action_name=then
    )


def plan(*actions, first="body"):
    return steps.PlanRequest(name="car", first_action_name=first, actions=list(actions))


CAR = plan(
    action("body", step("a", "c"), step("b", "c"), step("c"), first=("a", "b"), then="doors"),
    action("doors", step("d"), step("e", quantity=2), first=("d", "e")),
)


def test_actions_follow_each_other_and_steps_as_they_are_told():
    recipe = recipe_of_plan(CAR, "shop")
    order = {each.flow_id: set(each.previous) for each in recipe.steps}
    assert order == {
        "body/a": set(),
        "body/b": set(),
        "body/c": {"body/a", "body/b"},
        "doors/d": {"body/c"},
        "doors/e": {"body/c"},
    }
    assert compose(recipe, process_id="car").process.id == "car"


def test_the_step_of_a_plan_is_found_again():
    found = step_of_plan(CAR, "doors/e")
    assert found is not None
    assert found.quantity == 2
    assert step_of_plan(CAR, "doors/z") is None


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        (plan(action("body", step("a"), first=("a",)), first="roof"), "firstActionName"),
        (plan(action("body", step("a", "z"), first=("a",))), "nextStepNames"),
        (plan(action("body", step("a"), first=("z",))), "firstStepNames"),
        (plan(action("body", step("a"), step("a"), first=("a",))), "steps"),
        (plan(action("body", step("a"), first=("a",), then="roof")), "nextActionName"),
        (plan(action("body", step("a"), first=("a",), then="body")), "actions"),
        (plan(action("body", step("a"), step("b"), first=("a",))), "steps.b"),
        (plan(action("body", step("a", "b"), step("b", "a"), first=("a",))), "steps"),
        (plan(action("body", step("a", quantity=0), first=("a",))), "quantity"),
        (plan(action("body", step("a"), first=())), "firstStepNames"),
    ],
)
def test_what_is_wrong_with_a_plan_is_told_with_its_place(wrong, path):
    with pytest.raises(Invalid) as error:
        recipe_of_plan(wrong, "shop")
    assert any(path in fault.path for fault in error.value.faults)
