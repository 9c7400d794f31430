"""The nouns of a decision model, as they stand in its XML; nothing is resolved yet."""

from enum import StrEnum
from typing import Literal as OneOf

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What every part of a model knows: where it stands, as messages name it."""

    place: str


class Variable(Part, frozen=True, kw_only=True):
    """A name and the type it is declared with, if any."""

    name: str
    type: str = ""


# -- boxed expressions ----------------------------------------------------------------------------


class Boxed(Part, frozen=True, kw_only=True):
    """Any boxed expression; `type` is the declared type of its value, if any."""

    type: str = ""


class Literal(Boxed, frozen=True, kw_only=True):
    """A FEEL text; empty is null."""

    text: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A named value; without a name it is the result of its context."""

    variable: Variable
    value: "Expression"


class Context(Boxed, frozen=True, kw_only=True):
    """Entries of which later ones see earlier ones."""

    entries: tuple[Entry, ...]


class ListOf(Boxed, frozen=True, kw_only=True):
    """A list, item by item."""

    items: tuple["Expression", ...]


class Relation(Boxed, frozen=True, kw_only=True):
    """A list of contexts, written as a table."""

    columns: tuple[Variable, ...]
    rows: tuple[tuple["Expression", ...], ...]


class Invocation(Boxed, frozen=True, kw_only=True):
    """A call with arguments by name."""

    callee: "Expression"
    bindings: tuple[Entry, ...]


class FunctionOf(Boxed, frozen=True, kw_only=True):
    """A function; `type` is that of its result."""

    parameters: tuple[Variable, ...]
    body: "Expression"


class Conditional(Boxed, frozen=True, kw_only=True):
    """If, then, else."""

    condition: "Expression"
    first: "Expression"
    second: "Expression"


class Filter(Boxed, frozen=True, kw_only=True):
    """The items of a list that match."""

    source: "Expression"
    match: "Expression"


class Loop(Boxed, frozen=True, kw_only=True):
    """``for``, ``some`` or ``every`` over a list."""

    kind: OneOf["for", "some", "every"]
    name: str
    source: "Expression"
    body: "Expression"


class Policy(StrEnum):
    """Which of the rules that match give the result of a table."""

    UNIQUE = "UNIQUE"
    ANY = "ANY"
    PRIORITY = "PRIORITY"
    FIRST = "FIRST"
    RULE_ORDER = "RULE ORDER"
    OUTPUT_ORDER = "OUTPUT ORDER"
    COLLECT = "COLLECT"


class Aggregation(StrEnum):
    """What a collecting table makes of the values it collected."""

    NONE = ""
    SUM = "SUM"
    COUNT = "COUNT"
    MIN = "MIN"
    MAX = "MAX"


class Input(Part, frozen=True, kw_only=True):
    """A column that is tested."""

    expression: Literal
    values: str = ""


class Output(Part, frozen=True, kw_only=True):
    """A column of results."""

    name: str
    type: str = ""
    values: str = ""
    default: Literal | None = None


class Rule(Part, frozen=True, kw_only=True):
    """A row: one test per input, one result per output."""

    tests: tuple[str, ...]
    results: tuple[Literal, ...]


class Table(Boxed, frozen=True, kw_only=True):
    """A decision table."""

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Rule, ...]
    policy: Policy
    aggregation: Aggregation


Expression = (
    Literal
    | Context
    | ListOf
    | Relation
    | Invocation
    | FunctionOf
    | Conditional
    | Filter
    | Loop
    | Table
)


# -- elements of the requirements graph -----------------------------------------------------------


class ItemDefinition(Part, frozen=True, kw_only=True):
    """A named type: of another type, of components, or of a function."""

    name: str
    base: str = ""
    components: tuple["ItemDefinition", ...] = ()
    collection: bool = False
    allowed: str = ""
    constraint: str = ""
    function: bool = False
    result: str = ""
    """The type of the result, where it is the type of a function."""
    parameters: tuple[Variable, ...] = ()


class InputData(Part, frozen=True, kw_only=True):
    """A value that comes from outside."""

    id: str
    variable: Variable


class Decision(Part, frozen=True, kw_only=True):
    """A value that is decided; `needs` are references to what its logic may use."""

    id: str
    name: str
    variable: Variable
    needs: tuple[str, ...]
    logic: Expression | None


class Knowledge(Part, frozen=True, kw_only=True):
    """A business knowledge model: a function that decisions share."""

    id: str
    variable: Variable
    needs: tuple[str, ...]
    function: FunctionOf | None


class Service(Part, frozen=True, kw_only=True):
    """A part of the graph that can be asked as a whole."""

    id: str
    name: str
    variable: Variable
    outputs: tuple[str, ...]
    encapsulated: tuple[str, ...]
    inputs: tuple[str, ...]
    """References to input data, then to input decisions, as the arguments of a call stand."""


Node = InputData | Decision | Knowledge | Service


class Import(Part, frozen=True, kw_only=True):
    """Another model whose elements are known here below a name."""

    name: str
    namespace: str
    location: str


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One DMN file."""

    name: str
    namespace: str
    imports: tuple[Import, ...]
    types: tuple[ItemDefinition, ...]
    nodes: tuple[Node, ...]
