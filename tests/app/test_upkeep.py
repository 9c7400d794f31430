"""A machine that wears is told before it is unfit, and a stop that restores it enters the plan."""

import json

import msgspec
import pytest
from msgspec.structs import replace

from app import stories
from fabloop.app.reports import fact_of
from fabloop.app.upkeep import SERIES_MAX, series_with
from fabloop.base.errors import Invalid
from fabloop.base.instant import DAY, HOUR, MINUTE, Instant, iso_of
from fabloop.model.disturbance import UnitClosed
from fabloop.model.facts import (
    AdaptationProposed,
    DisturbanceEnded,
    DisturbanceReported,
    MaintenanceAdvised,
    MaintenanceDeclined,
    MaintenancePlanned,
    MaintenanceReported,
    PlanEndangered,
    RiskForeseen,
    TestMeasured,
)
from fabloop.model.ids import OperationId
from fabloop.model.maintenance import MaintenanceDone

REAM = OperationId("ream-stabilizer")
JOB = "replace the ball screw nut"


def with_upkeep(content):
    content["units"][0]["maintenance"] = {
        "job": JOB,
        "takes": "2 h",
        "cost": "400.00 EUR",
        "failure_cost": "6000.00 EUR",
        "downtime": "3 d",
        "downtime_cost": "90.00 EUR/h",
        "saved_per_day": "40.00 EUR",
        "window": "3 d",
    }


@pytest.fixture
def running(tmp_path):
    papers = stories.documents(tmp_path / "papers", monitoring=with_upkeep)
    return stories.begun(tmp_path / "data", papers=papers)


def of(heard, kind):
    return [each for each in heard if isinstance(each, kind)]


def worn(demo, *uppers_um, every=20 * MINUTE):
    """Let the machine be measured again and again; return all that followed."""
    first = next(iter(stories.facts(demo, TestMeasured))).value
    last = max((each.value for each in stories.facts(demo, TestMeasured)), key=lambda v: v.at)
    heard = []
    for upper in uppers_um:
        at = Instant(max(last.at, demo.house.snapshot.now) + every)
        value = replace(first, at=at, value=(upper - 1) * 1e-6, upper=upper * 1e-6)
        fact = TestMeasured(work_unit=stories.U630, at=at, value=value)
        heard += demo.house.hears(fact, at)
        last = value
    return heard


WEAR = (14.15, 14.3, 14.45, 14.6, 14.75)


def planned(demo):
    return demo.house.snapshot.orders[stories.ORDER].plan


def advised(demo):
    """Wear the machine and return the advice."""
    (advice,) = of(worn(demo, *WEAR), MaintenanceAdvised)
    return advice.proposal


def decided(demo, kind, stop, **more):
    at = demo.house.snapshot.now
    fact = kind(job=stop.job, work_unit=stop.work_unit, by="planner", **more)
    return demo.house.hears(fact, at)


def test_a_step_that_begins_after_the_trend_passes_its_limit_is_told_once_and_before_it_happens(
    running,
):
    heard = worn(running, *WEAR)
    risks = [each for each in of(heard, RiskForeseen) if each.likely]
    assert {each.work_unit for each in risks} == {stories.U630}
    assert REAM in {each.operation for each in risks}
    ream = next(each for each in risks if each.operation == REAM)
    assert running.house.snapshot.now < ream.passes_at < ream.starts_at
    assert ream.because.options, "there is something to do about it"
    assert not of(heard, PlanEndangered), "nothing has happened yet"
    again = of(worn(running, 14.8), RiskForeseen)
    assert not [each for each in again if each.operation == REAM]


def test_a_machine_that_does_not_wear_is_left_alone(running):
    heard = worn(running, 14.0, 14.02, 13.98, 14.01, 13.99, 14.0, every=6 * HOUR)
    assert not [each for each in of(heard, RiskForeseen) if each.likely]
    assert not of(heard, MaintenanceAdvised)


def test_the_advised_stop_names_what_waiting_costs_and_comes_before_the_limit(running):
    stop = advised(running)
    assert (stop.work_unit, stop.job) == (stories.U630, JOB)
    chosen = next(each for each in stop.waiting if each.start == stop.start)
    assert chosen.cost_minor == min(each.cost_minor for each in stop.waiting)
    assert chosen.cost_minor < stop.waiting[-1].cost_minor
    assert stop.start < stop.window[1]
    assert running.house.snapshot.upkeep.waiting() == (stop,)


def test_a_planned_stop_is_kept_free_and_plans_give_way_to_it(running):
    stop = advised(running)
    heard = decided(running, MaintenancePlanned, stop)
    (told,) = of(heard, DisturbanceReported)
    closed = UnitClosed(work_unit=stories.U630, since=stop.start, until=stop.end, job=JOB)
    assert told.disturbance == closed
    meets = [
        each
        for each in planned(running).steps
        if each.work_unit == stories.U630 and each.start < stop.end and each.end > stop.start
    ]
    for proposal in of(heard, AdaptationProposed):
        for step in proposal.plan.steps:
            kept = step.work_unit != stories.U630
            assert kept or step.end <= stop.start or step.start >= stop.end
    assert bool(meets) == bool(of(heard, PlanEndangered))
    assert running.house.snapshot.upkeep.waiting() == ()
    assert not of(worn(running, 14.8), MaintenanceAdvised), "it is planned already"


def test_who_declines_is_not_asked_again_the_same_day(running):
    (advice,) = of(
        worn(running, 14.05, 14.1, 14.15, 14.2, 14.25, every=6 * HOUR), MaintenanceAdvised
    )
    now = running.house.snapshot.now
    heard = decided(running, MaintenanceDeclined, advice.proposal, at=now)
    assert not of(heard, DisturbanceReported)
    assert running.house.snapshot.upkeep.waiting() == ()
    assert not of(worn(running, 14.3, 14.35, 14.4, every=6 * HOUR), MaintenanceAdvised)
    later = of(worn(running, 14.45, every=6 * HOUR), MaintenanceAdvised)
    assert [each.proposal.job for each in later] == [JOB]


def done(demo, **more):
    now = demo.house.snapshot.now
    fields = {
        "job": JOB,
        "work_unit": stories.U630,
        "at": iso_of(now),
        "installed_at": iso_of(Instant(now - 90 * DAY)),
        "failed": False,
        "replaced": True,
        **more,
    }
    return json.dumps(fields).encode()


def test_a_stop_that_is_done_frees_the_machine_and_begins_the_trend_anew(running):
    stop = advised(running)
    decided(running, MaintenancePlanned, stop)
    snapshot = running.house.snapshot
    fact = fact_of("done.json", done(running), snapshot, snapshot.now)
    heard = running.house.hears(fact, snapshot.now)
    assert of(heard, DisturbanceEnded)
    assert not [each for each in snapshot.standing.values() if isinstance(each, UnitClosed)]
    assert not snapshot.upkeep.foreseen
    heard = worn(running, 9.0, 9.1, 9.0, 9.1)
    assert not of(heard, RiskForeseen), "five values make a trend, and the old ones are gone"
    assert [each.job for each in snapshot.upkeep.done] == [JOB]


def test_an_inspection_that_changed_nothing_keeps_the_trend(running):
    worn(running, *WEAR)
    known = dict(running.house.snapshot.series)
    same = MaintenanceDone(
        job=JOB,
        work_unit=stories.U630,
        at=running.house.snapshot.now,
        installed_at=Instant(0),
        failed=False,
        replaced=False,
    )
    running.house.hears(MaintenanceReported(done=same), running.house.snapshot.now)
    assert running.house.snapshot.series == known


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"work_unit": "graz-u603"}, "graz-u630"),
        ({"installed_at": "2030-01-01T00:00:00Z"}, "not after"),
        ({"failed": "perhaps"}, "failed"),
    ],
)
def test_a_report_of_maintenance_with_a_fault_names_it(running, change, said):
    snapshot = running.house.snapshot
    with pytest.raises(Invalid, match=said):
        fact_of("done.json", done(running, **change), snapshot, snapshot.now)


def test_costs_in_another_currency_are_a_fault_with_its_place(tmp_path):
    def edit(content):
        with_upkeep(content)
        content["units"][0]["maintenance"]["cost"] = "400.00 USD"

    papers = stories.documents(tmp_path / "papers", monitoring=edit)
    with pytest.raises(Invalid) as caught:
        stories.begun(tmp_path / "data", papers=papers)
    (fault,) = caught.value.faults
    assert fault.path == "$.units[0].maintenance.cost"
    assert "EUR" in fault.expected


def test_what_is_known_of_upkeep_is_the_same_after_the_journal_is_read_again(running):
    stop = advised(running)
    decided(running, MaintenancePlanned, stop)
    snapshot = running.house.snapshot
    again = type(running.house)(snapshot.knowledge, running.journal)
    assert again.snapshot.upkeep == snapshot.upkeep
    assert again.snapshot.series == snapshot.series
    assert again.snapshot.standing == snapshot.standing


def test_a_series_keeps_one_source_in_order_of_time_and_forgets_the_oldest(running):
    first = next(iter(stories.facts(running, TestMeasured))).value
    values = [replace(first, at=Instant(first.at + n * HOUR)) for n in range(SERIES_MAX + 5)]
    series = ()
    for each in (*values[::2], *values[1::2], *values[:3]):
        series = series_with(series, each)
    assert list(series) == sorted(series, key=lambda each: each.at)
    assert len(series) == SERIES_MAX
    other = msgspec.structs.replace(first, source="tpe/2")
    assert series_with(series, other) == (other,)
