"""JUEL to FEEL: the plain kind of expression; calls of Java are named, not guessed."""

import re
from collections.abc import Callable

from fabloop.base.codec import to_json
from fabloop.feel.names import KEYWORDS
from fabloop.process.bpmn.juel import (
    Binary,
    Call,
    Choice,
    Index,
    Literal,
    Member,
    Name,
    Node,
    Unary,
    Unsupported,
    parse_juel,
)
from fabloop.process.definition import BUSINESS_KEY

CHOICE, OR, AND, COMPARE, ADD, MULTIPLY, POSTFIX = range(7)
_SIGNS = {
    "||": ("or", OR),
    "&&": ("and", AND),
    "==": ("=", COMPARE),
    "!=": ("!=", COMPARE),
    "<": ("<", COMPARE),
    ">": (">", COMPARE),
    "<=": ("<=", COMPARE),
    ">=": (">=", COMPARE),
    "+": ("+", ADD),
    "-": ("-", ADD),
    "*": ("*", MULTIPLY),
    "/": ("/", MULTIPLY),
}
_PLAIN = re.compile(r"[^\W\d]\w*")
_REMAINDER = "(function(a, b) a - b * round down(a / b, 0))"
"""Java's remainder has the sign of the first operand, FEEL's ``modulo`` that of the second."""

_COUNTERS = {
    "loopCounter": ("loopCounter - 1", ADD),
    "nrOfInstances": ("numberOfInstances", POSTFIX),
    "nrOfActiveInstances": ("numberOfActiveInstances", POSTFIX),
    "nrOfCompletedInstances": ("numberOfCompletedInstances", POSTFIX),
}
"""Variables of a multi-instance that are counted or called otherwise here."""

_METHODS: dict[tuple[str, int], Callable[[str, tuple[str, ...]], tuple[str, int]]] = {
    ("equals", 1): lambda base, given: (f"({base}) = ({given[0]})", COMPARE),
    ("toString", 0): lambda base, _: (f"string({base})", POSTFIX),
    ("length", 0): lambda base, _: (f"string length({base})", POSTFIX),
    ("size", 0): lambda base, _: (f"count({base})", POSTFIX),
    ("toUpperCase", 0): lambda base, _: (f"upper case({base})", POSTFIX),
    ("toLowerCase", 0): lambda base, _: (f"lower case({base})", POSTFIX),
    ("startsWith", 1): lambda base, given: (f"starts with({base}, {given[0]})", POSTFIX),
    ("endsWith", 1): lambda base, given: (f"ends with({base}, {given[0]})", POSTFIX),
}
"""The methods of text and lists that have the same meaning in FEEL."""


def feel_of_juel(text: str) -> str:
    """Return FEEL with the value of a text with JUEL in it.

    One expression alone keeps its type; beside text it becomes text, null the empty one.

    Raises
    ------
    Unsupported
        A part of it has no counterpart in FEEL.
    """
    parts = parse_juel(text.strip())
    if len(parts) == 1:
        return _text(parts[0]) if isinstance(parts[0], str) else _feel(parts[0], CHOICE)
    made = [
        _text(part) if isinstance(part, str) else f"string({_feel(part, CHOICE)})" for part in parts
    ]
    return f'string join([{", ".join(made)}], "")'


def feel_of_node(node: Node) -> str:
    """Return FEEL for one parsed expression; raises Unsupported."""
    return _feel(node, CHOICE)


def _text(text: str) -> str:
    return to_json(text).decode()


def _feel(node: Node, level: int) -> str:
    """Return FEEL that may stand where this level is wanted."""
    text, own = _written(node)
    return text if own >= level else f"({text})"


def _written(node: Node) -> tuple[str, int]:
    match node:
        case Literal():
            return _literal(node), POSTFIX
        case Name(name):
            return _COUNTERS.get(name) or (_name(name), POSTFIX)
        case Member(base, name):
            return _member(base, name), POSTFIX
        case Index(base, key):
            return _index(base, key)
        case Call():
            return _call(node)
        case Unary():
            return _unary(node)
        case Binary():
            return _binary(node)
        case Choice(condition, first, second):
            asked = [_feel(each, CHOICE) for each in (condition, first, second)]
            return f"if {asked[0]} then {asked[1]} else {asked[2]}", CHOICE


def _literal(node: Literal) -> str:
    match node.value:
        case None:
            return "null"
        case bool() as value:
            return str(value).lower()
        case str() as value if node.number:
            mantissa, mark, exponent = value.lower().partition("e")
            whole, dot, fraction = mantissa.partition(".")
            number = f"{whole or '0'}{dot and '.'}{fraction or (dot and '0')}"
            return f"{number}{mark}{exponent}"
        case str() as value:
            return _text(value)


def _name(name: str) -> str:
    if name in KEYWORDS or not _PLAIN.fullmatch(name):
        raise Unsupported(f"the name '{name}', which FEEL has a meaning for")
    if name in ("execution", "task", "instanceof"):
        raise Unsupported(f"'{name}' of the Java interface")
    return name


def _member(base: Node, name: str) -> str:
    if base == Name("execution") and name in ("businessKey", "processBusinessKey"):
        return BUSINESS_KEY
    if not _PLAIN.fullmatch(name):
        raise Unsupported(f"the name '{name}'")
    return f"{_feel(base, POSTFIX)}.{name}"


def _index(base: Node, key: Node) -> tuple[str, int]:
    of = _feel(base, POSTFIX)
    if isinstance(key, Literal) and key.number:
        if not str(key.value).isdecimal():
            raise Unsupported(f"the index {key.value}")
        return f"{of}[{int(str(key.value)) + 1}]", POSTFIX
    if isinstance(key, Literal) and isinstance(key.value, str):
        return f"get value({of}, {_text(key.value)})", POSTFIX
    at = _feel(key, ADD)
    item = f"sublist({of}, {at} + 1, 1)[1]"
    return f"if ({at}) instance of number then {item} else get value({of}, {at})", CHOICE


def _call(node: Call) -> tuple[str, int]:
    match node:
        case Call(Member(Name("execution"), "getVariable"), (Literal(str() as name, False),)):
            return _name(name), POSTFIX
        case Call(Member(base, name), arguments) if (name, len(arguments)) in _METHODS:
            given = tuple(_feel(each, CHOICE) for each in arguments)
            return _METHODS[name, len(arguments)](_feel(base, CHOICE), given)
        case Call(Member(_, name), _):
            raise Unsupported(f"a call of method '{name}'")
        case _:
            raise Unsupported("a call of a function")


def _unary(node: Unary) -> tuple[str, int]:
    match node.op:
        case "!":
            return f"not({_feel(node.operand, CHOICE)})", POSTFIX
        case "empty":
            return f'{_feel(node.operand, ADD)} in (null, "", [], {{}})', COMPARE
        case _:
            return f"-{_feel(node.operand, POSTFIX)}", MULTIPLY


def _binary(node: Binary) -> tuple[str, int]:
    if node.op == "%":
        given = f"{_feel(node.left, CHOICE)}, {_feel(node.right, CHOICE)}"
        return f"{_REMAINDER}({given})", POSTFIX
    sign, level = _SIGNS[node.op]
    first = level + 1 if level == COMPARE else level
    return f"{_feel(node.left, first)} {sign} {_feel(node.right, level + 1)}", level
