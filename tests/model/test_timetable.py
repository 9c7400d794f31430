"""What the time of day decides: prices of energy, departures; set-ups, runs of a lot."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import DAY, HOUR, MINUTE, Instant, instant_of, iso_of
from fabloop.model.documents import resolve
from fabloop.model.product import Operation, Per
from fabloop.model.site import EnergyBand, SetupTime, ShippingLane, Tariff, WorkUnit
from fabloop.model.skill import Requirement
from fabloop.model.timetable import departure_after, energy_rates
from model.small_shop import small_shop, written

VIENNA = "Europe/Vienna"
NIGHT = EnergyBand(end_ns=6 * HOUR, energy_minor_per_j=1.0, co2_kg_per_j=0.1)
SUNDAY = EnergyBand(weekdays=(6,), energy_minor_per_j=2.0, co2_kg_per_j=0.2)
TARIFF = Tariff(
    currency="EUR",
    energy_minor_per_j=3.0,
    co2_kg_per_j=0.3,
    labour_cost_per_hour_minor=0,
    bands=(NIGHT, SUNDAY),
)
LANE = ShippingLane(
    id="lane", carrier="C", origin="a", destination="b",
    duration_ns=HOUR, cost_minor=1, energy_j=0.0, co2_kg=0.0,
    departures=(8 * HOUR, 16 * HOUR), cut_off_ns=30 * MINUTE, weekdays=(0, 1, 2, 3, 4),
)  # fmt: skip


@pytest.mark.parametrize(
    ("at", "price"),
    [
        ("2026-11-23T05:59:59+01:00", 1.0),
        ("2026-11-23T06:00:00+01:00", 3.0),
        ("2026-11-22T12:00:00+01:00", 2.0),
        ("2026-11-22T03:00:00+01:00", 1.0),
    ],
)
def test_the_first_band_that_holds_tells_the_price(at, price):
    rates = energy_rates(TARIFF, VIENNA, instant_of(at))
    assert rates == (price, pytest.approx(price / 10))


def test_a_tariff_without_bands_is_the_same_all_day():
    plain = msgspec.structs.replace(TARIFF, bands=())
    assert energy_rates(plain, VIENNA, instant_of("2026-11-22T03:00+01:00")) == (3.0, 0.3)


def leaves(ready: str) -> str:
    return iso_of(departure_after(LANE, VIENNA, instant_of(ready)), VIENNA)[:16]


def test_goods_leave_with_the_first_departure_whose_cut_off_they_meet():
    assert leaves("2026-11-23T07:30+01:00") == "2026-11-23T08:00"
    assert leaves("2026-11-23T07:31+01:00") == "2026-11-23T16:00"
    assert leaves("2026-11-27T15:31+01:00") == "2026-11-30T08:00"  # over the weekend


@given(st.integers(0, 400 * 24 * 60), st.integers(0, 3 * 24 * 60))
def test_who_is_ready_later_never_leaves_earlier(minutes, later):
    ready = Instant(instant_of("2026-01-01T00:00Z") + minutes * MINUTE)
    first = departure_after(LANE, VIENNA, ready)
    assert first - LANE.cut_off_ns >= ready
    assert departure_after(LANE, VIENNA, Instant(ready + later * MINUTE)) >= first


def test_a_lane_without_departures_leaves_at_any_time():
    free = msgspec.structs.replace(LANE, departures=(), cut_off_ns=DAY)
    assert departure_after(free, VIENNA, Instant(7)) == 7


def unit(*setups: SetupTime) -> WorkUnit:
    some = resolve(written(small_shop())).network.sites["graz"].work_units[0]
    return msgspec.structs.replace(some, setup_ns=7 * MINUTE, setups=setups)


def test_a_set_up_between_families_stands_in_the_matrix_or_is_the_ordinary_one():
    red_blue = SetupTime(before="red", after="blue", duration_ns=MINUTE)
    assert unit(red_blue).setup_between("red", "blue") == MINUTE
    assert unit(red_blue).setup_between("blue", "red") == 7 * MINUTE
    assert unit(red_blue).setup_between("blue", "blue") == 0
    assert unit(red_blue).setup_between("", "blue") == 7 * MINUTE
    assert unit().setup_between("blue", "blue") == 7 * MINUTE


def operation(**changes: object) -> Operation:
    given = Operation(
        id="o", label="O", requirement=Requirement(skill="s"), inputs=(), output="m",
        duration_ns=MINUTE, energy_j=0.0, cost_minor=0,
    )  # fmt: skip
    return msgspec.structs.replace(given, **changes)


def test_pieces_run_one_by_one_a_lot_once_and_a_family_in_batches():
    assert operation().runs(10, batch_max=4) == 10
    assert operation(per=Per.LOT).runs(10) == 1
    assert operation(batch_family="oven").runs(10, batch_max=4) == 3
    assert operation(batch_family="oven").pieces(10) == 10
    assert operation(per=Per.LOT).pieces(10) == 1
