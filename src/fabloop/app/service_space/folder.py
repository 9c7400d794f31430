"""Descriptions of services in a folder, as their documents say, and the answers of people."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from fabloop.base.errors import Conflict, Fault, Invalid, NotFound
from fabloop.base.instant import Instant
from fabloop.base.names import did_you_mean
from fabloop.model.documents.names import Names
from fabloop.model.service import ServiceDescription, ServiceOperation
from fabloop.services.composition import Answer
from fabloop.services.descriptions import Described, read

SERVICES = "services"
ENDING = ".service.json"
ANSWERS = "answers.jsonl"
SERVICES_MAX = 5_000


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A document as it was added: where it came from, when, and what was said against it.

    `base_url` counts more than what the document says; empty is what it says.
    """

    source: str
    added_at: Instant
    document: str
    base_url: str = ""


class ServiceFolder:
    """The folder ``services`` beside the documents of a factory."""

    def __init__(self, folder: Path, names: Names | None = None) -> None:
        self.folder = folder / SERVICES
        self.names = names or Names()

    def add(
        self, source: str, data: bytes, *, at: Instant, base_url: str = "", replace: bool = False
    ) -> Described:
        """Read a document and keep it; return what it describes.

        Raises
        ------
        Invalid
            Every fault of the document, or it cannot be written.
        Conflict
            A service of that id is kept already, and is not to be replaced.
        """
        described = read(source, data, self.names, base_url)
        file = self.folder / f"{described.service.id}{ENDING}"
        if file.exists() and not replace:
            raise Conflict(
                f"Expected a service that is new, but found '{described.service.id}' in "
                f"{self.folder}. Say --replace, or give it another id in 'x-fabloop'."
            )
        kept = Kept(
            source=source, added_at=at, document=data.decode("utf-8-sig"), base_url=base_url
        )
        _write(file, msgspec.json.format(msgspec.json.encode(kept)))
        return described

    def described(self) -> tuple[Described, ...]:
        """Return all services, by id.

        Raises
        ------
        Invalid
            Every fault of every document that can be read no more.
        """
        faults: list[Fault] = []
        found: list[Described] = []
        for file in self._files():
            try:
                kept = msgspec.json.decode(file.read_bytes(), type=Kept)
                data = kept.document.encode()
                found.append(read(kept.source, data, self.names, kept.base_url))
            except Invalid as invalid:
                faults.extend(invalid.faults)
            except (OSError, msgspec.DecodeError) as error:
                hint = "Remove the file, and add the service again."
                faults.append(_fault(file, "a service as it was added", str(error), hint))
        if faults:
            raise Invalid(faults)
        return tuple(sorted(found, key=lambda each: each.service.id))

    def services(self) -> tuple[ServiceDescription, ...]:
        """Return the descriptions of all services, by id."""
        return tuple(each.service for each in self.described())

    def operation(self, name: str) -> tuple[ServiceDescription, ServiceOperation]:
        """Return the operation that is called ``service.operation``.

        Raises
        ------
        NotFound
            There is none; the message names near ones.
        """
        known = {
            f"{service.id}.{operation.name}": (service, operation)
            for service in self.services()
            for operation in service.operations
        }
        if name not in known:
            hint = did_you_mean(name, known)
            raise NotFound(f"Expected an operation of a service, but found {name!r}. {hint}")
        return known[name]

    def _files(self) -> Sequence[Path]:
        if not self.folder.is_dir():
            return ()
        files = sorted(self.folder.glob(f"*{ENDING}"))
        if len(files) > SERVICES_MAX:
            raise Invalid(
                _fault(self.folder, f"at most {SERVICES_MAX} services", str(len(files)), "")
            )
        return files

    def answers(self) -> tuple[Answer, ...]:
        """Return what people chose, the oldest first.

        A last line that a power cut left half written is no answer.
        """
        file = self.folder / ANSWERS
        if not file.is_file():
            return ()
        return tuple(_answers(file))

    def remember(self, answer: Answer) -> None:
        """Keep an answer; it is safe when this returns."""
        file = self.folder / ANSWERS
        self.folder.mkdir(parents=True, exist_ok=True)
        with file.open("ab") as stream:
            if stream.tell():  # what was half written was never told to be safe
                stream.truncate(file.read_bytes().rfind(b"\n") + 1)
            stream.write(msgspec.json.encode(answer) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())


def _answers(file: Path) -> Iterator[Answer]:
    whole = file.read_bytes()
    lines = whole.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield msgspec.json.decode(line, type=Answer)
        except msgspec.DecodeError as error:
            if number == len(lines):
                return
            hint = "Remove the line; what it said is asked again."
            raise Invalid(_fault(file, f"an answer in line {number}", str(error), hint)) from error


def _write(file: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        with part.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise Invalid(_fault(file, "a file to write to", found, "")) from error


def _fault(file: Path, expected: str, found: str, hint: str) -> Fault:
    return Fault(source=str(file), path="", expected=expected, found=found, hint=hint)
