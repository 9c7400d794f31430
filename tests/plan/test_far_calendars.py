"""Calendars that open late: planned where they are read, left open beyond, never a false no."""

import msgspec
import pytest

from fabloop.base.instant import DAY, HOUR
from fabloop.model.calendar import CalendarException, WorkCalendar
from fabloop.model.plan import NotDecided, NotProducible, Producible
from fabloop.plan.catalogue.survey import Surveyor
from fabloop.plan.orders import plan_orders
from fabloop.plan.producible import check
from fabloop.plan.running.replan import replan
from fabloop.plan.statement.plant import Plant
from fabloop.plan.tradeoffs.front import front
from plan.instances import (
    NOW,
    gear,
    graz_and_vienna,
    link,
    network,
    offer,
    operation,
    order,
    site,
    unit,
    vocabulary,
)
from plan.test_opening import working


def only_on(*dates, ends=24 * HOUR):
    exceptions = tuple(CalendarException(date=each, spans=((0, ends),)) for each in dates)
    return WorkCalendar(exceptions=exceptions)


@pytest.mark.parametrize(
    ("date", "kind"),
    [("2027-09-01", Producible), ("2035-01-05", Producible), ("2041-01-05", NotDecided)],
)
def test_a_plant_that_opens_once_is_planned_then_or_left_open(date, kind):
    plant, values = graz_and_vienna()
    where = (working(plant, only_on(date)), vocabulary(), values, NOW)
    assert isinstance(check(gear(), *where), kind)
    if kind is NotDecided:
        assert isinstance(front(gear(), *where, effort=0.1), NotDecided)
        assert isinstance(plan_orders((gear(),), *where).refused["order"], NotDecided)


def test_a_date_that_opens_too_shortly_or_opened_long_ago_is_a_plain_no():
    plant, values = graz_and_vienna()
    for calendar in (only_on("2020-01-05"), only_on("2027-09-01", ends=1_000_000_000)):
        answer = check(gear(), working(plant, calendar), vocabulary(), values, NOW)
        assert isinstance(answer, NotProducible)


def test_what_nobody_can_do_is_told_even_where_somebody_opens_late():
    plant, values = graz_and_vienna()
    answer = check(gear(1e-9), working(plant, only_on("2041-01-05")), vocabulary(), values, NOW)
    assert isinstance(answer, NotProducible)


def test_the_survey_reads_as_far_as_the_plans():
    plant, values = graz_and_vienna()
    late = working(plant, only_on("2027-09-01"))
    both = [Surveyor(Plant(each, vocabulary(), values), NOW) for each in (plant, late)]
    assert both[0].where(gear().product) == both[1].where(gear().product)


def test_work_in_progress_waits_for_a_plant_that_opens_late():
    plant, values = graz_and_vienna()
    plan = check(gear(), plant, vocabulary(), values, NOW).plans[0]
    late = working(plant, only_on("2027-09-01"))
    answer = replan(gear(), plan, {}, {}, late, vocabulary(), values, NOW)
    assert isinstance(answer, Producible)
    assert min(step.start for step in answer.plans[0].steps) > NOW + 200 * DAY


def test_a_plan_is_told_where_the_cheapest_choice_alone_never_has_time():
    cheap = unit("cheap", "graz", "hall", offer("mill"), offer("drill"), rate=100)
    dear = unit("dear", "graz", "hall", offer("mill"), offer("drill"), rate=9000)
    once = msgspec.structs.replace(cheap, calendar=only_on("2026-12-01", ends=HOUR))
    plant = network(site("graz", (once, dear), [link("hall", "hall", "dear")]))
    asked = order(
        operation("mill", "mill", minutes=40), operation("drill", "drill", "mill", minutes=40)
    )
    answer = check(asked, plant, vocabulary(), {}, NOW)
    assert isinstance(answer, Producible)
    used = {tuple(step.work_unit for step in plan.steps) for plan in answer.plans}
    assert ("cheap", "cheap") not in used
    assert all(each.bound <= each.value for plan in answer.plans for each in plan.optimality)
