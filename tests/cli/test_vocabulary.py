"""Skill vocabularies from the command line: out as RDF and in again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fabloop.model.documents import resolve_words
from model.small_shop import small_shop, written

FABLOOP = Path(sys.executable).with_name("fabloop")


def fabloop(*arguments):
    command = [str(FABLOOP), "vocabulary", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def folder(tmp_path):
    for name, data in written(small_shop()).items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


@pytest.mark.parametrize("end", ["ttl", "nt", "rdf", "jsonld"])
def test_a_vocabulary_goes_out_and_comes_in_again(folder, end):
    file = folder / f"skills.{end}"
    done = fabloop("export", folder, "--out", file)
    assert done.returncode == 0, done.stderr
    done = fabloop("import", file)
    assert done.returncode == 0, done.stderr
    again = resolve_words({"v.json": done.stdout.encode()}).vocabulary
    before = resolve_words({"v.json": (folder / "skills.json").read_bytes()}).vocabulary
    assert again.skills == dict(sorted(before.skills.items()))


def test_turtle_goes_to_standard_output_where_nothing_else_is_said(folder):
    done = fabloop("export", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("@prefix")
    assert "css:isRealizedBy" in done.stdout


def test_a_file_that_tells_no_vocabulary_ends_with_2(tmp_path):
    file = tmp_path / "x.ttl"
    file.write_text("@prefix : <urn:x:> . :a :b :c .")
    done = fabloop("import", file)
    assert done.returncode == 2
    assert done.stderr.startswith("x.ttl: Expected capabilities (css:Capability or skos:Concept)")
    done = fabloop("import", tmp_path / "missing.ttl")
    assert done.returncode == 2
    assert "Expected a file that can be read, but found No such file" in done.stderr


def test_an_imported_vocabulary_is_written_where_it_is_wanted(folder):
    fabloop("export", folder, "--out", folder / "skills.ttl")
    done = fabloop("import", folder / "skills.ttl", "--out", folder / "new.json")
    assert done.returncode == 0, done.stderr
    document = json.loads((folder / "new.json").read_text("utf-8"))
    assert document["document"] == "skill-vocabulary"
    assert [each["id"] for each in document["kpis"]] == [
        "spindle-temperature",
        "total-position-error",
    ]
