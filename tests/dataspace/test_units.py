"""Units as data carries them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.dataspace.units import converted, known_unit, split_quantity, unit_in_name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("75 gr", (75.0, "g")),
        ("75g", (75.0, "g")),
        ("0,5 kg", (0.5, "kg")),
        ("1,250 g", (1250.0, "g")),
        ("2", (2.0, "")),
        ("3 pcs", (3.0, "")),
        ("180 °C", (180.0, "°C")),
        ("20 m/min", (20.0, "m/min")),
        ("-3.5e2 mm", (-350.0, "mm")),
        ("75 blue", None),
        ("about 3 g", None),
        ("", None),
    ],
)
def test_a_quantity_in_a_text_is_number_and_unit(text, found):
    assert split_quantity(text) == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("weight_kg", ("weight", "kg")),
        ("cycle_time [s]", ("cycle_time", "s")),
        ("length (mm)", ("length", "mm")),
        ("temperature_degC", ("temperature", "degC")),
        ("massKg", ("mass", "kg")),
        ("country", ("country", "")),
        ("item_no", ("item_no", "")),
        ("kg", ("kg", "")),
    ],
)
def test_a_unit_in_a_name_is_taken_off(name, found):
    assert unit_in_name(name) == found


def test_grams_of_kitchens_are_no_grains():
    assert known_unit("gr") == "g"
    assert converted(75, "g", "kg") == 0.075


def test_temperatures_are_converted_with_their_offset():
    assert converted(180, "°C", "K") == pytest.approx(453.15)
    assert converted(32, "degF", "degC") == pytest.approx(0)


def test_units_of_other_things_are_refused():
    with pytest.raises(ValueError, match="measures"):
        converted(1, "g", "s")


@given(st.floats(-1e6, 1e6), st.sampled_from(["g", "kg", "mg", "t"]), st.sampled_from(["g", "kg"]))
def test_there_and_back_is_the_same(value, unit, wanted):
    there = converted(value, unit, wanted)
    assert converted(there, wanted, unit) == pytest.approx(value, rel=1e-9, abs=1e-9)
