"""Timers and messages, waited for on a flow or at a boundary."""

import pytest

from fabloop.base.instant import SECOND, Instant, iso_of
from fabloop.process.bpmn.model import CatchEvent, Mapping
from fabloop.process.bpmn.triggers import TimerTrigger
from fabloop.process.commands import (
    Advanced,
    AdvanceTo,
    InstanceState,
    JobCancelled,
    MessagePublished,
    PublishMessage,
    StartInstance,
    TimerFired,
)
from fabloop.process.events import ALARMS_PER_COMMAND_MAX
from process.driver import Plant, both, flows, job, message, process, script, sub, timer, wait


@pytest.fixture
def plant():
    return Plant()


def test_a_timer_holds_its_token_until_it_is_due(plant):
    key = plant.starts(process(wait("pause", "PT10S"), links=flows("start pause end")))
    assert plant.engine.next_due() == plant.now + 10 * SECOND
    plant.passes(9.999)
    assert plant.ended(key) is InstanceState.ACTIVE
    plant.passes(0.001)
    assert plant.ended(key) is InstanceState.COMPLETED


def test_a_timer_reads_durations_and_dates_from_variables(plant):
    at = CatchEvent(id="at", trigger=TimerTrigger(date="when"))
    p = process(wait("pause", "delay"), at, links=flows("start pause at end"))
    when = iso_of(Instant(plant.now + 100 * SECOND))
    key = plant.starts(p, {"delay": "PT10S", "when": when})
    plant.passes(10)
    assert plant.engine.next_due() == 1_100 * SECOND
    plant.passes(90)
    assert plant.ended(key) is InstanceState.COMPLETED


@pytest.mark.parametrize(
    ("date", "due"),
    [
        ('date and time("2030-01-01T00:00:00@Europe/Vienna")', "2029-12-31T23:00:00Z"),
        ('date and time("2030-07-01T00:00:00+01:00")', "2030-06-30T23:00:00Z"),
        ('now() + duration("PT5M")', "1970-01-01T00:21:40Z"),
        ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z"),
    ],
)
def test_dates_of_timers_are_read_with_their_zone(plant, date, due):
    at = CatchEvent(id="at", trigger=TimerTrigger(date=date))
    plant.starts(process(at, links=flows("start at end")))
    assert iso_of(plant.engine.next_due()) == due


@pytest.mark.parametrize("date", ['"2030-01-01T00:00:00@Moon/Base"', '"2030-01-01T00:00:00"', "7"])
def test_a_date_without_a_meaning_is_an_incident(plant, date):
    at = CatchEvent(id="at", trigger=TimerTrigger(date=date))
    key = plant.starts(process(at, links=flows("start at end")))
    assert [each.kind for each in plant.engine.incidents(key)] == ["timer"]


def test_an_interrupting_timer_ends_the_work_and_goes_another_way(plant):
    p = process(job("a"), timer("late", "a", "PT5S"), job("b"),
                links=flows("start a end", "late b end"))  # fmt: skip
    plant.starts(p)
    (held,) = plant.takes("do-a", "w1")
    plant.passes(5)
    assert plant.open_nodes() == ["b"]
    assert [each.job for each in plant.told(JobCancelled)] == [held.key]
    assert [each.node for each in plant.told(TimerFired)] == ["late"]


def test_a_timer_is_gone_once_its_work_is_done(plant):
    p = process(job("a"), timer("late", "a", "PT5S"), job("b"),
                links=flows("start a b end", "late end"))  # fmt: skip
    plant.starts(p)
    plant.completes("a")
    assert plant.engine.next_due() is None


def test_a_timer_that_does_not_interrupt_starts_a_second_branch(plant):
    p = process(job("a"), timer("remind", "a", "PT5S", interrupting=False), job("call"),
                links=flows("start a end", "remind call end"))  # fmt: skip
    key = plant.starts(p)
    plant.passes(5)
    assert plant.open_nodes() == ["a", "call"]
    plant.completes("a")
    assert plant.ended(key) is InstanceState.ACTIVE
    plant.completes("call")
    assert plant.ended(key) is InstanceState.COMPLETED


def test_of_two_timers_due_at_once_the_first_wins_and_the_other_is_gone(plant):
    p = process(job("a"), timer("t1", "a", "PT5S"), timer("t2", "a", "PT5S"), job("b"), job("c"),
                links=flows("start a end", "t1 b end", "t2 c end"))  # fmt: skip
    plant.starts(p)
    plant.passes(100)
    assert plant.open_nodes() == ["b"]
    assert [each.node for each in plant.told(TimerFired)] == ["t1"]


def test_a_reminder_and_a_deadline_both_fire_when_time_jumps_past_them(plant):
    p = process(job("a"), timer("remind", "a", "PT5S", interrupting=False),
                timer("late", "a", "PT9S"), job("b"), job("c"),
                links=flows("start a end", "remind b end", "late c end"))  # fmt: skip
    plant.starts(p)
    plant.passes(100)
    assert plant.open_nodes() == ["b", "c"]
    assert [each.due - 1_000 * SECOND for each in plant.told(TimerFired)] == [
        5 * SECOND, 9 * SECOND]  # fmt: skip


def test_a_timer_on_a_subprocess_drops_everything_in_it(plant):
    inner = sub("box", both("f"), job("a"), wait("w", "PT1H"), message("m", "M", '"k"'),
                links=flows("box.s f a box.e", "f w box.e", "f m box.e"))  # fmt: skip
    p = process(inner, timer("late", "box", "PT5S"), links=flows("start box end", "late end"))
    key = plant.starts(p)
    plant.passes(5)
    assert plant.ended(key) is InstanceState.COMPLETED
    state = plant.engine.state
    assert not any((state.acts, state.jobs, state.timers, state.subscriptions, state.frames))
    assert plant.engine.next_due() is None


def test_much_that_is_due_is_done_in_bounded_portions(plant):
    p = process(wait("pause", "PT1S"), links=flows("start pause end"))
    plant.starts(p)
    for _ in range(ALARMS_PER_COMMAND_MAX + 4):
        plant.engine.handle(StartInstance(process="p"), at=plant.now)
    later = Instant(plant.now + SECOND)
    first = plant.engine.handle(AdvanceTo(now=later), at=later).reply
    assert first == Advanced(ALARMS_PER_COMMAND_MAX, later)
    second = plant.engine.handle(AdvanceTo(now=later), at=later).reply
    assert second == Advanced(5, None)


# -- messages -----------------------------------------------------------------------------------

WAITING = process(message("m", "arrived", "lot"), job("after"), links=flows("start m after end"))


def test_a_message_goes_to_the_instance_with_its_key(plant):
    one = plant.starts(WAITING, {"lot": "A"})
    two = plant.starts(WAITING, {"lot": "B"})
    reply = plant.does(PublishMessage(name="arrived", correlation_key="B", variables={"n": 3}))
    assert reply == MessagePublished((two,), duplicate=False)
    assert plant.at_nodes(one) == ["m"]
    assert plant.engine.instance(two).variables == {"lot": "B", "n": 3}


def test_whole_numbers_correlate_by_their_digits(plant):
    key = plant.starts(WAITING, {"lot": 12})
    plant.does(PublishMessage(name="arrived", correlation_key="12"))
    assert plant.at_nodes(key) == ["after"]


def test_a_message_goes_to_one_instance_per_process(plant):
    first = plant.starts(WAITING, {"lot": "A"})
    second = plant.starts(WAITING, {"lot": "A"})
    other = process(message("m", "arrived", '"A"'), links=flows("start m end"), id="q")
    third = plant.starts(other)
    reply = plant.does(PublishMessage(name="arrived", correlation_key="A"))
    assert reply.instances == (first, third)
    assert plant.at_nodes(second) == ["m"]


def test_a_message_without_a_taker_is_kept_while_it_lives(plant):
    keep = PublishMessage(name="arrived", correlation_key="A", time_to_live_ns=10 * SECOND,
                          variables={"n": 1})  # fmt: skip
    plant.does(keep)
    plant.passes(9)
    first = plant.starts(WAITING, {"lot": "A"})
    second = plant.starts(WAITING, {"lot": "A"})
    assert plant.at_nodes(first) == ["after"]
    assert plant.engine.instance(first).variables["n"] == 1
    assert plant.at_nodes(second) == ["m"], "a process takes a message once"
    plant.passes(1)
    assert plant.engine.state.messages == {}


def test_a_message_that_is_past_its_time_is_not_taken_even_before_it_is_dropped(plant):
    plant.does(PublishMessage(name="arrived", correlation_key="A", time_to_live_ns=SECOND))
    plant.now = Instant(plant.now + SECOND)
    assert plant.at_nodes(plant.starts(WAITING, {"lot": "A"})) == ["m"]


def test_a_message_without_a_life_is_lost_when_nobody_waits(plant):
    plant.does(PublishMessage(name="arrived", correlation_key="A"))
    assert plant.at_nodes(plant.starts(WAITING, {"lot": "A"})) == ["m"]


def test_a_second_message_with_the_same_id_is_ignored_while_the_first_is_kept(plant):
    sent = PublishMessage(name="arrived", correlation_key="A", time_to_live_ns=10 * SECOND,
                          message_id="scan-1")  # fmt: skip
    first = plant.starts(WAITING, {"lot": "A"})
    second = plant.starts(WAITING, {"lot": "A"})
    assert plant.does(sent).instances == (first,)
    assert plant.does(sent) == MessagePublished((), duplicate=True)
    plant.passes(11)
    assert plant.does(sent).instances == (second,)


def test_outputs_choose_what_a_message_brings(plant):
    m = message("m", "arrived", '"k"', outputs=(Mapping(source="weight / 2", target="half"),))
    p = process(m, script("s", "half + 1", "y"), links=flows("start m s end"))
    key = plant.starts(p)
    plant.does(PublishMessage(name="arrived", correlation_key="k", variables={"weight": 8}))
    assert plant.result(key) == {"half": 4, "y": 5}
