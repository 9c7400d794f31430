"""The written word against the code: what the docs must name, and pictures that must be fresh."""

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import typer.main

from fabloop.app import sentences
from fabloop.app.demo import documents_of
from fabloop.app.scenario import read_scenario
from fabloop.base import errors
from fabloop.cli.root import app
from fabloop.model.documents import SCHEMA_NAMES
from fabloop.model.documents.structs import CalibratedAxisEntry, SimulatedAxisEntry
from fabloop.plan.engine import EFFORT
from fabloop.plan.running.change import CHANGE_PRICE_MINOR
from fabloop.sense.position_error import VERSION
from fabloop.sense.watch import RULE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "changes").glob("*.md")]
    if "_build" not in path.parts
)
GROUP = typer.main.get_command(app)


def commands_below(group, above=""):
    """Return the commands by what is typed: ``demo``, ``process verify`` ..."""
    found = {}
    for name, command in group.commands.items():
        below = getattr(command, "commands", None)
        typed = f"{above}{name}"
        found.update(commands_below(command, f"{typed} ") if below else {typed: command})
    return found


COMMANDS = commands_below(GROUP)
WORD_LIMIT_OF_A_DECISION = 500


def text_of(path):
    return path.read_text(encoding="utf-8")


def section_of(page, heading):
    """Return what stands below a heading, up to the next one of its level."""
    found = re.search(
        rf"^## `?{re.escape(heading)}`?\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL
    )
    assert found, f"no section {heading!r}"
    return found[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_in_the_reference(name):
    said = section_of(text_of(DOCS / "reference/command-line.md"), f"fabloop {name}")
    for parameter in COMMANDS[name].params:
        for option in [each for each in parameter.opts if each.startswith("--")]:
            assert f"`{option}" in said, f"{option} of {name} is not told"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_tells_no_option_that_is_not_there(name):
    said = section_of(text_of(DOCS / "reference/command-line.md"), f"fabloop {name}")
    real = {each for parameter in COMMANDS[name].params for each in parameter.opts}
    assert set(re.findall(r"^\| `(--[a-z0-9-]+)", said, re.MULTILINE)) <= real


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_its_exit_codes_in_its_help_and_in_the_reference(name):
    said = section_of(text_of(DOCS / "reference/command-line.md"), f"fabloop {name}")
    assert " ".join(COMMANDS[name].help.split()).count("Exit codes:") == 1
    assert said.count("Exit codes:") >= 1


@pytest.mark.parametrize("kind", SCHEMA_NAMES)
def test_every_kind_of_document_has_its_section_and_its_table(kind):
    said = section_of(text_of(DOCS / "reference/documents.md"), kind)
    assert f"{{from-code}} document {kind}\n" in said


@pytest.mark.parametrize(
    ("kind", "entry"), [("monitoring", CalibratedAxisEntry), ("simulation", SimulatedAxisEntry)]
)
def test_every_quantity_of_an_axis_has_its_dimension(kind, entry):
    said = section_of(text_of(DOCS / "reference/documents.md"), kind)
    for field in msgspec.structs.fields(entry):
        assert f"`{field.name}`" in said


def test_every_error_and_exit_code_is_in_the_reference(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    tables = runpy.run_path(str(DOCS / "_ext/code_tables.py"))["TABLES"]
    said = text_of(DOCS / "reference/errors.md") + "\n".join(tables["errors"]())
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.FabloopError):
            assert f"`{name}`" in said
    for code in errors.ExitCode:
        assert f"| {code.value} | `{code.name}` |" in said


def test_figures_in_the_prose_are_those_of_the_code():
    planning = text_of(DOCS / "reference/planning.md")
    assert f"{CHANGE_PRICE_MINOR} minor units per operation" in planning
    assert f"({EFFORT:.0f} deterministic second per stage)".replace("1", "one") in planning
    told = section_of(text_of(DOCS / "reference/position-error.md"), "When a new value is told")
    assert f"only {RULE.hysteresis:.0%} below" in told.replace("1 %", "1%")
    assert f"more than {RULE.dead_band:.0%} of" in told.replace("2 %", "2%")
    assert RULE.renew_after == 0.5
    assert "half of the last value's" in told
    assert VERSION in text_of(DOCS / "reference/position-error.md")


def test_every_code_that_is_named_in_the_plan_page_exists():
    named = re.findall(r"\| `([a-z-]+)` \|$", text_of(DOCS / "howto/plans.md"), re.MULTILINE)
    assert named
    assert set(named) <= set(map(str, sentences.REASONS))


def test_glossary_words_are_unique_sorted_and_have_a_source():
    rows = re.findall(
        r"^\| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", text_of(DOCS / "glossary.md"), re.MULTILINE
    )
    rows = rows[2:]
    words = [word for word, _, _, _ in rows]
    assert len(words) > 50
    assert words == sorted(set(words))
    assert all(cell.strip() for row in rows for cell in row)


def test_commands_of_the_readme_are_in_the_makefile():
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    for page in ("README.md", "CONTRIBUTING.md", "docs/tutorial.md"):
        named = set(re.findall(r"\bmake ([a-z]+)\b", text_of(ROOT / page)))
        assert named, f"{page} names no target"
        assert named <= targets, f"{page}: {named - targets}"


def shown_lines():
    for page in PAGES:
        for block in re.findall(r"```console\n(.*?)```", text_of(page), re.DOTALL):
            for line in block.splitlines():
                found = re.match(r"(?:\$ )?(?:\.venv/bin/)?fabloop (.*)", line)
                if found:
                    yield found[1].split()


def test_every_command_line_that_is_shown_can_be_typed():
    lines = list(shown_lines())
    assert len(lines) > 10
    for words in lines:
        names = (" ".join(words[:count]) for count in (3, 2, 1))
        name = next((each for each in names if each in COMMANDS), words[0])
        rest = words[len(name.split()) :]
        known = {each for parameter in COMMANDS[name].params for each in parameter.opts}
        assert {each for each in rest if each.startswith("--")} <= known, (name, rest)


def test_scripts_of_the_figures_exist():
    named = set(re.findall(r"`(bench/[a-z_]+\.py)\b", text_of(ROOT / "README.md")))
    assert named
    assert all((ROOT / name).is_file() for name in named)


def test_the_picture_of_the_loop_is_fresh_and_whole():
    diagram = runpy.run_path(str(DOCS / "_ext/loop_diagram.py"))
    assert diagram["is_fresh"](), "run `python docs/_ext/loop_diagram.py`"
    assert diagram["unknown_facts"]() == set()
    picture = text_of(DOCS / "loop.svg")
    for step in diagram["STEPS"]:
        assert f">{step.__name__}<" in picture


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text_of(page)):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_decisions_are_dated_listed_and_of_one_page():
    listed = text_of(DOCS / "decisions/index.md")
    decisions = sorted((DOCS / "decisions").glob("2*.md"))
    assert len(decisions) >= 6
    for path in decisions:
        said = text_of(path)
        assert f"({path.name})" in listed
        assert path.name.startswith(said.splitlines()[2])
        parts = ["Context", "Decision", "Rejected", "Consequences"]
        assert re.findall(r"^## (.*)$", said, re.MULTILINE) == parts
        assert len(said.split()) <= WORD_LIMIT_OF_A_DECISION


def test_fragments_of_the_change_log_have_a_kind():
    for path in (ROOT / "changes").glob("*.md"):
        assert path.name == "README.md" or re.fullmatch(
            r"[a-z0-9-]+\.(added|changed|fixed|removed)\.md", path.name
        )


def examples():
    return re.findall(r"```python\n(.*?)```", text_of(DOCS / "howto/python.md"), re.DOTALL)


@pytest.mark.parametrize("number", range(len(examples())))
def test_the_examples_in_python_run(number):
    done = subprocess.run(
        [sys.executable, "-c", examples()[number]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def changes():
    return re.findall(r"^\$ (sed .*)$", text_of(DOCS / "tutorial.md"), re.MULTILINE)


@pytest.mark.skipif(sys.platform != "linux", reason="the tutorial shows GNU sed")
@pytest.mark.parametrize("number", range(len(changes())))
def test_changes_of_documents_in_the_tutorial_work(number, tmp_path):
    mine = tmp_path / "mine"
    shutil.copytree(documents_of("wavegear"), mine)
    before = read_scenario(mine).digest
    subprocess.run(changes()[number].replace("/tmp/mine", str(mine)), shell=True, check=True)
    assert read_scenario(mine).digest != before


def test_the_example_of_a_recipe_is_one():
    from fabloop.run.recipe_document import read_recipe

    shown = re.search(r"```json\n(.*?)```", text_of(DOCS / "reference/recipe.md"), re.DOTALL)
    assert len(read_recipe(shown[1]).steps) == 2
