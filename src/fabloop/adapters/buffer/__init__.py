"""Store and forward: what a source tells is on disk before it goes on to the store."""

from fabloop.adapters.buffer.source import Buffered, WhenFull

__all__ = ["Buffered", "WhenFull"]
