"""Numbers in registers: what was written is read again, in every order of words and bytes."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.sense.connections.coding import decoded, encoded
from fabloop.sense.connections.model import SIZES, Register

ORDERS = st.sampled_from(["big", "little"])
SPANS = {
    "int16": (-(2**15), 2**15 - 1), "uint16": (0, 2**16 - 1), "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1), "int64": (-(2**53), 2**53), "uint64": (0, 2**53),
}  # fmt: skip


def register(kind, words="big", octets="big"):
    return Register(
        id="r", table="holding", at=0, type=kind, words=words, bytes=octets, scale=1.0,
        offset=0.0, unit="", kind="gauge", states=(), bad=(), every_ns=None,
    )  # fmt: skip


@given(data=st.data(), kind=st.sampled_from(sorted(SPANS)), words=ORDERS, octets=ORDERS)
def test_whole_numbers_come_back_as_they_were_written(data, kind, words, octets):
    number = data.draw(st.integers(*SPANS[kind]))
    place = register(kind, words, octets)
    coded = encoded(place, number)
    assert len(coded) == SIZES[kind]
    assert all(0 <= each < 65_536 for each in coded)
    assert decoded(place, coded) == number


@given(number=st.floats(width=32), words=ORDERS, octets=ORDERS)
def test_floats_come_back_as_they_were_written(number, words, octets):
    place = register("float32", words, octets)
    found = decoded(place, encoded(place, number))
    assert found == number or (math.isnan(found) and math.isnan(number))


@pytest.mark.parametrize(
    ("words", "octets", "coded"),
    [
        ("big", "big", (0x42F6, 0xE979)),
        ("little", "big", (0xE979, 0x42F6)),
        ("big", "little", (0xF642, 0x79E9)),
        ("little", "little", (0x79E9, 0xF642)),
    ],
)
def test_the_four_orders_of_a_float_are_those_of_the_field(words, octets, coded):
    expected = struct.unpack(">f", bytes.fromhex("42f6e979"))[0]
    assert decoded(register("float32", words, octets), coded) == expected
    assert expected == pytest.approx(123.456)


@given(number=st.integers(-(2**70), 2**70), kind=st.sampled_from(["int16", "uint16", "int32"]))
def test_a_number_that_does_not_fit_takes_the_nearest_that_does(number, kind):
    least, greatest = SPANS[kind]
    place = register(kind)
    assert decoded(place, encoded(place, number)) == min(max(number, least), greatest)


def test_a_bit_is_true_or_false():
    assert [decoded(register("bool"), [word]) for word in (0, 1, 7)] == [0.0, 1.0, 1.0]
    assert [encoded(register("bool"), number) for number in (0.0, 2.0)] == [[0], [1]]
