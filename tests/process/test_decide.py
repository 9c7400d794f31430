"""Business rule tasks: which decision is made, by which version, and what happens without one."""

import pytest
from msgspec.structs import replace

from fabloop.base.errors import Invalid
from fabloop.process.bpmn.compile import compile_process
from fabloop.process.bpmn.model import BusinessRuleTask, JobWork, Mapping, MultiInstance
from fabloop.process.bpmn.read import read_bpmn
from fabloop.process.bpmn.write import write
from fabloop.process.commands import (
    DecisionsKnown,
    Deploy,
    Migrate,
    ProcessDeployed,
    ResolveIncident,
    SetVariables,
    StartInstance,
)
from fabloop.process.definition import DefinitionKey
from fabloop.process.verify.report import verify
from process.driver import Plant, flows, job, process


def discount(percent: int, *, tag: str = "", decision: str = "discount") -> bytes:
    """Return a model that gives large orders a discount in percent, and small ones none."""
    tagged = f'<z:versionTag value="{tag}"/>' if tag else ""
    return f"""<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/"
        xmlns:z="http://camunda.org/schema/zeebe/1.0" id="d" name="d" namespace="urn:d-{decision}">
      <inputData id="i" name="pieces"><variable name="pieces" typeRef="number"/></inputData>
      <decision id="{decision}" name="What is taken off">
        <extensionElements>{tagged}</extensionElements>
        <variable name="What is taken off" typeRef="number"/>
        <informationRequirement><requiredInput href="#i"/></informationRequirement>
        <decisionTable hitPolicy="UNIQUE">
          <input><inputExpression typeRef="number"><text>pieces</text></inputExpression></input>
          <output/>
          <rule><inputEntry><text>&gt;= 100</text></inputEntry>
                <outputEntry><text>{percent}</text></outputEntry></rule>
          <rule><inputEntry><text>&lt; 100</text></inputEntry>
                <outputEntry><text>0</text></outputEntry></rule>
        </decisionTable>
      </decision>
    </definitions>""".encode()


def rule(**more: object) -> BusinessRuleTask:
    given: dict = {"id": "r", "decision": "discount", "result_variable": "off"}
    return BusinessRuleTask(**given | more)


def ruled(**more: object):
    return process(rule(**more), job("after"), links=flows("start r after end"))


def off(plant: Plant, key: int) -> object:
    return plant.engine.instance(key).variables.get("off")


@pytest.mark.parametrize(("pieces", "expected"), [(100, 5), (99, 0)])
def test_a_decision_is_made_with_the_variables_it_needs(pieces, expected):
    plant = Plant()
    reply = plant.does(Deploy(process=ruled(), decisions=(discount(5),)))
    assert isinstance(reply, ProcessDeployed)
    assert [each.key for each in reply.decisions] == [DefinitionKey("discount", 1)]
    key = plant.does(StartInstance(process="p", variables={"pieces": pieces})).instance
    assert off(plant, key) == expected


def test_mappings_stand_around_a_decision():
    plant = Plant()
    model = ruled(
        inputs=(Mapping(source="order.count", target="pieces"),),
        outputs=(Mapping(source="order.price * off / 100", target="saved"),),
    )
    plant.does(Deploy(process=model, decisions=(discount(50),)))
    order = {"count": 200, "price": 80}
    key = plant.does(StartInstance(process="p", variables={"order": order})).instance
    assert plant.engine.instance(key).variables == {"order": order, "saved": 40}


def test_the_name_of_a_decision_can_be_an_expression_and_each_round_makes_its_own():
    plant = Plant()
    loop = MultiInstance(collection="[1, 1000]", element="pieces", output_collection="offs",
                         output_element="off")  # fmt: skip
    plant.does(Deploy(decisions=(discount(7),)))
    key = plant.starts(ruled(decision="=which", loop=loop), {"which": "discount"})
    assert plant.engine.instance(key).variables["offs"] == [0, 7]


def versions(plant: Plant, model) -> list:
    """Deploy a process and three models, the first along with it; return what it makes of each."""
    plant.does(Deploy(process=model, decisions=(discount(1, tag="old"),)))
    found = []
    for percent in (1, 2, 3):
        plant.does(Deploy(decisions=(discount(percent, tag="new" if percent > 1 else "old"),)))
        key = plant.does(StartInstance(process="p", variables={"pieces": 100})).instance
        found.append(off(plant, key))
    return found


@pytest.mark.parametrize(
    ("bound", "found"),
    [({}, [1, 2, 3]), ({"together": True}, [1, 1, 1]), ({"version_tag": "old"}, [1, 1, 1])],
)
def test_the_version_is_the_latest_or_as_the_task_says(bound, found):
    assert versions(Plant(), ruled(**bound)) == found


def test_the_same_model_keeps_its_version():
    plant = Plant()
    first = plant.does(Deploy(decisions=(discount(1),)))
    again = plant.does(Deploy(decisions=(discount(1),)))
    other = plant.does(Deploy(decisions=(discount(2),)))
    assert isinstance(first, DecisionsKnown)
    assert [(r.decisions[0].key.version, r.decisions[0].known) for r in (first, again, other)] == [
        (1, False), (1, True), (2, False)]  # fmt: skip


def test_a_decision_that_is_not_there_becomes_an_incident_until_it_is():
    plant = Plant()
    key = plant.starts(ruled(), {"pieces": 300})
    (incident,) = plant.engine.incidents()
    assert (incident.kind, "'discount'" in incident.text) == ("decision", True)
    plant.does(Deploy(decisions=(discount(9),)))
    plant.does(ResolveIncident(incident=incident.key))
    assert off(plant, key) == 9


def test_warnings_explain_a_decision_that_gives_null():
    plant = Plant()
    plant.does(Deploy(decisions=(discount(9),)))
    key = plant.starts(ruled(), {"pieces": "many"})
    (incident,) = plant.engine.incidents()
    assert "found null" in incident.text
    assert "pieces" in incident.text
    plant.does(SetVariables(target=key, variables={"pieces": 300}))
    plant.does(ResolveIncident(incident=incident.key))
    assert off(plant, key) == 9


def test_a_decision_that_cannot_be_there_is_refused_at_once():
    with pytest.raises(Invalid, match=r"'r'.*'discount'"):
        Plant().does(Deploy(process=ruled(), decisions=(discount(1, decision="other"),)))
    with pytest.raises(Invalid, match="'discount'"):
        Plant().does(Deploy(process=ruled(together=True)))
    plant = Plant()
    plant.does(Deploy(decisions=(discount(1),)))
    plant.does(Deploy(process=ruled(), decisions=(discount(1, decision="other"),)))


@pytest.mark.parametrize(
    ("documents", "found"),
    [
        ((b"<x/>",), "DMN"),
        ((discount(1), discount(2)), "two"),
        ((discount(1).replace(b"&gt;= 100", b"&gt;= ("),), "line 11"),
        ((), "none"),
    ],
)
def test_models_that_are_wrong_are_refused(documents, found):
    with pytest.raises(Invalid, match=found):
        Plant().does(Deploy(decisions=documents))


@pytest.mark.parametrize(
    ("more", "found"),
    [({"decision": "="}, "id of a decision"), ({"result_variable": ""}, "result variable")],
)
def test_a_task_that_says_too_little_is_refused(more, found):
    with pytest.raises(Invalid, match=found):
        Plant().does(Deploy(process=ruled(**more)))


def test_a_business_rule_task_can_be_a_job():
    plant = Plant()
    key = plant.starts(ruled(decision="", result_variable="", work=JobWork(type="rules")))
    plant.completes("r", {"off": 4})
    plant.completes("after")
    assert plant.result(key)["off"] == 4


@pytest.mark.parametrize("bound", [{}, {"together": True}, {"version_tag": "v"}])
def test_what_binds_a_decision_is_written_and_read(bound):
    read, _ = read_bpmn(write(ruled(**bound)))
    assert next(node for node in read.nodes if node.id == "r") == rule(**bound)


def test_a_waiting_decision_migrates():
    plant = Plant()
    key = plant.starts(ruled(), {"pieces": 300})
    new = replace(ruled(), name="new")
    plant.does(Deploy(process=new, decisions=(discount(9),)))
    plant.does(Migrate(instance=key, target=DefinitionKey("p", 2)))
    plant.does(ResolveIncident(incident=plant.engine.incidents()[0].key))
    assert off(plant, key) == 9


def test_a_decision_is_verified_like_any_task():
    assert verify(compile_process(ruled(), {}, 1)).sound


@pytest.mark.parametrize(("said", "expected"), [("1", 5), ("=2", 7)])
def test_a_version_may_be_asked_by_its_number(said, expected):
    plant = Plant()
    for percent in (5, 7, 9):
        plant.does(Deploy(process=ruled(version=said), decisions=(discount(percent),)))
    key = plant.does(StartInstance(process="p", variables={"pieces": 100})).instance
    assert off(plant, key) == expected


def test_a_version_that_is_not_there_is_an_incident():
    plant = Plant()
    plant.does(Deploy(process=ruled(version="4"), decisions=(discount(5),)))
    plant.does(StartInstance(process="p", variables={"pieces": 100}))
    (incident,) = plant.engine.incidents()
    assert "'discount' in version 4" in incident.text
