"""Decision models as they are deployed, and how a decision is found among them."""

from collections.abc import Mapping

import msgspec

from fabloop.base.codec import from_msgpack, to_msgpack
from fabloop.base.errors import Invalid
from fabloop.base.xml import Element, local_of, parse_xml
from fabloop.feel.dmn import Model, read_dmn

SOURCE = "DMN"


class DecisionModel(msgspec.Struct, frozen=True):
    """A deployed document; `decisions` are the versions of its decisions, by id."""

    key: int
    digest: str
    tag: str
    source: bytes
    decisions: dict[str, int]


class Documents(msgspec.Struct, frozen=True, array_like=True):
    """A DMN document, with those that it imports."""

    document: bytes
    imports: tuple[bytes, ...]


def documents_of(data: bytes, others: tuple[bytes, ...]) -> bytes:
    """Return what is kept of a document: itself and, where it imports, the others."""
    root = parse_xml(data, SOURCE)
    imports = any(local_of(each) == "import" for each in root)
    return to_msgpack(Documents(data, others if imports else ()))


def tag_of(data: bytes) -> str:
    """Return the version tag of a document (``zeebe:versionTag``), or an empty text."""
    return next(
        (each.get("value", "") for each in _extensions(parse_xml(data, SOURCE))
         if local_of(each) == "versionTag"),
        "",
    )  # fmt: skip


def _extensions(root: Element) -> list[Element]:
    boxes = [each for each in root.iter() if local_of(each) == "extensionElements"]
    return [each for box in boxes for each in box]


def model_of(source: bytes) -> Model:
    """Return the compiled model of what is kept of a document; raises Invalid with every fault."""
    documents = from_msgpack(source, Documents)
    names: Mapping[str, bytes] = {f"{n}.dmn": each for n, each in enumerate(documents.imports)}
    try:
        return read_dmn(documents.document, names)
    except Invalid as error:
        raise Invalid(error.faults) from error
