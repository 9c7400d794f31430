"""Quantities as documents write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.quantity import Dimension, example, quantity_of, quantity_text


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("15 µm", Dimension.LENGTH, 15e-6),
        ("15 um", Dimension.LENGTH, 15e-6),
        ("0.015 mm", Dimension.LENGTH, 15e-6),
        ("180 °C", Dimension.TEMPERATURE, 453.15),
        ("4 min", Dimension.TIME, 240.0),
        ("0.8 kWh", Dimension.ENERGY, 2.88e6),
        ("7,5 kW", Dimension.POWER, 7500.0),
        ("95 %", Dimension.RATIO, 0.95),
        ("0.95", Dimension.RATIO, 0.95),
        ("4 N*m", Dimension.TORQUE, 4.0),
        ("-3e2 N", Dimension.FORCE, -300.0),
    ],
)
def test_a_text_with_a_unit_becomes_its_exact_si_value(text, dimension, value):
    assert quantity_of(text, dimension) == value


@pytest.mark.parametrize("dimension", list(Dimension))
def test_every_dimension_has_an_example_that_reads(dimension):
    quantity_of(example(dimension), dimension)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("3 kg", "not of mass"),
        ("3", "a unit of length"),
        ("µm", "a number and a unit"),
        ("3 parsnips", "unknown unit"),
        ("", "a number and a unit"),
        ("1 2 mm", "unknown unit"),
        ("nan mm", "a number and a unit"),
    ],
)
def test_what_is_no_length_is_refused_with_what_was_expected(text, says):
    with pytest.raises(ValueError, match=says):
        quantity_of(text, Dimension.LENGTH)


def test_newton_metres_are_no_energy_and_joules_no_torque():
    with pytest.raises(ValueError, match="not of torque"):
        quantity_of("4 N*m", Dimension.ENERGY)
    with pytest.raises(ValueError, match="not of energy"):
        quantity_of("4 J", Dimension.TORQUE)


@given(st.floats(1e-8, 1e3, allow_nan=False))
def test_a_shown_length_reads_back_to_three_digits(value):
    shown = quantity_text(value, Dimension.LENGTH)
    assert quantity_of(shown, Dimension.LENGTH) == pytest.approx(value, rel=6e-3)


def test_values_are_shown_in_the_unit_a_person_would_use():
    assert quantity_text(16.24e-6, Dimension.LENGTH) == "16.2 µm"
    assert quantity_text(0.0, Dimension.LENGTH) == "0 µm"
    assert quantity_text(453.15, Dimension.TEMPERATURE) == "180 °C"
