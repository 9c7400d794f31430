"""The command line: every way into fabloop that does not need a server."""

from fabloop.cli.root import app, main

__all__ = ["app", "main"]
