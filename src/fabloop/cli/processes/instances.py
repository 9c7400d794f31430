"""``fabloop process start``, ``show``, ``list``, ``jobs`` and what is done to one job."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fabloop.app.processes.questions import (
    AskDefinitions,
    AskInstance,
    AskInstances,
    AskJobs,
    DefinitionLine,
    InstanceLine,
)
from fabloop.app.processes.service import Service
from fabloop.app.processes.store import connect
from fabloop.base.errors import Conflict, ExitCode
from fabloop.base.instant import iso_of
from fabloop.cli.processes.plain import columns, print_json, print_lines, short
from fabloop.process.commands import (
    Command,
    InstanceCreated,
    MessagePublished,
    SignalBroadcast,
    StartInstance,
)
from fabloop.process.operations import Selection
from fabloop.process.state import JobState
from fabloop.process.views import ActView, InstanceView, JobView
from fabloop.process.waits import WaitView

ACTOR = "cli"
PATIENCE_S = 2.0
"""How long a command waits for another one to let go of the store."""

LOOK_AGAIN_S = 0.05


def patiently(store: Path, *, make: bool = False) -> Service:
    """Connect to a store; another command that has it open will be done in a moment."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return connect(store, make=make)
        except Conflict:
            if time.monotonic() > until:
                raise
            time.sleep(LOOK_AGAIN_S)


@contextmanager
def service_of(store: Path) -> Iterator[Service]:
    """Use the store's host, here or where it is served."""
    service = patiently(store)
    try:
        yield service
    finally:
        service.close()


def do(store: Path, command: Command, request: str, text: str, *, as_json: bool) -> ExitCode:
    """Carry out a command and print its reply, or `text` for people."""
    with service_of(store) as service:
        reply = service.submit(command, actor=ACTOR, request=request)
    if as_json:
        print_json(reply)
    elif isinstance(reply, MessagePublished):
        taken = ", ".join(map(str, reply.instances)) or "nobody yet"
        print_lines(["Ignored: it was sent before." if reply.duplicate else f"Taken by: {taken}."])
    elif isinstance(reply, SignalBroadcast):
        print_lines([f"Heard by: {', '.join(map(str, reply.instances)) or 'nobody'}."])
    else:
        print_lines([text])
    return ExitCode.FINE


def start(store: Path, command: StartInstance, request: str, *, as_json: bool) -> ExitCode:
    """Start an instance and print its key."""
    with service_of(store) as service:
        reply = service.submit(command, actor=ACTOR, request=request)
    assert isinstance(reply, InstanceCreated), "a start is answered with an instance"
    if as_json:
        print_json(reply)
    else:
        of = reply.definition
        print_lines([f"Started instance {reply.instance} of '{of.id}' version {of.version}."])
    return ExitCode.FINE


def show(store: Path, key: int, *, as_json: bool) -> ExitCode:
    """Print everything about an instance."""
    with service_of(store) as service:
        view = service.query(AskInstance(key=key))
    if as_json:
        print_json(view)
    else:
        print_lines(_shown(view))
    return ExitCode.FINE


def _shown(view: InstanceView) -> Iterable[str]:
    of = view.definition
    state = "suspended" if view.suspended else view.state.name.lower()
    yield f"Instance {view.key} of '{of.id}' version {of.version}: {state}"
    if view.business_key:
        yield f"  business key: {view.business_key}"
    yield f"  started: {iso_of(view.started_at)}"
    if view.ended_at is not None:
        yield f"  ended: {iso_of(view.ended_at)}"
    if view.caller:
        yield f"  called by: {view.caller}"
    yield from (f"  {name} = {short(value)}" for name, value in sorted(view.variables.items()))
    for frame in view.frames:
        yield f"  in '{frame.owner}' ({frame.key}):"
        yield from (f"    {line}" for act in frame.acts for line in _act(act))
        yield from (f"    {count} waiting on flow '{flow}'" for flow, count in frame.tokens.items())
        for place in frame.places:
            if place.tokens:
                yield f"    place '{place.name}': {len(place.tokens)} tokens"
    for each in view.incidents:
        yield f"  incident {each.key} ({each.kind}): {each.text}"


def _act(act: ActView) -> Iterable[str]:
    name = f"{act.node}.{act.transition}" if act.transition else act.node
    notes = [f"act {act.key}"]
    notes += [f"{each.node} waits for {_waited(each)}" for each in act.waits]
    if act.called:
        notes.append(f"called instance {act.called}")
    notes += [f"timer '{each.node}' at {iso_of(each.due)}" for each in act.timers]
    yield f"{name}: {', '.join(notes)}"


def _waited(wait: WaitView) -> str:
    key = f" with key '{wait.correlation}'" if wait.correlation else ""
    held = f" ({wait.held} held back)" if wait.held else ""
    return f"{wait.kind} '{wait.name}'{key}{held}"


def list_instances(
    store: Path, where: Selection, limit: int, *, ended: bool, as_json: bool
) -> ExitCode:
    """Print the running instances, and those lately ended where asked for."""
    with service_of(store) as service:
        found = service.query(AskInstances(where=where, limit=limit, ended=ended))
    if as_json:
        print_json({"instances": found})
    elif not found:
        print_lines(["No instance."])
    else:
        heads = ("key", "process", "version", "state", "started", "at", "incidents")
        print_lines(columns(heads, [_row(each) for each in found]))
    return ExitCode.FINE


def _row(line: InstanceLine) -> tuple[object, ...]:
    state = "suspended" if line.suspended else line.state.name.lower()
    at = ", ".join(line.nodes[:5]) + (" …" if len(line.nodes) > 5 else "")
    started = iso_of(line.started_at)
    return (line.key, line.process, line.version, state, started, at, line.incidents or "")


def list_definitions(store: Path, *, as_json: bool) -> ExitCode:
    """Print what is deployed."""
    with service_of(store) as service:
        found = service.query(AskDefinitions())
    if as_json:
        print_json({"definitions": found})
    elif not found:
        print_lines(["Nothing is deployed. Deploy a model: fabloop process deploy FILE"])
    else:
        print_lines(columns(("process", "version", "tag", "running", ""), _definitions(found)))
    return ExitCode.FINE


def _definitions(found: Iterable[DefinitionLine]) -> list[tuple[object, ...]]:
    return [
        (each.id, each.version, each.tag, each.running, "suspended" if each.suspended else "")
        for each in found
    ]


def list_jobs(store: Path, question: AskJobs, *, as_json: bool) -> ExitCode:
    """Print open jobs."""
    with service_of(store) as service:
        found = service.query(question)
    if as_json:
        print_json({"jobs": found})
    elif not found:
        print_lines(["No open job."])
    else:
        heads = ("key", "type", "state", "instance", "node", "for", "retries", "")
        print_lines(columns(heads, [_job(each) for each in found]))
    return ExitCode.FINE


def _job(job: JobView) -> tuple[object, ...]:
    holder = job.worker if job.state is JobState.LEASED else job.assignee
    for_whom = holder or ", ".join(job.candidates)
    node = f"{job.node}.{job.transition}" if job.transition else job.node
    note = job.message[:80]
    state = job.state.name.lower()
    return (job.key, job.type, state, job.instance, node, for_whom, job.retries, note)
