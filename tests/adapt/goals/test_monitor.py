"""Goals are met, missed and endangered as the history of processes goes on."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapt.goals.histories import BAKERY, Plant, at, done, event, goals, started
from fabloop.adapt.goals.monitor import Happening, Monitor, restored
from fabloop.adapt.goals.risk import Remaining
from fabloop.adapt.goals.tracks import Forecast
from fabloop.base.errors import NotFound
from fabloop.base.instant import HOUR, Instant, iso_of
from fabloop.model.explanation import GoalCode
from fabloop.model.facts import GoalEndangered, GoalFact, GoalMet, GoalRestored, GoalViolated
from fabloop.model.goal import GoalStatus
from fabloop.model.ids import GoalId
from fabloop.process.commands import (
    ActivateJobs,
    CompleteJob,
    Deploy,
    JobsActivated,
    StartInstance,
)
from fabloop.process.history.event import EventKind

G1, G11, G2, K1 = GoalId("G1"), GoalId("G1.1"), GoalId("G2"), GoalId("K1")
BPMN = b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
 xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t">
<process id="bake" isExecutable="true"><startEvent id="s"/>
<sequenceFlow id="f1" sourceRef="s" targetRef="cook"/>
<serviceTask id="cook"><extensionElements><zeebe:taskDefinition type="cook"/></extensionElements>
</serviceTask><sequenceFlow id="f2" sourceRef="cook" targetRef="hand-over"/>
<serviceTask id="hand-over"><extensionElements><zeebe:taskDefinition type="hand"/>
</extensionElements></serviceTask><sequenceFlow id="f3" sourceRef="hand-over" targetRef="e"/>
<endEvent id="e"/></process></definitions>"""


def kinds(facts: tuple[GoalFact, ...]) -> list[tuple[str, str]]:
    return [(type(each).__name__, each.goal) for each in facts]


def test_a_goal_is_met_when_the_event_comes_in_time():
    watch = Monitor(goals())
    assert watch.hear([started()]) == ()
    facts = watch.hear([done("hand-over", 10)])
    assert kinds(facts) == [("GoalMet", "G1")]
    assert facts[0].at == at(10)


def test_a_goal_is_missed_at_its_deadline_and_was_in_danger_before():
    watch = Monitor(goals())
    facts = (*watch.hear([started()]), *watch.advance(at(36.1)))
    assert kinds(facts) == [("GoalEndangered", "G1"), ("GoalViolated", "G1")]
    endangered, missed = facts
    assert endangered.at < at(36) == missed.at
    assert endangered.because.code == GoalCode.TIME_RUNS_OUT
    assert missed.because.code == GoalCode.LATE


def test_an_event_exactly_at_the_deadline_is_in_time():
    watch = Monitor(goals())
    facts = (*watch.hear([started()]), *watch.hear([done("hand-over", 36)]))
    assert kinds(facts)[-1] == ("GoalMet", "G1")


def test_a_late_word_of_something_in_time_puts_it_right():
    watch = Monitor(goals())
    watch.hear([started()])
    assert ("GoalViolated", "G1") in kinds(watch.advance(at(37)))
    facts = watch.hear([done("hand-over", 35.5)])
    assert kinds(facts) == [("GoalRestored", "G1"), ("GoalMet", "G1")]


def test_hearing_everything_twice_tells_nothing_twice():
    watch = Monitor(goals())
    history = [started(), done("hand-over", 10), done("deliver", 50)]
    first = watch.hear(history)
    assert kinds(first) == [("GoalMet", "G1"), ("GoalMet", "G2")]
    assert watch.hear(history) == ()


def test_the_order_in_which_events_are_heard_does_not_matter():
    history = [
        started(),
        event(EventKind.VARIABLES_SET, 1, variables={"qr_code": "m-1", "bad": 3}),
        done("cook", 2),
        done("hand-over", 40),
        done("deliver", 60),
    ]
    found = set()
    for order in permutations(history):
        watch = Monitor(goals())
        watch.hear(order)
        watch.advance(at(100))
        found.add(
            tuple(
                (goal, key, standing.status, standing.since)
                for goal, key in ((G1, "o-1"), (G11, "m-1"), (G2, "o-1"), (K1, "2026-W48"))
                if (standing := watch.standing(goal, key)) is not None
            )
        )
    assert {len(each) for each in found} == {4}
    assert {each[0][2:] for each in found} == {(GoalStatus.VIOLATED, at(36))}
    assert {each[2][2:] for each in found} == {(GoalStatus.MET, at(60))}


def test_an_overcooked_muffin_endangers_its_order():
    watch = Monitor(goals())
    watch.hear([started()])
    watch.hear([event(EventKind.VARIABLES_SET, 1, variables={"qr_code": "m-1", "bad": 0})])
    facts = watch.hear([done("cook", 2), event(EventKind.VARIABLES_SET, 2, variables={"bad": 3})])
    assert kinds(facts) == [("GoalViolated", "G1.1"), ("GoalEndangered", "G1")]
    assert facts[0].because.code == GoalCode.HAPPENED
    assert facts[0].because.consequence == "G1 is in danger"
    assert facts[1].because.code == GoalCode.PARTS_AT_RISK


def test_a_goal_needed_for_another_takes_it_with_it():
    watch = Monitor(goals(BAKERY.replace("part of G1", "needed for G1")))
    watch.hear([started()])
    watch.hear([event(EventKind.VARIABLES_SET, 1, variables={"qr_code": "m-1", "bad": 3})])
    facts = watch.hear([done("cook", 2)])
    assert kinds(facts) == [("GoalViolated", "G1.1"), ("GoalViolated", "G1")]
    assert facts[1].because.code == GoalCode.PARTS_LOST


def test_a_goal_that_its_instance_has_ended_without_is_missed_at_once():
    watch = Monitor(goals())
    watch.hear([started()])
    facts = watch.hear([event(EventKind.INSTANCE_COMPLETED, 3)])
    assert kinds(facts)[:2] == [("GoalViolated", "G1"), ("GoalViolated", "G2")]
    assert facts[0].because.code == GoalCode.ENDED_WITHOUT


def test_a_real_engine_is_watched_with_variables_of_the_step_itself():
    plant, watch = Plant(), Monitor(goals())
    plant.does(Deploy(process=BPMN), at(0))
    command = StartInstance(process="bake", variables={"qr_code": ["m-1"]}, business_key="o-9")
    plant.does(command, at(0))
    assert watch.hear(plant.taken()) == ()
    for kind, hours in (("cook", 1), ("hand", 2)):
        job = plant.does(ActivateJobs(type=kind, worker="w", lease_ns=HOUR), at(hours))
        assert isinstance(job, JobsActivated)
        taken = job.jobs[0]
        answer = CompleteJob(job=taken.key, epoch=taken.epoch, variables={"bad": 2})
        plant.does(answer, at(hours + 0.5))
    facts = watch.hear(plant.taken())
    assert kinds(facts) == [
        ("GoalViolated", "G1.1"),
        ("GoalEndangered", "G1"),
        ("GoalMet", "G1"),
        ("GoalViolated", "G2"),
        ("GoalEndangered", "K1"),
    ]


def test_a_plan_that_ends_too_late_puts_a_goal_in_danger_and_another_one_out_of_it():
    watch = Monitor(goals())
    watch.hear([started()])
    late = Forecast(instants=(at(40),), source="plan", made_at=at(1))
    facts = watch.expect("order", "o-1", "fulfilled", [late])
    assert kinds(facts) == [("GoalEndangered", "G1")]
    danger = facts[0]
    assert isinstance(danger, GoalEndangered)
    assert (danger.risk, danger.expected, danger.deadline) == (1.0, at(40), at(36))
    assert [each.code for each in danger.because.options] == ["speed-up", "give-time"]
    good = Forecast(instants=(at(30),), source="plan", made_at=at(2))
    facts = watch.expect("order", "o-1", "fulfilled", [good])
    assert kinds(facts) == [("GoalRestored", "G1")]


def test_a_risk_that_swings_about_the_limit_does_not_flap():
    watch = Monitor(goals())
    watch.hear([started()])
    facts: list[GoalFact] = []
    for turn in range(20):
        late = 6 if turn % 2 else 4  # 60 % and 40 %: around the limit of 50 %
        instants = tuple([at(30)] * (10 - late) + [at(40)] * late)
        made = Instant(at(1) + turn)
        forecast = Forecast(instants=instants, source="simulation", made_at=made)
        facts += watch.expect("order", "o-1", "fulfilled", [forecast])
    assert kinds(tuple(facts)) == [("GoalEndangered", "G1")]


def test_experience_tells_before_the_clock_does():
    watch = Monitor(goals())
    for number in range(10):
        own = {"order": f"a-{number}", "instance": 100 + number}
        watch.hear([started(0, **own), done("cook", 1, **own), done("hand-over", 31, **own)])
    facts = (*watch.hear([started(40)]), *watch.hear([done("cook", 45)]))
    assert facts == ()
    calm = [started(60, "o-2", 2), done("cook", 65, "o-2", 2)]
    slow = [started(61, "o-3", 3), done("cook", 70, "o-3", 3)]  # 30 h more are 3 h too late
    facts = [each for each in watch.hear([*calm, *slow]) if each.key in ("o-2", "o-3")]
    assert kinds(tuple(facts)) == [("GoalEndangered", "G1")]
    (danger,) = facts
    assert isinstance(danger, GoalEndangered)
    assert (danger.key, danger.expected, danger.risk) == ("o-3", at(100), 1.0)
    assert danger.because.details["source"] == "experience"


def test_a_checkpoint_goes_on_as_if_nothing_had_been():
    history = [started(), done("cook", 2), done("hand-over", 40), done("deliver", 60)]
    whole, first = Monitor(goals()), Monitor(goals())
    expected = whole.hear(history)
    found = first.hear(history[:2])
    second = restored(goals(), first.checkpoint())
    assert (*found, *second.hear(history[2:])) == expected
    assert second.memory == whole.memory


def test_a_checkpoint_of_other_goals_begins_anew():
    first = Monitor(goals())
    first.hear([started()])
    other = restored(goals(BAKERY.replace("version 1", "version 2")), first.checkpoint())
    assert other.memory.tracks == {}


def test_what_is_told_by_name_counts_as_what_a_process_tells():
    text = """
goals shop version 1
event received(order): fact
event done(order): fact
goal due for each order: done by due
goal fast for each order: done within 3 h of received
"""
    watch = Monitor(goals(text))
    watch.tell(Happening(event="received", subject="order", key="x", at=at(0)))
    watch.due(GoalId("due"), "x", at(2))
    facts = watch.tell(Happening(event="done", subject="order", key="x", at=at(2.5)))
    assert kinds(facts)[-2:] == [("GoalViolated", "due"), ("GoalMet", "fast")]


@pytest.mark.parametrize(("met", "status"), [(19, GoalStatus.MET), (18, GoalStatus.VIOLATED)])
def test_a_share_over_the_week_is_decided_when_the_week_is_over(met: int, status: GoalStatus):
    watch = Monitor(goals())
    facts: list[GoalFact] = []
    for number in range(20):
        own = {"order": f"o-{number}", "instance": number + 1}
        facts += watch.hear([started(1, **own)])
        if number < met:
            facts += watch.hear([done("deliver", 2, **own)])
    facts += watch.advance(at(24 * 7))
    found = watch.standing(K1, "2026-W48")
    assert found is not None
    assert found.status is status
    last = [each for each in facts if each.goal == K1][-1]
    assert isinstance(last, GoalMet if status is GoalStatus.MET else GoalViolated)
    assert last.because.evidence[0].value == met / 20
    assert last.key == "2026-W48"
    if status is GoalStatus.VIOLATED:
        assert [type(each) for each in facts if each.goal == K1] == [GoalEndangered, GoalViolated]


def test_a_week_in_which_clocks_change_is_an_hour_longer():
    watch = Monitor(goals())
    autumn = 24 * -31  # 23 October 2026, a Friday; clocks go back on the 25th
    watch.hear([started(autumn), done("deliver", autumn + 1)])
    bucket = next(each for each in watch.memory.buckets[K1].values() if each.met)
    assert (bucket.end - bucket.start) / HOUR == 7 * 24 + 1


def test_calendar_days_keep_the_time_that_clocks_show():
    text = BAKERY.replace("within 36 h of", "within 3 calendar days of")
    watch = Monitor(goals(text))
    friday = 24 * -31
    watch.hear([started(friday)])
    facts = watch.hear([done("hand-over", friday + 72.9)])
    assert ("GoalMet", "G1") in kinds(facts)


def test_restored_is_told_when_a_danger_is_over():
    more = """
goal G9 for each order: any part
goal G9.1 for each order, part of G9: delivered within 1 h of received
"""
    watch = Monitor(goals(BAKERY + more))
    facts = [*watch.hear([started()]), *watch.hear([done("deliver", 0.99)])]
    dangers = [each for each in facts if isinstance(each, GoalEndangered | GoalRestored)]
    assert [type(each).__name__ for each in dangers if each.goal == "G9"] == ["GoalEndangered"]
    assert ("GoalMet", "G9") in kinds(tuple(facts))


def test_what_happened_before_it_was_known_to_whom_counts():
    text = """
goals g version 1
subject muffin: qr_code of process bake
goal G for each muffin: done within 3 h of started
"""
    watch = Monitor(goals(text))
    watch.hear([started()])
    watch.hear([event(EventKind.VARIABLES_SET, 1, variables={"qr_code": ["m-1", "m-2"]})])
    found = watch.standing(GoalId("G"), "m-2")
    assert found is not None
    assert (found.status, found.deadline) == (GoalStatus.OPEN, at(3))


def test_the_end_of_a_called_process_is_not_the_end_of_the_order():
    text = "goals g version 1\ngoal G for each order: done within 3 h of received\n"
    watch = Monitor(goals(text))
    watch.hear([started()])
    called = {"instance": 2, "root": 1, "process": "cook"}
    watch.hear([event(EventKind.INSTANCE_STARTED, 1, **called)])
    watch.hear([event(EventKind.INSTANCE_COMPLETED, 2, **called)])
    found = watch.standing(GoalId("G"), "o-1")
    assert found is not None
    assert found.status is GoalStatus.OPEN
    assert kinds(watch.hear([event(EventKind.INSTANCE_COMPLETED, 2.5)])) == [("GoalMet", "G")]


def test_a_date_among_the_variables_is_the_deadline_and_may_be_moved():
    text = """
goals g version 1
subject order: business key of process bake
goal G for each order: done by due
"""
    watch = Monitor(goals(text))
    first = event(EventKind.INSTANCE_STARTED, 0, variables={"due": iso_of(at(5))})
    assert watch.hear([first]) == ()
    later = event(EventKind.VARIABLES_SET, 1, variables={"due": iso_of(at(9))})
    assert watch.hear([later]) == ()
    assert kinds(watch.advance(at(6))) == []
    assert kinds(watch.advance(at(9.1))) == [("GoalEndangered", "G"), ("GoalViolated", "G")]


def test_estimates_of_another_version_count_once_an_instance_has_migrated():
    text = """
goals g version 1
subject order: business key of process bake
event out(order): completion of hand-over
goal G for each order: out within 3 h of received
"""
    slow = Remaining(least_ns=5 * HOUR, likely_ns=5 * HOUR, most_ns=6 * HOUR)
    watch = Monitor(goals(text), estimates={"bake 2": {"out(order)": {">cook": slow}}})
    assert watch.hear([started(), event(EventKind.STARTED, 0.1, node="cook", key=7)]) == ()
    moved = event(EventKind.VARIABLES_SET, 0.2, version=2, variables={"x": 1})
    (fact,) = watch.hear([moved])
    assert isinstance(fact, GoalViolated)
    assert fact.because.code == GoalCode.UNREACHABLE


ORDERS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["start", "hand-over", "deliver", "cook", "end"]),
        st.integers(0, 90),
    ),
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(ORDERS, st.randoms(use_true_random=False))
def test_decisions_follow_from_what_happened_not_from_when_it_was_heard(happened, chance):
    history = [started(0, f"o-{number}", number + 1) for number in range(3)]
    ended: set[int] = set()
    for number, what, hours in sorted(happened, key=lambda each: each[2]):
        if what == "start" or number in ended:
            continue
        own = {"order": f"o-{number}", "instance": number + 1}
        if what == "end":
            ended.add(number)
            kind = EventKind.INSTANCE_COMPLETED
            one = {"business_key": f"o-{number}", "instance": number + 1, "root": number + 1}
            history.append(event(kind, hours, **one))
        else:
            history.append(done(what, hours, **own))
    heard = [*history, *history]
    chance.shuffle(heard)
    first, second = Monitor(goals()), Monitor(goals())
    for watch, events in ((first, history), (second, heard)):
        for each in events:
            watch.hear([each])
        watch.advance(at(24 * 14))
    assert decisions(first) == decisions(second)


def decisions(watch: Monitor) -> dict[tuple[str, str], tuple[GoalStatus, int]]:
    found = {
        (goal, track.key): (standing.status, standing.since)
        for track in watch.memory.tracks.values()
        for goal, standing in track.standings.items()
    }
    shares = {
        (goal, str(start)): (bucket.standing.status, bucket.met)
        for goal, buckets in watch.memory.buckets.items()
        for start, bucket in buckets.items()
        if bucket.met or bucket.violated
    }
    return {**found, **shares}


def test_what_is_missed_says_which_figure_counts_it():
    watch = Monitor(goals())
    watch.hear([started()])
    facts = watch.hear([event(EventKind.INSTANCE_COMPLETED, 3)])
    told = {each.goal: each.because.consequence for each in facts}
    assert told["G2"] == "K1 counts it as missed"


def test_names_that_the_goals_do_not_know_are_refused():
    watch = Monitor(goals())
    with pytest.raises(NotFound, match="Did you mean 'order'"):
        watch.tell(Happening(event="done", subject="ordr", key="x", at=at(0)))
    with pytest.raises(NotFound, match="Did you mean 'fulfilled'"):
        watch.expect("order", "x", "fulfiled", [])


def test_beyond_its_limit_a_monitor_forgets_what_is_decided(monkeypatch):
    monkeypatch.setattr("fabloop.adapt.goals.monitor.TRACKS_MAX", 10)
    watch = Monitor(goals())
    for number in range(12):
        own = {"order": f"o-{number}", "instance": number + 1}
        watch.hear([started(1, **own), done("hand-over", 2, **own), done("deliver", 3, **own)])
    open_one = started(4, "open", 99)
    watch.hear([open_one])
    assert len(watch.memory.tracks) <= 11
    assert ("order", "open") in watch.memory.tracks
    bucket = next(each for each in watch.memory.buckets[K1].values() if each.met)
    assert bucket.met == 12


def test_a_model_without_durations_does_not_silence_the_clock():
    nothing = Remaining(least_ns=0, likely_ns=0, most_ns=0)
    estimates = {"bake 1": {"fulfilled(order)": {"s": nothing, ">cook": nothing}}}
    watch = Monitor(goals(), estimates=estimates)
    watch.hear([started(), event(EventKind.STARTED, 0.1, node="cook", key=7)])
    facts = watch.advance(at(35))
    assert kinds(facts) == [("GoalEndangered", "G1")]
    assert facts[0].because.code == GoalCode.TIME_RUNS_OUT


def test_a_node_that_several_are_at_is_left_when_the_last_one_leaves_it():
    text = """
goals g version 1
subject order: business key of process bake
event out(order): completion of hand-over
goal G for each order: out within 3 h of received
"""
    long = Remaining(least_ns=2 * HOUR, likely_ns=2 * HOUR, most_ns=3 * HOUR)
    estimates = {"bake 1": {"out(order)": {">cook": long, "cook": long}}}
    watch = Monitor(goals(text), estimates=estimates)
    begun = [event(EventKind.STARTED, 0.5, node="cook", key=key) for key in (7, 8)]
    watch.hear([started(), *begun, *begun])
    watch.hear([event(EventKind.COMPLETED, 1.5, node="cook", key=8)])
    found = watch.standing(GoalId("G"), "o-1")
    assert found is not None
    assert found.status is not GoalStatus.VIOLATED  # one is at it still, and may be quick enough
    watch.hear([event(EventKind.COMPLETED, 1.6, node="cook", key=7), *begun])
    found = watch.standing(GoalId("G"), "o-1")
    assert found is not None
    assert found.status is GoalStatus.VIOLATED  # 1.6 h and 2 h are more than 3 h


def test_what_takes_longer_than_its_estimate_is_in_danger_by_its_age_and_before_the_clock_says():
    text = """
goals g version 1
subject order: business key of process bake
event out(order): completion of hand-over
goal G for each order: out within 36 h of received
"""
    soon = Remaining(least_ns=0, likely_ns=HOUR, most_ns=2 * HOUR)
    estimated = Monitor(goals(text), estimates={"bake 1": {"out(order)": {">cook": soon}}})
    by_clock = Monitor(goals(text))
    for watch in (estimated, by_clock):
        watch.hear([started(), event(EventKind.STARTED, 0, node="cook", key=7)])
        assert watch.advance(at(3)) == ()  # it is late, and there is much time left
    (fact,) = estimated.advance(at(20))
    assert isinstance(fact, GoalEndangered)
    assert fact.because.details["source"] == "estimate"
    assert fact.because.details["node"] == "cook"
    assert by_clock.advance(at(20)) == ()
    assert [type(each) for each in estimated.advance(at(37))] == [GoalViolated]


def test_what_is_missed_deep_inside_endangers_the_whole():
    text = """
goals g version 1
subject order: business key of process bake
subject box within order: box_id of process bake
subject muffin within box: muffin_id of process bake
goal G for each order: done within 36 h of received
goal G.box for each box, part of G: all parts
goal G.muffin for each muffin, needed for G.box: always heat <= 180
"""
    watch = Monitor(goals(text))
    names = {"box_id": "b-1", "muffin_id": ["m-1", "m-2"], "heat": 170}
    watch.hear([started()])
    assert watch.hear([event(EventKind.VARIABLES_SET, 1, variables=names)]) == ()
    facts = watch.hear([event(EventKind.VARIABLES_SET, 2, variables={"heat": 190})])
    assert ("GoalViolated", "G.muffin") in kinds(facts)
    assert ("GoalViolated", "G.box") in kinds(facts)
    assert kinds(facts).count(("GoalEndangered", "G")) == 1
