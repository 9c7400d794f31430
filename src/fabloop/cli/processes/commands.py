"""Commands of ``fabloop process`` that carry processes out: deploy, start, look, work."""

from pathlib import Path
from typing import Annotated

import typer

from fabloop.cli.processes.options import (
    STORE,
    AtNode,
    Json,
    OfBusiness,
    OfProcess,
    OfVersion,
    Request,
    Store,
    Variables,
    WithIncident,
)

commands = typer.Typer()


@commands.command()
def deploy(
    files: Annotated[list[Path], typer.Argument(help="BPMN 2.0 files, or folders with some.")],
    nets: Annotated[
        list[Path] | None, typer.Option("--net", help="Net document of a page; repeatable.")
    ] = None,
    dmn: Annotated[
        list[Path] | None,
        typer.Option("--dmn", help="Decision model deployed with every process; repeatable."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what can be deployed; needs no store.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse what a quick verification refutes.")
    ] = False,
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """Make processes known to a store; the same content keeps its version.

    A DMN file (.dmn) makes its decisions known. Each file is deployed or refused by itself.
    Exit codes: 0 all are deployed, 1 some are refused, 2 bad input, such as no file at all.
    """
    from fabloop.cli.processes.deploy import print_deployment

    raise typer.Exit(
        print_deployment(
            files,
            nets or (),
            dmn or (),
            store,
            dry_run=dry_run,
            strict=strict,
            request=request,
            as_json=json,
        )
    )


@commands.command()
def start(
    process: Annotated[str, typer.Argument(help="Id of a deployed process.")],
    version: Annotated[int | None, typer.Option(help="Its version; the latest without it.")] = None,
    variables: Variables = "{}",
    business_key: Annotated[str, typer.Option(help="What others call the instance.")] = "",
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """Start an instance of a process.

    Exit codes: 0 done, 2 bad input or not possible now, 3 the store does not answer.
    """
    from fabloop.cli.given import json_object
    from fabloop.cli.processes.instances import start as start_instance
    from fabloop.process.commands import StartInstance

    command = StartInstance(
        process=process,
        version=version,
        variables=json_object("--variables", variables),
        business_key=business_key,
    )
    raise typer.Exit(start_instance(store, command, request, as_json=json))


@commands.command()
def show(
    key: Annotated[int, typer.Argument(help="Key of an instance.")],
    store: Store = STORE,
    json: Json = False,
) -> None:
    """Show how an instance stands: nodes, variables, timers, messages, incidents.

    Exit codes: 0 done, 2 bad input or not possible now, 3 the store does not answer.
    """
    from fabloop.cli.processes.instances import show as show_instance

    raise typer.Exit(show_instance(store, key, as_json=json))


@commands.command("list")
def list_(
    process: OfProcess = "",
    version: OfVersion = None,
    business_key: OfBusiness = "",
    node: AtNode = "",
    incident: WithIncident = "",
    ended: Annotated[bool, typer.Option("--ended", help="Those lately ended as well.")] = False,
    definitions: Annotated[
        bool, typer.Option("--definitions", help="What is deployed, instead of instances.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    store: Store = STORE,
    json: Json = False,
) -> None:
    """List running instances, oldest first.

    Exit codes: 0 done, 2 bad input or not possible now, 3 the store does not answer.
    """
    from fabloop.cli.processes.instances import list_definitions, list_instances
    from fabloop.process.operations import Selection

    if definitions:
        raise typer.Exit(list_definitions(store, as_json=json))
    where = Selection(
        process=process, version=version, business_key=business_key, node=node, incident=incident
    )
    raise typer.Exit(list_instances(store, where, limit, ended=ended, as_json=json))


@commands.command()
def jobs(
    job_type: Annotated[str, typer.Option("--type", help="Jobs of this type.")] = "",
    instance: Annotated[int, typer.Option(help="Jobs of this instance.")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    store: Store = STORE,
    json: Json = False,
) -> None:
    """List open jobs, oldest first.

    Exit codes: 0 done, 2 bad input or not possible now, 3 the store does not answer.
    """
    from fabloop.app.processes.questions import AskJobs
    from fabloop.cli.processes.instances import list_jobs

    question = AskJobs(job_type=job_type, instance=instance, limit=limit)
    raise typer.Exit(list_jobs(store, question, as_json=json))


@commands.command()
def complete(
    job: Annotated[int, typer.Argument(help="Key of a job.")],
    variables: Variables = "{}",
    epoch: Annotated[int | None, typer.Option(help="That of the lease, where it is held.")] = None,
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """Report the result of a job, as its worker or the person who did it.

    Exit codes: 0 done, 2 bad input or not possible now, 3 the store does not answer.
    """
    from fabloop.cli.given import json_object
    from fabloop.cli.processes.instances import do
    from fabloop.process.commands import CompleteJob

    given = json_object("--variables", variables)
    command = CompleteJob(job=job, variables=given, epoch=epoch)
    raise typer.Exit(do(store, command, request, f"Job {job} is done.", as_json=json))


@commands.command()
def fail(
    job: Annotated[int, typer.Argument(help="Key of a job.")],
    retries: Annotated[int, typer.Option(min=0, help="Attempts left; 0 calls a person.")] = 0,
    backoff: Annotated[str, typer.Option(help="Pause before the next, such as PT30S.")] = "PT0S",
    message: Annotated[str, typer.Option(help="Why it failed.")] = "",
    epoch: Annotated[int | None, typer.Option(help="That of the lease, where it is held.")] = None,
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """Report that an attempt at a job has failed.

    Exit codes: 0 done, 2 bad input or not possible now, 3 the store does not answer.
    """
    from fabloop.cli.given import duration_given
    from fabloop.cli.processes.instances import do
    from fabloop.process.commands import FailJob

    backoff_ns = duration_given("--backoff", backoff)
    command = FailJob(job=job, retries=retries, backoff_ns=backoff_ns, message=message, epoch=epoch)
    raise typer.Exit(do(store, command, request, f"Job {job} has failed.", as_json=json))


@commands.command()
def throw(
    job: Annotated[int, typer.Argument(help="Key of a job.")],
    code: Annotated[str, typer.Argument(help="Code of the error, as its event names it.")],
    message: Annotated[str, typer.Option(help="What went wrong.")] = "",
    variables: Variables = "{}",
    epoch: Annotated[int | None, typer.Option(help="That of the lease, where it is held.")] = None,
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """Report a business error of a job, for the event that catches it.

    Exit codes: 0 done, 2 bad input or not possible now, 3 the store does not answer.
    """
    from fabloop.cli.given import json_object
    from fabloop.cli.processes.instances import do
    from fabloop.process.commands import ThrowError

    given = json_object("--variables", variables)
    command = ThrowError(job=job, code=code, message=message, variables=given, epoch=epoch)
    raise typer.Exit(do(store, command, request, f"Job {job}: error '{code}'.", as_json=json))


@commands.command()
def assign(
    job: Annotated[int, typer.Argument(help="Key of a job.")],
    person: Annotated[str, typer.Argument(help="Whose it is; '' for nobody's.")],
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """Give a job to a person or worker.

    Exit codes: 0 done, 2 bad input or not possible now, 3 the store does not answer.
    """
    from fabloop.cli.processes.instances import do
    from fabloop.process.commands import AssignJob

    text = f"Job {job} is {person}'s." if person else f"Job {job} is nobody's."
    command = AssignJob(job=job, assignee=person)
    raise typer.Exit(do(store, command, request, text, as_json=json))


@commands.command()
def message(
    name: Annotated[str, typer.Argument(help="Name of the message.")],
    correlation: Annotated[str, typer.Argument(help="Its correlation key.")],
    variables: Variables = "{}",
    ttl: Annotated[str, typer.Option(help="How long it is kept for others, as PT5M.")] = "PT0S",
    id_: Annotated[str, typer.Option("--id", help="Kept once under this id.")] = "",
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """Publish a message to the instances that wait for it.

    Exit codes: 0 done, 2 bad input or not possible now, 3 the store does not answer.
    """
    from fabloop.cli.given import duration_given, json_object
    from fabloop.cli.processes.instances import do
    from fabloop.process.commands import PublishMessage

    command = PublishMessage(
        name=name,
        correlation_key=correlation,
        time_to_live_ns=duration_given("--ttl", ttl),
        message_id=id_,
        variables=json_object("--variables", variables),
    )
    raise typer.Exit(do(store, command, request, "", as_json=json))


@commands.command()
def signal(
    name: Annotated[str, typer.Argument(help="Name of the signal.")],
    variables: Variables = "{}",
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """Broadcast a signal to all that wait for it, and start what it starts.

    Exit codes: 0 done, 2 bad input or not possible now, 3 the store does not answer.
    """
    from fabloop.cli.given import json_object
    from fabloop.cli.processes.instances import do
    from fabloop.process.commands import BroadcastSignal

    command = BroadcastSignal(name=name, variables=json_object("--variables", variables))
    raise typer.Exit(do(store, command, request, "", as_json=json))


@commands.command()
def kpis(
    values: Annotated[str, typer.Argument(help="Values by name as a JSON object, or @FILE.")],
    store: Store = STORE,
    request: Request = "",
    json: Json = False,
) -> None:
    """Tell the values of KPIs to the conditions that read them.

    Exit codes: 0 done, 2 bad input or not possible now, 3 the store does not answer.
    """
    from fabloop.cli.given import json_object
    from fabloop.cli.processes.instances import do
    from fabloop.process.commands import ReportKpis

    given = json_object("VALUES", values)
    text = f"Told: {', '.join(given)}."
    raise typer.Exit(do(store, ReportKpis(values=given), request, text, as_json=json))


@commands.command()
def simulate(
    files: Annotated[
        list[Path], typer.Argument(help="BPMN 2.0 files; the first process is started.")
    ],
    process: Annotated[str, typer.Option(help="Start this process instead.")] = "",
    runs: Annotated[int, typer.Option(min=1, max=10_000, help="Runs, each with its chance.")] = 10,
    cases: Annotated[int, typer.Option(min=1, max=100_000, help="Cases in a run.")] = 100,
    every: Annotated[
        str, typer.Option(help="Time between arrivals, such as exponential(5min).")
    ] = "",
    duration: Annotated[
        list[str] | None,
        typer.Option(help="NAME=TIME of a node or job type, such as weld=normal(90s,10s)."),
    ] = None,
    capacity: Annotated[
        list[str] | None, typer.Option(help="NAME=N: so many jobs of a resource at once.")
    ] = None,
    result: Annotated[
        list[str] | None,
        typer.Option(help="NAME=FEEL: what a job gives, such as test={ok: random<0.9}."),
    ] = None,
    message: Annotated[
        list[str] | None, typer.Option(help="NAME=TIME until it comes to who waits for it.")
    ] = None,
    variables: Variables = "{}",
    nets: Annotated[
        list[Path] | None, typer.Option("--net", help="Net document of a page; repeatable.")
    ] = None,
    dmn: Annotated[
        list[Path] | None, typer.Option("--dmn", help="Decision model it uses; repeatable.")
    ] = None,
    begin: Annotated[
        str, typer.Option(help="Date and time of the first arrival.")
    ] = "2026-01-05T00:00:00Z",
    until: Annotated[str, typer.Option(help="End each run after so long, such as P7D.")] = "",
    seed: Annotated[int, typer.Option(help="The same seed gives the same answer.")] = 1,
    json: Json = False,
) -> None:
    """Run a process many times in virtual time: how long does it take, and who is busy?

    Exit codes: 0 every case came to its end, 1 some did not, 2 bad input.
    """
    from fabloop.cli.processes.simulate import Wish, print_simulation

    wish = Wish(
        files=tuple(files),
        nets=tuple(nets or ()),
        decisions=tuple(dmn or ()),
        process=process,
        runs=runs,
        cases=cases,
        every=every,
        durations=tuple(duration or ()),
        capacities=tuple(capacity or ()),
        results=tuple(result or ()),
        messages=tuple(message or ()),
        variables=variables,
        begin=begin,
        until=until,
        seed=seed,
    )
    raise typer.Exit(print_simulation(wish, as_json=json))


@commands.command()
def serve(
    keep: Annotated[
        str, typer.Option(help="Archive rows of what ended longer ago, such as P30D.")
    ] = "",
    store: Store = STORE,
    json: Json = False,
) -> None:
    """Hold a store open, keep its time, and let workers and commands of this machine use it.

    Exit codes: 0 ended, 2 bad input, or another process serves the store.
    """
    from fabloop.cli.given import duration_given
    from fabloop.cli.processes.work import serve as serve_store

    keep_ns = duration_given("--keep", keep) if keep else None
    raise typer.Exit(serve_store(store, keep_ns=keep_ns, as_json=json))


@commands.command()
def work(
    module: Annotated[str, typer.Argument(help="Python module or file with @worker functions.")],
    concurrency: Annotated[int, typer.Option(min=1, help="Functions that run at once.")] = 8,
    name: Annotated[str, typer.Option(help="Name of this worker, as leases show it.")] = "",
    store: Store = STORE,
    json: Json = False,
) -> None:
    """Do jobs with the functions of a Python module until Ctrl-C.

    Exit codes: 0 ended, 2 bad input, 3 the store does not answer.
    """
    from fabloop.cli.processes.work import work as do_jobs

    raise typer.Exit(do_jobs(module, store, concurrency=concurrency, name=name, as_json=json))


@commands.command()
def history(
    key: Annotated[
        int | None, typer.Argument(metavar="[KEY]", help="An instance, and those it called.")
    ] = None,
    process: OfProcess = "",
    business_key: OfBusiness = "",
    node: Annotated[str, typer.Option(help="What happened at this node.")] = "",
    resource: Annotated[str, typer.Option(help="What this worker or person did.")] = "",
    since: Annotated[str | None, typer.Option(help="From this date and time on.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this date and time.")] = None,
    xes: Annotated[
        Path | None, typer.Option(help="Write an event log for process mining (XES).")
    ] = None,
    ocel: Annotated[
        Path | None, typer.Option(help="Write an object-centric event log (OCEL 2.0, JSON).")
    ] = None,
    objects: Annotated[
        list[str] | None,
        typer.Option("--object", help="VARIABLE=TYPE: its value names an object; repeatable."),
    ] = None,
    store: Store = STORE,
    json: Json = False,
) -> None:
    """Tell what happened, who did it and when; the store may be in use meanwhile.

    Exit codes: 0 told, 2 bad input, or no store.
    """
    from fabloop.cli.given import instant_given
    from fabloop.cli.processes.history import Wanted, tell
    from fabloop.process.history.query import HistoryQuery

    query = HistoryQuery(
        instance=key or 0,
        process=process,
        business_key=business_key,
        node=node,
        resource=resource,
        since=None if since is None else instant_given("--since", since),
        until=None if until is None else instant_given("--until", until),
    )
    wanted = Wanted(query=query, xes=xes, ocel=ocel, objects=tuple(objects or ()), as_json=json)
    raise typer.Exit(tell(store, wanted))
