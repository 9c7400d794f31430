"""The Modbus source against a real server in a process of its own."""

import asyncio
import math
from contextlib import contextmanager
from itertools import pairwise

import pytest

from adapters.modbus.maps import connection, register
from contracts.source_contract import Rig
from fabloop.adapters.modbus import ModbusSource
from fabloop.adapters.modbus.source import place_of
from fabloop.base.errors import Invalid
from fabloop.sense.connections.coding import encoded
from fabloop.sense.readings.quality import (
    CONFIGURATION_ERROR,
    DEVICE_FAILURE,
    GOOD,
    SENSOR_FAILURE,
)
from modbus_device import REGISTERS, ModbusDevice

LOAD = register("load", 0, "float32")
COUNT = register("count", 2, "uint32", words="little")
DEGREES = register("degrees", 4, "int16", scale=0.1, offset=-5.0, bad=(-32768.0,))


@contextmanager
def rig(*registers):
    device = ModbusDevice()
    try:
        yield Rig(ModbusSource(connection(device.url, *registers)), device)
    finally:
        device.close()


def plays(story, *registers):
    with rig(*registers) as given:
        asyncio.run(story(given))


def last(given, name):
    found = given.of(name)
    return found[-1][1:] if found else None


def test_types_orders_and_scales_are_read_again_and_again():
    async def story(given):
        given.wire.hold(0, encoded(LOAD, 1.5))
        given.wire.hold(2, encoded(COUNT, 70_000))
        given.wire.hold(4, [215])
        async with given.running():
            await given.until(lambda: last(given, "degrees") == (16.5, GOOD))
            assert last(given, "load") == (1.5, GOOD)
            assert last(given, "count") == (70_000.0, GOOD)
            given.wire.hold(0, encoded(LOAD, 2.5))
            await given.until(lambda: last(given, "load") == (2.5, GOOD))
        times = [at for at, _, _ in given.of("load")]
        assert all(before < after for before, after in pairwise(times))
        assert given.source.health().connected is False

    plays(story, LOAD, COUNT, DEGREES)


def test_a_number_that_means_no_value_is_bad_and_what_is_none_is_refused():
    async def story(given):
        given.wire.hold(0, encoded(LOAD, math.nan))
        given.wire.hold(4, encoded(DEGREES, -32768))
        async with given.running():
            await given.until(lambda: last(given, "degrees") is not None)
        _, value, quality = given.of("degrees")[-1]
        assert math.isnan(value)
        assert quality == SENSOR_FAILURE
        assert given.of("load") == []
        assert given.source.health().refused["not-a-number"] >= 1

    plays(story, LOAD, DEGREES)


def test_a_failing_device_makes_bad_readings_and_says_which_exception():
    async def story(given):
        async with given.running():
            given.wire.fail(4)
            await given.until(
                lambda: bool(given.of("load")) and given.of("load")[-1][2] == DEVICE_FAILURE
            )
            assert "exception 4 (device failure)" in given.source.health().trouble
            given.wire.fail(0)
            await given.until(lambda: last(given, "load") == (0.0, GOOD))

    plays(story, LOAD)


def test_a_wrong_address_is_named_and_its_neighbours_are_read_on():
    beyond = register("beyond", REGISTERS + 5)
    near = register("near", REGISTERS - 1)

    async def story(given):
        async with given.running():
            await given.until(lambda: bool(given.of("beyond")) and bool(given.of("near")))
        assert last(given, "near") == (0.0, GOOD)
        assert {quality for _, _, quality in given.of("beyond")} == {CONFIGURATION_ERROR}
        trouble = given.source.health().trouble
        assert "'beyond'" in trouble
        assert "'near'" not in trouble
        assert "illegal data address" in trouble

    plays(story, near, beyond)


def test_a_device_that_is_killed_during_ingest_is_told_and_read_again():
    async def story(given):
        async with given.running():
            await given.until(lambda: len(given.kept) >= 3)
            given.wire.kill()
            await given.until(lambda: given.source.health().connected is False)
            assert given.source.health().trouble.startswith("Expected a Modbus device 1 at ")
            kept = len(given.kept)
            given.wire.start()
            await given.until(lambda: len(given.kept) > kept)
        assert given.source.health().reconnects >= 1

    plays(story, LOAD)


def test_what_the_store_was_too_slow_for_is_counted_and_not_made_up():
    async def story(given):
        given.kept.slow_s = 0.25
        async with given.running():
            await given.until(lambda: given.source.health().amended.get("late", 0) >= 3)
        assert "Ask less often." in given.source.health().trouble

    plays(story, LOAD)


def test_nobody_there_is_told():
    async def story():
        source = ModbusSource(connection("modbus://127.0.0.1:9/1", LOAD))
        given = Rig(source, None)
        pumping = asyncio.create_task(anext(source.batches(given.catalogue), None))
        await given.until(lambda: source.health().connected is False)
        source.close()
        await pumping
        assert "127.0.0.1:9" in source.health().trouble

    asyncio.run(story())


@pytest.mark.parametrize(
    "url", ["modbus:///1", "modbus://x:99999/1", "modbus://x/300", "modbus://x/a"]
)
def test_a_url_that_names_no_device_is_refused(url):
    with pytest.raises(Invalid, match="modbus://HOST:PORT/UNIT"):
        place_of(url)


def test_defaults_of_a_url():
    assert place_of("modbus://meter") == ("meter", 502, 1)
