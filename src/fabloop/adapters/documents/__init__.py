"""Reads knowledge and orders from documents on disk."""

from fabloop.adapters.documents.folder import documents_in, read_knowledge, read_order

__all__ = ["documents_in", "read_knowledge", "read_order"]
