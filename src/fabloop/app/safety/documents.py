"""Safety rules out of a folder or a file, with every fault."""

from pathlib import Path

from fabloop.adapters.documents import documents_in
from fabloop.base.errors import Fault, Invalid, NotFound
from fabloop.base.names import did_you_mean
from fabloop.model.documents import resolve
from fabloop.model.documents.collect import Sheet, raise_if_any
from fabloop.model.documents.safety import safety_of
from fabloop.model.documents.safety_structs import SafetyDocument
from fabloop.model.documents.structure import decode, kind_in
from fabloop.model.ids import ControllerId
from fabloop.model.safety import SafetyController, SafetyRules


def rules_in(place: Path) -> SafetyRules:
    """Return the rules of a folder of documents, or of one safety document by itself.

    A folder without a site (of services alone) is read as safety documents only: names of work
    units are then not judged.

    Raises
    ------
    Invalid
        Every fault, or there is no safety document.
    """
    documents = documents_in(place) if place.is_dir() else {place.name: _read(place)}
    if any(kind_in(data) == "site" for data in documents.values()):
        rules = resolve(documents).safety
    else:
        rules = _alone(documents)
    if rules is None:
        raise Invalid(
            Fault(
                source=str(place), path="", expected="a document of kind 'safety'", found="none",
                hint="`fabloop schema safety` prints its form.",
            )
        )  # fmt: skip
    return rules


def controller_in(rules: SafetyRules, name: str) -> SafetyController:
    """Return a controller by its name.

    Raises
    ------
    NotFound
        The rules know no such controller.
    """
    found = rules.controllers.get(ControllerId(name))
    if found is None:
        hint = did_you_mean(name, rules.controllers)
        raise NotFound(f"Expected a safety controller, but found '{name}'. {hint}")
    return found


def _alone(documents: dict[str, bytes]) -> SafetyRules | None:
    faults: list[Fault] = []
    found = []
    for source, data in documents.items():
        if kind_in(data) != "safety" and len(documents) > 1:
            continue
        document = decode(source, data, faults)
        if isinstance(document, SafetyDocument):
            found.append((Sheet(source, faults), document))
    rules = safety_of(found, None)
    raise_if_any(faults)
    return rules


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise Invalid(
            Fault(source=str(file), path="", expected="a file that can be read", found=found)
        ) from error
