"""``fabloop data``: what it prints and how it exits, over the MyMuffin data space."""

import json

import pytest
from typer.testing import CliRunner

from fabloop.base.errors import ExitCode, FabloopError
from fabloop.cli.root import app
from muffin_space import COURIER, INGREDIENTS, served, write_space, yellow_pages


@pytest.fixture(scope="module")
def pages():
    with served(yellow_pages) as url:
        yield url


@pytest.fixture
def folder(tmp_path, pages):
    return write_space(tmp_path, pages)


def run(*words):
    done = CliRunner().invoke(app, ["data", *map(str, words)])
    if isinstance(done.exception, FabloopError):
        return done.exception.exit_code, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_sources_are_listed_and_what_is_silent_is_told(folder):
    code, said = run("sources", folder)
    assert code == ExitCode.FINE
    assert "recipes" in said
    (folder / "orders.db").unlink()
    code, said = run("sources", folder)
    assert code == ExitCode.NOT_PRODUCIBLE
    assert "Expected the source 'orders' to answer" in said


def test_a_damaged_document_is_told_beside_that_there_is_none(tmp_path):
    (tmp_path / "sources.json").write_text('{"document": data-sources}')
    code, said = run("sources", tmp_path)
    assert code == ExitCode.BAD_INPUT
    assert "sources.json line 1, column 14: Expected JSON" in said
    assert "a document of the kind 'data-sources', but found none" in said


def test_the_profile_tells_kinds_keys_and_links(folder):
    code, said = run("profile", folder)
    assert code == ExitCode.FINE
    assert "orders.orders.courier = yellow-pages.companies.company (found" in said
    code, said = run("profile", folder, "--source", "recipes", "--json")
    tables = json.loads(said)["tables"]
    assert set(tables) == {"recipes.recipes", "recipes.recipes.ingredients"}
    code, said = run("profile", folder, "--source", "recipe")
    assert code == ExitCode.BAD_INPUT
    assert "Did you mean 'recipes'?" in said


def test_a_target_is_filled_with_units(folder):
    code, said = run(
        "fill", folder, INGREDIENTS, "--given", "type=type 1", "--given", "num=40",
        "--unit", "y=kg",
    )  # fmt: skip
    assert code == ExitCode.FINE
    assert "3 kg" in said
    assert "egg" in said


def test_a_filled_target_as_json(folder):
    code, said = run("fill", folder, COURIER, "--given", "QRCode=QR-1001", "--json")
    found = json.loads(said)
    assert code == ExitCode.FINE
    assert found["answer"] == "Filled"
    assert found["rows"] == [{"z": "http://gofast.example/api"}]


def test_what_was_not_found_exits_with_1(folder):
    code, said = run("fill", folder, COURIER, "--given", "QRCode=QR-7")
    assert code in (ExitCode.NOT_PRODUCIBLE, ExitCode.UNDECIDED)
    run("fill", folder, COURIER, "--given", "QRCode=QR-1001")
    code, said = run("fill", folder, COURIER, "--given", "QRCode=QR-7")
    assert code == ExitCode.NOT_PRODUCIBLE
    assert "no row of 'orders.orders' fits" in said


def test_a_doubtful_mapping_is_shown_answered_and_listed(folder):
    target = "(QRCode, courier service, ?z)"
    code, said = run("map", folder, target, "--given", "QRCode=QR-1001")
    assert code == ExitCode.UNDECIDED
    assert said.startswith("1. ?z = ")
    code, said = run("fill", folder, target, "--given", "QRCode=QR-1001")
    assert code == ExitCode.UNDECIDED
    assert "fabloop data answer" in said
    code, said = run("mappings", folder)
    assert f"Which mapping fills '{target}'?" in said
    code, said = run("answer", folder, target, "--choose", 1, "--by", "Eva")
    assert (code, said[:17]) == (ExitCode.FINE, "Version 1 by Eva:")
    assert run("fill", folder, target, "--given", "QRCode=QR-1001")[0] == ExitCode.FINE
    code, said = run("refuse", folder, target, "--by", "Eva", "--why", "no more")
    assert code == ExitCode.FINE
    code, said = run("mappings", folder)
    assert "invalid: Eva took it back: no more" in said


def test_a_word_is_explained(folder):
    target = "(QRCode, whereabouts, ?z)"
    assert run("map", folder, target)[0] == ExitCode.NOT_PRODUCIBLE
    code, _ = run(
        "answer", folder, target, "--by", "Eva", "--means",
        "whereabouts=yellow-pages.companies.town",
    )  # fmt: skip
    assert code == ExitCode.FINE
    code, said = run("fill", folder, target, "--given", "QRCode=QR-1002")
    assert "Bologna" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fill", "{}", "(a, b"], "')' after the triple"),
        (["fill", "{}", COURIER], "a value for 'QRCode'"),
        (["fill", "{}", COURIER, "--given", "QRCode"], "NAME=VALUE"),
        (["answer", "{}", COURIER, "--by", "Eva"], "one of --choose and --none"),
        (["answer", "{}", COURIER, "--by", "Eva", "--choose", "1"], "an open question"),
        (["answer", "{}", COURIER, "--by", "Eva", "--means", "call=town"], "SOURCE.TABLE.COLUMN"),
        (["profile", "{}/nowhere"], "a folder with documents"),
    ],
)
def test_bad_input_exits_with_2_and_says_what_was_expected(folder, words, told):
    code, said = run(*(each.format(folder) for each in words))
    assert code == ExitCode.BAD_INPUT
    assert told in said


def test_a_folder_without_data_sources_says_so(tmp_path):
    (tmp_path / "a.json").write_text('{"document": "shipping"}')
    code, said = run("sources", tmp_path)
    assert code == ExitCode.BAD_INPUT
    assert "a document of the kind 'data-sources'" in said


def test_the_columns_of_two_tables_are_matched(folder):
    code, said = run("match", folder, "orders.orders", "recipes.recipes", "--json")
    assert code == ExitCode.FINE
    assert {"muffin_type": "type"}.items() <= {
        e["left"]: e["right"] for e in json.loads(said)
    }.items()
    code, said = run("match", folder, "orders.order", "recipes.recipes")
    assert code == ExitCode.BAD_INPUT
    assert "Did you mean 'orders.orders'" in said
