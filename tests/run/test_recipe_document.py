import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.model.recipe import ProductionRecipe, RecipeStep
from fabloop.run.recipe import recipe_of
from fabloop.run.recipe_document import read_recipe, write_recipe
from run.wave_gear import network, plan_in_graz, plan_over_vienna, product

CAR = {
    "PriorityId": 1,
    "DocumentVersion": 1,
    "Plant": "AssemblyShop",
    "Steps": [
        {
            "BpmnType": "servicetask",
            "FlowId": 1,
            "ProductionStep": "TankInstallation",
            "PreviousStepId": "start",
            "NextStepId": "2",
            "Services": {"Service1": "Transport", "Service2": "Welding", "Service3": "Assembling"},
        },
        {
            "BpmnType": "servicetask",
            "FlowId": 2,
            "ProductionStep": "SeatInstallation",
            "PreviousStepId": "1",
            "NextStepId": "3",
            "Services": {
                "Service1": "Transport",
                "Service2": "Welding",
                "Service3": "Welding",
                "Service4": "Assembling",
            },
        },
        {
            "BpmnType": "servicetask",
            "FlowId": 3,
            "ProductionStep": "GearInstallation",
            "PreviousStepId": "2",
            "NextStepId": "end",
            "Services": {
                "Service1": "Transport",
                "Service2": "Welding",
                "Service3": "Assembling",
                "Service4": "Trimming",
            },
        },
    ],
}


def changed(*path, to):
    """Return the car recipe with the value at the path replaced."""
    copy = json.loads(json.dumps(CAR))
    at = copy
    for each in path[:-1]:
        at = at[each]
    if to is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return json.dumps(copy)


def faults(text):
    with pytest.raises(Invalid) as caught:
        read_recipe(text)
    return [(fault.path, fault.sentence()) for fault in caught.value.faults]


def test_the_published_example_is_read():
    recipe = read_recipe(json.dumps(CAR))
    assert recipe.plant == "AssemblyShop"
    assert [step.flow_id for step in recipe.steps] == ["1", "2", "3"]
    assert recipe.steps[0].previous == ()
    assert recipe.steps[0].next == ("2",)
    assert recipe.steps[1].services == ("Transport", "Welding", "Welding", "Assembling")
    assert recipe.steps[2].next == ()


def test_the_published_example_is_written_as_it_was_with_its_order_of_fields():
    assert json.dumps(json.loads(write_recipe(read_recipe(json.dumps(CAR))))) == json.dumps(CAR)


def test_a_recipe_without_document_version_stays_without():
    text = changed("DocumentVersion", to=...)
    assert json.loads(write_recipe(read_recipe(text))) == json.loads(text)


@pytest.mark.parametrize("plan", [plan_in_graz(), plan_over_vienna()], ids=["graz", "vienna"])
def test_recipes_of_plans_come_back_from_json(plan):
    recipe = recipe_of(plan, product(), network())
    assert read_recipe(write_recipe(recipe)) == recipe


ANY = st.characters(codec="utf-8")
PRINTABLE = st.characters(codec="utf-8", exclude_categories=["C"])


@st.composite
def recipes(draw, characters=ANY, steps=8, services=12):
    """Return in-trees: each step but the last is taken by one that comes later."""
    count = draw(st.integers(1, steps))
    takers = [draw(st.integers(n + 1, count - 1)) for n in range(count - 1)]
    numeric = draw(st.booleans())
    ids = [str(n + 1) if numeric else f"op-{n}" for n in range(count)]
    names = st.text(characters, min_size=1, max_size=12)
    return ProductionRecipe(
        plant=draw(names),
        priority_id=draw(st.integers(-5, 10**6)),
        document_version=draw(st.none() | st.integers(0, 9)),
        steps=tuple(
            RecipeStep(
                flow_id=ids[n],
                production_step=draw(names),
                bpmn_type=draw(st.sampled_from(["servicetask", "usertask"])),
                previous=tuple(ids[m] for m, taker in enumerate(takers) if taker == n),
                next=(ids[takers[n]],) if n < count - 1 else (),
                services=tuple(draw(st.lists(names, min_size=1, max_size=services))),
                parameters=draw(st.dictionaries(names, names, max_size=3)),
            )
            for n in range(count)
        ),
    )


@given(recipes())
@settings(max_examples=80, deadline=None)
def test_every_tree_of_steps_comes_back_from_json(recipe):
    assert read_recipe(write_recipe(recipe)) == recipe


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("{", "$", "JSON"),
        ("[]", "$", "an object"),
        (changed("PriorityId", to=True), "$.PriorityId", "an integer"),
        (changed("Plant", to=""), "$.Plant", "text"),
        (changed("Steps", to=[]), "$.Steps", "0 steps"),
        (changed("Plnt", to="x"), "$.Plnt", "Did you mean 'Plant'"),
        (changed("Steps", 0, "BpmnType", to="task"), "$.Steps[0].BpmnType", "'usertask'"),
        (changed("Steps", 0, "FlowId", to=1.5), "$.Steps[0].FlowId", "1.5"),
        (changed("Steps", 1, "FlowId", to=1), "$.Steps[1].FlowId", "'1' as in $.Steps[0]"),
        (changed("Steps", 1, "NextStepId", to="33"), "$.Steps[1].NextStepId", "'33'"),
        (changed("Steps", 1, "NextStepId", to=3), "$.Steps[1].NextStepId", "found 3"),
        (changed("Steps", 2, "PreviousStepId", to="1"), "$.Steps[2].PreviousStepId", "'2'"),
        (changed("Steps", 0, "Services", to={}), "$.Steps[0].Services", "1 to 99"),
        (changed("Steps", 0, "Services", to={"Service1": "a", "Service3": "b"}),
         "$.Steps[0].Services", "no Service2"),
        (changed("Steps", 0, "Services", to={"Weld": "a"}), "$.Steps[0].Services.Weld",
         "Service1"),
        (changed("Steps", 1, "PreviousStepId", to="start"), "$.Steps", '["start"]'),
        (changed("Steps", 0, "PreviousStepId", to="3"), "$.Steps", "is 'start'"),
        (changed("Steps", 0, "Parameters", to={"a": 1}), "$.Steps[0].Parameters", "texts"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(text, place, words):
    assert any(path == place and words in sentence for path, sentence in faults(text))


def test_a_cycle_is_named():
    copy = json.loads(json.dumps(CAR))
    copy["Steps"][2]["NextStepId"] = ["2"]
    copy["Steps"][1]["PreviousStepId"] = ["1", "3"]
    assert any("a cycle of '2', '3'" in sentence for _, sentence in faults(json.dumps(copy)))


def test_all_faults_are_told_at_once():
    copy = json.loads(changed("PriorityId", to="high"))
    copy["Steps"][0]["FlowId"] = None
    copy["Steps"][2]["Services"]["Service4"] = ""
    assert {path for path, _ in faults(json.dumps(copy))} >= {
        "$.PriorityId",
        "$.Steps[0].FlowId",
        "$.Steps[2].Services.Service4",
    }


def test_branches_that_begin_together_are_marked_by_lists():
    written = json.loads(write_recipe(recipe_of(plan_in_graz(), product(), network())))
    starts = [s["FlowId"] for s in written["Steps"] if s["PreviousStepId"] == ["start"]]
    assert starts == ["op-mill-base", "op-mill-generator"]
