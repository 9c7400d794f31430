"""How systems, services, operations, interfaces and devices are named in a local cloud."""

import re

import msgspec

from fabloop.base.errors import Fault
from fabloop.services.words import words_of

NAME_CHARACTERS_MAX = 63
"""Of any name; it has to fit into a label of a host name and a part of a certificate's name."""

DELIMITER = "|"
"""Between the parts of a composite id."""


class Naming(msgspec.Struct, frozen=True):
    """A form of names: what is named, its form in words, an example, its expression."""

    what: str
    form: str
    example: str
    pattern: re.Pattern[str]


SYSTEM = Naming(
    "a system name", "PascalCase", "WeldingRobot", re.compile(r"[A-Z][0-9A-Za-z]*", re.ASCII)
)
SERVICE = Naming(
    "a service definition", "camelCase", "robotWelding", re.compile(r"[a-z][0-9A-Za-z]*", re.ASCII)
)
OPERATION = Naming(
    "an operation", "kebab-case", "start-welding", re.compile(r"[a-z][0-9a-z]*(-[0-9a-z]+)*")
)
INTERFACE = Naming(
    "an interface template",
    "snake_case",
    "generic_http",
    re.compile(r"[a-z][0-9a-z]*(_[0-9a-z]+)*"),
)
DEVICE = Naming(
    "a device name", "UPPER_SNAKE_CASE", "CELL_7", re.compile(r"[A-Z][0-9A-Z]*(_[0-9A-Z]+)*")
)
VERSION = re.compile(r"\d{1,9}(\.\d{1,9}){0,2}", re.ASCII)
VERSION_DEFAULT = "1.0.0"


def name_fault(naming: Naming, name: str, source: str, path: str) -> Fault | None:
    """Return what is wrong with a name; None: nothing."""
    if len(name) <= NAME_CHARACTERS_MAX and naming.pattern.fullmatch(name):
        return None
    return Fault(
        source=source,
        path=path,
        expected=f"{naming.what} in {naming.form} such as '{naming.example}', of at most "
        f"{NAME_CHARACTERS_MAX} letters and digits",
        found=repr(name[: 2 * NAME_CHARACTERS_MAX]) if name else "nothing",
    )


def pascal_name(text: str) -> str:
    """Return a name as systems have it: ``liner-printer`` is ``LinerPrinter``."""
    words = text.replace("-", " ").replace("_", " ").replace(".", " ").split()
    return "".join(word[:1].upper() + word[1:] for word in words)


def camel_name(text: str) -> str:
    """Return a name as services have it: ``inspect-bake`` is ``inspectBake``."""
    joined = pascal_name(text)
    return joined[:1].lower() + joined[1:]


def kebab_name(text: str) -> str:
    """Return a name as operations have it: ``printLiners`` is ``print-liners``."""
    return "-".join(words_of(text))


def version_of(text: str) -> str:
    """Return a version with its three numbers: ``2`` is ``2.0.0``, nothing is ``1.0.0``.

    Raises
    ------
    ValueError
        It is none.
    """
    text = text.strip()
    if not text:
        return VERSION_DEFAULT
    if not VERSION.fullmatch(text):
        raise ValueError(f"Expected a version such as '1.0.0', but found {text!r}.")
    numbers = [str(int(part)) for part in text.split(".")]
    return ".".join([*numbers, "0", "0"][:3])


def instance_id(provider: str, definition: str, version: str) -> str:
    """Return the id of what a provider offers."""
    return DELIMITER.join((provider, definition, version))
