"""Companion specifications, alarms, typed calls and users by certificate, at a real server."""

import asyncio
import json
import shutil

import pytest
from asyncua import Client
from asyncua.crypto.cert_gen import (
    dump_private_key_as_pem,
    generate_private_key,
    generate_self_signed_app_certificate,
)
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from typer.testing import CliRunner

from adapters.opcua.opcua_wire import connection
from adapters.opcua.spec_server import spec_server
from contracts.source_contract import Rig
from fabloop.adapters.opcua import OpcUaSource, Pki, browse, listening
from fabloop.adapters.opcua.alarms import ALARM_STATES
from fabloop.adapters.opcua.calls import Parameter, Signature, call, signature_of, typed
from fabloop.adapters.opcua.companion import fixed_states, states_of
from fabloop.adapters.opcua.identity import identify
from fabloop.adapters.opcua.session import opened
from fabloop.app.demo import documents_of
from fabloop.app.processes.clocks import WallClock
from fabloop.base.errors import Invalid, NotFound, NotPermitted, Refused
from fabloop.base.instant import DAY, Instant
from fabloop.cli.root import app
from fabloop.model.explanation import Explanation, SafetyCode
from fabloop.model.ids import OperationName, WorkUnitId
from fabloop.model.safety import Target
from fabloop.run.gate import simulated
from fabloop.run.permissives import Withheld
from fabloop.sense.connections.model import Variable
from fabloop.sense.connections.propose import Places, propose
from fabloop.sense.readings.series import Series

CLOCK = WallClock()
MINE = "nsu=urn:maker:mill;s="
USER_DAYS = 100
SELECT = (f"{MINE}mill", f"{MINE}select")


def user(folder):
    key = generate_private_key()
    made = generate_self_signed_app_certificate(
        key, "joe", {"organizationName": "plant"}, [x509.UniformResourceIdentifier("urn:joe")],
        [ExtendedKeyUsageOID.CLIENT_AUTH], days=USER_DAYS,
    )  # fmt: skip
    (folder / "user.der").write_bytes(made.public_bytes(Encoding.DER))
    (folder / "user.pem").write_bytes(dump_private_key_as_pem(key))
    return folder / "user.der", folder / "user.pem"


@pytest.fixture(scope="module")
def joe(tmp_path_factory):
    return user(tmp_path_factory.mktemp("joe"))


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return user(tmp_path_factory.mktemp("other"))


@pytest.fixture(scope="module")
def server(tmp_path_factory, joe):
    with spec_server(tmp_path_factory.mktemp("server"), joe[0]) as shown:
        yield shown


@pytest.fixture(scope="module")
def pki(server, tmp_path_factory):
    """Certificates of someone who trusts the server."""
    pki = Pki(tmp_path_factory.mktemp("pki"))
    (pki.folder / "trusted").mkdir()
    endpoint = server.server.iserver.certificate
    (pki.folder / "trusted" / "server.der").write_bytes(endpoint.public_bytes(Encoding.DER))
    return pki


def run(story):
    async def whole():
        async with asyncio.timeout(60):
            return await story()

    return asyncio.run(whole())


def bare(server, **more):
    return connection(server.url, **({"secure": False} | more))


def test_a_machine_that_follows_the_specifications_is_mapped_by_itself(server, pki):
    async def story():
        return await browse(bare(server), pki, CLOCK)

    seen = run(story)
    (plate,) = [each for each in seen.nameplates if each.told]
    assert plate.path[-1] == "Mill-7"
    assert plate.told == {
        "Manufacturer": "Maker", "SerialNumber": "M-4711", "YearOfConstruction": "2021",
        "ProductInstanceUri": "urn:maker:M-4711", "AssetId": "graz-u630",
    }  # fmt: skip
    assert seen.tells_events
    unit = WorkUnitId("graz-u630")
    proposed = {each.name: each for each in propose(seen, Places(units={}, only=unit)).variables}
    assert proposed["machinery.state"].states[-1] == "Executing"
    assert proposed["machinery.mode"].states == ("None", "Maintenance", "Setup", "Processing")
    (mode,) = [each for name, each in proposed.items() if name.endswith("OperationMode")]
    assert mode.states == ("Manual", "Automatic", "2", "Service")
    (program,) = [each for name, each in proposed.items() if "ActiveProgram" in name]
    assert program.states[1] == "Running"
    (parts,) = [each for name, each in proposed.items() if name.endswith("InLifetime")]
    assert parts.kind == "counter"


def test_the_state_of_a_part_is_not_that_of_its_machine():
    machine = ("Machines", "Mill", "MachineryBuildingBlocks", "MachineryItemState", "CurrentState")
    assert fixed_states(machine)[0] == "NotAvailable"
    assert fixed_states(("Machines", "Mill", "Door", "State", "CurrentState")) == ()
    assert states_of(None, []) == ()


def test_an_alarm_is_a_series_of_states_and_stands_until_it_is_over_and_acknowledged(server, pki):
    async def story():
        mill = WorkUnitId("mill")
        series = Series(source="hall", address=f"{MINE}parts", name="parts", work_unit=mill)
        source = OpcUaSource(
            bare(server, alarms=True).__class__(
                id="hall", url=server.url, secure=False, every_ns=50_000_000, ahead_ns=60 * 10**9,
                alarms=True, variables=(Variable(series=series, every_ns=50_000_000),),
            ),
            pki,
        )  # fmt: skip
        rig = Rig(source, None)
        await server.alarm("Coolant", active=True, severity=900, message="before we came")
        async with rig.running():
            await rig.until(source.alarms)
            (alarm,) = source.alarms()
            assert (alarm.work_unit, alarm.name) == ("mill", "Mill-7.Coolant")
            assert (alarm.severity, alarm.message) == (900, "before we came")
            await server.alarm("Door", active=True, severity=300)
            await rig.until(lambda: len(source.alarms()) == 2)
            assert [each.name for each in source.alarms()] == ["Mill-7.Coolant", "Mill-7.Door"]
            await server.alarm("Coolant", active=True, acknowledged=True, severity=900)
            await rig.until(lambda: source.alarms()[0].acknowledged)
            await server.alarm("Coolant", active=False, acknowledged=True, severity=900)
            await rig.until(lambda: len(source.alarms()) == 1)
            await rig.until(lambda: len(rig.of("alarm.Mill-7.Coolant")) == 3)
        return rig

    rig = run(story)
    told = [ALARM_STATES[int(value)] for _, value, _ in rig.of("alarm.Mill-7.Coolant")]
    assert told == ["active", "acknowledged", "normal"]
    assert {value for _, value, _ in rig.of("alarm.Mill-7.Coolant.severity")} == {900.0}


def test_a_flood_of_alarms_is_counted_where_it_is_lost(server, pki, monkeypatch):
    monkeypatch.setattr(listening, "EVENTS_MAX", 2)

    async def story():
        source = OpcUaSource(bare(server, alarms=True), pki)
        rig = Rig(source, None)
        async with rig.running():
            await rig.until(lambda: source.health().connected)
            await asyncio.to_thread(server.done, flood())
            await rig.until(lambda: source.health().gaps)
        return source.health()

    async def flood():
        for n in range(60):
            await server._alarm("Flood", active=bool(n % 2), severity=100)
        await server._alarm("Flood", active=False, acknowledged=True)

    health = run(story)
    assert health.gaps >= 1
    assert "alarms of opc.tcp:" in health.trouble


def closed(_target):
    because = Explanation(code=SafetyCode.STOP_STANDS, subject="guard-door")
    return Withheld(reasons=(because,))


TARGET = Target(work_unit=WorkUnitId("mill"), operation=OperationName("SelectTool"))
FREE = {"gate": simulated, "target": TARGET}


def test_a_method_is_called_with_arguments_of_its_types(server, pki):
    async def story():
        where = (bare(server), pki, CLOCK, *SELECT)
        signature = await signature_of(*where)
        assert [(each.name, each.type, each.array) for each in signature.takes] == [
            ("tool", "UInt16", False), ("offsets", "Double", True), ("mode", "Int32", False),
        ]  # fmt: skip
        given = {"tool": 7, "offsets": [0.5, 1], "mode": 1}
        assert await call(*where, given, **FREE) == {"sum": 1.5, "text": "tool 7"}
        with pytest.raises(Refused, match=r"BadOutOfRange.*Look at the machine"):
            await call(*where, given | {"tool": 99}, **FREE)
        with pytest.raises(Invalid) as found:
            await call(*where, {"tool": 70_000, "offsets": 3, "mod": 1}, **FREE)
        assert [(each.path, each.expected) for each in found.value.faults] == [
            ("mod", "an argument that it takes"),
            ("tool", "a whole number from 0 to 65535"),
            ("offsets", "a list of at most 10000 Double"),
            ("mode", "a Int32"),
        ]
        with pytest.raises(NotFound, match="fabloop machine browse"):
            await signature_of(*where[:3], SELECT[0], f"{MINE}parts")
        with pytest.raises(NotPermitted, match=r"withheld: .*guard-door\. Nothing was called"):
            await call(*where, given, gate=closed, target=TARGET)
        return server.calls

    before = len(server.calls)
    calls = run(story)[before:]
    assert calls == [(7, [0.5, 1.0], 1), (99, [0.5, 1.0], 1)]


def test_a_method_is_called_from_the_command_line_only_where_that_is_said(server, pki, tmp_path):
    shutil.copytree(documents_of("wavegear"), tmp_path / "factory")
    place = ["--factory", str(tmp_path / "factory"), "--pki", str(pki.folder)]
    words = ["machine", "add", server.url, "--id", "mill", "--work-unit", "graz-u630", *place]
    assert CliRunner().invoke(app, [*words, "--insecure"]).exit_code == 0
    words = ["machine", "call", "mill", "Machines/Mill-7/SelectTool", "tool=3", "offsets=[2]"]
    words += ["mode=1", *place]
    before = len(server.calls)
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    assert "takes offsets (list of Double): the offsets\n" in told.stdout
    assert told.stdout.endswith("Nothing was called. Say --now to call it.\n")
    assert len(server.calls) == before
    done = CliRunner().invoke(app, [*words, "--now", "--json"])
    assert json.loads(done.stdout)["gave"] == {"sum": 2.0, "text": "tool 3"}
    assert server.calls[before:] == [(3, [2.0], 1)]
    wrong = CliRunner().invoke(app, [*words[:5], "speed=1", *words[6:]])
    assert isinstance(wrong.exception, Invalid)
    assert "an argument that it takes" in str(wrong.exception)
    gone = CliRunner().invoke(app, [*words[:3], "Machines/Mill-7/SelectTol", *place])
    assert "SelectTool" in str(gone.exception)
    bare = CliRunner().invoke(app, [*words[:2], server.url, *words[3:], "--now", "--insecure"])
    assert "a connection of the factory, to call it" in str(bare.exception)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("Boolean", 1, "true or false"),
        ("Float", 1e39, "a finite number of Float"),
        ("Double", "x", "a finite number of Double"),
        ("Byte", -1, "a whole number from 0 to 255"),
        ("Int32", True, "a whole number from -2147483648 to 2147483647"),
        ("String", 5, "a text"),
        ("DateTime", "2026-06-01", "a time with its time zone"),
        ("DateTime", "soon", "a time such as 2026-06-01T12:00:00Z"),
        ("NodeId", "i=5", "a type that we can send, not NodeId"),
        ("ns=2;i=9", 1, "a type that we can send, not ns=2;i=9"),
    ],
)
def test_an_argument_that_cannot_be_is_refused_by_name(kind, value, expected):
    signature = Signature(
        object="i=1", method="i=2", takes=(Parameter(name="a", type=kind),), gives=()
    )
    with pytest.raises(Invalid) as found:
        typed(signature, {"a": value})
    assert [each.expected for each in found.value.faults] == [expected]


def test_a_user_logs_in_with_a_certificate_and_nobody_else_does(server, pki, joe, other):
    def who(certificate, key):
        return connection(server.url, user_certificate=str(certificate), user_key=str(key))

    async def story():
        session = await opened(who(*joe), pki, CLOCK, comes_back=False)
        await session.client.disconnect()
        with pytest.raises(NotPermitted, match=r"to let in '.*other.*user.der', but found Bad"):
            await opened(who(*other), pki, CLOCK, comes_back=False)
        return session.warning

    assert run(story) == ""


class Later:
    """A clock that is ahead."""

    def __init__(self, days):
        self._days = days

    def now(self):
        return Instant(CLOCK.now() + self._days * DAY)


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (80, ""),
        (20, "to be valid for more than 30 days"),
        (-1, "Have it renewed by whoever issued it"),
    ],
)
def test_a_certificate_of_a_user_is_warned_of_before_it_ends_and_refused_after(joe, left, told):
    wish = connection("opc.tcp://m", user_certificate=str(joe[0]), user_key=str(joe[1]))
    found = identified(wish, Later(USER_DAYS - left))
    assert told in found
    assert bool(told) == bool(found)


def test_what_does_not_prove_who_we_are_is_told_with_its_file(joe, other, tmp_path):
    (tmp_path / "none.der").write_bytes(b"none")

    def told(certificate, key, **more):
        wish = connection("m", user_certificate=str(certificate), user_key=str(key), **more)
        return identified(wish, CLOCK)

    assert "another one. Name the key that belongs" in told(other[0], joe[1])
    assert "Expected a certificate (DER or PEM) in" in told(tmp_path / "none.der", joe[1])
    assert "but found: No such file or directory" in told(tmp_path / "gone.der", joe[1])
    assert "Expected a private key (PEM or DER)" in told(joe[0], tmp_path / "none.der")
    assert "'FABLOOP_TEST_UNSET', but found nothing" in told(
        *joe, password_from="FABLOOP_TEST_UNSET"
    )


def identified(wish, clock):
    """Return what is told of how we log in."""
    try:
        return asyncio.run(identify(Client(wish.url), wish, clock))
    except NotPermitted as error:
        return str(error)


def test_a_method_that_describes_an_argument_for_permits_gets_them():
    takes = (Parameter(name="a", type="Int16"), Parameter(name="Permit", type="String"))
    signature = Signature(object="o", method="m", takes=takes, gives=())
    assert [each.Value for each in typed(signature, {"a": 1}, "cell=1/2")] == [1, "cell=1/2"]
    assert [each.Value for each in typed(signature, {"a": 1})] == [1, ""]
    other = (Parameter(name="Permit", type="Int16"),)  # one of another type is no such argument
    with pytest.raises(Invalid, match="found nothing"):
        typed(Signature(object="o", method="m", takes=other, gives=()), {}, "cell=1/2")
