"""Working time in plans: what is planned lies in open spans, on every face of planning."""

from datetime import UTC, datetime

import msgspec
import pytest

from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant
from fabloop.model.calendar import CalendarException, Shift, WorkCalendar, open_spans
from fabloop.model.explanation import ReasonCode
from fabloop.model.plan import NotProducible, Producible
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.orders import plan_orders
from fabloop.plan.producible import Objective, check
from fabloop.plan.quick import quick_plan
from fabloop.plan.statement.problem import Setting
from fabloop.plan.terms.objectives import Measure, weighted
from fabloop.plan.terms.wishes import Wishes
from fabloop.plan.tradeoffs.front import Front, front
from plan.instances import NOW, gear, graz_and_vienna, vocabulary

ZONE = "Europe/Vienna"


def working(network, calendar):
    sites = {}
    for key, site in network.sites.items():
        units = tuple(msgspec.structs.replace(each, calendar=calendar) for each in site.work_units)
        sites[key] = msgspec.structs.replace(site, work_units=units, time_zone=ZONE)
    return msgspec.structs.replace(network, sites=sites)


def hours(start, end, *closed):
    shift = Shift(id="day", label="Day", start_ns=start, end_ns=end)
    exceptions = tuple(CalendarException(date=each) for each in closed)
    return WorkCalendar(shifts=(shift,), exceptions=exceptions)


def is_open(plan, calendar):
    spans = [(step.start, step.end) for step in plan.steps if step.end > step.start]
    spans += [(leg.start, leg.end) for leg in plan.movements if leg.lane is None]
    return all(open_spans(calendar, ZONE, *span) == (span,) for span in spans)


def longest_step(plant, values):
    plans = check(gear(), plant, vocabulary(), values, NOW).plans
    return max(step.end - step.start for plan in plans for step in plan.steps)


def tomorrow():
    return datetime.fromtimestamp(NOW / SECOND + 24 * 3600, UTC).date().isoformat()


@pytest.fixture
def narrow():
    """Return a network whose work units are open for hardly more than the longest step."""
    plant, values = graz_and_vienna()
    start = 6 * HOUR
    calendar = hours(start, start + longest_step(plant, values) + 5 * MINUTE, tomorrow())
    return working(plant, calendar), values, calendar


def test_every_plan_keeps_to_working_time(narrow):
    plant, values, calendar = narrow
    where = (gear(), plant, vocabulary(), values, NOW)
    plans = list(check(*where).plans)
    both = weighted({Measure.COST: 1, Measure.MAKESPAN: 1.0 / HOUR})
    plans += check(*where, plans_max=2, objective=both).plans
    found = front(*where, effort=0.5)
    assert isinstance(found, Front)
    plans += [point.plan for point in found.points]
    together = plan_orders((gear(),), plant, vocabulary(), values, NOW, effort=1.0)
    plans += together.plans
    setting = Setting(plant, vocabulary(), values, NOW, NOW)
    plans.append(quick_plan(gear(), setting, Objective.COST))
    assert len(plans) >= 5
    for plan in plans:
        assert is_open(plan, calendar)
        for each in plan.optimality:
            assert each.bound <= each.value


def test_a_calendar_never_makes_the_finish_earlier_nor_the_cost_lower(narrow):
    open_plant, values = graz_and_vienna()
    for objective in Objective:
        least = [
            check(gear(), each, vocabulary(), values, NOW, plans_max=1, objective=objective)
            .plans[0]
            .optimality[0]
            .bound
            for each in (open_plant, narrow[0])
        ]
        assert least[0] <= least[1] * (1 + 1e-9)


def test_the_checker_names_a_step_in_closed_time(narrow):
    plant, values, _ = narrow
    always, _ = graz_and_vienna()
    plan = check(gear(), always, vocabulary(), values, NOW).plans[0]
    grounds = Grounds(
        product=gear().product, network=plant, vocabulary=vocabulary(), kpis=values, now=NOW
    )
    assert ReasonCode.STEP_WHILE_CLOSED in {each.code for each in check_plan(plan, grounds)}


def test_a_step_longer_than_any_shift_is_told_with_both_spans():
    plant, values = graz_and_vienna()
    answer = check(
        gear(), working(plant, hours(6 * HOUR, 6 * HOUR + MINUTE)), vocabulary(), values, NOW
    )
    assert isinstance(answer, NotProducible)
    reasons = [reason for each in answer.exclusions for reason in each.reasons]
    closed = [each for each in reasons if each.code == ReasonCode.OPEN_TOO_SHORT]
    assert closed
    assert closed[0].details["open"] == "1 min"
    assert closed[0].evidence[0].value > closed[0].evidence[0].limit == 60.0


def test_working_time_off_the_second_is_kept_too(narrow):
    plant, values, calendar = narrow
    now = Instant(NOW + SECOND // 3)
    answer = check(gear(), plant, vocabulary(), values, now, plans_max=1)
    assert isinstance(answer, Producible)
    assert is_open(answer.plans[0], calendar)


def test_the_quick_plan_counts_the_pieces_of_the_order():
    plant, values = graz_and_vienna()
    order = msgspec.structs.replace(gear(), quantity=3)
    plan = quick_plan(order, Setting(plant, vocabulary(), values, NOW, NOW))
    assert plan is not None
    best = check(order, plant, vocabulary(), values, NOW, plans_max=1).plans[0]
    assert plan.totals.cost_minor == best.totals.cost_minor


def test_closed_time_in_the_way_of_a_deadline_is_not_told_as_other_work(narrow):
    plant, values, _ = narrow
    where = (gear(), plant, vocabulary(), values, NOW)
    least = check(*where, plans_max=1, objective=Objective.MAKESPAN).plans[0].optimality[0]
    always, _ = graz_and_vienna()
    fast = check(gear(), always, *where[2:], plans_max=1, objective=Objective.MAKESPAN)
    due = Instant(NOW + round(fast.plans[0].optimality[0].value))
    assert due < NOW + least.value
    answer = check(*where, wishes=Wishes(deadline=due))
    assert isinstance(answer, NotProducible)
    codes = {each.code for conflict in answer.conflicts for each in conflict}
    assert ReasonCode.UNIT_CLOSED in codes
    assert ReasonCode.UNIT_BUSY not in codes
