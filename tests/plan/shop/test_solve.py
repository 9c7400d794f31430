"""Schedules against all schedules of tiny problems, and what a solve promises on its way."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabloop.plan.shop.answer import Effort, Halt, Outcome
from fabloop.plan.shop.checker import violations
from fabloop.plan.shop.horizon import horizon_of
from fabloop.plan.shop.measure import value_of
from fabloop.plan.shop.model import Arc, Job, Mode, Objective, Resource, Schedule, Shop, Task, Use
from fabloop.plan.shop.solve import solve
from plan.shop.tiny_shops import schedules, shops

QUICK = Effort(seconds=5.0, moves=2_000)
ORDERS = [
    (Objective.MAKESPAN,),
    (Objective.TARDINESS, Objective.COST),
    (Objective.COST, Objective.MAKESPAN),
    (Objective.MAKESPAN, Objective.COST, Objective.TARDINESS),
]


def values(shop, schedule, objectives):
    return tuple(value_of(shop, schedule, each) for each in objectives)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shop=shops(), objectives=st.sampled_from(ORDERS))
def test_an_answer_is_the_best_of_all_schedules(shop, objectives):
    answer = solve(shop, objectives, effort=QUICK)
    horizon = min(horizon_of(shop), 12)
    all_values = [values(shop, each, objectives) for each in schedules(shop, horizon)]
    if answer.schedule is None:
        assert answer.outcome is Outcome.IMPOSSIBLE
        assert not all_values
        return
    assert answer.outcome is Outcome.PROVEN
    assert violations(shop, answer.schedule) == ()
    assert answer.values == answer.bounds == values(shop, answer.schedule, objectives)
    assert answer.values <= min(all_values, default=answer.values)


def flow(count):
    """A flow shop with jobs of unequal steps, and two machines of a kind for each step."""
    machines = tuple(Resource(name=f"m{number}") for number in range(4))
    tasks, arcs = [], []
    for job in range(count):
        for step in range(2):
            ticks = 1 + (3 * job + 5 * step) % 7
            modes = tuple(Mode(ticks=ticks + at, uses=(Use(2 * step + at),)) for at in range(2))
            if step:
                arcs.append(Arc(before=len(tasks) - 1, after=len(tasks)))
            tasks.append(Task(name=f"{job}.{step}", job=job, modes=modes))
    jobs = tuple(Job(name=f"{job}") for job in range(count))
    return Shop(name="flow", tasks=tuple(tasks), resources=machines, jobs=jobs, arcs=tuple(arcs))


def test_values_only_fall_and_bounds_only_rise_on_the_way():
    heard = []
    answer = solve(flow(12), effort=QUICK, told=heard.append)
    told_values = [each.value for each in heard]
    told_bounds = [each.bound for each in heard]
    assert told_values == sorted(told_values, reverse=True)
    assert told_bounds == sorted(told_bounds)
    assert answer.values[0] == told_values[-1] >= answer.bounds[0] >= told_bounds[-1]


def test_equal_problems_get_equal_answers():
    assert solve(flow(9), effort=QUICK) == solve(flow(9), effort=QUICK)


def test_a_halt_before_the_start_still_gives_a_schedule_with_a_bound():
    halt = Halt()
    halt.ask()
    shop = flow(20)
    answer = solve(shop, halt=halt)
    assert violations(shop, answer.schedule) == ()
    assert answer.outcome in (Outcome.FOUND, Outcome.PROVEN)
    assert answer.bounds[0] <= answer.values[0]


def test_nothing_to_do_is_done_at_once():
    answer = solve(Shop(name="empty", tasks=(), resources=(), jobs=()))
    assert answer.outcome is Outcome.PROVEN
    assert answer.schedule == Schedule((), ())
