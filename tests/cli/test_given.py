"""What a person gives: addresses, tables as spreadsheets write them; and how tables are shown."""

import io

import pytest
from rich.console import Console

from fabloop.app.account import optimality_text
from fabloop.app.pictures.report import Table
from fabloop.base.errors import Invalid
from fabloop.cli.columns import read_columns
from fabloop.cli.given import address_given
from fabloop.cli.grid import grid_of
from fabloop.model.plan import Optimality


@pytest.mark.parametrize("text", ["http://127.0.0.1:80", "https://core.plant:8443/cloud"])
def test_an_address_of_http_is_taken_as_it_is(text):
    assert address_given("--url", text) == text


@pytest.mark.parametrize(
    "text", ["", "plant", "plant:8443", "ftp://plant", "http://", "http://a:b"]
)
def test_what_is_no_address_is_told_by_its_option(text):
    with pytest.raises(Invalid, match="--url: Expected an address such as https://HOST:PORT"):
        address_given("--url", text)


def test_signs_within_quotes_are_part_of_a_cell(tmp_path):
    file = tmp_path / "bath.csv"
    file.write_text('time,"pressure, bar","said"\n1,"2.5","a ""b"""\n2, "2.7" ,c\n')
    table = read_columns(file)
    assert table.numbers("pressure, bar", "--values") == [2.5, 2.7]
    assert table.text("said", "--group") == ['a "b"', "c"]


def shown(table):
    out = io.StringIO()
    Console(file=out, width=80).print(grid_of(table))
    return out.getvalue()


def test_numbers_keep_their_units_on_a_narrow_terminal():
    plan = ("wg-1/plan-1", "1796.75 EUR", "13 h 11 min", "graz, vienna, linz, steyr", "2 of them")
    text = shown(
        Table(
            caption="Plans",
            heads=("Plan", "Cost", "Makespan", "Sites", "What is proven of it"),
            rows=((*plan[:4], "cost (proven), energy (proven), makespan (proven)"),),
            numeric=(1, 2),
        )
    )
    assert "wg-1/plan-1  1796.75 EUR  13 h 11 min" in text


def test_where_there_is_no_room_nothing_is_cut_off():
    long = "customer-4711/2026-11-23/plan-1"
    row = (long, *(f"{n}00000000000.00 EUR" for n in range(1, 5)))
    table = Table(caption="", heads=tuple("abcde"), rows=(row,), numeric=(1, 2, 3, 4))
    letters = "".join(shown(table).split())
    assert all(sum(map(letters.count, str(n))) >= 1 for n in range(1, 5))
    assert letters.count("EUR") == 4


def test_a_plan_that_is_not_proven_is_never_within_nothing():
    near = Optimality(objective="cost", value=1e6, bound=1e6 - 1, proven=False, engine="tree")
    assert optimality_text(near) == "cost (within 0.1%)"
