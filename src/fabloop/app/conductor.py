"""What the process engine does for the loop: start, assign, complete, migrate; and what it tells.

The engine knows tokens and jobs, never machines; this is where its words become the loop's.
"""

from collections.abc import Iterable, Iterator

from fabloop.app.permissions import change_against
from fabloop.app.snapshot import OrderState, Snapshot
from fabloop.base.errors import Broken
from fabloop.base.instant import Instant
from fabloop.base.journal import Row
from fabloop.model.facts import (
    AdaptationApproved,
    AdaptationProposed,
    AdaptationUndone,
    AdaptationWithheld,
    Fact,
    IncidentRaised,
    JobAnswered,
    JobBound,
    JobFailed,
    JobOffered,
    JobWithdrawn,
    OrderFinished,
    ProcessMigrated,
    ProcessReleased,
    ProcessStarted,
)
from fabloop.model.ids import LaneId, OperationId, OrderId, SkillId, WorkUnitId
from fabloop.model.recipe import ProductionRecipe
from fabloop.process.commands import (
    AdvanceTo,
    AssignJob,
    Command,
    CompleteJob,
    Deploy,
    FailJob,
    IncidentOpened,
    InstanceCreated,
    InstanceFinished,
    InstanceState,
    JobCancelled,
    JobCreated,
    Migrate,
    Notice,
    ProcessDeployed,
    Reply,
    StartInstance,
)
from fabloop.process.definition import DefinitionKey, ScopeKind
from fabloop.process.engine import Engine
from fabloop.run.compose import delivery_id, node_id
from fabloop.run.recipe import operation_step_id
from fabloop.run.release import composed

Adapted = AdaptationProposed | AdaptationUndone
"""What brings a running process another plan."""


class Conductor:
    """Turns facts into commands to the engine, and the engine's notices into facts."""

    def __init__(self, engine: Engine, snapshot: Snapshot) -> None:
        self._engine = engine
        self._snapshot = snapshot
        self.rows: list[Row] = []
        """What the engine wrote since somebody last took it away."""

    def conduct(self, fact: Fact, at: Instant) -> tuple[Fact, ...]:
        """Do what a fact asks of the engine; return what follows. Most facts ask nothing."""
        match fact:
            case ProcessReleased():
                return self._start(fact, at)
            case JobBound():
                assignee = fact.person or fact.work_unit or fact.lane
                assert assignee is not None, "a bound job is bound to somebody"
                return self._do(AssignJob(job=fact.job, assignee=assignee), at)[1]
            case JobAnswered():
                return self._do(CompleteJob(job=fact.job, variables=dict(fact.results)), at)[1]
            case JobFailed():
                return self._do(
                    FailJob(
                        job=fact.job, retries=self._attempts_left(fact.job), message=fact.reason
                    ),
                    at,
                )[1]
            case AdaptationApproved():
                proposal = self._snapshot.orders[fact.order].proposal
                assert proposal is not None, "an adaptation was proposed before it was approved"
                reasons = change_against(self._snapshot, fact.order, proposal.plan)
                if reasons:
                    plan = proposal.plan.id
                    return (AdaptationWithheld(order=fact.order, plan=plan, reasons=reasons),)
                return self._migrate(proposal, at)
            case AdaptationUndone():
                return self._migrate(fact, at)
            case _:
                return ()

    def advance(self, at: Instant) -> tuple[Fact, ...]:
        """Let the engine do what time has made due."""
        due = self._engine.next_due()
        if due is None or due > at:
            return ()
        return self._do(AdvanceTo(now=at), at)[1]

    def next_due(self) -> Instant | None:
        """Return when the engine has something to do by itself."""
        return self._engine.next_due()

    def _do(self, command: Command, at: Instant) -> tuple[Reply, tuple[Fact, ...]]:
        outcome = self._engine.handle(command, at=at)
        self.rows.extend(outcome.rows)
        return outcome.reply, tuple(self._facts(outcome.notices, at))

    def _deploy(self, state: OrderState, recipe: ProductionRecipe, at: Instant) -> DefinitionKey:
        knowledge = self._snapshot.knowledge
        found = composed(recipe, knowledge.network, knowledge.vocabulary, state.process_id)
        reply, _ = self._do(Deploy(process=found.process, nets=found.nets), at)
        assert isinstance(reply, ProcessDeployed)
        return reply.key

    def _start(self, fact: ProcessReleased, at: Instant) -> tuple[Fact, ...]:
        key = self._deploy(self._snapshot.orders[fact.order], fact.recipe, at)
        reply, follows = self._do(
            StartInstance(
                process=key.id,
                version=key.version,
                variables={"order": str(fact.order)},
                business_key=fact.order,
            ),
            at,
        )
        assert isinstance(reply, InstanceCreated)
        started = ProcessStarted(
            order=fact.order, instance=reply.instance, process=key.id, version=key.version
        )
        return (started, *follows)

    def _migrate(self, fact: Adapted, at: Instant) -> tuple[Fact, ...]:
        """Let the running instance go on by the new version; whatever is done stays done."""
        state = self._snapshot.orders[fact.order]
        assert state.instance is not None, "an adaptation changes a running process"
        before = self._tokens(state.instance)
        key = self._deploy(state, fact.recipe, at)
        restart = dict(self._restarts(fact, state.instance))
        command = Migrate(instance=state.instance, target=key, restart=restart)
        _, follows = self._do(command, at)
        after = self._tokens(state.instance)
        if before != after:
            raise Broken(
                f"Expected {before} tokens after migrating instance {state.instance}, but found "
                f"{after}. Nothing was written; restart from the journal."
            )
        migrated = ProcessMigrated(
            order=fact.order,
            plan=fact.plan.id,
            instance=state.instance,
            process=key.id,
            from_version=state.version,
            to_version=key.version,
            tokens_before=before,
            tokens_after=after,
        )
        return (migrated, *follows)

    def _restarts(self, fact: Adapted, instance: int) -> Iterator[tuple[str, str]]:
        """Yield the nodes of steps that wait for somebody they are no longer planned on.

        Such a step has been entered, but its work has not begun. With each comes the node to
        enter instead: the shipment that the new plan puts before it, or the step itself anew.
        """
        begun = {operation_step_id(each) for each in self._snapshot.begun(fact.order)}
        steps = {step.flow_id: step for step in fact.recipe.steps}
        entered = {
            act.node
            for frame in self._engine.instance(instance).frames
            if frame.kind is not ScopeKind.PAGE
            for act in frame.acts
        }
        for changed in fact.changes.changed:
            if "made_by" in steps[changed].parameters:
                continue  # the piece is on its way: the shipment goes on with its further legs
            shipped = [
                node_id(each)
                for each in steps[changed].previous
                if node_id(each) in fact.changes.added
            ]
            for node in (delivery_id(node_id(changed)), node_id(changed)):
                if node in entered and changed not in begun:
                    yield node, shipped[0] if shipped else node

    def _tokens(self, instance: int) -> int:
        """Count the tokens of the process: those that wait at joins and those in its nodes."""
        frames = self._engine.instance(instance).frames
        return sum(
            sum(frame.tokens.values()) + len(frame.acts)
            for frame in frames
            if frame.kind is not ScopeKind.PAGE
        )

    def _attempts_left(self, job: int) -> int:
        retries = next(each.retries for each in self._engine.jobs() if each.key == job)
        return max(0, retries - 1)

    def _facts(self, notices: Iterable[Notice], at: Instant) -> Iterator[Fact]:
        for notice in notices:
            match notice:
                case JobCreated():
                    yield offered(notice)
                case JobCancelled():
                    given = self._snapshot.jobs[notice.job].offered
                    yield JobWithdrawn(order=given.order, job=notice.job)
                case InstanceFinished(state=InstanceState.COMPLETED):
                    order = OrderId(notice.business_key)
                    passed = not self._snapshot.orders[order].rejected
                    yield OrderFinished(order=order, at=at, passed=passed)
                case IncidentOpened():
                    yield IncidentRaised(
                        order=self._order_of(notice.instance),
                        node=notice.node,
                        message=f"{notice.kind}: {notice.text}",
                    )
                case _:
                    continue

    def _order_of(self, instance: int) -> OrderId:
        return OrderId(self._engine.instance(instance).business_key)


def offered(notice: JobCreated) -> JobOffered:
    """Return a job of a composed process in the loop's words, from the headers of its template."""
    headers = notice.headers
    work_unit, lane = headers.get("work_unit"), headers.get("lane")
    skill = headers.get("person_skill")
    return JobOffered(
        order=OrderId(notice.business_key),
        job=notice.job,
        step=notice.node,
        service=int(headers["service"]),
        skill=headers["skill"],
        operation=OperationId(headers["operation"]),
        work_unit=WorkUnitId(work_unit) if work_unit else None,
        lane=LaneId(lane) if lane else None,
        person_skill=SkillId(skill) if skill and notice.person else None,
        main=headers.get("main") == "true",
        duration_ns=int(headers["duration_ns"]),
    )
