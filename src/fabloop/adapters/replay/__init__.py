"""Replay: recorded readings in CSV or Parquet, as fast as they can be kept or in their own time.

Parquet needs pyarrow: ``pip install 'fabloop[historian]'``.
"""

from fabloop.adapters.replay.recording import Layout, Recording
from fabloop.adapters.replay.source import ReplaySource

__all__ = ["Layout", "Recording", "ReplaySource"]
