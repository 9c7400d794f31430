"""The story of the wave gear: planned in Graz, a machine wears out, Vienna takes over."""

import json
from itertools import pairwise

import msgspec
import pytest

from app.stories import (
    ORDER,
    agree,
    decline,
    documents,
    facts,
    first_plan,
    settings,
    the,
    told,
)
from fabloop.app.demo import begin, resume
from fabloop.app.snapshot import Stage
from fabloop.base.codec import to_msgpack
from fabloop.base.errors import Conflict
from fabloop.base.instant import HOUR, iso_of
from fabloop.model.explanation import OptionCode, ReasonCode
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationDeclined,
    AdaptationImpossible,
    AdaptationProposed,
    JobAnswered,
    JobBound,
    JobKeptWaiting,
    KpiChanged,
    LotMade,
    OrderFinished,
    OrderReceived,
    PlanAccepted,
    PlanEndangered,
    PlansFound,
    ProcessMigrated,
    ProcessReleased,
    ProcessStarted,
    TestMeasured,
)
from fabloop.model.kpi import TOTAL_POSITION_ERROR
from fabloop.model.plan import MovementKind, NotProducible
from fabloop.trace.genealogy import finished_products, tree_of
from fabloop.trace.recall import ContainsLot, MadeWhile, recall

LIMIT = 15e-6
REAM, CLEAN = "ream-stabilizer", "clean-stabilizer"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("story") / "wg"


@pytest.fixture(scope="module")
def story(folder):
    return told(folder)


def at_of(demo, kind):
    return [at for at, fact in demo.house.history if isinstance(fact, kind)]


def gear(demo):
    return demo.house.snapshot.orders[ORDER]


# -- plan ----------------------------------------------------------------------------------------


def test_the_first_plan_stays_in_graz(story):
    plan = the(story, PlanAccepted).plan
    assert {step.site for step in plan.steps} == {"graz"}
    assert plan.totals.shipments == 0
    assert plan.step(REAM).work_unit == "graz-u630"
    assert plan.totals.cost_minor == min(
        each.totals.cost_minor for each in the(story, PlansFound).answer.plans
    )


def test_work_units_that_may_not_do_a_step_are_named_with_every_reason(story):
    answer = the(story, PlansFound).answer
    assert answer.exclusions
    for each in answer.exclusions:
        assert each.reasons
        assert all(reason.subject == each.work_unit for reason in each.reasons)


def test_the_process_is_released_only_with_every_property_proven(story):
    released = the(story, ProcessReleased)
    assert released.markings > 0
    assert {each.verdict for each in released.properties} == {"holds"}
    assert len(released.properties) >= 4


# -- sense and adapt -----------------------------------------------------------------------------


def test_the_machine_passes_its_limit_before_reaming_begins(story):
    values = [(fact.value.at, fact.value.upper) for fact in facts(story, KpiChanged)]
    ream = next(each for each in facts(story, JobBound) if each.operation == REAM and each.main)
    planned = the(story, PlanAccepted).plan.step(REAM)
    breach = next(at for at, upper in values if upper > LIMIT)
    assert values[0][1] <= LIMIT
    assert values[0][0] < at_of(story, OrderReceived)[0] < breach < planned.start < ream.begun_at


def test_the_breach_endangers_the_plan_with_value_limit_age_and_source(story):
    reason = next(each for each in the(story, PlanEndangered).reasons if each.subject == REAM)
    assert reason.code == ReasonCode.STEP_ENDANGERED
    evidence = next(each for each in reason.evidence if each.parameter == "position-tolerance")
    assert (evidence.subject, evidence.limit) == ("graz-u630", LIMIT)
    assert evidence.value > LIMIT
    assert evidence.at == at_of(story, PlanEndangered)[0]
    assert "calibration graz-u630/2026-10" in evidence.source


def test_reaming_and_cleaning_move_to_vienna_and_two_shipments_are_added(story):
    proposal = the(story, AdaptationProposed)
    moved = {
        (each.operation, each.before, each.after, each.after_site)
        for each in proposal.comparison.moved
    }
    assert moved == {
        (REAM, "graz-u630", "vienna-emco", "vienna"),
        (CLEAN, "graz-cleaning", "vienna-emco", "vienna"),
    }
    lanes = [each.lane for each in proposal.comparison.shipments_added]
    assert lanes == ["graz-vienna", "vienna-graz"]
    assert proposal.comparison.late_ns == 0
    assert proposal.comparison.cost_minor > 0
    assert proposal.plan.replaces == proposal.before == the(story, PlanAccepted).plan.id
    assert len(proposal.changes.added) == 2
    assert not proposal.changes.removed
    assert set(proposal.changes.changed) >= {f"op-{REAM}", f"op-{CLEAN}"}


def test_what_was_done_or_begun_stays_as_it_was_in_the_new_plan(story):
    proposal, asked_at = the(story, AdaptationProposed), at_of(story, AdaptationProposed)[0]
    begun = [each for each in facts(story, JobBound) if each.main and each.begun_at <= asked_at]
    assert len(begun) > 5
    for each in begun:
        step = proposal.plan.step(each.operation)
        assert step.frozen
        assert (step.work_unit, step.start) == (each.work_unit, each.begun_at)


def test_the_running_process_is_migrated_without_losing_a_token(story):
    migrated, approved = the(story, ProcessMigrated), the(story, AdaptationApproved)
    assert migrated.tokens_before == migrated.tokens_after > 1
    assert (migrated.from_version, migrated.to_version) == (1, 2)
    assert migrated.plan == approved.plan
    assert migrated.instance == the(story, ProcessStarted).instance


# -- run -----------------------------------------------------------------------------------------


def test_the_order_is_finished_before_it_is_due(story):
    finished = the(story, OrderFinished)
    assert finished.passed
    assert finished.at < story.order.due_at
    assert gear(story).stage is Stage.FINISHED


def test_every_operation_is_done_exactly_once(story):
    wanted = sorted(each.id for each in story.order.product.operations)
    assert sorted(each.record.operation for each in facts(story, LotMade)) == wanted
    mains = [each.operation for each in facts(story, JobBound) if each.main]
    assert sorted(mains) == wanted
    jobs = [each.job for each in facts(story, JobAnswered)]
    assert len(jobs) == len(set(jobs)) == len(facts(story, JobBound))


def test_work_is_done_where_the_plan_of_its_time_says(story):
    before, after = the(story, PlanAccepted).plan, the(story, AdaptationProposed).plan
    asked_at = at_of(story, AdaptationApproved)[0]
    for each in (each for each in facts(story, JobBound) if each.main):
        plan = before if each.begun_at < asked_at else after
        assert each.work_unit == plan.step(each.operation).work_unit


def test_no_work_starts_before_its_inputs_are_made(story):
    records = {each.operation: each for each in story.house.snapshot.records}
    for operation in story.order.product.operations:
        for each in operation.inputs:
            assert records[each].ended_at <= records[operation.id].started_at


@pytest.mark.parametrize("who", ["work_unit", "person"])
def test_nobody_does_two_jobs_at_once(story, who):
    spans = sorted(
        (getattr(job.bound, who), job.bound.begun_at, job.ended_at)
        for job in story.house.snapshot.jobs.values()
        if job.bound is not None and getattr(job.bound, who) is not None
    )
    assert len(spans) > 5
    for (one, _, ended), (other, begun, _) in pairwise(spans):
        assert one != other or ended <= begun


def test_persons_do_what_needs_a_person_and_are_on_shift(story):
    needed = {each.id: each.person_skill for each in story.order.product.operations}
    sites = story.scenario.knowledge.network.sites.values()
    persons = {each.id: each for site in sites for each in site.persons}
    for each in (each for each in facts(story, JobBound) if each.main):
        assert (each.person is not None) == (needed[each.operation] is not None)
        if each.person is not None:
            assert needed[each.operation] in persons[each.person].skills
            hour = int(iso_of(each.begun_at, "Europe/Vienna")[11:13])
            shift = "early" if 6 <= hour < 14 else "late" if 14 <= hour < 22 else "night"
            assert persons[each.person].shift == shift


def test_the_piece_travels_on_the_lanes_of_the_new_plan(story):
    carried = [each.lane for each in facts(story, JobBound) if each.lane is not None]
    assert carried == ["graz-vienna", "vienna-graz"]
    shipments = [m for m in gear(story).plan.movements if m.kind is MovementKind.SHIPPING]
    assert [each.lane for each in shipments] == carried


# -- trace ---------------------------------------------------------------------------------------


def test_the_genealogy_of_the_gear_holds_every_lot(story):
    records = story.house.snapshot.records
    (product,) = finished_products(records)
    assert product.operation == story.order.product.final().id
    found = list(tree_of(records, product.lot).lots())
    assert len(found) == len(records) == len({each.lot for each in found})


def test_each_lot_tells_machine_condition_person_and_process_version(story):
    approved = at_of(story, AdaptationApproved)[0]
    changes = facts(story, KpiChanged)
    for each in story.house.snapshot.records:
        version = 1 if each.ended_at < approved else 2
        assert each.process == f"produce-{ORDER} v{version}"
        assert each.started_at < each.ended_at
        if each.work_unit != "graz-u630":
            continue
        known = [change.value for change in changes if change.value.at <= each.started_at]
        assert each.kpis == (known[-1],)


def test_bought_material_keeps_the_lot_number_of_its_supplier(story):
    prefixes = story.scenario.simulation.plant.supplier_lots
    bought = [each for each in story.house.snapshot.records if each.operation in prefixes]
    assert len(bought) == len(
        [each for each in story.order.product.operations if each.id in prefixes]
    )
    assert all(each.lot.startswith(f"{prefixes[each.operation]}-") for each in bought)


def test_a_recall_of_a_bar_finds_the_gear_and_of_another_lot_nothing(story):
    snapshot = story.house.snapshot
    bar = next(each for each in snapshot.records if each.operation == "supply-stabilizer-bar")

    def ask(query):
        return recall(query, snapshot.records, snapshot.skills(), snapshot.knowledge.vocabulary)

    answer = ask(ContainsLot(lot=bar.lot))
    (hit,) = answer.hits
    assert (hit.order, hit.because, answer.products_searched) == (ORDER, (bar.lot,), 1)
    assert ask(ContainsLot(lot="AL-BAR-none")).hits == ()


def test_a_recall_by_condition_asks_for_the_machine_as_it_was_then(story):
    snapshot = story.house.snapshot

    def ask(skill, unit, above):
        query = MadeWhile(skill=skill, work_unit=unit, kpi=TOTAL_POSITION_ERROR, above=above)
        return recall(query, snapshot.records, snapshot.skills(), snapshot.knowledge.vocabulary)

    assert ask("ream", "graz-u630", 0.0).hits == ()
    assert ask("ream", "vienna-emco", 9.7e-6).hits == ()
    assert ask("ream", "vienna-emco", 9.5e-6).hits[0].order == ORDER
    (hit,) = ask("drill", "graz-u630", LIMIT).hits
    drilled = next(each for each in snapshot.records if each.operation == "drill-stabilizer")
    assert hit.because == (drilled.lot,)
    assert ask("mill", "graz-u630", LIMIT).hits == ()


# -- again ---------------------------------------------------------------------------------------


def test_the_same_seed_tells_the_same_story_byte_for_byte_and_another_does_not(story, tmp_path):
    again, other = told(tmp_path / "again"), told(tmp_path / "other", seed=2)
    assert to_msgpack(again.house.history) == to_msgpack(story.house.history)
    assert to_msgpack(other.house.history) != to_msgpack(story.house.history)
    assert gear(other).stage is Stage.FINISHED


def test_a_finished_story_that_is_resumed_does_nothing(story, folder):
    heard = []
    demo = resume(folder, told=lambda at, news: heard.extend(news))
    demo.play(first_plan, agree)
    demo.close()
    assert heard == []
    assert demo.house.history == story.house.history
    assert demo.house.snapshot == story.house.snapshot


def test_a_story_is_not_begun_where_files_are(story, folder):
    with pytest.raises(Conflict, match="--resume"):
        begin(folder, settings())


def test_a_story_whose_beginning_was_cut_short_can_be_begun_again(tmp_path):
    (tmp_path / "demo.tmp").write_bytes(b"{")
    begin(tmp_path, settings()).close()
    assert (tmp_path / "demo.json").is_file()


# -- otherwise -----------------------------------------------------------------------------------


def test_a_declined_adaptation_leaves_the_order_waiting(tmp_path):
    demo = told(tmp_path / "wg", approve=decline)
    assert gear(demo).stage is Stage.STUCK
    assert len(facts(demo, AdaptationDeclined)) == 1
    assert not facts(demo, ProcessMigrated, OrderFinished)
    resumed = resume(tmp_path / "wg")
    resumed.play(first_plan, agree)
    resumed.close()
    assert resumed.house.history == demo.house.history


def test_when_nothing_wears_the_whole_gear_is_made_in_graz(tmp_path):
    def unworn(document):
        for axis in document["machines"][0]["axes"].values():
            axis |= {
                "gap_growth_per_hour": "0 nm",
                "friction_growth_per_hour": "0 %",
                "stiffness_loss_per_hour": "0 %",
            }

    demo = told(tmp_path / "wg", papers=documents(tmp_path / "papers", simulation=unworn))
    assert not facts(demo, PlanEndangered, AdaptationProposed)
    assert {each.site for each in demo.house.snapshot.records} == {"graz"}
    assert gear(demo).stage is Stage.FINISHED
    assert all(each.value.upper <= LIMIT for each in facts(demo, TestMeasured))


def only_the_u630_reams(document):
    for each in document["equipment_types"]:
        if each["id"] in ("emco-maxxmill-500", "milling-centre"):
            each["offers"] = [offer for offer in each["offers"] if offer["skill"] != "ream"]


def unmonitored(document):
    for each in document["work_units"]:
        each.pop("monitors", None)


def unmeasured(document):
    document["values"] = []


def test_where_nobody_else_reams_the_reasons_and_what_would_help_are_told(tmp_path):
    papers = documents(
        tmp_path / "papers",
        equipment=only_the_u630_reams,
        site_vienna=unmonitored,
        site_linz=unmonitored,
        kpi_values=unmeasured,
    )
    demo = told(tmp_path / "wg", papers=papers)
    refused = the(demo, AdaptationImpossible)
    assert isinstance(refused.answer, NotProducible)
    ((reason,),) = refused.answer.conflicts
    assert (reason.code, reason.subject) == (ReasonCode.NO_UNIT_MEETS, REAM)
    shown = [each for each in reason.evidence if each.parameter == "position-tolerance"]
    measured = facts(demo, KpiChanged)[-1].value
    assert [(each.subject, each.limit, each.value, each.at, each.source) for each in shown] == [
        ("graz-u630", LIMIT, measured.upper, measured.at, measured.source)
    ]
    assert measured.upper > LIMIT
    verified = [each for each in refused.answer.options if each.verified]
    assert {OptionCode.RESTORE_KPI, OptionCode.LOOSEN} <= {each.code for each in verified}
    assert gear(demo).stage is Stage.STUCK
    assert not facts(demo, OrderFinished)


def test_a_machine_whose_value_has_expired_is_refused_when_work_reaches_it(tmp_path):
    def seldom(document):
        document["units"][0] |= {"times": ["06:00"], "valid_for": "8 h"}

    demo = told(tmp_path / "wg", papers=documents(tmp_path / "papers", monitoring=seldom))
    refusal = next(
        each for each in facts(demo, JobKeptWaiting) if each.reasons[0].code == ReasonCode.KPI_STALE
    )
    assert refusal.operation == REAM
    assert refusal.reasons[0].evidence[0].at is not None
    moved = the(demo, AdaptationProposed).comparison.moved
    assert {each.operation: each.after for each in moved}[REAM] == "vienna-emco"
    (reamed,) = [each.record for each in facts(demo, LotMade) if each.record.operation == REAM]
    assert (reamed.work_unit, gear(demo).stage) == ("vienna-emco", Stage.FINISHED)


def test_choices_that_do_not_fit_together_are_named_and_nothing_is_played(tmp_path):
    wish = {"motor": "included", "flange": "B"}
    family = json.loads((documents(tmp_path / "p") / "product-wave-gear.json").read_bytes())
    assert "B" in next(each for each in family["features"] if each["id"] == "flange")["options"]
    demo = begin(tmp_path / "wg", msgspec.structs.replace(settings(), choices=wish))
    demo.play(first_plan, agree)
    demo.close()
    assert {each.feature for each in demo.order.conflicts} <= {"motor", "flange"}
    assert demo.order.conflicts[0].reason
    assert demo.house.history == []


def test_documents_that_changed_since_the_story_began_are_refused(tmp_path):
    papers = documents(tmp_path / "papers")
    demo = begin(tmp_path / "wg", settings(papers=papers))
    demo.play(lambda state: None, agree)
    demo.close()
    file = papers / "shipping.json"
    file.write_text(file.read_text(encoding="utf-8").replace("45.00 EUR", "44.00 EUR"), "utf-8")
    with pytest.raises(Conflict, match="have changed"):
        resume(tmp_path / "wg")


def test_an_order_for_which_no_plan_is_taken_waits_and_can_be_asked_about_again(tmp_path):
    demo = begin(tmp_path / "wg", settings())
    demo.play(lambda state: None, agree)
    demo.close()
    assert gear(demo).stage is Stage.CHOOSING
    asked = []
    resumed = resume(tmp_path / "wg")
    resumed.play(lambda state: asked.append(state.order.id), agree)
    resumed.close()
    assert asked == [ORDER]
    assert resumed.house.snapshot.now - demo.order.received_at < HOUR
