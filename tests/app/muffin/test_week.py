import json
import os
import signal

import pytest

from fabloop.app.muffin.chronicle import WeekVolatile, chronicle_of
from fabloop.app.muffin.documents import FOLDER
from fabloop.app.muffin.kpis import courses_of
from fabloop.app.muffin.play import begin_week, resume_week
from fabloop.app.muffin.recovery import REFUSED
from fabloop.app.muffin.undoing import undo_repair
from fabloop.app.service_runtime.facts import (
    CallAnswered,
    CallBound,
    ChainComposed,
    Deviated,
    MachinesSlowed,
    OvenScheduled,
    PersonAsked,
    RepairApproved,
    RepairDeclined,
    RepairEnacted,
    RepairImpossible,
    RepairProposed,
    RungTried,
    ServiceRestarted,
    StoryTold,
)
from fabloop.app.service_runtime.ladder import SAFE_DEFAULT
from fabloop.base.codec import to_json
from fabloop.base.errors import Conflict, Invalid, NotFound
from fabloop.base.instant import HOUR, MINUTE, Instant
from fabloop.dataspace.finish import Filled
from fabloop.model.explanation import SeverityCode
from small_bakery import settings_of, small_bakery

RESTORE = "restoreShipment"
LOWER = ("tolerate", "retry", "rebind", "re-plan")
NOTHING = {"burnt": {"mishaps": [], "delays": []}}


def told_of(week) -> bytes:
    return to_json(chronicle_of(week, WeekVolatile(wall_s=0, data="", exhibits=())))


def played(folder, documents, **given):
    week = begin_week(folder, settings_of(documents, **given))
    try:
        week.play()
        return week.log.history, courses_of(week.log.history, week.bakery), told_of(week)
    finally:
        week.close()


def test_orders_share_a_dough_and_are_delivered(tmp_path):
    documents = small_bakery(tmp_path, scenarios=NOTHING)
    history, courses, _ = played(tmp_path / "data", documents)
    assert len(courses) == 5
    assert all(each.delivered_at and each.fulfilled_at for each in courses)
    first, second = sorted(courses, key=lambda each: each.order)[:2]
    assert first.batch == second.batch, "the two carrot muffins are of one dough"
    answered = [fact for _, fact in history if isinstance(fact, CallAnswered)]
    printed = next(e for e in answered if e.operation == "printLiners" and e.about == first.batch)
    assert {each["QRCode"] for each in printed.given["labels"]} >= {first.qr, second.qr}


def test_every_call_is_bound_with_a_reason(tmp_path):
    documents = small_bakery(tmp_path, orders_per_day=(0,), scenarios=NOTHING)
    history, _, _ = played(tmp_path / "data", documents)
    bound = [fact for _, fact in history if isinstance(fact, CallBound)]
    baked = next(each for each in bound if each.node == "cook")
    assert baked.service == "oven"
    assert {each.subject for each in baked.others} == {
        "bakery-nearby.bakeForOthers",
        "bakery-bologna.bakeForOthers",
    }


def test_a_week_goes_on_after_a_crash_and_ends_as_without_one(tmp_path):
    documents = small_bakery(tmp_path, orders_per_day=(1,), scenarios=NOTHING)
    _, _, whole = played(tmp_path / "whole", documents)
    folder = tmp_path / "cut"
    week = begin_week(folder, settings_of(documents))
    week.play(until=Instant(week.bakery.begins_at + 5 * HOUR))
    week.close()
    week = resume_week(folder)
    try:
        week.play()
        again = told_of(week)
    finally:
        week.close()
    assert again == whole


def test_a_service_that_dies_is_started_again_and_nothing_is_done_twice(tmp_path):
    documents = small_bakery(tmp_path, orders_per_day=(0,), scenarios=NOTHING)
    week = begin_week(tmp_path / "data", settings_of(documents))
    try:
        week.play(until=Instant(week.bakery.begins_at + 5 * HOUR))
        for each in week.fleet.listening().values():
            os.kill(each.pid, signal.SIGKILL)
        week.play()
        history = week.log.history
        courses = courses_of(history, week.bakery)
    finally:
        week.close()
    assert any(isinstance(fact, ServiceRestarted) for _, fact in history)
    assert all(each.delivered_at for each in courses)
    jobs = [fact.job for _, fact in history if isinstance(fact, CallAnswered)]
    assert len(jobs) == len(set(jobs))


def test_the_same_seed_gives_the_same_week_and_another_one_another(tmp_path):
    documents = small_bakery(tmp_path, orders_per_day=(1,), scenarios=NOTHING)
    _, _, one = played(tmp_path / "one", documents)
    _, _, same = played(tmp_path / "same", documents)
    history, _, other = played(tmp_path / "other", documents, seed=2)
    assert one == same != other
    assert [fact for _, fact in history if isinstance(fact, StoryTold)]


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(Conflict):
        begin_week(tmp_path, settings_of(tmp_path))
    with pytest.raises(NotFound):
        resume_week(tmp_path / "nowhere")


BURNT = {
    "device": "oven",
    "load": [1, 1],
    "share": [0.3, 0.3],
    "reason": "The sensor failed.",
}


def burnt_week(tmp_path, hours):
    mishaps = [{**BURNT, "repair_hours": [hours, hours]}]
    scenarios = {"burnt": {"mishaps": mishaps, "delays": []}}
    documents = small_bakery(tmp_path, orders_per_day=(0,), scenarios=scenarios)
    history, courses, _ = played(tmp_path / "data", documents)
    return [fact for _, fact in history], courses


def only(facts, kind):
    (found,) = [each for each in facts if isinstance(each, kind)]
    return found


def test_burnt_muffins_are_baked_again_in_the_own_oven_where_there_is_time(tmp_path):
    facts, courses = burnt_week(tmp_path, hours=4)
    proposal = only(facts, RepairProposed)
    assert proposal.chosen.where == "beside read-codes, pass-good"
    assert any("Wait for the technician" in each for each in proposal.chosen.steps)
    assert not any("Move a load" in each for each in proposal.chosen.steps)
    assert set(proposal.properties.values()) == {"holds"}
    assert all(each.delivered_at for each in courses)
    assert [each.order for each in courses if each.burnt] == list(only(facts, Deviated).subjects)
    assert_drawn(facts, proposal)
    rungs = [each for each in facts if isinstance(each, RungTried)]
    assert {each.severity for each in rungs if each.rung == "repair"} == {"major"}
    assert {each.code for each in rungs[-1].at_stake} == {
        SeverityCode.GOAL_AT_STAKE, SeverityCode.SPENT,
    }  # fmt: skip


def assert_drawn(facts, proposal):
    """The chain was composed, the repair takes its services, the dosing what it has worked out."""
    chains = [each for each in facts if isinstance(each, ChainComposed)]
    steps = {step for each in chains for step in each.steps[1:]}
    assert all(each.certain and not each.stopped for each in chains)
    assert set(proposal.chosen.drawn) == steps
    doses = [call for e in chains for link in e.links for call in link.calls if "dose" in link.step]
    again = next(
        each for each in facts
        if isinstance(each, CallAnswered) and each.operation == "doseIngredients"
        and each.about == only(facts, Deviated).about and "." in each.given["lot"]
    )  # fmt: skip
    mass = sum(sum(each["setOfQuantities"]) for each in doses)
    assert sum(again.given["setOfQuantities"]) == pytest.approx(mass)


def test_burnt_muffins_are_baked_nearby_where_the_own_oven_is_back_too_late(tmp_path):
    facts, courses = burnt_week(tmp_path, hours=40)
    proposal = only(facts, RepairProposed)
    assert any("Move a load" in each for each in proposal.chosen.steps)
    assert [each.late for each in (proposal.chosen, *proposal.others)].index(True) > 0
    assert only(facts, RepairEnacted).process.startswith("muffin-batch.")
    calls = [each for each in facts if isinstance(each, CallAnswered)]
    assert [each.service for each in calls if each.operation == "bakeForOthers"] == [
        "bakery-nearby"
    ]
    told = [each for each in calls if each.operation == "changeShipment"]
    assert {each.given["qr"] for each in told} == {each.qr for each in courses if each.burnt}
    assert all(each.fulfilled_at - each.received_at < 36 * HOUR for each in courses)


def ask_first(documents, price="0.00 EUR"):
    file = documents / "adaptation-policy.json"
    policy = json.loads(file.read_bytes())
    next(e for e in policy["rungs"] if e["rung"] == "repair")["automatic_cost"] = price
    file.write_text(json.dumps(policy))
    return documents


def asked_week(tmp_path, approve, until=None):
    scenarios = {"burnt": {"mishaps": [{**BURNT, "repair_hours": [4, 4]}], "delays": []}}
    documents = ask_first(small_bakery(tmp_path, orders_per_day=(0,), scenarios=scenarios))
    week = begin_week(tmp_path / "data", settings_of(documents), approve=approve)
    try:
        week.play(until)
        return [fact for _, fact in week.log.history], courses_of(week.log.history, week.bakery)
    finally:
        week.close()


def test_what_is_declined_is_refused_explicitly(tmp_path):
    facts, courses = asked_week(tmp_path, lambda _proposal: None)
    assert only(facts, RepairDeclined).by == "person"
    assert {bool(each.refused) for each in courses if each.burnt} == {True}
    assert all(each.delivered_at for each in courses if not each.burnt)


def test_what_costs_more_than_the_policy_allows_is_done_when_a_person_wants_it(tmp_path):
    facts, courses = asked_week(tmp_path, lambda proposal: (len(proposal.others), "person"))
    assert only(facts, RepairApproved).by == "shift lead"
    assert only(facts, RepairApproved).option == len(only(facts, RepairProposed).others)
    assert only(facts, PersonAsked).who == "shift lead"
    assert all(each.delivered_at for each in courses)


def test_where_nobody_answers_in_time_the_safe_default_is_done_and_told(tmp_path):
    facts, courses = asked_week(tmp_path, None)
    asked = only(facts, PersonAsked)
    rungs = [(each.rung, each.helps) for each in facts if isinstance(each, RungTried)]
    assert rungs == [*((each, False) for each in LOWER), (SAFE_DEFAULT, True)]
    refused = [each for each in facts if isinstance(each, StoryTold) and each.what == REFUSED]
    assert {each.about for each in refused} == {each.order for each in courses if each.burnt}
    assert all("shift lead has not answered within 30 min" in str(e.details) for e in refused)
    assert asked.default == "cancel"
    assert all(each.delivered_at for each in courses if not each.burnt)


def test_a_question_outlasts_a_crash(tmp_path):
    (tmp_path / "whole").mkdir()
    whole, _ = asked_week(tmp_path / "whole", None)
    asked = only(whole, PersonAsked)
    cut, _ = asked_week(tmp_path, None, until=Instant(asked.expires_at - MINUTE))
    assert only(cut, PersonAsked) == asked
    assert not any(isinstance(each, StoryTold) and each.what == REFUSED for each in cut)
    week = resume_week(tmp_path / "data")
    try:
        week.play()
        history, courses = week.log.history, courses_of(week.log.history, week.bakery)
    finally:
        week.close()
    assert [fact for _, fact in history if isinstance(fact, PersonAsked)] == [asked]
    refused = [at for at, fact in history if isinstance(fact, StoryTold) and fact.what == REFUSED]
    assert set(refused) == {asked.expires_at}
    assert all(each.delivered_at or each.refused for each in courses)


def test_a_policy_with_a_rung_twice_is_refused(tmp_path):
    documents = small_bakery(tmp_path, orders_per_day=(0,), scenarios=NOTHING)
    file = documents / "adaptation-policy.json"
    file.write_bytes(file.read_bytes().replace(b'"rung": "tolerate"', b'"rung": "rebind"'))
    with pytest.raises(Invalid, match="each rung once"):
        begin_week(tmp_path / "data", settings_of(documents))


def test_a_broken_door_slows_the_machines_that_feed_the_oven_by_the_delay_it_tells(tmp_path):
    delay = {"device": "oven", "after_hours": 0, "ratio": 0.5}
    scenarios = {"broken-door": {"mishaps": [], "delays": [delay]}}
    documents = small_bakery(tmp_path, orders_per_day=(0,), scenarios=scenarios)
    history, courses, _ = played(tmp_path / "data", documents, scenario="broken-door")
    facts = [fact for _, fact in history]
    chain = only(facts, ChainComposed)
    assert chain.certain
    assert chain.steps[0] == "oven.slowdown"
    slowed = only(facts, MachinesSlowed)
    assert slowed.delay_percent == 33.3
    assert set(slowed.speeds) == {"dough-line", "liner-printer", "filling-line"}
    assert set(slowed.speeds.values()) == {0.667}
    first = only(facts, Deviated).repair
    rungs = [each for each in facts if isinstance(each, RungTried) and each.repair == first]
    assert [(each.rung, each.helps) for each in rungs] == [
        ("tolerate", False), ("retry", False), ("rebind", False), ("re-plan", True),
    ]  # fmt: skip
    assert rungs[1].why == "asked once more, it tells a delay of 33.3 %"
    assert len(rungs[3].lower) == 3
    assert all(each.delivered_at for each in courses)


def test_a_repair_that_goes_on_is_taken_back_and_the_week_ends_without_it(tmp_path):
    scenarios = {"burnt": {"mishaps": [{**BURNT, "repair_hours": [4, 4]}], "delays": []}}
    documents = small_bakery(tmp_path, orders_per_day=(0,), scenarios=scenarios)
    folder = tmp_path / "data"
    whole, _, _ = played(tmp_path / "whole", documents)
    begun = next(at for at, fact in whole if isinstance(fact, RepairEnacted))
    week = begin_week(folder, settings_of(documents))
    week.play(until=Instant(begun + MINUTE))
    week.close()
    burnt = only([fact for _, fact in week.log.history], Deviated)
    with pytest.raises(NotFound, match=burnt.repair):
        undo_repair(folder, "batch-999", "eva")
    undone = undo_repair(folder, burnt.subjects[0], "eva")
    assert (undone.repair, undone.by) == (burnt.repair, "eva")
    with pytest.raises(NotFound):
        undo_repair(folder, burnt.about, "eva")
    week = resume_week(folder)
    try:
        week.play()
        courses = courses_of(week.log.history, week.bakery)
    finally:
        week.close()
    assert {each.order for each in courses if each.refused} == set(burnt.subjects)
    assert all(each.delivered_at for each in courses if not each.refused)


def test_a_repair_that_is_over_is_compensated_as_far_as_can_be(tmp_path):
    scenarios = {"burnt": {"mishaps": [{**BURNT, "repair_hours": [40, 40]}], "delays": []}}
    documents = small_bakery(tmp_path, orders_per_day=(0,), scenarios=scenarios)
    folder = tmp_path / "data"
    whole, _, _ = played(tmp_path / "whole", documents)
    over = max(
        at for at, fact in whole if isinstance(fact, CallAnswered) and fact.operation == "overcook"
    )
    week = begin_week(folder, settings_of(documents))
    week.play(until=over)
    week.close()
    burnt = only([fact for _, fact in week.log.history], Deviated)
    undone = undo_repair(folder, burnt.repair, "eva")
    assert undone.over
    code = only_code(whole)
    assert undone.steps == (
        f"Take the change of a shipment back: the order is ready as agreed at first ({code})",
    )
    why = dict(zip(undone.lasting, undone.because, strict=True))
    dosed = next(each for each in why if each.startswith("Dose"))
    assert why[dosed] == "its description names nothing that takes it back"
    baked = next(each for each in why if each.startswith("Bake a load that is brought"))
    assert "cancelLoad takes it back, but that requires" in why[baked]
    with pytest.raises(NotFound):
        undo_repair(folder, burnt.repair, "eva")
    week = resume_week(folder)
    try:
        week.play()
        history, courses = week.log.history, courses_of(week.log.history, week.bakery)
    finally:
        week.close()
    restored = [f for _, f in history if isinstance(f, CallAnswered) and f.operation == RESTORE]
    assert [(each.given["qr"], each.result["accepted"]) for each in restored] == [(code, True)]
    assert all(each.delivered_at for each in courses)


def only_code(history) -> str:
    told = {
        f.given["qr"]
        for _, f in history
        if isinstance(f, CallAnswered) and f.operation == "changeShipment"
    }
    (code,) = told
    return code


def test_a_load_that_a_bakery_bakes_is_cancelled_when_its_repair_is_taken_back(tmp_path):
    scenarios = {"burnt": {"mishaps": [{**BURNT, "repair_hours": [40, 40]}], "delays": []}}
    documents = small_bakery(tmp_path, orders_per_day=(0,), scenarios=scenarios)
    folder = tmp_path / "data"
    whole, _, _ = played(tmp_path / "whole", documents)
    guest = next(at for at, f in whole if isinstance(f, CallBound) and "bakeFor" in f.operation)
    week = begin_week(folder, settings_of(documents))
    week.play(until=Instant(guest + MINUTE))
    week.close()
    burnt = only([fact for _, fact in week.log.history], Deviated)
    undone = undo_repair(folder, burnt.repair, "eva")
    assert not undone.over
    assert undone.steps[0].startswith("Cancel a load that is not baked yet, for a fee (")
    week = resume_week(folder)
    try:
        week.play()
        history, courses = week.log.history, courses_of(week.log.history, week.bakery)
    finally:
        week.close()
    ended = [f for _, f in history if isinstance(f, CallAnswered) and f.operation == "cancelLoad"]
    assert [each.result["cancelled"] for each in ended] == [True]
    assert {each.order for each in courses if each.refused} == set(burnt.subjects)
    assert all(each.delivered_at for each in courses if not each.refused)


def test_without_a_plan_in_time_the_next_rung_is_tried(tmp_path):
    scenarios = {"burnt": {"mishaps": [{**BURNT, "repair_hours": [4, 4]}], "delays": []}}
    documents = small_bakery(tmp_path, orders_per_day=(0,), scenarios=scenarios)
    file = documents / "adaptation-policy.json"
    file.write_bytes(file.read_bytes().replace(b'"budget": "10 s"', b'"budget": "0.001 s"'))
    history, courses, _ = played(tmp_path / "data", documents)
    facts = [fact for _, fact in history]
    assert "no plan within 0.001 s" in only(facts, RepairImpossible).reasons[0]
    assert only(facts, PersonAsked).who == "owner"
    rungs = [(each.rung, each.helps) for each in facts if isinstance(each, RungTried)]
    assert rungs == [*((each, False) for each in (*LOWER, "repair")), (SAFE_DEFAULT, True)]
    assert {each.order for each in courses if each.refused} == set(only(facts, Deviated).subjects)


def test_a_load_that_would_be_late_goes_ahead_of_one_that_can_wait(tmp_path):
    """The younger order fills a load at once, so that its load is the first before the oven."""
    story = json.loads((FOLDER / "story.json").read_bytes())
    known = {**story["orders"][0], "boxes": 1}
    orders = [
        {**known, "dough": "plain", "additions": ["honey"], "after_minutes": 1},
        {**known, "dough": "chocolate", "additions": ["honey"], "after_minutes": 61},
        {**known, "boxes": 6, "after_minutes": 240},
    ]
    mishaps = [{**BURNT, "share": [0.0, 0.0], "repair_hours": [31.3, 31.3]}]
    documents = small_bakery(
        tmp_path, orders_per_day=(0,), orders=orders,
        batching={"capacity": 24, "wait_hours": 3.2},
        scenarios={"burnt": {"mishaps": mishaps, "delays": []}},
    )  # fmt: skip
    history, courses, _ = played(tmp_path / "data", documents)
    facts = [fact for _, fact in history]
    rungs = [(each.rung, each.helps) for each in facts if isinstance(each, RungTried)]
    lower = [("tolerate", False), ("retry", False), ("rebind", False)]
    assert rungs == [("tolerate", True), *lower, ("re-plan", True)]
    _, anew = [each for each in facts if isinstance(each, OvenScheduled)]
    assert anew.anew
    assert [each.load for each in anew.turns] == ["batch-003", "batch-002"]
    assert all(each.spare_ns >= 0 for each in anew.turns)
    baked = [e for e in facts if isinstance(e, CallAnswered) and e.operation == "bake"]
    assert [each.about for each in baked] == ["batch-001", "batch-003", "batch-002"]
    assert all(each.fulfilled_at - each.received_at <= 36 * HOUR for each in courses)


def test_loads_that_were_baked_are_in_the_data_space_and_outlast_a_crash(tmp_path):
    documents = small_bakery(tmp_path, orders_per_day=(0,), scenarios=NOTHING)
    folder = tmp_path / "data"
    week = begin_week(folder, settings_of(documents))
    week.play(until=Instant(week.bakery.begins_at + 8 * HOUR))
    week.close()
    (baked,) = (f for f in week.log.facts() if isinstance(f, CallAnswered) and f.node == "cook")
    week = resume_week(folder)
    try:
        week.play(until=Instant(week.bakery.begins_at + 8 * HOUR))
        found = week.story.data.space.fill("(batch, pieces, ?n)", {"batch": baked.about})
    finally:
        week.close()
    assert isinstance(found, Filled), found
    assert [each["n"] for each in found.rows] == [baked.result["baked"]]
