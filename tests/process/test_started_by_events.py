"""Start events of processes: messages, dates, KPIs; the latest version, one instance per key."""

import pytest

from fabloop.base.errors import Conflict, Invalid, NotFound
from fabloop.base.instant import SECOND, Instant, iso_of
from fabloop.process.bpmn.model import BpmnProcess, EndEvent, Mapping, StartEvent
from fabloop.process.bpmn.triggers import (
    ConditionTrigger,
    ErrorTrigger,
    EscalationTrigger,
    MessageTrigger,
    SignalTrigger,
    TimerTrigger,
)
from fabloop.process.commands import (
    AdvanceTo,
    CancelInstance,
    CompleteJob,
    CorrelateMessage,
    DatesSkipped,
    Deploy,
    InstanceState,
    Migrate,
    PublishMessage,
    ReportKpis,
    StartInstance,
    TimerFired,
)
from fabloop.process.operations import ResumeProcess, SuspendProcess
from fabloop.process.timers import MISSED_DATES_MAX
from process.driver import END, Plant, call, flows, job, message, process, script


@pytest.fixture
def plant():
    return Plant()


def started_by(*starts: StartEvent, id: str = "p", work: str = "a") -> BpmnProcess:  # noqa: A002
    links = flows(*(f"{each.id} {work}" for each in starts), f"{work} end")
    return BpmnProcess(id=id, nodes=(*starts, job(work), END), flows=links)


def by(trigger: object, id: str = "on", **more: object) -> StartEvent:  # noqa: A002
    return StartEvent(id=id, trigger=trigger, **more)


ORDERED = by(MessageTrigger(name="ordered"))


def sent(key: str = "", **more: object) -> PublishMessage:
    return PublishMessage(name="ordered", correlation_key=key, **more)


def test_every_message_without_a_key_starts_an_instance(plant):
    plant.does(Deploy(process=started_by(ORDERED)))
    one, two = (plant.does(sent(variables={"n": n})).instances[0] for n in (1, 2))
    assert plant.engine.instance(one).variables == {"n": 1}
    assert plant.engine.instance(two).variables == {"n": 2}


def test_of_each_key_one_instance_runs_and_kept_messages_start_the_next(plant):
    plant.does(Deploy(process=started_by(ORDERED)))
    (one,) = plant.does(sent("A")).instances
    (other,) = plant.does(sent("B")).instances
    assert plant.does(sent("A")).instances == ()
    for n in (1, 2):
        kept = sent("A", variables={"n": n}, time_to_live_ns=99 * SECOND)
        assert plant.does(kept).instances == ()
    plant.does(CancelInstance(instance=one))
    running = [key for key in plant.engine.instances() if key != other]
    assert [plant.engine.instance(key).variables for key in running] == [{"n": 1}]
    (work,) = plant.engine.jobs(instance=running[0])
    plant.does(CompleteJob(job=work.key))
    running = [key for key in plant.engine.instances() if key != other]
    assert [plant.engine.instance(key).variables for key in running] == [{"n": 2}]


def test_a_message_that_is_past_its_time_starts_nothing_later(plant):
    plant.does(Deploy(process=started_by(ORDERED)))
    (one,) = plant.does(sent("A")).instances
    plant.does(sent("A", time_to_live_ns=SECOND))
    plant.now = Instant(plant.now + SECOND)
    plant.does(CancelInstance(instance=one))
    assert plant.engine.instances() == ()


def test_a_waiting_instance_takes_a_message_before_a_start_event_does(plant):
    p = started_by(ORDERED)
    m = message("m", "ordered", '"A"')
    p = BpmnProcess(id="p", nodes=(StartEvent(id="start"), m, *p.nodes),
                    flows=(*p.flows, *flows("start m end")))  # fmt: skip
    key = plant.starts(p)
    assert plant.does(sent("A")).instances == (key,)
    assert plant.ended(key) is InstanceState.COMPLETED


def test_a_new_version_takes_over_and_may_have_no_such_event(plant):
    plant.does(Deploy(process=started_by(ORDERED)))
    plant.does(Deploy(process=started_by(ORDERED, work="b")))
    plant.does(sent())
    assert plant.open_nodes() == ["b"]
    plant.does(Deploy(process=process(job("c"), links=flows("start c end"))))
    assert plant.does(sent()).instances == ()
    assert not plant.engine.state.openings
    assert not plant.engine.state.opened


def test_a_suspended_process_is_not_started(plant):
    plant.does(Deploy(process=started_by(ORDERED)))
    plant.does(SuspendProcess(process="p"))
    assert plant.does(sent()).instances == ()
    plant.does(ResumeProcess(process="p"))
    assert len(plant.does(sent()).instances) == 1


def test_outputs_choose_what_a_message_brings_to_its_instance(plant):
    on = by(MessageTrigger(name="ordered"), outputs=(Mapping(source="n * 2", target="m"),))
    plant.does(Deploy(process=started_by(on)))
    (key,) = plant.does(sent(variables={"n": 4, "noise": True})).instances
    assert plant.engine.instance(key).variables == {"m": 8}


def test_a_process_with_several_starts_begins_at_the_right_one(plant):
    plain, other = StartEvent(id="start"), by(SignalTrigger(name="S"), "sig")
    nodes = (plain, ORDERED, other, job("a"), job("b"), END)
    links = flows("start a end", "on b end", "sig b")
    plant.does(Deploy(process=BpmnProcess(id="p", nodes=nodes, flows=links)))
    plant.does(StartInstance(process="p"))
    plant.does(sent())
    assert plant.open_nodes() == ["a", "b"]


def test_a_process_that_only_events_start_cannot_be_started_by_command_or_called(plant):
    plant.does(Deploy(process=started_by(ORDERED)))
    with pytest.raises(Conflict, match="started by its events only: 'on'"):
        plant.does(StartInstance(process="p"))
    key = plant.starts(process(call("c", "p"), links=flows("start c end"), id="caller"))
    assert [each.kind for each in plant.engine.incidents(key)] == ["call"]


def test_correlation_that_nobody_waits_for_is_refused(plant):
    ask = CorrelateMessage(name="ordered", correlation_key="A")
    with pytest.raises(NotFound, match="nobody does"):
        plant.does(ask)
    plant.does(Deploy(process=started_by(ORDERED)))
    assert len(plant.does(ask).instances) == 1
    with pytest.raises(NotFound):
        plant.does(ask)


def test_the_name_of_a_start_event_must_be_known_at_deployment(plant):
    on = by(MessageTrigger(name='="orders-" + plant'))
    with pytest.raises(Invalid, match="needs no variables"):
        plant.does(Deploy(process=started_by(on)))
    on = by(MessageTrigger(name='="orders-" + "graz"'))
    plant.does(Deploy(process=started_by(on)))
    assert len(plant.does(PublishMessage(name="orders-graz")).instances) == 1


# -- dates --------------------------------------------------------------------------------------


def test_a_cycle_starts_instances_from_its_due_times_without_drift(plant):
    plant.does(Deploy(process=started_by(by(TimerTrigger(cycle="R3/PT10S")))))
    begun = plant.now
    plant.passes(13)  # late
    plant.passes(7)
    plant.passes(100)
    assert len(plant.engine.instances()) == 3
    assert [(each.due - begun) // SECOND for each in plant.told(TimerFired)] == [10, 20, 30]
    assert plant.engine.next_due() is None


def test_a_date_starts_one_instance(plant):
    when = iso_of(Instant(plant.now + 60 * SECOND))
    plant.does(Deploy(process=started_by(by(TimerTrigger(date=when)))))
    plant.passes(59)
    assert plant.engine.instances() == ()
    plant.passes(1)
    plant.passes(1_000)
    assert len(plant.engine.instances()) == 1


def test_dates_of_a_new_version_count_from_its_deployment_and_those_of_the_old_are_off(plant):
    plant.does(Deploy(process=started_by(by(TimerTrigger(cycle="R/PT10S")))))
    plant.passes(9)
    plant.does(Deploy(process=started_by(by(TimerTrigger(cycle="R/PT10S")), work="b")))
    plant.passes(9)
    assert plant.engine.instances() == ()
    plant.passes(1)
    assert plant.open_nodes() == ["b"]


def test_dates_of_a_suspended_process_pass(plant):
    plant.does(Deploy(process=started_by(by(TimerTrigger(cycle="R/PT10S")))))
    plant.does(SuspendProcess(process="p"))
    plant.passes(25)
    plant.does(ResumeProcess(process="p"))
    assert plant.engine.instances() == ()
    plant.passes(5)
    assert len(plant.engine.instances()) == 1


def test_missed_dates_happen_up_to_a_limit_then_the_cycle_skips_ahead(plant):
    plant.engine.handle(Deploy(process=started_by(by(TimerTrigger(cycle="R/PT1S")))), at=plant.now)
    begun = plant.now
    later = Instant(begun + 1_000 * SECOND)
    outcome = plant.engine.handle(AdvanceTo(now=later), at=later)
    assert outcome.reply.fired == MISSED_DATES_MAX
    (skipped,) = [each for each in outcome.notices if isinstance(each, DatesSkipped)]
    assert skipped.first == begun + (MISSED_DATES_MAX + 1) * SECOND
    assert skipped.until == later + SECOND == plant.engine.next_due()


# -- KPIs ---------------------------------------------------------------------------------------


def test_a_kpi_that_passes_its_limit_starts_an_instance_each_time(plant):
    plant.does(Deploy(process=started_by(by(ConditionTrigger(condition="kpi.oee < 0.6")))))
    for value in (0.9, 0.5, 0.4, 0.7, 0.5):
        plant.does(ReportKpis(values={"oee": value}))
    assert len(plant.engine.instances()) == 2


def test_an_end_that_sends_a_message_starts_the_next_process(plant):
    plant.does(Deploy(process=started_by(ORDERED, id="next")))
    end = EndEvent(id="done", trigger=MessageTrigger(name="ordered", correlation_key="lot"))
    first = BpmnProcess(id="first", nodes=(StartEvent(id="start"), script("s", "1", "n"), end),
                        flows=flows("start s done"))  # fmt: skip
    key = plant.starts(first, {"lot": "L7"})
    assert plant.ended(key) is InstanceState.COMPLETED
    (begun,) = plant.engine.instances()
    assert plant.engine.instance(begun).variables == {"lot": "L7", "n": 1}
    assert plant.engine.state.locks == {("next", "L7"): begun}


def test_an_instance_that_goes_on_as_another_process_no_longer_stands_for_its_key(plant):
    plant.does(Deploy(process=started_by(ORDERED)))
    (one,) = plant.does(sent("A")).instances
    plant.does(sent("A", variables={"n": 1}, time_to_live_ns=9 * SECOND))
    target = plant.does(Deploy(process=process(job("a"), links=flows("start a end"), id="q"))).key
    plant.does(Migrate(instance=one, target=target))
    assert len(plant.engine.instances()) == 2, "the next message has started the next one"
    plant.does(CancelInstance(instance=one))
    assert list(plant.engine.state.locks) == [("p", "A")]


@pytest.mark.parametrize("trigger", [ErrorTrigger(code="E"), EscalationTrigger(code="E")])
def test_only_what_comes_from_outside_starts_a_process(plant, trigger):
    with pytest.raises(Invalid, match="'on'"):
        plant.does(Deploy(process=started_by(by(trigger))))
