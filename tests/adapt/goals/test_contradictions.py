"""Goals that no history can meet together are found before anything runs, with the reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapt.goals.histories import Plant, at, goals
from fabloop.adapt.goals.contradictions import contradictions
from fabloop.adapt.goals.monitor import Monitor
from fabloop.adapt.goals.reach import Durations, Earliest, earliest_in, remaining_in
from fabloop.adapt.goals.risk import Remaining
from fabloop.app.sentences import sentence
from fabloop.base.instant import HOUR, MINUTE
from fabloop.model.explanation import GoalCode
from fabloop.model.facts import GoalEndangered, GoalViolated
from fabloop.process.commands import Deploy, StartInstance

HEAD = """
goals g version 1
subject order: business key of process bake
event a(order): completion of a
event b(order): completion of b
event c(order): completion of c
"""
BPMN = b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
 xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t">
<process id="bake" isExecutable="true"><startEvent id="s"/>
<sequenceFlow id="f0" sourceRef="s" targetRef="split"/><parallelGateway id="split"/>
<sequenceFlow id="f1" sourceRef="split" targetRef="a"/>
<sequenceFlow id="f2" sourceRef="split" targetRef="rest"/>
<serviceTask id="a"><extensionElements><zeebe:taskDefinition type="a"/></extensionElements>
</serviceTask><intermediateCatchEvent id="rest"><timerEventDefinition>
<timeDuration>PT3H</timeDuration></timerEventDefinition></intermediateCatchEvent>
<sequenceFlow id="f3" sourceRef="a" targetRef="join"/>
<sequenceFlow id="f4" sourceRef="rest" targetRef="join"/><parallelGateway id="join"/>
<sequenceFlow id="f5" sourceRef="join" targetRef="b"/>
<serviceTask id="b"><extensionElements><zeebe:taskDefinition type="b"/></extensionElements>
</serviceTask><sequenceFlow id="f6" sourceRef="b" targetRef="e"/><endEvent id="e"/></process>
</definitions>"""
SLOW: Durations = {
    "b": Remaining(least_ns=HOUR, likely_ns=2 * HOUR, most_ns=4 * HOUR),
    "a": Remaining(least_ns=10 * MINUTE, likely_ns=20 * MINUTE, most_ns=HOUR),
}


def codes(text: str, earliest: Earliest | None = None) -> list[str]:
    return [each.code for each in contradictions(goals(HEAD + text), earliest)]


def test_goals_that_can_be_met_together_have_none():
    assert not codes("""
goal G1 for each order: b within 5 h of received
goal G2 for each order, part of G1: a within 3 h of received
goal G3 for each order: b at least 1 h after a
goal G4 for each order: never cancelled
kpi K1: share of orders with G1 >= 95 % over the week
kpi K2: share of orders with G1 <= 99 % over the week
""")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (
            (
                "goal G1 for each order: b within 5 h of received\n"
                "goal G2 for each order: b at least 6 h after received"
            ),
            GoalCode.CONTRARY,
        ),
        (
            (
                "goal G1 for each order: c within 5 h of a\n"
                "goal G2 for each order: b at least 3 h after a\n"
                "goal G3 for each order: c at least 3 h after b"
            ),
            GoalCode.CONTRARY,
        ),
        (
            "goal G1 for each order: b within 5 h of received\ngoal G2 for each order: never b",
            GoalCode.NEVER_BUT_MUST,
        ),
        (
            (
                "goal G1 for each order: b within 5 h of received\n"
                "goal G2 part of G1 for each order: b within 7 h of received"
            ),
            GoalCode.PART_LOOSER,
        ),
        (
            (
                "goal G1 for each order: always heat <= 180\n"
                "goal G2 for each order: at b, heat > 200 and loud = false"
            ),
            GoalCode.CONDITIONS_CLASH,
        ),
        (
            (
                "goal G1 for each order: a within 5 h of received\n"
                "kpi K1: share of orders with G1 >= 95 % over the week\n"
                "kpi K2: share of orders with G1 < 90 % over the week"
            ),
            GoalCode.LIMITS_CLASH,
        ),
    ],
)
def test_a_contradiction_is_found_and_told(text: str, code: GoalCode):
    found = contradictions(goals(HEAD + text))
    assert [each.code for each in found] == [code]
    said = sentence(found[0], at(0))
    assert "–" not in said
    assert "G1" in said or "K1" in said


@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 50))
def test_a_chain_is_contrary_just_if_its_gaps_do_not_fit(first: int, second: int, whole: int):
    text = f"""
goal G1 for each order: c within {whole} h of a
goal G2 for each order: b at least {first} h after a
goal G3 for each order: c at least {second} h after b
"""
    assert codes(text) == ([GoalCode.CONTRARY] if first + second > whole else [])


def definition():
    plant = Plant()
    plant.does(Deploy(process=BPMN), at(0))
    return plant.engine.definition("bake")


def test_a_deadline_before_the_earliest_possible_is_found_with_the_way_there():
    text = "goal G1 for each order: b within 3 h of received"
    watched = goals(HEAD + text)
    earliest = earliest_in([definition()], watched, SLOW)
    (found,) = [
        each for each in contradictions(watched, earliest) if each.code == GoalCode.TOO_TIGHT
    ]
    assert found.details["least"] == "4 h"
    assert found.details["path"] == "rest, b"
    assert found.details["missing"] == "1 h"
    assert not [
        each
        for each in contradictions(goals(HEAD + text.replace("3 h", "4 h")), earliest)
        if each.code == GoalCode.TOO_TIGHT
    ]


def test_a_node_that_no_model_has_is_named_with_its_like():
    watched = goals(HEAD.replace("completion of b", "completion of bb"))
    earliest = earliest_in([definition()], watched, SLOW)
    found = list(contradictions(watched, earliest))
    assert {each.code for each in found} == {GoalCode.NODE_UNKNOWN}
    assert [each.subject for each in found] == ["b(order)", "c(order)"]


def test_what_cannot_be_reached_any_more_is_missed_long_before_its_time_is_over():
    watched = goals(HEAD + "goal G1 for each order: b within 3 h of received")
    plant = Plant()
    plant.does(Deploy(process=BPMN), at(0))
    estimates = {"bake 1": remaining_in(plant.engine.definition("bake"), watched, SLOW)}
    watch = Monitor(watched, estimates=estimates)
    plant.does(StartInstance(process="bake", business_key="o-1"), at(0))
    (fact,) = watch.hear(plant.taken())
    assert isinstance(fact, GoalViolated)
    assert (fact.at, fact.because.code) == (at(0), GoalCode.UNREACHABLE)
    assert fact.because.evidence[0].value == 4 * 3600
    assert [each.code for each in fact.because.options] == ["give-time"]


def test_what_the_model_holds_for_possible_is_judged_by_likelihood():
    watched = goals(HEAD + "goal G1 for each order: b within 5 h of received")
    plant = Plant()
    plant.does(Deploy(process=BPMN), at(0))
    estimates = {"bake 1": remaining_in(plant.engine.definition("bake"), watched, SLOW)}
    watch = Monitor(watched, estimates=estimates)
    plant.does(StartInstance(process="bake", business_key="o-1"), at(0))
    facts = watch.hear(plant.taken())
    assert [type(each) for each in facts] == [GoalEndangered]  # it takes 5 h in half of all cases
    assert facts[0].because.details["source"] == "estimate"


def test_only_what_no_way_goes_round_bounds_an_event():
    watched = goals(HEAD + "goal G1 for each order: b within 3 h of received")
    own = remaining_in(definition(), watched, SLOW)["b(order)"]
    assert own[">rest"].indispensable
    assert not own["rest"].indispensable
    assert own[">b"].least_ns == own["rest"].least_ns == HOUR
    assert own[">rest"].least_ns == 4 * HOUR
