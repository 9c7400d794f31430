"""What a folder with a week of the bakery is known by."""

from pathlib import Path

LOG_FILE = "facts.db"


def is_week(folder: Path) -> bool:
    """Tell whether a folder has a week of the bakery."""
    return (folder / LOG_FILE).is_file()
