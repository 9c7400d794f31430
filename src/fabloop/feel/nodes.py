"""The syntax tree of FEEL: what the parser found, before it becomes Python."""

from typing import Any

import msgspec


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """What every node knows: the offset in the source where it stands."""

    at: int


class Literal(Node, frozen=True, kw_only=True):
    """A number, string, boolean, null or temporal value written down."""

    value: Any


class Name(Node, frozen=True, kw_only=True):
    """A variable, a parameter, a context entry or a built-in function."""

    name: str


class Path(Node, frozen=True, kw_only=True):
    """``base.name``."""

    base: Node
    name: str


class Filter(Node, frozen=True, kw_only=True):
    """``base[condition]``: an index or a filter, known only at run time."""

    base: Node
    condition: Node


class Call(Node, frozen=True, kw_only=True):
    """``callee(arguments)``; `names` is empty for positional arguments."""

    callee: Node
    arguments: tuple[Node, ...]
    names: tuple[str, ...] = ()


class Negation(Node, frozen=True, kw_only=True):
    """``-operand``."""

    operand: Node


class Arithmetic(Node, frozen=True, kw_only=True):
    """``first op operand op operand ...`` of one precedence, grouped to the left."""

    first: Node
    rest: tuple[tuple[str, int, Node], ...]
    """Operator, its offset, its right operand."""


class Comparison(Node, frozen=True, kw_only=True):
    """``left op right`` with one of ``= != < <= > >=``."""

    op: str
    left: Node
    right: Node


class Logic(Node, frozen=True, kw_only=True):
    """``a and b and c`` or ``a or b or c``."""

    op: str
    operands: tuple[Node, ...]


class Between(Node, frozen=True, kw_only=True):
    """``operand between low and high``, both ends included."""

    operand: Node
    low: Node
    high: Node


class In(Node, frozen=True, kw_only=True):
    """``operand in test`` or ``operand in (test, test)``."""

    operand: Node
    tests: tuple[Node, ...]


class If(Node, frozen=True, kw_only=True):
    """``if condition then first else second``."""

    condition: Node
    first: Node
    second: Node


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """``name in source`` of a loop; `source` may be a bare ``1..5``."""

    name: str
    source: Node


class For(Node, frozen=True, kw_only=True):
    """``for bindings return body``."""

    bindings: tuple[Binding, ...]
    body: Node


class Quantified(Node, frozen=True, kw_only=True):
    """``some|every bindings satisfies body``."""

    kind: str
    bindings: tuple[Binding, ...]
    body: Node


class ListOf(Node, frozen=True, kw_only=True):
    """``[item, item]``."""

    items: tuple[Node, ...]


class ContextOf(Node, frozen=True, kw_only=True):
    """``{key: value}``; later entries see earlier ones."""

    entries: tuple[tuple[str, Node], ...]


class RangeOf(Node, frozen=True, kw_only=True):
    """``[low..high)``; `bare` for the ``low..high`` of a loop, which may run downwards."""

    low: Node
    high: Node
    low_included: bool = True
    high_included: bool = True
    bare: bool = False


class Bounded(Node, frozen=True, kw_only=True):
    """``(< 10)``: a range given by one comparison; as a unary test also without brackets."""

    op: str
    bound: Node


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of a function literal and the type it asks for, if any."""

    name: str
    type: "TypeOf | None" = None


class FunctionOf(Node, frozen=True, kw_only=True):
    """``function(parameters) body``."""

    parameters: tuple[Parameter, ...]
    body: Node


class JavaCall(Node, frozen=True, kw_only=True):
    """The body of ``function(...) external {java: ...}``: a method given the parameters."""

    method: tuple[str, tuple[str, ...]]
    arguments: tuple[Node, ...]


class TypeOf(Node, frozen=True, kw_only=True):
    """A type as written after ``instance of``: ``list<number>``, ``context<a: string>``."""

    name: str
    items: tuple["TypeOf", ...] = ()
    fields: tuple[tuple[str, "TypeOf"], ...] = ()
    result: "TypeOf | None" = None


class InstanceOf(Node, frozen=True, kw_only=True):
    """``operand instance of type``."""

    operand: Node
    type: TypeOf


class AnyValue(Node, frozen=True, kw_only=True):
    """The unary test ``-``, which everything passes."""


class Not(Node, frozen=True, kw_only=True):
    """The unary tests ``not(test, test)``."""

    tests: tuple[Node, ...]
