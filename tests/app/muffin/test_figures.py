"""A week in figures says what was reached and what was wanted; without orders it knows nothing."""

from msgspec.structs import replace

from fabloop.app.muffin.documents import FOLDER, read_bakery
from fabloop.app.muffin.exhibits import figures_table, week_note
from fabloop.app.muffin.kpis import figures_of


def test_a_week_without_orders_has_neither_kept_nor_missed_its_goals():
    figures = figures_of([], read_bakery(FOLDER, "burnt", 1))
    assert figures.kept is None
    assert week_note(figures).kind == "attention"
    assert dict(figures_table(figures).rows)["At least 95.0 % of the orders"] == "–"


def test_a_note_on_the_week_tells_the_shares_that_were_reached():
    none = figures_of([], read_bakery(FOLDER, "burnt", 1))
    kept, missed = (
        replace(none, g1=1.0, g2=0.98, kept=True),
        replace(none, g1=0.9, g2=1.0, kept=False),
    )
    assert week_note(kept).kind == "good"
    assert week_note(kept).text == (
        "100.0 % of the orders were fulfilled and 98.0 % delivered in time; "
        "at least 95.0 % of both are wanted."
    )
    assert week_note(missed).kind == "bad"
    assert week_note(missed).text.startswith("90.0 % of the orders were fulfilled and 100.0 %")
