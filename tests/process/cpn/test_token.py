"""Tokens are immutable, hashable, and plain at every border."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.process.cpn.token import Record, freeze, merge, thaw

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


@given(PLAIN)
def test_thawing_what_was_frozen_gives_the_same_plain_data(value):
    assert thaw(freeze(value)) == value


@given(PLAIN)
def test_a_token_survives_messagepack(value):
    token = freeze(value)
    assert freeze(msgspec.msgpack.decode(msgspec.msgpack.encode(token))) == token
    assert hash(freeze(value)) == hash(token)


def test_a_record_does_not_change():
    record = freeze({"id": 1})
    assert isinstance(record, Record)
    for change in (
        lambda: record.update(id=2),
        lambda: record.pop("id"),
        record.clear,
        lambda: record.__setitem__("id", 2),
        lambda: record.__ior__({"id": 2}),
    ):
        with pytest.raises(TypeError, match="make a new one"):
            change()
    assert record == {"id": 1}


def test_of_merged_records_the_later_wins():
    assert merge(freeze({"a": 1, "b": 1}), freeze({"b": 2})) == {"a": 1, "b": 2}


def test_what_is_no_plain_data_is_refused():
    with pytest.raises(TypeError, match="plain data"):
        freeze({"x": object()})
    with pytest.raises(TypeError):
        freeze({1: "x"})
