"""How bad a deviation is follows from what is at stake, and is told with its reasons."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.adapt import ladder
from fabloop.adapt.ladder import Ask, Deviation, Offer, TryRung
from fabloop.adapt.plan_rungs import weighed_of
from fabloop.adapt.policy import Policy, Rung, RungRule, Severity
from fabloop.adapt.severity import MANY_MIN, Stake, weighed
from fabloop.base.instant import MINUTE, SECOND, Instant
from fabloop.model.documents.collect import Sheet, raise_if_any
from fabloop.model.documents.policy import policy_of
from fabloop.model.documents.policy_structs import AdaptationPolicyDocument
from fabloop.model.explanation import DangerCode, Explanation, ReasonCode, SeverityCode

MINOR, MAJOR, CRITICAL = Severity.MINOR, Severity.MAJOR, Severity.CRITICAL


@pytest.mark.parametrize(
    ("stake", "severity", "code"),
    [
        (Stake(), MINOR, SeverityCode.NOTHING_AT_STAKE),
        (Stake(concerned=3, open=100), MINOR, SeverityCode.NOTHING_AT_STAKE),
        (Stake(goals_at_risk=("G1 of o-1",)), MAJOR, SeverityCode.GOAL_AT_STAKE),
        (Stake(spent="40 muffins"), MAJOR, SeverityCode.SPENT),
        (Stake(unfit="mill"), MAJOR, SeverityCode.NOT_FIT),
        (Stake(goals_lost=("G1 of o-1",)), CRITICAL, SeverityCode.GOAL_LOST),
        (Stake(unsafe="stop-stands Cell"), CRITICAL, SeverityCode.SAFETY_CONCERNED),
        (Stake(stands="mill"), CRITICAL, SeverityCode.STANDS),
        (Stake(concerned=10, open=20), MAJOR, SeverityCode.MANY_CONCERNED),
        (Stake(concerned=9, open=9), MINOR, SeverityCode.NOTHING_AT_STAKE),
        (Stake(concerned=10, open=21), MINOR, SeverityCode.NOTHING_AT_STAKE),
    ],
)
def test_each_thing_at_stake_makes_it_as_bad_as_the_rule_says(stake, severity, code):
    found = weighed(stake)
    assert found.severity is severity
    assert [each.code for each in found.because] == [code]


def test_many_orders_make_it_one_step_worse_and_no_worse_than_critical():
    many = {"concerned": 12, "open": 12}
    assert weighed(Stake(spent="40 muffins", **many)).severity is CRITICAL
    lost = weighed(Stake(goals_lost=("G1 of o-1",), **many))
    assert lost.severity is CRITICAL
    assert [each.code for each in lost.because] == [SeverityCode.GOAL_LOST]


texts = st.sampled_from(("", "mill", "cell"))
names = st.lists(st.sampled_from(("G1 of o-1", "G2 of o-2")), max_size=2).map(tuple)
stakes = st.builds(
    Stake, goals_lost=names, goals_at_risk=names, spent=texts, unsafe=texts, stands=texts,
    unfit=texts, concerned=st.integers(0, 30), open=st.integers(0, 60),
)  # fmt: skip


@given(stakes, stakes)
def test_more_at_stake_is_never_less_bad_and_there_is_always_a_reason(one, other):
    both = Stake(
        goals_lost=one.goals_lost + other.goals_lost,
        goals_at_risk=one.goals_at_risk + other.goals_at_risk,
        spent=one.spent or other.spent, unsafe=one.unsafe or other.unsafe,
        stands=one.stands or other.stands, unfit=one.unfit or other.unfit,
        concerned=max(one.concerned, other.concerned), open=one.open,
    )  # fmt: skip
    least = msgspec.structs.replace(one, concerned=min(one.concerned, MANY_MIN - 1))
    assert weighed(both).severity >= weighed(least).severity
    assert weighed(both).because


def reason(code, subject="mill"):
    return Explanation(code=code, subject=subject)


def test_a_plan_in_danger_is_weighed_by_the_same_rule():
    assert weighed_of([reason(DangerCode.DUE_MISSED)]).severity is MINOR
    assert weighed_of([reason(ReasonCode.STEP_ENDANGERED)]).severity is MAJOR
    broken = weighed_of([reason(DangerCode.UNIT_BROKEN), reason(ReasonCode.STEP_ENDANGERED)])
    assert broken.severity is CRITICAL
    assert [(each.code, each.subject) for each in broken.because] == [
        (SeverityCode.STANDS, "mill"), (SeverityCode.NOT_FIT, "mill"),
    ]  # fmt: skip


# -- what the policy makes of it -------------------------------------------------------------------

RUNGS = [
    {"rung": "re-plan", "up_to": "major", "automatic_up_to": "major"},
    {"rung": "repair", "automatic_up_to": "major", "approver": "shift lead", "budget": "10 s",
     "critical_budget": "3 s", "answer_within": "30 min", "critical_answer_within": "5 min"},
    {"rung": "ask", "approver": "owner"},
]  # fmt: skip


def policy(*rungs) -> Policy:
    said = {
        "document": "adaptation-policy", "version": "1",
        "@context": "urn:fabloop:context:1:adaptation-policy", "rungs": list(rungs),
    }  # fmt: skip
    faults = []
    document = msgspec.json.decode(msgspec.json.encode(said), type=AdaptationPolicyDocument)
    found = policy_of(document, Sheet("policy.json", faults))
    raise_if_any(faults)
    return found


def reported(of, severity):
    deviation = Deviation(id="d", instance=1, severity=severity, at=Instant(0))
    return ladder.report({}, of, deviation)


def test_what_is_critical_passes_rungs_that_are_not_for_it_and_has_other_times():
    of = policy(*RUNGS)
    (first,) = reported(of, MAJOR).moves
    assert (first.rung, first.budget_ns) == (Rung.REPLAN, 2 * SECOND)
    ruling = reported(of, CRITICAL)
    (move,) = ruling.moves
    assert isinstance(move, TryRung)
    assert (move.rung, move.budget_ns) == (Rung.REPAIR, 3 * SECOND)
    offers = (Offer(id="x", rung=Rung.REPAIR),)
    (asked,) = ladder.offered(ruling.docket, of, move, offers, Instant(0)).moves
    assert isinstance(asked, Ask)
    assert (asked.who, asked.until) == ("shift lead", 5 * MINUTE)


def test_what_is_critical_goes_to_a_person_at_once_where_the_policy_says_so():
    only_asked = [{**each, "up_to": "major"} for each in RUNGS[:2]]
    (asked,) = reported(policy(*only_asked, RUNGS[2]), CRITICAL).moves
    assert isinstance(asked, Ask)
    assert asked.who == "owner"


def test_without_other_times_critical_ones_have_those_of_all():
    rule = RungRule(rung=Rung.REPAIR)
    assert rule.budget_for(CRITICAL) == rule.budget_for(MINOR) == rule.budget_ns
    assert rule.answer_for(CRITICAL) == rule.answer_within_ns
