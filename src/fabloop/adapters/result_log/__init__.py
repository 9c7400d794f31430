"""Results of an edge in a file, in order, until whoever wants them has said that they are safe."""

from fabloop.adapters.result_log.log import ResultLog

__all__ = ["ResultLog"]
