"""``fabloop check --where``: which variants can be made where, told and as JSON."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from fabloop.adapters.documents import documents_in
from fabloop.app.demo import documents_of
from fabloop.base.instant import Instant
from fabloop.cli.where import FamilyWhere, Where, where_table
from fabloop.model.documents import resolve
from fabloop.model.ids import SiteId
from fabloop.plan.catalogue.variants import FamilySurvey

SURVEY = FamilySurvey(variants=(), ruled_out=(), complete=True)

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


def test_a_folder_without_products_is_told_that_the_rest_is_right(tmp_path):
    folder = tmp_path / "gear"
    shutil.copytree(documents_of("wavegear"), folder)
    for path in folder.glob("*.json"):
        if json.loads(path.read_text())["document"] in ("product", "order", "simulation"):
            path.unlink()
    command = [str(FABLOOP), "check", "--where", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert "Expected at least one document of kind 'product', but found none" in done.stderr
    assert "The other documents are right." in done.stderr


def test_many_sites_stand_below_each_other():
    knowledge = resolve(documents_in(documents_of("wavegear")))
    (family,) = knowledge.families.values()
    wave = FamilyWhere(product=family.id, survey=SURVEY, together=())
    sites = {SiteId(f"s{number}"): {family.id: number % 2} for number in range(9)}
    graz = knowledge.network.sites["graz"]
    network = msgspec.structs.replace(knowledge.network, sites=dict.fromkeys(sites, graz))
    many = msgspec.structs.replace(knowledge, network=network)
    table = where_table(Where(at=Instant(0), families=(wave,), sites=sites), many)
    assert table.heads == ("Product", "Site", "Can be made", "Looked at")
    assert [row[2] for row in table.rows] == ["1"] * 4 + ["0"]
    assert table.rows[-1][1] == "all 9 sites together"
