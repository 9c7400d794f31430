"""FEEL text to tokens; which words make up one name is the parser's question."""

import re
from collections.abc import Iterator
from enum import Enum, auto

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.feel.limits import SOURCE_LENGTH_MAX, exceeded

_TOKEN = re.compile(
    r"""
    (?P<blank>[\s\u00a0\u1680\u180e\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff]+
        | //[^\n]* | /\*.*?\*/)
  | (?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<string>"(?:\\.|[^"\\])*")
  | (?P<word>(?:[^\W\d]|[\U00010000-\U000effff])[\w\u00b7\u203f\u2040\U00010000-\U000effff]*|\?)
  | (?P<sign>\.\.|\*\*|<=|>=|!=|->|[-+*/<>=(){}\[\],:.@]|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
    r"|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{6})|(.))",
    re.DOTALL,
)
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\"}


class Kind(Enum):
    """What a token is."""

    NUMBER = auto()
    STRING = auto()
    WORD = auto()
    SIGN = auto()
    END = auto()


class Token(msgspec.Struct, frozen=True):
    """One token: its kind, its text (unescaped for strings), its offset and its end."""

    kind: Kind
    text: str
    at: int
    end: int


_KINDS = {"number": Kind.NUMBER, "string": Kind.STRING, "word": Kind.WORD, "sign": Kind.SIGN}


def fault_at(source: str, at: int, *, expected: str, found: str, hint: str = "") -> Invalid:
    """Return the error for a place in an expression, with its line and column from 1."""
    line = source.count("\n", 0, at) + 1
    column = at - (source.rfind("\n", 0, at) + 1) + 1
    return Invalid(
        Fault(
            source="FEEL expression",
            path=f"line {line}, column {column}",
            expected=expected,
            found=found,
            hint=hint,
        )
    )


def _unescape(found: re.Match[str]) -> str:
    high, low, four, six, simple = found.groups()
    if high is not None:
        return chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF))
    code = four or six
    if code is not None:
        number = int(code, 16)
        # Half of a surrogate pair is no character, and no text that could be stored.
        lawful = number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF
        return chr(number) if lawful else found.group()
    # A backslash before any other letter stays: regular expressions are written "\d".
    return _SIMPLE.get(simple, found.group())


def _tokens(source: str) -> Iterator[Token]:
    at = 0
    while at < len(source):
        found = _TOKEN.match(source, at)
        assert found is not None, "the last branch of the pattern takes any character"
        group = str(found.lastgroup)
        text = found.group()
        if group == "sign" and text == '"':
            raise fault_at(
                source, at, expected='a closing "', found="the end", hint="Close the string."
            )
        if group == "sign" and text == "/" and source.startswith("/*", at):
            raise fault_at(source, at, expected="'*/'", found="the end", hint="Close the comment.")
        if group == "string":
            text = _ESCAPE.sub(_unescape, text[1:-1])
        if group != "blank":
            yield Token(_KINDS[group], text, at, found.end())
        at = found.end()
    yield Token(Kind.END, "", len(source), len(source))


def tokens_of(source: str) -> tuple[Token, ...]:
    """Return the tokens of an expression, ended by one of kind ``END``.

    Raises
    ------
    Invalid
        A string or a comment is not closed.
    Refused
        The source is longer than `SOURCE_LENGTH_MAX`.
    """
    if len(source) > SOURCE_LENGTH_MAX:
        raise exceeded("characters in an expression", SOURCE_LENGTH_MAX, "Split it.")
    return tuple(_tokens(source))
