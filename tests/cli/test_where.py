"""``fabloop check --where``: which variants can be made where, told and as JSON."""

import json
import shutil
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


def test_sites_of_other_tenants_are_seen_by_check_and_plan_only_where_they_disclose_all(tmp_path):
    folder = tmp_path / "gear"
    shutil.copytree(documents_of("wavegear"), folder)
    path = folder / "site-vienna.json"
    site = {**json.loads(path.read_text()), "tenant": "lw", "disclosure": "offers"}
    path.write_text(json.dumps(site))

    def run(*arguments):
        return subprocess.run(
            [str(FABLOOP), *arguments],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    for command in (("check", "gear"), ("plan", "gear"), ("check", "--where", "gear")):
        assert "ienna" not in run(*command).stdout
        owner = run(*command, "--tenant", "lw")
        assert "ienna" in owner.stdout
        assert "No site belongs" not in owner.stderr
        assert "No site belongs to tenant 'wl'" in run(*command, "--tenant", "wl").stderr
    assert "lw" in run("order", "quote", "gear").stdout
