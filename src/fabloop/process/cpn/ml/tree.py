"""CPN ML as a tree: what the parser builds and the rest reads."""

from collections.abc import Iterator
from typing import TypeAlias

import msgspec


class Const(msgspec.Struct, frozen=True):
    """A number, text or truth value."""

    value: int | float | str | bool


class Name(msgspec.Struct, frozen=True):
    """A name, qualified or not: ``n``, ``List.map``."""

    id: str


class Wild(msgspec.Struct, frozen=True):
    """The pattern ``_``."""


class Tuple(msgspec.Struct, frozen=True):
    """A tuple; without items, the unit value."""

    items: "tuple[Node, ...]"


class ListOf(msgspec.Struct, frozen=True):
    """A list written out."""

    items: "tuple[Node, ...]"


class RecordOf(msgspec.Struct, frozen=True):
    """A record or record pattern; `further` is the dots of a pattern."""

    fields: "tuple[tuple[str, Node], ...]"
    further: bool = False


class Select(msgspec.Struct, frozen=True):
    """The function ``#label``."""

    label: str


class Apply(msgspec.Struct, frozen=True):
    """A function applied to its argument."""

    function: "Node"
    argument: "Node"


class Operation(msgspec.Struct, frozen=True):
    """Operands joined by an operator; `at` is its offset in the text."""

    sign: str
    parts: "tuple[Node, ...]"
    at: int = -1


class Deref(msgspec.Struct, frozen=True):
    """What a reference holds: ``!r``."""

    of: "Node"


class If(msgspec.Struct, frozen=True):
    """A choice between two."""

    test: "Node"
    then: "Node"
    other: "Node"


Rules: TypeAlias = "tuple[tuple[Node, Node], ...]"


class Case(msgspec.Struct, frozen=True):
    """A choice by pattern."""

    subject: "Node"
    rules: "tuple[tuple[Node, Node], ...]"


class Fn(msgspec.Struct, frozen=True):
    """A function without a name."""

    rules: "tuple[tuple[Node, Node], ...]"


class Let(msgspec.Struct, frozen=True):
    """An expression with declarations of its own."""

    declarations: "tuple[Declaration, ...]"
    body: "Node"


class Typed(msgspec.Struct, frozen=True):
    """An expression with its type, which is not looked at."""

    node: "Node"


class Layered(msgspec.Struct, frozen=True):
    """The pattern ``name as pattern``."""

    id: str
    pattern: "Node"


Node: TypeAlias = (
    Const | Name | Wild | Tuple | ListOf | RecordOf | Select | Apply | Operation | Deref | If | Case
    | Fn | Let | Typed | Layered
)  # fmt: skip


class Val(msgspec.Struct, frozen=True):
    """``val pattern = value``."""

    pattern: Node
    value: Node


class Clause(msgspec.Struct, frozen=True):
    """One clause of a function: its curried argument patterns and what it gives."""

    patterns: tuple[Node, ...]
    body: Node


class Fun(msgspec.Struct, frozen=True):
    """A declared function."""

    id: str
    clauses: tuple[Clause, ...]


class Funs(msgspec.Struct, frozen=True):
    """Functions that may call each other."""

    functions: tuple[Fun, ...]


Declaration: TypeAlias = Val | Funs


def parts_of(node: Node) -> Iterator[Node]:
    """Yield the expressions and patterns directly inside a node."""
    match node:
        case Tuple(items=items) | ListOf(items=items) | Operation(parts=items):
            yield from items
        case RecordOf(fields=fields):
            yield from (each for _, each in fields)
        case Apply():
            yield from (node.function, node.argument)
        case Deref(of=of):
            yield of
        case If():
            yield from (node.test, node.then, node.other)
        case Case():
            yield node.subject
            yield from (each for rule in node.rules for each in rule)
        case Fn():
            yield from (each for rule in node.rules for each in rule)
        case Let():
            for declaration in node.declarations:
                yield from parts_of_declaration(declaration)
            yield node.body
        case Typed():
            yield node.node
        case Layered():
            yield node.pattern
        case Const() | Name() | Wild() | Select():
            return


def parts_of_declaration(declaration: Declaration) -> Iterator[Node]:
    """Yield the expressions and patterns directly inside a declaration."""
    if isinstance(declaration, Val):
        yield from (declaration.pattern, declaration.value)
        return
    for function in declaration.functions:
        for clause in function.clauses:
            yield from (*clause.patterns, clause.body)


def free_names(node: Node) -> set[str]:
    """Return the names that an expression reads and does not bind itself."""
    match node:
        case Name(id=name):
            return {name}
        case Case() | Fn():
            found = free_names(node.subject) if isinstance(node, Case) else set()
            for pattern, body in node.rules:
                found |= free_names(body) - bound_names(pattern)
            return found
        case Let():
            return _free_in_let(node)
        case _:
            return {name for part in parts_of(node) for name in free_names(part)}


def _free_in_let(node: Let) -> set[str]:
    found: set[str] = set()
    bound: set[str] = set()
    for each in node.declarations:
        if isinstance(each, Val):
            found |= free_names(each.value) - bound
            bound |= bound_names(each.pattern)
            continue
        bound |= {function.id for function in each.functions}
        for function in each.functions:
            for clause in function.clauses:
                inside = {name for p in clause.patterns for name in bound_names(p)}
                found |= free_names(clause.body) - bound - inside
    return found | (free_names(node.body) - bound)


def bound_names(pattern: Node) -> set[str]:
    """Return the names in a pattern; constructors, which it does not bind, are among them."""
    found = {pattern.id} if isinstance(pattern, Name | Layered) else set()
    return found | {name for part in parts_of(pattern) for name in bound_names(part)}
