"""What a repair says of itself, as people read it."""

from msgspec.structs import replace

from adapt.repair.bakery import MINUTE, burnt, situation
from fabloop.adapt import ladder
from fabloop.adapt.ladder import Deviation
from fabloop.adapt.policy import Policy, Rung, RungRule, Severity
from fabloop.adapt.repair.propose import repair
from fabloop.adapt.repair.task import counted
from fabloop.app.sentences import sentence
from fabloop.base.instant import Instant

NOW = Instant(0)


def said(explanations):
    return [sentence(each, NOW) for each in explanations]


def test_a_proposal_says_why_what_and_at_what_price():
    asked = situation(time_left_ns=30 * MINUTE, physical=burnt() | {("told", "b1"): False})
    answer = repair(asked, counted(5_000))
    assert said(answer.reasons) == [
        "top needs 'burnt(b1) = false', but found: true.",
        "pack needs 'told(b1) = true', but found: false.",
    ]
    told, slow = said(answer.options[0].reasons)
    assert told.startswith("r1.1 puts before top: waste.discard (b1); ")
    assert told.endswith("It costs 0.25 EUR and takes 1 h 55 min longer.")
    assert slow == "r1.1 takes 1 h 55 min longer, but 30 min are left."


def test_what_is_not_known_of_prices_is_said():
    asked = situation()
    dear, *others = asked.domain.actions
    domain = replace(asked.domain, actions=(replace(dear, cost_minor=None), *others))
    answer = repair(situation(domain=domain), counted(5_000))
    assert any("is not known; the highest known is assumed" in each
               for each in said(answer.options[0].reasons))  # fmt: skip


def test_silence_is_told_with_what_was_done_instead():
    policy = Policy(rungs=(RungRule(rung=Rung.ASK, approver="shift-lead"),))
    deviation = Deviation(id="d", instance=7, severity=Severity.MAJOR, at=NOW)
    asked = ladder.report({}, policy, deviation)
    late = ladder.expire(asked.docket, policy, Instant(15 * MINUTE))
    assert said(late.moves[0].reasons) == [
        "shift-lead did not answer within 15 min: instance 7 is held."
    ]


def test_a_rung_that_was_no_way_out_says_why():
    policy = Policy(rungs=(RungRule(rung=Rung.RETRY),))
    deviation = Deviation(id="d", instance=7, severity=Severity.MINOR, at=NOW)
    tried = ladder.report({}, policy, deviation)
    end = ladder.failed(tried.docket, policy, tried.moves[0], "it burnt again", NOW)
    assert said(end.moves[0].reasons) == [
        "instance 7: retry was no way out, because it burnt again."
    ]
