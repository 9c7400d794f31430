"""Reads the words asked for out of WordNet's own files (``index.noun``, ``data.noun`` ...)."""

import mmap
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from fabloop.base.errors import Broken
from fabloop.services.discovery.thesaurus import STEPS_UP_MAX, Thesaurus

SETTING = "FABLOOP_WORDNET"
PLACES = (
    "/usr/share/wordnet",
    "/usr/local/share/wordnet",
    "/usr/share/nltk_data/corpora/wordnet",
    "/opt/homebrew/opt/wordnet/dict",
)
"""Where packages put it: Debian's ``wordnet-base``, NLTK's data, Homebrew."""
SENSES_READ_MAX = 4
_PARTS = (("noun", "n"), ("verb", "v"))
_UP = ("@", "@i")


def find() -> Path | None:
    """Return the folder of WordNet: $FABLOOP_WORDNET, or where packages put it."""
    said = os.environ.get(SETTING)
    for place in (said,) if said else PLACES:
        folder = Path(place)
        if (folder / "index.noun").is_file() and (folder / "data.noun").is_file():
            return folder
    return None


def thesaurus_of(folder: Path, words: Iterable[str]) -> Thesaurus:
    """Return the senses of these words (several joined by blanks), and all that is above them.

    Raises
    ------
    Broken
        A file is not as WordNet's manual (wndb) describes it.
    """
    asked = dict.fromkeys(words)
    senses: dict[str, tuple[str, ...]] = {}
    broader: dict[str, tuple[str, ...]] = {}
    with ExitStack() as stack:
        for part, letter in _PARTS:
            if not (folder / f"index.{part}").is_file():
                continue
            index = stack.enter_context(_Pages(folder / f"index.{part}"))
            data = stack.enter_context(_Pages(folder / f"data.{part}"))
            for word in asked:
                found = [f"{letter}{offset}" for offset in _offsets(index, word)]
                if found:
                    senses[word] = (*senses.get(word, ()), *found)
                    _climb(found, data, letter, broader)
    return Thesaurus(
        senses=senses, broader=broader, depth=_depths(broader), source=f"WordNet ({folder})"
    )


class _Pages:
    """A file in memory as far as it is looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")
        self.bytes = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.bytes.close()
        self._file.close()

    def line_at(self, place: int) -> bytes:
        """Return the line that begins at a place."""
        return self.bytes[place : self.bytes.find(b"\n", place) % (len(self.bytes) + 1)]

    def beginning(self, place: int) -> int:
        """Return where the line begins in which a place lies."""
        return self.bytes.rfind(b"\n", 0, place) + 1


def _offsets(index: _Pages, word: str) -> Iterator[str]:
    """Yield where the senses of a word stand, the most usual first; forms of it stand in."""
    for form in _forms(word):
        line = _search(index, form.replace(" ", "_").encode())
        if line is not None:
            fields = line.split()
            count = int(fields[2])
            yield from (each.decode() for each in fields[-count:][:SENSES_READ_MAX])
            return


def _forms(word: str) -> Iterator[str]:
    """Yield the word and what it may be a form of, by WordNet's own rules of detachment."""
    yield word
    for ending, instead in _DETACHED:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            yield word.removesuffix(ending) + instead


_DETACHED = (
    ("s", ""), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"),
    ("men", "man"), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""),
    ("ing", "e"), ("ing", ""),
)  # fmt: skip


def _search(index: _Pages, word: bytes) -> bytes | None:
    """Return the line of a word in a sorted file; its licence at the top is indented."""
    low, high = 0, len(index.bytes)
    while low < high:
        start = index.beginning((low + high) // 2)
        line = index.line_at(start)
        key = line.partition(b" ")[0]
        if key == word and not line.startswith(b" "):
            return line
        if line.startswith(b" ") or key < word:
            low = start + len(line) + 1
        else:
            high = start
    return None


def _climb(
    found: list[str], data: _Pages, letter: str, broader: dict[str, tuple[str, ...]]
) -> None:
    edge = found
    for _ in range(STEPS_UP_MAX):
        edge = [each for each in edge if each not in broader]
        for sense in edge:
            broader[sense] = tuple(_above(sense, data, letter))
        edge = [up for each in edge for up in broader[each]]
        if not edge:
            return


def _above(sense: str, data: _Pages, letter: str) -> Iterator[str]:
    line = data.line_at(int(sense[1:])).partition(b" | ")[0]
    fields = [each.decode() for each in line.split()]
    try:
        if fields[0] != sense[1:]:
            raise ValueError(fields[0])
        words = int(fields[3], 16)
        at = 4 + 2 * words
        pointers = int(fields[at])
        for number in range(pointers):
            symbol, offset = fields[at + 1 + 4 * number : at + 3 + 4 * number]
            if symbol in _UP:
                yield f"{letter}{offset}"
    except (ValueError, IndexError) as error:
        raise Broken(
            f"Expected a synset at byte {sense[1:]} of {data.path}, but found something else. "
            "Install WordNet anew."
        ) from error


def _depths(broader: dict[str, tuple[str, ...]]) -> dict[str, int]:
    """Return the shortest way from the top for every sense, at least 1."""
    depth: dict[str, int] = {}

    def of(sense: str, below: int) -> int:
        if sense not in depth:
            if below > 2 * STEPS_UP_MAX:
                return 1
            ups = broader.get(sense, ())
            depth[sense] = 1 + min((of(each, below + 1) for each in ups), default=0)
        return depth[sense]

    for sense in broader:
        of(sense, 0)
    return depth
