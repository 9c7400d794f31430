"""Batches: the same thing done to many instances, in steps, each instance wholly or not at all."""

from collections.abc import Iterable
from operator import attrgetter
from typing import assert_never

from fabloop.base.errors import Conflict, FabloopError, Fault, Invalid, NotFound
from fabloop.process.commands import (
    ActAt,
    Activate,
    CancelInstance,
    Done,
    Migrate,
    Modify,
    Move,
    ResolveIncident,
    SetVariables,
    Spot,
    TokenAt,
)
from fabloop.process.migrate import migrate
from fabloop.process.operate import cancel_instance, instance_named, modify, resolve, set_all
from fabloop.process.operation_deltas import BatchMoved, BatchOpened, BatchTurned
from fabloop.process.operations import (
    Action,
    AdvanceBatch,
    Batch,
    BatchAdvanced,
    BatchFailure,
    BatchStarted,
    BatchState,
    CancelEach,
    ContinueBatch,
    MigrateEach,
    ModifyEach,
    PauseBatch,
    ResolveEach,
    ResumeEach,
    ResumeInstance,
    Selection,
    SetEach,
    StartBatch,
    StopBatch,
    SuspendEach,
    SuspendInstance,
)
from fabloop.process.passive import glance
from fabloop.process.state import Instance, State
from fabloop.process.step import Step
from fabloop.process.suspend import resume, suspend

TARGETS_PER_STEP_MAX = 1_000
TARGETS_PER_BATCH_MAX = 1_000_000


def selected(state: State, where: Selection, action: Action | None = None) -> tuple[int, ...]:
    """Return the keys of the instances a selection means, oldest first.

    Where they are to be cancelled, those that were called are left out.
    """
    if where.instances:
        named = [state.instances.get(key) for key in where.instances]
        running = [each for each in named if each is not None]
    else:
        running = sorted(glance(state, "instances"), key=attrgetter("key"))
    return tuple(
        each.key
        for each in running
        if _is_meant(state, each, where) and not (isinstance(action, CancelEach) and each.caller)
    )


def _is_meant(state: State, instance: Instance, where: Selection) -> bool:
    id_, version = instance.definition.id, instance.definition.version
    return (
        (not where.process or id_ == where.process)
        and (where.version is None or version == where.version)
        and (not where.business_key or instance.business_key == where.business_key)
        and (where.suspended is None or state.is_suspended(instance) is where.suspended)
        and (not where.node or bool(_acts_at(state, instance, where.node)))
        and (not where.incident or bool(_incidents(state, instance, where.incident)))
    )


def _acts_at(state: State, instance: Instance, node: str) -> list[int]:
    number = state.definitions[instance.definition].number_of.get(node)
    return [
        key
        for frame in instance.frames
        for key in state.frames[frame].acts
        if state.acts[key].node == number and state.acts[key].transition < 0
    ]


def _incidents(state: State, instance: Instance, kind: str) -> list[int]:
    frames = [state.frames[key] for key in instance.frames]
    found = [frame.incident for frame in frames if frame.incident]
    found += [
        state.acts[key].incident
        for frame in frames
        for key in frame.acts
        if state.acts[key].incident
    ]
    return [key for key in found if kind in ("*", state.incidents[key].kind)]


# -- the life of a batch ------------------------------------------------------------------------


def start_batch(step: Step, command: StartBatch) -> BatchStarted:
    """Settle who is in it; the first instance is done by the first `AdvanceBatch`."""
    targets = selected(step.state, command.where, command.action)
    if len(targets) > TARGETS_PER_BATCH_MAX:
        expected = f"at most {TARGETS_PER_BATCH_MAX} instances"
        raise Invalid(_fault("StartBatch", "where", expected, str(len(targets))))
    if isinstance(command.action, MigrateEach):
        _check_target(step.state, command.action)
    key = step.mint()
    step.focus(f"batch/{key}")
    step.emit(BatchOpened(key, command.action, targets))
    return BatchStarted(key, len(targets))


def _check_target(state: State, action: MigrateEach) -> None:
    if action.target not in state.definitions:
        raise NotFound(f"Expected a deployed definition {action.target}, but found none.")


def advance_batch(step: Step, command: AdvanceBatch) -> BatchAdvanced:
    """Do the next targets."""
    if not 0 < command.limit <= TARGETS_PER_STEP_MAX:
        expected = f"1 to {TARGETS_PER_STEP_MAX} instances"
        raise Invalid(_fault("AdvanceBatch", "limit", expected, str(command.limit)))
    batch = batch_named(step.state, command.batch)
    if batch.state is not BatchState.RUNNING:
        return progress_of(batch)
    due = batch.targets[batch.position : batch.position + command.limit]
    failures = []
    for key in due:
        try:
            with step.attempt():
                act_on(step, key, batch.action)
        except FabloopError as error:
            failures.append(BatchFailure(key, str(error)))
    step.focus(f"batch/{batch.key}")
    step.emit(BatchMoved(batch.key, len(due), tuple(failures)))
    return progress_of(step.state.batches[batch.key])


def rehearse(step: Step, action: Action, targets: Iterable[int]) -> tuple[BatchFailure, ...]:
    """Return the targets to which it could not be done; the caller rolls the step back."""
    failures = []
    for key in targets:
        try:
            with step.attempt(keep=False):
                act_on(step, key, action)
        except FabloopError as error:
            failures.append(BatchFailure(key, str(error)))
    return tuple(failures)


def pause_batch(step: Step, command: PauseBatch) -> Done:
    """Let a batch stand still."""
    return _turn(step, command.batch, BatchState.PAUSED)


def continue_batch(step: Step, command: ContinueBatch) -> Done:
    """Let a batch go on."""
    return _turn(step, command.batch, BatchState.RUNNING)


def stop_batch(step: Step, command: StopBatch) -> Done:
    """End a batch before its time."""
    return _turn(step, command.batch, BatchState.STOPPED)


def _turn(step: Step, key: int, wanted: BatchState) -> Done:
    batch = batch_named(step.state, key)
    if batch.state >= BatchState.FINISHED:
        raise Conflict(f"Expected batch {key} to be open, but it is {batch.state.name.lower()}.")
    if batch.state is not wanted:
        step.focus(f"batch/{key}")
        step.emit(BatchTurned(key, wanted))
    return Done()


def batch_named(state: State, key: int) -> Batch:
    """Return a batch that is open or lately ended."""
    batch = state.batches.get(key)
    if batch is None:
        raise NotFound(f"Expected a batch {key}, but it is unknown or long ended.")
    return batch


def progress_of(batch: Batch) -> BatchAdvanced:
    """Return how far a batch has come."""
    left = len(batch.targets) - batch.position
    return BatchAdvanced(batch.key, batch.state, batch.position - batch.failed, batch.failed, left)


# -- one instance -------------------------------------------------------------------------------


def act_on(step: Step, key: int, action: Action) -> None:
    """Do to one instance what a batch does to each."""
    instance = instance_named(step.state, key)
    match action:
        case CancelEach():
            cancel_instance(step, CancelInstance(instance=key))
        case SuspendEach():
            suspend(step, SuspendInstance(instance=key))
        case ResumeEach():
            resume(step, ResumeInstance(instance=key))
        case ResolveEach():
            _resolve_all(step, instance, action)
        case SetEach():
            set_all(step, SetVariables(target=key, variables=action.variables))
        case ModifyEach():
            modify(step, modification(step.state, instance, action))
        case MigrateEach():
            migrate(
                step,
                Migrate(
                    instance=key,
                    target=action.target,
                    nodes=action.nodes,
                    restart=action.restart,
                    renew=action.renew,
                ),
            )
        case _:
            assert_never(action)


def _resolve_all(step: Step, instance: Instance, action: ResolveEach) -> None:
    found = _incidents(step.state, instance, action.kind or "*")
    if not found:
        raise Conflict(f"Expected an open incident in instance {instance.key}, but found none.")
    for key in found:
        if key in step.state.incidents:
            resolve(step, ResolveIncident(incident=key, retries=action.retries))


def modification(state: State, instance: Instance, action: ModifyEach) -> Modify:
    """Return the change of one instance that a change by ids of nodes means for it."""
    return Modify(
        instance=instance.key,
        move=tuple(
            Move(spot=spot, node=new)
            for old, new in action.move
            for spot in _spots(state, instance, old)
        ),
        cancel=tuple(spot for name in action.cancel for spot in _spots(state, instance, name)),
        activate=tuple(Activate(node=node) for node in action.activate),
    )


def _spots(state: State, instance: Instance, name: str) -> list[Spot]:
    """Return what is in progress at a node, or waits on a flow into a join."""
    acts: list[Spot] = [ActAt(key=key) for key in _acts_at(state, instance, name)]
    flows = state.definitions[instance.definition].flows
    tokens: list[Spot] = [
        TokenAt(frame=key, flow=name)
        for key in instance.frames
        for number, count in state.frames[key].tokens.items()
        for _ in range(count)
        if flows[number].id == name
    ]
    if not (acts or tokens):
        raise Conflict(
            f"Expected '{name}' of instance {instance.key} to be a node in progress or a flow with "
            "a waiting token, but it is neither."
        )
    return acts + tokens


def _fault(source: str, path: str, expected: str, found: str) -> Fault:
    return Fault(source=source, path=path, expected=expected, found=found)
