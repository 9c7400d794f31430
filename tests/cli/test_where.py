"""``fabloop check --where``: which variants can be made where, told and as JSON."""

import json
import subprocess
import sys
from pathlib import Path

from fabloop.app.demo import documents_of

FABLOOP = Path(sys.executable).with_name("fabloop")


def where(*arguments, cwd):
    return subprocess.run(
        [str(FABLOOP), "check", "--where", str(documents_of("wavegear")), *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_every_variant_of_the_wave_gear_needs_two_sites_and_fewer_cannot(tmp_path):
    done = where(cwd=tmp_path)
    assert done.returncode == 0
    assert "made by 2 sites together" in done.stdout
    assert "fewer cannot" in done.stdout
    told = json.loads(where("--json", cwd=tmp_path).stdout)
    (family,) = told["families"]
    assert family["survey"]["complete"]
    assert len(family["together"]) == len(family["survey"]["variants"]) > 10
    assert all(len(fewest["proof"]) >= 2 for _, fewest in family["together"])
    assert set(told["sites"]) == {"graz", "linz", "vienna"}


def test_the_condition_is_judged_at_the_instant_that_is_asked_for(tmp_path):
    late = where("--at", "2027-06-01T00:00:00Z", cwd=tmp_path)
    assert late.returncode == 1
    assert "nobody can do" in late.stdout
    assert where("--at", "soon", cwd=tmp_path).returncode == 2
