"""Tables on a terminal: what has to stay on one line does, on a narrow one too."""

from io import StringIO

from rich.console import Console

from fabloop.app.pictures.report import Table
from fabloop.cli.grid import NARROW, grid_of

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
