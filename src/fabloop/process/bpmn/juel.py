"""JUEL, the expression language of Java process engines: text to a syntax tree."""

import re
from collections.abc import Callable, Iterator

import msgspec

JUEL_LENGTH_MAX = 20_000
JUEL_DEPTH_MAX = 40


class Unsupported(ValueError):
    """JUEL that does not parse, or that has no counterpart in FEEL; says which part."""


class Literal(msgspec.Struct, frozen=True):
    """A constant; numbers keep their text."""

    value: str | bool | None
    number: bool = False


class Name(msgspec.Struct, frozen=True):
    """A variable or bean."""

    name: str


class Member(msgspec.Struct, frozen=True):
    """``base.name``."""

    base: "Node"
    name: str


class Index(msgspec.Struct, frozen=True):
    """``base[key]``."""

    base: "Node"
    key: "Node"


class Call(msgspec.Struct, frozen=True):
    """``callee(arguments)``."""

    callee: "Node"
    arguments: "tuple[Node, ...]"


class Unary(msgspec.Struct, frozen=True):
    """``-``, ``!`` or ``empty`` before an operand."""

    op: str
    operand: "Node"


class Binary(msgspec.Struct, frozen=True):
    """Two operands; `op` is written with signs (``&&``, never ``and``)."""

    op: str
    left: "Node"
    right: "Node"


class Choice(msgspec.Struct, frozen=True):
    """``condition ? first : second``."""

    condition: "Node"
    first: "Node"
    second: "Node"


Node = Literal | Name | Member | Index | Call | Unary | Binary | Choice

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
  | (?P<word>[^\W\d][\w$]*|\$[\w$]*)
  | (?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]])
  | (?P<end>})
  | (?P<other>.)
    )""",
    re.VERBOSE | re.DOTALL,
)
_WORDS = {
    "and": "&&",
    "or": "||",
    "not": "!",
    "div": "/",
    "mod": "%",
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "gt": ">",
    "le": "<=",
    "ge": ">=",
    "empty": "empty",
}
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_LEVELS = {
    **dict.fromkeys(("||",), 1),
    **dict.fromkeys(("&&",), 2),
    **dict.fromkeys(("==", "!="), 3),
    **dict.fromkeys(("<", ">", "<=", ">="), 4),
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("*", "/", "%"), 6),
}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_OPENING = re.compile(r"\\?[$#]\{")


def is_juel(text: str) -> bool:
    """Tell whether text holds a JUEL expression."""
    return not text.lstrip().startswith("=") and any(
        not found.group().startswith("\\") for found in _OPENING.finditer(text)
    )


def parse_juel(text: str) -> tuple[str | Node, ...]:
    """Return the parts of a text: plain text as it is, what stands in ``${}`` as a tree.

    Raises
    ------
    Unsupported
        An expression does not parse, is too long or nests too deep.
    """
    if len(text) > JUEL_LENGTH_MAX:
        raise Unsupported(f"more than {JUEL_LENGTH_MAX} characters")
    return tuple(_parts(text))


def _parts(text: str) -> Iterator[str | Node]:
    at = 0
    plain = ""
    while found := _OPENING.search(text, at):
        plain += text[at : found.start()]
        if found.group().startswith("\\"):
            plain += found.group()[1:]
            at = found.end()
            continue
        if plain:
            yield plain
            plain = ""
        parser = _Parser(text, found.end())
        yield parser.whole()
        at = parser.end
    plain += text[at:]
    if plain:
        yield plain


class _Parser:
    """Reads one expression up to its closing brace."""

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.end = at
        self.depth = 0
        self.kind = self.token = ""
        self._advance()

    def whole(self) -> Node:
        """Read the expression; `end` is then behind its brace."""
        node = self._expression()
        if self.kind != "end":
            raise self._fault("}")
        return node

    def _advance(self) -> None:
        found = _TOKEN.match(self.text, self.end)
        if found is None:
            self.kind, self.token = "", "the end"
            return
        self.kind = str(found.lastgroup)
        self.token = found.group(self.kind)
        self.end = found.end()
        if self.kind == "word" and self.token in _WORDS:
            self.kind, self.token = "sign", _WORDS[self.token]

    def _fault(self, expected: str) -> Unsupported:
        return Unsupported(f"'{self.token}' where '{expected}' should stand")

    def _is(self, *signs: str) -> bool:
        return self.kind == "sign" and self.token in signs

    def _take(self, sign: str) -> None:
        if not self._is(sign):
            raise self._fault(sign)
        self._advance()

    def _expression(self) -> Node:
        return self._nested(self._choice)

    def _nested(self, read: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > JUEL_DEPTH_MAX:
            raise Unsupported(f"more than {JUEL_DEPTH_MAX} levels")
        node = read()
        self.depth -= 1
        return node

    def _choice(self) -> Node:
        condition = self._binary(1)
        if not self._is("?"):
            return condition
        self._advance()
        first = self._expression()
        self._take(":")
        return Choice(condition, first, self._expression())

    def _binary(self, level: int) -> Node:
        left = self._unary()
        while self.kind == "sign" and _LEVELS.get(self.token, 0) >= level:
            op = self.token
            self._advance()
            left = Binary(op, left, self._binary(_LEVELS[op] + 1))
        return left

    def _unary(self) -> Node:
        if not self._is("-", "!", "empty"):
            return self._postfix()
        op = self.token
        self._advance()
        return Unary(op, self._nested(self._unary))

    def _postfix(self) -> Node:
        node = self._primary()
        for _ in range(JUEL_DEPTH_MAX):
            if self._is("."):
                self._advance()
                node = Member(node, self._member())
            elif self._is("["):
                self._advance()
                node = Index(node, self._expression())
                self._take("]")
            elif self._is("("):
                self._advance()
                node = Call(node, self._arguments())
            else:
                return node
        raise Unsupported(f"more than {JUEL_DEPTH_MAX} steps of a path")

    def _member(self) -> str:
        name = self.token
        if self.kind != "word" and not self._is("empty"):
            raise self._fault("a name")
        self._advance()
        return name

    def _arguments(self) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self._is(")"):
            found.append(self._expression())
            if not self._is(","):
                break
            self._advance()
        self._take(")")
        return tuple(found)

    def _primary(self) -> Node:
        kind, token = self.kind, self.token
        if self._is("("):
            self._advance()
            inner = self._expression()
            self._take(")")
            return inner
        if kind not in ("number", "string", "word"):
            raise self._fault("a value")
        self._advance()
        if kind == "number":
            return Literal(token, number=True)
        if kind == "string":
            return Literal(_ESCAPED.sub(r"\1", token[1:-1]))
        return Literal(_CONSTANTS[token]) if token in _CONSTANTS else Name(token)
