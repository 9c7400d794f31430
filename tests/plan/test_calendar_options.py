"""Where hours or hands are lacking: longer opening, smaller lots, extra shifts, training."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.app.sentences import option_sentence
from fabloop.base.instant import HOUR, MINUTE, Instant
from fabloop.model.calendar import SHIFT_END_MAX, Shift, WorkCalendar
from fabloop.model.explanation import OptionCode, ReasonCode
from fabloop.model.plan import NotProducible, Producible
from fabloop.model.site import UpgradePrice
from fabloop.plan.producible import check
from fabloop.plan.reasons.opened import longer
from fabloop.plan.statement.opening import longest_open
from fabloop.plan.terms.wishes import Wishes
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

replace = msgspec.structs.replace
DAY_SHIFT = WorkCalendar(shifts=(Shift(id="d", label="Day", start_ns=6 * HOUR, end_ns=14 * HOUR),))
NIGHT = WorkCalendar(shifts=(Shift(id="n", label="Night", start_ns=0, end_ns=HOUR),))


def one_mill(calendar, *, upgrades=(), speed=1.0):
    """Return a site with one mill that works by a calendar, and a drill that always does."""
    mill = unit("m", "graz", "hall", offer("mill", monitored=False), speed=speed)
    drill = unit("d", "graz", "hall", offer("drill", monitored=False))
    units = [replace(mill, calendar=calendar), drill]
    made = site("graz", units, [link("hall", "hall", "agv")])
    return network(replace(made, upgrades=tuple(upgrades)))


def refused(request, plant, **more) -> NotProducible:
    answer = check(request, plant, vocabulary(), {}, NOW, **more)
    assert isinstance(answer, NotProducible)
    return answer


def option_of(answer, code):
    return next(each for each in answer.options if each.code == code)


def test_a_step_longer_than_any_shift_asks_for_longer_hours():
    request = order(operation("a", "mill", minutes=10 * 60))
    answer = refused(request, one_mill(DAY_SHIFT))
    ((reason,),) = answer.conflicts
    assert reason.details["parameter"] == "calendar"
    option = option_of(answer, OptionCode.OPEN_LONGER)
    assert (option.subject, option.before, option.after) == ("m", 8 * 3600, 10 * 3600)
    assert option.verified
    assert option.least
    assert option.assumed
    assert OptionCode.SPLIT_LOT not in {each.code for each in answer.options}
    assert option_sentence(option).startswith("Open m for 10 h at a stretch instead of 8 h")


def test_a_lot_that_no_shift_holds_is_split_into_the_largest_that_one_does():
    request = replace(order(operation("a", "mill", minutes=60)), quantity=20)
    plant = one_mill(DAY_SHIFT)
    answer = refused(request, plant)
    option = option_of(answer, OptionCode.SPLIT_LOT)
    assert (option.before, option.after) == (20, 8)
    assert isinstance(check(replace(request, quantity=8), plant, vocabulary(), {}, NOW), Producible)
    assert isinstance(
        check(replace(request, quantity=9), plant, vocabulary(), {}, NOW), NotProducible
    )
    lots = [
        check(replace(request, quantity=each), plant, vocabulary(), {}, NOW) for each in (8, 8, 4)
    ]
    assert option.cost_minor == sum(each.plans[0].totals.cost_minor for each in lots)


def test_overtime_takes_what_the_documents_say():
    request = order(operation("a", "mill", minutes=10 * 60))
    said = [UpgradePrice(change="open-longer", cost_minor=6_500)]
    option = option_of(refused(request, one_mill(DAY_SHIFT, upgrades=said)), OptionCode.OPEN_LONGER)
    assert (option.price_minor, option.assumed) == (2 * 6_500, False)
    assert "this takes 130.00 EUR;" in option_sentence(option)


@settings(max_examples=40, deadline=None)
@given(
    shifts=st.lists(
        st.tuples(st.integers(0, 20), st.integers(1, 10), st.sets(st.integers(0, 6), min_size=1)),
        min_size=1,
        max_size=3,
    ),
    hours=st.integers(1, 60),
)
def test_a_calendar_opened_longer_holds_what_it_did_not(shifts, hours):
    calendar = WorkCalendar(
        shifts=tuple(
            Shift(
                id=str(number),
                label=str(number),
                start_ns=start * HOUR,
                end_ns=(start + lasts) * HOUR,
                weekdays=tuple(sorted(days)),
            )
            for number, (start, lasts, days) in enumerate(shifts)
        )
    )
    before = longest_open(calendar, "Europe/Vienna", NOW)
    takes = before + hours * HOUR
    found = longer(calendar, "Europe/Vienna", NOW, takes)
    if found is None:
        assert all(takes > SHIFT_END_MAX - each.start_ns for each in calendar.shifts)
        return
    assert longest_open(found, "Europe/Vienna", NOW) >= takes
    changed = [
        (one, other)
        for one, other in zip(calendar.shifts, found.shifts, strict=True)
        if one != other
    ]
    ((one, other),) = changed
    assert 0 < other.end_ns - one.end_ns <= takes
    assert (other.end_ns - one.end_ns) % MINUTE == 0


def test_a_deadline_that_closed_hours_break_is_met_by_an_extra_shift():
    said = [UpgradePrice(change="open-longer", work_unit="m", cost_minor=9_000)]
    plant = one_mill(NIGHT, upgrades=said)
    request = order(operation("a", "mill", minutes=30), operation("b", "drill", "a", minutes=30))
    wishes = Wishes(deadline=Instant(NOW + 2 * HOUR))
    answer = refused(request, plant, wishes=wishes)
    assert any(
        each.code == ReasonCode.UNIT_CLOSED for conflict in answer.conflicts for each in conflict
    )
    option = option_of(answer, OptionCode.EXTRA_SHIFT)
    assert (option.subject, option.after) == ("m", 1800)
    assert (option.price_minor, option.assumed) == (4_500, False)
    assert option.verified
    assert option_sentence(option).startswith("Work 30 min outside its hours at m; this takes 45")


def test_a_deadline_that_no_hours_meet_has_no_extra_shift():
    plant = one_mill(NIGHT)
    request = order(operation("a", "mill", minutes=180))
    answer = refused(request, plant, wishes=Wishes(deadline=Instant(NOW + 2 * HOUR)))
    assert OptionCode.EXTRA_SHIFT not in {each.code for each in answer.options}


@pytest.mark.parametrize(("said", "first"), [((), "train-person"), ((650_000,), "add-person")])
def test_who_is_there_may_be_trained_or_somebody_taken_on(said, first):
    plant, values = graz_and_vienna()
    graz = plant.sites["graz"]
    persons = tuple(replace(each, skills=()) for each in graz.persons)
    upgrades = tuple(UpgradePrice(change="train-person", cost_minor=each) for each in said)
    changed = replace(graz, persons=persons, upgrades=upgrades)
    worse = replace(plant, sites={**plant.sites, "graz": changed})
    answer = check(gear(), worse, vocabulary(), values, NOW)
    assert isinstance(answer, NotProducible)
    staff = [each for each in answer.options if each.code in ("train-person", "add-person")]
    assert {each.code for each in staff} == {"train-person", "add-person"}
    assert staff[0].code == first
    assert all(each.verified for each in staff)


def test_two_materials_that_one_change_alone_does_not_help_are_both_chosen_otherwise():
    units = [unit("m", "graz", "hall", offer("mill", monitored=False))]
    units.append(unit("d", "graz", "hall", offer("drill", monitored=False)))
    plant = network(site("graz", units, [link("hall", "hall", "agv")]))
    request = order(
        operation("a", "mill", material="titanium"),
        operation("b", "drill", "a", material="titanium"),
    )
    both = option_of(refused(request, plant), OptionCode.CHOOSE_OTHER)
    assert [each.code for each in both.also] == [OptionCode.CHOOSE_OTHER]
    assert {both.subject, both.also[0].subject} == {"a", "b"}
    assert both.verified
    assert both.least
