"""Tables on a terminal: what has to stay on one line does, on a narrow one too."""

from io import StringIO

from rich.console import Console

from fabloop.app.pictures.report import Table
from fabloop.cli.grid import grid_of

NARROW = 80
HEADS = ("Plan", "Cost", "Makespan", "Energy", "CO2", "Sites", "Shipments", "Optimal for")
ROW = ("wg-1/front-1", "1796.75 EUR", "13 h 8 min", "399 kWh", "88 kg", "graz, vienna", "2")


def shown(*rows):
    out = StringIO()
    table = Table(caption="Plans", heads=HEADS, rows=rows, numeric=(1, 2, 3, 4, 6))
    Console(file=out, width=NARROW).print(grid_of(table))
    return out.getvalue()


def test_names_stay_whole_even_where_not_all_numbers_can():
    told = shown((*ROW, "cost (within 0.5%), makespan (proven)"))
    for whole in ("wg-1/front-1", "399 kWh", "88 kg"):
        assert whole in told
    assert all(len(line) <= NARROW for line in told.splitlines())


def test_where_there_is_room_every_number_stays_with_its_unit():
    told = shown(("p1", "9.75 EUR", "8 min", "9 kWh", "8 kg", "graz", "2", "cost"))
    for whole in ("9.75 EUR", "8 min", "9 kWh", "8 kg"):
        assert whole in told


def test_words_and_dates_are_not_broken_on_a_narrow_terminal():
    heads = ("Offer", "Price", "Ready", "Energy", "CO2", "Tenants", "On time", "Best at", "Way")
    row = ("4f45b4ba", "124.71 EUR", "2026-11-24 06:02 +01:00", "183 kWh", "48.2 kg")
    row += ("graz, linz-works", "–", "price, time, energy", "In two steps")
    out = StringIO()
    bids = Table(caption="Bids", heads=heads, rows=(row,), numeric=(1, 3, 4, 6))
    Console(file=out, width=NARROW).print(grid_of(bids))
    told = out.getvalue()
    for word in (*" ".join(row).split(), *" ".join(heads).split()):
        assert word in told
    assert all(len(line) <= NARROW for line in told.splitlines())


def test_a_wide_terminal_is_used():
    long = Table(caption="", heads=("Why", "What"), rows=(("w " * 60, "x " * 60),))
    out = StringIO()
    Console(file=out, width=200).print(grid_of(long))
    assert max(map(len, out.getvalue().splitlines())) > 150


def test_what_stands_in_brackets_is_shown_as_it_is():
    assert "mill [rough]" in shown(
        ("mill [rough]", "9 EUR", "8 min", "9 kWh", "8 kg", "a", "2", "")
    )
