"""Several breaches at once, in the middle of steps and movements: few moves, the past as it was."""

from itertools import product
from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fabloop.base.instant import HOUR, MINUTE, Instant
from fabloop.model.plan import NotProducible, Producible
from fabloop.plan.producible import Objective, check, compare
from fabloop.plan.running.past import history_of
from fabloop.plan.running.presence import bookings
from fabloop.plan.running.replan import changes_allowed, replans
from fabloop.plan.statement.problem import MEASURE, Setting, problem_of
from fabloop.plan.timetable.schedule import routing_of
from plan.crewed import random_crewed
from plan.instances import NOW, random_instance, vocabulary


def fewest_by_trying(problem, plan):
    """Return the least number of other work units over all choices; None where none is possible."""
    old = {each.operation: each.work_unit for each in plan.steps}
    best = None
    for choice in product(*(range(len(job.candidates)) for job in problem.jobs)):
        pairs = zip(problem.jobs, choice, strict=True)
        moved = sum(job.candidates[at].unit.id != old[job.operation.id] for job, at in pairs)
        if best is None or moved < best:
            try:
                routing_of(problem, choice, MEASURE[Objective.COST])
            except AssertionError:
                continue
            best = moved
    return best


def breaches(roll, plan, plant, values, now):
    """Draw what goes wrong at once: work units, a supplier, a machine's condition, persons."""
    units = sorted({each.work_unit for each in plan.steps if each.start >= now})
    gone = frozenset(roll.sample(units, min(len(units), roll.choice((0, 1, 2)))))
    late = roll.choice([each.operation for each in plan.steps if each.start >= now])
    wait = {late: dict.fromkeys(plant.sites, Instant(now + roll.randint(1, 20) * HOUR))}
    worn, away = dict(values), {}
    if worn:
        key = roll.choice(sorted(worn))
        worn[key] = replace(worn[key], value=worn[key].value * 1.6, upper=worn[key].upper * 1.6)
    for site in plant.sites.values():
        for person in site.persons[: roll.choice((0, 1))]:
            away |= bookings(site, {person.id: ((now, Instant(now + 12 * HOUR)),)})
    return gone, wait, worn, away


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 1_000_000), crewed=st.booleans(), objective=st.sampled_from(Objective))
def test_breaches_together_move_as_few_as_must_move_and_leave_the_past_alone(
    seed, crewed, objective
):
    order, plant, values = (random_crewed if crewed else random_instance)(seed, operations=4)
    first = check(order, plant, vocabulary(), values, NOW, plans_max=1, objective=objective)
    assume(isinstance(first, Producible))
    plan, roll = first.plans[0], Random(seed)
    part = roll.choice([*plan.steps, *plan.movements])
    now = Instant((part.start + part.end) // 2)
    assume(any(each.start >= now for each in plan.steps))
    gone, wait, worn, away = breaches(roll, plan, plant, values, now)
    done = {each.operation: each for each in plan.steps if each.end <= now}
    running = {
        each.operation: replace(each, end=Instant(each.end + 30 * MINUTE))
        for each in plan.steps
        if each.start < now < each.end and each.work_unit not in gone
    }
    past = history_of(plan, done, running, plant, now)
    setting = Setting(plant, vocabulary(), worn, now, now, away, gone, quantity=order.quantity)
    setting = replace(setting, not_before=wait, underway=past.underway, ordered_at=plan.made_at)
    problem = problem_of(order.product, setting, past.past)
    assume(not order.product.alternatives)
    answers = list(
        replans(
            order, plan, done, running, plant, vocabulary(), worn, now,
            unavailable=gone, not_before=wait, busy=away,
        )
    )  # fmt: skip
    fewest = fewest_by_trying(problem, plan)
    if fewest is None:
        assert isinstance(answers[-1], NotProducible)
        return
    moved = [len(compare(plan, each.plans[0], order).moved) for each in answers]
    assert moved[0] == fewest or len(answers) == 1
    assert moved[-1] <= changes_allowed(fewest)
    for each in answers:
        for key, step in {**done, **running}.items():
            assert each.plans[0].step(key) == replace(step, frozen=True)
