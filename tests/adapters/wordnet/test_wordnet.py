"""WordNet's files: a small set written here, and Debian's where it is installed."""

import pytest

from fabloop.adapters import wordnet
from fabloop.base.errors import Broken

LICENCE = "  1 This is a line of a licence, which is indented.  \n"
SYNSETS = {
    "entity": ((), "that which is"),
    "vehicle": (("entity",), "something that carries people or goods on a road"),
    "lorry": (("vehicle",), "a large vehicle that carries goods on a road"),
    "truck": (("vehicle",), "a large vehicle that carries goods on a road"),
    "oven": (("entity",), "something in which bread is baked with heat"),
    "stove": (("entity",), "something on which food is cooked with heat"),
}


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the nouns above in the form of WordNet's own files."""
    data, offsets, lines = LICENCE, {}, {}
    width = 8
    for _ in range(2):  # the second round knows all offsets
        data = LICENCE
        for word, (above, gloss) in SYNSETS.items():
            offsets[word] = f"{len(data):0{width}d}"
            ups = "".join(f" @ {offsets.get(up, '0' * width)} n 0000" for up in above)
            lines[word] = f"{offsets[word]} 06 n 01 {word} 0 {len(above):03d}{ups} | {gloss}  \n"
            data += lines[word]
    (tmp_path / "data.noun").write_text(data)
    index = "".join(f"{word} n 1 1 @ 1 0 {offsets[word]}  \n" for word in sorted(SYNSETS))
    (tmp_path / "index.noun").write_text(LICENCE + index)
    return tmp_path


def test_words_are_found_with_what_they_are_a_kind_of(folder):
    found = wordnet.thesaurus_of(folder, ["lorry", "vehicle", "lorries", "spoon"])
    (lorry,), (vehicle,) = found.senses["lorry"], found.senses["vehicle"]
    assert found.senses["lorries"] == (lorry,)
    assert "spoon" not in found.senses
    assert list(found.above(lorry)) == [lorry, vehicle, found.broader[vehicle][0]]
    assert found.depth[lorry] == 3


def test_every_word_of_the_file_is_found(folder):
    found = wordnet.thesaurus_of(folder, SYNSETS)
    assert set(found.senses) == set(SYNSETS)


def test_a_damaged_file_is_told(folder):
    data = (folder / "data.noun").read_text()
    (folder / "data.noun").write_text(data.replace("06 n 01", "xx n 01 x"))
    with pytest.raises(Broken, match="Install WordNet anew"):
        wordnet.thesaurus_of(folder, ["lorry"])


def test_directions_are_learnt_once_kept_and_learnt_anew_when_damaged(folder, tmp_path):
    keep = tmp_path / "cache"
    first = wordnet.vectors_of(folder, keep)
    (file,) = keep.iterdir()
    again = wordnet.vectors_of(folder, keep)
    assert again.words == first.words
    assert abs(again.rows - first.rows).max() < 0.01
    file.write_bytes(b"no longer what it was")
    assert wordnet.vectors_of(folder, keep).words == first.words


def test_no_folder_is_no_dictionary(monkeypatch, tmp_path):
    monkeypatch.setenv("FABLOOP_WORDNET", str(tmp_path))
    assert wordnet.find() is None


def test_the_installed_wordnet_knows_that_an_oven_is_a_kitchen_appliance():
    folder = wordnet.find()
    if folder is None:
        pytest.skip("WordNet is not installed: apt-get install wordnet-base")
    found = wordnet.thesaurus_of(folder, ["oven", "kitchen appliance", "baking"])
    above = found.above(found.senses["oven"][0])
    assert found.senses["kitchen appliance"][0] in above
    assert found.senses["baking"]
