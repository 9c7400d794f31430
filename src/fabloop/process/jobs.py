"""Commands on jobs: who holds them, and what became of them."""

from fabloop.base.errors import Conflict, Fault, Invalid, NotFound
from fabloop.base.instant import Instant
from fabloop.process.acts import (
    announce_job,
    complete,
    headers_of,
    raise_incident,
    seen_by,
)
from fabloop.process.commands import (
    ActivateJobs,
    ActiveJob,
    AssignJob,
    CompleteJob,
    Done,
    ExtendLease,
    FailJob,
    JobCompleted,
    JobsActivated,
    LeaseExtended,
    ThrowError,
    Variables,
)
from fabloop.process.deltas import ActHeld, JobAssigned, JobFailed, JobLeased, JobReady
from fabloop.process.evaluate import Stuck
from fabloop.process.pages import end_firing
from fabloop.process.state import Act, JobRecord, JobState
from fabloop.process.step import Step
from fabloop.process.thrown import catch, error_told, hearer_of
from fabloop.process.variables import admit
from fabloop.process.walk import run

JOBS_PER_COMMAND_MAX = 1_000


def activate(step: Step, command: ActivateJobs) -> JobsActivated:
    """Lease the oldest ready jobs of a type to a worker."""
    if not 0 < command.limit <= JOBS_PER_COMMAND_MAX or command.lease_ns <= 0:
        fault = Fault(
            source="ActivateJobs",
            path="limit, lease_ns",
            expected=f"1 to {JOBS_PER_COMMAND_MAX} jobs for a positive time",
            found=f"{command.limit} jobs for {command.lease_ns} ns",
        )
        raise Invalid(fault)
    state = step.state
    chosen: list[int] = []
    for key in state.ready.get(command.type, ()):
        if state.jobs[key].assignee in ("", command.worker):
            chosen.append(key)
            if len(chosen) == command.limit:
                break
    return JobsActivated(tuple(_lease(step, key, command) for key in chosen))


def _lease(step: Step, key: int, command: ActivateJobs) -> ActiveJob:
    state = step.state
    act, job = state.acts[key], state.jobs[key]
    instance = state.instance_of(act)
    until = Instant(step.at + command.lease_ns)
    step.trigger(instance)
    step.emit(JobLeased(key, command.worker, job.epoch + 1, until))
    node = state.node_of(act)
    headers, transition = headers_of(state, act, node)
    return ActiveJob(
        key=key,
        type=job.type,
        instance=instance.key,
        node=node.id,
        transition=transition,
        headers=headers,
        variables=seen_by(state, act),
        retries=job.retries,
        epoch=job.epoch + 1,
        until=until,
        business_key=instance.business_key,
    )


def assign(step: Step, command: AssignJob) -> Done:
    """Give a job to somebody."""
    job = _job(step, command.job)
    if job.state is JobState.LEASED and job.worker != command.assignee:
        raise Conflict(
            f"Expected job {job.key} to be free, but '{job.worker}' holds it. "
            "Wait for the lease to end, or let the holder fail it."
        )
    _focus(step, job)
    step.emit(JobAssigned(job.key, command.assignee))
    return Done()


def finish_job(step: Step, command: CompleteJob) -> Done:
    """Take the result of a job and run on."""
    variables = admit(command.variables, f"job {command.job}")
    job = _open_job(step, command.job, command.epoch)
    state = step.state
    act = state.acts[job.key]
    instance = state.instance_of(act)
    step.trigger(instance)
    node = state.definitions[instance.definition].nodes[act.node]
    step.notices.append(
        JobCompleted(instance=instance.key, node=node.id, job=job.key, type=job.type)
    )
    if state.suspended and state.is_suspended(instance):
        step.emit(ActHeld(act.key, variables))
        return Done()
    yield_result(step, act, variables)
    run(step)
    return Done()


def yield_result(step: Step, act: Act, result: Variables) -> None:
    """Go on with the result of an act's work; where that fails the act holds it."""
    if act.transition < 0:
        complete(step, act, result)
        return
    try:
        end_firing(step, act, result)
    except Stuck as stuck:
        step.emit(ActHeld(act.key, result))
        frame = step.state.frames[act.frame]
        raise_incident(step, frame, act.key, step.state.node_of(act), stuck)


def fail(step: Step, command: FailJob) -> Done:
    """Offer a job again, later or at once; without retries ask for a person."""
    if command.retries < 0 or command.backoff_ns < 0:
        fault = Fault(
            source="FailJob",
            path="retries, backoff_ns",
            expected="no negative number",
            found=f"{command.retries}, {command.backoff_ns}",
        )
        raise Invalid(fault)
    job = _open_job(step, command.job, command.epoch)
    act = _focus(step, job)
    if command.retries and not command.backoff_ns:
        step.emit(JobFailed(job.key, command.retries, step.at, command.message))
        step.emit(JobReady(job.key, command.retries))
        announce_job(step, job.key)
    elif command.retries:
        retry_at = Instant(step.at + command.backoff_ns)
        step.emit(JobFailed(job.key, command.retries, retry_at, command.message))
    else:
        _give_up(step, act, "job", command.message or "The job failed and has no retries left.")
    return Done()


def throw(step: Step, command: ThrowError) -> Done:
    """Let a boundary event catch an error of a job; without one ask for a person."""
    variables = admit(command.variables, f"job {command.job}")
    job = _open_job(step, command.job, command.epoch)
    act = _focus(step, job)
    frame = step.state.frames[act.frame]
    hearer = hearer_of(step.state, frame, act, command.code, "catches")
    if hearer is None:
        text = (
            f"Expected an event that catches error '{command.code}', but no enclosing activity "
            f"has one. {command.message}"
        )
        _give_up(step, act, "uncaught error", text.strip())
        return Done()
    told = error_told(command.code, command.message)
    catch(step, hearer, variables, told, known_to=job.key)
    run(step)
    return Done()


def _give_up(step: Step, act: Act, kind: str, text: str) -> None:
    step.emit(JobFailed(act.key, 0, Instant(0), text))
    frame = step.state.frames[act.frame]
    raise_incident(step, frame, act.key, step.state.node_of(act), Stuck(kind, text))


def extend(step: Step, command: ExtendLease) -> LeaseExtended:
    """Hold a job longer."""
    job = _open_job(step, command.job, command.epoch)
    if job.state is not JobState.LEASED or command.lease_ns <= 0:
        raise Conflict(
            f"Expected job {job.key} to be held, but its lease has ended. Activate it again."
        )
    _focus(step, job)
    until = Instant(step.at + command.lease_ns)
    step.emit(JobLeased(job.key, job.worker, job.epoch, until))
    return LeaseExtended(until)


def _job(step: Step, key: int) -> JobRecord:
    job = step.state.jobs.get(key)
    if job is None:
        raise NotFound(
            f"Expected job {key} to be open, but it is unknown, done or cancelled. "
            "Drop the work, or look up the instance."
        )
    return job


def _open_job(step: Step, key: int, epoch: int | None) -> JobRecord:
    """Return a job that the caller may report on.

    A holder whose lease has run out may still report as long as nobody else has taken the job:
    work done on a shop floor should not be done twice.
    """
    job = _job(step, key)
    if job.state is JobState.READY and epoch is None:
        return job
    if job.state in (JobState.FAILED, JobState.BACKOFF):
        raise Conflict(
            f"Expected job {key} to be in work, but its last attempt failed. "
            "Wait for its retry, or resolve its incident."
        )
    if epoch is None and job.state is JobState.LEASED:
        raise Conflict(
            f"Expected the epoch of the lease on job {key}, but found none while '{job.worker}' "
            "holds it. Report with the epoch that came with the job."
        )
    if epoch is not None and epoch != job.epoch:
        raise Conflict(
            f"Expected epoch {job.epoch} for job {key}, but found {epoch}: it was handed to "
            "another worker since. Drop the work."
        )
    return job


def _focus(step: Step, job: JobRecord) -> Act:
    act = step.state.acts[job.key]
    step.trigger(step.state.instance_of(act))
    return act
