"""Sentence embeddings by a neural model that the user has installed (ONNX)."""

from fabloop.adapters.embeddings.model import Embeddings, find

__all__ = ["Embeddings", "find"]
