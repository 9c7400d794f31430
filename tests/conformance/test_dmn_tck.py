"""The DMN Technology Compatibility Kit, levels 2 and 3, scored folder by folder."""

import os
from pathlib import Path

import pytest

from fabloop.feel.dmn.tck import KitRun, run_test_file

LEVELS = ("compliance-level-2", "compliance-level-3")


def runs_of(level: str) -> list[KitRun]:
    root = Path(os.environ.get("FABLOOP_DATA", Path(__file__).parents[2] / "../shared/data"))
    folder = root / "dmn-tck" / level
    if not folder.is_dir():
        pytest.skip(f"public test data is not at {folder}; set FABLOOP_DATA")
    return [
        run_test_file(path.name, path.read_bytes(), models_beside(path))
        for path in sorted(folder.glob("*/*-test-*.xml"))
    ]


def models_beside(path: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in path.parent.glob("*.dmn")}


@pytest.mark.parametrize("level", LEVELS)
def test_the_models_of_the_kit_give_what_it_expects(level: str) -> None:
    runs = runs_of(level)
    missed = [str(miss) for run in runs for miss in run.misses]
    assert sum(run.total for run in runs) > 0
    assert not missed, "\n".join(missed)
