"""Sparkplug B: what edge nodes tell is believed as far as their births and sequences allow."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mqtt.plant_node import (
    BOOLEAN,
    DATA_SET,
    DATE_TIME,
    INT8,
    INT16,
    INT32,
    INT64,
    STRING,
    T0_MS,
    UINT32,
    Node,
    metric,
)
from fabloop.adapters.mqtt.mapping import mapping_of
from fabloop.adapters.mqtt.packets import Publication
from fabloop.adapters.mqtt.sparkplug.host import Host
from fabloop.adapters.mqtt.sparkplug.wire import parsed
from fabloop.base.instant import SECOND, Instant
from fabloop.sense.readings.quality import BAD, GOOD, LAST_USABLE, NOT_CONNECTED
from fabloop.sense.readings.series import Catalogue, Kind
from fabloop.sense.readings.tally import Tally

MS = 1_000_000
NOW = Instant(T0_MS * MS + 50 * MS)

MAPPING = """
source: edge
broker: {host: localhost, client_id: f}
sparkplug: {host_id: fabloop, groups: [plant]}
series:
  - {series: "*/mode", kind: state, states: [idle, running]}
  - {series: "*/heat", unit: "°C"}
"""


class Hall:
    """A host with its catalogue, and what it has heard."""

    def __init__(self) -> None:
        mapping = mapping_of(MAPPING.encode())
        self.catalogue, self.tally = Catalogue(), Tally()
        self.host = Host(mapping, mapping.sparkplug, self.catalogue, self.tally)
        self.node = Node()

    def hears(self, *messages, now=NOW):
        """Return (name, time in ms since T0, value, quality) of the readings."""
        told = [Publication(topic.encode(), payload) for topic, payload in messages]
        return self.seen(self.host.read(told, now))

    def seen(self, batch):
        return [
            (self.catalogue[number].name, (at - T0_MS * MS) / MS, value, quality)
            for at, number, value, quality in zip(
                batch.times.tolist(), batch.series.tolist(), batch.values.tolist(),
                batch.quality.tolist(), strict=True,
            )
        ]  # fmt: skip

    def born(self, *metrics, device="mill"):
        return self.hears(self.node.birth(), self.node.message("DBIRTH", metrics, device=device))

    def data(self, *metrics, device="mill", at_ms=T0_MS + 10, now=NOW):
        return self.hears(self.node.message("DDATA", metrics, device=device, at_ms=at_ms), now=now)

    @property
    def health(self):
        return self.tally.health()

    @property
    def commands(self):
        return [said.topic for said in self.host.said]


@pytest.fixture
def hall():
    return Hall()


def test_bytes_as_the_standard_numbers_its_fields_are_read():
    # timestamp (1) = 5; metrics (2): name (1) "a", alias (2) 3, datatype (4) Int32,
    # int_value (10) 7; seq (3) = 1
    data = bytes.fromhex("080512090a01611003200350071801")
    payload = parsed(data)
    (found,) = payload.metrics
    assert (payload.timestamp, payload.seq) == (5, 1)
    assert (found.name, found.alias, found.datatype, found.int_value) == ("a", 3, INT32, 7)


def test_births_tell_values_and_data_follows_by_alias(hall):
    assert hall.born(metric("load", 1.5, alias=7)) == [("load", 0, 1.5, GOOD)]
    assert hall.data(metric(alias=7, value=2.5)) == [("load", 10, 2.5, GOOD)]
    (series,) = hall.catalogue
    assert series.address == "plant/cell-1/mill#load"
    assert series.work_unit == "cell-1/mill"
    assert hall.commands == []


def test_data_by_name_is_taken_too(hall):
    hall.born(metric("load", 1.5))
    assert hall.data(metric("load", 2.5)) == [("load", 10, 2.5, GOOD)]


@given(
    st.sampled_from([(INT8, 8), (INT16, 16), (INT32, 32), (INT64, 64)]).flatmap(
        lambda kind: st.tuples(
            st.just(kind),
            st.integers(-(2 ** (min(kind[1], 53) - 1)), 2 ** (min(kind[1], 53) - 1) - 1),
        )
    )
)
def test_signed_integers_keep_their_sign(case):
    (datatype, bits), value = case
    hall, field = Hall(), 64 if datatype == INT64 else 32
    sent = {bits: value % 2**bits, field: value % 2**field}
    for coded in sent.values():  # senders differ in whether they extend the sign
        assert hall.born(metric("count", coded, datatype))[-1][2] == value


@pytest.mark.parametrize(
    ("datatype", "sent", "read"),
    [(UINT32, 4_000_000_000, 4e9), (BOOLEAN, True, 1.0), (DATE_TIME, 1_500, 1.5)],
)
def test_other_types_become_numbers(hall, datatype, sent, read):
    assert hall.born(metric("x", sent, datatype))[0][2] == read


def test_a_boolean_is_a_state(hall):
    hall.born(metric("door", True, BOOLEAN))  # noqa: FBT003
    (series,) = hall.catalogue
    assert (series.kind, series.states) == (Kind.STATE, ("false", "true"))


def test_texts_are_states_where_the_mapping_says_so(hall):
    found = hall.born(metric("mode", "running", STRING), metric("note", "hello", STRING))
    assert [(name, value) for name, _, value, _ in found] == [("mode", 1.0)]
    assert hall.health.refused == {"not-a-number": 1}


def test_null_is_a_bad_reading_and_quality_is_heeded(hall):
    found = hall.born(
        metric("a"),
        metric("b", 1.0, quality=500),
        metric("c", 1.0, quality=0),
        metric("d", 1.0, quality=192),
    )
    qualities = [quality for _, _, _, quality in found]
    assert qualities == [BAD, LAST_USABLE, BAD, GOOD]
    assert [math.isnan(value) for _, _, value, _ in found] == [True, False, True, False]


def test_numbers_that_are_none_and_types_that_have_none_are_refused(hall):
    table = metric("table", 1.0)
    table.datatype = DATA_SET
    assert hall.born(metric("a", math.nan), table) == []
    assert hall.health.refused == {"not-a-number": 1, "datatype": 1}


def test_units_of_metrics_are_turned_into_si(hall):
    ((_, _, value, _),) = hall.born(metric("t", 20.0, unit="°C"))
    assert value == pytest.approx(293.15)


def test_what_is_told_in_another_unit_is_kept_apart(hall):
    hall.born(metric("x", 2.0, unit="mm"))
    assert hall.born(metric("x", 2.0, unit="m"))[-1][2] == 2.0
    assert [each.unit for each in hall.catalogue] == ["mm", "m"]
    assert hall.health.amended == {"unit-changed": 1}
    assert "kept apart from what came before" in hall.health.trouble


def test_a_unit_of_another_quantity_than_the_mapping_says_is_refused(hall):
    assert hall.born(metric("heat", 2.0, unit="kg")) == []
    assert hall.health.refused == {"unit-changed": 1}
    assert "a unit of mass instead of temperature" in hall.health.trouble


def test_data_before_a_birth_is_refused_and_a_birth_is_asked_for(hall):
    assert hall.data(metric(alias=7, value=1.0)) == []
    assert hall.health.refused == {"unborn": 1}
    assert hall.commands == ["spBv1.0/plant/NCMD/cell-1"]
    (asked,) = parsed(hall.host.said[0].payload).metrics
    assert (asked.name, asked.boolean_value) == ("Node Control/Rebirth", True)


def test_births_are_not_asked_for_without_end(hall):
    for ahead in (0, 1, 4, 6):
        hall.data(metric(alias=7, value=1.0), now=NOW + ahead * SECOND)
    assert len(hall.commands) == 2


def test_a_gap_is_counted_and_a_birth_is_asked_for_but_known_data_is_kept(hall):
    hall.born(metric("load", 1.0, alias=7))
    hall.node.sequence += 3
    assert len(hall.data(metric(alias=7, value=2.0))) == 1
    assert hall.health.gaps == 3
    assert "3 missing" in hall.health.trouble
    assert len(hall.commands) == 1


def test_a_message_that_comes_twice_counts_once(hall):
    hall.born(metric("load", 1.0, alias=7))
    twice = hall.node.message("DDATA", [metric(alias=7, value=2.0)], device="mill")
    assert len(hall.hears(twice, twice)) == 1
    assert hall.health.amended == {"repeated": 1}
    assert hall.health.gaps == 0


def test_sequences_begin_again_after_255(hall):
    hall.born(metric("load", 1.0, alias=7))
    for _ in range(300):
        hall.data(metric(alias=7, value=2.0))
    assert hall.health.gaps == 0
    assert hall.health.received == 301


def test_an_alias_that_no_birth_told_is_refused(hall):
    hall.born(metric("load", 1.0, alias=7))
    assert hall.data(metric(alias=8, value=2.0)) == []
    assert hall.health.refused == {"unknown-alias": 1}
    assert "alias 8" in hall.health.trouble
    assert len(hall.commands) == 1


def test_a_death_ends_all_that_was_known(hall):
    hall.born(metric("load", 1.0, alias=7))
    ((name, at, value, quality),) = hall.hears(hall.node.death())
    assert (name, quality) == ("load", NOT_CONNECTED)
    assert math.isnan(value)
    assert at > 0
    assert hall.data(metric(alias=7, value=2.0)) == []
    assert hall.health.refused == {"unborn": 1}


def test_the_death_of_a_device_leaves_its_neighbours_alive(hall):
    hall.born(metric("load", 1.0, alias=7))
    hall.hears(hall.node.message("DBIRTH", [metric("speed", 1.0, alias=8)], device="lathe"))
    gone = hall.hears(hall.node.message("DDEATH", [], device="mill"))
    assert [(name, quality) for name, _, _, quality in gone] == [("load", NOT_CONNECTED)]
    assert len(hall.data(metric(alias=8, value=2.0), device="lathe")) == 1
    assert hall.data(metric(alias=7, value=2.0)) == []


def test_the_will_of_an_older_connection_kills_nobody(hall):
    old = Node().death()
    hall.node.births = 1
    hall.born(metric("load", 1.0, alias=7))
    assert hall.hears(old) == []
    assert hall.health.amended == {"outdated-death": 1}
    assert len(hall.data(metric(alias=7, value=2.0))) == 1


def test_what_a_birth_tells_is_newer_than_the_death_before_it(hall):
    hall.born(metric("load", 1.0, alias=7))
    hall.data(metric(alias=7, value=2.0), at_ms=T0_MS + 5_000)
    ((_, died, _, _),) = hall.hears(hall.node.death())
    ((_, born, value, quality),) = hall.born(metric("load", 3.0, alias=7, timestamp=T0_MS - 10_000))
    assert (value, quality) == (3.0, GOOD)
    assert 5_000 < died < born


def test_without_the_broker_nothing_is_known(hall):
    hall.born(metric("load", 1.0, alias=7))
    ((name, _, _, quality),) = hall.seen(hall.host.lost(NOW))
    assert (name, quality) == ("load", NOT_CONNECTED)
    assert hall.seen(hall.host.lost(NOW)) == []


def test_history_keeps_its_time_and_transient_metrics_are_not_kept(hall):
    hall.born(metric("load", 1.0, alias=7))
    found = hall.data(
        metric(alias=7, value=2.0, timestamp=T0_MS - 60_000, is_historical=True),
        metric(alias=7, value=3.0, is_transient=True),
    )
    assert found == [("load", -60_000, 2.0, GOOD)]
    assert hall.health.refused == {"transient": 1}


@given(st.binary(max_size=80), st.sampled_from(["NBIRTH", "NDATA", "NDEATH"]))
def test_no_bytes_bring_the_host_down(data, kind):
    hall = Hall()
    hall.hears((f"spBv1.0/plant/{kind}/cell-1", data))


def test_whoever_denies_our_presence_is_contradicted(hall):
    hall.host.born_at = NOW
    hall.hears(("spBv1.0/STATE/fabloop", b'{"online": false, "timestamp": 1}'))
    (said,) = hall.host.said
    assert (said.topic, said.retain) == ("spBv1.0/STATE/fabloop", True)
    assert said.payload == b'{"online":true,"timestamp":%d}' % (NOW // MS)
    hall.hears((said.topic, said.payload))
    assert len(hall.host.said) == 1


def test_other_topics_are_refused(hall):
    hall.hears(("spBv1.0/plant/NCMD/cell-1", b""), ("spBv1.0/plant/DDATA/cell-1", b""))
    assert hall.health.refused == {"unknown-topic": 2}
