"""A plan in danger climbs the rungs of its policy; each tells why it helps or does not."""

import msgspec
import pytest

from app import stories
from fabloop.app.sentences import sentence
from fabloop.app.snapshot import Stage
from fabloop.base.errors import Invalid
from fabloop.base.instant import MINUTE, Instant
from fabloop.model.disturbance import DueMoved
from fabloop.model.explanation import RungCode
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationDeclined,
    AdaptationImpossible,
    AdaptationProposed,
    DisturbanceReported,
    PersonAsked,
    PlanRestored,
    ProcessMigrated,
    RungTried,
    TestMeasured,
)


def begun(folder, edit=lambda content: None):
    """Return an order that has begun under the demo's policy, edited."""
    papers = stories.documents(folder / "papers", adaptation_policy=edit)
    return stories.begun(folder / "data", papers=papers)


def rung(content, name):
    return next(each for each in content["rungs"] if each["rung"] == name)


def worn(demo):
    """Let the machine that reams pass its limit."""
    known = next(iter(demo.scenario.knowledge.kpis))
    at = Instant(demo.house.snapshot.now + MINUTE)
    told = msgspec.structs.replace(known, work_unit=stories.U630, value=17e-6, upper=17.5e-6, at=at)
    return demo.house.hears(TestMeasured(work_unit=stories.U630, at=at, value=told), at)


def of(heard, kind):
    return [each for each in heard if isinstance(each, kind)]


def state(demo):
    return demo.house.snapshot.orders[stories.ORDER]


def test_the_lower_rungs_say_why_they_do_not_help_and_a_person_is_asked_in_time(tmp_path):
    demo = begun(tmp_path)
    heard = worn(demo)
    tried = of(heard, RungTried)
    assert [(each.rung, each.helps) for each in tried] == [
        ("tolerate", False), ("retry", False), ("rebind", False), ("re-plan", True)
    ]  # fmt: skip
    limits = {
        one.limit for each in (tried[0], tried[2]) for why in each.why for one in why.evidence
    }
    assert 15e-6 in limits  # measured against required
    assert tried[3].why[0].code == RungCode.REPLANNED
    for why in (one for each in tried for one in each.why):
        assert sentence(why, demo.house.snapshot.now)
    (asked,), (proposal,) = of(heard, PersonAsked), of(heard, AdaptationProposed)
    assert (asked.who, asked.plan) == ("planner", proposal.plan.id)
    assert state(demo).stage is Stage.CHANGING
    demo.house.advance(Instant(asked.expires_at - 1))
    assert state(demo).stage is Stage.CHANGING
    assert demo.house.next_due() <= asked.expires_at
    silent = demo.house.advance(asked.expires_at)
    assert [each.by for each in of(silent, AdaptationDeclined)] == ["nobody"]
    assert [each.why[0].code for each in of(silent, RungTried)] == [RungCode.SILENCE]
    assert state(demo).stage is Stage.STUCK


def test_what_the_policy_allows_is_done_unasked(tmp_path):
    def allow(content):
        rung(content, "re-plan").update(automatic_up_to="major")

    demo = begun(tmp_path, allow)
    heard = worn(demo)
    assert [each.by for each in of(heard, AdaptationApproved)] == ["policy"]
    assert len(of(heard, ProcessMigrated)) == 1
    assert of(heard, PersonAsked) == []
    assert state(demo).stage is Stage.RUNNING


def test_a_way_out_that_costs_too_much_and_that_nobody_may_approve_is_not_taken(tmp_path):
    def forbid(content):
        content["rungs"] = [
            {"rung": "re-plan", "automatic_up_to": "critical", "automatic_cost": "0.01 EUR"}
        ]

    demo = begun(tmp_path, forbid)
    heard = worn(demo)
    codes = [[why.code for why in each.why] for each in of(heard, RungTried)]
    assert codes == [[RungCode.REPLANNED, RungCode.NOT_ALLOWED], [RungCode.HELD]]
    assert len(of(heard, AdaptationImpossible)) == 1
    assert state(demo).stage is Stage.STUCK


def test_a_little_lateness_is_tolerated_and_much_is_not(tmp_path):
    demo = begun(tmp_path)
    ready = max(each.end for each in state(demo).plan.steps)
    at = Instant(demo.house.snapshot.now + MINUTE)

    def due(early):
        moved = DueMoved(order=stories.ORDER, due_at=Instant(ready - early))
        return demo.house.hears(DisturbanceReported(disturbance=moved, at=at), at)

    heard = due(4 * MINUTE)
    assert [(each.rung, each.helps) for each in of(heard, RungTried)] == [("tolerate", True)]
    assert len(of(heard, PlanRestored)) == 1
    assert state(demo).stage is Stage.RUNNING
    assert of(due(6 * MINUTE), RungTried)[0].why[-1].code == RungCode.NOT_ALLOWED


def test_rungs_that_are_none_for_plans_are_refused(tmp_path):
    def wrong(content):
        content["rungs"].append({"rung": "repair", "approver": "planner"})
        content["safe_default"] = "cancel"

    with pytest.raises(Invalid) as found:
        begun(tmp_path, wrong)
    assert len(found.value.faults) == 2
    assert any("'re-plan' changes both" in str(each) for each in found.value.faults)
