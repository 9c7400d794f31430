"""The OPC UA source against a real server: security, gaps, restarts, units, arrays."""

import asyncio
import math
from itertools import count

import pytest
from msgspec.structs import replace

from adapters.opcua.opcua_wire import STATE, connection, variable
from contracts.source_contract import Rig
from fabloop.adapters.opcua import OpcUaSource, Pki, listening
from fabloop.adapters.opcua.pki import described
from fabloop.adapters.plant_servers.served import ServedValue
from fabloop.base.instant import Instant
from fabloop.sense.readings.quality import GOOD
from opcua_machine import OpcUaMachine, WallClock
from tcp_proxy import Proxy

PARTS = variable("parts")
VALUES = count(1)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    machine = OpcUaMachine(tmp_path_factory.mktemp("machine"))
    yield machine
    machine.close()


@pytest.fixture(scope="module")
def pki(tmp_path_factory, machine):
    """Certificates of someone who trusts the machine."""
    pki = Pki(tmp_path_factory.mktemp("pki"))
    (pki.folder / "trusted").mkdir()
    der = (machine.folder / "server.der").read_bytes()
    (pki.folder / "trusted" / "machine.der").write_bytes(der)
    return pki


def values_of(rig, name):
    return [value for _, value, _ in rig.of(name)]


async def told(rig, name, number):
    await rig.until(lambda: number in values_of(rig, name))


def test_a_server_is_trusted_by_a_person_before_anything_is_read(machine, tmp_path):
    async def story():
        fresh = Pki(tmp_path)
        source = OpcUaSource(connection(machine.url, PARTS), fresh)
        rig = Rig(source, None)
        pumping = asyncio.create_task(_pumped(rig))
        await rig.until(lambda: source.health().connected is False)
        trouble = source.health().trouble
        thumbprint = described((machine.folder / "server.der").read_bytes()).thumbprint
        assert f"fabloop machine trust {thumbprint}" in trouble
        assert len(rig.kept) == 0
        machine.tell("parts", 3)
        fresh.trust(thumbprint)
        await told(rig, "parts", 3.0)
        source.close()
        await pumping

    asyncio.run(story())


async def _pumped(rig):
    async for batch in rig.source.batches(rig.catalogue):
        rig.kept.keep(batch)


def test_without_encryption_a_server_that_wants_it_is_not_read(machine, pki):
    async def story():
        source = OpcUaSource(connection(machine.url, PARTS, secure=False), pki)
        rig = Rig(source, None)
        pumping = asyncio.create_task(_pumped(rig))
        await rig.until(lambda: source.health().connected is False)
        assert "Leave out --insecure" in source.health().trouble
        source.close()
        await pumping

    asyncio.run(story())


def test_without_encryption_is_read_what_is_offered_so(tmp_path_factory, pki):
    machine = OpcUaMachine(tmp_path_factory.mktemp("open"), insecure=True)
    try:

        async def story():
            rig = Rig(OpcUaSource(connection(machine.url, PARTS, secure=False), pki), None)
            machine.tell("parts", 4)
            async with rig.running():
                await told(rig, "parts", 4.0)

        asyncio.run(story())
    finally:
        machine.close()


def test_what_the_machine_told_while_the_wire_was_cut_is_fetched_from_its_history(machine, pki):
    async def story():
        proxy = Proxy(machine.port)
        await proxy.mend()
        url = machine.url.replace(str(machine.port), str(proxy.port))
        rig = Rig(OpcUaSource(connection(url, PARTS, STATE), pki), None)
        first = next(VALUES) + 100
        machine.tell("parts", first)
        async with rig.running():
            await told(rig, "parts", first)
            await proxy.cut()
            await rig.until(lambda: rig.source.health().connected is False)
            missed = [first + n for n in range(1, 6)]
            times = [machine.tell("parts", each) for each in missed]
            await proxy.mend()
            await told(rig, "parts", missed[-1])
            await rig.until(lambda: rig.source.health().connected is True)
            last = machine.tell("parts", first + 10)
            await told(rig, "parts", first + 10)
        await proxy.cut()
        found = [(at, value) for at, value, _ in rig.of("parts") if value >= first]
        assert [value for _, value in found] == [first, *missed, first + 10]
        assert [at for at, _ in found][1:] == [*times, last]
        assert rig.source.health().gaps == 0
        assert rig.source.health().reconnects >= 1

    asyncio.run(story())


def test_a_restart_of_ours_goes_on_where_the_store_ended(machine, pki):
    kept_at = machine.tell("parts", 1_000)
    machine.tell("parts", 1_001)
    machine.tell("parts", 1_002)

    async def story():
        source = OpcUaSource(connection(machine.url, PARTS), pki)
        source.resume({PARTS.address: Instant(kept_at)})
        rig = Rig(source, None)
        async with rig.running():
            await told(rig, "parts", 1_001.0)
            await told(rig, "parts", 1_002.0)
        assert sorted(values_of(rig, "parts")) == [1_001.0, 1_002.0]

    asyncio.run(story())


def test_a_server_that_is_killed_during_ingest_loses_nothing_that_was_told(tmp_path, pki):
    machine = OpcUaMachine(tmp_path)
    (pki.folder / "trusted" / "killed.der").write_bytes((tmp_path / "server.der").read_bytes())

    async def story():
        rig = Rig(OpcUaSource(connection(machine.url, PARTS), pki, away_s_max=1.0), None)
        numbers = iter(range(1, 10_000))
        async with rig.running():
            shown = [next(numbers) for _ in range(10)]
            for each in shown:
                await asyncio.to_thread(machine.tell, "parts", each)
            await told(rig, "parts", shown[-1])
            machine.kill()
            await rig.until(lambda: rig.source.health().connected is False)
            await asyncio.to_thread(machine.start)
            await rig.until(lambda: rig.source.health().reconnects > 0)
            last = next(numbers)
            machine.tell("parts", last)
            await told(rig, "parts", last)
        assert sorted(set(values_of(rig, "parts"))) == [float(n) for n in range(1, last + 1)]
        assert rig.source.health().trouble

    try:
        asyncio.run(story())
    finally:
        machine.close()


def test_values_come_in_si_with_states_and_samples(machine, pki):
    power = variable("power", unit="kW", scale=1000.0, least=0.0, greatest=60_000.0)
    current = variable("current", sample_interval_ns=20_000_000)
    text = variable("MachineryItemState", states=("NotAvailable", "OutOfService", "NotExecuting",
        "Executing"))  # fmt: skip

    async def story():
        rig = Rig(OpcUaSource(connection(machine.url, power, STATE, current, text), pki), None)
        machine.tell("power", 7.5)
        machine.tell("state", 2)
        at = machine.tell("current", 1, 2, 3, 4, 5)
        machine.tell("MachineryItemState", 3)
        async with rig.running():
            await rig.until(lambda: len(rig.kept) >= 8)
        assert [each[1:] for each in rig.of("power")] == [(7_500.0, GOOD)]
        assert values_of(rig, "state") == [2.0]
        assert values_of(rig, "MachineryItemState") == [3.0]
        assert rig.of("current") == [
            (at - (5 - n) * 20_000_000, float(n), GOOD) for n in range(1, 6)
        ]

    asyncio.run(story())


def test_samples_that_repeat_themselves_are_told_at_each_time(machine, pki):
    current = variable("current", sample_interval_ns=20_000_000)

    async def story():
        rig = Rig(OpcUaSource(connection(machine.url, current), pki), None)
        async with rig.running():
            times = [machine.tell("current", 9, 9, 9, 9, 9) for _ in range(3)]
            await rig.until(lambda: {at for at, _, _ in rig.of("current")} >= set(times))

    asyncio.run(story())


def test_a_password_that_is_not_there_is_told_with_its_place(machine, pki):
    async def story():
        wired = connection(machine.url, PARTS, user="joe", password_from="FABLOOP_TEST_UNSET")
        source = OpcUaSource(wired, pki)
        rig = Rig(source, None)
        pumping = asyncio.create_task(_pumped(rig))
        await rig.until(lambda: source.health().connected is False)
        assert "environment variable 'FABLOOP_TEST_UNSET'" in source.health().trouble
        source.close()
        await pumping

    asyncio.run(story())


def test_a_store_that_is_too_slow_holds_the_server_back_and_nothing_is_lost(
    machine, pki, monkeypatch
):
    monkeypatch.setattr(listening, "WAITING_MAX", 40)

    async def story():
        source = OpcUaSource(connection(machine.url, PARTS), pki)
        rig = Rig(source, None)
        first, at = 200_000, WallClock().now()
        rows = [
            ServedValue("mill", "parts", Instant(at + n * 1_000_000), (float(first + n),))
            for n in range(300)
        ]
        told_all = False

        async def slowly():
            async for batch in source.batches(rig.catalogue):
                rig.kept.keep(batch)
                await asyncio.sleep(0 if told_all else 0.2)

        taking = asyncio.create_task(slowly())
        await rig.until(lambda: source.health().connected is True)
        for start in range(0, 300, 60):
            await asyncio.to_thread(machine.tell_all, rows[start : start + 60])
        told_all = True
        await told(rig, "parts", first + 299.0)
        source.close()
        await taking
        kept = [value for value in values_of(rig, "parts") if value >= first]
        assert kept == [float(first + n) for n in range(300)]
        assert source.health().gaps == 0

    asyncio.run(story())


def test_a_unit_that_is_not_the_agreed_one_is_refused_and_told(machine, pki):
    power = variable("power", unit="W")

    async def story():
        source = OpcUaSource(connection(machine.url, power), pki)
        rig = Rig(source, None)
        machine.tell("power", next(VALUES))
        async with rig.running():
            await rig.until(lambda: source.health().refused.get("unit-changed", 0) >= 1)
        assert rig.of("power") == []
        assert "Expected the unit 'W' of " in source.health().trouble

    asyncio.run(story())


def test_an_address_that_the_server_does_not_have_is_named_and_the_others_are_read(machine, pki):
    strange = replace(PARTS, series=replace(PARTS.series, address="nsu=urn:other;i=7", name="x"))

    async def story():
        source = OpcUaSource(connection(machine.url, PARTS, strange), pki)
        rig = Rig(source, None)
        machine.tell("parts", 77_777)
        async with rig.running():
            await told(rig, "parts", 77_777.0)
        assert "'nsu=urn:other;i=7'" in source.health().trouble
        assert "BadNodeIdUnknown" in source.health().trouble

    asyncio.run(story())


def test_a_sensor_that_fails_is_bad_and_says_so(machine, pki):
    async def story():
        rig = Rig(OpcUaSource(connection(machine.url, variable("temperature")), pki), None)
        machine.tell("temperature", 1.0, quality=0x10)
        async with rig.running():
            await rig.until(lambda: len(rig.kept) >= 1)
        ((_, value, quality),) = rig.of("temperature")
        assert math.isnan(value)
        assert quality == 0x10

    asyncio.run(story())


def test_nobody_there_is_told(pki):
    async def story():
        source = OpcUaSource(connection("opc.tcp://127.0.0.1:9", PARTS), pki)
        rig = Rig(source, None)
        pumping = asyncio.create_task(_pumped(rig))
        await rig.until(lambda: source.health().connected is False)
        assert source.health().trouble.startswith(
            "Expected an OPC UA server at opc.tcp://127.0.0.1:9"
        )
        source.close()
        await pumping

    asyncio.run(story())
