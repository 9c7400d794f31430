"""Services as they describe themselves: operations, parameters with units, conditions, effects."""

from enum import StrEnum

import msgspec

from fabloop.base.quantity import Dimension
from fabloop.model.ids import OperationName, ServiceId, SystemName
from fabloop.model.skill import Offer

Constant = str | int | float | bool


class Relation(StrEnum):
    """How a literal relates a fluent to its value.

    The middle two are for conditions, the last two for effects: by so much more or less.
    """

    IS = "="
    AT_LEAST = ">="
    AT_MOST = "<="
    MORE = "+"
    LESS = "-"


class Literal(msgspec.Struct, frozen=True, kw_only=True):
    """A statement about the shop floor: that a fluent has a value for its arguments.

    An argument or a value that begins with ``?`` is a variable: the parameter of that name. A
    fluent that only holds or does not hold has the value true or false.
    """

    fluent: str
    arguments: tuple[str, ...] = ()
    value: Constant = True
    relation: Relation = Relation.IS


class ValueKind(StrEnum):
    """What a parameter's value is made of, as JSON has it."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "string"
    LIST = "array"
    CONTEXT = "object"


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """An input or output of an operation.

    Attributes
    ----------
    place : ``path``, ``query``, ``header`` or ``body``; results are in the body
    concept : what it means, a word of the vocabulary or of ordinary language
    unit : as the service has it on the wire; `dimension` is that of the unit
    parts : the values of each item of a list, or of an object, one level deep
    """

    name: str
    place: str = "body"
    kind: ValueKind = ValueKind.TEXT
    required: bool = True
    concept: str = ""
    unit: str = ""
    dimension: Dimension | None = None
    description: str = ""
    allowed: tuple[Constant, ...] = ()
    parts: tuple["Parameter", ...] = ()


class ServiceOperation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a service does, with what has to hold before it and what holds after it.

    Attributes
    ----------
    context, equipment, verb : the keywords that say what it is about (``food``, ``oven``,
        ``slow-down``)
    offer : the skill it provides with what it can do, for matching; None for pure information
    cost_minor, duration_ns : per call; None is unknown, never 0
    idempotent : whether a repeated call does no harm
    compensation : the operation that takes it back
    exclusive_ns : for how long at most one consumer may hold it for itself; None: it serves many
    certainty : how far its words can be trusted: 1 where the document is annotated, less where
        they were guessed from names and descriptions
    answer_schema : JSON Schema (2020-12) of a good answer's body, as text; empty where the
        document says nothing of it
    """

    name: OperationName
    method: str
    path: str
    summary: str = ""
    context: tuple[str, ...] = ()
    equipment: tuple[str, ...] = ()
    verb: str = ""
    inputs: tuple[Parameter, ...] = ()
    outputs: tuple[Parameter, ...] = ()
    offer: Offer | None = None
    requires: tuple[Literal, ...] = ()
    effects: tuple[Literal, ...] = ()
    cost_minor: int | None = None
    currency: str = "EUR"
    duration_ns: int | None = None
    idempotent: bool = False
    compensation: OperationName | None = None
    certainty: float = 1.0
    answer_schema: str = ""
    exclusive_ns: int | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a service is provided: WGS 84 degrees, and the name people use."""

    name: str
    latitude: float
    longitude: float


class ServiceDescription(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of its service, in the words of its OpenAPI document.

    `system` is the application system that provides it, as the local cloud knows it; `serves` are
    the systems that may use it, without any all of its cloud.
    """

    id: ServiceId
    system: SystemName
    title: str
    version: str
    base_url: str
    description: str = ""
    context: tuple[str, ...] = ()
    operations: tuple[ServiceOperation, ...] = ()
    place: Place | None = None
    serves: tuple[SystemName, ...] = ()
