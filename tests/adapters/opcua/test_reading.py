"""Values of OPC UA to readings: states, arrays, limits, repetitions, units."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st

from adapters.opcua.opcua_wire import STATE, variable
from fabloop.adapters.opcua.reading import Reading
from fabloop.adapters.opcua.units import ToldUnit, unit_of, unit_trouble
from fabloop.base.instant import SECOND, Instant
from fabloop.sense.readings.quality import BAD, GOOD, RANGE_EXCEEDED, SENSOR_FAILURE, UNCERTAIN
from fabloop.sense.readings.series import Catalogue
from fabloop.sense.readings.tally import Tally

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = Instant(1_763_800_000 * SECOND)
AHEAD_NS = 60 * SECOND


def value(content, at=NOW, status=0, kind=None):
    when = None if at is None else EPOCH + timedelta(microseconds=at // 1000)
    return ua.DataValue(ua.Variant(content, kind), ua.StatusCode(status), when, when)


class Desk:
    def __init__(self, *variables):
        self.tally = Tally()
        self.catalogue = Catalogue()
        self.reading = Reading(variables, self.catalogue, self.tally, AHEAD_NS)

    def read(self, *told):
        batch = self.reading.read(told, NOW)
        return list(
            zip(batch.times.tolist(), batch.series.tolist(), batch.values.tolist(),
                batch.quality.tolist(), strict=True)
        )  # fmt: skip

    @property
    def health(self):
        return self.tally.health()


def test_states_are_told_by_number_or_by_text():
    desk = Desk(STATE)
    texts = [value("working", NOW - 2000), value(ua.LocalizedText("broken"), NOW - 1000)]
    found = desk.read((0, value(0, NOW - 3000)), *((0, each) for each in texts))
    assert [number for _, _, number, _ in found] == [0.0, 1.0, 2.0]


def test_a_text_that_is_no_state_is_refused_by_name():
    desk = Desk(STATE)
    assert desk.read((0, value("dancing"))) == []
    assert desk.health.refused == {"not-a-number": 1}
    assert "'dancing' at 'nsu=urn:fabloop:plant;s=mill/state'" in desk.health.trouble


@pytest.mark.parametrize("content", [math.nan, math.inf, "7", b"7", None, ua.LocalizedText("x")])
def test_what_is_no_finite_number_is_refused_though_it_says_that_it_is_good(content):
    desk = Desk(variable("load"))
    assert desk.read((0, value(content))) == []
    assert desk.health.refused == {"not-a-number": 1}


def test_a_bad_value_is_a_reading_without_a_number():
    desk = Desk(variable("load"))
    ((_, _, number, quality),) = desk.read((0, value(None, status=0x808C_0000)))
    assert math.isnan(number)
    assert quality == SENSOR_FAILURE


def test_elements_of_an_array_are_series_of_their_own():
    desk = Desk(variable("zones", elements=3, unit="°C", offset=273.15))
    found = desk.read((0, value([1.0, 2.0, 3.0])))
    assert [(number, si) for _, number, si, _ in found] == [(0, 274.15), (1, 275.15), (2, 276.15)]
    assert [each.name for each in desk.catalogue] == ["zones[0]", "zones[1]", "zones[2]"]


def test_an_array_of_another_length_is_refused_and_a_bad_one_is_bad_for_all():
    desk = Desk(variable("zones", elements=3))
    assert desk.read((0, value([1.0, 2.0]))) == []
    assert desk.health.refused == {"wrong-length": 3}
    found = desk.read((0, value(None, status=0x8000_0000)))
    assert [quality for _, _, _, quality in found] == [BAD] * 3


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), st.integers(1, 10**9))
def test_samples_are_evenly_spaced_and_end_at_the_time_of_the_value(samples, interval):
    desk = Desk(variable("current", sample_interval_ns=interval))
    found = desk.read((0, value(samples)))
    assert [number for _, _, number, _ in found] == samples
    assert [at for at, _, _, _ in found] == [
        NOW - (len(samples) - 1 - n) * interval for n in range(len(samples))
    ]


def test_a_sample_that_is_no_number_is_refused_and_its_neighbours_are_kept():
    desk = Desk(variable("current", sample_interval_ns=1000))
    found = desk.read((0, value([1.0, math.nan, 3.0])))
    assert [(at - NOW, number) for at, _, number, _ in found] == [(-2000, 1.0), (0, 3.0)]
    assert desk.health.refused == {"not-a-number": 1}


def test_a_value_beyond_the_limits_of_its_sensor_is_uncertain():
    desk = Desk(variable("load", least=0.0, greatest=100.0))
    found = desk.read((0, value(101.0)), (0, value(-1.0, NOW + 1000)), (0, value(5.0, NOW + 2000)))
    assert [quality for _, _, _, quality in found] == [RANGE_EXCEEDED, RANGE_EXCEEDED, GOOD]


def test_a_queue_that_ran_over_is_counted_and_named():
    desk = Desk(variable("load"))
    desk.read((0, value(1.0, status=0x480)))
    assert desk.health.gaps == 1
    assert "Raise 'queue' or 'every'" in desk.health.trouble


def test_a_variable_that_was_not_told_yet_is_no_reading():
    desk = Desk(variable("load"))
    assert desk.read((0, value(0.0, status=0x8032_0000))) == []
    assert desk.health.refused == {}


def test_without_a_time_that_of_arrival_counts_and_a_clock_far_ahead_is_not_believed():
    desk = Desk(variable("load"))
    assert desk.read((0, value(1.0, at=None))) == [(NOW, 0, 1.0, GOOD)]
    ahead = Instant(NOW + 2 * AHEAD_NS)
    assert desk.read((0, value(1.0, at=ahead))) == [(NOW, 0, 1.0, UNCERTAIN)]
    assert desk.health.amended == {"clock-ahead": 1}
    assert desk.health.clock_skew_ns == 2 * AHEAD_NS


@pytest.mark.parametrize("year", [1601, 9999])
def test_a_time_that_stands_for_none_is_none(year):
    """Servers send the least or the greatest time that there is where they know none."""
    desk = Desk(variable("load"))
    told = value(1.0)
    never = datetime(year, 1, 1, tzinfo=UTC)
    told = ua.DataValue(told.Value, told.StatusCode, told.SourceTimestamp, never)
    assert desk.read((0, told)) == [(NOW, 0, 1.0, GOOD)]
    assert desk.health.clock_skew_ns == 0
    told = ua.DataValue(told.Value, told.StatusCode, never, never)
    assert desk.read((0, told)) == [(NOW, 0, 1.0, GOOD)]


def test_a_clock_that_jumps_back_loses_nothing():
    desk = Desk(variable("load"))
    desk.read((0, value(1.0)))
    desk.reading.begin_gap()
    found = desk.read((0, value(2.0, NOW - 3600 * SECOND)), (0, value(1.0)))
    assert [number for _, _, number, _ in found] == [2.0]


def test_what_comes_by_history_and_by_subscription_counts_once():
    desk = Desk(variable("load"))
    desk.read((0, value(1.0, NOW - 5000)))
    desk.reading.begin_gap()
    assert desk.reading.before_gap(0) == NOW - 5000
    live = desk.read((0, value(1.0, NOW - 5000)), (0, value(3.0, NOW - 3000)))
    history = desk.reading.unknown_of(
        [(0, value(2.0, NOW - 4000)), (0, value(3.0, NOW - 3000)), (0, value(4.0, NOW - 2000))]
    )
    filled = desk.read(*history)
    desk.reading.end_gap()
    first_again = desk.read((0, value(1.0, NOW - 5000)))
    assert first_again == []
    later = desk.read((0, value(4.0, NOW - 2000)), (0, value(5.0, NOW - 1000)))
    assert [number for _, _, number, _ in [*live, *filled, *later]] == [3.0, 2.0, 4.0, 5.0]


def test_values_of_a_variable_whose_unit_changed_are_refused():
    desk = Desk(variable("power", unit="kW", scale=1000.0))
    series = desk.catalogue[0]
    assert unit_trouble(series, ToldUnit("kW")) == ""
    trouble = unit_trouble(series, ToldUnit("W"))
    assert trouble.startswith("Expected the unit 'kW' of ")
    assert "found 'W' (power)" in trouble
    desk.reading.refused_units[0] = trouble
    assert desk.read((0, value(7.0))) == []
    assert desk.health.refused == {"unit-changed": 1}


def test_a_unit_is_read_by_its_code_or_else_by_its_text():
    space = "http://www.opcfoundation.org/UA/units/un/cefact"
    told = ua.EUInformation(space, int.from_bytes(b"CEL", "big"), ua.LocalizedText("C"))
    assert unit_of(told) == ToldUnit("°C", "CEL")
    assert unit_of(ua.EUInformation("", -1, ua.LocalizedText("bar"))) == ToldUnit("bar")
    assert unit_of(ua.EUInformation("", -1, ua.LocalizedText(None))) is None
    assert unit_of("kW") is None
