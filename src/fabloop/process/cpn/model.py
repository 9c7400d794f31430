"""A coloured Petri net as data: what is stored, sent and edited; expressions are text."""

from typing import Literal

import msgspec


class UnitColour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="unit"):
    """Tokens without data; their one value is ``()``."""


class BoolColour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="bool"):
    """True or false."""


class IntColour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="int"):
    """Whole numbers from `low` to `high`, both included."""

    low: int = -(2**63)
    high: int = 2**63 - 1


class RealColour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="real"):
    """Finite numbers; for measured values that are carried, not compared for equality."""


class TextColour(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="string"
):
    """Text of at most `TEXT_LENGTH_MAX` characters."""


class EnumColour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="enum"):
    """One of the listed texts."""

    values: tuple[str, ...]


class ProductColour(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="product"
):
    """Tuples; `of` names the colour of each part."""

    of: tuple[str, ...]


class RecordColour(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="record"
):
    """Named fields and their colours; an `open` record may carry further fields of any colour."""

    fields: dict[str, str]
    open: bool = False


class ListColour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="list"):
    """Sequences of one colour, at most `longest` long."""

    of: str
    longest: int = 10_000


class UnionColour(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="union"
):
    """One of several cases; `cases` names the colour of what each carries, or is empty.

    A value is the case's name, with what it carries ``(name, value)``.
    """

    cases: dict[str, str]


class SubsetColour(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="subset"
):
    """Those values of another colour that are listed, or for which `when` holds.

    `when` is an expression over the variable ``value``.
    """

    of: str
    values: tuple[object, ...] = ()
    when: str = ""


class TimedColour(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="timed"
):
    """The values of another colour; places of this colour are timed."""

    of: str


class AnyColour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="any"):
    """Any plain data: process variables whose form the net does not fix."""


Colour = (
    UnitColour
    | BoolColour
    | IntColour
    | RealColour
    | TextColour
    | EnumColour
    | ProductColour
    | RecordColour
    | ListColour
    | UnionColour
    | SubsetColour
    | TimedColour
    | AnyColour
)

BUILT_IN: dict[str, Colour] = {
    "unit": UnitColour(),
    "bool": BoolColour(),
    "int": IntColour(),
    "real": RealColour(),
    "string": TextColour(),
    "any": AnyColour(),
}
"""Colours that every net knows without declaring them."""


class InitialToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`count` tokens of one plain value; `ready_at` in ns from the start, timed places only."""

    value: object = ()
    count: int = 1
    ready_at: int = 0


class PlaceSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place of a document.

    Attributes
    ----------
    colour : name of a declared or built-in colour
    timed : whether tokens carry a ready time
    port : ``in`` (receives the page's input), ``out`` (its token is the page's result), ``both``
        (only where a substitution gives it a socket) or empty
    fusion : name of a resource place shared between pages, or empty
    capacity : how many tokens it may ever hold, or None; verified, not enforced by waiting
    """

    name: str
    colour: str
    timed: bool = False
    port: Literal["", "in", "out", "both"] = ""
    fusion: str = ""
    initial: tuple[InitialToken, ...] = ()
    capacity: int | None = None


class Take(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An input arc: takes `count` equal tokens that match `pattern`.

    Attributes
    ----------
    many : instead, `pattern` is an expression that gives a list: all its elements are taken
    """

    place: str
    pattern: str
    count: int = 1
    many: bool = False


class Put(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An output arc: puts `count` (an expression; 0 puts none) tokens `value`, `delay` ns later.

    Attributes
    ----------
    many : instead, `value` gives a list, each element of which is put
    """

    place: str
    value: str
    count: str = "1"
    delay: str = "0"
    many: bool = False


class TransitionWork(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a firing asks for when live: a job for a worker, or a task for a person."""

    type: str
    headers: dict[str, str] = {}
    person: bool = False


class TransitionSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A transition of a document; a higher `priority` fires first.

    Attributes
    ----------
    when : guard, an expression over the variables bound by `take`
    delay : ns after which every timed token put becomes ready, an expression
    work : live, the firing waits for this work, whose answer is the variable ``result``
    inhibit : places that must be empty for it to fire
    reset : places that it empties
    """

    name: str
    take: tuple[Take, ...] = ()
    put: tuple[Put, ...] = ()
    when: str = ""
    delay: str = "0"
    priority: int = 0
    work: TransitionWork | None = None
    inhibit: tuple[str, ...] = ()
    reset: tuple[str, ...] = ()


class Substitution(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page in place of a transition; `ports` are its port places and the places they are here."""

    name: str
    page: str
    ports: dict[str, str]


class PageSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page that substitutions use, each with places and transitions of its own."""

    places: tuple[PlaceSpec, ...] = ()
    transitions: tuple[TransitionSpec, ...] = ()
    substitutions: tuple[Substitution, ...] = ()


class NetDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A net, or a page of a process.

    Attributes
    ----------
    colours : declared colours by name
    constants : plain values that expressions may name: tables of times, sets of skills
    final : what a finished marking is, an expression over place names (their token counts)
    language : of the inscriptions: the form of Python that the reference describes, or CPN ML
    declarations : with CPN ML, its ``val`` and ``fun`` declarations
    variables : colours of variables; one that nothing binds takes every value of a small colour
    pages, substitutions : hierarchy; a place of a page used as ``weld`` is called ``weld.name``,
        and places of one `fusion` name are the same place
    """

    format: Literal["fabloop/net/1"] = "fabloop/net/1"
    id: str
    name: str = ""
    colours: dict[str, Colour] = {}
    constants: dict[str, object] = {}
    places: tuple[PlaceSpec, ...]
    transitions: tuple[TransitionSpec, ...] = ()
    final: str = ""
    language: Literal["python", "cpn-ml"] = "python"
    declarations: tuple[str, ...] = ()
    variables: dict[str, str] = {}
    pages: dict[str, PageSpec] = {}
    substitutions: tuple[Substitution, ...] = ()
