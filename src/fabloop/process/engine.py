"""The engine: one partition of process instances, driven by commands, rebuilt from its rows."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from fabloop.base.errors import Broken, FabloopError, Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.base.journal import Row
from fabloop.process import batch, events, jobs, migrate, operate, suspend, views, waits
from fabloop.process.apply import apply, remember
from fabloop.process.choose import choose_activities
from fabloop.process.commands import (
    ActivateJobs,
    AdvanceTo,
    AssignJob,
    BroadcastSignal,
    CancelInstance,
    Command,
    CompleteJob,
    CorrelateMessage,
    Deploy,
    ExtendLease,
    FailJob,
    Migrate,
    Modify,
    Notice,
    PublishMessage,
    Reply,
    ReportKpis,
    ResolveIncident,
    SetVariables,
    StartInstance,
    ThrowError,
)
from fabloop.process.definition import Definition, DefinitionKey
from fabloop.process.deltas import FORMAT, ROW_KIND, decode_body
from fabloop.process.deploy import deploy
from fabloop.process.deployment import Deployment
from fabloop.process.operations import (
    Action,
    AdvanceBatch,
    Batch,
    BatchFailure,
    ChooseActivities,
    ContinueBatch,
    PauseBatch,
    ResumeInstance,
    ResumeProcess,
    Selection,
    StartBatch,
    StopBatch,
    SuspendInstance,
    SuspendProcess,
)
from fabloop.process.passive import glance, rest
from fabloop.process.state import Incident, JobState, State
from fabloop.process.step import Step

NAME_LENGTH_MAX = 500
"""Characters of a request id and of an actor: every store has to index them."""


class Outcome(msgspec.Struct, frozen=True):
    """What a command did.

    `rows` are to be appended to the journal as one group, and to be durable before `reply` and
    `notices` leave the machine.
    """

    rows: tuple[Row, ...]
    reply: Reply
    notices: tuple[Notice, ...]


class Engine:
    """Decides commands and holds what they made; no clock, no thread, no journal inside."""

    def __init__(self, partition: int = 0) -> None:
        self.state = State(partition)

    def handle(
        self, command: Command, *, at: Instant, actor: str = "", request: str = ""
    ) -> Outcome:
        """Decide a command at instant `at`, apply it, and return what to append and to answer.

        A `request` seen before returns its first reply and nothing else.

        Raises
        ------
        Invalid, NotFound, Conflict
            The command is refused; nothing has changed.
        Broken
            A bug of ours; nothing has changed.
        """
        if request or actor:
            _check_names(request, actor)
        state = self.state
        if request and request in state.requests:
            return Outcome((), state.requests[request], ())
        step = Step(state, at, type(command).__name__)
        try:
            reply = _DECIDERS[type(command)](step, command)
            rows = step.rows(actor, request, reply)
        except FabloopError:
            state.rollback()
            raise
        except Exception as error:
            state.rollback()
            raise Broken(
                f"Expected command {type(command).__name__} to be decided, but the kernel failed: "
                f"{type(error).__name__}: {error}. Nothing has changed; please report it."
            ) from error
        state.commit()
        rest(state)
        return Outcome(rows, reply, tuple(step.notices))

    def replay(self, rows: Iterable[Row]) -> None:
        """Apply rows of a journal, in their order; those of other kinds are passed over.

        Raises
        ------
        Broken
            A row is of an unknown version, or it cannot be read.
        """
        for row in rows:
            if row.kind == ROW_KIND and row.partition == self.state.partition:
                self._replay(row)

    def _replay(self, row: Row) -> None:
        if row.version != FORMAT:
            raise Broken(
                f"Expected a row of version {FORMAT}, but found {row.version}. "
                "Use the release that wrote it, or a newer one."
            )
        try:
            body = decode_body(row.body)
        except msgspec.DecodeError as error:
            raise Broken(f"Expected a readable row of '{row.stream}', but {error}.") from error
        self.state.touch(row.stream)
        for delta in body.deltas:
            apply(self.state, delta, row.at)
        if row.request and body.reply is not None:
            remember(self.state, row.request, body.reply)
        self.state.commit()
        rest(self.state)

    # -- queries ------------------------------------------------------------------------------

    def next_due(self) -> Instant | None:
        """Return when `AdvanceTo` has something to do; None when nothing is due ever."""
        return events.next_due(self.state)

    def jobs(
        self, state: JobState | None = None, *, job_type: str = "", instance: int = 0
    ) -> tuple[views.JobView, ...]:
        """Return open jobs, oldest first, of one state, type or instance where given."""
        return views.jobs_of(self.state, state, job_type, instance)

    def instance(self, key: int) -> views.InstanceView:
        """Return how an instance stands, running or lately ended; NotFound for others."""
        return views.instance_of(self.state, key)

    def instances(self) -> tuple[int, ...]:
        """Return the keys of the running instances, oldest first."""
        return tuple(sorted(each.key for each in glance(self.state, "instances")))

    def definition(self, process: str, version: int | None = None) -> Definition:
        """Return a deployed definition, the latest by default; NotFound for others."""
        return operate.definition_named(self.state, process, version)

    def deployment(self, process: str, version: int | None = None) -> Deployment:
        """Return the process and nets that a definition was compiled from."""
        return self.state.deployments[self.definition(process, version).key]

    def definitions(self) -> tuple[DefinitionKey, ...]:
        """Return every deployed version, in the order of deployment."""
        return tuple(self.state.definitions)

    def openings(self) -> tuple[waits.OpeningView, ...]:
        """Return the start events by which messages, signals, dates and KPIs start instances."""
        return waits.openings_of(self.state)

    def kpis(self) -> dict[str, object]:
        """Return the KPIs that were reported, by name."""
        return dict(self.state.kpis)

    def incidents(self, instance: int = 0) -> tuple[Incident, ...]:
        """Return open incidents, of one instance where given."""
        frames = self.state.frames
        return tuple(
            each
            for each in self.state.incidents.values()
            if not instance or frames[each.frame].instance == instance
        )

    def plan_migration(self, command: Migrate) -> migrate.MigrationPlan:
        """Return what a migration would do, and every reason why it cannot."""
        return migrate.plan_migration(self.state, command)

    def selected(self, where: Selection, action: Action | None = None) -> tuple[int, ...]:
        """Return the keys of the instances that a selection means now."""
        return batch.selected(self.state, where, action)

    def batch(self, key: int) -> Batch:
        """Return how a batch stands, open or lately ended; NotFound for others."""
        return batch.batch_named(self.state, key)

    def batches(self) -> tuple[Batch, ...]:
        """Return the batches that are open or lately ended, oldest first."""
        return tuple(self.state.batches.values())

    # -- trying out ---------------------------------------------------------------------------

    def rehearse(self, command: Command, *, at: Instant) -> Reply:
        """Return what a command would answer; raises as `handle` does, and changes nothing."""
        step = Step(self.state, at, type(command).__name__)
        try:
            return _DECIDERS[type(command)](step, command)
        finally:
            self.state.rollback()

    @contextmanager
    def trial(self, *, at: Instant) -> Iterator[Callable[[Command], Reply]]:
        """Hand out what tries commands out, one after the other; at the end all are undone.

        Queries answer as if they had been handled; nothing may be handled meanwhile. A command
        that is refused raises as `handle` does, and those before it still count. None of them may
        let time pass.
        """

        def tried(command: Command) -> Reply:
            step = Step(self.state, at, type(command).__name__)
            mark = self.state.savepoint()
            try:
                return _DECIDERS[type(command)](step, command)
            except FabloopError:
                self.state.rollback_to(mark)
                raise

        try:
            yield tried
        finally:
            self.state.rollback()

    def rehearse_batch(
        self, action: Action, targets: Iterable[int], *, at: Instant
    ) -> tuple[BatchFailure, ...]:
        """Return the instances to which an action could not be done; changes nothing."""
        step = Step(self.state, at, "")
        try:
            return batch.rehearse(step, action, targets)
        finally:
            self.state.rollback()


def _check_names(request: str, actor: str) -> None:
    """Refuse what a store could not keep: it would fail after everything has been decided."""
    for name, text in (("request", request), ("actor", actor)):
        if not text.isprintable() or len(text) > NAME_LENGTH_MAX:
            fault = Fault(
                source="command",
                path=name,
                expected=f"at most {NAME_LENGTH_MAX} printable characters",
                found=repr(text[:40]),
            )
            raise Invalid(fault)


# Each decider takes its own command; a table typed by that cannot be written, hence Any.
_DECIDERS: dict[type[Any], Callable[[Step, Any], Reply]] = {
    Deploy: deploy,
    StartInstance: operate.start,
    ActivateJobs: jobs.activate,
    AssignJob: jobs.assign,
    CompleteJob: jobs.finish_job,
    FailJob: jobs.fail,
    ThrowError: jobs.throw,
    ExtendLease: jobs.extend,
    ResolveIncident: operate.resolve,
    SetVariables: operate.set_all,
    PublishMessage: events.publish,
    CorrelateMessage: events.correlate,
    BroadcastSignal: events.broadcast,
    ReportKpis: events.report_kpis,
    AdvanceTo: events.advance,
    CancelInstance: operate.cancel_instance,
    Modify: operate.modify,
    Migrate: migrate.migrate,
    ChooseActivities: choose_activities,
    SuspendInstance: suspend.suspend,
    ResumeInstance: suspend.resume,
    SuspendProcess: suspend.suspend_process,
    ResumeProcess: suspend.resume_process,
    StartBatch: batch.start_batch,
    AdvanceBatch: batch.advance_batch,
    PauseBatch: batch.pause_batch,
    ContinueBatch: batch.continue_batch,
    StopBatch: batch.stop_batch,
}
