"""Model files before they are deployed: which definitions are in them, and why others are not."""

import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import FabloopError, Fault, Invalid
from fabloop.process.commands import DecisionsKnown, Deploy, ProcessDeployed
from fabloop.process.cpn.document import read_net, read_nets
from fabloop.process.cpn.model import NetDocument
from fabloop.process.definition import Definition
from fabloop.process.engine import Engine
from fabloop.process.verify.flat import Limits
from fabloop.process.verify.report import verify
from fabloop.process.verify.verdict import Verdict, Verification

DECISIONS_SUFFIX = ".dmn"
MODEL_SUFFIXES = (".bpmn", ".bpmn2", ".bpmn20.xml")
FILE_BYTES_MAX = 10_000_000
NAMESPACE = b"http://www.omg.org/spec/BPMN/20100524/MODEL"
HEAD_BYTES = 4_096
"""Bytes of an XML file in a folder that must name the namespace for it to be taken for a model."""

VERIFIED = Limits(bindings=5_000, values=200, markings=5_000)
"""How far a model is verified when it is deployed; `fabloop process verify` goes further."""

VERIFY_BUDGET_S = 5.0
"""Time for the verification of all files of one deployment; those that come later are not."""

_PLACE = re.compile(r"element '(?P<element>.*)', line (?P<line>\d+)$|line (?P<alone>\d+)$")
_ELEMENT = re.compile(r"element '(?P<element>.*)'$")


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a file cannot be deployed: `element` by id and `line`, where it is about one."""

    element: str
    line: int
    reason: str


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """What verification found against a process; `after` leads there."""

    process: str
    property: str
    reason: str
    after: tuple[str, ...]


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A file and what is in it.

    Attributes
    ----------
    definitions : ids of its processes or decisions; none where anything is refused
    data, nets, decisions : what to deploy; a decision model has no `data`
    verified : whether there was time to verify it
    """

    file: str
    definitions: tuple[str, ...] = ()
    data: bytes = b""
    nets: tuple[NetDocument, ...] = ()
    decisions: tuple[bytes, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[Warned, ...] = ()
    verified: bool = False

    @property
    def deploys(self) -> Deploy:
        """The command that deploys it."""
        return Deploy(process=self.data or None, nets=self.nets, decisions=self.decisions)


def model_files(given: Iterable[Path]) -> Iterator[Path]:
    """Yield the files that are meant: those given, and the models below folders, by name."""
    for path in given:
        if path.is_dir():
            yield from (each for each in sorted(path.rglob("*")) if _is_model(each))
        else:
            yield path


def _is_model(path: Path) -> bool:
    name = path.name.lower()
    if not name.endswith((*MODEL_SUFFIXES, ".xml")) or not path.is_file():
        return False
    if name.endswith(MODEL_SUFFIXES):
        return True
    try:
        with path.open("rb") as file:
            return NAMESPACE in file.read(HEAD_BYTES)
    except OSError:
        return False


class Examiner:
    """Reads models one after the other; verification shares one budget of time among them.

    Parameters
    ----------
    nets : net documents that pages may name; those beside a file come on top
    decisions : DMN documents that are deployed with every process
    strict : a process that verification refutes is refused
    """

    def __init__(
        self, nets: Iterable[Path], *, decisions: Iterable[Path] = (), strict: bool
    ) -> None:
        self._nets = tuple(net for path in nets for net in _nets_in(path))
        self._decisions = tuple(path.read_bytes() for path in decisions)
        self._strict = strict
        self._until = time.monotonic() + VERIFY_BUDGET_S

    def examine(self, path: Path) -> Model:
        """Return what is in a file; whatever it holds, there is an answer."""
        try:
            return self._examined(path)
        except Invalid as error:
            return Model(file=str(path), refusals=tuple(map(refusal_of, error.faults)))
        except FabloopError as error:
            return _refused(path, str(error))
        except OSError as error:
            return _refused(path, f"The file cannot be read: {error.strerror or error}.")
        except Exception as error:  # noqa: BLE001  # files come from anywhere: one must not end all
            text = f"The model cannot be read: {type(error).__name__}: {error}"
            return _refused(path, text[:500])

    def _examined(self, path: Path) -> Model:
        if path.stat().st_size > FILE_BYTES_MAX:
            return _refused(path, f"Expected at most {FILE_BYTES_MAX} bytes, but found more.")
        data = path.read_bytes()
        if path.name.lower().endswith(DECISIONS_SUFFIX):
            return Model(file=str(path), definitions=_decisions_in(data), decisions=(data,))
        beside = path.with_suffix(".nets.json")
        nets = (*self._nets, *(_nets_in(beside) if beside.is_file() else ()))
        definitions = _compiled(Deploy(process=data, nets=nets, decisions=self._decisions))
        warnings, verified = self._verify(definitions)
        if self._strict and warnings:
            refusals = tuple(_refuted(each) for each in warnings)
            return Model(file=str(path), refusals=refusals, warnings=warnings, verified=verified)
        return Model(
            file=str(path),
            definitions=tuple(each.id for each in definitions),
            data=data,
            nets=nets,
            decisions=self._decisions,
            warnings=warnings,
            verified=verified,
        )

    def _verify(self, definitions: Iterable[Definition]) -> tuple[tuple[Warned, ...], bool]:
        warnings: list[Warned] = []
        for each in definitions:
            found = _verified(each, self._until - time.monotonic())
            if found is None:
                return tuple(warnings), False
            warnings += [
                Warned(
                    process=each.id,
                    property=finding.property.value,
                    reason=finding.reason,
                    after=finding.counterexample,
                )
                for finding in found.findings
                if finding.verdict is Verdict.VIOLATED
            ]
        return tuple(warnings), True


def _decisions_in(data: bytes) -> tuple[str, ...]:
    """Return the ids of the decisions of a document; raises Invalid."""
    reply = Engine().handle(Deploy(decisions=(data,)), at=WallClock().now()).reply
    assert isinstance(reply, DecisionsKnown), "decisions alone are answered with what they are"
    return tuple(each.key.id for each in reply.decisions)


def _compiled(command: Deploy) -> list[Definition]:
    """Return the definitions of a document, as a store without any would; raises Invalid."""
    engine = Engine()
    reply = engine.handle(command, at=WallClock().now()).reply
    assert isinstance(reply, ProcessDeployed), "a deployment is answered with its definitions"
    keys = (reply.key, *(each.key for each in reply.others))
    return [engine.definition(key.id, key.version) for key in keys]


def _verified(definition: Definition, left_s: float) -> Verification | None:
    """Return what verification says within a time; None where it takes longer, or fails."""
    found: list[Verification] = []

    def look() -> None:
        with suppress(Exception):  # a quick look that fails must not stop a deployment
            found.append(verify(definition, limits=VERIFIED))

    if left_s <= 0:
        return None
    thread = threading.Thread(target=look, name="verify", daemon=True)
    thread.start()
    thread.join(left_s)
    return found[0] if found else None


def refusal_of(fault: Fault) -> Refusal:
    """Return a fault by the element and line that its place names."""
    text = f"Expected {fault.expected}, but found {fault.found}."
    reason = f"{text} {fault.hint}" if fault.hint else text
    placed = _PLACE.search(fault.path)
    if placed is not None:
        line = int(placed["line"] or placed["alone"])
        return Refusal(element=placed["element"] or "", line=line, reason=reason)
    named = _ELEMENT.search(fault.path)
    if named is not None:
        return Refusal(element=named["element"], line=0, reason=reason)
    place = f"{fault.source} {fault.path}: " if fault.path else ""
    return Refusal(element="", line=0, reason=f"{place}{reason}")


def _refuted(warning: Warned) -> Refusal:
    after = f" After: {', '.join(warning.after)}." if warning.after else ""
    reason = f"Expected {warning.property}, but verification refutes it: {warning.reason}{after}"
    return Refusal(element=warning.process, line=0, reason=reason)


def _refused(path: Path, reason: str) -> Model:
    return Model(file=str(path), refusals=(Refusal(element="", line=0, reason=reason),))


def _nets_in(path: Path) -> tuple[NetDocument, ...]:
    data = path.read_bytes()
    listed = data.lstrip().startswith(b"[")
    return read_nets(data, str(path)) if listed else (read_net(data, str(path)),)
