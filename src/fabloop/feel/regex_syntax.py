"""The syntax of XPath regular expressions: text to tree."""

import msgspec

from fabloop.feel.characters import Characters, property_class, short_class

PATTERN_LENGTH_MAX = 2_000
"""Characters of a pattern."""

GROUP_DEPTH_MAX = 40
"""Groups inside one another."""

_SINGLE = {"n": "\n", "r": "\r", "t": "\t"}
_ESCAPABLE = "\\|.?*+(){}-[]^$"
_BLANK = " \t\n\r"


class PatternFault(Exception):
    """A pattern is malformed; the text says how."""


class Anchor(msgspec.Struct, frozen=True):
    """``^`` or ``$``."""

    start: bool


class Back(msgspec.Struct, frozen=True):
    """What a group matched, once more."""

    group: int


class Sequence(msgspec.Struct, frozen=True):
    """Parts one after the other."""

    parts: tuple["Part", ...]


class Alternatives(msgspec.Struct, frozen=True):
    """``a|b``."""

    branches: tuple["Part", ...]


class Group(msgspec.Struct, frozen=True):
    """``(...)``, with its number, or ``(?:...)`` without."""

    number: int | None
    inner: "Part"


class Repeat(msgspec.Struct, frozen=True):
    """``inner{low,high}``; no `high` is no end."""

    inner: "Part"
    low: int
    high: int | None
    lazy: bool


Part = Characters | Anchor | Back | Sequence | Alternatives | Group | Repeat


def parsed(source: str, flags: str) -> tuple[Part, int]:
    """Return the tree of a pattern and its number of groups.

    Raises
    ------
    PatternFault
        The pattern or a flag is malformed.
    """
    if len(source) > PATTERN_LENGTH_MAX:
        raise PatternFault(f"the pattern is longer than {PATTERN_LENGTH_MAX} characters")
    unknown = set(flags) - set("smixq")
    if unknown:
        raise PatternFault(f"the flag '{min(unknown)}' is none of s, m, i, x and q")
    if "q" in flags:
        folded = "i" in flags
        return Sequence(tuple(_one(character, folded=folded) for character in source)), 0
    reader = _Reader(_without_blanks(source) if "x" in flags else source, flags)
    tree = reader.alternatives(0)
    if reader.at < len(reader.source):
        raise PatternFault("the pattern has a ')' without a '('")
    return tree, reader.groups


def _one(character: str, *, folded: bool) -> Characters:
    return Characters(((ord(character), ord(character)),), folded=folded)


def _without_blanks(source: str) -> str:
    """Take blanks out, except inside of ``[...]``."""
    out: list[str] = []
    depth = 0
    escaped = False
    for character in source:
        if not escaped:
            depth += (character == "[") - (character == "]" and depth > 0)
        if depth or character not in _BLANK:
            out.append(character)
        escaped = character == "\\" and not escaped
    return "".join(out)


class _Reader:
    def __init__(self, source: str, flags: str) -> None:
        self.source = source
        self.at = 0
        self.groups = 0
        self.closed: set[int] = set()
        self.folded = "i" in flags
        self.dot_all = "s" in flags

    def here(self) -> str:
        return self.source[self.at : self.at + 1]

    def take(self) -> str:
        if self.at >= len(self.source):
            raise PatternFault("the pattern ends too early")
        self.at += 1
        return self.source[self.at - 1]

    def alternatives(self, depth: int) -> Part:
        if depth > GROUP_DEPTH_MAX:
            raise PatternFault(f"groups are nested deeper than {GROUP_DEPTH_MAX}")
        branches = [self.sequence(depth)]
        while self.here() == "|":
            self.at += 1
            branches.append(self.sequence(depth))
        return branches[0] if len(branches) == 1 else Alternatives(tuple(branches))

    def sequence(self, depth: int) -> Part:
        parts: list[Part] = []
        while self.here() not in ("", "|", ")"):
            parts.append(self.repeated(self.atom(depth)))
        return Sequence(tuple(parts))

    def repeated(self, atom: Part) -> Part:
        sign = self.here()
        if sign == "" or sign not in "*+?{":
            return atom
        self.at += 1
        low, high = self.counts() if sign == "{" else _COUNTS[sign]
        lazy = self.here() == "?"
        self.at += lazy
        if self.here() in tuple("*+?{"):
            raise PatternFault("the pattern repeats a repeat")
        if isinstance(atom, Anchor):
            return atom if low else Sequence(())
        return Repeat(atom, low, high, lazy)

    def counts(self) -> tuple[int, int | None]:
        end = self.source.find("}", self.at)
        low, comma, high = self.source[self.at : end].partition(",")
        self.at = end + 1
        if end < 0 or not low.isdecimal() or not (high == "" or high.isdecimal()):
            raise PatternFault("the pattern has a '{' that is no count such as '{2,3}'")
        most = int(low) if not comma else int(high) if high else None
        if len(low + high) > 8 or (most is not None and most < int(low)):
            raise PatternFault("the pattern has a count that is too large or runs backwards")
        return int(low), most

    def atom(self, depth: int) -> Part:
        sign = self.take()
        match sign:
            case "(":
                return self.group(depth)
            case "[":
                return self.bracket(depth)
            case ".":
                unwanted = () if self.dot_all else ((10, 10), (13, 13))
                return Characters(unwanted, negated=True)
            case "^" | "$":
                return Anchor(sign == "^")
            case "\\":
                return self.escape()
            case "*" | "+" | "?" | "{" | "}" | "]":
                raise PatternFault(f"the pattern has a '{sign}' out of place")
            case _:
                return _one(sign, folded=self.folded)

    def group(self, depth: int) -> Part:
        number: int | None = None
        if self.source.startswith("?:", self.at):
            self.at += 2
        else:
            self.groups += 1
            number = self.groups
        inner = self.alternatives(depth + 1)
        if self.here() != ")":
            raise PatternFault("the pattern has a '(' without a ')'")
        self.at += 1
        if number is not None:
            self.closed.add(number)
        return Group(number, inner)

    def escape(self) -> Part:
        if self.here().isdecimal() and self.here() != "0":
            number = int(self.take())
            while self.here().isdecimal() and number * 10 + int(self.here()) <= self.groups:
                number = number * 10 + int(self.take())
            if number not in self.closed:
                raise PatternFault(f"the pattern refers to group {number}, which is not complete")
            return Back(number)
        found = self.class_escape()
        return found if isinstance(found, Characters) else _one(found, folded=self.folded)

    def class_escape(self) -> Characters | str:
        """Read what follows a backslash: a set, or the one character that it stands for."""
        letter = self.take()
        if letter in "pP":
            return self.category(negated=letter == "P")
        found = short_class(letter)
        if found is not None:
            return found
        if letter in _SINGLE:
            return _SINGLE[letter]
        if letter not in _ESCAPABLE:
            raise PatternFault(f"the pattern has '\\{letter}', which stands for nothing")
        return letter

    def category(self, *, negated: bool) -> Characters:
        end = self.source.find("}", self.at)
        if self.here() != "{" or end < 0:
            raise PatternFault("the pattern has '\\p' without '{name}'")
        name = self.source[self.at + 1 : end]
        self.at = end + 1
        found = property_class(name, negated=negated)
        if found is None:
            raise PatternFault(f"there is no category or block '{name}'")
        return found

    def bracket(self, depth: int) -> Characters:
        """Read ``[...]`` behind its ``[``, with ``-[...]`` taken away at its end."""
        if depth > GROUP_DEPTH_MAX:
            raise PatternFault(f"classes are nested deeper than {GROUP_DEPTH_MAX}")
        negated = self.here() == "^"
        self.at += negated
        ranges: list[tuple[int, int]] = []
        sets: list[Characters] = []
        less: Characters | None = None
        while self.here() != "]":
            if self.source.startswith("-[", self.at) and (ranges or sets):
                self.at += 2
                less = self.bracket(depth + 1)
                break
            self.range_or_set(ranges, sets)
        if self.take() != "]" or not (ranges or sets):
            raise PatternFault("the pattern has a '[' without characters and ']'")
        members = tuple(inner.__contains__ for inner in sets)
        return Characters(tuple(ranges), members, negated, less, self.folded)

    def range_or_set(self, ranges: list[tuple[int, int]], sets: list[Characters]) -> None:
        first = self.member()
        if isinstance(first, Characters):
            sets.append(first)
            return
        last: Characters | str = first
        if self.here() == "-" and self.source[self.at + 1 : self.at + 2] not in ("]", "["):
            self.at += 1
            last = self.member()
        if isinstance(last, Characters) or ord(last) < ord(first):
            raise PatternFault("the pattern has a range of characters that runs backwards")
        ranges.append((ord(first), ord(last)))

    def member(self) -> Characters | str:
        sign = self.take()
        if sign == "[":
            raise PatternFault("the pattern has a '[' inside of '[...]'")
        return self.class_escape() if sign == "\\" else sign


_COUNTS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
