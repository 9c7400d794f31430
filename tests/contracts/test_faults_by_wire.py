"""Bad input over each wire that can carry it: the same behaviour, reason and sentence."""

import asyncio
import csv
import json
import math
from datetime import UTC, datetime

import httpx
import pytest
from asyncua import ua

from adapters.mqtt.plant_node import Node, metric
from adapters.opcua.opcua_wire import variable
from contracts.source_contract import T0, Kept
from fabloop.adapters.http_readings import HttpReadings, HttpSource
from fabloop.adapters.mqtt import mapping_of
from fabloop.adapters.mqtt.packets import Publication
from fabloop.adapters.mqtt.roles import role_of
from fabloop.adapters.opcua.reading import Reading
from fabloop.adapters.replay import Recording, ReplaySource
from fabloop.app.ingest import pump
from fabloop.base.instant import SECOND, Instant
from fabloop.sense.readings.batch import joined
from fabloop.sense.readings.quality import UNCERTAIN
from fabloop.sense.readings.series import Catalogue
from fabloop.sense.readings.tally import Tally

MS = 10**6
PLAIN = """
source: hall
broker: {host: localhost, client_id: f}
topics: [{topic: "plant/{work_unit}", form: {layout: rows, time_unit: ns}}]
"""
SPARKPLUG = """
source: hall
broker: {host: localhost, client_id: f}
sparkplug: {host_id: fabloop}
"""


class _Pure:
    """A wire whose reading computes: what it reads is gathered."""

    def __init__(self):
        self.catalogue, self.tally, self.batches = Catalogue(), Tally(), []

    def health(self):
        return self.tally.health()


class Mqtt(_Pure):
    def __init__(self):
        super().__init__()
        self._role = role_of(mapping_of(PLAIN.encode()), self.catalogue, self.tally)

    async def tell(self, rows, now):
        told = [[at, "load", value] for at, value in rows]
        self.batches.append(
            self._role.read([Publication(b"plant/mill", json.dumps(told).encode())], now)
        )


class Sparkplug(_Pure):
    def __init__(self):
        super().__init__()
        self._role = role_of(mapping_of(SPARKPLUG.encode()), self.catalogue, self.tally)
        self._node = Node()
        born = [self._node.birth(), self._node.message("DBIRTH", [metric("load")], device="mill")]
        self._hear(born, Instant(T0))

    def _hear(self, messages, now):
        told = [Publication(topic.encode(), payload) for topic, payload in messages]
        return self._role.read(told, now)

    async def tell(self, rows, now):
        metrics = [metric("load", value, timestamp=at // MS) for at, value in rows]
        told = self._node.message("DDATA", metrics, device="mill", at_ms=now // MS)
        self.batches.append(self._hear([told], now))


class OpcUa(_Pure):
    def __init__(self):
        super().__init__()
        self._reading = Reading([variable("load")], self.catalogue, self.tally, 60 * SECOND)

    async def tell(self, rows, now):
        values = [
            (0, ua.DataValue(ua.Variant(value), ua.StatusCode(0),
                             datetime.fromtimestamp(at / 1e9, UTC)))
            for at, value in rows
        ]  # fmt: skip
        self.batches.append(self._reading.read(values, now))


class Http(_Pure):
    def __init__(self):
        super().__init__()
        self._now = Instant(0)
        self._source = HttpSource(HttpReadings(source="hall"), now=lambda: self._now)
        self._kept = Kept()
        self._pumping = None

    async def tell(self, rows, now):
        self._now = now
        if self._pumping is None:
            self._pumping = asyncio.create_task(pump(self._source, self._kept, self.catalogue))
            await asyncio.sleep(0)
        transport = httpx.ASGITransport(self._source.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://plant") as client:
            told = json.dumps([[at, "mill/load", value] for at, value in rows]).encode()
            await client.post(
                "/api/v1/readings?time_unit=ns", content=told,
                headers={"content-type": "application/json"},
            )  # fmt: skip
        self.batches = self._kept.batches

    def health(self):
        return self._source.health()


class Replay(_Pure):
    """Tells what stands in a file: all rows at once, when the last of them is laid down."""

    def __init__(self, folder):
        super().__init__()
        self._file = folder / "recording.csv"
        self._health = None
        self._rows = []

    async def tell(self, rows, now):
        self._rows += rows
        with self._file.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["time", "name", "value"])
            writer.writerows([at // MS, "mill/load", value] for at, value in self._rows)
        source = ReplaySource(Recording(source="hall", file=str(self._file)), now=lambda: now)
        kept, self.catalogue = Kept(), Catalogue()
        await pump(source, kept, self.catalogue)
        self.batches, self._health = kept.batches, source.health()

    def health(self):
        return self._health


WIRES = {"mqtt": Mqtt, "sparkplug": Sparkplug, "opcua": OpcUa, "http": Http, "replay": Replay}


@pytest.fixture(params=WIRES)
def wire(request, tmp_path):
    return WIRES[request.param](tmp_path) if request.param == "replay" else WIRES[request.param]()


@pytest.fixture(params=[each for each in WIRES if each != "replay"])
def live(request):
    """A wire over which readings are told now."""
    return WIRES[request.param]()


def told(wire, *deliveries):
    """Tell deliveries of (now, rows); return (time, value, quality) of what was read."""

    async def story():
        for now, rows in deliveries:
            await wire.tell(rows, Instant(now))

    asyncio.run(story())
    batch = joined([each for each in wire.batches if len(each)])
    return list(
        zip(batch.times.tolist(), batch.values.tolist(), batch.quality.tolist(), strict=True)
    )


def test_what_is_no_finite_number_is_refused_and_its_neighbours_are_kept(wire):
    rows = [(T0, 1.0), (T0 + SECOND, math.nan), (T0 + 2 * SECOND, -math.inf),
            (T0 + 3 * SECOND, 2.0)]  # fmt: skip
    found = told(wire, (T0 + 4 * SECOND, rows))
    assert [value for _, value, _ in found] == [1.0, 2.0]
    assert wire.health().refused == {"not-a-number": 2}
    assert wire.health().trouble.startswith("Expected a finite number, but found ")


@pytest.mark.parametrize("kind", [each for each in WIRES if each != "sparkplug"])
def test_a_text_instead_of_a_number_is_refused(kind, tmp_path):
    wire = WIRES[kind](tmp_path) if kind == "replay" else WIRES[kind]()
    found = told(wire, (T0 + SECOND, [(T0, "high"), (T0 + MS, 1.0)]))
    assert [value for _, value, _ in found] == [1.0]
    assert wire.health().refused == {"not-a-number": 1}


def test_a_clock_that_is_ahead_is_not_believed(wire):
    (found,) = told(wire, (T0, [(T0 + 600 * SECOND, 1.0)]))
    assert found == (T0, 1.0, UNCERTAIN)
    assert wire.health().amended == {"clock-ahead": 1}
    assert "600 s ahead: the time of arrival counts instead" in wire.health().trouble


def test_a_clock_that_goes_back_is_told_once_and_its_readings_are_kept_at_their_times(live):
    start = [(T0, [(T0, 0.0)])]
    back = [
        (T0 + n * 10 * SECOND, [(T0 - 3_600 * SECOND + n * 10 * SECOND, float(n))])
        for n in range(1, 8)
    ]
    found = told(live, *start, *back)
    assert [value for _, value, _ in found] == [float(n) for n in range(8)]
    assert found[1][0] == T0 - 3_590 * SECOND
    health = live.health()
    assert health.amended["clock-back"] == 1
    assert "to go on, but found that the clock of its sender went back by at least" in (
        health.trouble
    )


def test_what_comes_late_is_kept_at_its_time_and_counted(live):
    found = told(live, (T0, [(T0, 1.0)]), (T0 + SECOND, [(T0 - 300 * SECOND, 2.0)]))
    assert found[1][:2] == (T0 - 300 * SECOND, 2.0)
    assert live.health().amended == {"behind": 1}


def test_ten_times_as_many_readings_at_once_are_all_read(wire):
    rows = [(T0 + n * MS, float(n)) for n in range(2_000)]
    assert len(told(wire, (T0 + 10 * SECOND, rows))) == len(rows)
    assert (wire.health().refused, wire.health().gaps) == ({}, 0)
