"""Series keep their number as long as their numbers mean the same."""

from msgspec.structs import replace

from fabloop.base.quantity import Dimension
from fabloop.sense.readings.series import Catalogue, Kind, Series

LOAD = Series(source="s", address="a", name="load", dimension=Dimension.FORCE, unit="N")
MODE = Series(source="s", address="m", name="mode", kind=Kind.STATE, states=("off", "on"))


def test_a_name_or_a_limit_may_change_and_the_number_stays():
    catalogue = Catalogue([LOAD])
    assert catalogue.number(replace(LOAD, name="spindle.load", greatest=9.0)) == 0
    assert catalogue[0].name == "spindle.load"
    assert catalogue.revision == 2


def test_another_unit_gets_another_number_and_the_old_one_keeps_its_description():
    catalogue = Catalogue([LOAD])
    kilo = replace(LOAD, unit="kN", scale=1_000.0)
    assert catalogue.number(kilo) == 1
    assert (catalogue[0].unit, catalogue[1].unit) == ("N", "kN")
    assert catalogue.numbers()[LOAD.key] == 1
    assert catalogue.lineage(LOAD.key) == (0, 1)


def test_a_unit_that_comes_back_gets_its_number_back():
    catalogue = Catalogue([LOAD, replace(LOAD, unit="kN", scale=1_000.0)])
    revision = catalogue.revision
    assert catalogue.number(LOAD) == 0
    assert catalogue.numbers()[LOAD.key] == 0
    assert catalogue.revision == revision + 1
    assert len(catalogue) == 2


def test_what_is_told_again_changes_nothing():
    catalogue = Catalogue([LOAD])
    assert catalogue.number(LOAD) == 0
    assert catalogue.revision == 1


def test_a_state_may_learn_texts_but_not_forget_or_swap_them():
    catalogue = Catalogue([MODE])
    assert catalogue.number(replace(MODE, states=("off", "on", "fault"))) == 0
    assert catalogue.number(replace(MODE, states=("on", "off", "fault"))) == 1
    assert catalogue.lineage(("s", "unknown")) == ()
