"""Sets of characters for regular expressions: classes, categories, blocks, subtraction."""

import re
import unicodedata
from collections.abc import Callable

import msgspec

Member = Callable[[str], bool]

BLOCKS = {
    "BasicLatin": (0x0000, 0x007F),
    "Latin-1Supplement": (0x0080, 0x00FF),
    "LatinExtended-A": (0x0100, 0x017F),
    "LatinExtended-B": (0x0180, 0x024F),
    "IPAExtensions": (0x0250, 0x02AF),
    "SpacingModifierLetters": (0x02B0, 0x02FF),
    "CombiningDiacriticalMarks": (0x0300, 0x036F),
    "Greek": (0x0370, 0x03FF),
    "GreekandCoptic": (0x0370, 0x03FF),
    "Cyrillic": (0x0400, 0x04FF),
    "Armenian": (0x0530, 0x058F),
    "Hebrew": (0x0590, 0x05FF),
    "Arabic": (0x0600, 0x06FF),
    "Devanagari": (0x0900, 0x097F),
    "Thai": (0x0E00, 0x0E7F),
    "HangulJamo": (0x1100, 0x11FF),
    "LatinExtendedAdditional": (0x1E00, 0x1EFF),
    "GreekExtended": (0x1F00, 0x1FFF),
    "GeneralPunctuation": (0x2000, 0x206F),
    "CurrencySymbols": (0x20A0, 0x20CF),
    "LetterlikeSymbols": (0x2100, 0x214F),
    "Arrows": (0x2190, 0x21FF),
    "MathematicalOperators": (0x2200, 0x22FF),
    "BoxDrawing": (0x2500, 0x257F),
    "CJKSymbolsandPunctuation": (0x3000, 0x303F),
    "Hiragana": (0x3040, 0x309F),
    "Katakana": (0x30A0, 0x30FF),
    "CJKUnifiedIdeographs": (0x4E00, 0x9FFF),
    "HangulSyllables": (0xAC00, 0xD7A3),
    "PrivateUse": (0xE000, 0xF8FF),
}
"""Unicode blocks by the name that follows ``Is``."""

_CATEGORY = re.compile("L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|Z[slp]?|S[mcko]?|C[cfon]?")


class Characters(msgspec.Struct, frozen=True):
    """A set of characters; `less` is taken away from it.

    Attributes
    ----------
    ranges : first and last code point of each range
    members : further tests, each of which lets a character in
    """

    ranges: tuple[tuple[int, int], ...] = ()
    members: tuple[Member, ...] = ()
    negated: bool = False
    less: "Characters | None" = None
    folded: bool = False

    def __contains__(self, character: str) -> bool:
        if not character:
            return False
        found = self._holds(character)
        if self.folded and not found:
            found = any(self._holds(other) for other in variants(character))
        if found is self.negated:
            return False
        return self.less is None or character not in self.less

    def _holds(self, character: str) -> bool:
        code = ord(character)
        return any(first <= code <= last for first, last in self.ranges) or any(
            member(character) for member in self.members
        )


def variants(character: str) -> tuple[str, ...]:
    """Return the other cases of a character that are one character long."""
    found = {character.lower(), character.upper(), character.casefold()} - {character}
    return tuple(other for other in found if len(other) == 1)


def _word(character: str) -> bool:
    return unicodedata.category(character)[0] not in "PZC"


def _name_start(character: str) -> bool:
    return character.isalpha() or character in "_:"


def _name_part(character: str) -> bool:
    return _name_start(character) or character.isdigit() or character in "-.·"


_SHORT: dict[str, Member] = {
    "d": lambda c: unicodedata.category(c) == "Nd",
    "s": lambda c: c in " \t\n\r",
    "w": _word,
    "i": _name_start,
    "c": _name_part,
}


def short_class(letter: str) -> Characters | None:
    """Return the set of an escape such as ``d`` or ``S``; None for another letter."""
    member = _SHORT.get(letter.lower())
    return Characters((), (member,), letter.isupper()) if member is not None else None


def property_class(name: str, *, negated: bool) -> Characters | None:
    """Return the set of a category or block; None where there is none of that name."""
    if _CATEGORY.fullmatch(name):
        return Characters((), (lambda c: unicodedata.category(c).startswith(name),), negated)
    block = BLOCKS.get(name.removeprefix("Is")) if name.startswith("Is") else None
    return Characters((block,), (), negated) if block is not None else None
