"""``fabloop process deploy``: make the processes of model files known to a store."""

import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from fabloop.app.processes.models import Examiner, Model, Refusal, Warned, model_files, refusal_of
from fabloop.app.processes.service import Service
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import Broken, ExitCode, Fault, Invalid, Refused
from fabloop.cli.processes.instances import ACTOR, patiently
from fabloop.cli.processes.progress import Progress
from fabloop.process.commands import DecisionsKnown, ProcessDeployed


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file; `definitions` are ids of processes or decisions, by `versions`."""

    file: str
    ok: bool
    definitions: tuple[str, ...]
    refusals: tuple[Refusal, ...]
    warnings: tuple[Warned, ...]
    versions: dict[str, int]
    verified: bool


class DeployReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all files."""

    files: tuple[FileReport, ...]


def print_deployment(
    files: Iterable[Path],
    nets: Iterable[Path],
    decisions: Iterable[Path],
    store: Path,
    *,
    dry_run: bool,
    strict: bool,
    request: str,
    as_json: bool,
) -> ExitCode:
    """Deploy every file that can be, and tell why others cannot; a dry run needs no store."""
    paths = list(model_files(files))
    examiner = Examiner(nets, decisions=decisions, strict=strict)
    service = None if dry_run else patiently(store, make=True)
    try:
        report = DeployReport(files=tuple(_reports(paths, examiner, service, request)))
    finally:
        if service is not None:
            service.close()
    if as_json:
        sys.stdout.write(to_json_pretty(report).decode())
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(report, dry_run=dry_run))
    if not paths:
        found = "none"
        raise Invalid(Fault(source="FILE", path="", expected="a model file", found=found))
    return ExitCode.FINE if all(each.ok for each in report.files) else ExitCode.NOT_PRODUCIBLE


def _reports(
    paths: list[Path], examiner: Examiner, service: Service | None, request: str
) -> Iterable[FileReport]:
    with Progress("files", len(paths)) as progress:
        for number, path in enumerate(paths):
            model = examiner.examine(path)
            versions: dict[str, int] = {}
            refusals = model.refusals
            if service is not None and not refusals:
                key = f"{request}/{number}" if request else ""
                versions, refusals = _deployed(model, service, key)
            progress.moved(number + 1)
            yield FileReport(
                file=model.file,
                ok=not refusals,
                definitions=model.definitions,
                refusals=refusals,
                warnings=model.warnings,
                versions=versions,
                verified=model.verified,
            )


def _deployed(
    model: Model, service: Service, request: str
) -> tuple[dict[str, int], tuple[Refusal, ...]]:
    try:
        reply = service.submit(model.deploys, actor=ACTOR, request=request)
    except Invalid as error:
        return {}, tuple(map(refusal_of, error.faults))
    except (Refused, Broken) as error:
        return {}, (Refusal(element="", line=0, reason=str(error)),)
    if isinstance(reply, DecisionsKnown):
        return {each.key.id: each.key.version for each in reply.decisions}, ()
    assert isinstance(reply, ProcessDeployed), "a deployment is answered with its definitions"
    keys = (reply.key, *(each.key for each in reply.others))
    return {key.id: key.version for key in keys}, ()


def _lines(report: DeployReport, *, dry_run: bool) -> Iterable[str]:
    for each in report.files:
        names = [
            f"{name} version {each.versions[name]}" if name in each.versions else name
            for name in each.definitions
        ]
        done = "can be deployed" if dry_run else "deployed"
        yield f"{each.file}: {done}: {', '.join(names)}" if each.ok else f"{each.file}: refused"
        for refusal in each.refusals:
            place = f"line {refusal.line}" if refusal.line else ""
            if refusal.element:
                place = f"'{refusal.element}'" + (f", {place}" if place else "")
            yield f"  {place}: {refusal.reason}" if place else f"  {refusal.reason}"
        if each.ok:
            yield from map(_warning, each.warnings)
    good = sum(each.ok for each in report.files)
    if len(report.files) != 1:
        yield f"{good} of {len(report.files)} files {'can be ' if dry_run else ''}deployed."


def _warning(warned: Warned) -> str:
    after = f" After: {', '.join(warned.after)}." if warned.after else ""
    return f"  Warning: '{warned.process}', {warned.property}: {warned.reason}{after}"
