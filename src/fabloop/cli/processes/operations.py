"""Commands of ``fabloop process`` for who looks after instances: one of them, or many at once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fabloop.base.errors import Fault, Invalid
from fabloop.cli.processes.options import (
    STORE,
    AtNode,
    DryRun,
    Everyone,
    Json,
    Key,
    OfBusiness,
    OfProcess,
    OfVersion,
    Request,
    Store,
    Variables,
    WithIncident,
)

if TYPE_CHECKING:
    from fabloop.process.operations import Action, Selection

operations = typer.Typer()


@operations.command()
def incidents(
    instance: Annotated[int, typer.Option(help="Those of this instance.")] = 0,
    store: Store = STORE,
    json: Json = False,
) -> None:
    """List what needs a person.

    Exit codes: 0 done, 2 bad input or not possible now, 3 the store does not answer.
    """
    from fabloop.cli.processes.operate import list_incidents

    raise typer.Exit(list_incidents(store, instance, as_json=json))


@operations.command()
def resolve(
    incident_key: Annotated[
        int | None, typer.Argument(metavar="[INCIDENT]", help="An incident; or select instances.")
    ] = None,
    retries: Annotated[int, typer.Option(min=1, help="Attempts that a job gets.")] = 1,
    process: OfProcess = "",
    version: OfVersion = None,
    business_key: OfBusiness = "",
    node: AtNode = "",
    incident: WithIncident = "",
    everyone: Everyone = False,
    dry_run: DryRun = False,
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """Try again what failed: one incident, or all those of the selected instances.

    Exit codes: 0 done, 1 not for all that were selected, 2 bad input or not possible now,
    3 the store does not answer.
    """
    from fabloop.cli.processes.instances import do
    from fabloop.process.commands import ResolveIncident
    from fabloop.process.operations import ResolveEach

    where = _selection(process, version, business_key, node, incident)
    if incident_key is not None and not dry_run:
        command = ResolveIncident(incident=incident_key, retries=retries)
        text = f"Incident {incident_key} was resolved."
        raise typer.Exit(do(store, command, request, text, as_json=json))
    kind = "" if incident == "*" else incident
    action = ResolveEach(retries=retries, kind=kind)
    _order(action, None, where, everyone, dry_run, request, store, json)


@operations.command()
def cancel(
    key: Key = None,
    process: OfProcess = "",
    version: OfVersion = None,
    business_key: OfBusiness = "",
    node: AtNode = "",
    incident: WithIncident = "",
    everyone: Everyone = False,
    dry_run: DryRun = False,
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """End instances with all that runs in them.

    Exit codes: 0 done, 1 not for all that were selected, 2 bad input or not possible now,
    3 the store does not answer.
    """
    from fabloop.process.operations import CancelEach

    where = _selection(process, version, business_key, node, incident)
    _order(CancelEach(), key, where, everyone, dry_run, request, store, json)


@operations.command("set")
def set_(
    key: Key = None,
    variables: Variables = "{}",
    process: OfProcess = "",
    version: OfVersion = None,
    business_key: OfBusiness = "",
    node: AtNode = "",
    incident: WithIncident = "",
    everyone: Everyone = False,
    dry_run: DryRun = False,
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """Set variables of instances; KEY may be that of a frame or act, too.

    Exit codes: 0 done, 1 not for all that were selected, 2 bad input or not possible now,
    3 the store does not answer.
    """
    from fabloop.cli.given import json_object
    from fabloop.process.operations import SetEach

    where = _selection(process, version, business_key, node, incident)
    action = SetEach(variables=json_object("--variables", variables))
    _order(action, key, where, everyone, dry_run, request, store, json)


@operations.command()
def modify(
    key: Key = None,
    move: Annotated[
        list[str] | None, typer.Option(help="OLD=NEW: cancel at a node or flow, enter a node.")
    ] = None,
    activate: Annotated[list[str] | None, typer.Option(help="A node to enter as well.")] = None,
    cancel_at: Annotated[
        list[str] | None,
        typer.Option("--cancel", help="A node or flow at which to end what is there."),
    ] = None,
    process: OfProcess = "",
    version: OfVersion = None,
    business_key: OfBusiness = "",
    node: AtNode = "",
    incident: WithIncident = "",
    everyone: Everyone = False,
    dry_run: DryRun = False,
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """Change where instances stand, each all at once or not at all.

    Exit codes: 0 done, 1 not for all that were selected, 2 bad input or not possible now,
    3 the store does not answer.
    """
    from fabloop.cli.processes.operate import pairs
    from fabloop.process.operations import ModifyEach

    if not (move or activate or cancel_at):
        expected = "--move, --activate or --cancel"
        raise Invalid(Fault(source="modify", path="", expected=expected, found="none of them"))
    where = _selection(process, version, business_key, node, incident)
    action = ModifyEach(
        move=pairs("--move", move or ()),
        activate=tuple(activate or ()),
        cancel=tuple(cancel_at or ()),
    )
    _order(action, key, where, everyone, dry_run, request, store, json)


@operations.command()
def migrate(
    key: Key = None,
    to: Annotated[str, typer.Option(help="PROCESS:VERSION to go on by.")] = "",
    nodes: Annotated[
        list[str] | None, typer.Option("--map", help="OLD=NEW, where ids and names do not tell.")
    ] = None,
    restart: Annotated[
        list[str] | None, typer.Option(help="OLD=NEW: begin anew there instead of going on.")
    ] = None,
    process: OfProcess = "",
    version: OfVersion = None,
    business_key: OfBusiness = "",
    node: AtNode = "",
    incident: WithIncident = "",
    everyone: Everyone = False,
    dry_run: DryRun = False,
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """Let instances go on by another version, with all that is in progress.

    Exit codes: 0 done, 1 not for all that were selected, 2 bad input or not possible now,
    3 the store does not answer.
    """
    from fabloop.cli.processes.operate import pairs, target_of
    from fabloop.process.operations import MigrateEach

    where = _selection(process, version, business_key, node, incident)
    action = MigrateEach(
        target=target_of(to),
        nodes=dict(pairs("--map", nodes or ())),
        restart=dict(pairs("--restart", restart or ())),
    )
    _order(action, key, where, everyone, dry_run, request, store, json)


@operations.command()
def suspend(
    key: Key = None,
    definition: Annotated[
        str, typer.Option(help="Let this process, or PROCESS:VERSION, take no new instances.")
    ] = "",
    process: OfProcess = "",
    version: OfVersion = None,
    business_key: OfBusiness = "",
    node: AtNode = "",
    incident: WithIncident = "",
    everyone: Everyone = False,
    dry_run: DryRun = False,
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """Let instances stand still, or a process take no new ones.

    Exit codes: 0 done, 1 not for all that were selected, 2 bad input or not possible now,
    3 the store does not answer.
    """
    from fabloop.cli.processes.instances import do
    from fabloop.cli.processes.operate import process_of
    from fabloop.process.operations import SuspendEach, SuspendProcess

    if definition:
        name, number = process_of(definition)
        command = SuspendProcess(process=name, version=number)
        text = f"Process '{definition}' takes no new instances."
        raise typer.Exit(do(store, command, request, text, as_json=json))
    where = _selection(process, version, business_key, node, incident)
    _order(SuspendEach(), key, where, everyone, dry_run, request, store, json)


@operations.command()
def resume(
    key: Key = None,
    definition: Annotated[
        str, typer.Option(help="Let this process, or PROCESS:VERSION, take instances again.")
    ] = "",
    process: OfProcess = "",
    version: OfVersion = None,
    business_key: OfBusiness = "",
    node: AtNode = "",
    incident: WithIncident = "",
    everyone: Annotated[bool, typer.Option("--all", help="Every suspended instance.")] = False,
    dry_run: DryRun = False,
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """Let suspended instances go on, or a process take new ones again.

    Exit codes: 0 done, 1 not for all that were selected, 2 bad input or not possible now,
    3 the store does not answer.
    """
    from msgspec.structs import replace

    from fabloop.cli.processes.instances import do
    from fabloop.cli.processes.operate import process_of
    from fabloop.process.operations import ResumeEach, ResumeProcess

    if definition:
        name, number = process_of(definition)
        command = ResumeProcess(process=name, version=number)
        text = f"Process '{definition}' takes instances again."
        raise typer.Exit(do(store, command, request, text, as_json=json))
    where = _selection(process, version, business_key, node, incident)
    if key is None and (everyone or where != _selection("", None, "", "", "")):
        where = replace(where, suspended=True)
    _order(ResumeEach(), key, where, everyone, dry_run, request, store, json)


@operations.command()
def batches(store: Store = STORE, json: Json = False) -> None:
    """List what is done to many instances: running, paused, and lately ended.

    Exit codes: 0 done, 2 bad input or not possible now, 3 the store does not answer.
    """
    from fabloop.cli.processes.operate import list_batches

    raise typer.Exit(list_batches(store, as_json=json))


@operations.command()
def batch(
    key: Annotated[int, typer.Argument(help="Key of a batch.")],
    step: Annotated[str, typer.Argument(help="pause, continue or stop.")],
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """Pause, continue or stop a batch; what it has done stays done.

    Exit codes: 0 done, 2 bad input or not possible now, 3 the store does not answer.
    """
    from fabloop.base.names import did_you_mean
    from fabloop.cli.processes.instances import do
    from fabloop.process.operations import ContinueBatch, PauseBatch, StopBatch

    steps: dict[str, type[PauseBatch | ContinueBatch | StopBatch]] = {
        "pause": PauseBatch,
        "continue": ContinueBatch,
        "stop": StopBatch,
    }
    if step not in steps:
        hint = did_you_mean(step, steps)
        expected = "pause, continue or stop"
        raise Invalid(Fault(source="STEP", path="", expected=expected, found=step, hint=hint))
    text = f"Batch {key}: {step}."
    raise typer.Exit(do(store, steps[step](batch=key), request, text, as_json=json))


def _selection(
    process: str, version: int | None, business_key: str, node: str, incident: str
) -> "Selection":
    from fabloop.process.operations import Selection

    return Selection(
        process=process, version=version, business_key=business_key, node=node, incident=incident
    )


def _order(
    action: "Action",
    key: int | None,
    where: "Selection",
    everyone: bool,
    dry_run: bool,
    request: str,
    store: Path,
    as_json: bool,
) -> None:
    from fabloop.cli.processes.operate import Order, carry_out

    order = Order(
        action=action,
        key=key,
        where=where,
        everyone=everyone,
        dry_run=dry_run,
        request=request,
        as_json=as_json,
    )
    raise typer.Exit(carry_out(store, order))
