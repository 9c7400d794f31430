"""Files of a folder to bytes by name, and from there to knowledge; nothing else is read."""

from collections.abc import Mapping
from pathlib import Path

from fabloop.base.errors import Fault, Invalid
from fabloop.model.documents import resolve, resolve_order
from fabloop.model.documents.texts import DOCUMENTS_MAX, FILE_BYTES_MAX
from fabloop.model.ids import ProductId
from fabloop.model.knowledge import Knowledge
from fabloop.model.order import OrderRequest
from fabloop.model.product import ProductFamily


def read_knowledge(folder: Path) -> Knowledge:
    """Return the knowledge in all ``*.json`` files that stand directly in `folder`.

    Raises
    ------
    Invalid
        There is no such folder, no document in it, or every fault of its documents.
    """
    return resolve(documents_in(folder))


def documents_in(folder: Path) -> dict[str, bytes]:
    """Return the bytes of the folder's documents by file name, in the order of their names.

    Raises
    ------
    Invalid
        There is no such folder, no document in it, too many, or one cannot be read.
    """
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise _invalid(folder, "a folder with documents", found, "Name an existing folder.")
    try:
        files = sorted(each for each in folder.iterdir() if each.suffix == ".json")
    except OSError as error:
        raise _invalid(folder, "a folder that can be read", _why(error)) from error
    if not files:
        raise _invalid(folder, "documents (*.json) in the folder", "none")
    if len(files) > DOCUMENTS_MAX:
        raise _invalid(folder, f"at most {DOCUMENTS_MAX} documents", str(len(files)))
    return {each.name: _bytes_of(each) for each in files}


def read_order(file: Path, families: Mapping[ProductId, ProductFamily]) -> OrderRequest:
    """Return the order that a file asks for.

    Raises
    ------
    Invalid
        The file cannot be read, or every fault of the document.
    """
    return resolve_order(file.name, _bytes_of(file), families)


def _bytes_of(file: Path) -> bytes:
    """Return at most one byte more than a document may have, so that the limit still shows."""
    try:
        with file.open("rb") as stream:
            return stream.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise _invalid(file, "a file that can be read", _why(error)) from error


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _invalid(path: Path, expected: str, found: str, hint: str = "") -> Invalid:
    return Invalid(Fault(source=str(path), path="", expected=expected, found=found, hint=hint))
