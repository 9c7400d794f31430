"""The checker accepts what is made, and names what is broken in it."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabloop.plan.shop.answer import Effort
from fabloop.plan.shop.checker import violations
from fabloop.plan.shop.model import (
    Arc,
    Choice,
    Job,
    Mode,
    Option,
    PairLag,
    Resource,
    Schedule,
    SetUp,
    Shop,
    Span,
    Task,
    Use,
)
from fabloop.plan.shop.solve import solve
from plan.shop.tiny_shops import shops

replace = msgspec.structs.replace


def task(name, ticks=2, *, resource=0, **others):
    return Task(name=name, job=0, modes=(Mode(ticks=ticks, uses=(Use(resource),)),), **others)


def shop(*tasks, resource=None, job=None, **others):
    resource = resource or Resource(name="lathe")
    job = job or Job(name="part")
    return Shop(name="s", tasks=tasks, resources=(resource,), jobs=(job,), **others)


def rules(problem, *starts, modes=None, taken=()):
    modes = modes or tuple(0 for _ in problem.tasks)
    return {each.rule for each in violations(problem, Schedule(modes, starts, taken))}


def test_two_tasks_on_one_machine_may_touch_and_not_overlap():
    problem = shop(task("a"), task("b"))
    assert rules(problem, 0, 2) == set()
    assert rules(problem, 0, 1) == {"capacity"}


def test_a_pool_takes_as_much_as_it_holds():
    problem = shop(task("a"), task("b"), task("c"), resource=Resource(name="men", capacity=2))
    assert rules(problem, 0, 0, 2) == set()
    assert rules(problem, 0, 1, 1) == {"capacity"}


def test_a_task_does_not_reach_into_closed_time():
    problem = shop(task("a"), resource=Resource(name="lathe", closed=(Span(3, 5),)))
    assert rules(problem, 1) == rules(problem, 5) == set()
    assert rules(problem, 2) == rules(problem, 4) == {"closed"}


def test_a_set_up_takes_its_time_between_families_and_at_the_beginning():
    setups = (SetUp(before="", after="red", ticks=1), SetUp(before="red", after="blue", ticks=3))
    lathe = Resource(name="lathe", setups=setups)
    problem = shop(task("a", family="red"), task("b", family="blue"), resource=lathe)
    assert rules(problem, 1, 6) == set()
    assert rules(problem, 0, 5) == {"set-up"}
    assert rules(problem, 1, 5) == {"set-up"}
    assert rules(problem, 3, 0) == set()


def test_a_batch_starts_and_ends_together_and_is_not_too_large():
    oven = Resource(name="oven", batch_max=2)
    problem = shop(*(task(name, batch="dough") for name in "abc"), resource=oven)
    assert rules(problem, 0, 0, 2) == set()
    assert rules(problem, 0, 1, 3) == {"capacity"}
    assert rules(problem, 0, 0, 0) == {"batch"}


def test_arcs_hold_with_their_lags_and_pairs_of_modes():
    two = Task(name="b", job=0, modes=(Mode(ticks=1), Mode(ticks=1)))
    pairs = (PairLag(before_mode=0, after_mode=1, ticks=None),)
    problem = shop(task("a"), two, arcs=(Arc(before=0, after=1, lag=3, pairs=pairs),))
    assert rules(problem, 0, 5) == set()
    assert rules(problem, 0, 4) == {"precedence"}
    assert rules(problem, 0, 9, modes=(0, 1)) == {"pair"}


def test_one_option_of_each_choice_is_taken_and_its_tasks_are_done():
    tasks = (task("a", option=0), task("b", option=1))
    options = (Option(choice=0), Option(choice=0))
    problem = shop(*tasks, choices=(Choice(),), options=options)
    assert rules(problem, 0, 0, modes=(0, None), taken=(True, False)) == set()
    assert "choice" in rules(problem, 0, 2, taken=(True, True))
    assert "presence" in rules(problem, 0, 0, modes=(None, 0), taken=(True, False))


def test_a_serial_job_and_a_release_are_kept():
    lathe = Resource(name="lathe", capacity=2)
    job = Job(name="part", release=1, serial=True)
    problem = shop(task("a"), task("b"), resource=lathe, job=job)
    assert rules(problem, 1, 3) == set()
    assert rules(problem, 1, 2) == {"serial"}
    assert rules(problem, 0, 3) == {"release"}


@pytest.mark.parametrize(
    "schedule",
    [Schedule((0,), (0, 1)), Schedule((0, 7), (0, 2)), Schedule((0, 0), (0, 2), (True,))],
)
def test_a_schedule_of_another_shape_is_told(schedule):
    problem = shop(task("a"), task("b"))
    assert {each.rule for each in violations(problem, schedule)} == {"shape"}


def broken(problem, schedule):
    """Yield schedules that break one rule, and which."""
    done = [number for number, mode in enumerate(schedule.modes) if mode is not None]

    def started(number, tick):
        starts = (*schedule.starts[:number], tick, *schedule.starts[number + 1 :])
        return replace(schedule, starts=starts)

    def moded(number, mode):
        modes = (*schedule.modes[:number], mode, *schedule.modes[number + 1 :])
        return replace(schedule, modes=modes)

    def mode_of(number):
        return problem.tasks[number].modes[schedule.modes[number]]

    for number in done:
        yield moded(number, None), "presence"
        yield started(number, problem.jobs[problem.tasks[number].job].release - 1), "release"
        for use in mode_of(number).uses if mode_of(number).ticks else ():
            for span in problem.resources[use.resource].closed:
                yield started(number, span.end - 1), "closed"
    for arc in problem.arcs:
        if arc.before in done and arc.after in done:
            ready = schedule.starts[arc.before] + mode_of(arc.before).ticks
            yield started(arc.after, ready - 1), "precedence"
    for first in done:
        for second in done:
            both = {each.resource for each in mode_of(first).uses}
            both &= {each.resource for each in mode_of(second).uses}
            single = [each for each in both if problem.resources[each].capacity == 1]
            long = mode_of(first).ticks and mode_of(second).ticks
            if first < second and single and long and problem.tasks[first].batch == "":
                yield started(second, schedule.starts[first]), "capacity"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problem=shops(), data=st.data())
def test_a_schedule_that_was_changed_for_the_worse_is_rejected(problem, data):
    schedule = solve(problem, effort=Effort(seconds=2.0, moves=500)).schedule
    if schedule is None:
        return
    assert violations(problem, schedule) == ()
    worse = list(broken(problem, schedule))
    if worse:
        changed, rule = data.draw(st.sampled_from(worse))
        assert rule in {each.rule for each in violations(problem, changed)}
