"""The notation of targets: ``(type, has ingredient, ?h), (?h, name, ?x), (?h, qty, num*?y)``."""

import re

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.dataspace.target import (
    Constant,
    Given,
    Operation,
    Target,
    Term,
    Triple,
    Variable,
    names,
    spelled,
    text_of,
)

SOURCE = "target"
TARGET_TEXT_MAX = 10_000
TRIPLES_MAX = 50
EXPRESSION_DEPTH_MAX = 20
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<variable>\?[A-Za-z_]\w*)
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<text>"[^"]*"|“[^”]*”)
    | (?P<name>[^\W\d]\w*(?:[ ]+\w+)*)
    | (?P<sign>[-+*/()])
    )""",
    re.VERBOSE,
)
_WORDS = re.compile(r"[\w][\w .:/'-]*\Z")


class _Token(msgspec.Struct, frozen=True):
    kind: str
    text: str
    at: int


class _Wrong(Exception):
    """Something else stands at a position than was expected; it never leaves this file."""

    def __init__(self, at: int, expected: str, found: str, hint: str = "") -> None:
        super().__init__(expected)
        self.fault = _fault(at, expected, found, hint)


def parse(text: str) -> Target:
    """Return the target that a text says.

    Raises
    ------
    Invalid
        Every triple that is none, each with its position; or triples that cannot be filled.
    """
    if len(text) > TARGET_TEXT_MAX:
        raise Invalid(_fault(0, f"at most {TARGET_TEXT_MAX} characters", f"{len(text)}"))
    faults: list[Fault] = []
    triples: list[Triple] = []
    for at, part in _parts(text, faults):
        try:
            triples.append(_triple(part, at))
        except _Wrong as wrong:
            faults.append(wrong.fault)
    if len(triples) > TRIPLES_MAX:
        faults.append(_fault(0, f"at most {TRIPLES_MAX} triples", f"{len(triples)}"))
    if not faults:
        faults = _unfit(triples)
    if faults:
        raise Invalid(faults)
    found = tuple(triples)
    return Target(triples=found, text=spelled(found))


def _parts(text: str, faults: list[Fault]) -> list[tuple[int, str]]:
    """Return what stands between the outer parentheses, each with its position."""
    parts, depth, start, quoted = [], 0, 0, False
    for at, sign in enumerate(text):
        if sign in '"“”':
            quoted = not quoted
        elif quoted:
            continue
        elif sign == "(":
            start = at + 1 if depth == 0 else start
            depth += 1
        elif sign == ")":
            depth -= 1
            if depth == 0:
                parts.append((start, text[start:at]))
            elif depth < 0:
                faults.append(_fault(at, "'(' before ')'", "none"))
                depth = 0
        elif depth == 0 and sign not in ", \n\t;.":
            faults.append(_fault(at, "a triple in parentheses", f"'{text[at : at + 20]}'", _HINT))
            break
    if depth > 0:
        faults.append(_fault(start - 1, "')' after the triple", "the end", _HINT))
    if not parts and not faults:
        faults.append(_fault(0, "at least one triple", "none", _HINT))
    return parts


_HINT = "Write (type, has ingredient, ?h), (?h, name, ?x), (?h, qty, num*?y)."


def _triple(text: str, at: int) -> Triple:
    cells = _cells(text)
    if len(cells) != 3:
        raise _Wrong(at, "subject, predicate and object", f"{len(cells)} of them", _HINT)
    (s, subject), (p, predicate), (o, object_) = cells
    one = _term(subject, at + s)
    if isinstance(one, Operation):
        raise _Wrong(
            at + s, "a variable, a given name or a constant as subject", f"'{subject.strip()}'"
        )
    phrase = " ".join(predicate.split())
    if not _WORDS.match(phrase):
        raise _Wrong(at + p, "words as predicate", f"'{phrase}'", "Variables cannot stand there.")
    return Triple(subject=one, predicate=phrase, object=_term(object_, at + o))


def _cells(text: str) -> list[tuple[int, str]]:
    """Return what stands between commas that are not within quotes or parentheses."""
    cells, depth, start, quoted = [], 0, 0, False
    for at, sign in enumerate(text):
        if sign in '"“”':
            quoted = not quoted
        elif not quoted and sign in "()":
            depth += 1 if sign == "(" else -1
        elif not quoted and depth == 0 and sign == ",":
            cells.append((start, text[start:at]))
            start = at + 1
    cells.append((start, text[start:]))
    return cells


def _term(text: str, at: int) -> Term:
    tokens = _tokens(text, at)
    if not tokens:
        raise _Wrong(at, "a variable, a given name, a constant or arithmetic", "nothing", _HINT)
    term, rest = _sum(tokens, 0, 0)
    if rest < len(tokens):
        raise _Wrong(tokens[rest].at, "an operator or the end", f"'{tokens[rest].text}'")
    return term


def _tokens(text: str, at: int) -> list[_Token]:
    tokens, here = [], 0
    while text[here:].strip():
        found = _TOKEN.match(text, here)
        if found is None:
            left = text[here:].strip()
            raise _Wrong(at + here, "?variable, name, number, \"text\" or one of + - * /",
                         f"'{left[:20]}'")  # fmt: skip
        kind = found.lastgroup or ""
        tokens.append(_Token(kind, found[kind], at + found.start(kind)))
        here = found.end()
    return tokens


def _sum(tokens: list[_Token], i: int, depth: int) -> tuple[Term, int]:
    left, i = _product(tokens, i, depth)
    while i < len(tokens) and tokens[i].text in ("+", "-"):
        right, after = _product(tokens, i + 1, depth)
        left, i = Operation(tokens[i].text, left, right), after
    return left, i


def _product(tokens: list[_Token], i: int, depth: int) -> tuple[Term, int]:
    left, i = _atom(tokens, i, depth)
    while i < len(tokens) and tokens[i].text in ("*", "/"):
        right, after = _atom(tokens, i + 1, depth)
        left, i = Operation(tokens[i].text, left, right), after
    return left, i


def _atom(tokens: list[_Token], i: int, depth: int) -> tuple[Term, int]:
    if i >= len(tokens):
        last = tokens[-1]
        raise _Wrong(last.at + len(last.text), "a value after the operator", "the end")
    token = tokens[i]
    if depth > EXPRESSION_DEPTH_MAX:
        raise _Wrong(token.at, f"at most {EXPRESSION_DEPTH_MAX} parentheses in each other", "more")
    match token.kind:
        case "variable":
            return Variable(token.text[1:]), i + 1
        case "number":
            plain = token.text.isdigit()
            return Constant(int(token.text) if plain else float(token.text)), i + 1
        case "text":
            return Constant(token.text[1:-1]), i + 1
        case "name":
            return Given(" ".join(token.text.split())), i + 1
        case _:
            return _within(tokens, i, depth)


def _within(tokens: list[_Token], i: int, depth: int) -> tuple[Term, int]:
    token = tokens[i]
    if token.text == "(":
        inner, after = _sum(tokens, i + 1, depth + 1)
        if after >= len(tokens) or tokens[after].text != ")":
            raise _Wrong(token.at, "')' after it", "none")
        return inner, after + 1
    if token.text == "-":
        inner, after = _atom(tokens, i + 1, depth + 1)
        return Operation("-", Constant(0), inner), after
    raise _Wrong(token.at, "a value", f"'{token.text}'")


def _unfit(triples: list[Triple]) -> list[Fault]:
    """Return what cannot be filled although it can be read."""
    faults = []
    plain = {t.object.name for t in triples if isinstance(t.object, Variable)}
    subjects = {t.subject.name for t in triples if isinstance(t.subject, Variable)}
    for number, each in enumerate(triples):
        if not isinstance(each.object, Operation):
            continue
        where = f"triple {number + 1}"
        free = [name for name in dict.fromkeys(names(each.object)) if name not in plain]
        found = dict.fromkeys(names(each.object))
        if found and len(free) != 1:
            told = ", ".join(f"?{name}" for name in (free or found))
            faults.append(
                _at(where, "one variable in the arithmetic that no other triple gives", told,
                    f"'{text_of(each.object)}' says how the value in the data enters.")
            )  # fmt: skip
        if any(name in subjects for name in free):
            faults.append(_at(where, "a number to calculate with", "a variable that has triples"))
        if _has_text(each.object):
            faults.append(_at(where, "numbers to calculate with", "a text in quotes"))
    return faults


def _has_text(term: Term) -> bool:
    match term:
        case Operation():
            return _has_text(term.left) or _has_text(term.right)
        case Constant():
            return isinstance(term.value, str)
        case _:
            return False


def _fault(at: int, expected: str, found: str, hint: str = "") -> Fault:
    return _at(f"character {at + 1}", expected, found, hint)


def _at(path: str, expected: str, found: str, hint: str = "") -> Fault:
    return Fault(source=SOURCE, path=path, expected=expected, found=found, hint=hint)
