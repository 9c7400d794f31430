"""Payloads: every form gives the same columns; one bad reading never costs its neighbours."""

import json
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.sense.readings.payloads.binary import binary_of
from fabloop.sense.readings.payloads.decode import decoder_of, single_decoder_of
from fabloop.sense.readings.payloads.decoded import ARRIVAL
from fabloop.sense.readings.payloads.forms import Encoding, Fields, Form, Layout, TimeUnit
from fabloop.sense.readings.payloads.salvage import salvage
from fabloop.sense.readings.quality import BAD, GOOD, UNCERTAIN

T0 = 1_763_800_000_123
MS = 1_000_000

READINGS = st.lists(
    st.tuples(
        st.integers(0, 4_000_000_000_000),
        st.text(max_size=8),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from([GOOD, UNCERTAIN]),
    ),
    min_size=1,
    max_size=20,
)


def rows_form(**more):
    return Form(layout=Layout.ROWS, named=True, **more)


def seen(decoded):
    return (
        decoded.times.tolist(),
        list(decoded.names or ()),
        decoded.values.tolist(),
        decoded.quality.tolist(),
    )


@given(READINGS)
def test_rows_columns_objects_and_binary_tell_the_same(readings):
    times, names, values, qualities = (list(column) for column in zip(*readings, strict=True))
    table = {"ts": times, "name": names, "value": values, "quality": qualities}
    objects = [dict(zip(("ts", "name", "value", "quality"), row, strict=True)) for row in readings]
    distinct = list(dict.fromkeys(names))
    packed = binary_of(
        [each * MS for each in times], values, distinct,
        [distinct.index(name) for name in names], np.array(qualities, np.uint8),
    )  # fmt: skip
    columns = Form(layout=Layout.COLUMNS, named=True)
    by_pack = msgspec.structs.replace(columns, encoding=Encoding.MSGPACK)
    expected = ([each * MS for each in times], names, values, qualities)
    told = [
        decoder_of(rows_form())(msgspec.json.encode(readings)),
        decoder_of(rows_form())(msgspec.json.encode(objects)),
        decoder_of(rows_form(encoding=Encoding.MSGPACK))(msgspec.msgpack.encode(readings)),
        decoder_of(columns)(msgspec.json.encode(table)),
        decoder_of(by_pack)(msgspec.msgpack.encode(table)),
        decoder_of(Form(layout=Layout.BINARY, named=True))(packed),
    ]
    assert [seen(each) for each in told] == [expected] * len(told)
    assert not any(each.refused for each in told)


CELLS = st.none() | st.text(max_size=6) | st.floats() | st.booleans() | st.integers(0, 5)
MIXED = st.lists(
    st.tuples(st.integers(-2, 2**62), st.sampled_from("abc"), CELLS,
              st.sampled_from([GOOD, UNCERTAIN, BAD, 7])), min_size=1, max_size=6,
)  # fmt: skip


@given(MIXED, st.sampled_from([3, 4]))
def test_texts_and_nulls_among_numbers_are_read_the_fast_way_as_the_slow_way_reads_them(
    rows, parts
):
    payload = msgspec.msgpack.encode([row[:parts] for row in rows])
    form = rows_form(encoding=Encoding.MSGPACK)
    fast, slow = decoder_of(form)(payload), salvage(payload, form)
    assert repr(seen(fast)) == repr(seen(slow))
    assert (fast.texts, {each.reason for each in fast.refused}) == (
        slow.texts, {each.reason for each in slow.refused},
    )  # fmt: skip


def test_columns_by_name_may_hold_states():
    table = {"ts": [1, 2], "value": {"load": [1.5, None], "state": ["idle", "busy"]}}
    found = decoder_of(Form(layout=Layout.COLUMNS, named=True))(msgspec.json.encode(table))
    assert list(found.names) == ["load", "load", "state", "state"]
    assert found.texts == {2: "idle", 3: "busy"}
    assert found.quality.tolist() == [GOOD, BAD, GOOD, GOOD]


@given(st.binary(max_size=60), st.sampled_from(Layout), st.sampled_from(Encoding), st.booleans())
def test_no_bytes_make_a_decoder_fail(payload, layout, encoding, named):
    found = decoder_of(Form(layout=layout, encoding=encoding, named=named))(payload)
    assert len(found.times) == len(found.values) == len(found.quality)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"21.5", (ARRIVAL, 21.5, GOOD)),
        (b'{"ts": 1763800000123, "value": 21.5}', (T0 * MS, 21.5, GOOD)),
        (b'{"value": 21.5, "quality": 64}', (ARRIVAL, 21.5, UNCERTAIN)),
    ],
)
def test_a_plain_reading_is_read_at_once(payload, expected):
    assert single_decoder_of(Form())(payload) == expected
    slow = decoder_of(Form())(payload)
    assert (slow.times[0], slow.values[0], slow.quality[0]) == expected


@pytest.mark.parametrize(
    "payload",
    [
        b'"21.5"', b"null", b'{"value": "x"}', b'{"value": null}', b"{}", b"running", b"NaN",
        b'{"value": 1, "quality": 700}', b'{"value": 1, "ts": -5}', b'{"value": 1, "unit": "mm"}',
    ],
)  # fmt: skip
def test_whatever_is_not_plain_is_left_to_the_slow_way(payload):
    assert single_decoder_of(Form())(payload) is None


def test_nothing_known_is_a_bad_reading_and_never_zero():
    found = decoder_of(Form())(b'{"ts": 5, "value": null}')
    assert found.quality.tolist() == [BAD]
    assert math.isnan(found.values[0])
    assert not found.refused


def test_numbers_that_are_none_are_refused_one_by_one():
    rows = [
        [T0, "a", 1.0],
        [T0, "b", math.nan],
        [T0, "c", math.inf],
        [T0, "d", [2]],
        [T0, "e", 3.0],
    ]
    found = decoder_of(rows_form())(json.dumps(rows).encode())
    assert list(found.names) == ["a", "e"]
    assert [(each.reason, each.count) for each in found.refused] == [("not-a-number", 3)]
    assert "Expected a finite number, but found nan." in found.refused[0].sentence


def test_numbers_that_are_none_are_refused_in_columns_of_messagepack_too():
    table = {"ts": [1, 2, 3], "value": [1.0, math.nan, math.inf]}
    form = Form(layout=Layout.COLUMNS, encoding=Encoding.MSGPACK)
    found = decoder_of(form)(msgspec.msgpack.encode(table))
    assert found.values.tolist() == [1.0]
    assert [(each.reason, each.count) for each in found.refused] == [("not-a-number", 2)]


def test_texts_are_left_to_whoever_knows_the_states():
    found = decoder_of(rows_form())(b'[[1, "mode", "running"], [2, "mode", 1]]')
    assert found.texts == {0: "running"}
    assert math.isnan(found.values[0])


def test_times_may_be_texts_and_fractions():
    form = rows_form(time_unit=TimeUnit.SECONDS)
    found = decoder_of(form)(b'[["2026-11-22T08:00:00Z", "a", 1], [1.5, "a", 2]]')
    assert found.times.tolist() == [1_795_334_400_000_000_000, 1_500_000_000]


@pytest.mark.parametrize("time", ["-1", "99999999999999999999", "true", '"yesterday"'])
def test_times_that_cannot_be_are_refused(time):
    found = decoder_of(rows_form())(b'[[%s, "a", 1], [5, "a", 2]]' % time.encode())
    assert found.values.tolist() == [2.0]
    assert [each.reason for each in found.refused] == ["time-out-of-range"]


def test_a_quality_nobody_knows_is_refused_and_words_are_known():
    found = decoder_of(rows_form())(b'[[1,"a",1,"bad"],[1,"a",1,"uncertain"],[1,"a",1,"fine"]]')
    assert found.quality.tolist() == [BAD, UNCERTAIN]
    assert math.isnan(found.values[0])
    assert [each.reason for each in found.refused] == ["unknown-quality"]


def test_a_bad_reading_has_no_value_whatever_is_sent():
    found = decoder_of(rows_form())(b'[[1, "a", 7.0, 0], [1, "a", 8.0, 192]]')
    assert math.isnan(found.values[0])
    assert found.values[1] == 8.0


def test_a_table_of_names_shares_its_times():
    form = Form(layout=Layout.COLUMNS, named=True)
    payload = b'{"ts": [1, 2], "value": {"load": [3, 4], "speed": [5, 6]}}'
    assert seen(decoder_of(form)(payload)) == (
        [MS, 2 * MS, MS, 2 * MS],
        ["load", "load", "speed", "speed"],
        [3.0, 4.0, 5.0, 6.0],
        [GOOD] * 4,
    )


def test_fields_are_called_as_the_sender_calls_them():
    form = Form(fields=Fields(time="t", value="v"))
    assert single_decoder_of(form)(b'{"t": 1, "v": 2}') == (MS, 2.0, GOOD)


def test_columns_of_unequal_length_are_malformed():
    for payload in (b'{"ts": [1, 2], "value": [1]}', b'{"ts": [1], "value": [1, 2]}'):
        found = decoder_of(Form(layout=Layout.COLUMNS))(payload)
        assert [each.reason for each in found.refused] == ["malformed"]
        assert len(found.times) == 0


def test_a_position_without_a_name_is_malformed():
    packed = binary_of([1, 2], [1.0, 2.0], ["a"], [0, 1])
    found = decoder_of(Form(layout=Layout.BINARY, named=True))(packed)
    assert [each.reason for each in found.refused] == ["malformed"]


def test_a_nameless_reading_among_named_ones_is_refused():
    found = decoder_of(rows_form())(b'[[1, null, 1], [1, "a", 2]]')
    assert list(found.names) == ["a"]
    assert [each.reason for each in found.refused] == ["nameless"]
