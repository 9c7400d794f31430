"""What can be asked about a running kernel, from here or from another process."""

from collections import Counter
from typing import Any, Protocol, TypeVar

import msgspec

from fabloop.base.errors import Fault
from fabloop.base.instant import Instant
from fabloop.process.commands import InstanceState, Migrate
from fabloop.process.definition import DefinitionKey
from fabloop.process.engine import Engine
from fabloop.process.operations import Action, Batch, BatchFailure, Selection
from fabloop.process.passive import glance
from fabloop.process.state import Incident, JobState
from fabloop.process.views import InstanceView, JobView

T_co = TypeVar("T_co", covariant=True)

ROWS_MAX = 10_000
"""Rows of one answer; `more` tells that there would be others."""

REHEARSED_MAX = 10_000
"""Instances that one rehearsal looks at."""


class Question(Protocol[T_co]):
    """Something that an engine can answer; one struct each below."""

    def answer(self, engine: Engine, at: Instant) -> T_co:
        """Return the answer; raises NotFound and the like."""
        ...


class DefinitionLine(msgspec.Struct, frozen=True, kw_only=True):
    """A deployed version, and how many instances run by it."""

    id: str
    version: int
    name: str
    tag: str
    running: int
    suspended: bool


class InstanceLine(msgspec.Struct, frozen=True, kw_only=True):
    """An instance in a list; `nodes` are in progress."""

    key: int
    process: str
    version: int
    business_key: str
    state: InstanceState
    started_at: Instant
    nodes: tuple[str, ...]
    incidents: int
    suspended: bool


class IncidentLine(msgspec.Struct, frozen=True, kw_only=True):
    """An open incident and where it is."""

    key: int
    instance: int
    process: str
    node: str
    kind: str
    text: str
    raised_at: Instant


class MigrationReport(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything in progress would go; with faults it cannot."""

    instance: int
    source: DefinitionKey
    target: DefinitionKey
    nodes: dict[str, str]
    flows: dict[str, str]
    carried: int
    faults: tuple[Fault, ...]


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch would do now; `left_out` were too many to be looked at."""

    targets: int
    failures: tuple[BatchFailure, ...]
    left_out: int


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is; `ready` of the open `jobs` wait to be taken."""

    at: Instant
    definitions: int
    instances: int
    suspended: int
    jobs: int
    ready: int
    incidents: int
    next_due: Instant | None


class AskStatus(msgspec.Struct, frozen=True, kw_only=True, tag="status"):
    """How much is there?"""

    def answer(self, engine: Engine, at: Instant) -> Status:
        """Count."""
        ready = sum(len(each) for each in engine.state.ready.values())
        return Status(
            at=at,
            definitions=len(engine.definitions()),
            instances=len(engine.state.instances),
            suspended=len(engine.state.suspended),
            jobs=len(engine.state.jobs),
            ready=ready,
            incidents=len(engine.incidents()),
            next_due=engine.next_due(),
        )


class AskDefinitions(msgspec.Struct, frozen=True, kw_only=True, tag="definitions"):
    """What is deployed?"""

    def answer(self, engine: Engine, at: Instant) -> tuple[DefinitionLine, ...]:  # noqa: ARG002
        """List every version."""
        running = Counter(each.definition for each in glance(engine.state, "instances"))
        return tuple(
            DefinitionLine(
                id=key.id,
                version=key.version,
                name=engine.state.deployments[key].process.name,
                tag=engine.state.deployments[key].process.version_tag,
                running=running[key],
                suspended=engine.state.is_stopped(key),
            )
            for key in engine.definitions()
        )


class AskInstances(msgspec.Struct, frozen=True, kw_only=True, tag="instances"):
    """Which instances run, oldest first, after key `after`; and which have lately `ended`?"""

    where: Selection = Selection()
    after: int = 0
    limit: int = ROWS_MAX
    ended: bool = False

    def answer(self, engine: Engine, at: Instant) -> tuple[InstanceLine, ...]:  # noqa: ARG002
        """List them."""
        keys = [key for key in engine.selected(self.where) if key > self.after]
        if self.ended:
            keys += [key for key in engine.state.finished if self._is_meant(engine, key)]
        limit = min(self.limit, ROWS_MAX)
        return tuple(_line(engine.instance(key)) for key in sorted(keys)[:limit])

    def _is_meant(self, engine: Engine, key: int) -> bool:
        found, where = engine.state.finished[key], self.where
        return (
            key > self.after
            and (not where.instances or key in where.instances)
            and where.process in ("", found.definition.id)
            and where.version in (None, found.definition.version)
            and where.business_key in ("", found.business_key)
            and not (where.node or where.incident or where.suspended)
        )


class AskInstance(msgspec.Struct, frozen=True, kw_only=True, tag="instance"):
    """How does an instance stand?"""

    key: int

    def answer(self, engine: Engine, at: Instant) -> InstanceView:  # noqa: ARG002
        """Show it."""
        return engine.instance(self.key)


class AskJobs(msgspec.Struct, frozen=True, kw_only=True, tag="jobs"):
    """Which jobs are open, oldest first?"""

    state: JobState | None = None
    job_type: str = ""
    instance: int = 0
    limit: int = ROWS_MAX

    def answer(self, engine: Engine, at: Instant) -> tuple[JobView, ...]:  # noqa: ARG002
        """List them."""
        found = engine.jobs(self.state, job_type=self.job_type, instance=self.instance)
        return found[: min(self.limit, ROWS_MAX)]


class AskIncidents(msgspec.Struct, frozen=True, kw_only=True, tag="incidents"):
    """What needs a person?"""

    instance: int = 0
    limit: int = ROWS_MAX

    def answer(self, engine: Engine, at: Instant) -> tuple[IncidentLine, ...]:  # noqa: ARG002
        """List them."""
        found = engine.incidents(self.instance)[: min(self.limit, ROWS_MAX)]
        return tuple(_incident(engine, each) for each in found)


class AskBatches(msgspec.Struct, frozen=True, kw_only=True, tag="batches"):
    """How do batches stand?"""

    key: int = 0

    def answer(self, engine: Engine, at: Instant) -> tuple[Batch, ...]:  # noqa: ARG002
        """List them, or the one."""
        return (engine.batch(self.key),) if self.key else engine.batches()


class AskMigration(msgspec.Struct, frozen=True, kw_only=True, tag="migration"):
    """Could an instance be migrated?"""

    command: Migrate

    def answer(self, engine: Engine, at: Instant) -> MigrationReport:  # noqa: ARG002
        """Plan it."""
        plan = engine.plan_migration(self.command)
        return MigrationReport(
            instance=plan.instance,
            source=plan.source,
            target=plan.target,
            nodes=plan.nodes,
            flows=plan.flows,
            carried=plan.carried,
            faults=plan.faults,
        )


class AskRehearsal(msgspec.Struct, frozen=True, kw_only=True, tag="rehearsal"):
    """What would a batch do?"""

    action: Action
    where: Selection = Selection()

    def answer(self, engine: Engine, at: Instant) -> Rehearsal:
        """Try it on each instance and undo it."""
        targets = engine.selected(self.where, self.action)
        looked_at = targets[:REHEARSED_MAX]
        return Rehearsal(
            targets=len(targets),
            failures=engine.rehearse_batch(self.action, looked_at, at=at),
            left_out=len(targets) - len(looked_at),
        )


AnyQuestion = (
    AskStatus
    | AskDefinitions
    | AskInstances
    | AskInstance
    | AskJobs
    | AskIncidents
    | AskBatches
    | AskMigration
    | AskRehearsal
)

ANSWERS: dict[type[Any], Any] = {
    AskStatus: Status,
    AskDefinitions: tuple[DefinitionLine, ...],
    AskInstances: tuple[InstanceLine, ...],
    AskInstance: InstanceView,
    AskJobs: tuple[JobView, ...],
    AskIncidents: tuple[IncidentLine, ...],
    AskBatches: tuple[Batch, ...],
    AskMigration: MigrationReport,
    AskRehearsal: Rehearsal,
}
"""What each question is answered with."""


def _line(view: InstanceView) -> InstanceLine:
    acts = [act for frame in view.frames for act in frame.acts]
    return InstanceLine(
        key=view.key,
        process=view.definition.id,
        version=view.definition.version,
        business_key=view.business_key,
        state=view.state,
        started_at=view.started_at,
        nodes=tuple(dict.fromkeys(act.node for act in acts if not act.child)),
        incidents=len(view.incidents),
        suspended=view.suspended,
    )


def _incident(engine: Engine, incident: Incident) -> IncidentLine:
    frame = engine.state.frames[incident.frame]
    definition = engine.state.definition_of(frame)
    return IncidentLine(
        key=incident.key,
        instance=frame.instance,
        process=definition.id,
        node=definition.nodes[incident.node].id,
        kind=incident.kind,
        text=incident.text,
        raised_at=incident.raised_at,
    )
