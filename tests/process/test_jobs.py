"""Who holds a job, and what becomes of it."""

import pytest

from fabloop.base.errors import Conflict, Invalid, NotFound
from fabloop.base.instant import SECOND
from fabloop.process.bpmn.model import Mapping
from fabloop.process.commands import (
    ActivateJobs,
    AssignJob,
    CancelInstance,
    CompleteJob,
    ExtendLease,
    FailJob,
    InstanceState,
    JobCancelled,
    LeaseExpired,
    ResolveIncident,
    ThrowError,
)
from fabloop.process.state import JobState
from process.driver import Plant, error, flows, job, process, sub


@pytest.fixture
def plant():
    plant = Plant()
    plant.starts(process(job("a"), links=flows("start a end")))
    return plant


def test_a_job_is_handed_to_one_worker_at_a_time(plant):
    (first,) = plant.takes("do-a", "w1")
    assert plant.takes("do-a", "w2") == []
    assert (first.epoch, first.until) == (1, plant.now + 60 * SECOND)


def test_jobs_are_handed_out_oldest_first(plant):
    p = process(job("a"), links=flows("start a end"))
    for _ in range(3):
        plant.starts(p)
    keys = [each.key for each in plant.takes("do-a", limit=3)]
    assert keys == sorted(keys)
    assert len(plant.takes("do-a")) == 1


def test_a_late_worker_is_fenced_off_once_another_has_the_job(plant):
    (first,) = plant.takes("do-a", "w1")
    plant.passes(61)
    assert [each.worker for each in plant.told(LeaseExpired)] == ["w1"]
    (second,) = plant.takes("do-a", "w2")
    with pytest.raises(Conflict, match="another worker"):
        plant.does(CompleteJob(job=first.key, epoch=first.epoch))
    plant.does(CompleteJob(job=second.key, epoch=second.epoch))
    with pytest.raises(NotFound):
        plant.does(CompleteJob(job=second.key, epoch=second.epoch))


def test_a_late_worker_may_report_while_nobody_else_has_the_job(plant):
    (first,) = plant.takes("do-a")
    plant.passes(61)
    plant.does(CompleteJob(job=first.key, epoch=first.epoch))
    assert plant.engine.jobs() == ()


def test_a_held_job_needs_its_epoch(plant):
    (held,) = plant.takes("do-a")
    with pytest.raises(Conflict, match="epoch"):
        plant.does(CompleteJob(job=held.key))


def test_an_extended_lease_does_not_run_out_at_its_first_end(plant):
    (held,) = plant.takes("do-a")
    plant.passes(50)
    plant.does(ExtendLease(job=held.key, epoch=held.epoch, lease_ns=60 * SECOND))
    plant.passes(50)
    assert plant.told(LeaseExpired) == []
    plant.passes(11)
    assert len(plant.told(LeaseExpired)) == 1


def test_a_failed_job_comes_back_after_its_back_off(plant):
    (held,) = plant.takes("do-a")
    plant.does(FailJob(job=held.key, retries=2, backoff_ns=30 * SECOND, epoch=held.epoch))
    with pytest.raises(Conflict, match="last attempt failed"):
        plant.does(CompleteJob(job=held.key, epoch=held.epoch))
    assert plant.takes("do-a") == []
    plant.passes(30)
    (again,) = plant.takes("do-a")
    assert (again.retries, again.epoch) == (2, 2)


def test_a_failed_job_without_back_off_is_ready_at_once(plant):
    (held,) = plant.takes("do-a")
    plant.does(FailJob(job=held.key, retries=1, epoch=held.epoch))
    assert len(plant.takes("do-a")) == 1


def test_a_job_without_retries_asks_for_a_person_and_runs_on_after_that(plant):
    (held,) = plant.takes("do-a")
    plant.does(FailJob(job=held.key, retries=0, message="tool broken", epoch=held.epoch))
    (incident,) = plant.engine.incidents()
    assert (incident.kind, incident.text) == ("job", "tool broken")
    assert plant.engine.jobs(JobState.FAILED)[0].message == "tool broken"
    plant.does(ResolveIncident(incident=incident.key, retries=5))
    assert plant.engine.incidents() == ()
    assert plant.takes("do-a")[0].retries == 5


def test_an_assigned_job_is_not_handed_to_others(plant):
    plant.does(AssignJob(job=plant.job("a").key, assignee="w1"))
    assert plant.takes("do-a", "w2") == []
    assert len(plant.takes("do-a", "w1")) == 1


def test_a_held_job_cannot_be_assigned_away(plant):
    (held,) = plant.takes("do-a", "w1")
    with pytest.raises(Conflict, match="holds it"):
        plant.does(AssignJob(job=held.key, assignee="w2"))


def test_a_thrown_error_goes_to_the_event_of_its_code_with_its_variables(plant):
    p = process(job("a"), error("burnt", "a", "BURNT"), error("rest", "a"), job("scrap"),
                links=flows("start a end", "burnt scrap end", "rest end"), id="q")  # fmt: skip
    key = plant.starts(p)
    held = next(each for each in plant.takes("do-a") if each.instance == key)
    plant.does(ThrowError(job=held.key, code="BURNT", variables={"t": 9}, epoch=held.epoch))
    assert plant.open_nodes() == ["a", "scrap"]
    assert plant.engine.instance(key).variables == {"t": 9}
    assert plant.told(JobCancelled) == []


def test_an_error_without_own_event_goes_to_the_one_for_all_codes(plant):
    inner = sub("box", job("b"), links=flows("box.s b box.e"))
    p = process(inner, error("any", "box", outputs=(Mapping(source="x + 1", target="y"),)),
                links=flows("start box end", "any end"), id="q")  # fmt: skip
    key = plant.starts(p)
    plant.does(ThrowError(job=plant.job("b").key, code="X", variables={"x": 1}))
    assert plant.result(key) == {"y": 2}


def test_an_uncaught_error_asks_for_a_person(plant):
    plant.does(ThrowError(job=plant.job("a").key, code="X", message="why"))
    (incident,) = plant.engine.incidents()
    assert incident.kind == "uncaught error"
    plant.does(ResolveIncident(incident=incident.key))
    assert len(plant.takes("do-a")) == 1


def test_cancelling_an_instance_takes_its_jobs_back(plant):
    (held,) = plant.takes("do-a", "w1")
    plant.does(CancelInstance(instance=held.instance))
    assert plant.ended(held.instance) is InstanceState.CANCELLED
    assert [(each.job, each.worker) for each in plant.told(JobCancelled)] == [(held.key, "w1")]
    assert plant.engine.next_due() is None


def test_nonsense_limits_are_refused(plant):
    for limit, lease in ((0, 1), (1, 0), (10**6, 1)):
        with pytest.raises(Invalid):
            plant.does(ActivateJobs(type="do-a", worker="w", limit=limit, lease_ns=lease))
    with pytest.raises(Invalid):
        plant.does(FailJob(job=plant.job("a").key, retries=-1))


def test_variables_that_are_not_plain_are_refused_with_every_place(plant):
    with pytest.raises(Invalid) as refusal:
        plant.does(
            CompleteJob(
                job=plant.job("a").key,
                variables={"a": {1, 2}, "b": [1, float("nan")], "c": 2**70},
            )
        )
    assert [each.path for each in refusal.value.faults] == ["$.a", "$.b[1]", "$.c"]


def test_what_the_caller_does_to_its_variables_later_does_not_matter(plant):
    mine = {"list": [1]}
    key = plant.job("a").instance
    plant.does(CompleteJob(job=plant.job("a").key, variables=mine))
    mine["list"].append(2)
    assert plant.result(key) == {"list": [1]}
