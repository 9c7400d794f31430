"""Directions of words learnt from WordNet's definitions, kept in a file once they are learnt."""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fabloop.services.discovery.meaning import DIMENSIONS, ROUNDS, WordVectors, learnt
from fabloop.services.words import stem, telling, words_of

SETTING = "FABLOOP_CACHE"
FORM = 1
"""Number of the way in which directions are learnt and kept."""
_PARTS = ("noun", "verb", "adj", "adv")
_LEMMA_WEIGHT = 2
_NEAR = ("@", "@i", ";c")
_NEAR_LEMMAS = 2


def vectors_of(folder: Path, keep: Path | None = None) -> WordVectors:
    """Return directions of the words of WordNet; kept in `keep`, for people's own cache by default.

    Learning takes some seconds, reading what was learnt a tenth of one. What cannot be read or
    written is learnt anew.
    """
    file = _file(folder, keep)
    source = f"definitions of WordNet ({folder})"
    found = _kept(file, source)
    if found is None:
        found = learnt(_definitions(folder), source)
        _keep(file, found)
    return found


def is_kept(folder: Path, keep: Path | None = None) -> bool:
    """Tell whether the directions have been learnt already."""
    return _file(folder, keep).is_file()


def _file(folder: Path, keep: Path | None) -> Path:
    return (keep or _cache()) / f"wordnet-{_mark(folder)}.npz"


def _cache() -> Path:
    own = os.environ.get(SETTING)
    shared = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(own) if own else Path(shared) / "fabloop"


def _mark(folder: Path) -> str:
    """Return what changes when the dictionary or the way of learning does."""
    sizes = "-".join(str((folder / f"data.{part}").stat().st_size) for part in _parts(folder))
    return f"{FORM}-{DIMENSIONS}-{ROUNDS}-{sizes}"


def _parts(folder: Path) -> list[str]:
    return [part for part in _PARTS if (folder / f"data.{part}").is_file()]


def _kept(file: Path, source: str) -> WordVectors | None:
    try:
        with np.load(file, allow_pickle=False) as stored:
            words, rows = stored["words"].tolist(), stored["rows"].astype(np.float32)
    except (OSError, ValueError, KeyError, EOFError):
        return None
    if len(words) != len(rows):
        return None
    return WordVectors(words, rows, source)


def _keep(file: Path, found: WordVectors) -> None:
    """Write what was learnt, whole or not at all; a place that cannot be written to is no fault."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, suffix=".npz")
        with os.fdopen(handle, "wb") as stream:
            np.savez_compressed(
                stream, words=np.array(found.words), rows=found.rows.astype(np.float16)
            )
        Path(name).replace(file)
    except OSError:
        return


def _definitions(folder: Path) -> Iterator[Counter[str]]:
    """Yield the words of each synset: its lemmas, its definition, and what it is a kind of."""
    lemmas: dict[str, list[str]] = {}
    entries: list[tuple[list[str], str, list[str]]] = []
    for part in _parts(folder):
        with (folder / f"data.{part}").open(encoding="latin-1") as lines:
            for line in lines:
                if line.startswith(" "):
                    continue
                data, _, gloss = line.partition(" | ")
                fields = data.split()
                count = int(fields[3], 16)
                own = [fields[4 + 2 * number] for number in range(count)]
                lemmas[fields[2].replace("s", "a") + fields[0]] = own
                entries.append((own, gloss, _near(fields[4 + 2 * count :])))
    for own, gloss, near in entries:
        words = Counter(_stems(gloss))
        for lemma in own:
            for word in _stems(lemma):
                words[word] += _LEMMA_WEIGHT
        for name in near:
            words.update(_stems(" ".join(lemmas.get(name, ())[:_NEAR_LEMMAS])))
        yield words


def _near(fields: list[str]) -> list[str]:
    """Return the synsets above, by part of speech and place."""
    pointers = int(fields[0])
    each = (fields[1 + 4 * number : 4 + 4 * number] for number in range(pointers))
    return [f"{part}{offset}" for symbol, offset, part in each if symbol in _NEAR]


def _stems(text: str) -> list[str]:
    return [stem(word) for word in telling(words_of(text.replace("_", " ")))]
