"""What keeps an order from its due instant: only what does, and each part of it."""

from itertools import combinations

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.instant import DAY, HOUR, MINUTE, SECOND, Instant
from fabloop.model.calendar import Shift, WorkCalendar
from fabloop.model.explanation import ReasonCode
from fabloop.model.ids import WorkUnitId
from fabloop.model.plan import NotProducible, Producible
from fabloop.plan.producible import check
from fabloop.plan.reasons.why_late import why_late
from fabloop.plan.statement.problem import Setting, problem_of
from fabloop.plan.statement.roads import Weights
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
    random_instance,
    site,
    unit,
    vocabulary,
)

replace = msgspec.structs.replace
TICK = SECOND


def stated(request, plant, values, busy=None):
    setting = Setting(plant, vocabulary(), values, NOW, NOW, busy or {})
    return problem_of(request.product, setting)


def earliest(problem, busy):
    """Return the earliest finish in ticks over all choices, unit by unit; inf for none."""
    ends = []
    for job in problem.jobs:
        row = {}
        for each in job.candidates:
            ready = 0.0
            for source in job.sources:
                arrivals = [
                    end + sum(leg.hop.takes.ticks for leg in legs)
                    for maker, end in ends[source.job].items()
                    if (legs := problem.roads.route(maker, each.place, Weights(ticks=1.0)))
                    is not None
                ]
                ready = max(ready, min(arrivals, default=float("inf")))
            ticks, start = each.takes.ticks, ready
            for begin, end in sorted(busy.get(each.unit.id, ())):
                if start + ticks > begin and start < end:
                    start = end
            row[each.place] = start + ticks
        ends.append(row)
    return min(ends[-1].values(), default=float("inf"))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 100_000), share=st.floats(0.3, 1.4))
def test_conflicts_with_the_due_are_all_minimal_ones(seed, share):
    request, plant, values = random_instance(seed, operations=4, units=3)
    free = stated(request, plant, values)
    finish = earliest(free, {})
    assume(finish < float("inf"))
    units = sorted({each.unit.id for job in free.jobs for each in job.candidates})[:5]
    length = int(finish * share) + 1
    busy = {name: ((Instant(NOW), Instant(NOW + length * TICK)),) for name in units}
    taken = dict.fromkeys(units, ((0, length),))
    due = int(finish * 1.1)
    late = why_late(stated(request, plant, values, busy), Instant(NOW + due * TICK), plant)
    assert late.earliest == earliest(free, taken)
    told = {
        frozenset(each.subject for each in conflict if each.code == ReasonCode.UNIT_BUSY)
        for conflict in late.conflicts
    }
    every = [frozenset(some) for n in range(len(units) + 1) for some in combinations(units, n)]
    bad = [some for some in every if earliest(free, {u: taken[u] for u in some}) > due]
    assert told == {some for some in bad if not any(other < some for other in bad)}


def test_a_due_instant_that_nobody_meets_is_blamed_on_nothing_else():
    request, (plant, values) = gear(), graz_and_vienna()
    late = why_late(stated(request, plant, values), Instant(NOW + MINUTE), plant)
    ((reason,),) = late.conflicts
    assert reason.code == ReasonCode.TOO_LATE
    assert int(reason.details["late"]) > 0


def test_a_due_instant_that_can_be_met_has_no_conflict():
    request, (plant, values) = gear(), graz_and_vienna()
    late = why_late(stated(request, plant, values), Instant(NOW + 100 * HOUR), plant)
    assert late.conflicts == ()


def test_a_closed_machine_is_in_the_way_and_the_others_are_not():
    night = Shift(id="n", label="Night", start_ns=0, end_ns=HOUR)
    calendar = WorkCalendar(shifts=(night,))
    closed = replace(unit("m", "graz", "hall", offer("mill", monitored=False)), calendar=calendar)
    other = unit("d", "graz", "hall", offer("drill", monitored=False))
    plant = network(site("graz", [closed, other], [link("hall", "hall", "agv")]))
    request = order(operation("a", "mill", minutes=30), operation("b", "drill", "a", minutes=30))
    due = Instant(NOW + 2 * HOUR)
    late = why_late(stated(request, plant, {}), due, plant)
    (conflict,) = late.conflicts
    assert [each.code for each in conflict] == [ReasonCode.TOO_LATE, ReasonCode.UNIT_CLOSED]
    assert conflict[1].subject == WorkUnitId("m")


def test_a_deadline_that_busy_machines_break_is_refused_with_their_names():
    request, (plant, values) = gear(), graz_and_vienna()
    week = (Instant(NOW), Instant(NOW + 7 * DAY))
    busy = {WorkUnitId("g-wash"): (week,), WorkUnitId("v-mill"): (week,)}
    wishes = Wishes(deadline=Instant(NOW + 2 * DAY))
    answer = check(request, plant, vocabulary(), values, NOW, busy=busy, wishes=wishes)
    assert isinstance(answer, NotProducible)
    told = [{each.code: each.subject for each in conflict} for conflict in answer.conflicts]
    assert {ReasonCode.TOO_LATE: "clean", ReasonCode.UNIT_BUSY: "g-wash"} in told
    assert not any("v-mill" in each.values() for each in told)
    free = check(request, plant, vocabulary(), values, NOW, wishes=wishes)
    assert isinstance(free, Producible)
