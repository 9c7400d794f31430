"""``fabloop process cancel``, ``modify``, ``migrate`` and the like, of one instance or of many."""

import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from fabloop.app.processes.questions import (
    AskBatches,
    AskIncidents,
    AskInstance,
    AskMigration,
    AskRehearsal,
    MigrationReport,
    Rehearsal,
)
from fabloop.app.processes.service import Service
from fabloop.base.errors import Conflict, ExitCode, Fault, Invalid
from fabloop.base.instant import iso_of
from fabloop.cli.processes.instances import ACTOR, service_of
from fabloop.cli.processes.plain import columns, named, print_json, print_lines
from fabloop.cli.processes.progress import Progress
from fabloop.process.commands import (
    ActAt,
    Activate,
    CancelInstance,
    Command,
    Migrate,
    Modify,
    Move,
    SetVariables,
    Spot,
    TokenAt,
)
from fabloop.process.definition import DefinitionKey
from fabloop.process.operations import (
    Action,
    Batch,
    BatchStarted,
    BatchState,
    CancelEach,
    MigrateEach,
    ModifyEach,
    ResolveEach,
    ResumeEach,
    ResumeInstance,
    Selection,
    SetEach,
    StartBatch,
    SuspendEach,
    SuspendInstance,
)

LOOK_EVERY_S = 0.05
"""How often the progress of a batch is looked at."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to do to whom: to instance `key`, or to all that `where` means.

    Attributes
    ----------
    everyone : a selection that leaves nobody out is meant so
    """

    action: Action
    key: int | None
    where: Selection
    everyone: bool
    dry_run: bool
    request: str
    as_json: bool


def carry_out(store: Path, order: Order) -> ExitCode:
    """Do it, or tell what would be done."""
    _check(order)
    with service_of(store) as service:
        if order.key is None:
            return _to_many(service, order)
        if isinstance(order.action, MigrateEach) and order.dry_run:
            return _migration(service, order, order.action, order.key)
        command = _command(service, order.action, order.key)
        if order.dry_run:
            return _rehearsed(service, order, Selection(instances=(order.key,)))
        reply = service.submit(command, actor=ACTOR, request=order.request)
    if order.as_json:
        print_json(reply)
    else:
        print_lines([f"Instance {order.key}: {_done(order.action)}."])
    return ExitCode.FINE


def _check(order: Order) -> None:
    chosen = order.where != Selection() or order.everyone
    if (order.key is None) != chosen:
        fault = Fault(
            source="KEY",
            path="",
            expected="the key of an instance, or a selection such as --process",
            found="both" if chosen else "neither",
            hint="" if chosen else "Use --all for every instance there is.",
        )
        raise Invalid(fault)


def _command(service: Service, action: Action, key: int) -> Command:
    """Return the command that does to one instance what a batch does to each."""
    match action:
        case CancelEach():
            return CancelInstance(instance=key)
        case SuspendEach():
            return SuspendInstance(instance=key)
        case ResumeEach():
            return ResumeInstance(instance=key)
        case SetEach():
            return SetVariables(target=key, variables=action.variables)
        case MigrateEach():
            return Migrate(
                instance=key, target=action.target, nodes=action.nodes, restart=action.restart
            )
        case ModifyEach():
            return _modification(service, action, key)
        case ResolveEach():
            return StartBatch(action=action, where=Selection(instances=(key,)))


def _modification(service: Service, action: ModifyEach, key: int) -> Modify:
    """Return the change of one instance: what is in progress, and tokens that wait on flows."""
    view = service.query(AskInstance(key=key))
    spots: dict[str, list[Spot]] = {}
    for frame in view.frames:
        for act in frame.acts:
            if not act.transition:
                spots.setdefault(act.node, []).append(ActAt(key=act.key))
        for flow, count in frame.tokens.items():
            spots.setdefault(flow, []).extend([TokenAt(frame=frame.key, flow=flow)] * count)
    wanted = [old for old, _ in action.move] + list(action.cancel)
    missing = [name for name in wanted if name not in spots]
    if missing:
        at = ", ".join(spots) or "nowhere"
        raise Conflict(
            f"Expected '{missing[0]}' of instance {key} to be in progress, but it is not. "
            f"It stands at: {at}."
        )
    return Modify(
        instance=key,
        move=tuple(Move(spot=spot, node=new) for old, new in action.move for spot in spots[old]),
        cancel=tuple(spot for name in action.cancel for spot in spots[name]),
        activate=tuple(Activate(node=node) for node in action.activate),
    )


def _done(action: Action) -> str:
    match action:
        case CancelEach():
            return "cancelled"
        case SuspendEach():
            return "suspended"
        case ResumeEach():
            return "resumed"
        case SetEach():
            return "variables set"
        case MigrateEach():
            return f"migrated to '{action.target.id}' version {action.target.version}"
        case ModifyEach():
            return "modified"
        case ResolveEach():
            return "incidents tried again"


# -- many ---------------------------------------------------------------------------------------


def _to_many(service: Service, order: Order) -> ExitCode:
    if order.dry_run:
        return _rehearsed(service, order, order.where)
    command = StartBatch(action=order.action, where=order.where)
    reply = service.submit(command, actor=ACTOR, request=order.request)
    assert isinstance(reply, BatchStarted), "a batch is answered with its key"
    batch = _awaited(service, reply)
    if order.as_json:
        print_json(_batch(batch))
    else:
        good = batch.position - batch.failed
        print_lines([f"Batch {batch.key}: {good} of {len(batch.targets)} {_done(batch.action)}."])
        print_lines(f"  {each.instance}: {each.reason}" for each in batch.failures)
    return ExitCode.NOT_PRODUCIBLE if batch.failed else ExitCode.FINE


def _awaited(service: Service, started: BatchStarted) -> Batch:
    """Wait until a batch has ended, or somebody pauses it."""
    with Progress("instances", started.targets) as progress:
        while True:
            (batch,) = service.query(AskBatches(key=started.batch))
            progress.moved(batch.position)
            if batch.state is not BatchState.RUNNING:
                return batch
            time.sleep(LOOK_EVERY_S)


def _batch(batch: Batch) -> dict[str, object]:
    return {
        "batch": batch.key,
        "action": type(batch.action).__struct_config__.tag,
        "state": batch.state.name.lower(),
        "targets": len(batch.targets),
        "done": batch.position - batch.failed,
        "failed": batch.failed,
        "failures": [{"instance": each.instance, "reason": each.reason} for each in batch.failures],
    }


def _rehearsed(service: Service, order: Order, where: Selection) -> ExitCode:
    found = service.query(AskRehearsal(action=order.action, where=where))
    if order.key is not None and not found.targets:
        service.query(AskInstance(key=order.key))  # tells that there is none
    if order.as_json:
        print_json({"dry_run": True, **named(found)})
    else:
        print_lines(_rehearsal(found, order.action))
    return ExitCode.NOT_PRODUCIBLE if found.failures else ExitCode.FINE


def _rehearsal(found: Rehearsal, action: Action) -> Iterable[str]:
    good = found.targets - found.left_out - len(found.failures)
    yield f"Dry run: {good} of {found.targets} would be {_done(action)}; nothing was changed."
    if found.left_out:
        yield f"  {found.left_out} more were not looked at."
    yield from (f"  {each.instance}: {each.reason}" for each in found.failures)


def _migration(service: Service, order: Order, action: MigrateEach, key: int) -> ExitCode:
    command = Migrate(
        instance=key, target=action.target, nodes=action.nodes, restart=action.restart
    )
    plan = service.query(AskMigration(command=command))
    if plan.faults or not action.restart:
        if order.as_json:
            print_json({"dry_run": True, **named(plan)})
        else:
            print_lines(_planned(plan))
        return ExitCode.NOT_PRODUCIBLE if plan.faults else ExitCode.FINE
    return _rehearsed(service, order, Selection(instances=(key,)))


def _planned(plan: MigrationReport) -> Iterable[str]:
    to = f"'{plan.target.id}' version {plan.target.version}"
    yield f"Dry run: instance {plan.instance} to {to}; nothing was changed."
    yield f"  {plan.carried} things in progress go on"
    yield from (f"  {old} -> {new}" for old, new in (plan.nodes | plan.flows).items())
    yield from (f"  cannot: {each.sentence()}" for each in plan.faults)


# -- batches and incidents ----------------------------------------------------------------------


def list_batches(store: Path, *, as_json: bool) -> ExitCode:
    """Print batches, open and lately ended."""
    with service_of(store) as service:
        found = service.query(AskBatches())
    if as_json:
        print_json({"batches": [_batch(each) for each in found]})
    elif not found:
        print_lines(["No batch."])
    else:
        rows = [
            (
                each.key,
                type(each.action).__struct_config__.tag,
                each.state.name.lower(),
                f"{each.position} of {len(each.targets)}",
                each.failed,
            )
            for each in found
        ]
        print_lines(columns(("key", "action", "state", "had their turn", "failed"), rows))
    return ExitCode.FINE


def list_incidents(store: Path, instance: int, *, as_json: bool) -> ExitCode:
    """Print open incidents."""
    with service_of(store) as service:
        found = service.query(AskIncidents(instance=instance))
    if as_json:
        print_json({"incidents": found})
    elif not found:
        print_lines(["No incident."])
    else:
        rows = [
            (e.key, e.instance, e.process, e.node, e.kind, iso_of(e.raised_at), e.text)
            for e in found
        ]
        heads = ("key", "instance", "process", "node", "kind", "since", "")
        print_lines(columns(heads, rows))
    return ExitCode.FINE


def target_of(text: str) -> DefinitionKey:
    """Return the definition that ``NAME:VERSION`` names."""
    name, _, version = text.rpartition(":")
    if not name or not version.isdigit():
        expected = "a process and a version such as 'shop:2'"
        raise Invalid(Fault(source="--to", path="", expected=expected, found=repr(text)))
    return DefinitionKey(name, int(version))


def process_of(text: str) -> tuple[str, int | None]:
    """Return a process and the version behind its colon, if there is one."""
    name, colon, version = text.rpartition(":")
    return (name, int(version)) if colon and version.isdigit() else (text, None)


def pairs(option: str, given: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return what stands on both sides of ``OLD=NEW``."""
    found = [each.partition("=") for each in given]
    wrong = [f"{old}{mark}{new}" for old, mark, new in found if not (old and mark and new)]
    if wrong:
        expected = "two nodes such as 'weld=glue'"
        raise Invalid(Fault(source=option, path="", expected=expected, found=repr(wrong[0])))
    return tuple((old, new) for old, _, new in found)
