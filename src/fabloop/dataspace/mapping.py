"""Mappings: the expression over sources that fills a target, and why it is believed to."""

from enum import StrEnum

import msgspec

from fabloop.base.instant import Instant
from fabloop.dataspace.schema import Column, ColumnKind, LinkKind, Place
from fabloop.dataspace.target import Term

ROW_NUMBER = "_n"
"""Column that every table gets when it is loaded: it tells rows apart that look the same."""


class Spot(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A column of one use of a table."""

    use: str
    column: str


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """A table as it stands in an expression, which may use it several times."""

    name: str
    table: str


class Join(msgspec.Struct, frozen=True, kw_only=True):
    """Two columns that have to be equal."""

    left: Spot
    right: Spot
    folded: bool = False
    kind: LinkKind = LinkKind.FOUND


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """A column that has to have the value that was given, or calculated from what was given."""

    spot: Spot
    term: Term


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """Where a variable is found, and the unit of what is found there."""

    variable: str
    spot: Spot
    unit: str = ""
    unit_from: str = ""
    kind: ColumnKind = ColumnKind.TEXT


class Expression(msgspec.Struct, frozen=True, kw_only=True):
    """A query over tables of any sources."""

    uses: tuple[Use, ...]
    joins: tuple[Join, ...] = ()
    filters: tuple[Filter, ...] = ()
    outputs: tuple[Output, ...] = ()

    def place(self, spot: Spot) -> Place:
        """Return the column that a spot stands for."""
        table = next(each.table for each in self.uses if each.name == spot.use)
        return Place(table=table, column=spot.column)

    def columns(self) -> dict[str, frozenset[str]]:
        """Return the columns that are needed, by table."""
        spots = [
            *(each.left for each in self.joins),
            *(each.right for each in self.joins),
            *(each.spot for each in self.filters),
            *(each.spot for each in self.outputs),
            *(
                Spot(use=each.spot.use, column=each.unit_from)
                for each in self.outputs
                if each.unit_from
            ),
        ]
        found: dict[str, set[str]] = {each.table: set() for each in self.uses}
        for spot in spots:
            if spot.column != ROW_NUMBER:
                place = self.place(spot)
                found[place.table].add(place.column)
        return {table: frozenset(columns) for table, columns in found.items()}


class Ground(StrEnum):
    """What speaks for a part of a mapping."""

    ANSWER = "answer"
    NAME = "name"
    VALUE = "value"
    NO_VALUE = "no-value"
    KIND = "kind"
    UNIT = "unit"
    NESTED = "nested"
    DECLARED = "declared"
    SHARED = "shared"
    SAME_ROW = "same-row"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks for one part of a mapping, and how much.

    Attributes
    ----------
    about : the word of the target: a predicate, a given name
    place : the column, or the two columns of a join
    found : what was seen there: the value, the unit, the share of values in common
    """

    about: str
    place: str
    ground: Ground
    score: float
    found: str = ""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """An expression that may fill a target; `pins` is what a person confirms by choosing it."""

    expression: Expression
    confidence: float
    evidence: tuple[Evidence, ...]
    pins: tuple["Pin", ...] = ()


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said: that a word of targets means, or does not mean, a column."""

    phrase: str
    place: Place
    is_right: bool = True


class Footing(msgspec.Struct, frozen=True, kw_only=True):
    """A column as it was when a mapping was made; another one makes the mapping invalid.

    Of its values a few are kept, to know it again under another name.
    """

    place: Place
    column: Column


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """A version of how a target is filled.

    Attributes
    ----------
    version : from 1 on, by target
    by : person who chose it; empty where nobody had to
    without : sources that did not answer when it was found, one of which may have something better
    invalid : why it holds no more; empty while it holds
    refused_by : person who took it back, where that is why
    """

    target: str
    version: int
    expression: Expression
    confidence: float
    evidence: tuple[Evidence, ...]
    footing: tuple[Footing, ...]
    at: Instant
    by: str = ""
    without: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    refused_by: str = ""


class Certain(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One proposal is good, and clearly better than the others."""

    best: Proposal
    others: tuple[Proposal, ...] = ()


class Doubtful(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A person has to choose among proposals, the best first; `why` is weak or close."""

    proposals: tuple[Proposal, ...]
    why: str


class Unmapped(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """No expression fills the target: what has no counterpart in the sources, and what is near."""

    missing: tuple[str, ...]
    near: tuple[str, ...] = ()


Discovery = Certain | Doubtful | Unmapped
