"""The ladder: mildest first, within what the policy allows, and never without an end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.adapt import ladder
from fabloop.adapt.ladder import Ask, CaseState, Deviation, Do, DoInstead, Offer, TryRung, Withdraw
from fabloop.adapt.policy import Instead, Policy, Rung, RungRule, Severity, policy_of
from fabloop.base.codec import from_json, to_json
from fabloop.base.errors import Conflict, NotFound, NotPermitted
from fabloop.base.instant import MINUTE, Instant
from fabloop.model.documents.collect import Sheet
from fabloop.model.documents.policy_structs import AdaptationPolicyDocument

NOW = Instant(1_000 * MINUTE)
POLICY = Policy(
    rungs=(
        RungRule(rung=Rung.TOLERATE, up_to=Severity.MINOR),
        RungRule(rung=Rung.RETRY, up_to=Severity.MAJOR, attempts=2, automatic_up_to=Severity.MAJOR),
        RungRule(
            rung=Rung.REPAIR,
            automatic_up_to=Severity.MAJOR,
            cost_minor_max=5_000,
            approver="shift-lead",
        ),
        RungRule(rung=Rung.ASK, approver="plant-manager", answer_within_ns=30 * MINUTE),
    )
)
CHEAP, DEAR = (Offer(id=n, rung=Rung.REPAIR, cost_minor=c) for n, c in (("a", 900), ("b", 9_000)))


def deviation(number=1, severity=Severity.MAJOR, instance=7):
    return Deviation(
        id=f"d{number}", instance=instance, severity=severity, at=Instant(NOW + number)
    )


def only(ruling, kind):
    (move,) = ruling.moves
    assert isinstance(move, kind)
    return move


def at_repair():
    """Return a docket in which the rung `repair` is being tried."""
    ruling = ladder.report({}, POLICY, deviation())
    for _ in range(2):
        move = only(ruling, TryRung)
        ruling = ladder.failed(ruling.docket, POLICY, move, "it burnt again", NOW)
    return ruling


def test_the_first_rung_is_the_mildest_that_is_for_such_a_deviation():
    minor = only(ladder.report({}, POLICY, deviation(severity=Severity.MINOR)), TryRung)
    major = only(ladder.report({}, POLICY, deviation(severity=Severity.MAJOR)), TryRung)
    critical = only(ladder.report({}, POLICY, deviation(severity=Severity.CRITICAL)), TryRung)
    assert [each.rung for each in (minor, major, critical)] == ["tolerate", "retry", "repair"]


def test_a_rung_is_tried_as_often_as_it_may_then_the_next_one():
    first = ladder.report({}, POLICY, deviation())
    second = ladder.failed(first.docket, POLICY, only(first, TryRung), "no", NOW)
    assert (only(second, TryRung).rung, only(second, TryRung).attempt) == ("retry", 2)
    third = ladder.failed(second.docket, POLICY, only(second, TryRung), "no", NOW)
    assert only(third, TryRung).rung == "repair"


def test_what_the_policy_allows_is_done_unasked():
    ruling = at_repair()
    done = ladder.offered(ruling.docket, POLICY, only(ruling, TryRung), (DEAR, CHEAP), NOW)
    move = only(done, Do)
    assert (move.offer, move.by) == (CHEAP, "")
    assert ladder.enacted(done.docket, POLICY, move, NOW).docket[7].state is CaseState.SETTLED


def test_beyond_that_somebody_is_asked_with_reasons_and_time():
    ruling = at_repair()
    asked = ladder.offered(ruling.docket, POLICY, only(ruling, TryRung), (DEAR,), NOW)
    move = only(asked, Ask)
    assert (move.who, move.offers, move.until) == ("shift-lead", (DEAR,), NOW + 15 * MINUTE)
    assert [each.code for each in move.reasons] == ["rung-tried", "rung-tried"]
    chosen = ladder.answered(
        asked.docket, POLICY, 7, by="eva", roles=frozenset({"shift-lead"}), round=move.round,
        offer="b", now=NOW,
    )  # fmt: skip
    assert only(chosen, Do).by == "eva"


def asked_for_dear():
    ruling = at_repair()
    return ladder.offered(ruling.docket, POLICY, only(ruling, TryRung), (DEAR,), NOW)


def test_who_declines_leads_to_the_next_rung():
    asked = asked_for_dear()
    further = ladder.answered(asked.docket, POLICY, 7, by="shift-lead", round=1, offer="", now=NOW)
    assert only(further, Ask).who == "plant-manager"


def test_only_who_was_asked_answers_and_only_in_time():
    asked = asked_for_dear()
    with pytest.raises(NotPermitted):
        ladder.answered(asked.docket, POLICY, 7, by="eva", round=1, offer="b", now=NOW)
    with pytest.raises(Conflict):
        ladder.answered(
            asked.docket, POLICY, 7, by="shift-lead", round=1, offer="b",
            now=Instant(NOW + 15 * MINUTE),
        )  # fmt: skip
    with pytest.raises(NotFound):
        ladder.answered(asked.docket, POLICY, 7, by="shift-lead", round=1, offer="z", now=NOW)


def test_silence_is_taken_for_the_safe_default_and_is_visible():
    asked = asked_for_dear()
    assert ladder.next_due(asked.docket) == NOW + 15 * MINUTE
    early = ladder.expire(asked.docket, POLICY, Instant(NOW + 15 * MINUTE - 1))
    assert early.moves == ()
    late = ladder.expire(asked.docket, POLICY, Instant(NOW + 15 * MINUTE))
    move = only(late, DoInstead)
    assert move.instead is Instead.HOLD
    assert move.reasons[-1].code == "nobody-answered"
    assert late.docket[7].state is CaseState.DEFAULTED
    assert ladder.next_due(late.docket) is None


def test_a_second_deviation_begins_the_case_anew_and_voids_what_was_asked():
    asked = asked_for_dear()
    again = ladder.report(asked.docket, POLICY, deviation(2, Severity.CRITICAL))
    void, looking = again.moves
    assert isinstance(void, Withdraw)
    assert isinstance(looking, TryRung)
    assert (void.round, looking.round, looking.rung) == (1, 2, "repair")
    assert len(again.docket[7].deviations) == 2
    with pytest.raises(NotFound):
        ladder.answered(again.docket, POLICY, 7, by="shift-lead", round=1, offer="b", now=NOW)


def test_what_a_search_finds_too_late_is_passed_over():
    ruling = at_repair()
    old = only(ruling, TryRung)
    again = ladder.report(ruling.docket, POLICY, deviation(2))
    assert ladder.offered(again.docket, POLICY, old, (CHEAP,), NOW).moves == ()


def test_what_comes_while_a_way_out_is_carried_out_is_looked_at_afterwards():
    ruling = at_repair()
    done = ladder.offered(ruling.docket, POLICY, only(ruling, TryRung), (CHEAP,), NOW)
    meanwhile = ladder.report(done.docket, POLICY, deviation(2))
    assert meanwhile.moves == ()
    after = ladder.enacted(meanwhile.docket, POLICY, only(done, Do), NOW)
    assert only(after, TryRung).rung == "retry"
    assert [each.id for each in after.docket[7].deviations] == ["d2"]


def test_without_anybody_to_ask_the_safe_default_is_done():
    alone = Policy(rungs=(RungRule(rung=Rung.REPAIR),), safe_default=Instead.CANCEL)
    ruling = ladder.report({}, alone, deviation())
    end = ladder.offered(ruling.docket, alone, only(ruling, TryRung), (DEAR,), NOW)
    assert only(end, DoInstead).instead is Instead.CANCEL
    assert only(end, DoInstead).reasons[0].details["why"] == "nobody may approve it"


def test_an_instance_that_ends_takes_its_question_with_it():
    gone = ladder.over(asked_for_dear().docket, 7)
    assert only(gone, Withdraw).instance == 7
    assert gone.docket == {}


def test_the_same_deviation_told_twice_is_one():
    first = ladder.report({}, POLICY, deviation())
    assert ladder.report(first.docket, POLICY, deviation()).moves == ()


@given(st.lists(st.sampled_from(["fail", "none", "dear", "decline", "wait"]), max_size=30))
def test_every_case_comes_to_an_end(answers):
    ruling = ladder.report({}, POLICY, deviation())
    now, steps = NOW, iter(answers)
    for _ in range(12):
        if not ruling.moves or isinstance(ruling.moves[-1], Do | DoInstead):
            break
        move, answer = ruling.moves[-1], next(steps, "fail")
        if isinstance(move, TryRung):
            offers = (DEAR,) if answer == "dear" else ()
            ruling = ladder.offered(ruling.docket, POLICY, move, offers, now)
        elif answer == "decline":
            ruling = ladder.answered(
                ruling.docket, POLICY, 7, by=move.who, round=move.round, offer="", now=now
            )
        else:
            now = ladder.next_due(ruling.docket)
            ruling = ladder.expire(ruling.docket, POLICY, now)
    assert isinstance(ruling.moves[-1], Do | DoInstead)


def test_a_docket_is_plain_data():
    cases = tuple(asked_for_dear().docket.values())
    assert from_json(to_json(cases), tuple[ladder.Case, ...]) == cases


def document(**more):
    content = {
        "document": "adaptation-policy",
        "version": "1",
        "@context": "urn:fabloop:context:1:adaptation-policy",
        "rungs": [
            {"rung": "retry", "attempts": 3},
            {"rung": "repair", "automatic_cost": "50.00 EUR", "automatic_up_to": "major"},
            {"rung": "ask", "approver": "shift-lead", "answer_within": "10 min"},
        ],
    }
    return from_json(to_json(content | more), AdaptationPolicyDocument)


def test_a_policy_is_read_from_its_document():
    faults = []
    policy = policy_of(document(), Sheet("policy.json", faults))
    assert not faults
    assert [each.rung for each in policy.rungs] == ["retry", "repair", "ask"]
    assert policy.rungs[1].cost_minor_max == 5_000
    assert policy.rungs[2].answer_within_ns == 10 * MINUTE


def test_every_fault_of_a_policy_is_told():
    faults = []
    rungs = [
        {"rung": "repair", "automatic_cost": "5 EUR"},
        {"rung": "repair", "automatic_cost": "5 USD", "budget": "2 kg"},
        {"rung": "ask"},
    ]
    policy_of(document(rungs=rungs), Sheet("policy.json", faults))
    assert [each.path for each in faults] == [
        "$.rungs[1].budget",
        "$.rungs[1]",
        "$.rungs[2]",
        "$.rungs",
    ]
