"""Sentence models: a real model file of two words, run by the real runtime."""

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from fabloop.adapters import embeddings
from fabloop.base.errors import Invalid

ROWS = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=np.float32)


def field(number, value):
    """Return one field of a protocol buffer: whole numbers, or bytes of any kind."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    data = value.encode() if isinstance(value, str) else value
    size = len(data)
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return bytes([number << 3 | 2]) + length + data


def tensor(name, kind, dimensions):
    shape = b"".join(field(1, field(2, each)) for each in dimensions)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


def model():
    """Return a graph that looks up a row for each token, in the form of ONNX."""
    weights = (
        b"".join(field(1, each) for each in ROWS.shape)
        + field(2, 1) + field(8, "rows") + field(9, ROWS.tobytes())
    )  # fmt: skip
    node = field(1, "rows") + field(1, "input_ids") + field(2, "states") + field(4, "Gather")
    graph = (
        field(1, node) + field(2, "lookup") + field(5, weights)
        + field(11, tensor("input_ids", 7, ["batch", "length"]))
        + field(12, tensor("states", 1, ["batch", "length", "width"]))
    )  # fmt: skip
    return field(1, 8) + field(7, graph) + field(8, field(2, 13))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "model.onnx").write_bytes(model())
    words = {"[PAD]": 0, "oven": 1, "lorry": 2, "both": 3}
    tokenizer = Tokenizer(WordLevel(words, unk_token="[PAD]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    monkeypatch.setenv("FABLOOP_EMBEDDINGS", str(tmp_path))
    return tmp_path


def test_texts_point_where_their_tokens_do_on_average(folder):
    found = embeddings.Embeddings(*embeddings.find())
    rows = found.vectors(["oven", "lorry oven", "oven oven lorry", "oven"])
    assert rows[0] == pytest.approx([1, 0])
    assert rows[1] == pytest.approx([0.5**0.5, 0.5**0.5])
    assert rows[2] == pytest.approx(np.array([2, 1]) / 5**0.5)
    assert (rows[3] == rows[0]).all()
    assert str(folder) in found.source


def test_a_folder_without_a_model_is_refused_by_name(folder):
    (folder / "tokenizer.json").unlink()
    with pytest.raises(Invalid, match="no tokenizer"):
        embeddings.find()


def test_a_damaged_model_is_refused(folder):
    (folder / "model.onnx").write_bytes(b"\x00" * 40)
    with pytest.raises(Invalid, match="a sentence model in ONNX"):
        embeddings.Embeddings(*embeddings.find())
