"""Parses CPN ML; what the grammar does not know is refused with the place in the text."""

import re
from functools import lru_cache
from importlib import resources
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from fabloop.process.cpn.expression import Misread
from fabloop.process.cpn.ml.tree import (
    Apply,
    Case,
    Clause,
    Const,
    Declaration,
    Deref,
    Fn,
    Fun,
    Funs,
    If,
    Layered,
    Let,
    ListOf,
    Name,
    Node,
    Operation,
    RecordOf,
    Select,
    Tuple,
    Typed,
    Val,
    Wild,
    parts_of,
    parts_of_declaration,
)

ML_TEXT_MAX = 50_000
"""Characters of one inscription or declaration."""
ML_DEPTH_MAX = 80
"""How deep expressions may be nested."""

REFUSED = {
    "handle": "an exception handler", "raise": "an exception", "exception": "an exception",
    "datatype": "a data type", "structure": "a structure", "signature": "a signature",
    "functor": "a functor", "local": "a local declaration", "while": "a loop", "open": "open",
    "infix": "an operator of its own", "infixr": "an operator of its own",
    "abstype": "an abstract type", "ref": "a reference",
}  # fmt: skip
"""Words of Standard ML that are not supported, and what to call them."""

_JOINED = frozenset({"++", "+++", "andalso", "orelse"})
_WORDS = re.compile(r"\"(?:\\[\s\S]|[^\"\\])*\"|[A-Za-z][A-Za-z0-9_'.]*")


def parse_expression(text: str) -> Node:
    """Return the tree of an expression; raises Misread."""
    node = _parse(text, "exp")
    _measure([node], text)
    return node  # type: ignore[no-any-return]  # the grammar's start decides


def parse_declarations(text: str) -> tuple[Declaration, ...]:
    """Return the trees of ``val`` and ``fun`` declarations; raises Misread."""
    declarations = _parse(text, "decs")
    _measure([part for each in declarations for part in parts_of_declaration(each)], text)
    return declarations  # type: ignore[no-any-return]  # the grammar's start decides


def _measure(level: list[Node], text: str) -> None:
    for _ in range(ML_DEPTH_MAX):
        level = [part for node in level for part in parts_of(node)]
        if not level:
            return
    raise Misread(f"an expression at most {ML_DEPTH_MAX} deep", f"{text!r:.80}")


def _parse(text: str, start: str) -> Any:
    if len(text) > ML_TEXT_MAX:
        raise Misread(f"at most {ML_TEXT_MAX} characters", f"{len(text)}: {text!r:.80}")
    bare = without_comments(text)
    for word in _WORDS.findall(bare):
        if word in REFUSED:
            raise Misread(
                "the supported part of CPN ML", f"{REFUSED[word]} ('{word}') in {text!r:.120}"
            )
    try:
        return _parser().parse(bare, start=start)
    except UnexpectedInput as error:
        raise Misread("CPN ML", _found(error, text)) from error


def _found(error: UnexpectedInput, text: str) -> str:
    line, column = getattr(error, "line", -1), getattr(error, "column", -1)
    match error:
        case UnexpectedToken(token=token) if token.type == "$END":
            return f"the end of {text!r:.120}"
        case UnexpectedToken(token=token):
            return f"{str(token)!r:.40} at line {line}, column {column} of {text!r:.120}"
        case UnexpectedCharacters(char=char):
            return f"{char!r} at line {line}, column {column} of {text!r:.120}"
        case _:
            return f"{text!r:.120}"


def without_comments(text: str) -> str:
    """Return text with comments, which may be nested, turned into blanks of the same length."""
    if "(*" not in text:
        return text
    kept: list[str] = []
    depth, place = 0, 0
    for match in re.finditer(r"\(\*|\*\)|\"(?:\\[\s\S]|[^\"\\])*\"", text):
        sign = match.group()
        if match.start() < place or (sign[0] == '"' and depth == 0):
            continue
        gap = text[place : match.start()]
        kept.append(gap if depth == 0 else _blank(gap))
        if sign == "(*":
            depth += 1
        elif sign == "*)" and depth:
            depth -= 1
        elif depth == 0:
            kept.append(sign)
            place = match.end()
            continue
        kept.append(_blank(sign))
        place = match.end()
    if depth:
        raise Misread("a comment that ends", f"{text!r:.80}")
    return "".join([*kept, text[place:]])


def _blank(text: str) -> str:
    return "".join("\n" if each == "\n" else " " for each in text)


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = resources.files(__package__).joinpath("grammar.lark").read_text("utf-8")
    return Lark(
        grammar, parser="lalr", lexer="basic", start=["exp", "decs"], transformer=_Builder(),
        maybe_placeholders=False,
    )  # fmt: skip


_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "r": "\r", "a": "\a", "b": "\b"}
_TYPE = object()


def _text_of(token: str) -> str:
    """Return what a text literal means: escapes, decimal codes and gaps over line ends."""

    def plain(match: re.Match[str]) -> str:
        code = match.group(1)
        if code[0] in _ESCAPES:
            return _ESCAPES[code[0]]
        if code.isdigit():
            return chr(int(code))
        if code.isspace():
            return ""
        raise Misread("an escape that CPN ML knows", repr("\\" + code))

    return re.sub(
        r"\\([0-9]{3}|\s+\\|[\s\S])", lambda m: "" if m.group(1)[0].isspace() else plain(m), token
    )


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """Builds the tree bottom up while parsing, so that depth costs no recursion."""

    def decs(self, *declarations: Declaration | None) -> tuple[Declaration, ...]:
        return tuple(each for each in declarations if each is not None)

    def type_name(self, *_parts: Any) -> None:
        return None  # types are not looked at

    def val(self, pattern: Node, *rest: Any) -> Val:
        return Val(pattern, rest[-1])

    def funs(self, *functions: Fun) -> Funs:
        return Funs(functions)

    def fun(self, *clauses: tuple[str, Clause]) -> Fun:
        names = {name for name, _ in clauses}
        if len(names) > 1:
            raise Misread("clauses of one function", ", ".join(sorted(names)))
        sizes = {len(clause.patterns) for _, clause in clauses}
        if len(sizes) > 1:
            raise Misread("clauses with as many arguments each", clauses[0][0])
        return Fun(clauses[0][0], tuple(clause for _, clause in clauses))

    def clause(self, name: Token, *rest: Any) -> tuple[str, Clause]:
        patterns = tuple(each for each in rest[:-1] if each is not _TYPE)
        return str(name), Clause(patterns, rest[-1])

    def layered(self, name: Token, pattern: Node) -> Layered:
        return Layered(str(name), pattern)

    def either(self, *parts: Any) -> Node:
        return Operation("orelse", parts[::2])

    def both(self, *parts: Any) -> Node:
        return Operation("andalso", parts[::2])

    def typed(self, node: Node, _type: Any) -> Typed:
        return Typed(node)

    def binary(self, left: Node, sign: Token, right: Node) -> Node:
        if sign == ":=":
            raise Misread("an expression without effects", "an assignment ':='")
        if isinstance(left, Operation) and left.sign == sign and sign in _JOINED:
            return Operation(str(sign), (*left.parts, right), left.at)
        return Operation(str(sign), (left, right), int(sign.start_pos or 0))

    def apply(self, function: Node, argument: Node) -> Apply:
        return Apply(function, argument)

    def integer(self, token: Token) -> Const:
        if len(token) > 19:
            raise Misread("a whole number of at most 19 digits", f"{token!s:.40}")
        return Const(int(token))

    def real(self, token: Token) -> Const:
        return Const(float(token.replace("~", "-")))

    def text(self, token: Token) -> Const:
        return Const(_text_of(token[1:-1]))

    def char(self, token: Token) -> Const:
        return Const(_text_of(token[2:-1]))

    def name(self, token: Token) -> Node:
        match str(token):
            case "true":
                return Const(value=True)
            case "false":
                return Const(value=False)
            case "nil":
                return ListOf(())
            case other:
                return Name(other)

    def wild(self) -> Wild:
        return Wild()

    def select(self, token: Token) -> Select:
        return Select(token[1:].strip())

    def unit(self) -> Tuple:
        return Tuple(())

    def inner(self, node: Node) -> Node:
        return Typed(node) if isinstance(node, Operation) else node

    def tuple_(self, *items: Node) -> Tuple:
        return Tuple(items)

    def sequence(self, *_items: Node) -> Node:
        raise Misread("an expression without effects", "a sequence with ';'")

    def list_(self, *items: Node) -> ListOf:
        return ListOf(items)

    def record(self, *fields: tuple[str, Node] | None) -> RecordOf:
        kept = tuple(each for each in fields if each is not None)
        return RecordOf(kept, further=len(kept) < len(fields))

    def field(self, label: Token, _equal: Token, node: Node) -> tuple[str, Node]:
        return str(label), node

    def punned(self, label: Token) -> tuple[str, Node]:
        return str(label), Name(str(label))

    def dots(self) -> None:
        return None

    def let(self, declarations: tuple[Declaration, ...], body: Node) -> Let:
        return Let(declarations, body)

    def if_(self, test: Node, then: Node, other: Node) -> If:
        return If(test, then, other)

    def case(self, subject: Node, rules: tuple[tuple[Node, Node], ...]) -> Case:
        return Case(subject, rules)

    def fn(self, rules: tuple[tuple[Node, Node], ...]) -> Fn:
        return Fn(rules)

    def rules(self, *rules: tuple[Node, Node]) -> tuple[tuple[Node, Node], ...]:
        return rules

    def rule(self, pattern: Node, body: Node) -> tuple[Node, Node]:
        return pattern, body

    def deref(self, node: Node) -> Deref:
        return Deref(node)

    def negative(self, node: Node) -> Node:
        if isinstance(node, Const) and isinstance(node.value, int | float):
            return Const(-node.value)
        return Apply(Name("~"), node)

    def op(self, sign: Token) -> Name:
        return Name(f"op {sign}")

    def typeproduct(self, *_parts: Any) -> object:
        return _TYPE

    typeapplied = typeatom = typearrow = typeproduct
