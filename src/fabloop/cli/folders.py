"""Folders that commands use where none is named."""

from pathlib import Path

STOPS_FOLDER = Path("fabloop-safety")
"""Where stops are kept: whoever commands and whoever stops have to look into the same."""
