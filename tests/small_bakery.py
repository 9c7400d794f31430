"""The bakery of the demo with few orders, for tests that play whole weeks."""

import json
import shutil
from pathlib import Path

from fabloop.app.muffin.documents import FOLDER
from fabloop.app.muffin.play import MuffinSettings


def small_bakery(folder: Path, *, orders_per_day=(3,), **changes) -> Path:
    """Copy the documents, with fewer orders, and other changes to the story."""
    target = folder / "documents"
    shutil.copytree(FOLDER, target)
    file = target / "story.json"
    story = json.loads(file.read_bytes())
    story["demand"]["orders_per_day"] = list(orders_per_day)
    story.update(changes)
    file.write_text(json.dumps(story))
    return target


def settings_of(documents: Path, scenario="burnt", seed=1) -> MuffinSettings:
    return MuffinSettings(story="muffin", seed=seed, documents=str(documents), scenario=scenario)
