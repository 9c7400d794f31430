"""``fabloop process verify``: is a process, net or recipe sound, and if not, how does it fail?"""

import sys
from pathlib import Path

import msgspec

from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.xml import parse_xml
from fabloop.process.bpmn.dialect.convert import is_drawing
from fabloop.process.bpmn.read import read_bpmn
from fabloop.process.cpn.cpnxml import is_cpn, read_cpn
from fabloop.process.cpn.document import compile_net, read_net, read_nets
from fabloop.process.cpn.model import NetDocument
from fabloop.process.cpn.pnml import read_pnml
from fabloop.process.definition import Definition
from fabloop.process.deployment import Deployment, definition_of
from fabloop.process.verify.drawn.read import read_drawing
from fabloop.process.verify.environment import CLOSED, OPEN, Environment, Openness
from fabloop.process.verify.flat import Limits
from fabloop.process.verify.report import verify, verify_drawing, verify_net
from fabloop.process.verify.verdict import Verdict, Verification
from fabloop.run.compose import compose
from fabloop.run.recipe_document import read_recipe

NET_FORMAT = b'"fabloop/net/'


def print_verification(
    file: Path,
    nets: tuple[Path, ...],
    *,
    environment: Openness,
    full: bool,
    markings: int,
    as_json: bool,
) -> ExitCode:
    """Print the verdict on every property; only what is proven sound ends with 0.

    The file is BPMN 2.0 XML, a net document, a net as PNML (``.pnml``) or of CPN Tools
    (``.cpn``), or a production recipe, which is composed first.
    `nets` hold the net documents of a process' pages, each file one or a list of them; a file
    ``NAME.nets.json`` beside ``NAME.bpmn`` is read without being named.
    """
    outside = OPEN if environment is Openness.OPEN else CLOSED
    limits = Limits(markings=markings)
    report = _verified(file, nets, Effort(limits=limits, environment=outside, reduced=not full))
    if as_json:
        sys.stdout.write(to_json_pretty(report).decode())
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(report))
    if report.sound is None:
        return ExitCode.UNDECIDED
    return ExitCode.FINE if report.sound else ExitCode.NOT_PRODUCIBLE


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """What a verification assumes, and how far it goes."""

    limits: Limits
    environment: Environment
    reduced: bool

    def net(self, document: NetDocument) -> Verification:
        """Return the report on a net by itself."""
        net = compile_net(document)
        return verify_net(net, limits=self.limits, reduced=self.reduced, counted=True)

    def drawing(self, data: bytes, refused: Invalid | None = None) -> Verification:
        """Return the report on a document that says nothing of its execution, or was refused."""
        try:
            drawing = read_drawing(data)
        except Invalid as error:
            raise refused or error from None
        return verify_drawing(
            drawing, limits=self.limits, environment=self.environment, reduced=self.reduced,
            counted=True,
        )  # fmt: skip

    def process(self, definition: Definition) -> Verification:
        """Return the report on a process with its pages."""
        return verify(
            definition, limits=self.limits, environment=self.environment,
            reduced=self.reduced, counted=True,
        )  # fmt: skip


def _verified(file: Path, nets: tuple[Path, ...], effort: Effort) -> Verification:
    data = _read(file)
    if file.suffix.lower() == ".pnml":
        return effort.net(read_pnml(data, str(file)))
    if file.suffix.lower() == ".cpn" or is_cpn(data):
        return effort.net(read_cpn(data, str(file)))
    if data.lstrip().startswith(b"<"):
        return _verified_bpmn(file, data, nets, effort)
    if NET_FORMAT in data:
        return effort.net(read_net(data, str(file)))
    composed = compose(read_recipe(data, source=str(file)), process_id="recipe")
    return effort.process(definition_of(Deployment(composed.process, composed.nets), 0))


def _verified_bpmn(file: Path, data: bytes, nets: tuple[Path, ...], effort: Effort) -> Verification:
    """Return the report on what is carried out, or on the flow alone where nothing can be."""
    beside = file.with_suffix(".nets.json")
    files = nets or ((beside,) if beside.is_file() else ())
    if not files and is_drawing(parse_xml(data, str(file))):
        return effort.drawing(data)
    documents = tuple(net for each in files for net in _nets(each))
    try:
        process, lines = read_bpmn(data)
        definition = definition_of(Deployment(process, documents), 0, lines)
    except Invalid as refused:
        if files:
            raise
        return effort.drawing(data, refused)
    return effort.process(definition)


def _nets(file: Path) -> tuple[NetDocument, ...]:
    data = _read(file)
    return (
        read_nets(data, str(file))
        if data.lstrip().startswith(b"[")
        else (read_net(data, str(file)),)
    )


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Invalid(
            Fault(
                source=str(file),
                path="",
                expected="a file that can be read",
                found=error.strerror or type(error).__name__,
            )
        ) from error


def _lines(report: Verification) -> list[str]:
    """Return a line for each property, and the way to each fault."""
    verdict = {True: "sound", False: "not sound", None: "not decided"}[report.sound]
    lines = [f"{report.subject}: {verdict}"]
    lines.append(
        f"  {report.markings:,} markings, {report.arcs:,} arcs, {report.dead_markings:,} of the "
        f"markings dead; explored: {report.explored}."
    )
    if report.environment is not None:
        outside = msgspec.structs.asdict(report.environment).items()
        lines.append(f"  Outside: {', '.join(f'{what} {how}' for what, how in outside)}.")
    for each in report.findings:
        lines.append(f"  {each.property}: {each.verdict}")
        if each.verdict is not Verdict.HOLDS:
            lines.append(f"    {each.reason}")
        if each.counterexample:
            lines.append(f"    after: {', '.join(each.counterexample)}")
    if report.left_out:
        lines.append(f"  Not looked at: {', '.join(report.left_out)}.")
    return lines
