"""Bulks of samples over a local socket: from a control to the edge, and variables back to it."""

from fabloop.adapters.bulks.frame import (
    HEADER_BYTES,
    Announcement,
    BulkFrame,
    Frame,
    FrameReader,
    Malformed,
    TopicFrame,
    VariableFrame,
    announcement_bytes,
    bulk_bytes,
    names_hash,
    topic_bytes,
    variable_bytes,
)
from fabloop.adapters.bulks.sender import BulkSender
from fabloop.adapters.bulks.socket_address import bound, connected

__all__ = [
    "HEADER_BYTES",
    "Announcement",
    "BulkFrame",
    "BulkSender",
    "Frame",
    "FrameReader",
    "Malformed",
    "TopicFrame",
    "VariableFrame",
    "announcement_bytes",
    "bound",
    "bulk_bytes",
    "connected",
    "names_hash",
    "topic_bytes",
    "variable_bytes",
]
